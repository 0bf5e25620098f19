"""What the detectors say -> what their lanes make of it -> what that means for the zones."""

import math
from collections.abc import Iterable
from dataclasses import replace

from controller.domain import health, lane, occupancy, upkeep
from controller.domain import silence as silences
from controller.domain.amends import Passed
from controller.domain.belief import GRID_S
from controller.domain.believed import Passing, expectation
from controller.domain.crossing import LaneState
from controller.domain.events import ChangesLost, WentUnreadable
from controller.domain.frozen import changed
from controller.domain.health import DetectorState
from controller.domain.notes import What
from controller.domain.report import FaultKind, Passage, PassageKind, Reason
from controller.domain.sight import is_blind, seen, shares, zones_with
from controller.domain.silence import Silence
from controller.domain.specs import DetectorSpec, Direction, LaneSpec, LotSpec, Role
from controller.domain.staff import remembered
from controller.domain.state import LotState, doubted, noted, put, zones_of

PASSAGES_KEPT = 20
WELL_WITHIN = 0.85
"""The end of what is allowed for shall lie within the 90 % that are told, so that is a little more."""


def timed_out(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Let happen what is due by ``at`` in detectors and lanes."""
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


def listened(lot: LotSpec, state: LotState, spec: LaneSpec) -> LotState:
    """See whether a lane is quieter than it can be."""
    belief, watched = state.zones[spec.zone].belief, state.lanes[spec.name]
    if belief is None or is_blind(spec, state):
        return state
    share_in, share_out = shares(lot, state, spec)
    entries, exits, entry_strength, exit_strength = expectation(belief)
    rates = belief.expected
    silence = state.silences.get(spec.name, Silence(state.at - GRID_S))
    lasted_s = min(GRID_S, state.at - silence.since)
    silence = silences.grown(
        silence,
        silences.Expected(share_in * entries * lasted_s, entry_strength, rates.entry_variance),
        silences.Expected(share_out * exits * lasted_s, exit_strength, rates.exit_variance),
    )
    if not silences.is_dead(silence, state.at, rates.entry_variance, rates.exit_variance):
        return changed(state, silences=put(state.silences, spec.name, silence))
    zone_spec = next(z for z in lot.zones if z.name == spec.zone)
    zone = occupancy.missed(zone_spec, state.zones[spec.zone], state.at - silence.since, share_in, share_out)
    state = changed(
        state,
        zones=put(state.zones, spec.zone, zone),
        silences=put(state.silences, spec.name, Silence(state.at)),
    )
    if spec.loop is not None:
        now = state.detectors[spec.loop.name]
        return _with_detector(lot, state, spec, spec.loop, now, health.silenced(now, state.at))
    for role in (Role.OUTER, Role.INNER):
        watched, passed = lane.blinded(spec, state.lanes[spec.name], role, FaultKind.SILENT, state.at)
        state = _with_lane(lot, state, spec, watched, passed)
    return state


def lost(lot: LotSpec, state: LotState, event: ChangesLost) -> LotState:
    """Allow for the vehicles that may have passed in changes that are gone: two changes of a loop are one."""
    found = _find(lot, event.detector)
    if found is None:
        return changed(state, strange=state.strange + 1)
    spec, detector = found
    zones = zones_of(spec)
    state = noted(state, event.at, zones, What.CHANGES_LOST, detector=event.detector, changes=event.changes)
    state = _with_lane(lot, state, spec, lane.interrupt(state.lanes[spec.name]), ())
    if detector.role is Role.BARRIER:
        return state
    vehicles = (event.changes + 1) // 2
    entered = vehicles if spec.direction is not Direction.EXIT else 0
    left = vehicles if spec.direction is not Direction.ENTRY else 0
    return _may_be_off(lot, state, spec, entered, left)


def unreadable(lot: LotSpec, state: LotState, event: WentUnreadable) -> LotState:
    """Begin the fault of a detector that can't be read."""
    found = _find(lot, event.detector)
    if found is None:
        return changed(state, strange=state.strange + 1)
    now = state.detectors[event.detector]
    return _with_detector(lot, state, *found, now, health.unreadable(now, event.at))


def readable(lot: LotSpec, state: LotState, detector: str) -> LotState:
    """End that fault, since the detector was heard."""
    found, now = _find(lot, detector), state.detectors.get(detector)
    if found is None or now is None or now.fault is not FaultKind.UNREADABLE:
        return state
    return _with_detector(lot, state, *found, now, health.forget_level(now))


def _find(lot: LotSpec, detector: str) -> tuple[LaneSpec, DetectorSpec] | None:
    return next(((s, d) for s in lot.lanes for d in s.detectors if d.name == detector), None)


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
        silence = silences.heard(state.silences.get(spec.name), level.at)
        state = changed(state, silences=put(state.silences, spec.name, silence))
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
    before, state = state, changed(state, detectors=put(state.detectors, detector.name, now))
    if now.fault is was.fault:
        return state
    zones, watched = zones_of(spec), state.lanes[spec.name]
    if now.fault is None:
        state = noted(state, state.at, zones, What.WORKS_AGAIN, detector=detector.name)
        state = _with_lane(lot, state, spec, lane.sighted(watched, detector.role), ())
    else:
        state = noted(state, now.fault_since, zones, What.FAULT, detector=detector.name, kind=now.fault.value)
        state = _with_lane(lot, state, spec, *lane.blinded(spec, watched, detector.role, now.fault, state.at))
        # A barrier's contact counts nobody, and what two loops that chatter count is allowed for once.
        alone = detector.role is not Role.BARRIER and not any(f.kind is FaultKind.CHATTER for f in watched.faults)
        if alone and now.fault is FaultKind.CHATTER:
            # Too many for long: all of that burst. Too many at once: a loose contact, or cars quicker than any car is.
            made = health.forged(now, lot.health) / 2
            state = _forged(lot, state, spec, made or _counted_since(state, spec, now.window_start))
    if spec.loop is None or is_blind(spec, state) is is_blind(spec, before):
        return state
    if now.fault is not None:
        state = _with_lane(lot, state, spec, lane.interrupt(state.lanes[spec.name]), ())
    return _blindness_changed(lot, before, state, spec)


def _with_lane(lot: LotSpec, state: LotState, spec: LaneSpec, now: LaneState, passed: Iterable[Passage]) -> LotState:
    """Put the lane's new state in place, with what it means that it found or lost a fault, and what passed."""
    was, before = state.lanes[spec.name], state
    state = changed(state, lanes=put(state.lanes, spec.name, now))
    if now.faults != was.faults:
        begun = [(f, What.FAULT) for f in now.faults if f not in was.faults]
        ended = [(f, What.WORKS_AGAIN) for f in was.faults if f not in now.faults]
        for fault, what in begun + ended:
            name = f"{spec.name}.{fault.role}"
            if state.detectors[name].fault is None:  # else that told it already
                state = noted(state, state.at, zones_of(spec), what, detector=name, kind=fault.kind.value)
        if is_blind(spec, state) is not is_blind(spec, before):
            state = _blindness_changed(lot, before, state, spec)
    state = _passed(lot, state, spec, passed)
    if (lane.reversed_since(was) is None) is (lane.reversed_since(now) is None):
        return state
    found = lane.reversed_since(now) is not None
    what, outer = What.FAULT if found else What.WORKS_AGAIN, f"{spec.name}.{Role.OUTER}"
    state = noted(state, state.at, zones_of(spec), what, detector=outer, kind=FaultKind.REVERSED.value)
    if not found:
        return state
    most = math.ceil(2 * lane.REVERSED / WELL_WITHIN)  # who was counted as leaving came in, or the other way round
    return _may_be_off(lot, state, spec, *((0, most) if spec.direction is Direction.EXIT else (most, 0)))


def _counted_since(state: LotState, spec: LaneSpec, since: float) -> float:
    """Return how many vehicles (expected number) a lane has counted since then, of the last ones."""
    return sum(p.chance_in + p.chance_out for p in state.passages if p.lane == spec.name and p.at >= since)


def _forged(lot: LotSpec, state: LotState, spec: LaneSpec, vehicles: float) -> LotState:
    """Allow for none of so many vehicles being real: no lane carries so many."""
    most = math.ceil(vehicles / WELL_WITHIN)
    if not most:
        return state
    fewer = most if spec.direction is not Direction.EXIT else 0
    more = most if spec.direction is not Direction.ENTRY else 0
    return _may_be_off(lot, state, spec, more, fewer)


def _may_be_off(lot: LotSpec, state: LotState, spec: LaneSpec, more: int, fewer: int) -> LotState:
    """Allow for up to so many more or fewer in the zone of a lane than what was counted, and nothing tells how many."""
    by_name, zones = {z.name: z for z in lot.zones}, zones_of(spec)
    for name, most_in, most_out in zip(zones, (more, fewer), (fewer, more), strict=False):
        zone = occupancy.may_have_passed(by_name[name], state.zones[name], most_in, most_out)
        state = changed(state, zones=put(state.zones, name, zone))
    return doubted(state, zones, Reason.DETECTOR_FAULT)


def _blindness_changed(lot: LotSpec, before: LotState, state: LotState, spec: LaneSpec) -> LotState:
    """Until now the lanes saw what they saw; from here on it is another share of all that passes."""
    zones = zones_of(spec)
    state = changed(state, zones={**state.zones, **zones_with(before, lot, state.at, zones)})
    return doubted(state, zones, Reason.DETECTOR_FAULT)


def _passed(lot: LotSpec, state: LotState, spec: LaneSpec, passed: Iterable[Passage]) -> LotState:
    by_name, watched = {z.name: z for z in lot.zones}, state.lanes[spec.name]
    unseen = upkeep.unseen(spec, lane.quality(spec, watched), at_fault=bool(watched.faults))
    for passage in passed:
        inward = {PassageKind.ENTRY: 1, PassageKind.EXIT: -1}.get(passage.kind, 0)
        passing = Passing(
            passage.chance_in,
            passage.chance_out,
            unseen=unseen,
            another=passage.another,
            undirected=passage.chance_in == passage.chance_out > 0,
        )
        seen_in, seen_out = seen(lot, state, spec.zone)
        passing = replace(passing, seen_in=seen_in, seen_out=seen_out, obeyed=state.zones[spec.zone].full)
        zones = {**state.zones}
        zones[spec.zone] = occupancy.passed(by_name[spec.zone], zones[spec.zone], passing, inward, state.at)
        state = remembered(state, spec.zone, Passed(state.at, passing, inward))
        if (other := spec.from_zone) is not None:
            passing = replace(passing, chance_in=passing.chance_out, chance_out=passing.chance_in)
            zones[other] = occupancy.passed(by_name[other], zones[other], passing, -inward, state.at)
            state = remembered(state, other, Passed(state.at, passing, -inward))
        if passage.kind in {PassageKind.ENTRY, PassageKind.EXIT}:
            state = changed(state, silences=_heard_elsewhere(lot, state, spec))
        if is_turning_away(spec, passage):
            zones[spec.zone] = occupancy.turned_away(
                by_name[spec.zone], zones[spec.zone], 1 - passage.chance_in - passage.chance_out, state.at
            )
        change = passage.chance_in - passage.chance_out
        doubt = state.doubts.get(spec.name, 0.0) + passage.chance_in + passage.chance_out - change**2
        doubt += passage.another * (1 - passage.another)
        state = changed(
            state,
            zones=zones,
            doubts=put(state.doubts, spec.name, doubt),
            passed=(*state.passed, passage),
            passages=(*state.passages, passage)[-PASSAGES_KEPT:],
        )
        if passage.kind is PassageKind.TOUCH:
            continue  # people and trolleys are not what led to a number
        state = noted(
            state,
            passage.at,
            zones_of(spec),
            What.PASSAGE,
            kind=passage.kind.value,
            lane=spec.name,
            tailgating=passage.tailgating,
            doubt=passage.doubt,
        )
    return state


def is_turning_away(spec: LaneSpec, passage: Passage) -> bool:
    """Whether somebody may have come to the lane from outside and gone away again."""
    if spec.direction is Direction.EXIT:
        return False
    touched = passage.kind is PassageKind.TOUCH and passage.seen_by is Role.OUTER
    return touched or passage.kind is PassageKind.BACK_OUT


def _heard_elsewhere(lot: LotSpec, state: LotState, spec: LaneSpec) -> dict[str, Silence]:
    """Count a vehicle for the other lanes of its zone, which were quiet meanwhile."""
    beside = {s.name for s in lot.lanes if s.zone == spec.zone and s is not spec}
    return {n: replace(s, others=s.others + 1) if n in beside else s for n, s in state.silences.items()}
