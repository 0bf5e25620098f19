"""NGSI-LD entities of the Smart Data Models: an OffStreetParking a zone, a ParkingSpot a bay, in simplified form.

The models need a location, so the site file must say where the lot is ([place]).
"""

from typing import Any

from controller.api.feeds.vacancy import vacancy
from controller.api.models import BayStatus, Picture, ZoneStatus
from controller.domain.report import Status
from controller.site import PlaceSpec, Site

CONTEXT = [
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld",
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Parking/master/context.jsonld",
]

_STATUS = {
    Status.OPEN: ["open", "spacesAvailable"],
    Status.NEARLY_FULL: ["open", "almostFull"],
    Status.FULL: ["open", "full"],
    Status.CLOSED: ["closed"],
}


def entities(site: Site, place: PlaceSpec, now: Picture) -> list[dict[str, Any]]:
    """Return all entities, zones first."""
    zones = [_zone(site, place, now, zone) for zone in now.zones]
    return [*zones, *(_bay(site, place, now, bay) for bay in now.bays)]


def _name(site: Site, kind: str, *steps: str) -> str:
    return ":".join(("urn:ngsi-ld", kind, site.slug, *steps))


def _where(place: PlaceSpec) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [place.longitude, place.latitude]}


def _zone(site: Site, place: PlaceSpec, now: Picture, zone: ZoneStatus) -> dict[str, Any]:
    entity: dict[str, Any] = {
        "@context": CONTEXT,
        "id": _name(site, "OffStreetParking", zone.name),
        "type": "OffStreetParking",
        "name": f"{site.lot.name}: {zone.name}",
        "category": ["forVisitors"],
        "location": _where(place),
        "totalSpotNumber": zone.capacity,
    }
    if place.address:
        entity["address"] = {"streetAddress": place.address, "addressCountry": place.country.upper()}
    if now.at is not None:
        entity["observationDateTime"] = now.at.isoformat()
    if zone.status in _STATUS:
        entity["status"] = _STATUS[zone.status]
    if (free := vacancy(zone)) is not None:
        entity |= {
            "availableSpotNumber": free,
            "occupiedSpotNumber": zone.capacity - free,
        }
        if zone.capacity > 0:  # 0: every bay of it is out of service
            entity["occupancy"] = round(1 - free / zone.capacity, 4)
    return entity


def _bay(site: Site, place: PlaceSpec, now: Picture, bay: BayStatus) -> dict[str, Any]:
    closed = any(z.name == bay.zone and z.status is Status.CLOSED for z in now.zones)
    known = {None: "unknown", True: "occupied", False: "free"}[bay.occupied]
    entity: dict[str, Any] = {
        "@context": CONTEXT,
        "id": _name(site, "ParkingSpot", bay.name),
        "type": "ParkingSpot",
        "name": bay.name,
        "category": ["offStreet"],
        "location": _where(place),
        "status": "closed" if closed else known,
        "refParkingSite": _name(site, "OffStreetParking", bay.zone),
    }
    return entity if bay.since is None else {**entity, "dateModified": bay.since.isoformat()}
