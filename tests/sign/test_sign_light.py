"""Where the light outside is known from: a BH1750 at the level of I²C transfers, MQTT through count, sun and clock."""

import sys
import threading
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sign_envelopes import Clock, envelope, number

from controller.sign import readback
from controller.sign.bh1750 import Bh1750, LightThread
from controller.sign.guardian import Guardian
from controller.sign.light import SILENT_S, Light
from controller.sign.panel import Emulator
from controller.site import LightSpec, PanelSpec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="I2C is Linux'")

WARSAW = ZoneInfo("Europe/Warsaw")
PLACE = LightSpec(latitude=52.23, longitude=21.01, day_from=time(7), night_from=time(20))


class I2cBus:
    """A bus with a BH1750 on it, as its datasheet tells; takes smbus2's messages."""

    def __init__(self, counts: int = 1200, address: int = 0x23) -> None:
        self.counts, self.address = counts, address
        self.powered = self.measures = False
        self.there = True
        self.opcodes: list[int] = []

    def i2c_rdwr(self, message: Any) -> None:
        if not self.there or message.addr != self.address:
            raise OSError(121, "Remote I/O error")
        if message.flags & 1:  # a read
            value = self.counts if self.powered and self.measures else 0
            message.buf[0], message.buf[1] = (value >> 8).to_bytes(1, "big"), (value & 0xFF).to_bytes(1, "big")
            return
        (opcode,) = bytes(message)
        self.opcodes.append(opcode)
        self.powered |= opcode == 0x01
        self.measures |= self.powered and opcode == 0x10

    def lose_power(self) -> None:
        self.powered = self.measures = False


def test_counts_become_lux() -> None:
    bus = I2cBus(counts=0x83_90)
    sensor = Bh1750(bus, 0x23)
    assert sensor.read() == pytest.approx(28067, abs=1)  # the datasheet's own example
    assert bus.opcodes == [0x01, 0x10]
    bus.counts = 12
    assert sensor.read() == 10
    assert len(bus.opcodes) == 2


def test_a_sensor_that_lost_its_power_is_told_to_measure_again() -> None:
    bus = I2cBus()
    sensor = Bh1750(bus, 0x23)
    assert sensor.read() == 1000
    bus.lose_power()
    assert sensor.read() == 0
    assert sensor.read() == 1000
    bus.there = False
    with pytest.raises(OSError, match="Remote I/O error"):
        sensor.read()
    bus.there = True
    bus.lose_power()
    assert sensor.read() == 1000


def test_trouble_is_said_once_and_the_thread_reads_on(caplog: pytest.LogCaptureFixture) -> None:
    bus = I2cBus(address=0x5C)
    bus.there = False
    asked = threading.Semaphore(0)

    def open_bus(port: int) -> I2cBus:
        assert port == 1
        asked.release()
        return bus

    thread = LightThread(1, 0x5C, every_s=0.01, open_bus=open_bus)
    assert asked.acquire(timeout=5)
    assert thread.newest() is None
    bus.there = True
    beat = threading.Event()
    while thread.newest() is None:
        beat.wait(0.01)
    newest = thread.newest()
    assert newest is not None
    assert newest[0] == 1000
    thread.close()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) <= 1
    assert all("light sensor at address 0x5c of /dev/i2c-1: [Errno 121]" in each for each in warnings)


def light(spec: LightSpec = PLACE, *, at: str = "2026-06-21T12:00", sensor: Any = None, is_set: bool = True) -> Light:
    when = datetime.fromisoformat(at).replace(tzinfo=WARSAW).timestamp()
    return Light(
        spec, WARSAW, clock=lambda: when, sensor=(lambda: None) if sensor is None else sensor, clock_set=lambda: is_set
    )


def test_the_sensor_comes_first_and_a_silent_one_is_not_believed() -> None:
    found = light(sensor=lambda: (10_000.0, 100.0))
    assert found.wanted(100.0) == (1.0, "the light sensor: 10000 lx")
    assert found.wanted(100.0 + SILENT_S + 1)[1].startswith("the sun: 60 degrees")


def test_what_count_heard_over_mqtt_is_a_sensor_too_and_the_newer_one_counts() -> None:
    found = light(sensor=lambda: (10_000.0, 100.0))
    found.hear({"inputs": {"light": {"lux": 10.0, "age_s": 1.0}}}, 102.0)
    assert found.wanted(102.0) == (0.0, "the light sensor: 10 lx")
    for nonsense in ({}, {"inputs": {"light": None}}, {"inputs": {"light": {"lux": "x", "age_s": 0}}}):
        found.hear(nonsense, 103.0)
    assert found.wanted(104.0)[0] == 0.0


@pytest.mark.parametrize(
    ("at", "share"), [("2026-06-21T12:00", 1.0), ("2026-12-21T17:00", 0.0), ("2026-06-21T20:30", 0.53)]
)
def test_the_sun_is_followed_in_place_and_season(at: str, share: float) -> None:
    assert light(at=at).wanted(0.0)[0] == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize(("day", "night"), [(7, 20), (20, 7)])
@pytest.mark.parametrize(("at", "is_day"), [("06:59", False), ("07:00", True), ("19:59", True), ("20:00", False)])
def test_the_schedule_is_in_local_time_over_midnight_too(day: int, night: int, at: str, is_day: bool) -> None:  # noqa: FBT001
    spec = LightSpec(day_from=time(day), night_from=time(night))
    said = light(spec, at=f"2026-06-21T{at}").wanted(0.0)
    assert said[0] == float(is_day if day < night else not is_day)


def test_a_clock_that_is_not_set_is_neither_day_nor_night() -> None:
    assert light(is_set=False).wanted(0.0) == (0.5, "the clock is not set: the middle")


class Dusk:
    """A guardian of a sign that follows the light, an hour of time at its disposal."""

    def __init__(self, run_dir: Path, **more: Any) -> None:
        self.clock, self.run_dir, self.lux = Clock(), run_dir, 50_000.0
        spec = PanelSpec("entrance", "emulator", 64, 16, brightness=15, **more)
        self.panel = Emulator(spec)
        self.guardian = Guardian(
            {"entrance": self.panel},
            run_dir=run_dir,
            light=light(LightSpec(i2c=1), sensor=lambda: (self.lux, self.clock.now)),
            monotonic=self.clock,
        )

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.5)):
            self.clock.now += 0.5
            self.guardian.tell(envelope(self.clock.now, {"entrance": number(38)}))


def test_a_sign_follows_the_light_slowly_and_says_so(tmp_path: Path) -> None:
    dusk = Dusk(tmp_path, brightness_at_night=2)
    dusk.wait(1)
    assert dusk.panel.brightness == 15
    dusk.lux = 1.0
    dusk.wait(5)
    assert 10 <= dusk.panel.brightness < 15
    dusk.wait(90)
    assert dusk.panel.brightness == 2
    shown = readback.read(tmp_path, "entrance")
    assert shown is not None
    assert (shown.brightness, shown.why_bright) == (2, "the light sensor: 1 lx")
    assert shown.because == ("a car left",)


def test_a_sign_without_a_brightness_at_night_stays_as_it_is(tmp_path: Path) -> None:
    dusk = Dusk(tmp_path)
    dusk.lux = 0.0
    dusk.wait(120)
    assert dusk.panel.brightness == 15
    shown = readback.read(tmp_path, "entrance")
    assert shown is not None
    assert shown.why_bright == "the site file"
