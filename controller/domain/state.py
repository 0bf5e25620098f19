"""The state of the whole lot, and the small steps that others are made of."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from controller.domain import occupancy
from controller.domain.amends import Before, Recount
from controller.domain.bay import BayState
from controller.domain.crossing import LaneState
from controller.domain.frozen import changed
from controller.domain.health import DetectorState
from controller.domain.message import Neighbour
from controller.domain.notes import Note, Value, What, note
from controller.domain.occupancy import ZoneState
from controller.domain.report import Passage, Reason, StaffMessage
from controller.domain.silence import Silence
from controller.domain.specs import DetectorSpec, LaneSpec, LotSpec, Role, ZoneSpec

NOTES_KEPT = 8
"""For each zone: a busy one must not push out why a quiet one says what it says."""

T = TypeVar("T")


@dataclass(frozen=True)  # no slots: see ``frozen``
class LotState:
    """Everything there is to know between two events."""

    at: float
    lanes: Mapping[str, LaneState]
    detectors: Mapping[str, DetectorState]
    zones: Mapping[str, ZoneState]
    bays: Mapping[str, BayState]
    epoch: float | None = None
    """Unix time of lot time 0, if somebody told."""
    epoch_before: float | None = None
    """The same, before an outage of which nobody knows yet how long it was."""
    due: float = math.inf
    """No time-out of a lane or detector is due before this."""
    bays_due: float = math.inf
    """No bay falls silent before this."""
    weigh_due: float = math.inf
    """When the time that passed is weighed next."""
    stale: int = 0
    """Messages that were repeated, late, or too old."""
    strange: int = 0
    """Events that name nothing of this lot."""
    passages: tuple[Passage, ...] = ()
    """The last ones, newest last."""
    passed: tuple[Passage, ...] = ()
    """Those of the last ``apply`` alone."""
    silences: Mapping[str, Silence] = field(default_factory=dict)
    """For each lane, how long nothing was heard of its loops."""
    doubts: Mapping[str, float] = field(default_factory=dict)
    """For each lane, the variance (vehicles squared) that its passages left."""
    notes: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)
    """For each zone, newest last."""
    staff: Mapping[str, StaffMessage] = field(default_factory=dict)
    """What staff put on signs, by sign."""
    neighbours: Mapping[str, Neighbour] = field(default_factory=dict)
    """What other lots told, by the name under which a redirect knows them."""
    tests: Mapping[str, float] = field(default_factory=dict)
    """Until when (lot time) signs are tried out."""
    recounts: Mapping[str, Recount] = field(default_factory=dict)
    """Who walks the lot and counts, by zone."""
    undoable: Mapping[str, Before] = field(default_factory=dict)
    """What zones were before their last correction."""
    out_of_service: Mapping[str, str] = field(default_factory=dict)
    """Bays where nobody may park now, with their zones."""


def unix(state: LotState, at: float) -> float:
    """Return the Unix time of a lot time; without a clock, lot time has to do: a day is still a day."""
    return (state.epoch or 0.0) + at


def is_counted_by_lanes(spec: LotSpec, zone: str) -> bool:
    """Whether lanes lead to the zone; else its bays count it."""
    return any(zone in zones_of(s) for s in spec.lanes)


def zones_of(spec: LaneSpec) -> tuple[str, ...]:
    """Return the zones that a lane joins: where it leads to first."""
    return (spec.zone,) if spec.from_zone is None else (spec.zone, spec.from_zone)


def loops(spec: LaneSpec) -> list[DetectorSpec]:
    """Return what counts in the lane; a barrier's contact does not."""
    return [d for d in spec.detectors if d.role is not Role.BARRIER]


def in_service(spec: LotSpec, state: LotState) -> LotSpec:
    """Return the lot with the spaces that can be used now: a bay out of service is one less."""
    if not state.out_of_service:
        return spec
    gone = [*state.out_of_service.values()]
    return replace(spec, zones=tuple(_with_fewer(z, gone.count(z.name)) for z in spec.zones))


def _with_fewer(zone: ZoneSpec, spaces: int) -> ZoneSpec:
    """Return the zone with so many spaces less, and limits that it can still reach: else it would be FULL for ever."""
    if not spaces:
        return zone
    capacity = zone.capacity - spaces
    full_at = min(zone.full_at, max(capacity - 1, 0))
    reopen_at = max(full_at + 1, min(zone.reopen_at, capacity))
    return replace(zone, capacity=capacity, full_at=full_at, reopen_at=reopen_at)


def noted(state: LotState, at: float, zones: Iterable[str], what: What, **values: Value) -> LotState:
    """Note for these zones what happened."""
    new = {name: (*state.notes[name], note(at, what, values))[-NOTES_KEPT:] for name in zones}
    return changed(state, notes={**state.notes, **new})


def doubted(state: LotState, zones: Iterable[str], reason: Reason) -> LotState:
    """Note what would explain it if little were known of these zones; no number of before is to be gone back to."""
    names = {*zones}
    new = {name: occupancy.doubted(state.zones[name], reason) for name in names}
    state = changed(state, zones={**state.zones, **new})
    if reason is Reason.DETECTOR_FAULT and state.recounts:
        blind = {name: replace(r, blind=r.blind or name in names) for name, r in state.recounts.items()}
        state = changed(state, recounts=blind)
    if state.undoable:
        state = changed(state, undoable={z: before for z, before in state.undoable.items() if z not in names})
    return state


def put(items: Mapping[str, T], name: str, item: T) -> dict[str, T]:
    """Return the items with one of them replaced."""
    return {**items, name: item}


def without(items: Mapping[str, T], name: str) -> dict[str, T]:
    """Return the items without one of them."""
    return {key: item for key, item in items.items() if key != name}
