"""The whole lot: ``apply(spec, state, event) -> state``, and nothing else changes it.

A deterministic fold: the same events give the same state, live, after a restart, and in a replay. Time-outs happen at
their own time before a later event is taken, so it does not matter how often somebody says what time it is (``Tick``).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from controller.domain import bay, health, lane, occupancy, upkeep
from controller.domain import silence as silences
from controller.domain.bay import BayState
from controller.domain.belief import GRID_S, Passing, expectation
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
from controller.domain.silence import Silence
from controller.domain.specs import BaySpec, DetectorSpec, Direction, LaneSpec, LotSpec, Role, ZoneSpec

PASSAGES_KEPT = 20
BLINK_S = 120.0
"""What stood in lanes and bays before the controller was off for no longer than this is taken to stand there still."""
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


def initial(spec: LotSpec, at: float = 0.0) -> LotState:
    """Return the state of a lot of which nothing is known but what its site file says."""
    return adapted(spec, LotState(at, {}, {}, {}, {}))


def adapted(spec: LotSpec, state: LotState) -> LotState:
    """Fit a kept state to the site file of today: what is new starts fresh, what is gone is dropped."""
    zones = {z.name: _adapted_zone(spec, state, z) for z in spec.zones}
    state = replace(
        state,
        lanes={s.name: state.lanes.get(s.name, LaneState()) for s in spec.lanes},
        detectors={d.name: state.detectors.get(d.name, DetectorState()) for s in spec.lanes for d in s.detectors},
        zones=zones,
        bays={b.name: state.bays.get(b.name, BayState()) for b in spec.bays},
        notes={z.name: state.notes.get(z.name, ()) for z in spec.zones},
        due=-math.inf,
        bays_due=-math.inf,
        weigh_due=_next_weighing(state.at) if spec.lanes else math.inf,
    )
    for name, zone in zones.items():
        known = [b.occupied for s in spec.bays if s.zone == name for b in (state.bays[s.name],)]
        zones[name] = replace(zone, bays_occupied=known.count(True), bays_free=known.count(False))
    return _judged(spec, _scheduled(spec, _silenced(spec, state, state.at)), state.at)


def _adapted_zone(spec: LotSpec, state: LotState, zone: ZoneSpec) -> ZoneState:
    """Keep what is known of a zone; begin anew where it is another one now."""
    lanes = _is_counted_by_lanes(spec, zone.name)
    kept = state.zones.get(zone.name)
    if kept is None or lanes is (kept.belief is None):
        return occupancy.begun(zone, state.at, _unix(state, state.at), lanes=lanes)
    return occupancy.resized(zone, kept, state.at, _unix(state, state.at))


def _unix(state: LotState, at: float) -> float:
    """Return the Unix time of a lot time; without a clock, lot time has to do: a day is still a day."""
    return (state.epoch or 0.0) + at


def _next_weighing(at: float) -> float:
    return (at // GRID_S + 1) * GRID_S


def next_due(state: LotState) -> float:
    """When something happens by time alone; infinity: never."""
    return min(state.due, state.bays_due, state.weigh_due)


def apply(spec: LotSpec, state: LotState, event: Event) -> LotState:
    """Fold one event. Its time must not be before the state's; an event that names nothing here is counted only."""
    if not state.at <= event.at < math.inf:
        raise ValueError(f"{event} is before lot time {state.at}, or at no time at all: events come in order")
    state = _advanced(spec, replace(state, passed=()) if state.passed else state, event.at)
    before = state
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
    return _judged(spec, _scheduled(spec, state), event.at, before)


def _advanced(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Let everything happen that is due by ``at``, each at its own time."""
    while (due := next_due(state)) <= at:
        due = max(due, state.at)
        before = state = replace(state, at=due)
        state = _timed_out(spec, state, due) if state.due <= due else state
        state = _silenced(spec, state, due) if state.bays_due <= due else state
        state = _weighed(spec, state, due) if state.weigh_due <= due else state
        state = _judged(spec, _scheduled(spec, state), due, before)
    return state if state.at == at else replace(state, at=at)


def _timed_out(spec: LotSpec, state: LotState, at: float) -> LotState:
    for lane_spec in spec.lanes:
        # What changes at one and the same time is taken in the order in which the lane is used.
        backward = lane_spec.direction is Direction.EXIT
        for detector in lane_spec.detectors[::-1] if backward else lane_spec.detectors:
            state = _detector_due(spec, state, lane_spec, detector, at)
        watched = state.lanes[lane_spec.name]
        now, passed = lane.time_passed(lane_spec, watched, at)
        if now is not watched:
            state = _with_lane(spec, state, lane_spec, now, passed)
    return state


def _detector_due(spec: LotSpec, state: LotState, lane_spec: LaneSpec, detector: DetectorSpec, at: float) -> LotState:
    """Settle a level, begin or end a fault: whichever is due."""
    now = state.detectors[detector.name]
    if (due := health.settle_due(now)) is not None and due <= at:
        was, (now, level) = now, health.settle(now, spec.health)
        state = _with_detector(spec, state, lane_spec, detector, was, now)
        if now.fault is not FaultKind.CHATTER:
            state = _level_changed(spec, state, lane_spec, detector, level)
    if (due := health.fault_due(now, detector.role, spec.health)) is not None and due <= at:
        state = _with_detector(spec, state, lane_spec, detector, now, health.fault_changed(now, due))
    return state


def _level_changed(
    lot: LotSpec, state: LotState, spec: LaneSpec, detector: DetectorSpec, level: health.Settled
) -> LotState:
    watched, role = state.lanes[spec.name], detector.role
    if role is not Role.BARRIER and level.occupied:
        state = replace(state, silences=_with(state.silences, spec.name, Silence(level.at)))
    if role is Role.BARRIER:
        now, passed = lane.barrier_changed(spec, watched, occupied=level.occupied, at=level.at, repeated=level.repeated)
    else:
        full = state.zones[spec.zone].full
        now, passed = lane.loop_changed(
            spec, watched, role, occupied=level.occupied, at=level.at, repeated=level.repeated, full=full
        )
    return _with_lane(lot, state, spec, now, passed)


def _with_detector(
    lot: LotSpec, state: LotState, spec: LaneSpec, detector: DetectorSpec, was: DetectorState, now: DetectorState
) -> LotState:
    """Put the detector's new state in place, and tell its lane when a fault began or ended."""
    before, state = state, replace(state, detectors=_with(state.detectors, detector.name, now))
    if now.fault is was.fault:
        return state
    zones, watched = _zones_of(spec), state.lanes[spec.name]
    if now.fault is None:
        state = _noted(state, state.at, zones, f"{detector.name}: works again")
        state = _with_lane(lot, state, spec, lane.sighted(watched, detector.role), ())
    else:
        state = _noted(state, now.fault_since, zones, f"{detector.name}: fault {now.fault}")
        state = _with_lane(lot, state, spec, *lane.blinded(spec, watched, detector.role, now.fault, state.at))
    if spec.loop is None or is_blind(spec, state) is is_blind(spec, before):
        return state
    if now.fault is not None:
        state = _with_lane(lot, state, spec, lane.interrupt(state.lanes[spec.name]), ())
    return _blindness_changed(lot, before, state, spec)


def _with_lane(lot: LotSpec, state: LotState, spec: LaneSpec, now: LaneState, passed: Iterable[Passage]) -> LotState:
    """Put the lane's new state in place, with what it means that it found or lost a fault, and what passed."""
    was, before = state.lanes[spec.name], state
    state = replace(state, lanes=_with(state.lanes, spec.name, now))
    if now.faults != was.faults:
        for fault, text in [(f, f"fault {f.kind}") for f in now.faults if f not in was.faults] + [
            (f, "works again") for f in was.faults if f not in now.faults
        ]:
            if state.detectors[f"{spec.name}.{fault.role}"].fault is None:  # else that told it already
                state = _noted(state, state.at, _zones_of(spec), f"{spec.name}.{fault.role}: {text}")
        if is_blind(spec, state) is not is_blind(spec, before):
            state = _blindness_changed(lot, before, state, spec)
    return _passed(lot, state, spec, passed)


def _blindness_changed(lot: LotSpec, before: LotState, state: LotState, spec: LaneSpec) -> LotState:
    """Until now the lanes saw what they saw; from here on it is another share of all that passes."""
    zones = _zones_of(spec)
    state = replace(state, zones={**state.zones, **_zones_with(before, lot, state.at, zones)})
    return _doubted(state, zones, Reason.DETECTOR_FAULT)


def is_blind(spec: LaneSpec, state: LotState) -> bool:
    """Whether vehicles pass the lane and no loop tells."""
    if spec.loop is not None:
        return state.detectors[spec.loop.name].fault is not None
    return lane.is_blind(spec, state.lanes[spec.name])


def _weighed(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Let the time that passed tell what it tells, and teach the rhythm."""
    zones = _zones_with(state, spec, at, [z.name for z in spec.zones])
    unix = _unix(state, at)
    by_name = {z.name: z for z in spec.zones}
    taught = {name: occupancy.taught(by_name[name], zone, unix) for name, zone in zones.items()}
    state = replace(state, zones={**state.zones, **taught}, weigh_due=_next_weighing(at))
    for lane_spec in spec.lanes:
        state = _listened(spec, state, lane_spec)
    return state


def _listened(lot: LotSpec, state: LotState, spec: LaneSpec) -> LotState:
    """See whether a lane is quieter than it can be."""
    belief, watched = state.zones[spec.zone].belief, state.lanes[spec.name]
    if belief is None or is_blind(spec, state):
        return state
    share_in, share_out = _shares(lot, state, spec)
    entries, exits, entry_strength, exit_strength = expectation(belief)
    silence = state.silences.get(spec.name, Silence(state.at - GRID_S))
    lasted_s = min(GRID_S, state.at - silence.since)
    silence = silences.grown(
        silence, share_in * entries * lasted_s, share_out * exits * lasted_s, entry_strength, exit_strength
    )
    if not silences.is_dead(silence):
        return replace(state, silences=_with(state.silences, spec.name, silence))
    zone_spec = next(z for z in lot.zones if z.name == spec.zone)
    zone = occupancy.missed(zone_spec, state.zones[spec.zone], state.at - silence.since, share_in, share_out)
    state = replace(
        state,
        zones=_with(state.zones, spec.zone, zone),
        silences=_with(state.silences, spec.name, Silence(state.at)),
    )
    if spec.loop is not None:
        now = state.detectors[spec.loop.name]
        return _with_detector(lot, state, spec, spec.loop, now, health.silenced(now, state.at))
    for role in (Role.OUTER, Role.INNER):
        watched, passed = lane.blinded(spec, state.lanes[spec.name], role, FaultKind.SILENT, state.at)
        state = _with_lane(lot, state, spec, watched, passed)
    return state


def _shares(lot: LotSpec, state: LotState, spec: LaneSpec) -> tuple[float, float]:
    """Return which shares (0-1) of its zone's entries and exits come through this lane, by what was counted so far."""
    beside = [s for s in lot.lanes if s.zone == spec.zone]
    entries, exits = (
        [getattr(state.lanes[s.name], way) + (s.direction is not other) for s in beside]
        for way, other in (("entries", Direction.EXIT), ("exits", Direction.ENTRY))
    )
    mine = beside.index(spec)
    return (entries[mine] / max(1, sum(entries)), exits[mine] / max(1, sum(exits)))


def _zones_with(state: LotState, spec: LotSpec, at: float, names: Iterable[str]) -> dict[str, ZoneState]:
    """Return these zones as they are when the time until ``at`` is weighed."""
    return {
        zone.name: occupancy.waited(zone, state.zones[zone.name], at, *_seen(spec, state, zone.name))
        for zone in spec.zones
        if zone.name in names
    }


def _seen(spec: LotSpec, state: LotState, zone: str) -> tuple[float, float]:
    """Return which shares (0-1) of a zone's entries and exits its lanes see now, by what each has counted so far."""
    seen, every = [0.0, 0.0], [0.0, 0.0]
    for lane_spec in spec.lanes:
        if zone not in _zones_of(lane_spec):
            continue
        watched, direction = state.lanes[lane_spec.name], lane_spec.direction
        counted = [
            watched.entries + (direction is not Direction.EXIT),
            watched.exits + (direction is not Direction.ENTRY),
        ]
        blind = is_blind(lane_spec, state)
        for way, number in enumerate(counted if lane_spec.zone == zone else counted[::-1]):
            every[way] += number
            seen[way] += 0 if blind else number
    return (seen[0] / every[0] if every[0] else 1.0), (seen[1] / every[1] if every[1] else 1.0)


def _passed(lot: LotSpec, state: LotState, spec: LaneSpec, passed: Iterable[Passage]) -> LotState:
    by_name = {z.name: z for z in lot.zones}
    for passage in passed:
        inward = {PassageKind.ENTRY: 1, PassageKind.EXIT: -1}.get(passage.kind, 0)
        passing = Passing(
            passage.chance_in,
            passage.chance_out,
            unseen=upkeep.unseen(spec, lane.quality(spec, state.lanes[spec.name])),
            undirected=passage.chance_in == passage.chance_out > 0,
        )
        seen_in, seen_out = _seen(lot, state, spec.zone)
        passing = replace(passing, seen_in=seen_in, seen_out=seen_out, obeyed=state.zones[spec.zone].full)
        zones = {**state.zones}
        zones[spec.zone] = occupancy.passed(by_name[spec.zone], zones[spec.zone], passing, inward, state.at)
        if (other := spec.from_zone) is not None:
            passing = replace(passing, chance_in=passing.chance_out, chance_out=passing.chance_in)
            zones[other] = occupancy.passed(by_name[other], zones[other], passing, -inward, state.at)
        if passage.kind in {PassageKind.ENTRY, PassageKind.EXIT}:
            state = replace(state, silences=_heard_elsewhere(lot, state, spec))
        if _is_turning_away(spec, passage):
            zones[spec.zone] = occupancy.turned_away(
                by_name[spec.zone], zones[spec.zone], 1 - passage.chance_in - passage.chance_out, state.at
            )
        change = passage.chance_in - passage.chance_out
        doubt = state.doubts.get(spec.name, 0.0) + passage.chance_in + passage.chance_out - change**2
        state = replace(
            state,
            zones=zones,
            doubts=_with(state.doubts, spec.name, doubt),
            passed=(*state.passed, passage),
            passages=(*state.passages, passage)[-PASSAGES_KEPT:],
        )
        if passage.kind is PassageKind.TOUCH:
            continue  # people and trolleys are not what led to a number
        text = f"{passage.kind.value.replace('_', '-')} through {spec.name}"
        text += " (tailgating)" if passage.tailgating else ""
        text += f" (in doubt: {passage.doubt})" if passage.doubt else ""
        state = _noted(state, passage.at, _zones_of(spec), text)
    return state


def _is_turning_away(spec: LaneSpec, passage: Passage) -> bool:
    """Whether somebody may have come to the lane from outside and gone away again."""
    if spec.direction is Direction.EXIT:
        return False
    touched = passage.kind is PassageKind.TOUCH and passage.seen_by is Role.OUTER
    return touched or passage.kind is PassageKind.BACK_OUT


def _heard_elsewhere(lot: LotSpec, state: LotState, spec: LaneSpec) -> dict[str, Silence]:
    """Count a vehicle for the other lanes of its zone, which were quiet meanwhile."""
    beside = {s.name for s in lot.lanes if s.zone == spec.zone and s is not spec}
    return {n: replace(s, others=s.others + 1) if n in beside else s for n, s in state.silences.items()}


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
    state = replace(_with_bay(spec, state, bay_spec, was, now), bays_due=min(state.bays_due, due))
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
            state = _with_bay(spec, state, bay_spec, was, bay.silenced(was, at))
            state = _noted(state, at, (bay_spec.zone,), f"bay {bay_spec.name} is silent")
        else:
            next_due = min(next_due, due)
    return replace(state, bays_due=next_due)


def _with_bay(lot: LotSpec, state: LotState, spec: BaySpec, was: BayState, now: BayState) -> LotState:
    state = replace(state, bays=_with(state.bays, spec.name, now))
    if now.occupied is was.occupied:
        return state
    zone_spec = next(z for z in lot.zones if z.name == spec.zone)
    zone = occupancy.bay_changed(zone_spec, state.zones[spec.zone], was=was.occupied, now=now.occupied)
    return replace(state, zones=_with(state.zones, spec.zone, zone))


def _corrected(spec: LotSpec, state: LotState, event: Corrected) -> LotState:
    zone = state.zones.get(event.zone)
    if zone is None:
        return replace(state, strange=state.strange + 1)
    if not _is_counted_by_lanes(spec, event.zone):
        return _noted(state, event.at, (event.zone,), f"corrected: {event.occupied} inside, but its bays count it")
    zone_spec = next(z for z in spec.zones if z.name == event.zone)
    was = occupancy.report(zone_spec, zone, sources_of(spec, state, event.zone)).occupied
    now = occupancy.corrected(zone_spec, zone, event.occupied, event.at, _unix(state, event.at))
    state = replace(state, zones=_with(state.zones, event.zone, now))
    before = "unknown" if was is None else was
    return _noted(state, event.at, (event.zone,), f"corrected: {event.occupied} inside (was {before})")


def _closure(state: LotState, event: ClosureChanged) -> LotState:
    zone = state.zones.get(event.zone)
    if zone is None:
        return replace(state, strange=state.strange + 1)
    state = replace(state, zones=_with(state.zones, event.zone, replace(zone, closed=event.closed)))
    return _noted(state, event.at, (event.zone,), "closed by staff" if event.closed else "opened by staff")


def _went_down(spec: LotSpec, state: LotState, event: WentDown) -> LotState:
    """Nobody watched for a while: vehicles may have come and gone; after a long one, levels may be anything."""
    names = [z.name for z in spec.zones]
    state = _noted(state, event.at, names, f"the controller was off for {event.seconds:.0f} s")
    if event.seconds > spec.health.down_trust_s:
        zones = _zones_with(state, spec, event.at, names)
        zones |= {z.name: occupancy.unwatched(z, zones[z.name], event.at + event.seconds) for z in spec.zones}
        state = _doubted(replace(state, zones=zones), names, Reason.WAS_DOWN)
    if event.seconds <= max(BLINK_S, spec.health.down_trust_s):
        return state
    for bay_spec in spec.bays:
        was = state.bays[bay_spec.name]
        state = _with_bay(spec, state, bay_spec, was, bay.forgotten(was))
    return replace(
        state,
        lanes={name: lane.interrupt(watched) for name, watched in state.lanes.items()},
        detectors={name: health.forget_level(detector) for name, detector in state.detectors.items()},
    )


def _scheduled(spec: LotSpec, state: LotState) -> LotState:
    """Find when the next time-out of a lane or detector is due."""
    dues = [state.lanes[lane_spec.name].deadline for lane_spec in spec.lanes]
    for lane_spec in spec.lanes:
        for detector in lane_spec.detectors:
            now = state.detectors[detector.name]
            dues += [health.settle_due(now), health.fault_due(now, detector.role, spec.health)]
    due = min((due for due in dues if due is not None), default=math.inf)
    return state if due == state.due else replace(state, due=due)


def _judged(spec: LotSpec, state: LotState, at: float, before: LotState | None = None) -> LotState:
    """Bring every zone's status up to date; there is nothing to do where no zone changed since ``before``."""
    if before is not None and state.zones is before.zones:
        return state
    for zone in spec.zones:
        now, sources = state.zones[zone.name], sources_of(spec, state, zone.name)
        new = occupancy.judged(zone, now, sources, at)
        if new is now:
            continue
        state = replace(state, zones=_with(state.zones, zone.name, new))
        if new.status is not now.status:
            state = _noted(state, at, (zone.name,), f"{zone.name} became {new.status}: {new.reason}")
    return state


def _doubted(state: LotState, zones: Iterable[str], reason: Reason) -> LotState:
    changed = {name: occupancy.doubted(state.zones[name], reason) for name in zones}
    return replace(state, zones={**state.zones, **changed})


def sources_of(spec: LotSpec, state: LotState, zone: str) -> Sources:
    """Return what the zone is counted by, and how much of it works now."""
    lanes = [s for s in spec.lanes if zone in _zones_of(s)]
    return Sources(len(lanes), sum(is_blind(s, state) for s in lanes))


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


def _with(items: Mapping[str, T], name: str, item: T) -> dict[str, T]:
    return {**items, name: item}
