"""A counting service in a thread of its own: real journal, real sensors; only the clocks are the test's."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fixtures_site import LANE_SITE, WriteSite

from controller.clocks import Clocks
from controller.domain.events import (
    ClockSet,
)
from controller.inputs.gpio import PinLevel
from controller.inputs.mqtt import MqttMessage
from controller.inputs.sensors import Sensors
from controller.journal import Journal, export, open_reader, passages
from controller.recording import Entry, read_line
from controller.service import (
    Command,
    Item,
    Outlets,
    Service,
)
from controller.site import Site, load

SITE = (
    LANE_SITE
    + """
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
format = "zigbee2mqtt/occupancy"
silent_after_s = 3600

[journal]
keep_days = 2
"""
)
BOOT = "this boot"


@dataclass
class Hands:
    """Clocks whose hands the test moves."""

    monotonic: float = 5000.0
    wall: float = 1_795_000_000.0
    boot: str = BOOT
    synchronised: bool = True

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.monotonic, lambda: self.wall, self.boot, synchronised=lambda: self.synchronised)


@dataclass
class Acked:
    """Called when a message is acknowledged or a command answered; notes what the journal held by then."""

    path: Path
    inputs: list[int] = field(default_factory=list)

    def __call__(self) -> None:
        with closing(open_reader(self.path)) as db:
            self.inputs.append(db.execute("SELECT count(*) FROM input").fetchone()[0])


class Counting:
    """A service that runs in a thread of its own, and what it says."""

    def __init__(
        self, site: Site, folder: Path, hands: Hands, kept: Sequence[str] = (), before: Sequence[Item] = ()
    ) -> None:
        self.hands = hands
        self.path = folder / "journal.sqlite"
        self.said: list[dict[str, Any]] = []
        self.held, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.service: Service
        self._made = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(site, kept, before))
        self._thread.start()
        assert self._made.wait(10), self.error
        self.settle()

    def _run(self, site: Site, kept: Sequence[str], before: Sequence[Item]) -> None:
        try:
            with closing(Journal(self.path)) as journal:
                self.service = Service(site, journal, Sensors(site.sensors), self.hands.clocks())
                self._made.set()
                for item in before:
                    self.service.put(item)
                self.service.run(Outlets(publish=(self.said.append,), reread=self._reread, kept=frozenset(kept)))
        except Exception as error:  # noqa: BLE001  whatever it is, the test is to see it
            self.error = error

    def _reread(self) -> None:
        self.held.set()
        self.gate.wait(10)

    def stop(self) -> None:
        self.service.stop()
        self._thread.join()

    def settle(self) -> None:
        """Wait until all that was put is folded, committed and spoken of."""
        for _ in range(2):
            self.command(do="nothing", zone="customers")

    def pass_time(self, seconds: float) -> None:
        self.hands.advance(seconds)
        self.settle()

    def command(self, **fields: object) -> str | None:
        answered, answers = threading.Event(), []

        def reply(error: str | None) -> None:
            answers.append(error)
            answered.set()

        self.service.put(Command(fields, reply, self.hands.monotonic))
        assert answered.wait(10), f"no answer; {self.error}"
        error: str | None = answers[0]
        return error

    def level(self, detector: str, occupied: bool, monotonic: float | None = None) -> None:  # noqa: FBT001  a level
        at = self.hands.monotonic if monotonic is None else monotonic
        self.service.put(PinLevel(detector, occupied, at))

    def message(
        self, topic: str, payload: str | bytes, *, retained: bool = False, ack: Callable[[], None] = lambda: None
    ) -> None:
        raw = payload.encode() if isinstance(payload, str) else payload
        self.service.put(MqttMessage(topic, raw, self.hands.monotonic, retained, ack))
        self.settle()

    def car(self, first: str = "main.outer", second: str = "main.inner", *, rest_s: float = 5.0) -> None:
        """Drive a car through; ``rest_s`` later it is settled."""
        for detector, occupied, then_s in CAR[:-1]:
            self.level({"first": first, "second": second}[detector], occupied)
            self.hands.advance(then_s)
        self.level(second, False)
        self.settle()
        if rest_s:
            self.pass_time(rest_s)

    def entries(self) -> list[Entry]:
        """What stands in the journal but for the wall clock."""
        return [e for e in map(read_line, export(self.path)) if not isinstance(e, ClockSet)]

    def passed(self) -> list[str]:
        with closing(open_reader(self.path)) as db:
            return [row["kind"] for row in passages(db, 1000)][::-1]

    @property
    def counted(self) -> int | None:
        return self.service.state.zones["customers"].counted

    def zone(self, name: str = "customers") -> dict[str, Any]:
        zones: dict[str, dict[str, Any]] = {zone["name"]: zone for zone in self.said[-1]["lot"]["zones"]}
        return zones[name]


CAR = (("first", True, 0.4), ("second", True, 0.2), ("first", False, 0.4), ("second", False, 0.0))

Start = Callable[..., Counting]


@pytest.fixture
def site(write_site: WriteSite) -> Site:
    return load(write_site(SITE))


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def start(site: Site, hands: Hands, tmp_path: Path) -> Iterator[Start]:
    """Start counting: the same journal again, unless another folder or site is named."""
    started: list[Counting] = []

    def begin(folder: Path = tmp_path / "state", of: Site = site, **also: Any) -> Counting:
        started.append(Counting(of, folder, hands, **also))
        return started[-1]

    yield begin
    for counting in started:
        counting.gate.set()
        counting.stop()


def after_a_crash(counting: Counting, start: Start, *, off_s: float = 0.0) -> Counting:
    """Start from the files as they lie on the disk now, as after the power went and came back."""
    folder = counting.path.parent.with_name(f"{counting.path.parent.name}-after")
    shutil.copytree(counting.path.parent, folder)
    counting.stop()
    counting.hands.advance(off_s)
    return start(folder)


def seen(occupied: bool, wall: float) -> str:  # noqa: FBT001  a level
    return json.dumps({"occupancy": occupied, "last_seen": int(wall * 1000)})
