"""The guided pattern: a panel shows which module is which, and what one sees is turned into the site file's words.

Each module shows its number in the chain (two digits at most: 100 is 00), an arrow that points up above it, and the
first one is lit the other way round. Numbers are always true, whatever the site file says: only where modules are and
how they are turned can be wrong. Pure.
"""

from dataclasses import dataclass

from PIL import Image

from controller.sign.arrangement import CLOCKWISE, Arrow, modules
from controller.site import PanelSpec

_DIGITS = (
    "####.##.##.####",
    ".#.##..#..#.###",
    "##...#.#.#..###",
    "###..#.##..####",
    "#.##.####..#..#",
    "####..##...###.",
    ".###..####.####",
    "###..#.#..#..#.",
    "####.#####.####",
    "####.####..###.",
)
"""Three columns and five rows each, row by row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an installer sees from the front while the pattern is shown."""

    corner: str
    """Where module 1 is: top-left, top-right, bottom-left or bottom-right."""
    second: str
    """Where module 2 is, seen from module 1: "beside" or "above or below" it."""
    next_line: str
    """Where the next row or column begins: on the "same" side as module 1, or on the "other" one."""
    arrow: Arrow
    """Where the arrow on module 1 points."""
    next_arrow: Arrow
    """The same for the first module of the next row (or column)."""
    mirrored: bool
    """Whether digits look as in a mirror."""


def pattern(spec: PanelSpec) -> Image.Image:
    """Return the picture for a panel: every module with its number."""
    image = Image.new("1", spec.size)
    for number, module in enumerate(modules(spec), 1):
        image.paste(_tile(number), (module.x, module.y))
    return image


def line_length(spec: PanelSpec, second: str) -> int:
    """Return how many modules a row has, or a column, by where module 2 is seen."""
    return (spec.width if second == "beside" else spec.height) // 8


def mend(spec: PanelSpec, seen: Seen) -> dict[str, str | bool]:
    """Return the site file's keys that describe the panel on which ``seen`` was seen while ``spec`` was in the file."""
    first, _, _ = spec.arrows.partition("-")
    by_rows = seen.second == "beside"
    # Which of our two arrows the next line's first module was drawn with depends on the file, not on the panel.
    number = min(line_length(spec, seen.second), len(modules(spec)) - 1)
    drawn = modules(spec)[number].arrow
    arrows = [_really(first, seen.arrow, seen.mirrored), _really(drawn, seen.next_arrow, seen.mirrored)]
    several = len(modules(spec)) > line_length(spec, seen.second)
    snake = several and seen.next_line == "other"
    return {
        "data_enters": seen.corner,
        "chain": ("rows" if by_rows else "columns") + ("-snake" if snake else ""),
        "arrows": "-".join(arrows if several and arrows[0] != arrows[1] else arrows[:1]),
        "mirrored": spec.mirrored != seen.mirrored,
    }


def _really(drawn: str, seen: Arrow, mirrored: bool) -> Arrow:  # noqa: FBT001
    """Return where a module's printed arrow points, when ours points to ``seen`` but was drawn for ``drawn``."""
    turned = CLOCKWISE.index(seen) - CLOCKWISE.index("up")
    drawn_turns = CLOCKWISE.index(drawn)
    return CLOCKWISE[(turned - drawn_turns if mirrored else turned + drawn_turns) % 4]


def _tile(number: int) -> Image.Image:
    tile = Image.new("1", (8, 8))
    for x, y in ((3, 0), (4, 0), (2, 1), (3, 1), (4, 1), (5, 1)):
        tile.putpixel((x, y), 1)
    text = str(number) if number < 100 else f"{number % 100:02}"  # noqa: PLR2004  two digits have room
    for place, digit in enumerate(text):
        left = 2 if len(text) == 1 else (0, 4)[place]  # the last column stays dark: 16 beside 15 is not 1 61 5
        for n, dot in enumerate(_DIGITS[int(digit)]):
            if dot == "#":
                tile.putpixel((left + n % 3, 3 + n // 3), 1)
    return tile.point(lambda lit: 0 if lit else 255) if number == 1 else tile
