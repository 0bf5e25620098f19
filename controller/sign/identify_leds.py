"""The guided patterns for strings of single LEDs (WS2812): what one sees of them becomes the site file's words.

A matrix whose LEDs run otherwise than the file says shows no digit that could be read. So nothing is drawn: LEDs are
lit by their place on the data line, which is always true. The first one shows where the line begins, the first few
which way it runs, the one after the first row (or column) where the next begins; then the same of whole tiles. Pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PIL import Image

from controller.sign.arrangement import leds, tile_of
from controller.site import PanelSpec, TileSpec

CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")
WAYS = ("beside", "above or below")
SIDES = ("same", "other")

Ask = Callable[[Image.Image, str, tuple[str, ...]], str]
"""Shows a picture, asks a question about it, and returns which of the answers was given."""


@dataclass(frozen=True, slots=True)
class _Line:
    """How parts follow each other: where the first one is, which way, and where the next row or column begins."""

    corner: str
    chain: str


def lit(spec: PanelSpec, places: Iterable[int]) -> Image.Image:
    """Return the picture that lights just these LEDs, by their place on the data line (0: the first)."""
    at = {place: n for n, place in enumerate(leds(spec))}
    image = Image.new("1", spec.size)
    for place in places:
        image.putpixel((at[place] % spec.width, at[place] // spec.width), 1)
    return image


def identify(spec: PanelSpec, ask: Ask) -> dict[str, str | TileSpec]:
    """Ask what is seen; return the site file's keys that describe the panel, whatever they were."""
    tile = tile_of(spec)
    each = tile.width * tile.height
    across, down = spec.width // tile.width, spec.height // tile.height
    what = "matrix" if across * down > 1 else "panel"

    def show(first: int, count: int, question: str, answers: tuple[str, ...]) -> str:
        return ask(lit(spec, range(first, first + count)), question, answers)

    corner = show(0, 1, f"One LED is lit. In which corner of its {what} is it?", CORNERS)
    inner = _asked(
        corner,
        (tile.width, tile.height),
        ("LED", "Some LEDs are lit. How do they lie?"),
        lambda first, question, answers: show(first, 1 if first else min(tile.width, tile.height), question, answers),
    )
    if spec.tile is None:
        return {"data_enters": inner.corner, "chain": inner.chain}
    if across * down == 1:
        return {"tile": TileSpec(tile.width, tile.height, inner.corner, inner.chain)}
    first = show(0, each, "One whole matrix is lit, the first. In which corner of the panel is it?", CORNERS)
    outer = _asked(
        first,
        (across, down),
        ("matrix", "Two matrices are lit. How do they lie?"),
        lambda place, question, answers: show(place * each, each if place else 2 * each, question, answers),
    )
    turned = False
    length = across if outer.chain.startswith("rows") else down
    if across * down > length:
        there = show(length * each, 1, "One LED is lit. In which corner of its matrix is it?", CORNERS)
        turned = there != corner
    own = TileSpec(tile.width, tile.height, inner.corner, inner.chain, turned)
    return {"data_enters": outer.corner, "chain": outer.chain, "tile": own}


def _asked(
    corner: str, size: tuple[int, int], words: tuple[str, str], show: Callable[[int, str, tuple[str, ...]], str]
) -> _Line:
    """Ask how parts follow each other in a grid of so many columns and rows; ``show`` lights one, or the first ones."""
    across, down = size
    what, which_way = words
    beside = across > 1 if 1 in size else show(0, which_way, WAYS) == "beside"
    length, lines = (across, down) if beside else (down, across)
    line, sides = ("row", "left or right") if beside else ("column", "upper or lower")
    snake = lines > 1 and (
        show(
            length, f"A {what} is lit that begins the next {line}. Is it on the same {sides} side as the first?", SIDES
        )
        == "other"
    )
    return _Line(corner, ("rows" if beside else "columns") + ("-snake" if snake else ""))
