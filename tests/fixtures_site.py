"""Site files for the tests: the one that the README begins with, and a lot that mock pins can drive."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
from link_client import LinkClient

from controller.inputs.mock_pins import MockPinClient
from controller.inputs.mock_pins import default_address as pins_address
from controller.link import default_address
from controller.site import Site, load

ROOT = Path(__file__).parent.parent

FULL_SITE = """\
[lot]
name = "Parking dla klientów"
timezone = "Europe/Warsaw"

[[zone]]
name = "customers"
capacity = 40
full_at = 0            # FULL when free <= full_at, open again at free >= reopen_at (hysteresis)
reopen_at = 2

[[lane]]
name = "main"
zone = "customers"     # entry: from outside (or from_zone = "…") into this zone
direction = "both"     # entry | exit | both
outer = { gpio = 17 }  # detector "main.outer", street side; or { mqtt = "lot/main/outer", format = "plain" }
inner = { gpio = 27 }  # a lane with a single loop has `loop = …` instead, and direction entry or exit
barrier = { gpio = 22 }  # optional: arm-up contact, detector "main.barrier"

[[bay]]
name = "A1"
zone = "customers"
mqtt = "application/+/device/a84041000181c061/event/up"
format = "chirpstack-v4/bosch-pls"

[[bay]]
name = "A2"
zone = "customers"
mqtt = "bays/A2"
format = "plain"       # 0/1, true/false, on/off, occupied/free

[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"    # max7219 | ws2812 | emulator | …
width = 64
height = 16
"""

LANE_SITE = """\
[lot]
name = "Parking"

[[zone]]
name = "customers"
capacity = 40
reopen_at = 2
initial_occupied = 10

[[lane]]
name = "main"
zone = "customers"
outer = { gpio = 17 }
inner = { gpio = 27 }

[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"
width = 64
height = 16

[gpio]
pin_factory = "mock"
"""
"""Two loops on mock pins, ten vehicles inside, one sign."""

CHIPS_SITE = LANE_SITE.replace('driver = "emulator"', 'driver = "max7219"\narrows = "right"')
"""The same with a panel of MAX7219 chips."""

OUTER, INNER = 17, 27

WriteSite = Callable[..., Path]


@pytest.fixture
def write_site(tmp_path: Path) -> WriteSite:
    """Write a site file; return its path."""

    def write(text: str = LANE_SITE, name: str = "site.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def lane_site(write_site: WriteSite) -> Site:
    return load(write_site(LANE_SITE))


PATIENCE = float(os.environ.get("PARKING_PATIENCE", "1"))
"""How many times as long as usual things may take: an emulated processor is slow."""


def wait_until(condition: Callable[[], object], what: str, within_s: float = 10.0) -> None:
    """Wait for a condition; fail when it does not come."""
    deadline = time.monotonic() + within_s * PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s * PATIENCE} s"
        time.sleep(0.01)


class Product:
    """Our own commands as child processes that share a state and a run directory."""

    def __init__(self, directory: Path, site: Path) -> None:
        self.site = site
        self.state_dir = directory / "state"
        self.run_dir = directory / "run"
        self.log = directory / "log.txt"
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def folders(self) -> tuple[str, ...]:
        return ("--state-dir", str(self.state_dir), "--run-dir", str(self.run_dir))

    @property
    def key(self) -> str:
        return (self.state_dir / "command.key").read_text("ascii").strip()

    def start(
        self, *command: str, before: tuple[str, ...] = (), pass_fds: Collection[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Start ``parking-controller COMMAND SITE`` with this product's folders."""
        argv = [*before, sys.executable, "-m", "controller", *command, str(self.site), *self.folders]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, pass_fds=pass_fds
            )
        self._started.append(process)
        return process

    def start_count(self, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start count, and wait until it speaks."""
        process = self.start("count", before=before)
        self.wait_for_state(process)
        return process

    def wait_for_state(self, process: subprocess.Popen[bytes], within_s: float = 20.0) -> None:
        def speaks() -> bool:
            assert process.poll() is None, f"it ended:\n{self.said()}"
            try:
                with LinkClient(default_address(self.run_dir)) as client:
                    client.state()
            except OSError:
                return False
            return True

        wait_until(speaks, "count speaks", within_s)

    def pins(self) -> MockPinClient:
        return MockPinClient(pins_address(self.run_dir))

    def link(self, timeout_s: float = 5.0) -> LinkClient:
        key = self.state_dir / "command.key"
        return LinkClient(default_address(self.run_dir), key=self.key if key.exists() else "", timeout_s=timeout_s)

    def occupied(self, zone: str = "customers") -> int | None:
        """What count says now of the vehicles inside."""
        with self.link() as link:
            zones = {z["name"]: z for z in link.state()["lot"]["zones"]}
        occupied: int | None = zones[zone]["occupied"]
        return occupied

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def product(tmp_path: Path, write_site: WriteSite) -> Iterator[Product]:
    """A lot on mock pins (``LANE_SITE``); write another site to ``product.site`` before the first start."""
    made = Product(tmp_path, write_site(LANE_SITE))
    yield made
    made.end()


def drive_in(pins: MockPinClient) -> None:
    """Drive a car over the outer and then the inner loop, at about 20 km/h."""
    _drive(pins, OUTER, INNER)


def drive_out(pins: MockPinClient) -> None:
    """Drive a car over the inner and then the outer loop."""
    _drive(pins, INNER, OUTER)


def _drive(pins: MockPinClient, first: int, second: int) -> None:
    pause = threading.Event()  # a car takes its time: that is no waiting for something to be ready
    for gpio, high, then_s in ((first, False, 0.3), (second, False, 0.2), (first, True, 0.4), (second, True, 0.0)):
        pins.set(gpio, high)
        pause.wait(then_s)


def command_line(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run our own command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "controller", *map(str, arguments)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
    )


def edited(text: str, pattern: str, replacement: str) -> str:
    """Replace the one place where a pattern stands."""
    changed, times = re.subn(pattern, replacement, text)
    assert times == 1, f"{pattern!r} stands {times} times"
    return changed
