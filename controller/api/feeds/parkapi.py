"""ParkAPI v1, the JSON of a city that ParkenDD and its like read: a lot a zone. ``free`` is absent when not known."""

from typing import Any

from controller.api.feeds.vacancy import vacancy
from controller.api.models import Picture, ZoneStatus
from controller.domain.report import Status
from controller.site import Site

_STATES = {Status.CLOSED: "closed", Status.UNKNOWN: "nodata"}


def city(site: Site, now: Picture, moment: str) -> dict[str, Any]:
    """Return the whole answer; ``moment`` is the time (ISO 8601) for the case that no state ever came."""
    updated = now.at.isoformat() if now.at else moment
    return {"last_downloaded": moment, "last_updated": updated, "lots": [_lot(site, z) for z in now.zones]}


def _lot(site: Site, zone: ZoneStatus) -> dict[str, Any]:
    place = site.place
    lot: dict[str, Any] = {
        "id": f"{site.slug}-{zone.name}",
        "name": site.lot.name if len(site.lot.zones) == 1 else f"{site.lot.name}: {zone.name}",
        "state": _STATES.get(zone.status, "open"),
        "total": zone.capacity,
        "forecast": False,
        "lot_type": None,
        "region": None,
        "address": place.address if place else None,
        "coords": {"lat": place.latitude, "lng": place.longitude} if place else None,
    }
    free = vacancy(zone)
    return lot if free is None else {**lot, "free": free}
