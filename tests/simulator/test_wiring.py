"""What the simulated cars do to real sockets: mock pins behind the real server."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from controller.clocks import Pace, Stretch
from controller.inputs.gpio import GpioInputs, PinLevel
from controller.inputs.mock_pins import DatedPin, MockPinServer, default_address
from controller.inputs.payloads import decode
from controller.simulator.happenings import Level
from controller.simulator.wiring import Wiring, WiringError
from controller.site import PinInput, Site, load

SITE = """
[lot]
name = "wires"

[[zone]]
name = "customers"
capacity = 8

[[lane]]
name = "main"
zone = "customers"
outer = { gpio = 17 }
inner = { gpio = 27, pull = "down", active = "high" }

[[bay]]
name = "A1"
zone = "customers"
mqtt = "application/+/device/a84041000181c061/event/up"
format = "chirpstack-v4/bosch-pls"

[[bay]]
name = "A2"
zone = "customers"
mqtt = "bays/A2"
format = "plain"

[gpio]
pin_factory = "mock"
"""
EPOCH = 1_795_000_000.0
OUTER = PinInput("main.outer", 17, "up", "low")
INNER = PinInput("main.inner", 27, "down", "high")


def site(folder: Path, text: str = SITE) -> Site:
    path = folder / "site.toml"
    path.write_text(text, "utf-8")
    return load(path)


def at_rate(rate: float) -> Pace:
    """Return a pace in which simulated time 0 is a second ago."""
    stretch = Stretch(time.monotonic() - 1.0, 0.0, rate)
    return Pace(EPOCH, stretch, stretch, stretch.since)


class Count:
    """The input side of a count process: mock pins that a simulator can reach."""

    def __init__(self, run_dir: Path) -> None:
        self.levels: dict[str, bool] = {}
        self.times: list[float] = []
        self._factory = MockFactory(pin_class=DatedPin)
        self._pins = GpioInputs((OUTER, INNER), factory=self._factory, put=self._put)
        self._server = MockPinServer(self._factory, default_address(run_dir))

    def _put(self, level: PinLevel) -> None:
        self.levels[level.detector] = level.occupied
        self.times.append(level.monotonic)

    def close(self) -> None:
        self._server.close()
        self._pins.close()
        self._factory.close()


@pytest.fixture
def count(tmp_path: Path) -> Iterator[Count]:
    process = Count(tmp_path)
    yield process
    process.close()


def test_pins_follow_their_pull_and_active_level(tmp_path: Path, count: Count) -> None:
    wiring = Wiring(site(tmp_path), pins_address=default_address(tmp_path), publish=lambda *_: None, pace=at_rate(1.0))
    assert wiring.refresh()
    wiring.apply([Level("main.outer", occupied=True, at_s=1), Level("main.inner", occupied=True, at_s=2)])
    assert count.levels == {"main.outer": True, "main.inner": True}
    wiring.apply([Level("main.outer", occupied=False, at_s=3)])
    assert count.levels == {"main.outer": False, "main.inner": True}
    wiring.close()


def test_a_count_process_that_comes_back_hears_every_level_again(tmp_path: Path) -> None:
    wiring = Wiring(site(tmp_path), pins_address=default_address(tmp_path), publish=lambda *_: None, pace=at_rate(1.0))
    wiring.apply([Level("main.outer", occupied=True, at_s=1), Level("main.inner", occupied=False, at_s=1)])
    assert not wiring.refresh(), "nobody is there yet"
    first = Count(tmp_path)
    assert wiring.refresh(), "a new one is told"
    assert not wiring.refresh(), "and told once"
    assert first.levels == {"main.outer": True}
    first.close()
    wiring.refresh()
    second = Count(tmp_path)
    assert wiring.refresh()
    assert second.levels == {"main.outer": True}
    wiring.close()
    second.close()


def test_bays_speak_the_formats_of_the_site_and_their_frames_grow(tmp_path: Path) -> None:
    sent: list[tuple[str, str]] = []
    wiring = Wiring(
        site(tmp_path),
        pins_address=default_address(tmp_path),
        publish=lambda topic, payload: sent.append((topic, payload)),
        pace=at_rate(1.0),
    )
    wiring.apply(Level(bay, occupied=occupied, at_s=1) for occupied in (True, False) for bay in ("A1", "A2"))
    chirpstack, plain = sent[::2], sent[1::2]
    assert plain == [("bays/A2", "1"), ("bays/A2", "0")]
    assert {topic for topic, _ in chirpstack} == {"application/simulator/device/a84041000181c061/event/up"}
    readings = [decode("chirpstack-v4/bosch-pls", payload.encode(), topic=topic) for topic, payload in chirpstack]
    assert [reading.occupied for reading in readings] == [True, False]
    first, second = (reading.stamp for reading in readings)
    assert first is not None
    assert second is not None
    assert (first.sequence or 0) < (second.sequence or 0)
    assert first.sent_at == second.sent_at == EPOCH + 1, "the time of the network is simulated time"


def test_a_format_that_the_simulator_does_not_speak_is_named(tmp_path: Path) -> None:
    text = SITE.replace('format = "plain"', 'format = "esphome"')
    with pytest.raises(WiringError, match=r"A2.*esphome"):
        Wiring(site(tmp_path, text), pins_address=default_address(tmp_path), publish=lambda *_: None, pace=at_rate(1.0))


def test_edges_carry_the_moment_of_their_simulated_time(tmp_path: Path, count: Count) -> None:
    pace = at_rate(60.0)
    wiring = Wiring(site(tmp_path), pins_address=default_address(tmp_path), publish=lambda *_: None, pace=pace)
    assert wiring.refresh()
    assert wiring.connected
    count.times.clear()
    wiring.apply([Level("main.outer", occupied=True, at_s=30.0), Level("main.outer", occupied=False, at_s=30.6)])
    assert count.times == pytest.approx([pace.present.since + 0.5, pace.present.since + 0.51], abs=1e-6)
    wiring.close()
