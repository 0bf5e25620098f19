"""Where other systems read the lot. Open to whoever reaches the port, as the rest of what only tells."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from controller.api import problems
from controller.api.feeds import datex, ngsi_ld, parkapi
from controller.api.parts import LiveDep, SiteDep
from controller.api.problems import Problem
from controller.site import Site

router = APIRouter(prefix="/api/v1/feeds", tags=["feeds"])

_XML: dict[int | str, dict[str, Any]] = {200: {"content": {"application/xml": {"schema": {"type": "string"}}}}}


class LinkedData(JSONResponse):
    """JSON-LD."""

    media_type = "application/ld+json"


def _moment(site: Site) -> str:
    return datetime.now(ZoneInfo(site.timezone)).isoformat(timespec="milliseconds")


@router.get("/datex2/table.xml", response_class=Response, responses=_XML)
async def datex_table(site: SiteDep) -> Response:
    """Describe the lot and its zones: a DATEX II v3.7 ParkingTablePublication."""
    return Response(datex.table(site, _moment(site)), media_type="application/xml")


@router.get("/datex2/status.xml", response_class=Response, responses=_XML)
async def datex_status(live: LiveDep, site: SiteDep) -> Response:
    """Say how full the zones are: a DATEX II v3.7 ParkingStatusPublication."""
    return Response(datex.status(site, live.picture(), _moment(site)), media_type="application/xml")


@router.get("/parkapi.json")
async def park_api(live: LiveDep, site: SiteDep) -> dict[str, Any]:
    """Say how full the zones are: ParkAPI v1."""
    return parkapi.city(site, live.picture(), _moment(site))


@router.get(
    "/ngsi-ld.jsonld",
    response_class=LinkedData,
    response_model=None,
    responses={
        200: {"content": {"application/ld+json": {"schema": {"type": "array", "items": {"type": "object"}}}}},
        **problems.responses(HTTPStatus.NOT_FOUND),
    },
)
async def ngsi(live: LiveDep, site: SiteDep) -> LinkedData:
    """Give OffStreetParking and ParkingSpot entities (Smart Data Models), in simplified form."""
    if site.place is None:
        mend = "Add [place] with latitude and longitude to the site file, and restart the web process"
        raise Problem(HTTPStatus.NOT_FOUND, "the site file does not say where the lot is", mend=mend)
    return LinkedData(ngsi_ld.entities(site, site.place, live.picture()))
