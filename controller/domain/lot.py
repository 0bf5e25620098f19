"""The whole lot: ``apply(spec, state, event) -> state``, and nothing else changes it.

A deterministic fold: the same events give the same state, live, after a restart, and in a replay. Time-outs happen at
their own time before a later event is taken, so it does not matter how often somebody says what time it is (``Tick``).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from controller.domain import health, lane, occupancy
from controller.domain.events import (
    BayChanged,
    ClockSet,
    ClosureChanged,
    Corrected,
    DetectorChanged,
    Event,
    Stamp,
    Tick,
    WentDown,
)
from controller.domain.health import DetectorState
from controller.domain.lane import LaneState
from controller.domain.occupancy import Sources, ZoneState
from controller.domain.report import (
    FaultKind,
    Passage,
    PassageKind,
    Reason,
)
from controller.domain.specs import BaySpec, DetectorSpec, LaneSpec, LotSpec, Role

PASSAGES_KEPT = 20
NOTES_KEPT = 40

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BayState:
    """One bay between two messages."""

    occupied: bool | None = None
    since: float | None = None
    heard_at: float | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people may want to know led to what the sign says."""

    at: float
    zone: str
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
    notes: tuple[Note, ...] = ()


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
        due=-math.inf,
        bays_due=-math.inf,
    )
    for zone in spec.zones:
        state = _counted_bays(spec, state, zone.name)
    return _judged(spec, _scheduled(spec, _silenced(spec, state, state.at)), state.at)


def next_due(state: LotState) -> float:
    """When something happens by time alone; infinity: never."""
    return min(state.due, state.bays_due)


def apply(spec: LotSpec, state: LotState, event: Event) -> LotState:
    """Fold one event. Its time must not be before the state's; an event that names nothing here is counted only."""
    if event.at < state.at:
        raise ValueError(f"{event} is before lot time {state.at}: events come in order")
    state = _advanced(spec, replace(state, passed=()), event.at)
    match event:
        case DetectorChanged():
            state = _detector_heard(state, event)
        case BayChanged():
            state = _bay_heard(spec, state, event)
        case Corrected():
            state = _corrected(state, event)
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
        for detector in lane_spec.detectors:
            state = _detector_due(spec, state, lane_spec, detector, at)
        now, passed = lane.time_passed(lane_spec, state.lanes[lane_spec.name], at)
        state = _passed(replace(state, lanes=_with(state.lanes, lane_spec.name, now)), lane_spec, passed)
    return state


def _detector_due(spec: LotSpec, state: LotState, lane_spec: LaneSpec, detector: DetectorSpec, at: float) -> LotState:
    """Settle a level, begin or end a fault: whichever is due."""
    now = state.detectors[detector.name]
    if (due := health.settle_due(now)) is not None and due <= at:
        was, (now, level) = now.fault, health.settle(now, spec.health)
        state = _with_detector(state, lane_spec, detector, now, was)
        if detector.role is not Role.BARRIER and now.fault is not FaultKind.CHATTER:
            state = _loop_changed(state, lane_spec, detector, level)
    if (due := health.fault_due(now, detector.role, spec.health)) is not None and due <= at:
        state = _with_detector(state, lane_spec, detector, health.fault_changed(now, due), now.fault)
    return state


def _loop_changed(state: LotState, spec: LaneSpec, detector: DetectorSpec, level: health.Settled) -> LotState:
    now, passed = lane.loop_changed(spec, state.lanes[spec.name], detector.role, occupied=level.occupied, at=level.at)
    # While one loop is stuck, a vehicle over the other may go either way, and nobody can tell.
    stuck = any(state.detectors[d.name].fault is FaultKind.STUCK for d in spec.detectors if d is not detector)
    if stuck and not level.occupied:
        now = replace(now, blind=True)
    return _passed(replace(state, lanes=_with(state.lanes, spec.name, now)), spec, passed)


def _with_detector(
    state: LotState, spec: LaneSpec, detector: DetectorSpec, now: DetectorState, was: FaultKind | None
) -> LotState:
    """Put the detector's new state in place, and say so when its fault began or ended."""
    state = replace(state, detectors=_with(state.detectors, detector.name, now))
    if now.fault is was:
        return state
    watched = state.lanes[spec.name]
    if now.fault is FaultKind.CHATTER or (now.fault is FaultKind.STUCK and detector.role is Role.LOOP):
        watched = replace(lane.interrupt(watched), blind=True)
    at = state.at if now.fault is None else now.fault_since
    text = f"{detector.name}: fault {now.fault}" if now.fault else f"{detector.name}: works again"
    if now.fault is None and watched.blind:
        watched = replace(watched, blind=False)
        for name in _zones_of(spec):
            zone = state.zones[name]
            distrusted = zone if zone.counted is None else replace(zone, distrust=Reason.DETECTOR_FAULT)
            state = replace(state, zones=_with(state.zones, name, distrusted))
    state = replace(state, lanes=_with(state.lanes, spec.name, watched))
    return _noted(state, at, _zones_of(spec), text)


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
    now = state.bays.get(event.bay)
    if now is None:
        return replace(state, strange=state.strange + 1)
    bay = next(b for b in spec.bays if b.name == event.bay)
    if _too_old(state, bay, event) or not health.is_news(now.stamp, now.heard_at, event.stamp, event.at):
        return replace(state, stale=state.stale + 1)
    changed = now.occupied is not event.occupied
    new = BayState(
        event.occupied, event.at if changed else now.since, heard_at=event.at, stamp=event.stamp or now.stamp
    )
    state = replace(
        state,
        bays=_with(state.bays, event.bay, new),
        bays_due=min(state.bays_due, event.at + bay.silent_after_s),
    )
    if not changed:
        return state
    state = _noted(state, event.at, (bay.zone,), f"bay {bay.name} is {'taken' if event.occupied else 'free'}")
    return _counted_bays(spec, state, bay.zone)


def _too_old(state: LotState, bay: BaySpec, event: BayChanged) -> bool:
    """Whether the message waited in some queue for longer than the bay may be silent."""
    if state.epoch is None or event.stamp is None or event.stamp.sent_at is None:
        return False
    return state.epoch + event.at - event.stamp.sent_at > bay.silent_after_s


def _silenced(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Forget the bays that were not heard for too long, and find when the next one falls silent."""
    due, bays, zones = math.inf, dict(state.bays), set()
    for bay in spec.bays:
        now = bays[bay.name]
        if now.occupied is None or now.heard_at is None:
            continue
        if now.heard_at + bay.silent_after_s <= at:
            bays[bay.name] = replace(now, occupied=None, since=at)
            state = _noted(state, at, (bay.zone,), f"bay {bay.name} is silent")
            zones.add(bay.zone)
        else:
            due = min(due, now.heard_at + bay.silent_after_s)
    state = replace(state, bays=bays, bays_due=due)
    for zone in zones:
        state = _counted_bays(spec, state, zone)
    return state


def _counted_bays(spec: LotSpec, state: LotState, name: str) -> LotState:
    levels = [state.bays[b.name] for b in spec.bays if b.zone == name]
    zone = replace(
        state.zones[name],
        bays_occupied=sum(b.occupied is True for b in levels),
        bays_free=sum(b.occupied is False for b in levels),
        bays_heard=any(b.heard_at is not None for b in levels),
    )
    return replace(state, zones=_with(state.zones, name, zone))


def _corrected(state: LotState, event: Corrected) -> LotState:
    zone = state.zones.get(event.zone)
    if zone is None:
        return replace(state, strange=state.strange + 1)
    state = replace(state, zones=_with(state.zones, event.zone, occupancy.anchored(zone, event.occupied)))
    return _noted(state, event.at, (event.zone,), f"corrected: {event.occupied} inside (was {zone.counted})")


def _closure(state: LotState, event: ClosureChanged) -> LotState:
    zone = state.zones.get(event.zone)
    if zone is None:
        return replace(state, strange=state.strange + 1)
    state = replace(state, zones=_with(state.zones, event.zone, replace(zone, closed=event.closed)))
    return _noted(state, event.at, (event.zone,), "closed by staff" if event.closed else "opened by staff")


def _went_down(spec: LotSpec, state: LotState, event: WentDown) -> LotState:
    """Nobody watched for a while: vehicles being watched are forgotten, and after too long so is the count."""
    lanes = {name: lane.interrupt(watched) for name, watched in state.lanes.items()}
    detectors = {name: health.forget_level(detector) for name, detector in state.detectors.items()}
    state = replace(state, lanes=lanes, detectors=detectors)
    for zone in spec.zones:
        now = state.zones[zone.name]
        blind = any(state.lanes[s.name].blind for s in spec.lanes if zone.name in _zones_of(s))
        if now.counted is not None and (blind or event.seconds > spec.health.down_trust_s):
            now = replace(now, distrust=Reason.DETECTOR_FAULT if blind else Reason.WAS_DOWN)
        state = replace(state, zones=_with(state.zones, zone.name, now))
    state = replace(state, lanes={name: replace(watched, blind=False) for name, watched in lanes.items()})
    return _noted(state, event.at, [z.name for z in spec.zones], f"the controller was off for {event.seconds:.0f} s")


def _scheduled(spec: LotSpec, state: LotState) -> LotState:
    """Find when the next time-out of a lane or detector is due."""
    due = math.inf
    for lane_spec in spec.lanes:
        due = min(due, state.lanes[lane_spec.name].deadline or math.inf)
        for detector in lane_spec.detectors:
            now = state.detectors[detector.name]
            settle = health.settle_due(now)
            fault = health.fault_due(now, detector.role, spec.health)
            due = min(due, math.inf if settle is None else settle, math.inf if fault is None else fault)
    return state if due == state.due else replace(state, due=due)


def _judged(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Bring every zone's status up to date."""
    for zone in spec.zones:
        now, sources = state.zones[zone.name], sources_of(spec, state, zone.name)
        new = occupancy.judged(zone, occupancy.anchored_by_bays(zone, now, sources), sources, at)
        if new is now:
            continue
        state = replace(state, zones=_with(state.zones, zone.name, new))
        if new.status is not now.status:
            state = _noted(state, at, (zone.name,), f"{zone.name} became {new.status}: {new.reason}")
    return state


def sources_of(spec: LotSpec, state: LotState, zone: str) -> Sources:
    """Return what the zone is counted by, and how much of it works now."""
    lanes = [s for s in spec.lanes if zone in _zones_of(s)]
    at_fault = sum(any(state.detectors[d.name].fault for d in s.detectors) for s in lanes)
    return Sources(len(lanes), at_fault, sum(b.zone == zone for b in spec.bays))


def _zones_of(spec: LaneSpec) -> tuple[str, ...]:
    return (spec.zone,) if spec.from_zone is None else (spec.zone, spec.from_zone)


def _noted(state: LotState, at: float, zones: Iterable[str], text: str) -> LotState:
    notes = (*state.notes, *(Note(at, zone, text) for zone in zones))
    return replace(state, notes=notes[-NOTES_KEPT:])


def _with(items: Mapping[str, T], name: str, item: T) -> dict[str, T]:
    return {**items, name: item}
