"""What of the lot is kept for its history: how full zones were, what bays did, and how far a person found it off.

Passages are kept by themselves (``report.Passage``). A zone's level is kept on a grid of lot time, and whenever its
status changes; whoever reads it back may take a level to hold until the next one, and for ``HOLDS_S`` at most: longer
gaps are times in which nobody watched.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.domain import occupancy
from controller.domain.events import Corrected, Event, Recounted, Undone
from controller.domain.report import Status, ZoneReport
from controller.domain.sight import sources_of
from controller.domain.specs import LotSpec
from controller.domain.staff import undoable
from controller.domain.state import LotState, in_service, is_counted_by_lanes

GRID_S = 300.0
"""Between two levels of a zone, at most."""
HOLDS_S = 2 * GRID_S
"""A level older than this says nothing: the controller was off."""


@dataclass(frozen=True, slots=True)
class Level:
    """How full a zone was at a lot time; the numbers are those of ``ZoneReport``."""

    zone: str
    at: float
    occupied: int | None
    low: int | None
    high: int | None
    free: int | None
    capacity: int
    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class BayLevel:
    """A bay became taken (True), free (False), or unknown (None)."""

    bay: str
    at: float
    occupied: bool | None


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody counted ``told`` vehicles inside; what was believed before that, by all there is and by passages."""

    zone: str
    at: float
    told: int
    believed: int | None
    counted: int | None
    low: int | None
    """Vehicles inside, unlike a report's: between these two with a chance of 90 %."""
    high: int | None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What somebody told of the zone at the lot time ``at`` was a mistake."""

    zone: str
    at: float


Kept = Level | BayLevel | Told | TakenBack


def levels(spec: LotSpec, state: LotState, last: Mapping[str, Level]) -> tuple[Level, ...]:
    """Return the levels that are due: of zones that never had one, whose status changed, or whose last one is old."""
    due = []
    for zone in spec.zones:
        was, now = last.get(zone.name), state.zones[zone.name]
        changed = was is not None and now.status is not was.status
        if was is not None and not changed and state.at - was.at < GRID_S:
            continue
        at = max(was.at, now.since) if was is not None and changed else state.at
        due.append(_level(_report(spec, state, zone.name), at))
    return tuple(due)


def changes(spec: LotSpec, before: LotState, after: LotState, event: Event) -> tuple[Kept, ...]:
    """Return what one event, which made ``after`` of ``before``, adds beside levels."""
    kept: list[Kept] = []
    if after.bays is not before.bays:
        kept += [
            BayLevel(
                name, bay.heard_at if bay.occupied is not None and bay.heard_at is not None else after.at, bay.occupied
            )
            for name, bay in after.bays.items()
            if bay.occupied is not before.bays[name].occupied
        ]
    if (found := _told(spec, before, after, event)) is not None:
        zone, told = found
        was = _report(spec, before, zone)
        low, high = (None if free is None else was.capacity - free for free in (was.high, was.low))
        kept.append(Told(zone, event.at, told, was.occupied, was.counted, low, high))
    if isinstance(event, Undone) and (mistake := undoable(before, event.zone, event.at)) is not None:
        kept.append(TakenBack(event.zone, mistake.at))
    return tuple(kept)


def _told(spec: LotSpec, before: LotState, after: LotState, event: Event) -> tuple[str, int] | None:
    """Return of which zone somebody has told how many vehicles are inside."""
    if isinstance(event, Corrected) and event.zone in before.zones and is_counted_by_lanes(spec, event.zone):
        return event.zone, event.occupied
    if isinstance(event, Recounted) and event.seen is not None and event.zone in before.recounts:
        return event.zone, after.zones[event.zone].inside
    return None


def _report(spec: LotSpec, state: LotState, name: str) -> ZoneReport:
    zone = next(z for z in in_service(spec, state).zones if z.name == name)
    return occupancy.report(zone, state.zones[name], sources_of(spec, state, name))


def _level(zone: ZoneReport, at: float) -> Level:
    return Level(
        zone=zone.name,
        at=at,
        occupied=zone.occupied,
        low=zone.low,
        high=zone.high,
        free=zone.free,
        capacity=zone.capacity,
        status=zone.status,
        reason=zone.reason.value,
    )
