"""What people ask for over the link -> the event that does it, and who is to be remembered for it. Pure."""

from collections.abc import Iterable
from typing import TypeVar

from controller.domain.events import ClosureChanged, Corrected, SignOverridden
from controller.domain.specs import LotSpec, SignSpec, ZoneSpec
from controller.domain.state import LotState
from controller.journal import Audit
from controller.link import Json

LONGEST_TEXT = 80
"""Characters of a staff message: more is no sign's."""

LONGEST_MESSAGE_S = 31 * 86_400.0
"""A staff message ends by itself, at the latest after this."""


class CommandError(ValueError):
    """A command that can't be done; says why and what to do instead."""


Asked = Corrected | ClosureChanged | SignOverridden


def understood(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Asked, Audit]:
    """Return what a command (see ``link``) means at the lot time ``at``; raises CommandError."""
    match fields.get("do"):
        case "correct":
            return _correction(fields, spec, state, at)
        case "close":
            return _closure(fields, spec, state, at)
        case "message":
            return _message(fields, spec, state, at)
        case other:
            raise CommandError(f"do {other!r}: known are correct, close and message")


def _correction(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Asked, Audit]:
    zone = _named(fields, "zone", spec.zones)
    occupied, most = fields.get("occupied"), 2 * zone.capacity + 100
    if isinstance(occupied, bool) or not isinstance(occupied, int) or not 0 <= occupied <= most:
        raise CommandError(f"occupied {occupied!r}: write the vehicles inside, 0 to {most}")
    before = str(state.zones[zone.name].counted)
    return Corrected(zone.name, occupied, at), _audit(fields, f"{zone.name}: occupied = {occupied}", before)


def _closure(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Asked, Audit]:
    zone, closed = _named(fields, "zone", spec.zones), fields.get("closed")
    if not isinstance(closed, bool):
        raise CommandError(f"closed {closed!r}: write true or false")
    before = str(state.zones[zone.name].closed)
    return ClosureChanged(zone.name, closed, at), _audit(fields, f"{zone.name}: closed = {closed}", before)


def _message(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Asked, Audit]:
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


Named = TypeVar("Named", ZoneSpec, SignSpec)


def _named(fields: Json, kind: str, things: Iterable[Named]) -> Named:
    by_name = {thing.name: thing for thing in things}
    name = fields.get(kind)
    if not isinstance(name, str) or name not in by_name:
        raise CommandError(f"{kind} {name!r}: no {kind} has this name; {kind}s here: {', '.join(by_name)}")
    return by_name[name]


def _audit(fields: Json, what: str, before: str) -> Audit:
    return Audit(_plain(fields.get("by", "?"), 100), what, _plain(fields.get("reason", ""), 500), before)


def _plain(value: object, length: int) -> str:
    """Return a text that any file can hold, at most so long."""
    return str(value)[:length].encode("utf-8", "replace").decode()
