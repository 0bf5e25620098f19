"""The staff page of the past, and its charts as images."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from controller.api.access import denied
from controller.api.incidents.desk import DeskDep
from controller.api.pages import language, staff_page, visitor
from controller.api.parts import LiveDep, SiteDep
from controller.api.past import charts
from controller.api.past.figures import Bucket, Past
from controller.api.past.reader import Reader
from controller.api.past.routes import ReaderDep, readable_journal
from controller.api.past.span import Kind, Span
from controller.api.past.telling import Telling
from controller.api.problems import Problem
from controller.journal import JournalError

router = APIRouter(include_in_schema=False)

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""A chart is an image with its style within it, and nothing else."""
SHOWN = 20
"""Corrections on the page; the rest is in the downloads."""

Name = Literal["occupancy", "flow", "usual", "turned", "full", "dwell"]


def _telling(request: Request, past: Reader) -> Telling:
    asked, accepted = request.query_params.get("lang"), request.headers.get("accept-language", "")
    return Telling(language(asked, accepted), ZoneInfo(past.site.timezone))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


@router.get("/staff/history")
def page(  # noqa: PLR0913, PLR0917  a query's parameters
    request: Request,
    site: SiteDep,
    past: ReaderDep,
    live: LiveDep,
    desk: DeskDep,
    zone: str = "",
    span: str = "",
    on: str = "",
) -> Response:
    """Show staff what was."""
    if visitor(request) is None:
        return staff_page(request, "history.html", site=site, page="history")
    telling = _telling(request, past)
    kind: Kind = "week" if span == "week" else "month" if span == "month" else "day"
    names = [z.name for z in site.lot.zones]
    name = zone if zone in names else names[0]
    chosen = past.span(kind, _day(on))
    more: dict[str, object] = {"trouble": False}
    try:
        found = past.past(name, chosen, "hour" if kind == "day" else "day")
        more |= {"past": found, "bay_use": past.bays(chosen), "accuracy": past.accuracy(chosen)}
        more["drift"] = past.drifts(chosen).get(name)
        more["corrections"] = past.corrections(chosen)[: -SHOWN - 1 : -1]
    except JournalError:
        more = {"trouble": True}
    return staff_page(
        request,
        "history.html",
        site=site,
        page="history",
        zone_name=name,
        span=chosen,
        now=past.now,
        telling=telling,
        reports=desk.book.reports(chosen.begin, chosen.end).get(name, {}),
        qualities={lane.name: lane.quality for lane in live.picture().lanes},
        **more,
    )


@router.get("/staff/history/{name}.svg")
def chart(
    name: Name,
    request: Request,
    past: ReaderDep,
    zone: Annotated[str, Query(max_length=40)],
    span: Kind = "day",
    on: str = "",
    wide: bool = False,  # noqa: FBT001, FBT002  a query's parameter
) -> Response:
    """Draw one chart."""
    if visitor(request) is None:
        raise denied("this needs a login")
    if zone not in {z.name for z in past.site.lot.zones}:
        raise Problem(HTTPStatus.NOT_FOUND, f"no zone is named {zone!r}", mend="See /api/v1/zones")
    chosen, telling, paper = past.span(span, _day(on)), _telling(request, past), charts.Paper.of(wide=wide)
    with readable_journal():
        drawn = _drawn(name, past, zone, chosen, telling, paper)
    return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": POLICY})


def _drawn(name: Name, past: Reader, zone: str, span: Span, telling: Telling, paper: charts.Paper) -> str:
    if name == "dwell":
        return charts.dwell(past.bays(span), telling, paper)
    hours = span.kind == "day" or name == "usual"
    found: Past = past.past(zone, span, "hour" if hours else "day")
    if name == "occupancy":
        return charts.occupancy(found, span, telling, paper)
    if name == "usual":
        return charts.usual(found, telling, paper)
    buckets: tuple[Bucket, ...] = found.buckets
    draw = {"flow": charts.flow, "turned": charts.turned, "full": charts.full}[name]
    return draw(buckets, charts.labels_of(buckets, telling), telling, paper)
