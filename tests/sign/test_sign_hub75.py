"""A HUB75 panel: its process with a stand-in for the GPL binding, and the driver at the other end of its socket."""

import ast
import contextlib
import json
import math
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fixtures_broker import until
from fixtures_site import LANE_SITE, ROOT, WriteSite

from controller.domain.report import Tone
from controller.sign import hub75_process
from controller.sign.colours import painted
from controller.sign.hub75 import Hub75
from controller.sign.hub75_process import Shown
from controller.sign.layout import compose, message_for, preview
from controller.sign.panel import Panel, PanelError, open_panel
from controller.sign.ws2812 import AMBER
from controller.site import Hub75Spec, PanelSpec, SiteError, load

HUB75 = 'driver = "hub75"\nhub75 = { rows = 32, cols = 64, chain = 2, slowdown = 4, socket = "SOCKET" }\n'

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a Pi's panel")


def site_text(socket: Path, panel: str = HUB75) -> str:
    text = LANE_SITE.replace('driver = "emulator"\nwidth = 64\nheight = 16\n', panel + "width = 128\nheight = 32\n")
    text = text.replace("gpio = 17", "gpio = 14").replace("gpio = 27", "gpio = 19")  # the panel takes those
    return text.replace("SOCKET", str(socket))


class Driver:
    """``parking-controller sign hub75`` as a child, with the stand-in where the binding would be."""

    def __init__(self, site: Path, **environment: str) -> None:
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        path = os.pathsep.join([str(ROOT), str(Path(__file__).parent / "fake_hub75")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "controller", "sign", "hub75", str(site)],
            cwd=site.parent,
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.put(line.strip())
        self.lines.put("end")

    def next(self, pattern: str) -> re.Match[str]:
        """Return the next line that matches; nothing wrong may come before it."""
        while True:
            line = self.lines.get(timeout=20)
            assert not line.startswith(("wrong", "Traceback")), line
            if found := re.fullmatch(pattern, line):
                return found
            assert line != "end", pattern

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def running(folder: Path) -> Iterator[tuple[Driver, PanelSpec]]:
    site = folder / "site.toml"
    site.write_text(site_text(folder / "hub75.sock"))
    driver = Driver(site)
    try:
        until((folder / "hub75.sock").exists)
        yield driver, load(site).panels[0]
    finally:
        driver.end()


IMAGE = preview("17", 128, 32)
LIT = sum(IMAGE.tobytes().count(bytes([value])) * value.bit_count() for value in range(256))
CHANGE = r"(\d+\.\d+) (lit|dark)"


def test_a_picture_is_lit_in_amber_dimmed_held_and_dark_when_told(tmp_path: Path) -> None:
    with running(tmp_path) as (driver, spec):
        panel = open_panel(spec)
        assert isinstance(panel, Hub75)
        panel.show(IMAGE)
        assert driver.next(r"picture (\d+) (\d+) (.*)").groups() == ("100", "0", "[]")  # dark from the first moment on
        assert driver.next(r"picture (\d+) (\d+) (.*)").groups() == ("56", str(LIT), f"[{AMBER}]")
        assert driver.next(CHANGE)[2] == "lit"
        panel.dim(0)
        panel.show(IMAGE)
        assert driver.next(r"picture (\d+) (\d+) .*").groups() == ("6", str(LIT))
        panel.dark()
        assert driver.next(CHANGE)[2] == "dark"
        panel.close()


def test_colours_are_sent_as_they_are(tmp_path: Path) -> None:
    picture = compose(message_for("full"), 128, 32).pictures[0]
    assert picture.tints[0].tone is Tone.FULL
    with running(tmp_path) as (driver, _):
        site = tmp_path / "site.toml"
        site.write_text(site_text(tmp_path / "hub75.sock", HUB75 + 'colours = "states"\n'))
        panel = open_panel(load(site).panels[0])
        image = painted(picture)
        panel.show(image)
        colours = sorted({rgb for _, rgb in image.getcolors() or [] if rgb != (0, 0, 0)})
        found = driver.next(r"picture 56 \d+ (\[\(.*)")
        assert found[1] == str(colours)
        panel.close()


def test_what_is_not_held_on_goes_dark_by_itself_and_at_once_when_the_sign_process_is_gone(tmp_path: Path) -> None:
    with running(tmp_path) as (driver, spec):
        panel = open_panel(spec)
        said = time.monotonic()
        panel.show(IMAGE, said + 0.5)
        assert driver.next(CHANGE)[2] == "lit"
        went = float(driver.next(CHANGE)[1])
        assert said + 0.5 <= went <= said + 1.2
        said = time.monotonic()
        panel.show(IMAGE.rotate(180), math.inf)  # nobody is believed for longer than 3 s
        assert driver.next(CHANGE)[2] == "lit"
        went = float(driver.next(CHANGE)[1])
        assert said + 2.9 <= went <= said + 3.7
        panel.show(IMAGE)
        assert driver.next(CHANGE)[2] == "lit"
        gone = time.monotonic()
        panel._socket.close()  # type: ignore[attr-defined]  # noqa: SLF001  as the system does when the process dies
        assert float(driver.next(CHANGE)[1]) <= gone + 1.0


def test_ending_it_is_dark_and_the_sign_process_notices(tmp_path: Path) -> None:
    with running(tmp_path) as (driver, spec):
        panel = open_panel(spec)
        panel.show(IMAGE)
        driver.next(CHANGE)
        driver.process.send_signal(signal.SIGTERM)
        assert driver.next(CHANGE)[2] == "dark"
        assert driver.process.wait(10) == 0
        assert not (tmp_path / "hub75.sock").exists()
        with pytest.raises(PanelError, match=r"its driver at .*hub75\.sock is gone"):
            _say_often(panel)
        with contextlib.suppress(PanelError):
            panel.close()
        with pytest.raises(PanelError, match=r"nobody drives it at .*; start parking-hub75"):
            open_panel(spec)


def _say_often(panel: Panel) -> None:
    """Write more than once: the first bytes may go into a buffer that nobody reads."""
    for degrees in (0, 180, 0):
        panel.show(IMAGE.rotate(degrees))


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PYTHONPATH": str(ROOT)}, "sign hub75: the binding of rpi-rgb-led-matrix is not installed .*rgbmatrix.*"),
        (
            {"FAKE_HUB75_FAILS": "1"},
            "sign hub75: the panel cannot be driven: RGBMatrix creation failed; it needs root.*",
        ),
    ],
)
def test_it_says_what_it_lacks(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    site = tmp_path / "site.toml"
    site.write_text(site_text(tmp_path / "hub75.sock"))
    driver = Driver(site, **environment)
    try:
        driver.next(said)
        assert driver.process.wait(10) == 1
    finally:
        driver.end()


class Paper:
    """A matrix of 2x1 LEDs that keeps what it was told."""

    size = (2, 1)

    def __init__(self) -> None:
        self.told: list[object] = []

    def show(self, rgb: bytes, brightness: int) -> None:
        self.told.append((rgb.hex(), brightness))

    def dark(self) -> None:
        self.told.append("dark")


GOOD = {"until": 10.0, "brightness": 8, "rgb": "000000ff6000"}


def line(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"x", "Expecting value"),
        (b"[]", "no picture"),
        (b"{}", "no picture: KeyError"),
        (line(rgb="ff"), "0 pixels for 2x1 LEDs; the site file and the panel differ"),
        (line(rgb="xx"), "non-hexadecimal"),
        (line(until="soon"), "could not convert"),
        (line(until=math.nan), "until nan"),
        (line(brightness=16), "brightness 16 is out of range"),
    ],
)
def test_what_makes_no_sense_is_named_and_lights_nothing(raw: bytes, why: str) -> None:
    paper = Paper()
    with pytest.raises(ValueError, match=why):
        Shown(paper).hear(raw, 9.0)  # type: ignore[arg-type]  # a matrix by its shape
    assert paper.told == []


def test_what_came_too_late_lights_nothing_and_a_picture_is_drawn_once() -> None:
    paper = Paper()
    shown = Shown(paper)  # type: ignore[arg-type]  # a matrix by its shape
    shown.hear(line(), 11.0)
    assert paper.told == []
    shown.hear(line(), 9.0)
    shown.hear(json.dumps({"until": 12.0, "brightness": 8}).encode(), 9.5)
    shown.beat(11.9)
    assert paper.told == [("000000ff6000", 8)]
    shown.beat(12.1)
    assert paper.told[1:] == ["dark"]


@pytest.mark.parametrize(
    ("panel", "said"),
    [
        ('driver = "hub75"\n', 'hub75 = { ... } and driver = "hub75" need one another. Write both, or neither.'),
        ('driver = "emulator"\nhub75 = { rows = 32, cols = 64 }\n', 'and driver = "hub75" need one another.'),
        ('driver = "hub75"\nhub75 = { rows = 32, cols = 64 }\n', "hub75 describes 64x32 LEDs, not 128x32."),
        ('driver = "hub75"\nhub75 = { rows = 33, cols = 64 }\n', "rows = 33: it can't be that."),
        (HUB75.replace("chain", "mapping = 'hat', chain"), 'mapping = "hat": it can\'t be that. Write "regular"'),
    ],
)
def test_check_says_what_is_wrong(write_site: WriteSite, panel: str, said: str) -> None:
    with pytest.raises(SiteError, match=re.escape(said)):
        load(write_site(site_text(Path("/run/x.sock"), panel)))


def test_the_site_file_tells_how_it_is_built(write_site: WriteSite) -> None:
    (panel,) = load(write_site(site_text(Path("/run/x.sock")))).panels
    assert panel.hub75 == Hub75Spec(rows=32, cols=64, chain=2, slowdown=4, socket=Path("/run/x.sock"))
    assert panel.hub75.options() == {
        "rows": 32,
        "cols": 64,
        "chain_length": 2,
        "parallel": 1,
        "hardware_mapping": "regular",
        "gpio_slowdown": 4,
        "multiplexing": 0,
        "row_address_type": 0,
        "led_rgb_sequence": "RGB",
        "pixel_mapper_config": "",
        "panel_type": "",
    }


def test_the_program_beside_the_gpl_library_imports_nothing_of_the_product() -> None:
    tree = ast.parse(Path(hub75_process.__file__).read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= {*sys.stdlib_module_names, "rgbmatrix"}


@pytest.mark.parametrize(
    ("gpio", "mapping", "clash"),
    [
        (17, "regular", True),
        (5, "regular", False),
        (5, "adafruit-hat", True),
        (18, "adafruit-hat", False),
        (18, "adafruit-hat-pwm", True),
        (15, "regular", False),
    ],
)
def test_its_pins_are_its_own(write_site: WriteSite, gpio: int, mapping: str, *, clash: bool) -> None:
    text = site_text(Path("/run/x.sock"), HUB75.replace("slowdown", f'mapping = "{mapping}", slowdown'))
    path = write_site(text.replace("gpio = 14", f"gpio = {gpio}"))
    if not clash:
        load(path)
        return
    why = f'sign "entrance" hub75: the panel needs pin {gpio} ({mapping}), which lane "main" outer uses already.'
    with pytest.raises(SiteError, match=re.escape(why)):
        load(path)
