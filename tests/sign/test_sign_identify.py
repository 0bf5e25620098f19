"""Whatever a site file says, and however the modules really hang: what the installer sees leads to the right words."""

from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner
from fixtures_site import LANE_SITE
from PIL import Image
from sign_chips import Chain, Hung, wall
from sign_chips import seen as look_at
from test_sign_max7219 import ARROWS, CHAINS, CORNERS

from controller.__main__ import cli
from controller.sign import identify
from controller.sign.arrangement import CLOCKWISE
from controller.sign.identify import Seen
from controller.sign.max7219 import Max7219
from controller.site import PanelSpec

CONFIGURED = [
    {},
    {"arrows": "down-up", "chain": "columns-snake"},
    {"arrows": "left", "data_enters": "bottom-right", "mirrored": True},
]


def as_seen(picture: Image.Image, hung: list[Hung]) -> Seen:
    """Describe a panel as a person who looks at it would, by its pixels."""
    upright = {n: picture_of(n) for n in range(1, len(hung) + 1)}

    def at(n: int) -> Image.Image:
        return picture.crop((hung[n - 1].x, hung[n - 1].y, hung[n - 1].x + 8, hung[n - 1].y + 8))

    def hangs(n: int) -> tuple[int, bool]:
        for mirrored, turns in product([False, True], range(4)):
            tile = upright[n]
            if mirrored:
                tile = tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            for _ in range(turns):
                tile = tile.transpose(Image.Transpose.ROTATE_270)
            if tile.tobytes() == at(n).tobytes():
                return turns, mirrored
        raise AssertionError(n)

    one, two = hung[0], hung[1]
    beside = one.y == two.y
    corner = ("top" if one.y == 0 else "bottom") + ("-left" if one.x == 0 else "-right")
    following = next((n for n, h in enumerate(hung, 1) if (h.y != one.y if beside else h.x != one.x)), 1)
    there = hung[following - 1]
    same = (there.x == one.x) if beside else (there.y == one.y)
    up = CLOCKWISE.index("up")
    mirrors = {hangs(n)[1] for n in (2, 3)}  # a 1 alone is too even to tell
    assert len(mirrors) == 1
    return Seen(
        corner,
        "beside" if beside else "above or below",
        "same" if same else "other",
        CLOCKWISE[(up + hangs(1)[0]) % 4],
        CLOCKWISE[(up + hangs(following)[0]) % 4],
        mirrors.pop(),
    )


def picture_of(n: int) -> Image.Image:
    spec = PanelSpec("", "max7219", 8 * n, 8)
    return identify.pattern(spec).crop((8 * n - 8, 0, 8 * n, 8))


@pytest.mark.parametrize("configured", CONFIGURED)
@pytest.mark.parametrize(("width", "height"), [(32, 16), (24, 24)])
def test_what_is_seen_leads_to_the_words_that_put_it_right(
    width: int, height: int, configured: dict[str, str | bool]
) -> None:
    spec = PanelSpec("entrance", "max7219", width, height, **configured)  # type: ignore[arg-type]
    for data_enters, chain, arrows, mirrored in product(CORNERS, CHAINS, ARROWS, [False, True]):
        hung = wall(width, height, data_enters, chain, ARROWS[arrows], mirrored)
        chips = Chain(len(hung))
        chips.ever_lit = None
        Max7219(spec, serial=chips).show(identify.pattern(spec))
        keys = identify.mend(spec, as_seen(look_at(chips, hung, width, height), hung))
        assert keys == {"data_enters": data_enters, "chain": chain, "arrows": arrows, "mirrored": mirrored}


def test_numbers_of_two_digits_do_not_run_into_each_other() -> None:
    picture = identify.pattern(PanelSpec("", "max7219", 8 * 99, 8))
    for n in range(2, 100):
        assert picture.crop((8 * n - 1, 0, 8 * n, 8)).getbbox() is None, n


def ask(path: Path, *answers: str, name: str = "entrance") -> str:
    result = CliRunner().invoke(cli, ["sign", "identify", str(path), "--name", name], input="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_says_that_the_file_is_right_or_what_to_write_in_it(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(LANE_SITE)
    said = ask(path, "top-left", "beside", "up", "same", "up", "n")
    assert "\n###..###...##......##......##......##......##......##......##...\n##....##..####.." in said
    assert "The site file is right." in said
    said = ask(path, "bottom-right", "beside", "left", "other", "right", "n")
    assert 'data_enters = "bottom-right"\nchain = "rows-snake"\narrows = "up-down"\nmirrored = false' in said
    said = ask(path, "nowhere", "top-left", "above or below", "up", "other", "up", "y")
    assert "'nowhere' is not one of" in said
    assert "Module 3 begins the next column." in said
    assert 'chain = "columns-snake"\narrows = "right"\nmirrored = true' in said


def test_a_single_row_of_modules_is_asked_no_more_than_it_can_answer(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(LANE_SITE.replace("height = 16", "height = 8"))
    said = ask(path, "top-left", "up", "n")
    assert "The site file is right." in said
    assert "seen from module 1" not in said


def test_what_cannot_be_identified_is_said(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(LANE_SITE.replace('"emulator"\nwidth = 64\nheight = 16', '"max7219-digits"\ndigits = 3'))
    runner = CliRunner()
    result = runner.invoke(cli, ["sign", "identify", str(path)])
    assert result.exit_code == 2
    assert "sign entrance is neither a max7219 nor a ws2812 panel" in result.output
    result = runner.invoke(cli, ["sign", "identify", str(path), "--name", "exit"])
    assert "no sign exit here. Signs: entrance" in result.output
    path.write_text(LANE_SITE.replace('"emulator"', '"max7219"\narrows = "right"\nspi_port = 5'))
    result = runner.invoke(cli, ["sign", "identify", str(path)])
    assert result.exit_code == 1
    assert "panel entrance: /dev/spidev5.0" in result.output


def test_without_questions_the_pattern_is_shown_for_as_long_as_one_likes(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(LANE_SITE)
    result = CliRunner().invoke(cli, ["sign", "identify", str(path), "--seconds", "0.1"])
    assert result.exit_code == 0
    assert "In which corner" not in result.output
