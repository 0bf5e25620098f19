"""Seven-segment digits: what they can say, and how that is drawn and read again. Pure.

A digit is a cell of ``CELL`` LEDs, so that a sign of digits has a picture like any other: the page, the read-back and
the preview show it, and its driver reads from the picture which segments are lit. A number stands at the right.

Seven segments draw few letters: none for k, m, q, v, w, x and z that a driver would read, and no Polish one but Ł. What
reads like a number and is none (IS is 15) is refused: on such a sign it would be a false number.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from PIL import Image, ImageDraw

from controller.domain.report import Message, MessageKind, Tone
from controller.sign.text import CannotShow, Part
from controller.site import DIGIT_LEDS as CELL

A, B, C, D, E, F, G = (1 << bit for bit in range(6, -1, -1))
"""Segments as the MAX7219 has them (datasheet 19-4452, table 6): A at the top, clockwise, G in the middle."""

_BOXES = MappingProxyType(
    {
        A: (1, 0, 5, 1),
        B: (5, 1, 6, 7),
        C: (5, 8, 6, 14),
        D: (1, 14, 5, 15),
        E: (0, 8, 1, 14),
        F: (0, 1, 1, 7),
        G: (1, 7, 5, 8),
    }
)
"""Which LEDs of a cell are a segment: first and last column and row."""

NUMBERS: Mapping[str, int] = MappingProxyType(
    dict(zip("0123456789", (0x7E, 0x30, 0x6D, 0x79, 0x33, 0x5B, 0x5F, 0x70, 0x7F, 0x7B), strict=True))
)
LETTERS: Mapping[str, int] = MappingProxyType(
    {
        " ": 0,
        "-": G,
        "A": A | B | C | E | F | G,
        "B": C | D | E | F | G,
        "C": A | D | E | F,
        "D": B | C | D | E | G,
        "E": A | D | E | F | G,
        "F": A | E | F | G,
        "G": A | C | D | E | F,
        "H": B | C | E | F | G,
        "I": B | C,
        "J": B | C | D | E,
        "L": D | E | F,
        "Ł": D | E | F | G,
        "N": C | E | G,
        "O": C | D | E | G,
        "P": A | B | E | F | G,
        "R": E | G,
        "S": A | C | D | F | G,
        "T": D | E | F | G,
        "U": B | C | D | E | F,
        "Y": B | C | D | F | G,
    }
)
"""By capital; segments know one form of each: A b C d E F G H I J L n o P r S t U y."""

WORDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "brak wolnych miejsc": ("pełny", "peł", "0"),
        "nieczynne": ("-",),
        "wolne": ("p",),
        "no free spaces": ("full", "ful", "0"),
        "closed": ("closed", "-"),
        "spaces": ("spaces", "p"),
        "keine plätze frei": ("0",),
        "geschlossen": ("-",),
        "frei": ("frei", "p"),
    }
)
"""What stands for the usual words, the longest first. A dash fills the sign; 0 is what FULL means."""


def phases(message: Message, digits: int) -> Iterator[Part]:
    """Yield a drawing of the whole sign for each phase of a message; CannotShow when it cannot say it whole."""
    size = digits * CELL[0], CELL[1]
    beside = message.beside or message.also
    if beside is not None:
        raise CannotShow(
            beside, size, "digits show one thing at a time", "Leave out what stands beside a number, or below"
        )
    match message.kind:
        case MessageKind.NUMBER:
            yield _part(_number(message.text, digits), message.tone)
        case MessageKind.ROWS:
            raise CannotShow(message.text, size, "digits show one zone", "Leave rows out")
        case _:
            for text in filter(None, (message.text, message.second)):
                yield _part(_word(text, digits), message.tone)


def lit(image: Image.Image, place: int) -> int:
    """Return the segments that are lit in the cell so many places from the left."""
    found = 0
    for segment, (left, top, right, bottom) in _BOXES.items():
        middle = (place * CELL[0] + (left + right) // 2, (top + bottom) // 2)
        found |= segment if image.getpixel(middle) else 0
    return found


def _number(text: str, digits: int) -> list[int]:
    if len(text) > digits:
        raise CannotShow(text, (digits * CELL[0], CELL[1]), _lacks(len(text) - digits), "Use a sign of more digits")
    return [0] * (digits - len(text)) + [NUMBERS[char] for char in text]


def _word(text: str, digits: int) -> list[int]:
    size = digits * CELL[0], CELL[1]
    ours = WORDINGS.get(" ".join(text.lower().split()))
    if ours is not None:
        word = next(word for word in ours if len(word) <= digits)  # the last has one character
        word = word * digits if word == "-" else word
        return _number(word, digits) if word.isdecimal() else _padded(word, digits)
    undrawn = "".join(dict.fromkeys(char for char in text if char.upper() not in LETTERS and char not in NUMBERS))
    if undrawn:
        why = f"seven segments cannot draw {undrawn!r}"
        raise CannotShow(text, size, why, "Write it without, as full_text, closed_text or uncertain_text can")
    if not text.strip():
        raise CannotShow(text, size, "it is empty", "Give it a text")
    if len(text) > digits:
        raise CannotShow(text, size, _lacks(len(text) - digits), "Write a shorter text, or use a sign of more digits")
    if set(_padded(text, digits)) <= {0, *NUMBERS.values()}:
        raise CannotShow(text, size, "it reads like a number in seven segments", "Write another word")
    return _padded(text, digits)


def _padded(text: str, digits: int) -> list[int]:
    drawn = [NUMBERS[char] if char in NUMBERS else LETTERS[char.upper()] for char in text]
    return drawn + [0] * (digits - len(text))


def _part(patterns: list[int], tone: Tone) -> Part:
    image = Image.new("1", (len(patterns) * CELL[0], CELL[1]))
    draw = ImageDraw.Draw(image)
    for place, pattern in enumerate(patterns):
        x = place * CELL[0]
        for segment, (left, top, right, bottom) in _BOXES.items():
            if pattern & segment:
                draw.rectangle((x + left, top, x + right, bottom), fill=1)
    return Part(image, 0, 0, tone, CELL[1])


def _lacks(digits: int) -> str:
    return "it lacks 1 digit" if digits == 1 else f"it lacks {digits} digits"
