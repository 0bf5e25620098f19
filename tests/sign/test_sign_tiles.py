"""Panels of single LEDs, tiled from matrices: whatever the file says and however they hang, the words are found."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fixtures_site import LANE_SITE
from PIL import Image
from test_sign_ws2812 import COLOUR, Binding

from controller.__main__ import cli
from controller.sign.arrangement import leds
from controller.sign.identify_leds import identify
from controller.sign.ws2812 import Ws2812
from controller.site import PanelSpec, SiteError, TileSpec, load

CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")
CHAINS = ("rows", "rows-snake", "columns", "columns-snake")
SIZE, TILE = (24, 16), (12, 4)
Place = tuple[int, int]


def walk(width: int, height: int, corner: str, chain: str) -> list[list[Place]]:
    """Go from place to place as the data does; return the rows (or columns) in that order."""
    left_first, top_first = corner.endswith("left"), corner.startswith("top")
    xs = list(range(width)) if left_first else list(range(width))[::-1]
    ys = list(range(height)) if top_first else list(range(height))[::-1]
    lines = [[(x, y) for x in xs] for y in ys] if chain.startswith("rows") else [[(x, y) for y in ys] for x in xs]
    if chain.endswith("snake"):
        lines[1::2] = [line[::-1] for line in lines[1::2]]
    return lines


def wall(spec: PanelSpec) -> list[Place]:
    """Hang tiles on a wall; return where each LED of the data line is."""
    tile = spec.tile
    assert tile is not None
    run = [place for line in walk(tile.width, tile.height, tile.data_enters, tile.chain) for place in line]
    upside_down = [(tile.width - 1 - x, tile.height - 1 - y) for x, y in run]
    places = []
    lines = walk(spec.width // tile.width, spec.height // tile.height, spec.data_enters, spec.chain)
    for number, line in enumerate(lines):
        for column, row in line:
            own = upside_down if tile.turned and number % 2 else run
            places += [(column * tile.width + x, row * tile.height + y) for x, y in own]
    return places


def every() -> list[PanelSpec]:
    ways = product(CORNERS, CHAINS, CORNERS, CHAINS, [False, True])
    return [
        PanelSpec("entrance", "ws2812", *SIZE, data_enters=a, chain=b, tile=TileSpec(*TILE, c, d, turned))
        for a, b, c, d, turned in ways
    ]


def test_every_led_of_every_arrangement_is_where_the_data_goes() -> None:
    for spec in every():
        place_of = leds(spec)
        assert [place_of[y * spec.width + x] for x, y in wall(spec)] == list(range(spec.width * spec.height)), spec
    assert len(every()) == 512


class Installer:
    """Looks at a wall and answers by what is lit there alone."""

    def __init__(self, configured: PanelSpec, really: list[Place], tile: Place) -> None:
        self.place_of, self.really, self.tile = leds(configured), really, tile
        self.width = configured.width
        self.asked: list[str] = []
        self.first: list[Place] = []

    def __call__(self, picture: Image.Image, question: str, answers: tuple[str, ...]) -> str:
        sent = [self.place_of[n] for n, value in enumerate(picture.convert("L").tobytes()) if value]
        seen = [self.really[place] for place in sent]
        self.asked.append(question)
        answer = self._answer(seen, question)
        assert answer in answers
        return answer

    def _answer(self, seen: list[Place], question: str) -> str:
        columns, rows = {x for x, _ in seen}, {y for _, y in seen}
        if "corner of its" in question:
            ((x, y),) = seen
            self.first = seen
            across, down = self.tile
            return f"{'top' if y % down < down / 2 else 'bottom'}-{'left' if x % across < across / 2 else 'right'}"
        if "corner of the panel" in question:
            self.first = seen
            return f"{'top' if 0 in rows else 'bottom'}-{'left' if 0 in columns else 'right'}"
        if question.startswith("Some LEDs"):
            return "beside" if len(rows) == 1 else "above or below"
        if question.startswith("Two matrices"):
            return "beside" if len(rows) == self.tile[1] else "above or below"
        axis = 0 if "left or right" in question else 1
        return "same" if min(p[axis] for p in seen) == min(p[axis] for p in self.first) else "other"


CONFIGURED: list[dict[str, Any]] = [
    {"tile": TileSpec(*TILE)},
    {
        "data_enters": "bottom-right",
        "chain": "columns-snake",
        "tile": TileSpec(*TILE, "top-right", "columns", turned=True),
    },
]


@pytest.mark.parametrize("configured", CONFIGURED)
def test_what_is_seen_of_tiles_leads_to_the_words_that_put_them_right(configured: dict[str, Any]) -> None:
    for truth in every():
        installer = Installer(PanelSpec("entrance", "ws2812", *SIZE, **configured), wall(truth), TILE)
        keys = identify(PanelSpec("entrance", "ws2812", *SIZE, **configured), installer)
        assert keys == {"data_enters": truth.data_enters, "chain": truth.chain, "tile": truth.tile}
        assert len(installer.asked) == 7


@pytest.mark.parametrize(("size", "questions"), [((16, 8), 3), ((8, 8), 3)])
def test_a_single_matrix_is_found_by_three_questions(size: Place, questions: int) -> None:
    for corner, chain in product(CORNERS, CHAINS):
        run = [place for line in walk(*size, corner, chain) for place in line]
        installer = Installer(PanelSpec("entrance", "ws2812", *size), run, size)
        assert identify(PanelSpec("entrance", "ws2812", *size), installer) == {"data_enters": corner, "chain": chain}
        assert len(installer.asked) == questions


@pytest.mark.filterwarnings("ignore:Image.Image.getdata")  # luma calls it
def test_a_picture_reaches_the_leds_of_a_tiled_panel_through_lumas_driver() -> None:
    spec = PanelSpec(
        "entrance", "ws2812", *SIZE, data_enters="top-right", chain="rows-snake", tile=TileSpec(*TILE, turned=True)
    )
    binding = Binding()
    panel = Ws2812(spec, binding=binding)
    picture = Image.new("1", SIZE)
    for place in [(0, 0), (23, 15), (5, 9)]:
        picture.putpixel(place, 1)
    panel.show(picture)
    really = wall(spec)
    assert {really[place] for place in binding.lit[-1]} == {(0, 0), (23, 15), (5, 9)}
    assert set(binding.lit[-1].values()) == {COLOUR}
    panel.close()


def test_the_command_asks_and_says_what_to_write_for_tiles(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(LANE_SITE.replace("height = 16", "height = 16\ntile = { width = 32, height = 8 }"))
    answers = ("top-left", "beside", "other", "top-left", "beside", "same", "top-left")
    result = CliRunner().invoke(cli, ["sign", "identify", str(path)], input="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert "The site file is right." in result.output
    answers = ("top-right", "above or below", "other", "bottom-left", "beside", "other", "bottom-left")
    result = CliRunner().invoke(cli, ["sign", "identify", str(path)], input="\n".join(answers) + "\n")
    said = 'chain = "rows-snake"\ntile = { width = 32, height = 8, data_enters = "top-right", chain = "columns-snake", '
    assert f'data_enters = "bottom-left"\n{said}turned = true }}' in result.output
    result = CliRunner().invoke(cli, ["sign", "identify", str(path), "--seconds", "0.1"])
    assert "the first LEDs of the data line are lit" in result.output


@pytest.mark.parametrize(
    ("driver", "tile", "complaint"),
    [
        ("ws2812", "{ width = 24, height = 8 }", "tiles of 24x8 do not make up 64x16"),
        ('max7219"\narrows = "right', "{ width = 8, height = 8 }", "only a ws2812 panel is tiled from matrices"),
        ("ws2812", "{ width = 16 }", "height"),
    ],
)
def test_tiles_that_cannot_be_are_refused(tmp_path: Path, driver: str, tile: str, complaint: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        LANE_SITE.replace('"emulator"', f'"{driver}"').replace("height = 16", f"height = 16\ntile = {tile}")
    )
    with pytest.raises(SiteError, match=complaint):
        load(path)
