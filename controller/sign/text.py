"""Lines of text in a face, drawn or measured; and what is said when none fits. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from PIL import Image

from controller.domain.report import Tone
from controller.sign import fonts

_MOST_LINES = 3
_NOWHERE = (-1, -1)


class CannotShow(ValueError):  # noqa: N818  it says what happened to whom: "cannot show ..."
    """A text that does not fit whole, or cannot be drawn. ``columns`` and ``rows`` are the LEDs that are missing."""

    def __init__(
        self, text: str, size: tuple[int, int], why: str, mend: str, *, columns: int = 0, rows: int = 0
    ) -> None:
        self.text, self.size, self.why, self.mend = text, size, why, mend
        self.columns, self.rows = columns, rows
        super().__init__(f"cannot show {text!r} on a {size[0]}x{size[1]} panel: {why}; {mend[:1].lower()}{mend[1:]}")


@dataclass(frozen=True, slots=True)
class Part:
    """A drawn piece of a picture and where it stands."""

    drawing: Image.Image
    x: int
    y: int
    tone: Tone
    caps: int
    """Rows of its capitals."""


class Lacks:
    """Whether layouts fit, and by how little the nearest of them does not."""

    def __init__(
        self, text: str, size: tuple[int, int], what: str = "text", *, room: tuple[int, int] | None = None
    ) -> None:
        self._text, self._size, self._what = text, size, what
        self._room = size if room is None else room
        self._least = _NOWHERE

    def fits(self, size: tuple[int, int]) -> bool:
        """Say whether a layout of this size fits, and remember how much it lacks."""
        columns, rows = (max(0, needs - has) for needs, has in zip(size, self._room, strict=True))
        if self._least == _NOWHERE or columns + rows < sum(self._least):
            self._least = columns, rows
        return not columns and not rows

    def refusal(self) -> CannotShow:
        """Return what to raise when nothing fitted."""
        if self._least == _NOWHERE:
            undrawn = fonts.load(fonts.FACES[-1]).missing(self._text)
            return CannotShow(self._text, self._size, f"no face draws {undrawn!r}", "Write it without")
        columns, rows = self._least
        short = " and ".join(_many(n, what) for n, what in ((columns, "column"), (rows, "row")) if n)
        why = f"it lacks {short}"
        mend = "Use a larger panel" if self._what == "number" else "Write a shorter text, or use a larger panel"
        return CannotShow(self._text, self._size, why, mend, columns=columns, rows=rows)


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of text in one face."""

    face: fonts.Face
    lines: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows with the least gap between lines."""
        return _size(self.face, self.lines)

    def draw(self, x: int, y: int, width: int, height: int, tone: Tone) -> tuple[Part, ...]:
        """Draw the lines in the middle of this box, with what room is left shared between and around them."""
        drawings = [self.face.draw(line) for line in self.lines]
        spare = height - self.size[1]
        more = min(spare // len(drawings), self.face.spacing) if len(drawings) > 1 else 0
        y += (spare - more * (len(drawings) - 1)) // 2
        parts = []
        for drawing in drawings:
            parts.append(Part(drawing, x + (width - drawing.width) // 2, y, tone, self.face.caps))
            y += drawing.height + self.face.spacing + more
        return tuple(parts)


@lru_cache(maxsize=4096)
def _size(face: fonts.Face, lines: tuple[str, ...]) -> tuple[int, int]:
    sizes = [face.measure(line) for line in lines]
    return max(width for width, _ in sizes), sum(height for _, height in sizes) + face.spacing * (len(lines) - 1)


def blocks(wordings: Sequence[str], *, lines: int = _MOST_LINES) -> Iterator[Block]:
    """Yield every way to write it: capitals, of them the longest wording, of it the largest face, of that few lines."""
    capitals = [wording.upper() for wording in wordings]
    for text in dict.fromkeys((*capitals, *wordings)):
        for face in map(fonts.load, fonts.FACES):
            if not face.missing(text):
                yield from (Block(face, broken) for broken in _broken(text, lines))


def _broken(text: str, most: int) -> Iterator[tuple[str, ...]]:
    """Break ``text`` at its spaces in every way: few lines first, then lines of even length."""
    words = text.split(" ")
    for count in range(1, min(len(words), most) + 1):
        ways = [
            tuple(" ".join(words[a:b]) for a, b in zip((0, *cuts), (*cuts, len(words)), strict=True))
            for cuts in combinations(range(1, len(words)), count - 1)
        ]
        yield from sorted(ways, key=lambda lines: max(map(len, lines)))
