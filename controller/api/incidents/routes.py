"""/api/v1/incidents for staff, /api/v1/feedback for everybody: what drivers report lands next to what staff log."""

from http import HTTPStatus
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from controller.api import problems
from controller.api.access import AttendantDep, ViewerDep, refuse_other_sites
from controller.api.incidents.book import Incident, NoIncidentError
from controller.api.incidents.desk import Desk, DeskDep, IdPath, assignable, place_of
from controller.api.incidents.shapes import (
    Assignees,
    Assignment,
    Closing,
    Feedback,
    IncidentFile,
    IncidentRecord,
    Incidents,
    NewIncident,
    Received,
    Remark,
    StepRecord,
)
from controller.api.parts import LiveDep, SiteDep
from controller.api.problems import Problem
from controller.api.reading import known_sign, known_zone
from controller.api.status import unix_time
from controller.site import Site

router = APIRouter(prefix="/api/v1", tags=["incidents"])

_READ = problems.responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
_WRITE = {**_READ, **problems.responses(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)}


@router.post(
    "/feedback",
    responses=problems.responses(
        HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS
    ),
)
def feedback(body: Feedback, request: Request, live: LiveDep, site: SiteDep, desk: DeskDep) -> Received:
    """Take what a driver reports, without a credential: three in ten minutes from one address, sixty in all."""
    refuse_other_sites(request)
    if body.sign is not None:
        known_sign(site, body.sign)
    desk.report(body.kind, body.sign, body.note, place=place_of(request), now=live.picture())
    return Received(received=True)


@router.get("/incidents", responses=_READ)
def incidents(
    _who: ViewerDep,
    desk: DeskDep,
    site: SiteDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="From an answer's ``next``.")] = None,
    closed: Annotated[bool | None, Query(description="true: closed ones only; false: others only.")] = None,
) -> Incidents:
    """List incidents, newest first; ``next`` is the address of the older ones."""
    found = desk.book.last(limit + 1, before, closed=closed)
    following = None
    if len(found) > limit:
        following = f"/api/v1/incidents?limit={limit}&before={found[limit - 1].id}"
        following += "" if closed is None else f"&closed={str(closed).lower()}"
    return Incidents(incidents=[record(one, site) for one in found[:limit]], next=following)


@router.get("/incidents/assignees", responses=_READ)
def assignees(_who: ViewerDep, request: Request) -> Assignees:
    """List who may be given an incident."""
    return Assignees(names=assignable(request.app.state.gate))


@router.get("/incidents/{number}", responses={**_READ, **problems.responses(HTTPStatus.NOT_FOUND)})
def incident(_who: ViewerDep, number: IdPath, desk: DeskDep, site: SiteDep) -> IncidentFile:
    """Give one incident with all that was done about it."""
    return file_of(desk, number, site)


@router.post("/incidents", responses=_WRITE)
def log_incident(who: AttendantDep, body: NewIncident, desk: DeskDep, live: LiveDep, site: SiteDep) -> IncidentFile:
    """Log an incident, with the lot's state at this moment."""
    if body.zone is not None:
        known_zone(site, body.zone)
    one = desk.log(body.kind, body.zone, body.note, who=who, now=live.picture())
    return file_of(desk, one.id, site)


@router.post("/incidents/{number}/acknowledgement", responses=_WRITE)
def acknowledge(who: AttendantDep, number: IdPath, body: Remark, desk: DeskDep, site: SiteDep) -> IncidentFile:
    """Say that you have seen it."""
    desk.deal(number, "acknowledge", who=who, note=body.note)
    return file_of(desk, number, site)


@router.post("/incidents/{number}/assignment", responses=_WRITE)
def assign(
    who: AttendantDep, number: IdPath, body: Assignment, desk: DeskDep, site: SiteDep, request: Request
) -> IncidentFile:
    """Give it to somebody, or to nobody in particular."""
    if body.to is not None and body.to not in (names := assignable(request.app.state.gate)):
        detail = f"body.to: {body.to!r} is no user who may deal with incidents"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, mend=f"Users who may: {', '.join(names) or 'none'}")
    desk.deal(number, "assign", who=who, note=body.note, to=body.to)
    return file_of(desk, number, site)


@router.post("/incidents/{number}/closing", responses=_WRITE)
def close(who: AttendantDep, number: IdPath, body: Closing, desk: DeskDep, site: SiteDep) -> IncidentFile:
    """Close it: whether what was told was so."""
    desk.deal(number, "close", who=who, note=body.note, finding=body.finding)
    return file_of(desk, number, site)


@router.post("/incidents/{number}/reopening", responses=_WRITE)
def reopen(who: AttendantDep, number: IdPath, body: Remark, desk: DeskDep, site: SiteDep) -> IncidentFile:
    """Take a closing back."""
    desk.deal(number, "reopen", who=who, note=body.note)
    return file_of(desk, number, site)


def file_of(desk: Desk, number: int, site: Site) -> IncidentFile:
    """Return an incident with its steps; raises Problem (404)."""
    try:
        one, steps = desk.book.one(number)
    except NoIncidentError as error:
        raise Problem(HTTPStatus.NOT_FOUND, str(error), mend="See /api/v1/incidents") from error
    zone = ZoneInfo(site.timezone)
    told = [StepRecord(at=unix_time(s.at, zone), who=s.who, what=s.what, detail=s.detail, note=s.note) for s in steps]
    return IncidentFile(**record(one, site).model_dump(), steps=told)


def record(one: Incident, site: Site) -> IncidentRecord:
    """Return an incident as the API tells it."""
    fields = {name: getattr(one, name) for name in IncidentRecord.model_fields}
    return IncidentRecord.model_validate({**fields, "at": unix_time(one.at, ZoneInfo(site.timezone))})
