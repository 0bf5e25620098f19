"""The drivers' form behind the QR code, the poster with that code, and the staff page of incidents: no script."""

import hmac
from http import HTTPStatus
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controller.api.access import SESSION, csrf_of, denied, refuse_other_sites
from controller.api.accounts import Role, Who
from controller.api.incidents.book import DRIVERS_KINDS, MAX_NOTE, Finding, Incident, IncidentKind, Step
from controller.api.incidents.desk import Desk, DeskDep, Do, IdPath, assignable, place_of
from controller.api.incidents.poster import BORDER, address_of, code_of
from controller.api.login import form_fields
from controller.api.pages import language, render, staff_page, visitor
from controller.api.parts import LiveDep, SiteDep
from controller.api.past.telling import Telling
from controller.api.problems import Problem
from controller.site import Site

router = APIRouter(include_in_schema=False)

PER_PAGE = 20
_DO: dict[str, Do] = {"acknowledge": "acknowledge", "assign": "assign", "close": "close", "reopen": "reopen"}


# Drivers


@router.get("/report")
async def form(request: Request, site: SiteDep, sign: str = "") -> HTMLResponse:
    """Ask a driver what is wrong."""
    return _form(request, site, sign)


@router.post("/report")
async def report(request: Request, site: SiteDep, live: LiveDep, desk: DeskDep, sign: str = "") -> HTMLResponse:
    """Take what a driver chose."""
    refuse_other_sites(request)
    fields = await form_fields(request)
    if (kind := fields.get("kind", "")) not in DRIVERS_KINDS:
        return _form(request, site, sign, told="report_choose", status=HTTPStatus.UNPROCESSABLE_ENTITY)
    named = sign if sign in {s.name for s in site.lot.signs} else None
    note = fields.get("note", "")[:MAX_NOTE]
    try:
        await run_in_threadpool(
            desk.report, IncidentKind(kind), named, note, place=place_of(request), now=live.picture()
        )
    except Problem as problem:
        page = _form(request, site, sign, told="report_many", status=HTTPStatus(problem.status_code))
        page.headers.update(problem.headers or {})
        return page
    return _form(request, site, sign, told="report_thanks")


def _form(
    request: Request, site: Site, sign: str, *, told: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HTMLResponse:
    page = render(
        request,
        "report.html",
        site=site,
        page="report",
        sign=sign if sign in {s.name for s in site.lot.signs} else "",
        kinds=[kind.value for kind in DRIVERS_KINDS],
        most=MAX_NOTE,
        told=told,
    )
    page.status_code = status.value
    return page


# Staff


@router.get("/staff/incidents")
def incidents(
    request: Request, site: SiteDep, desk: DeskDep, closed: str = "", before: str = "", trouble: str = ""
) -> Response:
    """Show what drivers and staff told, and what was done about it."""
    if visitor(request) is None:
        return staff_page(request, "incidents.html", site=site, page="incidents")
    last = int(before) if before.isdecimal() and len(before) < 18 else None  # noqa: PLR2004  digits of a number of SQLite's
    found = desk.book.last(PER_PAGE + 1, last, closed=bool(closed))
    shown: list[tuple[Incident, list[Step]]] = [desk.book.one(one.id) for one in found[:PER_PAGE]]
    asked, accepted = request.query_params.get("lang"), request.headers.get("accept-language", "")
    return staff_page(
        request,
        "incidents.html",
        site=site,
        page="incidents",
        shown=shown,
        closed=bool(closed),
        older=found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        names=assignable(request.app.state.gate),
        kinds=[kind.value for kind in IncidentKind],
        findings=[f.value for f in (Finding.UNCLEAR, Finding.CONFIRMED, Finding.REFUTED)],
        most=MAX_NOTE,
        trouble={"not_now": "incidents_not_now", "bad": "incidents_bad"}.get(trouble, ""),
        telling=Telling(language(asked, accepted), ZoneInfo(site.timezone)),
    )


@router.post("/staff/incidents")
async def log_incident(request: Request, site: SiteDep, desk: DeskDep, live: LiveDep) -> Response:
    """Log one."""
    who, fields = await _staff_form(request)
    zone, kind = fields.get("zone") or None, fields.get("kind", "")
    if kind not in set(IncidentKind) or (zone is not None and zone not in {z.name for z in site.lot.zones}):
        return _back(request, "bad")
    note = fields.get("note", "")[:MAX_NOTE]
    await run_in_threadpool(desk.log, IncidentKind(kind), zone, note, who=who, now=live.picture())
    return _back(request)


@router.post("/staff/incidents/{number}")
async def deal(number: IdPath, request: Request, desk: DeskDep) -> Response:
    """Do one step about one."""
    who, fields = await _staff_form(request)
    to, finding = fields.get("to") or None, fields.get("finding", Finding.UNCLEAR.value)
    do = _DO.get(fields.get("do", ""))
    if do is None or finding not in set(Finding) or (to and to not in assignable(request.app.state.gate)):
        return _back(request, "bad")
    try:
        await run_in_threadpool(_deal, desk, number, do, who, fields.get("note", ""), to, Finding(finding))
    except Problem as problem:
        if problem.status_code != HTTPStatus.CONFLICT:
            raise
        return _back(request, "not_now")
    return _back(request)


def _deal(desk: Desk, number: int, do: Do, who: Who, note: str, to: str | None, finding: Finding) -> None:
    desk.deal(number, do, who=who, note=note[:MAX_NOTE], to=to, finding=finding)


async def _staff_form(request: Request) -> tuple[Who, dict[str, str]]:
    """Return who sent a form of ours, and its fields; raises Problem for whoever may not."""
    refuse_other_sites(request)
    who, cookie = visitor(request), request.cookies.get(SESSION, "")
    if who is None:
        raise denied("this needs a login")
    fields = await form_fields(request)
    if not hmac.compare_digest(fields.get("csrf", "").encode(), csrf_of(cookie).encode()):
        raise Problem(HTTPStatus.FORBIDDEN, "the session's CSRF token is missing or wrong", mend="Reload the page")
    if not who.role.covers(Role.ATTENDANT):
        detail = f"{who.by} is a {who.role}, and this needs an attendant"
        raise Problem(HTTPStatus.FORBIDDEN, detail, mend="Ask somebody who may")
    return who, fields


def _back(request: Request, trouble: str = "") -> Response:
    lang = "en" if request.query_params.get("lang") == "en" else "pl"
    closed = "&closed=1" if request.query_params.get("closed") and not trouble else ""
    told = f"&trouble={trouble}" if trouble else ""
    return RedirectResponse(f"/staff/incidents?lang={lang}{closed}{told}", HTTPStatus.SEE_OTHER)


@router.get("/staff/incidents/poster")
def poster(request: Request, site: SiteDep, sign: str = "") -> Response:
    """Show what is to be printed and put on the sign post."""
    if visitor(request) is None:
        return staff_page(request, "poster.html", site=site, page="incidents")
    names = [s.name for s in site.lot.signs]
    name = sign if sign in names else names[0] if names else ""
    to = address_of(request, site, name)
    code = code_of(to.address).svg_inline(scale=8, border=BORDER, dark="#000", light="#fff", omitsize=True)
    return staff_page(
        request, "poster.html", site=site, page="incidents", names=names, name=name, address=to.address, code=code,
        local=to.local,
    )  # fmt: skip
