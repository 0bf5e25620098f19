"""How many vehicles are in a zone, as far as we know, and what that makes of its status.

A zone with lanes has a belief (see ``belief``): passages move it, time and bays weigh it. What is shown is its middle,
but never later than a passage: a vehicle that passes moves the number at once, and the number moves by itself only
when the belief is clearly elsewhere. A zone without lanes is counted by its bays.
"""

from dataclasses import dataclass, field, replace

from controller.domain import belief as beliefs
from controller.domain import sample
from controller.domain.believed import Belief, Passing, moments
from controller.domain.chances import Array, shortest
from controller.domain.report import Reason, Status, ZoneReport
from controller.domain.sample import Reading, Sample
from controller.domain.specs import ZoneSpec

ELSEWHERE = 0.62
"""The number moves by itself when the truth is with more than this chance above it, or below."""
WITHIN = 0.9
"""The reported interval is the shortest that holds the number with at least this chance."""
STILL_FULL = 0.8
"""FULL ends when the chance that no space is free is below this share of the risk at which it began."""
TOO_WIDE = 0.35
"""No number is shown when low and high are further apart than this share of the capacity ..."""
TOO_WIDE_AT_LEAST = 8
"""... and than so many vehicles, or in a small lot than half the capacity."""
NEAR = 0.02
"""How sure the number is: the chance that it is right within one vehicle, or this share of the capacity."""


@dataclass(frozen=True, slots=True)
class Middle:
    """What a belief amounts to. Vehicles inside, unclamped; chances 0-1."""

    low: int
    high: int
    full: float
    """That no more than ``full_at`` spaces are free."""
    short: float
    """That fewer than ``reopen_at`` spaces are free."""
    sure: float
    """That what is shown is right, or nearly so."""


@dataclass(frozen=True, slots=True)
class ZoneState:
    """One zone between two events."""

    counted: int | None = None
    """Vehicles inside by passages since the last correction, signed and unclamped, so that drift can be seen."""
    belief: Belief | None = None
    """For a zone with lanes."""
    inside: int = 0
    """The number inside that is shown, unclamped."""
    middle: Middle = Middle(0, 0, 0.0, 0.0, 0.0)
    doubt: Reason | None = None
    """What would explain that little is known: stays until somebody counts."""
    adrift: bool = False
    """Nobody watched for a time of which nobody knows yet how long it was: no number is known."""
    closed: bool = False
    full: bool = False
    """The hysteresis: FULL was reached and not yet enough spaces are free again."""
    bays_occupied: int = 0
    bays_free: int = 0
    sample: Sample = field(default_factory=Sample)
    """What was learned of how the bays speak for all spaces."""
    bays_heard: bool = False
    """At least one bay was heard, ever."""
    status: Status = Status.UNKNOWN
    reason: Reason = Reason.NEVER_COUNTED
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Sources:
    """What a zone is counted by, and how much of it works now."""

    lanes: int
    """How many lanes lead to it; none: its bays count it."""
    blind: int
    """Through how many of these vehicles may pass and no loop tells."""


def begun(spec: ZoneSpec, at: float, unix: float, *, lanes: bool) -> ZoneState:
    """Return what is known of a zone at first."""
    zone = ZoneState(counted=spec.initial_occupied, since=at)
    if not lanes:
        return zone
    doubt = Reason.NEVER_COUNTED if spec.initial_occupied is None else None
    return _put(spec, replace(zone, doubt=doubt), beliefs.start(spec.capacity, spec.initial_occupied, at, unix))


def resized(spec: ZoneSpec, zone: ZoneState, at: float, unix: float) -> ZoneState:
    """Fit what is known to the capacity and the limits of today; in a zone of another size, to the number alone."""
    if zone.belief is None:
        return zone
    if zone.belief.capacity == spec.capacity:
        return _put(spec, zone, zone.belief)
    inside = None if is_wide(spec, zone) else zone.inside
    return _put(spec, zone, beliefs.resized(zone.belief, spec.capacity, inside, at, unix))


def fitted(spec: ZoneSpec, zone: ZoneState) -> ZoneState:
    """Fit what is shown to another number of spaces that can be used; what is known of the vehicles inside stays."""
    return zone if zone.belief is None else _put(spec, zone, zone.belief)


def corrected(spec: ZoneSpec, zone: ZoneState, occupied: int, at: float, unix: float) -> ZoneState:
    """Somebody counted: so many are inside."""
    zone = replace(zone, counted=occupied, doubt=None, inside=occupied, adrift=False)
    return zone if zone.belief is None else _put(spec, zone, beliefs.corrected(zone.belief, occupied, at, unix))


def passed(spec: ZoneSpec, zone: ZoneState, passing: Passing, by: int, at: float) -> ZoneState:
    """Fold a passage; ``by`` is what it most likely changed inside."""
    counted = None if zone.counted is None else zone.counted + by
    zone = replace(zone, counted=counted, inside=zone.inside + by)
    return zone if zone.belief is None else _put(spec, zone, beliefs.passed(zone.belief, passing, at))


def waited(spec: ZoneSpec, zone: ZoneState, at: float, seen_in: float, seen_out: float) -> ZoneState:
    """Let time pass in which the lanes saw these shares (0-1) of entries and exits, and the bays what they see."""
    if zone.belief is None or at <= zone.belief.at:
        return zone
    lasted_s = at - zone.belief.at
    belief = beliefs.waited(zone.belief, at, seen_in, seen_out, obeyed=zone.full)
    if (seen := zone.bays_occupied + zone.bays_free) == 0:
        return _put(spec, zone, belief)
    news = sample.news(lasted_s, belief.expected.exit, seen / spec.capacity) if zone.sample.seen else 1.0
    return _bays_read(spec, replace(zone, belief=belief), belief, news)


def _bays_read(spec: ZoneSpec, zone: ZoneState, belief: Belief, news: float) -> ZoneState:
    reading = Reading(zone.bays_occupied, zone.bays_occupied + zone.bays_free, spec.capacity, news)
    weights = sample.weights(zone.sample, reading, beliefs.numbers(belief))
    zone = replace(zone, sample=sample.learned(zone.sample, reading, *moments(belief)))
    return _put(spec, zone, beliefs.weighed(belief, weights))


def turned_away(spec: ZoneSpec, zone: ZoneState, chance: float, at: float) -> ZoneState:
    """Somebody touched a way in and went away again, with this chance; while the sign says FULL, no wonder."""
    if zone.belief is None or zone.full:
        return zone
    return _put(spec, zone, beliefs.turned_away(zone.belief, at, chance))


def unwatched(spec: ZoneSpec, zone: ZoneState, until: float) -> ZoneState:
    """Let time pass in which nobody saw anything."""
    return zone if zone.belief is None else _put(spec, zone, beliefs.waited(zone.belief, until, 0.0, 0.0))


def may_have_passed(spec: ZoneSpec, zone: ZoneState, most_in: int, most_out: int) -> ZoneState:
    """Allow for up to so many vehicles that came in or left, and nothing tells which."""
    if zone.belief is None:
        return zone
    return _put(spec, zone, beliefs.may_have_passed(zone.belief, most_in, most_out))


def missed(spec: ZoneSpec, zone: ZoneState, lasted_s: float, share_in: float, share_out: float) -> ZoneState:
    """Allow for what happened unseen during the last so many seconds, when these shares of it were taken for seen."""
    return zone if zone.belief is None else _put(spec, zone, beliefs.missed(zone.belief, lasted_s, share_in, share_out))


def cast_adrift(zone: ZoneState) -> ZoneState:
    """Nobody watched, nobody knows for how long."""
    return zone if zone.belief is None else replace(doubted(zone, Reason.WAS_DOWN), adrift=True)


def told_how_long(spec: ZoneSpec, zone: ZoneState, lasted_s: float) -> ZoneState:
    """Allow for what passed while nobody watched, now that it is known for how long."""
    return missed(spec, replace(zone, adrift=False), lasted_s, 1.0, 1.0)


def taught(spec: ZoneSpec, zone: ZoneState, unix: float) -> ZoneState:
    """Let the belief learn the rhythm; ``unix`` is now."""
    return zone if zone.belief is None else _put(spec, zone, beliefs.taught(zone.belief, unix))


def doubted(zone: ZoneState, reason: Reason) -> ZoneState:
    """Remember what would explain that little is known; where nothing ever was, that explains more."""
    if zone.doubt is Reason.NEVER_COUNTED or (zone.belief is None and not zone.bays_heard):
        return zone
    return replace(zone, doubt=reason)


def bay_changed(spec: ZoneSpec, zone: ZoneState, *, was: bool | None, now: bool | None) -> ZoneState:
    """Fold a bay that is occupied, free or (None) unknown now, and was so before."""
    by_bays = zone.belief is None and now is not None
    zone = replace(
        zone,
        doubt=None if by_bays else zone.doubt,
        bays_occupied=zone.bays_occupied + (now is True) - (was is True),
        bays_free=zone.bays_free + (now is False) - (was is False),
        bays_heard=zone.bays_heard or now is not None,
    )
    heard = was is None and now is not None
    every = heard and zone.bays_occupied + zone.bays_free == spec.capacity > 0  # 0: all are out of service
    if zone.belief is not None and every:
        return _bays_read(spec, zone, zone.belief, 1.0)  # the last bay of all spaces was heard: so many are inside
    return zone


def judged(spec: ZoneSpec, zone: ZoneState, sources: Sources, at: float) -> ZoneState:
    """Find the status and its reason. Order: closed, nothing counts, not sure, full, number (see ``message``)."""
    full = _full(spec, zone)
    status, reason = _status(spec, zone, sources, full=full)
    if (status, reason, full) == (zone.status, zone.reason, zone.full):
        return zone
    since = zone.since if status is zone.status else at
    return replace(zone, status=status, reason=reason, full=full, since=since)


def report(spec: ZoneSpec, zone: ZoneState, sources: Sources) -> ZoneReport:
    """Say what others may know of the zone."""
    free = _free(spec, zone) if _doubt(spec, zone, sources, full=zone.full) is None else None
    known = zone.bays_occupied + zone.bays_free
    low: int | None
    high: int | None
    if zone.belief is None:  # each bay that is not known may be free, or not
        low, high = (zone.bays_free, max(0, spec.capacity - zone.bays_occupied)) if known else (None, None)
    elif zone.adrift:
        low, high = 0, spec.capacity
    else:
        low, high = (_clamped(spec, inside) for inside in (zone.middle.high, zone.middle.low))
    return ZoneReport(
        name=spec.name,
        capacity=spec.capacity,
        counted_by="lanes" if sources.lanes else "bays",
        occupied=_occupied(spec, zone, known=bool(known)),
        counted=zone.counted if sources.lanes else None,
        free=free,
        low=low,
        high=high,
        sure=None if zone.belief is None else round(zone.middle.sure, 3),
        status=zone.status,
        reason=zone.reason,
        since=zone.since,
    )


def is_wide(spec: ZoneSpec, zone: ZoneState) -> bool:
    """Whether too little is known for a number."""
    width = min(zone.middle.high, spec.capacity) - min(zone.middle.low, spec.capacity)
    return width > max(TOO_WIDE * spec.capacity, min(TOO_WIDE_AT_LEAST, spec.capacity / 2))


def _put(spec: ZoneSpec, zone: ZoneState, belief: Belief) -> ZoneState:
    """Take a new belief, and move what is shown where that is clearly elsewhere."""
    cumulated = beliefs.at_most(belief)
    last = len(cumulated) - 1
    inside = min(max(zone.inside, 0), last)
    below, above = (float(cumulated[inside - 1]) if inside else 0.0), 1 - float(cumulated[inside])
    if below > ELSEWHERE or above > ELSEWHERE or is_wide(spec, zone):
        inside = _quantile(cumulated, 0.5)
    near = max(1, round(NEAR * spec.capacity))
    first, end = inside - near - 1, min(inside + near, last)
    lasting = sample.lasting(zone.sample, zone.bays_occupied + zone.bays_free, spec.capacity)
    low, high = shortest(beliefs.honest(belief, lasting), WITHIN)
    middle = Middle(
        low=low,
        high=high,
        full=1 - _below(cumulated, spec.capacity - spec.full_at),
        short=1 - _below(cumulated, spec.capacity - spec.reopen_at + 1),
        sure=float(cumulated[end]) - (float(cumulated[first]) if first >= 0 else 0.0),
    )
    return replace(zone, belief=belief, inside=inside, middle=middle)


def _quantile(cumulated: Array, chance: float) -> int:
    return min(int(cumulated.searchsorted(chance)), len(cumulated) - 1)


def _below(cumulated: Array, number: int) -> float:
    return float(cumulated[number - 1]) if number > 0 else 0.0


def _clamped(spec: ZoneSpec, inside: int) -> int:
    return min(max(spec.capacity - inside, 0), spec.capacity)


def _occupied(spec: ZoneSpec, zone: ZoneState, *, known: bool) -> int | None:
    if zone.belief is not None:
        return None if zone.adrift or is_wide(spec, zone) else zone.inside
    return zone.bays_occupied if known else None


def _free(spec: ZoneSpec, zone: ZoneState) -> int | None:
    """Return the spaces that can be offered. An unknown bay is not offered."""
    if zone.belief is None:
        return zone.bays_free if zone.bays_occupied + zone.bays_free else None
    if is_wide(spec, zone):
        return None
    free = _clamped(spec, zone.inside)
    return free if zone.full else max(free, spec.full_at + 1)


def _full(spec: ZoneSpec, zone: ZoneState) -> bool:
    if zone.belief is None:
        free = _free(spec, zone)
        return free is not None and (free <= spec.full_at or (zone.full and free < spec.reopen_at))
    if is_wide(spec, zone):
        return False
    return zone.middle.full > spec.full_risk or (zone.full and zone.middle.short > STILL_FULL * spec.full_risk)


def _status(spec: ZoneSpec, zone: ZoneState, sources: Sources, *, full: bool) -> tuple[Status, Reason]:
    if zone.closed:
        return Status.CLOSED, Reason.CLOSED_BY_STAFF
    doubt = _doubt(spec, zone, sources, full=full)
    if doubt is not None:
        return Status.UNKNOWN, doubt
    counted = Reason.COUNTED if sources.lanes else Reason.BAYS
    free = _free(spec, replace(zone, full=full))
    if full:
        none_free = free is not None and free <= spec.full_at
        begins = none_free if zone.belief is None else zone.middle.full > spec.full_risk
        return Status.FULL, counted if begins else Reason.HYSTERESIS
    if spec.nearly_full_at is not None and free is not None and free <= spec.nearly_full_at:
        return Status.NEARLY_FULL, counted
    return Status.OPEN, counted


def _doubt(spec: ZoneSpec, zone: ZoneState, sources: Sources, *, full: bool) -> Reason | None:
    """Why no number can be shown, if none can."""
    known = zone.bays_occupied + zone.bays_free
    if sources.lanes:
        if sources.blind == sources.lanes and known == 0:
            return Reason.NOTHING_COUNTS
        if zone.adrift:
            return zone.doubt or Reason.WAS_DOWN
        return (zone.doubt or Reason.DRIFT) if is_wide(spec, zone) else None
    if known == 0:
        return zone.doubt or (Reason.NOTHING_COUNTS if zone.bays_heard else Reason.NEVER_COUNTED)
    # A free bay that is seen is free whatever the silent ones hide; but "full" needs every bay.
    return Reason.BAYS_SILENT if full and known < spec.capacity else None
