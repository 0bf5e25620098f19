"""How the parts of a panel are joined: which place in the chain lights which part of the picture. Pure.

An installer looks at the panel from the front and says in the site file

- ``data_enters``: in which corner the cable from the controller goes into the first module,
- ``chain``: the data runs along rows, or along columns, and each next one begins on the same side again, or as a snake
  on the side where the last one ended,
- ``arrows``: which way the arrow printed on a module points (on the common four-in-one board, FC-16, it runs with the
  data, from DIN to DOUT); ``right-left`` when the modules of every second row hang upside down, as in a snake,
- ``mirrored``: the board runs its columns the other way round than FC-16; ``sign identify`` shows whether.

A module is a MAX7219 with 8x8 LEDs. For strings of single LEDs (WS2812) ``data_enters`` and ``chain`` are said of the
LEDs. Where a panel is tiled from several matrices they are said of the tiles, and ``tile`` has its own for the LEDs of
one; ``turned``: the tiles of every second row (or column) hang upside down, as in a snake.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from PIL import Image

from controller.site import PanelSpec, TileSpec

Arrow = Literal["right", "down", "left", "up"]

CLOCKWISE: tuple[Arrow, ...] = ("right", "down", "left", "up")
"""Each a quarter turn further than the one before."""

_BACK = MappingProxyType({1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270})
"""What undoes so many quarter turns clockwise (Pillow turns the other way)."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module of 8x8 LEDs: its left top LED in the picture, and how it hangs."""

    x: int
    y: int
    arrow: Arrow
    mirrored: bool = False

    def digits(self, image: Image.Image) -> bytes:
        """Return the eight digit registers that light this module's part of a mode "1" picture.

        On an FC-16 whose arrow points right, digit 0 is the lowest row, and its lowest bit the leftmost LED.
        """
        block = image.crop((self.x, self.y, self.x + 8, self.y + 8))
        if turns := CLOCKWISE.index(self.arrow):
            block = block.transpose(_BACK[turns])
        if self.mirrored:
            block = block.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return block.transpose(Image.Transpose.ROTATE_180).tobytes()


def places(columns: int, rows: int, data_enters: str, chain: str) -> Iterator[tuple[int, int, int]]:
    """Yield (column, row, line) of a grid's places in the order of the chain; ``line`` counts its rows, or columns."""
    by_rows, snake = chain.startswith("rows"), chain.endswith("snake")
    lines, length = (rows, columns) if by_rows else (columns, rows)
    from_right, from_below = data_enters.endswith("right"), data_enters.startswith("bottom")
    for line in range(lines):
        for step in range(length):
            along = length - 1 - step if snake and line % 2 else step
            column, row = (along, line) if by_rows else (line, along)
            yield (columns - 1 - column if from_right else column), (rows - 1 - row if from_below else row), line


def modules(spec: PanelSpec) -> tuple[Module, ...]:
    """Return a panel's modules in the order in which the data passes through them."""
    first, _, second = spec.arrows.partition("-")
    arrows = (_arrow(first), _arrow(second or first))
    return tuple(
        Module(8 * column, 8 * row, arrows[line % 2], spec.mirrored)
        for column, row, line in places(spec.width // 8, spec.height // 8, spec.data_enters, spec.chain)
    )


def leds(spec: PanelSpec) -> list[int]:
    """Return for each LED of the picture, row by row from the top left, its place on a data line of single LEDs."""
    tile = tile_of(spec)
    columns, rows = spec.width // tile.width, spec.height // tile.height
    chain = ("top-left", "rows") if spec.tile is None else (spec.data_enters, spec.chain)
    found = [0] * (spec.width * spec.height)
    place = 0
    for column, row, line in places(columns, rows, *chain):
        for x, y, _ in places(tile.width, tile.height, tile.data_enters, tile.chain):
            upside_down = tile.turned and line % 2
            left = column * tile.width + (tile.width - 1 - x if upside_down else x)
            top = row * tile.height + (tile.height - 1 - y if upside_down else y)
            found[top * spec.width + left] = place
            place += 1
    return found


def tile_of(spec: PanelSpec) -> TileSpec:
    """Return how the LEDs of one tile run; a panel that is not tiled is its own only one."""
    return TileSpec(spec.width, spec.height, spec.data_enters, spec.chain) if spec.tile is None else spec.tile


def _arrow(word: str) -> Arrow:
    return CLOCKWISE[CLOCKWISE.index(word)]  # ValueError for any other word
