"""Message + panel size -> the one picture that a driver sees. Pure.

A layout is chosen, not squeezed: the wordings of a message from the longest to the shortest, the faces from the largest
to the smallest, capitals before small letters, few lines before many. The first that fits whole is the picture; when
none does, ``CannotShow`` says what is missing. Nothing is ever clipped, and nothing scrolls.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

from PIL import Image

from controller.domain.report import Message, MessageKind, Reason
from controller.domain.specs import SignSpec
from controller.sign import fonts

SHORTER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "brak wolnych miejsc": ("brak miejsc", "brak"),
        "nieczynne": ("zamkn.",),
    }
)
"""Wordings for panels that cannot show the whole text, the longest first; the key in small letters."""

_MOST_LINES = 3


class CannotShow(ValueError):  # noqa: N818  it says what happened to whom: "cannot show ..."
    """A text that does not fit whole, or cannot be drawn. ``columns`` and ``rows`` are the LEDs that are missing."""

    def __init__(self, text: str, size: tuple[int, int], why: str, *, columns: int = 0, rows: int = 0) -> None:
        self.text, self.size, self.columns, self.rows = text, size, columns, rows
        super().__init__(f"cannot show {text!r} on a {size[0]}x{size[1]} panel: {why}")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Lines of text in one face."""

    face: fonts.Face
    lines: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows with the least gap between lines."""
        sizes = [self.face.measure(line) for line in self.lines]
        gaps = self.face.spacing * (len(self.lines) - 1)
        return max(width for width, _ in sizes), sum(height for _, height in sizes) + gaps

    def draw(self, width: int, height: int) -> Image.Image:
        """Draw the lines centred, with what room is left shared between and around them."""
        image = Image.new("1", (width, height))
        pictures = [self.face.draw(line) for line in self.lines]
        spare = height - self.size[1]
        more = min(spare // len(pictures), self.face.spacing) if len(pictures) > 1 else 0
        y = (spare - more * (len(pictures) - 1)) // 2
        for picture in pictures:
            image.paste(picture, ((width - picture.width) // 2, y))
            y += picture.height + self.face.spacing + more
        return image


def render(
    message: Message, width: int, height: int, *, shorter: Mapping[str, tuple[str, ...]] = SHORTER
) -> Image.Image:
    """Draw ``message`` for ``width`` x ``height`` LEDs in mode "1"; CannotShow when it does not fit whole."""
    if message.kind is MessageKind.BLANK:
        return Image.new("1", (width, height))
    text = " ".join(message.text.split())
    if not text:
        raise CannotShow(message.text, (width, height), "it is empty; give it a text")
    if message.kind is MessageKind.NUMBER:
        wordings: tuple[str, ...] = (text,)
    else:
        wordings = (text, *shorter.get(text.lower(), ()))
    missing = []
    for layout in _layouts(wordings):
        columns, rows = layout.size
        if columns <= width and rows <= height:
            return layout.draw(width, height)
        missing.append((max(0, columns - width), max(0, rows - height)))
    raise _refusal(text, (width, height), missing)


def _layouts(wordings: Iterable[str]) -> Iterator[_Layout]:
    for wording in wordings:
        for face in map(fonts.load, fonts.FACES):
            for text in dict.fromkeys((wording.upper(), wording)):
                if not face.missing(text):
                    yield from (_Layout(face, lines) for lines in _broken(text))


def _broken(text: str) -> Iterator[tuple[str, ...]]:
    """Break ``text`` at its spaces in every way: few lines first, then lines of even length."""
    words = text.split(" ")
    for count in range(1, min(len(words), _MOST_LINES) + 1):
        ways = [
            tuple(" ".join(words[a:b]) for a, b in zip((0, *cuts), (*cuts, len(words)), strict=True))
            for cuts in combinations(range(1, len(words)), count - 1)
        ]
        yield from sorted(ways, key=lambda lines: max(map(len, lines)))


def _refusal(text: str, size: tuple[int, int], missing: list[tuple[int, int]]) -> CannotShow:
    if not missing:
        undrawn = fonts.load(fonts.FACES[-1]).missing(text)
        return CannotShow(text, size, f"no face draws {undrawn!r}; write it without")
    columns, rows = min(missing, key=sum)
    lacking = " and ".join(f"{count} {what}" for count, what in ((columns, "columns"), (rows, "rows")) if count)
    why = f"{lacking} too few for its shortest wording in the smallest face; choose a shorter text"
    return CannotShow(text, size, why, columns=columns, rows=rows)


def message_for(text: str) -> Message:
    """Return the message that ``sign preview TEXT`` means: a number, "P", full, closed, blank, or any text."""
    words = SignSpec(name="preview", zone="preview")
    if text.isascii() and text.isdecimal():
        return Message(MessageKind.NUMBER, str(int(text)), int(text), Reason.COUNTED)
    match text.strip().lower():
        case "p":
            return Message(MessageKind.UNCERTAIN, words.uncertain_text, None, Reason.NEVER_COUNTED)
        case "full":
            return Message(MessageKind.FULL, words.full_text, None, Reason.COUNTED)
        case "closed":
            return Message(MessageKind.CLOSED, words.closed_text, None, Reason.CLOSED_BY_STAFF)
        case "blank" | "":
            return Message(MessageKind.BLANK, "", None, Reason.NOTHING_COUNTS)
        case _:
            return Message(MessageKind.CLOSED, text, None, Reason.CLOSED_BY_STAFF)


def preview(text: str, width: int, height: int) -> Image.Image:
    """Draw what ``sign preview TEXT`` shows; see ``message_for`` and ``render``."""
    return render(message_for(text), width, height)
