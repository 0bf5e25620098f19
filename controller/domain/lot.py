"""The whole lot: ``apply(spec, state, event) -> state``, and nothing else changes it.

A deterministic fold: the same events give the same state, live, after a restart, and in a replay. Time-outs happen at
their own time before a later event is taken, so it does not matter how often somebody says what time it is (``Tick``).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from controller.domain import bay, health, lane, occupancy
from controller.domain.bay import BayState
from controller.domain.crossing import LaneState
from controller.domain.events import (
    BayChanged,
    ClockSet,
    ClosureChanged,
    Corrected,
    DetectorChanged,
    Event,
    Tick,
    WentDown,
)
from controller.domain.health import DetectorState
from controller.domain.occupancy import Sources, ZoneState
from controller.domain.report import FaultKind, Passage, PassageKind, Reason
from controller.domain.specs import BaySpec, DetectorSpec, Direction, LaneSpec, LotSpec, Role

PASSAGES_KEPT = 20
NOTES_KEPT = 8
"""For each zone: a busy one must not push out why a quiet one says what it says."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people may want to know led to what the sign says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class LotState:
    """Everything there is to know between two events."""

    at: float
    lanes: Mapping[str, LaneState]
    detectors: Mapping[str, DetectorState]
    zones: Mapping[str, ZoneState]
    bays: Mapping[str, BayState]
    epoch: float | None = None
    """Unix time of lot time 0, if somebody told."""
    due: float = math.inf
    """No time-out of a lane or detector is due before this."""
    bays_due: float = math.inf
    """No bay falls silent before this."""
    stale: int = 0
    """Messages that were repeated, late, or too old."""
    strange: int = 0
    """Events that name nothing of this lot."""
    passages: tuple[Passage, ...] = ()
    """The last ones, newest last."""
    passed: tuple[Passage, ...] = ()
    """Those of the last ``apply`` alone."""
    notes: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)
    """For each zone, newest last."""


def initial(spec: LotSpec, at: float = 0.0) -> LotState:
    """Return the state of a lot of which nothing is known but what its site file says."""
    return adapted(spec, LotState(at, {}, {}, {}, {}))


def adapted(spec: LotSpec, state: LotState) -> LotState:
    """Fit a kept state to the site file of today: what is new starts fresh, what is gone is dropped."""
    fresh = {z.name: ZoneState(counted=z.initial_occupied, since=state.at) for z in spec.zones}
    zones = {name: state.zones.get(name, zone) for name, zone in fresh.items()}
    state = replace(
        state,
        lanes={s.name: state.lanes.get(s.name, LaneState()) for s in spec.lanes},
        detectors={d.name: state.detectors.get(d.name, DetectorState()) for s in spec.lanes for d in s.detectors},
        zones=zones,
        bays={b.name: state.bays.get(b.name, BayState()) for b in spec.bays},
        notes={z.name: state.notes.get(z.name, ()) for z in spec.zones},
        due=-math.inf,
        bays_due=-math.inf,
    )
    for name, zone in zones.items():
        known = [b.occupied for s in spec.bays if s.zone == name for b in (state.bays[s.name],)]
        zones[name] = replace(zone, bays_occupied=known.count(True), bays_free=known.count(False))
    return _judged(spec, _scheduled(spec, _silenced(spec, state, state.at)), state.at)


def next_due(state: LotState) -> float:
    """When something happens by time alone; infinity: never."""
    return min(state.due, state.bays_due)


def apply(spec: LotSpec, state: LotState, event: Event) -> LotState:
    """Fold one event. Its time must not be before the state's; an event that names nothing here is counted only."""
    if not state.at <= event.at < math.inf:
        raise ValueError(f"{event} is before lot time {state.at}, or at no time at all: events come in order")
    state = _advanced(spec, replace(state, passed=()), event.at)
    match event:
        case DetectorChanged():
            state = _detector_heard(state, event)
        case BayChanged():
            state = _bay_heard(spec, state, event)
        case Corrected():
            state = _corrected(spec, state, event)
        case ClosureChanged():
            state = _closure(state, event)
        case WentDown():
            state = _went_down(spec, state, event)
        case ClockSet():
            state = replace(state, epoch=event.epoch)
        case Tick():
            return state
    return _judged(spec, _scheduled(spec, state), event.at)


def _advanced(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Let everything happen that is due by ``at``, each at its own time."""
    while (due := next_due(state)) <= at:
        due = max(due, state.at)
        state = replace(state, at=due)
        state = _timed_out(spec, state, due) if state.due <= due else state
        state = _silenced(spec, state, due) if state.bays_due <= due else state
        state = _judged(spec, _scheduled(spec, state), due)
    return replace(state, at=at)


def _timed_out(spec: LotSpec, state: LotState, at: float) -> LotState:
    for lane_spec in spec.lanes:
        # What changes at one and the same time is taken in the order in which the lane is used.
        backward = lane_spec.direction is Direction.EXIT
        for detector in lane_spec.detectors[::-1] if backward else lane_spec.detectors:
            state = _detector_due(spec, state, lane_spec, detector, at)
        watched = state.lanes[lane_spec.name]
        now, passed = lane.time_passed(lane_spec, watched, at)
        if now is not watched:
            state = _passed(_with_lane(state, lane_spec, now), lane_spec, passed)
    return state


def _detector_due(spec: LotSpec, state: LotState, lane_spec: LaneSpec, detector: DetectorSpec, at: float) -> LotState:
    """Settle a level, begin or end a fault: whichever is due."""
    now = state.detectors[detector.name]
    if (due := health.settle_due(now)) is not None and due <= at:
        was, (now, level) = now, health.settle(now, spec.health)
        state = _with_detector(state, lane_spec, detector, was, now)
        if detector.role is not Role.BARRIER and now.fault is not FaultKind.CHATTER:
            state = _loop_changed(state, lane_spec, detector, level)
    if (due := health.fault_due(now, detector.role, spec.health)) is not None and due <= at:
        state = _with_detector(state, lane_spec, detector, now, health.fault_changed(now, due))
    return state


def _loop_changed(state: LotState, spec: LaneSpec, detector: DetectorSpec, level: health.Settled) -> LotState:
    now, passed = lane.loop_changed(spec, state.lanes[spec.name], detector.role, occupied=level.occupied, at=level.at)
    others = [state.detectors[d.name].fault for d in _loops(spec) if d is not detector]
    if FaultKind.STUCK in others and not level.occupied:
        # While one loop is stuck, a vehicle over the other may go either way, and nobody can tell.
        state = _distrusted(state, _zones_of(spec), Reason.DETECTOR_FAULT)
    return _passed(_with_lane(state, spec, now), spec, passed)


def _with_detector(
    state: LotState, spec: LaneSpec, detector: DetectorSpec, was: DetectorState, now: DetectorState
) -> LotState:
    """Put the detector's new state in place, and see what it means that its fault began or ended."""
    blind, zones = _is_blind(spec, state), _zones_of(spec)
    state = replace(state, detectors=_with(state.detectors, detector.name, now))
    if now.fault is was.fault:
        return state
    if now.fault is None:
        state = _noted(state, state.at, zones, f"{detector.name}: works again")
        return _distrusted(state, zones, Reason.DETECTOR_FAULT) if blind else state
    state = _noted(state, now.fault_since, zones, f"{detector.name}: fault {now.fault}")
    if detector.role is Role.BARRIER:
        return state
    if now.fault is FaultKind.CHATTER or detector.role is Role.LOOP:
        return _with_lane(state, spec, lane.interrupt(state.lanes[spec.name]))
    others = [state.detectors[d.name] for d in _loops(spec) if d is not detector]
    if any(o.changes and not o.occupied and (o.since or 0.0) > (now.since or 0.0) for o in others):
        # A vehicle left the other loop since this one is held, and it was counted as if this one told the truth.
        state = _distrusted(state, zones, Reason.DETECTOR_FAULT)
    return state


def _is_blind(spec: LaneSpec, state: LotState) -> bool:
    """Whether vehicles may pass the lane without anybody knowing."""
    faults = [state.detectors[d.name].fault for d in _loops(spec)]
    return FaultKind.CHATTER in faults or all(fault is FaultKind.STUCK for fault in faults)


def _passed(state: LotState, spec: LaneSpec, passed: Iterable[Passage]) -> LotState:
    for passage in passed:
        inward = {PassageKind.ENTRY: 1, PassageKind.EXIT: -1}.get(passage.kind, 0)
        zones = _with(state.zones, spec.zone, occupancy.moved(state.zones[spec.zone], inward))
        if spec.from_zone is not None:
            zones = _with(zones, spec.from_zone, occupancy.moved(zones[spec.from_zone], -inward))
        state = replace(
            state,
            zones=zones,
            passed=(*state.passed, passage),
            passages=(*state.passages, passage)[-PASSAGES_KEPT:],
        )
        text = f"{passage.kind.value.replace('_', '-')} through {spec.name}"
        text += " (tailgating)" if passage.tailgating else ""
        text += f" (in doubt: {passage.doubt})" if passage.doubt else ""
        state = _noted(state, passage.at, _zones_of(spec), text)
    return state


def _detector_heard(state: LotState, event: DetectorChanged) -> LotState:
    now = state.detectors.get(event.detector)
    if now is None:
        return replace(state, strange=state.strange + 1)
    if not health.is_news(now.stamp, now.heard_at, event.stamp, event.at):
        return replace(state, stale=state.stale + 1)
    now = health.heard(now, occupied=event.occupied, at=event.at, stamp=event.stamp)
    return replace(state, detectors=_with(state.detectors, event.detector, now))


def _bay_heard(spec: LotSpec, state: LotState, event: BayChanged) -> LotState:
    was = state.bays.get(event.bay)
    if was is None:
        return replace(state, strange=state.strange + 1)
    bay_spec = next(b for b in spec.bays if b.name == event.bay)
    now = bay.heard(bay_spec, was, event, state.epoch)
    if now is None:
        return replace(state, stale=state.stale + 1)
    due = event.at + bay_spec.silent_after_s
    state = replace(_with_bay(state, bay_spec, was, now), bays_due=min(state.bays_due, due))
    if now.occupied is was.occupied or _is_counted_by_lanes(spec, bay_spec.zone):
        return state
    return _noted(state, event.at, (bay_spec.zone,), f"bay {event.bay} is {'taken' if event.occupied else 'free'}")


def _silenced(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Forget the bays that were not heard for too long, and find when the next one falls silent."""
    next_due = math.inf
    for bay_spec in spec.bays:
        was = state.bays[bay_spec.name]
        if (due := bay.silent_due(bay_spec, was)) is None:
            continue
        if due <= at:
            state = _with_bay(state, bay_spec, was, bay.silenced(was, at))
            state = _noted(state, at, (bay_spec.zone,), f"bay {bay_spec.name} is silent")
        else:
            next_due = min(next_due, due)
    return replace(state, bays_due=next_due)


def _with_bay(state: LotState, spec: BaySpec, was: BayState, now: BayState) -> LotState:
    state = replace(state, bays=_with(state.bays, spec.name, now))
    if now.occupied is was.occupied:
        return state
    zone = occupancy.bay_changed(state.zones[spec.zone], was=was.occupied, now=now.occupied)
    return replace(state, zones=_with(state.zones, spec.zone, zone))


def _corrected(spec: LotSpec, state: LotState, event: Corrected) -> LotState:
    zone = state.zones.get(event.zone)
    if zone is None:
        return replace(state, strange=state.strange + 1)
    if not _is_counted_by_lanes(spec, event.zone):
        return _noted(state, event.at, (event.zone,), f"corrected: {event.occupied} inside, but its bays count it")
    was = "unknown" if zone.counted is None else zone.counted
    state = replace(state, zones=_with(state.zones, event.zone, occupancy.anchored(zone, event.occupied)))
    return _noted(state, event.at, (event.zone,), f"corrected: {event.occupied} inside (was {was})")


def _closure(state: LotState, event: ClosureChanged) -> LotState:
    zone = state.zones.get(event.zone)
    if zone is None:
        return replace(state, strange=state.strange + 1)
    state = replace(state, zones=_with(state.zones, event.zone, replace(zone, closed=event.closed)))
    return _noted(state, event.at, (event.zone,), "closed by staff" if event.closed else "opened by staff")


def _went_down(spec: LotSpec, state: LotState, event: WentDown) -> LotState:
    """Nobody watched for a while: a short one is like a blink; after a long one, whatever was known may be wrong."""
    names = [z.name for z in spec.zones]
    state = _noted(state, event.at, names, f"the controller was off for {event.seconds:.0f} s")
    if event.seconds <= spec.health.down_trust_s:
        return state
    for bay_spec in spec.bays:
        was = state.bays[bay_spec.name]
        state = _with_bay(state, bay_spec, was, bay.forgotten(was))
    state = replace(
        state,
        lanes={name: lane.interrupt(watched) for name, watched in state.lanes.items()},
        detectors={name: health.forget_level(detector) for name, detector in state.detectors.items()},
    )
    return _distrusted(state, names, Reason.WAS_DOWN)


def _scheduled(spec: LotSpec, state: LotState) -> LotState:
    """Find when the next time-out of a lane or detector is due."""
    dues = [state.lanes[lane_spec.name].deadline for lane_spec in spec.lanes]
    for lane_spec in spec.lanes:
        for detector in lane_spec.detectors:
            now = state.detectors[detector.name]
            dues += [health.settle_due(now), health.fault_due(now, detector.role, spec.health)]
    due = min((due for due in dues if due is not None), default=math.inf)
    return state if due == state.due else replace(state, due=due)


def _judged(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Bring every zone's status up to date."""
    for zone in spec.zones:
        now, sources = state.zones[zone.name], sources_of(spec, state, zone.name)
        told = occupancy.told_by_bays(zone, now, sources)
        new = occupancy.judged(zone, told, sources, at)
        if new is now:
            continue
        state = replace(state, zones=_with(state.zones, zone.name, new))
        if told.counted != now.counted:
            state = _noted(state, at, (zone.name,), f"every bay is known: {told.counted} inside")
        if new.status is not now.status:
            state = _noted(state, at, (zone.name,), f"{zone.name} became {new.status}: {new.reason}")
    return state


def _distrusted(state: LotState, zones: Iterable[str], reason: Reason) -> LotState:
    changed = {name: occupancy.distrusted(state.zones[name], reason) for name in zones}
    return replace(state, zones={**state.zones, **changed})


def sources_of(spec: LotSpec, state: LotState, zone: str) -> Sources:
    """Return what the zone is counted by, and how much of it works now."""
    lanes = [s for s in spec.lanes if zone in _zones_of(s)]
    at_fault = sum(any(state.detectors[d.name].fault for d in _loops(s)) for s in lanes)
    return Sources(len(lanes), at_fault)


def _is_counted_by_lanes(spec: LotSpec, zone: str) -> bool:
    return any(zone in _zones_of(s) for s in spec.lanes)


def _zones_of(spec: LaneSpec) -> tuple[str, ...]:
    return (spec.zone,) if spec.from_zone is None else (spec.zone, spec.from_zone)


def _loops(spec: LaneSpec) -> list[DetectorSpec]:
    """Return what counts in the lane; a barrier's contact does not."""
    return [d for d in spec.detectors if d.role is not Role.BARRIER]


def _noted(state: LotState, at: float, zones: Iterable[str], text: str) -> LotState:
    new = {name: (*state.notes[name], Note(at, text))[-NOTES_KEPT:] for name in zones}
    return replace(state, notes={**state.notes, **new})


def _with_lane(state: LotState, spec: LaneSpec, now: LaneState) -> LotState:
    return replace(state, lanes=_with(state.lanes, spec.name, now))


def _with(items: Mapping[str, T], name: str, item: T) -> dict[str, T]:
    return {**items, name: item}
