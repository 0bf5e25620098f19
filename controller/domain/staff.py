"""What staff tell the lot: corrections and what takes them back, closures, bays out of service, and what signs show."""

from dataclasses import replace

from controller.domain import amends, occupancy
from controller.domain.amends import MOST_PASSED, RECOUNT_S, UNDO_S, Before, Passed, Recount
from controller.domain.events import (
    Adjusted,
    BayServiceChanged,
    ClosureChanged,
    Corrected,
    RecountBegan,
    Recounted,
    SignOverridden,
    SignTested,
    Undone,
)
from controller.domain.frozen import changed
from controller.domain.notes import What
from controller.domain.occupancy import ZoneState
from controller.domain.report import StaffMessage
from controller.domain.sight import sources_of, zones_with
from controller.domain.specs import LotSpec, ZoneSpec
from controller.domain.state import LotState, is_counted_by_lanes, noted, put, unix, without

Told = (
    Corrected
    | Adjusted
    | RecountBegan
    | Recounted
    | Undone
    | ClosureChanged
    | BayServiceChanged
    | SignOverridden
    | SignTested
)


def told(spec: LotSpec, state: LotState, event: Told) -> LotState:
    """Fold what staff did; of what is not there nothing but the count of such events changes."""
    match event:
        case BayServiceChanged():
            return _bay_service(spec, state, event)
        case SignOverridden() | SignTested():
            return _sign(spec, state, event)
        case _ if event.zone not in state.zones:
            return changed(state, strange=state.strange + 1)
        case ClosureChanged():
            zone = replace(state.zones[event.zone], closed=event.closed)
            state = changed(state, zones=put(state.zones, event.zone, zone))
            return noted(state, event.at, (event.zone,), What.CLOSED if event.closed else What.OPENED)
        case _:
            return _of_count(spec, state, event)


def _of_count(  # noqa: PLR0911  one return an event
    spec: LotSpec, state: LotState, event: Corrected | Adjusted | RecountBegan | Recounted | Undone
) -> LotState:
    if not is_counted_by_lanes(spec, event.zone):
        if isinstance(event, Corrected):
            return noted(state, event.at, (event.zone,), What.CORRECTED_BAYS, occupied=event.occupied)
        return changed(state, strange=state.strange + 1)
    match event:
        case Corrected():
            return _corrected(spec, state, event)
        case Adjusted():
            return _adjusted(spec, state, event)
        case RecountBegan():
            recount = Recount(event.at, _inside(spec, state, event.zone))
            state = changed(state, recounts=put(state.recounts, event.zone, recount))
            return noted(state, event.at, (event.zone,), What.RECOUNT_BEGAN)
        case Recounted():
            return _recounted(spec, state, event)
        case Undone():
            return _undone(spec, state, event)


def recount_of(state: LotState, zone: str, at: float) -> Recount | None:
    """Return the recount that is under way in the zone."""
    recount = state.recounts.get(zone)
    return recount if recount is not None and at - recount.began <= RECOUNT_S else None


def undoable(state: LotState, zone: str, at: float) -> Before | None:
    """Return what was before the last correction of the zone, while it can be taken back."""
    before = state.undoable.get(zone)
    return before if before is not None and at - before.at <= UNDO_S else None


def remembered(state: LotState, zone: str, passed: Passed) -> LotState:
    """Keep a passage for whoever counts at the moment, and for taking a correction back."""
    if zone in state.recounts:
        recount = state.recounts[zone]
        full = len(recount.passed) >= MOST_PASSED
        recount = replace(recount, blind=True) if full else replace(recount, passed=(*recount.passed, passed))
        state = changed(state, recounts=put(state.recounts, zone, recount))
    if zone in state.undoable:
        before = state.undoable[zone]
        if len(before.passed) >= MOST_PASSED or passed.at - before.at > UNDO_S:
            return changed(state, undoable=without(state.undoable, zone))
        now = replace(before, passed=(*before.passed, passed))
        state = changed(state, undoable=put(state.undoable, zone, now))
    return state


def outdated(state: LotState, at: float) -> LotState:
    """Forget what can't be taken back any more, and recounts that nobody ended."""
    for zone in [z for z in state.undoable if undoable(state, z, at) is None]:
        state = changed(state, undoable=without(state.undoable, zone))
    for zone in [z for z in state.recounts if recount_of(state, z, at) is None]:
        state = given_up(state, zone, at)
    return state


def given_up(state: LotState, zone: str, at: float) -> LotState:
    """End a recount without a number."""
    if zone not in state.recounts:
        return state
    state = changed(state, recounts=without(state.recounts, zone))
    return noted(state, at, (zone,), What.RECOUNT_GIVEN_UP)


def unwatched(state: LotState, zones: list[str], seconds: float) -> LotState:
    """Let nobody have watched these zones for so long: a recount has to allow for it."""
    now = {z: replace(r, off_s=r.off_s + seconds) if z in zones else r for z, r in state.recounts.items()}
    return changed(state, recounts=now) if now else state


def _spec(spec: LotSpec, zone: str) -> ZoneSpec:
    return next(z for z in spec.zones if z.name == zone)


def _inside(spec: LotSpec, state: LotState, zone: str) -> int | None:
    return occupancy.report(_spec(spec, zone), state.zones[zone], sources_of(spec, state, zone)).occupied


def _changed(state: LotState, zone: str, now: ZoneState, at: float) -> LotState:
    """Put a zone in place that somebody corrected, with what can be taken back."""
    before = Before(at, state.zones[zone])
    return changed(state, zones=put(state.zones, zone, now), undoable=put(state.undoable, zone, before))


def _corrected(spec: LotSpec, state: LotState, event: Corrected) -> LotState:
    was, zone = _inside(spec, state, event.zone), state.zones[event.zone]
    now = occupancy.corrected(_spec(spec, event.zone), zone, event.occupied, event.at, unix(state, event.at))
    state = _changed(state, event.zone, now, event.at)
    return noted(state, event.at, (event.zone,), What.CORRECTED, occupied=event.occupied, before=was)


def _adjusted(spec: LotSpec, state: LotState, event: Adjusted) -> LotState:
    was = _inside(spec, state, event.zone)
    now = amends.adjusted(_spec(spec, event.zone), state.zones[event.zone], event.by, event.at)
    state = _changed(state, event.zone, now, event.at)
    inside = _inside(spec, state, event.zone)
    return noted(state, event.at, (event.zone,), What.ADJUSTED, by=f"{event.by:+d}", occupied=inside, before=was)


def _recounted(spec: LotSpec, state: LotState, event: Recounted) -> LotState:
    recount = recount_of(state, event.zone, event.at)
    if event.seen is None or recount is None:
        return given_up(state, event.zone, event.at)
    was, zone = _inside(spec, state, event.zone), state.zones[event.zone]
    now = amends.reconciled(_spec(spec, event.zone), zone, recount, event.seen, event.at, unix(state, event.at))
    state = changed(_changed(state, event.zone, now, event.at), recounts=without(state.recounts, event.zone))
    inside = _inside(spec, state, event.zone)
    return noted(state, event.at, (event.zone,), What.RECOUNTED, seen=event.seen, occupied=inside, before=was)


def _undone(spec: LotSpec, state: LotState, event: Undone) -> LotState:
    before = undoable(state, event.zone, event.at)
    if before is None:
        return changed(state, strange=state.strange + 1)
    was = _inside(spec, state, event.zone)
    now = amends.taken_back(_spec(spec, event.zone), state.zones[event.zone], before)
    state = changed(state, zones=put(state.zones, event.zone, now), undoable=without(state.undoable, event.zone))
    state = changed(state, zones={**state.zones, **zones_with(state, spec, event.at, [event.zone])})
    inside = _inside(spec, state, event.zone)
    return noted(state, event.at, (event.zone,), What.UNDONE, occupied=inside, before=was)


def _bay_service(spec: LotSpec, state: LotState, event: BayServiceChanged) -> LotState:
    """Take a bay out of service, so that it is a space less and its sensor says nothing of the rest; or back."""
    bay = next((b for b in spec.bays if b.name == event.bay), None)
    if bay is None:
        return changed(state, strange=state.strange + 1)
    if event.out is (bay.name in state.out_of_service):
        return state
    level, zone_spec = state.bays[bay.name].occupied, _spec(spec, bay.zone)
    was, now, spaces = (level, None, -1) if event.out else (None, level, 1)
    zone_spec = replace(zone_spec, capacity=zone_spec.capacity + spaces)
    zone = occupancy.bay_changed(zone_spec, state.zones[bay.zone], was=was, now=now)
    out = put(state.out_of_service, bay.name, bay.zone) if event.out else without(state.out_of_service, bay.name)
    state = changed(state, zones=put(state.zones, bay.zone, zone), out_of_service=out)
    return noted(state, event.at, (bay.zone,), What.BAY_OUT if event.out else What.BAY_BACK, bay=bay.name)


def _sign(spec: LotSpec, state: LotState, event: SignOverridden | SignTested) -> LotState:
    sign = next((s for s in spec.signs if s.name == event.sign), None)
    if sign is None:
        return changed(state, strange=state.strange + 1)
    if isinstance(event, SignTested):
        state = changed(state, tests=put(state.tests, event.sign, event.until))
        return noted(state, event.at, (sign.zone,), What.SIGN_TESTED, sign=event.sign)
    if event.text is None:
        state = changed(state, staff=without(state.staff, event.sign))
        return noted(state, event.at, (sign.zone,), What.MESSAGE_OFF, sign=event.sign)
    state = changed(state, staff=put(state.staff, event.sign, StaffMessage(event.text, event.until)))
    minutes = round((event.until - event.at) / 60)
    return noted(state, event.at, (sign.zone,), What.MESSAGE, sign=event.sign, minutes=minutes, text=event.text)
