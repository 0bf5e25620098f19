"""The faces that the signs write with: our own drawings, kept as readable text in ``faces/NAME.txt``.

A face file has comments (``;``), then ``key value`` lines, then glyphs: a line ``glyph A`` and the rows below it, from
the top, ``#`` for a lit LED. Every glyph is drawn either in ``caps`` rows, standing on the baseline, or in all
``ascent + descent`` rows of the box. ``spacing`` is the number of dark columns between two glyphs. ``digits`` is the
width that all digits share, so that a changing number does not jump.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from PIL import Image

FACES = ("giant", "huge", "large", "tall", "high", "medium", "bold", "small")
"""Every face, the largest first."""

_NUMBERS = ("caps", "ascent", "descent", "spacing", "digits")
_CHARACTERS = {"space": " "}


class FaceError(ValueError):
    """A face file is not what it must be: names file, line and mend."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character's drawing in the whole box: ``rows[y][x]``, ``y`` from the top of the ascent."""

    char: str
    rows: tuple[str, ...]
    width: int
    ink: tuple[int, int] | None
    """First lit row, and the row after the last lit one; None for a space."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A set of glyphs that stand together on one baseline; each is itself and loaded once."""

    name: str
    caps: int
    """Rows of a capital without accent."""
    ascent: int
    """Rows above the baseline."""
    descent: int
    """Rows below it."""
    spacing: int
    digits: int | None
    glyphs: MappingProxyType[str, Glyph]

    def missing(self, text: str) -> str:
        """Return the characters of ``text`` that this face cannot draw, each once."""
        return "".join(dict.fromkeys(char for char in text if char not in self.glyphs))

    def measure(self, text: str) -> tuple[int, int]:
        """Return columns and lit rows that ``text`` takes; KeyError for a missing glyph."""
        glyphs = [self.glyphs[char] for char in text]
        width = sum(glyph.width for glyph in glyphs) + self.spacing * max(len(glyphs) - 1, 0)
        top, bottom = self._ink(text)
        return width, bottom - top

    def draw(self, text: str) -> Image.Image:
        """Draw ``text`` in mode "1", exactly as large as ``measure`` says; KeyError for a missing glyph."""
        top, _ = self._ink(text)
        image = Image.new("1", self.measure(text))
        x = 0
        for glyph in (self.glyphs[char] for char in text):
            for y, row in enumerate(glyph.rows):
                for dx, pixel in enumerate(row):
                    if pixel == "#":
                        image.putpixel((x + dx, y - top), 1)
            x += glyph.width + self.spacing
        return image

    def _ink(self, text: str) -> tuple[int, int]:
        spans = [ink for ink in (self.glyphs[char].ink for char in text) if ink is not None]
        return min((top for top, _ in spans), default=0), max((bottom for _, bottom in spans), default=0)


@cache
def load(name: str) -> Face:
    """Return the face of this name, read once; FaceError when there is none or its file is wrong."""
    source = resources.files(__package__) / "faces" / f"{name}.txt"
    if not source.is_file():
        raise FaceError(f"no face {name!r}: known are {', '.join(FACES)}")
    return parse(name, source.read_text("utf-8"))


def parse(name: str, text: str) -> Face:
    """Read a face file's text; FaceError names the line."""
    numbers: dict[str, int] = {}
    drawings: dict[str, list[str]] = {}
    rows: list[str] | None = None
    for line_no, line in _lines(text):
        key, _, value = line.partition(" ")
        if set(line) <= {"#", "."}:
            if rows is None:
                raise FaceError(f"{name}:{line_no}: a row of pixels before the first glyph")
            rows.append(line)
        elif key == "glyph":
            char = _CHARACTERS.get(value, value)
            if len(char) != 1 or char in drawings:
                raise FaceError(f"{name}:{line_no}: glyph {value!r} must be one character, drawn once")
            rows = drawings[char] = []
        elif key in _NUMBERS and value.isdecimal() and rows is None:
            numbers[key] = int(value)
        else:
            raise FaceError(f"{name}:{line_no}: {line!r} is neither a setting, nor a glyph, nor a row of # and .")
    return _face(name, numbers, drawings)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for line_no, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith(";"):
            yield line_no, stripped


def _face(name: str, numbers: dict[str, int], drawings: dict[str, list[str]]) -> Face:
    absent = [key for key in _NUMBERS if key not in numbers and key != "digits"]
    if absent or not drawings:
        raise FaceError(f"{name}: no {', '.join(absent) or 'glyphs'}")
    caps, ascent, descent = numbers["caps"], numbers["ascent"], numbers["descent"]
    digits = numbers.get("digits")
    glyphs = {}
    for char, rows in drawings.items():
        if len(rows) not in {caps, ascent + descent} or len({len(row) for row in rows}) != 1:
            raise FaceError(f"{name}: glyph {char!r} must have {caps} or {ascent + descent} rows of one width")
        if digits is not None and char.isdecimal() and len(rows[0]) != digits:
            raise FaceError(f"{name}: digit {char!r} is {len(rows[0])} wide, not {digits}")
        blank = "." * len(rows[0])
        if len(rows) == caps:
            rows = [blank] * (ascent - caps) + rows + [blank] * descent  # noqa: PLW2901  the same glyph in its box
        lit = [y for y, row in enumerate(rows) if "#" in row]
        glyphs[char] = Glyph(char, tuple(rows), len(rows[0]), (lit[0], lit[-1] + 1) if lit else None)
    return Face(name, caps, ascent, descent, numbers["spacing"], digits, MappingProxyType(glyphs))
