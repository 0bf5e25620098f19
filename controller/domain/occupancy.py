"""How many vehicles are in a zone, as far as we know, and what that makes of its status.

A zone with lanes is counted by its passages; its bays, if any, are a sample of its spaces. A zone without lanes is
counted by its bays. The count is signed and unclamped, so that drift can be seen; only what is shown is clamped to
0..capacity.
"""

from dataclasses import dataclass, replace

from controller.domain.report import Reason, Status, ZoneReport
from controller.domain.specs import ZoneSpec


@dataclass(frozen=True, slots=True)
class ZoneState:
    """One zone between two events."""

    counted: int | None = None
    """Vehicles inside by passages; None until something told where to start."""
    distrust: Reason | None = None
    """Why the passages alone no longer tell: stays until somebody or the bays say how many are inside."""
    closed: bool = False
    full: bool = False
    """The hysteresis: FULL was reached and not yet enough spaces are free again."""
    bays_occupied: int = 0
    bays_free: int = 0
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
    lanes_at_fault: int


def anchored(zone: ZoneState, occupied: int) -> ZoneState:
    """Somebody looked, or every bay told: so many are inside."""
    return replace(zone, counted=occupied, distrust=None)


def moved(zone: ZoneState, by: int) -> ZoneState:
    """Fold a passage; without a start there is nothing to add to."""
    return zone if zone.counted is None else replace(zone, counted=zone.counted + by)


def distrusted(zone: ZoneState, reason: Reason) -> ZoneState:
    """Something happened that makes what was known doubtful; where nothing was known, nothing changes."""
    return replace(zone, distrust=reason) if zone.counted is not None or zone.bays_heard else zone


def bay_changed(zone: ZoneState, *, was: bool | None, now: bool | None) -> ZoneState:
    """Fold a bay that is occupied, free or (None) unknown now, and was so before."""
    return replace(
        zone,
        bays_occupied=zone.bays_occupied + (now is True) - (was is True),
        bays_free=zone.bays_free + (now is False) - (was is False),
        bays_heard=zone.bays_heard or now is not None,
    )


def told_by_bays(spec: ZoneSpec, zone: ZoneState, sources: Sources) -> ZoneState:
    """Let the bays tell what passages do not: all spaces where each has a known bay; without lanes, what is known."""
    known = zone.bays_occupied + zone.bays_free
    if sources.lanes:
        unsure = zone.counted is None or zone.distrust is not None
        return anchored(zone, zone.bays_occupied) if unsure and known == spec.capacity else zone
    return replace(zone, distrust=None) if known and zone.distrust is not None else zone


def judged(spec: ZoneSpec, zone: ZoneState, sources: Sources, at: float) -> ZoneState:
    """Find the status and its reason. Order: closed, nothing counts, not trusted, full, number (see ``message``)."""
    free = _free(spec, zone, sources)
    full = free is not None and (free <= spec.full_at or (zone.full and free < spec.reopen_at))
    status, reason = _status(spec, zone, sources, free, full=full)
    if (status, reason, full) == (zone.status, zone.reason, zone.full):
        return zone
    since = zone.since if status is zone.status else at
    return replace(zone, status=status, reason=reason, full=full, since=since)


def report(spec: ZoneSpec, zone: ZoneState, sources: Sources) -> ZoneReport:
    """Say what others may know of the zone. Without a belief, low and high are the number itself."""
    free = _free(spec, zone, sources)
    if _doubt(spec, zone, sources, full=zone.full) is not None:
        free = None
    return ZoneReport(
        name=spec.name,
        capacity=spec.capacity,
        counted_by="lanes" if sources.lanes else "bays",
        occupied=_occupied(zone, sources),
        free=free,
        low=free,
        high=free,
        status=zone.status,
        reason=zone.reason,
        since=zone.since,
    )


def _occupied(zone: ZoneState, sources: Sources) -> int | None:
    if sources.lanes:
        return zone.counted
    return zone.bays_occupied if zone.bays_occupied + zone.bays_free else None


def _free(spec: ZoneSpec, zone: ZoneState, sources: Sources) -> int | None:
    """Return the spaces that can be offered. An unknown bay is not offered."""
    if not sources.lanes:
        return zone.bays_free if zone.bays_occupied + zone.bays_free else None
    if zone.counted is None or zone.distrust is not None or sources.lanes_at_fault:
        return None
    return min(max(spec.capacity - zone.counted, 0), spec.capacity)


def _status(
    spec: ZoneSpec, zone: ZoneState, sources: Sources, free: int | None, *, full: bool
) -> tuple[Status, Reason]:
    counted = Reason.COUNTED if sources.lanes else Reason.BAYS
    if zone.closed:
        return Status.CLOSED, Reason.CLOSED_BY_STAFF
    if (doubt := _doubt(spec, zone, sources, full=full)) is not None:
        return Status.UNKNOWN, doubt
    if full:
        return Status.FULL, counted if free is not None and free <= spec.full_at else Reason.HYSTERESIS
    if spec.nearly_full_at is not None and free is not None and free <= spec.nearly_full_at:
        return Status.NEARLY_FULL, counted
    return Status.OPEN, counted


def _doubt(spec: ZoneSpec, zone: ZoneState, sources: Sources, *, full: bool) -> Reason | None:
    """Why no number can be shown, if none can."""
    known = zone.bays_occupied + zone.bays_free
    if sources.lanes:
        if sources.lanes_at_fault == sources.lanes and known == 0:
            return Reason.NOTHING_COUNTS
        if zone.counted is None:
            return Reason.NEVER_COUNTED
        return Reason.DETECTOR_FAULT if sources.lanes_at_fault else zone.distrust
    if known == 0:
        return zone.distrust or (Reason.NOTHING_COUNTS if zone.bays_heard else Reason.NEVER_COUNTED)
    # A free bay that is seen is free whatever the silent ones hide; but "full" needs every bay.
    return Reason.BAYS_SILENT if full and known < spec.capacity else None
