"""A lot that experiments can count on: a lane on pins, one on MQTT, two bays; and a service of it on its own hands."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.clocks import Clocks
from controller.inputs.gpio import PinLevel
from controller.inputs.mqtt import MqttMessage
from controller.inputs.sensors import Sensors
from controller.journal import Journal
from controller.service import Command, Outlets, Service
from controller.site import Site, load

SITE = """\
[lot]
name = "Torture"

[[zone]]
name = "customers"
capacity = 400
reopen_at = 2
initial_occupied = 100

[[lane]]
name = "main"
zone = "customers"
outer = { gpio = 17 }
inner = { gpio = 27 }

[[lane]]
name = "side"
zone = "customers"
outer = { mqtt = "lot/side/outer" }
inner = { mqtt = "lot/side/inner" }

[[zone]]
name = "disabled"
capacity = 2

[[bay]]
name = "B1"
zone = "disabled"
mqtt = "bays/B1"

[[bay]]
name = "B2"
zone = "disabled"
mqtt = "bays/B2"

[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"
width = 64
height = 16

[gpio]
pin_factory = "mock"
"""
BEFORE = 100
"""Vehicles inside at first."""

STEPS = (("outer", True, 0.4), ("inner", True, 0.2), ("outer", False, 0.4), ("inner", False, 1.0))
"""A vehicle that drives in: which loop, its level, and how long until the next."""


def written(folder: Path, more: str = "") -> Site:
    """Write the site file into a folder, and load it."""
    path = folder / "site.toml"
    path.write_text(SITE + more, "utf-8")
    return load(path)


@dataclass
class Hands:
    """Clocks whose hands the experiment moves."""

    monotonic: float = 5000.0
    wall: float = 1_795_000_000.0
    boot: str = "a boot"
    synchronised: bool = True

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.monotonic += seconds
        self.wall += seconds

    def clocks(self) -> Clocks:
        """Return these as the service takes them."""
        return Clocks(lambda: self.monotonic, lambda: self.wall, self.boot, synchronised=lambda: self.synchronised)


class Counting:
    """A service in a thread of its own; ``said`` is the newest state."""

    def __init__(self, site: Site, journal: Callable[[], Journal], hands: Hands) -> None:
        self.hands = hands
        self.error: Exception | None = None
        self.said: dict[str, Any] = {}
        self.heard: Callable[[dict[str, Any]], None] = lambda _: None
        self._made = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(site, journal))
        self._thread.start()
        self._made.wait()
        if self.error is not None:
            raise self.error

    def _run(self, site: Site, journal: Callable[[], Journal]) -> None:
        try:
            self.service = Service(site, journal(), Sensors(site.sensors), self.hands.clocks())
            self._made.set()
            self.service.run(Outlets(publish=(self._say,)))
        except Exception as error:  # noqa: BLE001  the experiment is to see it
            self.error = error
        self._made.set()

    def _say(self, envelope: dict[str, Any]) -> None:
        self.said = envelope
        self.heard(envelope)

    def stop(self) -> None:
        """End it in good order."""
        self.service.stop()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def settle(self) -> None:
        """Wait until all that was put is folded and, where that is possible, written and spoken of."""
        for _ in range(2):
            self.command(do="nothing", zone="customers")

    def command(self, **fields: object) -> str | None:
        """Ask for something; return what was wrong with it."""
        answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.service.put(Command(fields, answers.put, self.hands.monotonic))
        while self.error is None:
            with suppress(queue.Empty):
                return answers.get(timeout=1.0)
        raise self.error

    def level(self, detector: str, *, occupied: bool) -> None:
        """Let a pin change."""
        self.service.put(PinLevel(detector, occupied, self.hands.monotonic))

    def message(self, topic: str, payload: bytes, ack: Callable[[], None]) -> None:
        """Let a message come."""
        self.service.put(MqttMessage(topic, payload, self.hands.monotonic, False, ack))

    def car(self) -> None:
        """Drive a vehicle in over the pins."""
        for loop, occupied, then_s in STEPS:
            self.level(f"main.{loop}", occupied=occupied)
            self.settle()
            self.hands.advance(then_s)

    @property
    def counted(self) -> int:
        """Vehicles inside by passages."""
        counted = self.service.state.zones["customers"].counted
        assert counted is not None
        return counted

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written, as it was said last."""
        trouble: str | None = self.said["journal"]["trouble"]
        return trouble
