"""What people ask for over the link -> the event that does it, and who is to be remembered for it. Pure.

The audit trail says ``subject: field = after`` of each change, with details in brackets after the field, and what was
before; ``api.audit`` takes that apart again for people.
"""

from collections.abc import Iterable
from typing import TypeVar

from controller.domain import lot, view
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
from controller.domain.specs import BaySpec, LotSpec, SignSpec, ZoneSpec
from controller.domain.staff import Told, recount_of, undoable
from controller.domain.state import LotState, is_counted_by_lanes
from controller.journal import Audit
from controller.link import Json
from controller.recording import MOST_BY

LONGEST_TEXT = 80
"""Characters of a staff message: more is no sign's."""

LONGEST_MESSAGE_S = 31 * 86_400.0
"""A staff message ends by itself, at the latest after this."""

TEST_S = 12.0
"""How long a sign is tried out: each of its patterns once, at least."""

UNKNOWN = "unknown"


class CommandError(ValueError):
    """A command that can't be done; says why and what to do instead."""


def understood(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    """Return what a command (see ``link``) means at the lot time ``at``; raises CommandError."""
    do = fields.get("do")
    build = _COMMANDS.get(do) if isinstance(do, str) else None
    if build is None:
        *most, last = _COMMANDS
        raise CommandError(f"do {do!r}: known are {', '.join(most)} and {last}")
    return build(fields, spec, state, at)


def _correction(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    zone = _named(fields, "zone", spec.zones)
    event = Corrected(zone.name, _whole(fields, "occupied", 2 * zone.capacity + 100), at)
    before = _inside(spec, state, zone.name)
    return event, _audit(fields, f"{zone.name}: occupied = {event.occupied}", before)


def _adjustment(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    zone, by = _of_lanes(fields, spec), fields.get("change")
    if isinstance(by, bool) or not isinstance(by, int) or not 0 < abs(by) <= MOST_BY:
        raise CommandError(f"change {by!r}: write how many more (or, below 0, fewer) are inside, up to {MOST_BY}")
    before = _inside(spec, state, zone.name)
    if before == UNKNOWN:
        raise CommandError(f"{zone.name}: the number inside is not known. Count the vehicles and correct")
    if not 0 <= int(before) + by <= 2 * zone.capacity + 100:
        raise CommandError(f"change {by}: {before} are inside, so that would be {int(before) + by}. Count and correct")
    event = Adjusted(zone.name, by, at)
    return event, _audit(fields, f"{zone.name}: adjusted [{by:+d}] = {_after(spec, state, event)}", before)


def _recount(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    zone = _of_lanes(fields, spec)
    if recount_of(state, zone.name, at) is not None:
        raise CommandError(f"{zone.name}: a recount is under way already. End it, or give it up")
    event = RecountBegan(zone.name, at)
    return event, _audit(fields, f"{zone.name}: recount begun", _inside(spec, state, zone.name))


def _recounted(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    zone = _of_lanes(fields, spec)
    recount = recount_of(state, zone.name, at)
    if recount is None:
        raise CommandError(f"{zone.name}: no recount is under way. Begin one, or correct")
    before = _inside(spec, state, zone.name)
    if fields.get("seen", 0) is None:
        return Recounted(zone.name, None, at), _audit(fields, f"{zone.name}: recount given up", before)
    event = Recounted(zone.name, _whole(fields, "seen", 2 * zone.capacity + 100), at)
    passed_in, passed_out = (sum(max(0, sign * p.by) for p in recount.passed) for sign in (1, -1))
    details = f"{event.seen} seen, {passed_in} in, {passed_out} out"
    return event, _audit(fields, f"{zone.name}: recounted [{details}] = {_after(spec, state, event)}", before)


def _undo(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    zone = _of_lanes(fields, spec)
    if undoable(state, zone.name, at) is None:
        raise CommandError(f"{zone.name}: there is no correction that can be taken back. Count and correct")
    event = Undone(zone.name, at)
    before = _inside(spec, state, zone.name)
    return event, _audit(fields, f"{zone.name}: undone = {_after(spec, state, event)}", before)


def _closure(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    zone, closed = _named(fields, "zone", spec.zones), _flag(fields, "closed")
    before = str(state.zones[zone.name].closed)
    return ClosureChanged(zone.name, closed, at), _audit(fields, f"{zone.name}: closed = {closed}", before)


def _bay_service(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    bay, out = _named(fields, "bay", spec.bays), _flag(fields, "out")
    before = str(bay.name in state.out_of_service)
    return BayServiceChanged(bay.name, out, at), _audit(fields, f"{bay.name}: out of service = {out}", before)


def _message(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Told, Audit]:
    sign, text = _named(fields, "sign", spec.signs), fields.get("text")
    was = state.staff.get(sign.name)
    before = "" if was is None or was.until <= at else was.text
    if text is None:
        return SignOverridden(sign.name, None, at, at), _audit(fields, f"{sign.name}: message taken off", before)
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise CommandError(f"text {text!r}: write the words for the sign, 1 to {LONGEST_TEXT} characters")
    seconds = fields.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_MESSAGE_S:
        raise CommandError(f"seconds {seconds!r}: write for how long, up to {LONGEST_MESSAGE_S:.0f} (a month)")
    text = _plain(" ".join(text.split()), LONGEST_TEXT)
    what = f"{sign.name}: message = {text}, for {seconds:.0f} s"
    return SignOverridden(sign.name, text, at + seconds, at), _audit(fields, what, before)


def _test(fields: Json, spec: LotSpec, _state: LotState, at: float) -> tuple[Told, Audit]:
    sign = _named(fields, "sign", spec.signs)
    return SignTested(sign.name, at + TEST_S, at), _audit(fields, f"{sign.name}: tested", "")


_COMMANDS = {
    "correct": _correction,
    "adjust": _adjustment,
    "recount": _recount,
    "recounted": _recounted,
    "undo": _undo,
    "close": _closure,
    "service": _bay_service,
    "message": _message,
    "test": _test,
}

Named = TypeVar("Named", ZoneSpec, SignSpec, BaySpec)


def _named(fields: Json, kind: str, things: Iterable[Named]) -> Named:
    by_name = {thing.name: thing for thing in things}
    name = fields.get(kind)
    if not isinstance(name, str) or name not in by_name:
        raise CommandError(f"{kind} {name!r}: no {kind} has this name; {kind}s here: {', '.join(by_name)}")
    return by_name[name]


def _of_lanes(fields: Json, spec: LotSpec) -> ZoneSpec:
    zone = _named(fields, "zone", spec.zones)
    if not is_counted_by_lanes(spec, zone.name):
        raise CommandError(f"{zone.name}: its bays count it, so there is nothing to correct. Mend the sensor")
    return zone


def _whole(fields: Json, key: str, most: int) -> int:
    number = fields.get(key)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most:
        raise CommandError(f"{key} {number!r}: write the vehicles inside, 0 to {most}")
    return number


def _flag(fields: Json, key: str) -> bool:
    flag = fields.get(key)
    if not isinstance(flag, bool):
        raise CommandError(f"{key} {flag!r}: write true or false")
    return flag


def _inside(spec: LotSpec, state: LotState, zone: str) -> str:
    inside = view.zone_reports(spec, state)[zone].occupied
    return UNKNOWN if inside is None else str(inside)


def _after(spec: LotSpec, state: LotState, event: Adjusted | Recounted | Undone) -> str:
    """Say what will be inside: the fold is pure, so it may be tried."""
    return _inside(spec, lot.apply(spec, state, event), event.zone)


def _audit(fields: Json, what: str, before: str) -> Audit:
    return Audit(_plain(fields.get("by", "?"), 100), what, _plain(fields.get("reason", ""), 500), before)


def _plain(value: object, length: int) -> str:
    """Return a text that any file can hold, at most so long."""
    return str(value)[:length].encode("utf-8", "replace").decode()
