"""Message + panel size -> what a driver sees: one picture, or two in turn. Pure; time is an argument.

A layout is chosen, not squeezed. A number is as tall as the panel allows; what stands beside it must find room that is
left. Of a text the wordings from the longest to the shortest, the faces from the largest to the smallest, capitals
before small letters, few lines before many: the first that fits whole is the picture. Several zones stand below each
other, beside each other, or the first one large with the rest beside it, whatever makes the smallest digit tallest.
When nothing fits, ``CannotShow`` says what is missing. Nothing is ever clipped.

Only where the site asks: two phases (never more, of ``PHASE_S``), and running text. Phases are for what says something
on its own; a driver at 20 km/h has the sign in view for about two seconds and may see only one of them. The US Manual
on Uniform Traffic Control Devices (MUTCD 2009, chapter 2L) allows no more than two phases, each for at least 2 s, both
within 8 s, each to be understood by itself; and neither scrolling nor anything else that moves.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from PIL import Image

from controller.domain.report import Message, MessageKind, Reason, Row, Tone
from controller.domain.specs import WORDS
from controller.sign import look, segments
from controller.sign.rows import arrangements
from controller.sign.text import Block, CannotShow, Lacks, Part, blocks

__all__ = [
    "SHORTER",
    "CannotShow",
    "Picture",
    "Show",
    "Tint",
    "compose",
    "compose_for",
    "message_for",
    "preview",
    "render",
]

SHORTER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "brak wolnych miejsc": ("brak miejsc", "brak"),
        "nieczynne": ("zamkn.",),
        "no free spaces": ("no spaces", "full"),
        "keine plätze frei": ("besetzt", "voll"),
        "geschlossen": ("zu",),
    }
)
"""Wordings for panels that cannot show the whole text, the longest first; the key in small letters."""

PHASE_S = 3.0
"""How long each of two phases stands."""

TEST_S = 2.0
"""How long each pattern of a test stands."""

SCROLL_STEP_S = 0.04
"""Running text moves on by one column in this time."""


@dataclass(frozen=True, slots=True)
class Tint:
    """What is lit in this box of LEDs (right and bottom are outside) has this tone."""

    box: tuple[int, int, int, int]
    tone: Tone


@dataclass(frozen=True, slots=True)
class Picture:
    """Which LEDs are lit, mode "1", and where a panel with colours repeats what the words say."""

    lit: Image.Image
    tints: tuple[Tint, ...] = ()
    letters: int = 0
    """Rows of the smallest letters or digits in it; 0: there are none."""


@dataclass(frozen=True, slots=True)
class Show:
    """What a panel shows for as long as a message holds: pictures that take turns, each for ``each_s``."""

    pictures: tuple[Picture, ...]
    each_s: float = math.inf

    def at(self, elapsed_s: float) -> tuple[Picture, float]:
        """Return the picture so long after the message came, and when it changes next (infinity: never)."""
        if len(self.pictures) == 1:
            return self.pictures[0], math.inf
        turn = math.floor(elapsed_s / self.each_s)
        return self.pictures[turn % len(self.pictures)], (turn + 1) * self.each_s


def compose(
    message: Message,
    width: int,
    height: int,
    *,
    pages: bool = False,
    scroll: bool = False,
    shorter: Mapping[str, tuple[str, ...]] = SHORTER,
    digits: int | None = None,
) -> Show:
    """Choose the layout of ``message`` for ``width`` x ``height`` LEDs; CannotShow when it does not fit whole."""
    room = _Room(width, height, shorter)
    if message.kind is MessageKind.BLANK:
        return Show((room.picture(()),))
    if message.kind is MessageKind.TEST:
        return Show(tuple(Picture(picture) for picture in look.test_pattern(width, height)), TEST_S)
    if digits is not None:
        pictures = tuple(room.picture((part,)) for part in segments.phases(message, digits))
        return _turns(message, pictures, room, pages=pages)
    try:
        phases = [room.phase(message, message.text)]
        if message.second is not None:
            phases.append(room.phase(message, message.second))
    except CannotShow as refused:
        if pages and message.also is not None and message.second is None:
            bare = _without_also(message)
            phases = [room.phase(bare, bare.text), room.text(message.also, Tone.NEUTRAL)]
        elif scroll and message.kind not in {MessageKind.NUMBER, MessageKind.ROWS}:
            show = room.running(" ".join(filter(None, (message.text, message.also))), message.tone)
            if show is None:
                raise refused from None
            return show
        else:
            raise
    return _turns(message, tuple(phases), room, pages=pages)


def _turns(message: Message, phases: tuple[Picture, ...], room: "_Room", *, pages: bool) -> Show:
    if len(phases) > 1 and not pages:
        raise CannotShow(message.text, room.size, "it holds one language at a time", "Set pages = true")
    return Show(phases, PHASE_S if len(phases) > 1 else math.inf)


class Room(Protocol):
    """What a layout must know of a panel."""

    @property
    def width(self) -> int:
        """Columns of LEDs."""

    @property
    def height(self) -> int:
        """Rows of LEDs."""

    @property
    def pages(self) -> bool:
        """Whether two phases are allowed."""

    @property
    def scroll(self) -> bool:
        """Whether running text is."""

    @property
    def digits(self) -> int | None:
        """How many seven-segment digits it has; None: it is no such sign."""


def compose_for(panel: Room, message: Message) -> Show:
    """Choose the layout of ``message`` for a panel; CannotShow when it does not fit whole."""
    size = panel.width, panel.height
    return compose(message, *size, pages=panel.pages, scroll=panel.scroll, digits=panel.digits)


def _without_also(message: Message) -> Message:
    return Message(message.kind, message.text, message.free, message.reason, message.tone, message.beside, message.rows)


class _Room:
    """A panel's LEDs, and every way to lay something out on them."""

    def __init__(self, width: int, height: int, shorter: Mapping[str, tuple[str, ...]]) -> None:
        self.size = width, height
        self._shorter = shorter

    def phase(self, message: Message, text: str) -> Picture:
        """Draw ``text`` with all that belongs to it in one picture."""
        match message.kind:
            case MessageKind.NUMBER:
                return self._number(message)
            case MessageKind.ROWS:
                return self._rows(message.text, message.rows)
            case _ if message.also is None:
                return self.text(text, message.tone)
            case _:
                return self._two_texts(text, message.tone, message.also)

    def text(self, text: str, tone: Tone) -> Picture:
        """Draw a text alone, in its longest wording that fits."""
        return self.picture(self._fit(text, self.size).draw(0, 0, *self.size, tone))

    def _two_texts(self, text: str, tone: Tone, also: str) -> Picture:
        """Draw one text above another, whose face is no larger."""
        lacks = Lacks(f"{text} {also}", self.size)
        width, height = self.size
        for upper in blocks(self._wordings(text)):
            for lower in blocks(self._wordings(also)):
                if lower.face.caps > upper.face.caps:
                    continue
                (w1, h1), (w2, h2) = upper.size, lower.size
                gap = max(lower.face.spacing, 1)
                if lacks.fits((max(w1, w2), h1 + gap + h2)):
                    spare = height - h1 - h2 - gap
                    first = h1 + spare // 2
                    parts = upper.draw(0, 0, width, first, tone)
                    return self.picture(
                        (*parts, *lower.draw(0, first + gap, width, height - first - gap, Tone.NEUTRAL))
                    )
        raise lacks.refusal()

    def _number(self, message: Message) -> Picture:
        """Draw the number as tall as it fits; a word beside it and a text below take what room is left."""
        digits = " ".join(message.text.split())
        lacks = Lacks(digits, self.size, "number")
        number = next((block for block in blocks((digits,), lines=1) if lacks.fits(block.size)), None)
        if number is None:
            raise lacks.refusal()
        width, height = self.size
        below = 0 if message.also is None else number.size[1] + max(number.face.spacing // 2, 1)
        top = height if message.also is None else number.size[1]
        parts: tuple[Part, ...]
        if message.beside is None:
            parts = number.draw(0, 0, width, top, message.tone)
        else:
            parts = self._beside(message.beside, number, top, message.tone)
        if message.also is not None:
            room = width, height - below
            parts = (*parts, *self._fit(message.also, room).draw(0, below, *room, Tone.NEUTRAL))
        return self.picture(parts)

    def _beside(self, text: str, number: Block, height: int, tone: Tone) -> tuple[Part, ...]:
        """Put the word before the number, both in the middle; all digits are equally wide, so that none moves.

        More parts them than parts two letters, or "FREI 38" would read "FRE138".
        """
        width, taken = self.size[0], number.size[0]
        lacks = Lacks(text, self.size, room=(width, height))
        for word in blocks(self._wordings(text)):
            gap = word.face.spacing + number.face.spacing
            if word.face.caps <= number.face.caps and lacks.fits((word.size[0] + gap + taken, word.size[1])):
                break
        else:
            raise lacks.refusal()
        gap += min((width - word.size[0] - gap - taken) // 3, gap)
        left = (width - word.size[0] - gap - taken) // 2
        right = left + word.size[0] + gap
        return (*word.draw(left, 0, word.size[0], height, tone), *number.draw(right, 0, taken, height, tone))

    def _fit(self, text: str, room: tuple[int, int]) -> Block:
        """Return a text as large as it fits this much room."""
        lacks = Lacks(text, self.size, room=room)
        for block in blocks(self._wordings(text)):
            if lacks.fits(block.size):
                return block
        raise lacks.refusal()

    def _rows(self, text: str, rows: Sequence[Row]) -> Picture:
        lacks = Lacks(text, self.size)
        found = [way for way in arrangements(rows) if lacks.fits(way.size)]
        if not found:
            raise lacks.refusal()
        best = max(found, key=lambda way: way.merit)
        return self.picture(best.draw(*self.size))

    def running(self, text: str, tone: Tone) -> Show | None:
        """Let a text that does not fit run through, from right to left; None when it is too tall even so."""
        width, height = self.size
        block = next((block for block in blocks((text,), lines=1) if block.size[1] <= height), None)
        if block is None:
            return None
        strip = Image.new("1", (block.size[0] + 2 * width, height))
        for part in block.draw(width, 0, block.size[0], height, tone):
            strip.paste(part.drawing, (part.x, part.y))
        steps = range(strip.width - width)
        whole = Tint((0, 0, width, height), tone)
        return Show(tuple(Picture(strip.crop((x, 0, x + width, height)), (whole,)) for x in steps), SCROLL_STEP_S)

    def picture(self, parts: Iterable[Part]) -> Picture:
        """Put the parts together."""
        image = Image.new("1", self.size)
        tints, caps = [], []
        for part in parts:
            caps.append(part.caps)
            image.paste(part.drawing, (part.x, part.y))
            tints.append(Tint((part.x, part.y, part.x + part.drawing.width, part.y + part.drawing.height), part.tone))
        return Picture(image, tuple(tints), min(caps, default=0))

    def _wordings(self, text: str) -> tuple[str, ...]:
        whole = " ".join(text.split())
        if not whole:
            raise CannotShow(text, self.size, "it is empty", "Give it a text")
        tight = re.sub(" ?([←→↑↓]) ?", r"\1", whole)  # an arrow parts what it stands between, nothing else does
        return tuple(dict.fromkeys((whole, *self._shorter.get(whole.lower(), ()), tight)))


def render(message: Message, width: int, height: int) -> Image.Image:
    """Return the one picture that ``compose`` makes of a message, or the first of two, in mode "1"."""
    return compose(message, width, height).pictures[0].lit


def message_for(text: str, *, language: str = "pl") -> Message:
    """Return the message that ``text`` means: a number, "P", full, closed, blank, or any words."""
    words = WORDS[language]
    if text.isascii() and text.isdecimal():
        return Message(MessageKind.NUMBER, str(int(text)), int(text), Reason.COUNTED, Tone.FREE)
    match text.strip().lower():
        case "p":
            return Message(MessageKind.UNCERTAIN, "P", None, Reason.NEVER_COUNTED)
        case "full":
            return Message(MessageKind.FULL, words.full, None, Reason.COUNTED, Tone.FULL)
        case "closed":
            return Message(MessageKind.CLOSED, words.closed, None, Reason.CLOSED_BY_STAFF, Tone.FULL)
        case "blank" | "":
            return Message(MessageKind.BLANK, "", None, Reason.NOTHING_COUNTS)
        case _:
            return Message(MessageKind.STAFF, text, None, Reason.STAFF_MESSAGE)


def preview(text: str, width: int, height: int) -> Image.Image:
    """Draw what ``sign preview TEXT`` shows first; see ``message_for``."""
    return render(message_for(text), width, height)
