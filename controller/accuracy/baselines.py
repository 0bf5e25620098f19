"""What the industry does: three counters, each with a clamp and a nightly reset. Independent of the product's domain.

``pulses``
    The directional pulse of a loop detector: the first loop in the lane's direction counts each vehicle that covers it,
    +1 on an entry lane, -1 on an exit lane. On a two-way lane the loop that is covered second counts, in the direction
    from the other one. One debounce, nothing else.
``quadrature``
    The textbook's automaton over the two levels: outer, both, inner, none is an entry; the same backwards is an exit;
    each step may be taken back.
``timing``
    The product's own lane decoder, each passage counted as what it most likely was: what timing alone gives, without
    the belief. (Its passages come from the replay, see ``runner``.)

All three are counted by ``counted``: clamped to 0..capacity, and set to a fixed number every night at 03:00. The vendor
of that reset is a generous one: he knows the true median occupancy at 03:00 over the very run that is scored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from controller.domain.events import DetectorChanged
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Direction, LaneSpec
from controller.recording import Entry
from controller.score_files import DAY_S, Shown, Truth

DEBOUNCE_S = 0.1
"""A loop that was clear for less than this was not clear."""
PAIR_S = 5.0
"""On a two-way lane, the second loop must be covered within this time of the first."""
RESET_S = 3 * 3600.0
"""When the reset comes, after midnight."""

Step = tuple[float, int]
"""When, and by how much the counted number inside changes."""


@dataclass(slots=True)
class _Loops:
    """The levels of a lane's two loops, and when they changed last."""

    outer: bool = False
    inner: bool = False
    outer_on: float = -np.inf
    inner_on: float = -np.inf
    outer_off: float = -np.inf
    inner_off: float = -np.inf


def pulses(lanes: Sequence[LaneSpec], entries: Iterable[Entry]) -> Iterator[Step]:
    """Count each lane's directional pulses, in the order of time."""
    watched = {lane.name: _Loops() for lane in lanes}
    for lane, is_outer, occupied, at in _levels(lanes, entries):
        loops = watched[lane.name]
        name, other = ("outer", "inner") if is_outer else ("inner", "outer")
        if getattr(loops, name) is occupied:
            continue
        setattr(loops, name, occupied)
        if not occupied:
            setattr(loops, f"{name}_off", at)
            continue
        if at - getattr(loops, f"{name}_off") < DEBOUNCE_S:
            continue
        setattr(loops, f"{name}_on", at)
        if lane.direction is Direction.BOTH:
            if at - getattr(loops, f"{other}_on") <= PAIR_S:
                yield at, -1 if is_outer else 1
                loops.outer_on = loops.inner_on = -np.inf  # this vehicle was counted
        elif is_outer is (lane.direction is Direction.ENTRY):
            yield at, 1 if is_outer else -1


class Place(StrEnum):
    """Where the textbook's automaton is. ``IN`` and ``OUT`` are a vehicle's direction."""

    CLEAR = "clear"
    IN_OUTER = "coming in, on the outer loop"
    IN_BOTH = "coming in, on both"
    IN_INNER = "coming in, on the inner loop"
    OUT_INNER = "going out, on the inner loop"
    OUT_BOTH = "going out, on both"
    OUT_OUTER = "going out, on the outer loop"


QUADRATURE: Mapping[Place, Mapping[tuple[bool, bool], tuple[Place, int]]] = {
    Place.CLEAR: {(True, False): (Place.IN_OUTER, 0), (False, True): (Place.OUT_INNER, 0)},
    Place.IN_OUTER: {(True, True): (Place.IN_BOTH, 0), (False, False): (Place.CLEAR, 0)},
    Place.IN_BOTH: {(False, True): (Place.IN_INNER, 0), (True, False): (Place.IN_OUTER, 0)},
    Place.IN_INNER: {(False, False): (Place.CLEAR, 1), (True, True): (Place.IN_BOTH, 0)},
    Place.OUT_INNER: {(True, True): (Place.OUT_BOTH, 0), (False, False): (Place.CLEAR, 0)},
    Place.OUT_BOTH: {(True, False): (Place.OUT_OUTER, 0), (False, True): (Place.OUT_INNER, 0)},
    Place.OUT_OUTER: {(False, False): (Place.CLEAR, -1), (True, True): (Place.OUT_BOTH, 0)},
}
"""Place -> levels (outer, inner) -> (next place, change inside). Either loop may change, one at a time."""


def quadrature(lanes: Sequence[LaneSpec], entries: Iterable[Entry]) -> Iterator[Step]:
    """Count by the textbook's automaton, in the order of time."""
    places = {lane.name: Place.CLEAR for lane in lanes}
    levels = {lane.name: (False, False) for lane in lanes}
    for lane, is_outer, occupied, at in _levels(lanes, entries):
        outer, inner = levels[lane.name]
        now = (occupied, inner) if is_outer else (outer, occupied)
        if now == (outer, inner):
            continue
        levels[lane.name] = now
        places[lane.name], change = QUADRATURE[places[lane.name]][now]
        if change:
            yield at, change


def timing(decided: Iterable[tuple[float, Passage]]) -> Iterator[Step]:
    """Count the product's passages as what they most likely were, each when it was known."""
    changes = {PassageKind.ENTRY: 1, PassageKind.EXIT: -1}
    for at, passage in decided:
        if change := changes.get(passage.kind, 0):
            yield at, change


def _levels(lanes: Sequence[LaneSpec], entries: Iterable[Entry]) -> Iterator[tuple[LaneSpec, bool, bool, float]]:
    """Yield (lane, whether it is the outer loop, level, time) for each level of a two-loop lane."""
    loops = {
        detector.name: (lane, detector is lane.outer)
        for lane in lanes
        for detector in (lane.outer, lane.inner)
        if detector is not None
    }
    for entry in entries:
        if isinstance(entry, DetectorChanged) and entry.detector in loops:
            lane, is_outer = loops[entry.detector]
            yield lane, is_outer, entry.occupied, entry.at


def usual_at_reset(truth: Truth, days: float) -> int:
    """Return the median true number inside at the nightly reset, over the run."""
    nights = np.arange(int(days) + 1) * DAY_S + RESET_S
    nights = nights[nights < days * DAY_S]
    if not nights.size:
        return round(float(truth.inside[0]))
    return round(float(np.median(truth.inside[np.searchsorted(truth.t, nights, side="right") - 1])))


def counted(steps: Iterable[Step], *, capacity: int, start: int, usual: int, days: float) -> Shown:
    """Return what a sign shows that is driven by these steps: clamped, and set to ``usual`` every night.

    ``start`` is the number inside at first. FULL is shown at no free space, the number otherwise.
    """
    nights = [(night * DAY_S + RESET_S, None) for night in range(int(days) + 1)]
    inside, rows = min(max(start, 0), capacity), [(0.0, min(max(start, 0), capacity))]
    for at, change in sorted([*steps, *nights], key=lambda step: step[0]):
        inside = usual if change is None else inside + change
        inside = min(max(inside, 0), capacity)
        rows.append((at, inside))
    t, occupied = np.array(rows, dtype=float).T
    free = capacity - occupied
    full, never, unknown = free <= 0, np.zeros(len(t), dtype=bool), np.full(len(t), np.nan)
    return Shown(t, free, unknown, unknown, full=full, closed=never, dark=never, offers=~full)
