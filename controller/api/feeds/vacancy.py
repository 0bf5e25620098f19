"""What every feed says of a zone's number, so that none can say more: 0 ≤ free ≤ capacity, closed or unknown → none."""

from controller.api.models import ZoneStatus
from controller.domain.report import Status


def vacancy(zone: ZoneStatus) -> int | None:
    """Return the free spaces that may be published (0..capacity), or None: then a feed leaves the number out."""
    if zone.status in {Status.CLOSED, Status.UNKNOWN} or zone.free is None:
        return None
    return max(0, min(zone.free, zone.capacity))
