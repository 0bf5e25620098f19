"""Zone statuses -> what the driver reads, and why.

A false number is worse than none. The order is fixed: test (for seconds, patterns that no driver takes for a number) >
closed (by staff, or at this hour) > staff's own message > fault (blank) > starting or uncertain ("P", or "wolne", no
number) > full > number. A greeting never takes the place of anything: it stands beside a number, or not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controller.domain.report import Message, MessageKind, Reason, Row, StaffMessage, Status, Tone, ZoneReport
from controller.domain.specs import Moment, RedirectSpec, RowSpec, SignSpec

CLOSED_MARK = "–"  # noqa: RUF001  a dash in a number's place
"""Stands for the number of a closed zone among others."""

TEST = "TEST"

_TONES = {Status.OPEN: Tone.FREE, Status.NEARLY_FULL: Tone.FEW, Status.FULL: Tone.FULL}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What another lot told of itself, and until when (lot time) that may be believed to be so."""

    free: int | None
    open: bool
    known_at: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a sign may speak of besides its zones."""

    at: float = 0.0
    """Lot time."""
    local: Moment | None = None
    """The time of the week; None when the clock is not known to be right: then no hours are spoken of."""
    test: bool = False
    """Somebody tries the sign out."""
    staff: StaffMessage | None = None
    neighbour: Neighbour | None = None


_NOTHING = Surroundings()


def message(sign: SignSpec, zones: Mapping[str, ZoneReport], now: Surroundings = _NOTHING) -> Message:
    """Say what ``sign`` shows; ``zones`` has at least those that it speaks of, by name."""
    zone = zones[sign.zone]
    if now.test:
        return Message(MessageKind.TEST, TEST, None, Reason.SIGN_TEST)
    if zone.status is Status.CLOSED:
        return _closed(sign, zone.reason)
    if sign.open_hours and now.local is not None and not any(hours.holds(now.local) for hours in sign.open_hours):
        return _closed(sign, Reason.OUT_OF_HOURS)
    if now.staff is not None and now.at < now.staff.until:
        return Message(MessageKind.STAFF, now.staff.text, None, Reason.STAFF_MESSAGE)
    if sign.rows:
        return _rows(sign, zones, now)
    return _one(sign, zone, now)


def _closed(sign: SignSpec, reason: Reason) -> Message:
    second = None if sign.second is None else sign.second.closed
    return Message(MessageKind.CLOSED, sign.closed_text, None, reason, Tone.FULL, also=sign.hours_text, second=second)


def _one(sign: SignSpec, zone: ZoneReport, now: Surroundings) -> Message:
    status, free, reason = zone.status, zone.free, zone.reason
    if reason is Reason.NOTHING_COUNTS:
        return Message(MessageKind.BLANK, "", None, reason)
    if status is Status.UNKNOWN or free is None:
        some_are_free = reason in {Reason.WAS_DOWN, Reason.DETECTOR_FAULT, Reason.DRIFT} and bool(zone.low)
        if some_are_free and sign.free_text is not None:
            second = None if sign.second is None else sign.second.free
            return Message(MessageKind.FREE, sign.free_text, None, reason, Tone.FREE, second=second)
        return Message(MessageKind.UNCERTAIN, sign.uncertain_text, None, reason)
    if status is Status.FULL:
        return _full(sign, reason, now)
    word = sign.number_text
    if status is Status.NEARLY_FULL and sign.nearly_full_text is not None:
        word = sign.nearly_full_text
    said = Message(MessageKind.NUMBER, str(free), free, reason, _TONES[status], beside=word)
    return replace(said, also=_greeting(sign, now))


def _full(sign: SignSpec, reason: Reason, now: Surroundings) -> Message:
    second = None if sign.second is None else sign.second.full
    also = None if sign.redirect is None else redirect(sign.redirect, now)
    return Message(MessageKind.FULL, sign.full_text, None, reason, Tone.FULL, also=also, second=second)


def redirect(spec: RedirectSpec, now: Surroundings) -> str | None:
    """Say the way to the next lot, with its number while that is known; nothing when it would take nobody."""
    there = now.neighbour
    if there is None or now.at - there.known_at > spec.fresh_s:
        return f"{spec.to} {spec.arrow}"
    if not there.open:
        return None
    return f"{spec.to} {spec.arrow}" if there.free is None else f"{spec.to} {spec.arrow} {there.free}"


def _greeting(sign: SignSpec, now: Surroundings) -> str | None:
    greeting = sign.greeting
    if greeting is None or now.local is None or not any(hours.holds(now.local) for hours in greeting.hours):
        return None
    return greeting.text


def _rows(sign: SignSpec, zones: Mapping[str, ZoneReport], now: Surroundings) -> Message:
    """Say all zones at once; whatever is the same for all of them is said once, as by a sign of one zone."""
    theirs = [zones[row.zone] for row in sign.rows]
    reason = zones[sign.zone].reason
    if all(zone.reason is Reason.NOTHING_COUNTS for zone in theirs):
        return Message(MessageKind.BLANK, "", None, Reason.NOTHING_COUNTS)
    if all(zone.status is Status.FULL for zone in theirs):
        return _full(sign, reason, now)
    if not any(zone.free is not None for zone in theirs) and all(zone.status is Status.UNKNOWN for zone in theirs):
        return Message(MessageKind.UNCERTAIN, sign.uncertain_text, None, reason)
    rows = tuple(_row(row, zone) for row, zone in zip(sign.rows, theirs, strict=True))
    text = ", ".join(" ".join(filter(None, (row.mark, row.text))) for row in rows)
    return Message(MessageKind.ROWS, text, None, reason, rows=rows)


def _row(row: RowSpec, zone: ZoneReport) -> Row:
    """Say a zone among others: a full one says 0, one that is not sure of itself its mark alone."""
    room = len(str(zone.capacity))
    match zone.status:
        case Status.CLOSED:
            return Row(row.mark, CLOSED_MARK, None, Tone.FULL, room)
        case Status.FULL:
            return Row(row.mark, "0", 0, Tone.FULL, room)
        case Status.OPEN | Status.NEARLY_FULL if zone.free is not None:
            return Row(row.mark, str(zone.free), zone.free, _TONES[zone.status], room)
        case _:
            return Row(row.mark, "", None, Tone.NEUTRAL, room)
