"""The test that staff ask for on a page: what it shows of a panel, for how long, and that it ends."""

import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from fixtures_site import LANE_SITE
from PIL import Image

from controller import cli_kept_up
from controller.__main__ import cli
from controller.domain.message import TEST
from controller.domain.report import Message, MessageKind, Reason
from controller.sign import panel
from controller.sign.layout import TEST_S, compose
from controller.sign.panel import Emulator
from controller.site import PanelSpec

MESSAGE = Message(MessageKind.TEST, TEST, None, Reason.SIGN_TEST)


@pytest.mark.parametrize("size", [(8, 8), (32, 8), (64, 16), (128, 32)])
def test_every_led_is_seen_lit_and_seen_dark_before_the_test_is_over(size: tuple[int, int]) -> None:
    show = compose(MESSAGE, *size)
    lasts_s = 12.0  # ``commands.TEST_S``
    shown, at = [], 0.0
    while at < lasts_s:
        picture, until = show.at(at)
        shown.append(picture.lit.tobytes())
        assert picture.lit.size == size
        assert until == pytest.approx(at + TEST_S)
        at = until
    every_lit = bytes(math.prod(size) // 8 * [0xFF])
    assert shown[0] == every_lit
    assert bytes(map(any_of, *shown)) == every_lit
    assert not any(map(all_of, *shown))


class Forgetful(Emulator):
    """A panel that is dark a while after it was told something, as HUB75 is after its time to live."""

    def __init__(self, spec: PanelSpec) -> None:
        super().__init__(spec)
        self.shown: list[bytes] = []

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        super().show(image, until)
        self.shown.append(image.tobytes())


@pytest.mark.parametrize("colours", ["one", "states"])
def test_the_command_keeps_each_picture_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, colours: str) -> None:
    made: list[Forgetful] = []

    def opened(spec: PanelSpec) -> Forgetful:
        made.append(Forgetful(spec))
        return made[-1]

    monkeypatch.setattr(panel, "open_panel", opened)
    monkeypatch.setattr(cli_kept_up, "_REPEAT_S", 0.01)
    path = tmp_path / "site.toml"
    path.write_text(LANE_SITE.replace('"emulator"', f'"emulator"\ncolours = "{colours}"'))
    result = CliRunner().invoke(cli, ["sign", "test", str(path), "--seconds", "0.2"])
    assert result.exit_code == 0, result.output
    (told,) = (each.shown for each in made)
    pictures = list(dict.fromkeys(told))
    assert len(pictures) == 5
    assert all(told.count(picture) >= 3 for picture in pictures), "one that forgets is told again"


def any_of(*parts: int) -> int:
    together = 0
    for part in parts:
        together |= part
    return together


def all_of(*parts: int) -> int:
    together = 0xFF
    for part in parts:
        together &= part
    return together
