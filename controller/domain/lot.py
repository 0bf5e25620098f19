"""The whole lot: ``apply(spec, state, event) -> state``, and nothing else changes it.

A deterministic fold: the same events give the same state, live, after a restart, and in a replay. Time-outs happen at
their own time before a later event is taken, so it does not matter how often somebody says what time it is (``Tick``).
"""

import math
from collections.abc import Container
from dataclasses import replace

from controller.domain import bay, health, lane, occupancy
from controller.domain.bay import BayState
from controller.domain.belief import GRID_S
from controller.domain.crossing import LaneState
from controller.domain.events import (
    BayChanged,
    ChangesLost,
    ClockSet,
    DetectorChanged,
    Event,
    Interrupted,
    NeighbourHeard,
    OutageTold,
    Tick,
    WentDown,
    WentUnreadable,
)
from controller.domain.frozen import changed
from controller.domain.health import DetectorState
from controller.domain.message import Neighbour
from controller.domain.notes import What
from controller.domain.occupancy import ZoneState
from controller.domain.report import Reason
from controller.domain.sight import sources_of, zones_with
from controller.domain.specs import BaySpec, LotSpec, ZoneSpec
from controller.domain.staff import given_up, outdated, told, unwatched
from controller.domain.state import LotState, doubted, in_service, is_counted_by_lanes, noted, put, unix, zones_of
from controller.domain.watch import listened, lost, readable, timed_out, unreadable

BLINK_S = 120.0
"""What stood in lanes and bays before the controller was off for no longer than this is taken to stand there still."""


CLOCKS_APART_S = 60.0
"""What another lot says may be so much ahead of our clock."""


def initial(spec: LotSpec, at: float = 0.0) -> LotState:
    """Return the state of a lot of which nothing is known but what its site file says."""
    return adapted(spec, LotState(at, {}, {}, {}, {}))


def adapted(spec: LotSpec, state: LotState) -> LotState:
    """Fit a kept state to the site file of today: what is new starts fresh, what is gone is dropped."""
    zones = {z.name: _adapted_zone(spec, state, z) for z in spec.zones}
    state = changed(
        state,
        lanes={s.name: state.lanes.get(s.name, LaneState()) for s in spec.lanes},
        detectors={d.name: state.detectors.get(d.name, DetectorState()) for s in spec.lanes for d in s.detectors},
        zones=zones,
        bays={b.name: state.bays.get(b.name, BayState(since=state.at)) for b in spec.bays},
        notes={z.name: state.notes.get(z.name, ()) for z in spec.zones},
        staff={s.name: state.staff[s.name] for s in spec.signs if s.name in state.staff},
        neighbours={name: state.neighbours[name] for name in _neighbours(spec) if name in state.neighbours},
        tests={s.name: state.tests[s.name] for s in spec.signs if s.name in state.tests},
        recounts={name: state.recounts[name] for name in zones if name in state.recounts},
        undoable={name: b for name, b in state.undoable.items() if name in zones and _fits(b.zone, zones[name])},
        out_of_service={b.name: b.zone for b in spec.bays if b.name in state.out_of_service},
        due=-math.inf,
        bays_due=-math.inf,
        weigh_due=_next_weighing(state.at) if spec.lanes else math.inf,
    )
    for name, zone in zones.items():
        used = [s.name for s in spec.bays if s.zone == name and s.name not in state.out_of_service]
        known = [state.bays[bay].occupied for bay in used]
        zones[name] = replace(zone, bays_occupied=known.count(True), bays_free=known.count(False))
    spec = in_service(spec, state)
    zones |= {z.name: occupancy.fitted(z, zones[z.name]) for z in spec.zones if state.out_of_service}
    return _judged(spec, _scheduled(spec, _silenced(spec, state, state.at)), state.at)


def _adapted_zone(spec: LotSpec, state: LotState, zone: ZoneSpec) -> ZoneState:
    """Keep what is known of a zone; begin anew where it is another one now."""
    lanes = is_counted_by_lanes(spec, zone.name)
    kept = state.zones.get(zone.name)
    if kept is None or lanes is (kept.belief is None):
        return occupancy.begun(zone, state.at, unix(state, state.at), lanes=lanes)
    return occupancy.resized(zone, kept, state.at, unix(state, state.at))


def _fits(before: ZoneState, now: ZoneState) -> bool:
    """Whether what was known of a zone is of the same zone as today's."""
    if before.belief is None or now.belief is None:
        return False
    return before.belief.capacity == now.belief.capacity


def _next_weighing(at: float) -> float:
    return (at // GRID_S + 1) * GRID_S


def next_due(state: LotState) -> float:
    """When something happens by time alone; infinity: never."""
    return min(state.due, state.bays_due, state.weigh_due)


def apply(spec: LotSpec, state: LotState, event: Event) -> LotState:
    """Fold one event. Its time must not be before the state's; an event that names nothing here is counted only."""
    if not state.at <= event.at < math.inf:
        raise ValueError(f"{event} is before lot time {state.at}, or at no time at all: events come in order")
    site, spec = spec, in_service(spec, state)
    state = _advanced(spec, changed(state, passed=()) if state.passed else state, event.at)
    before = state
    match event:
        case DetectorChanged() | ChangesLost() | WentUnreadable():
            state = _of_detector(spec, state, event)
        case BayChanged():
            state = _bay_heard(spec, state, event)
        case NeighbourHeard():
            state = _neighbour(spec, state, event)
        case WentDown():
            state = _went_down(spec, state, event)
        case Interrupted():
            state = _interrupted(spec, state, event)
        case OutageTold():
            state = _outage_told(spec, state, event)
        case ClockSet():
            state = changed(state, epoch=event.epoch)
        case Tick():
            return state
        case _:
            was, state = spec, told(spec, state, event)
            spec = in_service(site, state)
            state = _fitted(was, spec, state)
    return _judged(spec, _scheduled(spec, state), event.at, before)


def _advanced(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Let everything happen that is due by ``at``, each at its own time."""
    while (due := next_due(state)) <= at:
        due = max(due, state.at)
        before = state = changed(state, at=due)
        state = timed_out(spec, state, due) if state.due <= due else state
        state = _silenced(spec, state, due) if state.bays_due <= due else state
        state = _weighed(spec, state, due) if state.weigh_due <= due else state
        state = _judged(spec, _scheduled(spec, state), due, before)
    return state if state.at == at else changed(state, at=at)


def _weighed(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Let the time that passed tell what it tells, and teach the rhythm."""
    zones = zones_with(state, spec, at, [z.name for z in spec.zones])
    now = unix(state, at)
    by_name = {z.name: z for z in spec.zones}
    taught = {name: occupancy.taught(by_name[name], zone, now) for name, zone in zones.items()}
    state = changed(state, zones={**state.zones, **taught}, weigh_due=_next_weighing(at))
    for lane_spec in spec.lanes:
        state = listened(spec, state, lane_spec)
    return outdated(state, at)


def _fitted(was: LotSpec, now: LotSpec, state: LotState) -> LotState:
    """Fit what is shown of zones to the spaces that can be used now."""
    others = [z for z, before in zip(now.zones, was.zones, strict=True) if z != before]
    fitted = {z.name: occupancy.fitted(z, state.zones[z.name]) for z in others}
    return changed(state, zones={**state.zones, **fitted}) if fitted else state


def _of_detector(spec: LotSpec, state: LotState, event: DetectorChanged | ChangesLost | WentUnreadable) -> LotState:
    match event:
        case DetectorChanged():
            return _detector_heard(readable(spec, state, event.detector), event)
        case ChangesLost():
            return lost(spec, state, event)
        case WentUnreadable():
            return unreadable(spec, state, event)


def _detector_heard(state: LotState, event: DetectorChanged) -> LotState:
    now = state.detectors.get(event.detector)
    if now is None:
        return changed(state, strange=state.strange + 1)
    if not health.is_news(now.stamp, now.heard_at, event.stamp, event.at):
        return changed(state, stale=state.stale + 1)
    now = health.heard(now, occupied=event.occupied, at=event.at, stamp=event.stamp)
    return changed(state, detectors=put(state.detectors, event.detector, now))


def _bay_heard(spec: LotSpec, state: LotState, event: BayChanged) -> LotState:
    was = state.bays.get(event.bay)
    if was is None:
        return changed(state, strange=state.strange + 1)
    bay_spec = next(b for b in spec.bays if b.name == event.bay)
    now = bay.heard(bay_spec, was, event, state.epoch)
    if now is None:
        return changed(state, stale=state.stale + 1)
    due = event.at + bay_spec.silent_after_s
    state = changed(_with_bay(spec, state, bay_spec, was, now), bays_due=min(state.bays_due, due))
    told_of = event.bay not in state.out_of_service and not is_counted_by_lanes(spec, bay_spec.zone)
    if now.occupied is was.occupied or not told_of:
        return state
    return noted(state, event.at, (bay_spec.zone,), What.BAY_TAKEN if event.occupied else What.BAY_FREE, bay=event.bay)


def _silenced(spec: LotSpec, state: LotState, at: float) -> LotState:
    """Forget the bays that were not heard for too long, and find when the next one falls silent."""
    next_due = math.inf
    for bay_spec in spec.bays:
        was = state.bays[bay_spec.name]
        if (due := bay.silent_due(bay_spec, was)) is None:
            continue
        if due <= at:
            state = _with_bay(spec, state, bay_spec, was, bay.silenced(was, at))
            if bay_spec.name in state.out_of_service:
                continue
            state = noted(state, at, (bay_spec.zone,), What.BAY_SILENT, bay=bay_spec.name)
        else:
            next_due = min(next_due, due)
    return changed(state, bays_due=next_due)


def _with_bay(lot: LotSpec, state: LotState, spec: BaySpec, was: BayState, now: BayState) -> LotState:
    state = changed(state, bays=put(state.bays, spec.name, now))
    if now.occupied is was.occupied or spec.name in state.out_of_service:
        return state
    zone_spec = next(z for z in lot.zones if z.name == spec.zone)
    zone = occupancy.bay_changed(zone_spec, state.zones[spec.zone], was=was.occupied, now=now.occupied)
    return changed(state, zones=put(state.zones, spec.zone, zone))


def _neighbours(spec: LotSpec) -> set[str]:
    return {s.redirect.lot for s in spec.signs if s.redirect is not None and s.redirect.lot is not None}


def _neighbour(spec: LotSpec, state: LotState, event: NeighbourHeard) -> LotState:
    """Take what another lot says, as old as it says itself; a moment ahead of ours is no more than two clocks apart."""
    if event.lot not in _neighbours(spec):
        return replace(state, strange=state.strange + 1)
    age = 0.0
    if event.sent_at is not None:
        age = math.inf if state.epoch is None else unix(state, event.at) - event.sent_at
    if not -CLOCKS_APART_S <= age < math.inf:
        return replace(state, stale=state.stale + 1)
    now = Neighbour(event.free, event.open, event.at - max(age, 0.0))
    was = state.neighbours.get(event.lot)
    if was is not None and was.known_at > now.known_at:
        return replace(state, stale=state.stale + 1)
    return replace(state, neighbours=put(state.neighbours, event.lot, now))


def _went_down(spec: LotSpec, state: LotState, event: WentDown) -> LotState:
    """Nobody watched for a while: vehicles may have come and gone; after a long one, levels may be anything."""
    state = noted(state, event.at, [z.name for z in spec.zones], What.WAS_OFF, seconds=round(event.seconds))
    kept = {s.name for s in spec.lanes if all(d.name in event.kept for d in s.detectors)}
    blind = [z for z in spec.zones if not all(s.name in kept for s in spec.lanes if z.name in zones_of(s))]
    blind += [z for z in spec.zones if not is_counted_by_lanes(spec, z.name)]
    names = [z.name for z in blind]
    state = unwatched(state, names, event.seconds)
    if event.seconds > spec.health.down_trust_s:
        zones = zones_with(state, spec, event.at, names)
        zones |= {z.name: occupancy.unwatched(z, zones[z.name], event.at + event.seconds) for z in blind}
        state = doubted(changed(state, zones={**state.zones, **zones}), names, Reason.WAS_DOWN)
    if event.seconds <= max(BLINK_S, spec.health.down_trust_s):
        return state
    return _forgotten(spec, state, event.at + event.seconds, kept, event.kept)


def _interrupted(spec: LotSpec, state: LotState, event: Interrupted) -> LotState:
    """Nobody watched, and nobody knows yet for how long: no number is known until it is told, or somebody counts."""
    names = [z.name for z in spec.zones]
    state = noted(state, event.at, names, What.WAS_OFF_UNKNOWN)
    for name in names:
        state = given_up(state, name, event.at)
    zones = {name: occupancy.cast_adrift(zone) for name, zone in state.zones.items()}
    before = state.epoch if state.epoch_before is None else state.epoch_before
    return _forgotten(spec, replace(state, zones=zones, epoch_before=before, undoable={}), event.at)


def _outage_told(spec: LotSpec, state: LotState, event: OutageTold) -> LotState:
    """Allow for what may have passed, now that it is known for how long nobody watched."""
    adrift = [z for z in spec.zones if state.zones[z.name].adrift]
    told = {z.name: occupancy.told_how_long(z, state.zones[z.name], event.seconds) for z in adrift}
    names = [z.name for z in adrift]
    state = noted(replace(state, epoch_before=None), event.at, names, What.WAS_OFF, seconds=round(event.seconds))
    # Who corrected the number before that was told, and takes it back then, must not bring back what nobody knew.
    by_name = {z.name: z for z in spec.zones}
    undoable = {
        name: replace(b, zone=occupancy.told_how_long(by_name[name], b.zone, event.seconds)) if b.zone.adrift else b
        for name, b in state.undoable.items()
    }
    return replace(state, zones={**state.zones, **told}, undoable=undoable)


def _forgotten(
    spec: LotSpec, state: LotState, since: float, lanes: Container[str] = (), detectors: Container[str] = ()
) -> LotState:
    """Forget all levels, and what was under way, but for these lanes and detectors; one listens again ``since``."""
    for bay_spec in spec.bays:
        was = state.bays[bay_spec.name]
        state = _with_bay(spec, state, bay_spec, was, bay.forgotten(was, since))
    state = changed(
        state,
        lanes={name: now if name in lanes else lane.interrupt(now) for name, now in state.lanes.items()},
        detectors={
            name: now if name in detectors else health.forget_level(now) for name, now in state.detectors.items()
        },
    )
    return _silenced(spec, state, state.at)


def _scheduled(spec: LotSpec, state: LotState) -> LotState:
    """Find when the next time-out of a lane or detector is due."""
    dues = [state.lanes[lane_spec.name].deadline for lane_spec in spec.lanes]
    for lane_spec in spec.lanes:
        for detector in lane_spec.detectors:
            now = state.detectors[detector.name]
            dues += [health.settle_due(now), health.fault_due(now, detector.role, spec.health)]
    due = min((due for due in dues if due is not None), default=math.inf)
    return state if due == state.due else changed(state, due=due)


def _judged(spec: LotSpec, state: LotState, at: float, before: LotState | None = None) -> LotState:
    """Bring every zone's status up to date; there is nothing to do where no zone changed since ``before``."""
    if before is not None and state.zones is before.zones:
        return state
    for zone in spec.zones:
        now, sources = state.zones[zone.name], sources_of(spec, state, zone.name)
        new = occupancy.judged(zone, now, sources, at)
        if new is now:
            continue
        state = changed(state, zones=put(state.zones, zone.name, new))
        if new.status is not now.status:
            state = noted(
                state, at, (zone.name,), What.BECAME, zone=zone.name, status=new.status.value, reason=new.reason.value
            )
    return state
