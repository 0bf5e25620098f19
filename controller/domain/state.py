"""The state of the whole lot, and the small steps that others are made of."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from controller.domain import occupancy
from controller.domain.bay import BayState
from controller.domain.crossing import LaneState
from controller.domain.frozen import changed
from controller.domain.health import DetectorState
from controller.domain.message import Neighbour
from controller.domain.occupancy import ZoneState
from controller.domain.report import Passage, Reason, StaffMessage
from controller.domain.silence import Silence
from controller.domain.specs import DetectorSpec, LaneSpec, LotSpec, Role

NOTES_KEPT = 8
"""For each zone: a busy one must not push out why a quiet one says what it says."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people may want to know led to what the sign says."""

    at: float
    text: str


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


def noted(state: LotState, at: float, zones: Iterable[str], text: str) -> LotState:
    """Note for these zones what happened."""
    new = {name: (*state.notes[name], Note(at, text))[-NOTES_KEPT:] for name in zones}
    return changed(state, notes={**state.notes, **new})


def doubted(state: LotState, zones: Iterable[str], reason: Reason) -> LotState:
    """Note what would explain it if little were known of these zones."""
    new = {name: occupancy.doubted(state.zones[name], reason) for name in zones}
    return changed(state, zones={**state.zones, **new})


def put(items: Mapping[str, T], name: str, item: T) -> dict[str, T]:
    """Return the items with one of them replaced."""
    return {**items, name: item}
