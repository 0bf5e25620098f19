"""/api/v1/history: what was, for viewers; see ``shapes``. Spreadsheets are made by ``sheets``."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Response
from starlette.responses import StreamingResponse

from controller.api import problems
from controller.api.access import ViewerDep
from controller.api.incidents.desk import Desk, DeskDep
from controller.api.live import Live
from controller.api.parts import JournalDep, LiveDep, SiteDep
from controller.api.past import sheets
from controller.api.past.drift_shapes import drift_told
from controller.api.past.figures import BayUse
from controller.api.past.figures import Bucket as Figures
from controller.api.past.reader import Reader, lanes_of
from controller.api.past.rows import Corrected, Level
from controller.api.past.shapes import (
    AccuracyReport,
    BayHistories,
    BayHistory,
    Bucket,
    CorrectionRecord,
    Corrections,
    History,
    HistoryLevel,
    HistoryLevels,
    LaneAccuracy,
    Peak,
    ReportCounts,
    ZoneAccuracy,
)
from controller.api.past.span import EARLIEST, LATEST, Kind, Per, Span
from controller.api.problems import Problem
from controller.api.reading import known_zone
from controller.api.status import unix_time
from controller.journal import JournalError

router = APIRouter(
    prefix="/api/v1/history",
    tags=["history"],
    responses=problems.responses(
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)

SpanQuery = Annotated[Kind, Query(description="How long: a day, a week from Monday, or a calendar month.")]
OnQuery = Annotated[
    date | None, Query(ge=EARLIEST, le=LATEST, description="A local day that is in it; default: today.")
]
ZoneQuery = Annotated[str, Query(max_length=40, description="A zone's name.")]


def reader(journal: JournalDep, site: SiteDep, live: LiveDep) -> Reader:
    """Return what reads the past of this site, up to now: by the count's own clock, where time is simulated."""
    told = live.picture().at
    return Reader(journal, site, max(time.time(), told.timestamp() if told else 0.0))


ReaderDep = Annotated[Reader, Depends(reader)]


@contextmanager
def readable_journal() -> Iterator[None]:
    """Say it as a problem when the journal can't be read."""
    try:
        yield
    except JournalError as error:
        mend = "Start the counting process, which makes it, and let the web process read it"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"no history: {error}", mend=mend) from error


@router.get("", responses=problems.responses(HTTPStatus.NOT_FOUND))
def history(
    _who: ViewerDep,
    past: ReaderDep,
    zone: ZoneQuery,
    span: SpanQuery = "day",
    on: OnQuery = None,
    per: Annotated[Per | None, Query(description="Default: hour for a day or a week, day for a month.")] = None,
) -> History:
    """Tell how full a zone was, how many came and left, how long it was FULL, and how many turned away."""
    known_zone(past.site, zone)
    chosen = past.span(span, on)
    per = per or ("day" if span == "month" else "hour")
    with readable_journal():
        found = past.past(zone, chosen, per)
    peak = found.peak
    return History(
        zone=zone,
        span=span,
        first=chosen.first,
        after=chosen.after,
        per=per,
        capacity=found.capacity,
        whole=_bucket(found.whole, chosen),
        peak=None if peak is None else Peak(at=unix_time(peak.wall, chosen.zone), occupied=peak.occupied or 0),
        buckets=[_bucket(one, chosen) for one in found.buckets],
    )


@router.get("/levels", responses=problems.responses(HTTPStatus.NOT_FOUND))
def levels(
    _who: ViewerDep,
    past: ReaderDep,
    zone: ZoneQuery,
    span: SpanQuery = "day",
    on: OnQuery = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: Annotated[
        float | None, Query(ge=0, le=1e11, allow_inf_nan=False, description="From an answer's ``next``.")
    ] = None,
) -> HistoryLevels:
    """Tell how full a zone was, level by level, oldest first; ``next`` is the address of the later ones."""
    known_zone(past.site, zone)
    chosen = past.span(span, on)
    with readable_journal():
        found, later = past.levels(zone, chosen, after, limit)
    query = {"zone": zone, "span": span, "on": chosen.first.isoformat(), "limit": limit, "after": repr(later)}
    following = None if later is None else f"/api/v1/history/levels?{urlencode(query)}"
    return HistoryLevels(zone=zone, levels=[_level(one, chosen) for one in found], next=following)


@router.get("/bays")
def bays(_who: ViewerDep, past: ReaderDep, span: SpanQuery = "day", on: OnQuery = None) -> BayHistories:
    """Tell for each bay with a sensor how often it was taken, for how long, and for which share of the time."""
    chosen = past.span(span, on)
    with readable_journal():
        found = past.bays(chosen)
    return BayHistories(span=span, first=chosen.first, after=chosen.after, bays=[_bay(one) for one in found])


@router.get("/corrections")
def corrections(
    _who: ViewerDep,
    past: ReaderDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="From an answer's ``next``.")] = None,
) -> Corrections:
    """Tell what people counted beside what was believed, newest first; ``next`` is the address of the older ones."""
    with readable_journal():
        found, older = past.last_corrections(limit, before)
    following = None if older is None else f"/api/v1/history/corrections?limit={limit}&before={older}"
    return Corrections(corrections=[_correction(one, past) for one in found], next=following)


@router.get("/accuracy")
def accuracy(
    _who: ViewerDep, past: ReaderDep, live: LiveDep, desk: DeskDep, span: SpanQuery = "month", on: OnQuery = None
) -> AccuracyReport:
    """Tell how right the numbers were, by corrections, recounts and drivers' feedback; and what lanes have shown."""
    chosen = past.span(span, on)
    with readable_journal():
        found, drifts = past.accuracy(chosen), past.drifts(chosen)
    heard = desk.book.reports(chosen.begin, chosen.end)
    return AccuracyReport(
        span=span,
        first=chosen.first,
        after=chosen.after,
        zones=[
            ZoneAccuracy(
                zone=one.zone,
                corrections=one.corrections,
                compared=one.compared,
                bias=_rounded(one.bias, 2),
                mean_abs_error=_rounded(one.mean_abs_error, 2),
                worst=one.worst,
                inside_interval=one.inside_interval,
                by_passages=_rounded(one.by_passages, 2),
                passages=one.passages,
                drift=drift_told(drifts.get(one.zone), lanes_of(past.site, one.zone), ZoneInfo(past.site.timezone)),
                reports={
                    kind: ReportCounts(**dataclasses.asdict(counts)) for kind, counts in heard.get(one.zone, {}).items()
                },
            )
            for one in found
        ],
        lanes=[LaneAccuracy(lane=lane.name, quality=lane.quality) for lane in live.picture().lanes],
    )


@router.get(
    "/table.csv",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "RFC 4180, UTF-8."},
        **problems.responses(HTTPStatus.NOT_FOUND),
    },
)
def table_csv(
    _who: ViewerDep,
    past: ReaderDep,
    live: LiveDep,
    desk: DeskDep,
    zone: ZoneQuery,
    span: SpanQuery = "day",
    on: OnQuery = None,
    table: Annotated[
        sheets.Table, Query(description="hours, days and levels are of the zone; the others of all.")
    ] = "hours",
) -> Response:
    """Give one table of the past as CSV."""
    known_zone(past.site, zone)
    chosen = past.span(span, on)
    with readable_journal():
        text = sheets.csv_text(sheets.rows_of(past, table, zone, chosen, _beside(live, desk, chosen)))
    return Response(text, media_type="text/csv; charset=utf-8", headers=_as_file(f"{table}-{zone}", chosen, "csv"))


@router.get(
    "/book.xlsx",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {sheets.XLSX: {"schema": {"type": "string", "format": "binary"}}},
            "description": "A sheet a table.",
        },
        **problems.responses(HTTPStatus.NOT_FOUND),
    },
)
def book_xlsx(  # noqa: PLR0913, PLR0917  a query's parameters
    _who: ViewerDep,
    past: ReaderDep,
    live: LiveDep,
    desk: DeskDep,
    zone: ZoneQuery,
    span: SpanQuery = "day",
    on: OnQuery = None,
    lang: Annotated[Literal["pl", "en"], Query(description="Of the headings.")] = "pl",
    table: Annotated[sheets.Table | None, Query(description="This one alone.")] = None,
) -> Response:
    """Give all tables of the past, or one of them, as a spreadsheet."""
    known_zone(past.site, zone)
    chosen = past.span(span, on)
    with readable_journal():
        content = sheets.xlsx(
            past, zone, chosen, lang, _beside(live, desk, chosen), (table,) if table else sheets.TABLES
        )
    name = f"{table}-{zone}" if table else zone
    return Response(content, media_type=sheets.XLSX, headers=_as_file(name, chosen, "xlsx"))


def _beside(live: Live, desk: Desk, span: Span) -> sheets.Beside:
    qualities = {lane.name: lane.quality for lane in live.picture().lanes}
    return sheets.Beside(desk.book.reports(span.begin, span.end), qualities)


def _as_file(name: str, span: Span, suffix: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}-{span.kind}-{span.first.isoformat()}.{suffix}"'}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _bucket(one: Figures, span: Span) -> Bucket:
    return Bucket(
        at=unix_time(one.begin, span.zone),
        entries=one.entries,
        exits=one.exits,
        turned_away=round(one.turned_away, 2),
        seconds={status: round(seconds, 1) for status, seconds in one.seconds.items()},
        full_share=_rounded(one.full_share, 4),
        occupied_max=one.occupied_max,
        occupied_mean=_rounded(one.occupied_mean, 2),
        free_min=one.free_min,
    )


def _level(one: Level, span: Span) -> HistoryLevel:
    return HistoryLevel(
        at=unix_time(one.wall, span.zone),
        occupied=one.occupied,
        low=one.low,
        high=one.high,
        free=one.free,
        capacity=one.capacity,
        status=one.status,
        reason=one.reason,
    )


def _bay(one: BayUse) -> BayHistory:
    return BayHistory(
        bay=one.bay,
        zone=one.zone,
        arrivals=one.arrivals,
        stays=len(one.stays),
        mean_s=_rounded(one.mean_s, 1),
        median_s=_rounded(one.median_s, 1),
        longest_s=_rounded(max(one.stays, default=None), 1),
        taken_share=_rounded(one.taken_share, 4),
        known_s=round(one.known_s, 1),
    )


def _correction(one: Corrected, past: Reader) -> CorrectionRecord:
    return CorrectionRecord(
        at=unix_time(one.wall, past.span("day", None).zone),
        zone=one.zone,
        told=one.told,
        believed=one.believed,
        counted=one.counted,
        low=one.low,
        high=one.high,
    )
