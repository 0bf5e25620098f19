"""A recording through the same domain with virtual time, as fast as it goes: what this site file would have shown."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO

from controller.domain import lot, view
from controller.domain.events import Event, Tick, WentDown
from controller.domain.report import Fault, Message, Passage, ZoneReport
from controller.domain.specs import LotSpec, SignSpec
from controller.domain.state import LotState
from controller.inputs.sensors import Sensors
from controller.recording import Entry
from controller.service import translated
from controller.site import Site

COLUMNS = ("t", "zone", "free", "low", "high", "status", "message")


@dataclass(slots=True)
class Tally:
    """What the replay has seen, for the summary."""

    entries: int = 0
    rows: int = 0
    faults: list[tuple[float, Fault]] = field(default_factory=list)
    """Each fault, with the time at which it was named."""
    down_s: float = 0.0


class Replay:
    """Folds a recording; rows come out at every change of what a zone's sign would show.

    ``passed`` is told of every passage when it is known.
    """

    def __init__(self, site: Site, out: IO[str], passed: Callable[[Passage], None] = lambda _: None) -> None:
        self._site = site
        self._passed = passed
        self._sensors = Sensors(site.sensors)
        self._csv = csv.writer(out, lineterminator="\n")
        self._shown: dict[str, tuple[str, ...]] = {}
        self._faults: set[tuple[str, str, float]] = set()
        self._signs = {z.name: _sign(site.lot, z.name) for z in site.lot.zones}
        self._state: LotState | None = None
        self._seen: tuple[object, ...] = (None,) * 4
        self.tally = Tally()

    def run(self, entries: Iterable[Entry], progress: Callable[[float], None] = lambda _: None) -> None:
        """Fold all entries and write the CSV; afterwards what is still due in the last moment has happened."""
        self._csv.writerow(COLUMNS)
        for entry in entries:
            self.tally.entries += 1
            if self._state is None:
                self._start(entry.at)
            for event in translated(entry, self._sensors):
                self._fold(event)
                if isinstance(event, WentDown):
                    self.tally.down_s += event.seconds
            progress(entry.at)
        if self._state is None:
            self._start(0.0)
        # What the last levels meant shows a moment later: let them settle, and vehicles in doubt be decided.
        self._pass_time(self.state.at + 60.0)

    @property
    def state(self) -> LotState:
        """The state after all that was folded."""
        if self._state is None:
            raise RuntimeError("nothing was replayed yet")
        return self._state

    def _start(self, at: float) -> None:
        self._state = lot.initial(self._site.lot, at=min(at, 0.0))
        self._rows()

    def _fold(self, event: Event) -> None:
        self._pass_time(event.at)
        self._apply(event)

    def _pass_time(self, until: float) -> None:
        """Stop at each time-out, so that its row has its own time."""
        while (due := lot.next_due(self.state)) < until:
            self._apply(Tick(max(due, self.state.at)))

    def _apply(self, event: Event) -> None:
        self._state = lot.apply(self._site.lot, self.state, event)
        for passage in self._state.passed:
            self._passed(passage)
        self._rows()

    def _rows(self) -> None:
        spec, state = self._site.lot, self.state
        seen = (state.zones, state.notes, state.staff, state.tests, state.neighbours)
        if all(now is before for now, before in zip(seen, self._seen, strict=True)):
            return  # most events change nothing that a sign or a fault would show
        self._seen = seen
        zones = view.zone_reports(spec, state)
        for zone in zones.values():
            row = _row(zone, view.says(self._signs[zone.name], zones, state))
            if self._shown.get(zone.name) != row:
                self._shown[zone.name] = row
                self._csv.writerow((f"{state.at:.3f}", zone.name, *row))
                self.tally.rows += 1
        for fault in view.faults(spec, state):
            key = (fault.subject, fault.kind.value, fault.since)
            if key not in self._faults:
                self._faults.add(key)
                self.tally.faults.append((state.at, fault))

    def summary(self) -> str:
        """Say in a few lines what happened."""
        spec, state = self._site.lot, self.state
        report = view.report(spec, state)
        lines = [f"{self.tally.entries} lines, {state.at:.0f} s, {self.tally.rows} rows"]
        lines += [
            f"lane {lane.name}: {lane.entries} in, {lane.exits} out, "
            f"{lane.back_outs} back-outs, {lane.ambiguous} ambiguous"
            for lane in report.lanes
        ]
        lines += [f"fault {f.subject}: {f.kind.value} since t = {f.since:.1f}" for _, f in self.tally.faults]
        if self.tally.down_s:
            lines.append(f"down for {self.tally.down_s:.1f} s in all")
        sensors = self._sensors.report()
        for kind in ("unknown", "malformed"):
            lines += [f"{kind} messages on {topic}: {_count(n)}" for topic, n in sensors[kind].items()]
        if state.strange:
            lines.append(f"{state.strange} lines name a detector, bay or zone that the site file does not have")
        if state.stale:
            lines.append(f"{state.stale} messages were repeated or late")
        for zone in report.zones:
            free = "unknown" if zone.free is None else str(zone.free)
            lines.append(f"zone {zone.name}: {zone.status.value} ({zone.reason.value}), {free} of {zone.capacity} free")
        return "\n".join(lines)


def _count(value: object) -> object:
    return value["count"] if isinstance(value, dict) else value


def _row(zone: ZoneReport, says: Message) -> tuple[str, ...]:
    numbers = ("" if n is None else str(n) for n in (zone.free, zone.low, zone.high))
    return (*numbers, zone.status.value, says.text)


def _sign(spec: LotSpec, zone: str) -> SignSpec:
    """Return the first sign of the zone, or one with the usual words where it has none."""
    return next((s for s in spec.signs if s.zone == zone), SignSpec("", zone))
