"""What people ask for over the link -> the event that does it, and who is to be remembered for it. Pure."""

from controller.domain.events import ClosureChanged, Corrected
from controller.domain.specs import LotSpec
from controller.domain.state import LotState
from controller.journal import Audit
from controller.link import Json


class CommandError(ValueError):
    """A command that can't be done; says why and what to do instead."""


def understood(fields: Json, spec: LotSpec, state: LotState, at: float) -> tuple[Corrected | ClosureChanged, Audit]:
    """Return what a command (see ``link``) means at the lot time ``at``; raises CommandError."""
    zones = {z.name: z for z in spec.zones}
    name = fields.get("zone")
    if not isinstance(name, str) or name not in zones:
        raise CommandError(f"zone {name!r}: no zone has this name; zones here: {', '.join(zones)}")
    who, reason = _plain(fields.get("by", "?"), 100), _plain(fields.get("reason", ""), 500)
    now = state.zones[name]
    match fields.get("do"):
        case "correct":
            occupied, most = fields.get("occupied"), 2 * zones[name].capacity + 100
            if isinstance(occupied, bool) or not isinstance(occupied, int) or not 0 <= occupied <= most:
                raise CommandError(f"occupied {occupied!r}: write the vehicles inside, 0 to {most}")
            audit = Audit(who, f"{name}: occupied = {occupied}", reason, str(now.counted))
            return Corrected(name, occupied, at), audit
        case "close":
            closed = fields.get("closed")
            if not isinstance(closed, bool):
                raise CommandError(f"closed {closed!r}: write true or false")
            return ClosureChanged(name, closed, at), Audit(who, f"{name}: closed = {closed}", reason, str(now.closed))
        case other:
            raise CommandError(f"do {other!r}: known are correct and close")


def _plain(value: object, length: int) -> str:
    """Return a text that any file can hold, at most so long."""
    return str(value)[:length].encode("utf-8", "replace").decode()
