"""DATEX II v3.7 (CEN/TS 16157-6): a ParkingTablePublication (what there is) and a ParkingStatusPublication (how full).

The lot is a Place, its zones are SubplaceElements of it. A number that is not known is left out, and ``parkingFault``
says why; ``status`` is left out when closed, which ``openingStatus`` tells.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from controller.api.feeds.vacancy import vacancy
from controller.api.models import Picture, ZoneStatus
from controller.domain.report import FaultKind, Status
from controller.site import Site

VERSION = "1"

_NS = {
    name: f"http://datex2.eu/schema/3/{path}"
    for name, path in (
        ("d2", "d2Payload"),
        ("com", "common"),
        ("prk", "parking"),
        ("fac", "facilities"),
        ("loc", "locationReferencing"),
    )
}
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_STATUS = {
    Status.OPEN: "spacesAvailable",
    Status.NEARLY_FULL: "almostFull",
    Status.FULL: "full",
    Status.UNKNOWN: "unknown",
}


def table(site: Site, moment: str) -> bytes:
    """Return what the lot is made of, as XML; ``moment`` is the time of publication (ISO 8601)."""
    payload = _payload(site, "ParkingTablePublication", moment)
    held = _sub(payload, "prk:parkingTable", id=f"{site.slug}-table", version=VERSION)
    _sub(held, "prk:versionTime", moment)
    zones = site.lot.zones
    lot = _element(site, held, "Place", site.slug, site.lot.name)
    _layer(lot, 0, "place")
    _supply(lot, sum(zone.capacity for zone in zones))
    for zone in zones:
        part = _element(site, held, "SubplaceElement", f"{site.slug}-{zone.name}", zone.name)
        _layer(part, 1, "subplaceElement")
        _sub(part, "prk:parentId", id=site.slug, version=VERSION, targetClass="fac:FacilityObject")
        _supply(part, zone.capacity)
    return _xml(payload)


def status(site: Site, now: Picture, moment: str) -> bytes:
    """Return how full the zones are, as XML."""
    payload = _payload(site, "ParkingStatusPublication", moment)
    reference = {"id": f"{site.slug}-table", "version": VERSION, "targetClass": "prk:ParkingTable"}
    _sub(payload, "prk:parkingTableReference", **reference)
    for zone in now.zones:
        _zone(payload, site, now, zone)
    return _xml(payload)


def _zone(payload: Element, site: Site, now: Picture, zone: ZoneStatus) -> None:
    said = _sub(payload, "prk:parkingStatusInformation")
    said.set(_TYPE, "prk:PlaceStatus")
    name = f"{site.slug}-{zone.name}"
    _sub(said, "fac:reference", id=name, version=VERSION, targetClass="fac:FacilityObject")
    if now.at is not None:
        _sub(said, "fac:lastUpdated", now.at.isoformat())
    if zone.status is not Status.UNKNOWN:
        _sub(said, "fac:openingStatus", "closed" if zone.status is Status.CLOSED else "open")
    for fault in sorted(set(_faults(site, now, zone))):
        _sub(said, "prk:parkingFault", fault)
    if (free := vacancy(zone)) is not None:
        occupancy = _sub(said, "prk:occupancy")
        _sub(occupancy, "prk:numberOfVacantSpaces", str(free))
        _sub(occupancy, "prk:numberOfOccupiedSpaces", str(zone.capacity - free))
    if zone.status in _STATUS:
        _sub(said, "prk:status", _STATUS[zone.status])


def _faults(site: Site, now: Picture, zone: ZoneStatus) -> Iterator[str]:
    if not now.live:
        yield "communicationsFailure"
    if zone.status is Status.UNKNOWN:
        yield "noParkingInformationAvailable"
    lanes = {lane.name for lane in site.lot.lanes if zone.name in {lane.zone, lane.from_zone}}
    bays = {bay.name for bay in site.lot.bays if bay.zone == zone.name}
    for fault in now.faults:
        lane, _, role = fault.subject.rpartition(".")
        if lane in lanes:
            barred = role == "barrier" and fault.kind is FaultKind.STUCK
            yield "barrierMalfunction" if barred else "erroneousOccupancyInformation"
        elif fault.subject in bays:
            yield "erroneousOccupancyInformation"


def _payload(site: Site, kind: str, moment: str) -> Element:
    for name, uri in _NS.items():
        register_namespace(name, uri)
    payload = Element(_tag("d2:payload"), {_TYPE: f"prk:{kind}", "lang": "pl", "modelBaseVersion": "3"})
    _sub(payload, "com:publicationTime", moment)
    creator = _sub(payload, "com:publicationCreator")
    _sub(creator, "com:country", site.place.country if site.place else "pl")
    _sub(creator, "com:nationalIdentifier", (site.place.publisher if site.place else None) or site.slug)
    return payload


def _element(site: Site, table: Element, kind: str, number: str, name: str) -> Element:
    element = _sub(table, "prk:hierarchyElementGeneral", id=number, version=VERSION)
    element.set(_TYPE, f"prk:{kind}")
    values = _sub(_sub(element, "fac:name"), "com:values")
    _sub(values, "com:value", name, lang="pl")
    if site.place is not None:
        where = _sub(element, "fac:locationReference")
        where.set(_TYPE, "loc:PointLocation")
        coordinates = _sub(_sub(where, "loc:pointByCoordinates"), "loc:pointCoordinates")
        _sub(coordinates, "loc:latitude", str(site.place.latitude))
        _sub(coordinates, "loc:longitude", str(site.place.longitude))
    return element


def _layer(element: Element, number: int, kind: str) -> None:
    _sub(element, "prk:layer", str(number))
    _sub(element, "prk:type", kind)


def _supply(element: Element, spaces: int) -> None:
    supply = _sub(element, "prk:supply")
    _sub(supply, "prk:quantity", str(spaces))
    _sub(supply, "prk:viewType", "spaceView")


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NS[prefix]}}}{local}"


def _sub(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    child = SubElement(parent, _tag(name), attributes)
    child.text = text
    return child


def _xml(payload: Element) -> bytes:
    # Types are named in attributes (xsi:type), where ElementTree sees no prefix: an element of each is always there.
    xml: bytes = tostring(payload, encoding="utf-8", xml_declaration=True)
    return xml
