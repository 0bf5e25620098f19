"""The product's belief over what it is told instead of what it decodes: the count with one of its troubles taken away.

What is *told* of a lot is one or both of

* its **passages**: everything that left any trace on a loop is known for what it was (of ``passages.csv``), and how
  many vehicles leave none. What left no trace stays unknown. So the decoder, and what it learns, cannot err;
* its **rhythm**: the belief begins with what it would have learned of the lot from two months without a single error
  (of other seeds): rates of arrivals and departures, how they differ from day to day, the usual level, who turns away.

Everything else is the product's own ``occupancy``, as ``lot`` drives it. The start is told, as the site file tells it.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from controller.accuracy.hindsight import NO_TRACE
from controller.domain import lot, occupancy
from controller.domain.belief import GRID_S
from controller.domain.believed import Belief, Passing
from controller.domain.events import BayChanged
from controller.domain.occupancy import Sources, ZoneState
from controller.domain.report import Passage, PassageKind, Status
from controller.domain.specs import Direction, LotSpec, ZoneSpec
from controller.domain.watch import is_turning_away
from controller.inputs.sensors import Sensors
from controller.recording import Reader
from controller.score_files import DAY_S, Run, Shown
from controller.service import translated
from controller.site import Site

TURNED = {"touch", "back_out"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of one passage, and when."""

    at: float
    chance_in: float
    chance_out: float
    by: int
    """What it most likely changed inside."""
    turned: float = 0.0
    """Chance that somebody came to a way in, and turned away."""
    another: float = 0.0
    """Chance that one more went with it."""


@dataclass(frozen=True, slots=True)
class BayHeard:
    """A bay is occupied, free or (None) unknown now, and was so before."""

    at: float
    was: bool | None
    now: bool | None


def truly(passages: Path, lanes: LotSpec, *, all_of_them: bool = False) -> list[Heard]:
    """Return what everything was that left a trace; or everything."""
    ways_in = {s.name for s in lanes.lanes if s.direction is not Direction.EXIT}
    with passages.open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if all_of_them or r["trace"] != NO_TRACE]
    found = []
    for row in rows:
        by, turned = int(row["change"]), row["did"] in TURNED and row["lane"] in ways_in
        if by or turned:
            found.append(Heard(float(row["t"]), float(by > 0), float(by < 0), by, float(turned)))
    return sorted(found, key=lambda heard: heard.at)


def decoded(lanes: LotSpec, passed: Iterable[tuple[float, Passage]]) -> list[Heard]:
    """Return what the product's decoder made of it, each with when it knew."""
    by_name = {spec.name: spec for spec in lanes.lanes}
    inward = {PassageKind.ENTRY: 1, PassageKind.EXIT: -1}
    return [
        Heard(
            at,
            one.chance_in,
            one.chance_out,
            inward.get(one.kind, 0),
            1 - one.chance_in - one.chance_out if is_turning_away(by_name[one.lane], one) else 0.0,
            one.another,
        )
        for at, one in passed
    ]


def bays(site: Site, recording: Path) -> list[BayHeard]:
    """Return what the bays said, and which fell silent."""
    if not site.lot.bays:
        return []
    spec, sensors = replace(site.lot, lanes=()), Sensors(site.sensors)
    state, found = lot.initial(spec), []
    for entry in Reader(recording):
        for event in translated(entry, sensors):
            if isinstance(event, BayChanged):
                before, state = state.bays, lot.apply(spec, state, replace(event, at=max(event.at, state.at)))
                was, now = before[event.bay].occupied, state.bays[event.bay].occupied
                if was is not now:
                    found.append(BayHeard(event.at, was, now))
    return found


def unseen(passages: Path) -> float:
    """Return how many vehicles leave no trace, for each that leaves one."""
    with passages.open(encoding="utf-8", newline="") as file:
        traces = [row["trace"] for row in csv.DictReader(file) if row["change"] != "0"]
    none = traces.count(NO_TRACE)
    return none / max(len(traces) - none, 1)


def experienced(
    spec: ZoneSpec, runs: Sequence[tuple[Sequence[Heard], int]], epoch: float, days: float
) -> Belief | None:
    """Return a belief after runs of which every passage was told, each with the number inside at first."""
    belief: Belief | None = None
    for heard, inside in runs:
        start = replace(spec, initial_occupied=inside)
        belief = _folded(start, heard, (), epoch, days, 0.0, belief)[1].belief
    return belief


def shown(
    spec: ZoneSpec,
    heard: Sequence[Heard],
    of_bays: Sequence[BayHeard],
    run: Run,
    epoch: float,
    share: float,
    experience: Belief | None = None,
) -> Shown:
    """Return what the sign would have shown; ``share``: vehicles without a trace, for each that leaves one."""
    end = (run.days or 0.0) * DAY_S
    rows, _ = _folded(spec, heard, of_bays, epoch, end / DAY_S, share, experience)
    t, free, low, high = (np.array(column, dtype=float) for column in list(zip(*rows, strict=True))[:4])
    status = [row[4] for row in rows]
    full = np.array([s is Status.FULL for s in status])
    offers = np.array([s in {Status.OPEN, Status.NEARLY_FULL} for s in status])
    never = np.zeros(len(t), dtype=bool)
    return Shown(t, free, low, high, full, never, never, offers)


Row = tuple[float, float, float, float, Status]


def _folded(
    spec: ZoneSpec,
    heard: Sequence[Heard],
    of_bays: Sequence[BayHeard],
    epoch: float,
    days: float,
    share: float,
    experience: Belief | None,
) -> tuple[list[Row], ZoneState]:
    zone = occupancy.begun(spec, 0.0, epoch, lanes=True)
    if experience is not None and zone.belief is not None:
        known = (experience.rhythm, experience.level, experience.turned)
        zone = replace(zone, belief=replace(zone.belief, rhythm=known[0], level=known[1], turned=known[2]))
        zone = occupancy.taught(spec, zone, epoch)
    sources = Sources(lanes=2, blind=0)
    grid = [GRID_S * n for n in range(1, int(days * DAY_S / GRID_S) + 1)]
    events = sorted(
        [*((h.at, 1, h) for h in heard), *((b.at, 0, b) for b in of_bays), *((g, 2, g) for g in grid)],
        key=lambda event: event[:2],
    )
    rows = [_row(spec, zone, sources, 0.0)]
    for at, _, what in events:
        if isinstance(what, Heard):
            zone = _passed(spec, zone, what, share)
        elif isinstance(what, BayHeard):
            zone = occupancy.bay_changed(spec, zone, was=what.was, now=what.now)
        else:
            zone = occupancy.taught(spec, occupancy.waited(spec, zone, at, 1.0, 1.0), epoch + at)
        zone = occupancy.judged(spec, zone, sources, at)
        row = _row(spec, zone, sources, at)
        if row[1:] != rows[-1][1:]:
            rows.append(row)
    return rows, zone


def _passed(spec: ZoneSpec, zone: ZoneState, what: Heard, share: float) -> ZoneState:
    undirected = what.chance_in == what.chance_out > 0
    passing = Passing(
        what.chance_in, what.chance_out, unseen=share, another=what.another, undirected=undirected, obeyed=zone.full
    )
    zone = occupancy.passed(spec, zone, passing, what.by, what.at)
    return occupancy.turned_away(spec, zone, what.turned, what.at) if what.turned > 0 else zone


def _row(spec: ZoneSpec, zone: ZoneState, sources: Sources, at: float) -> Row:
    said = occupancy.report(spec, zone, sources)
    free, low, high = (math.nan if n is None else float(n) for n in (said.free, said.low, said.high))
    return at, free, low, high, said.status
