"""The past as tables: CSV for programs (English names, ISO times), a spreadsheet for people (in their language)."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import xlsxwriter

from controller.api.incidents.book import Counts, IncidentKind
from controller.api.models import LaneQualityStatus
from controller.api.past.figures import BayUse, Bucket
from controller.api.past.reader import Reader
from controller.api.past.span import Span
from controller.api.status import unix_time
from controller.api.words import Language, words
from controller.domain.report import Status

Table = Literal["hours", "days", "levels", "bays", "corrections", "reports", "lanes"]
TABLES: tuple[Table, ...] = ("hours", "days", "levels", "bays", "corrections", "reports", "lanes")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | float | datetime | None

_BUCKET = (
    "begin",
    "entries",
    "exits",
    "turned_away",
    "full_s",
    "full_share",
    "occupied_max",
    "occupied_mean",
    "free_min",
)
_REPORT = ("agreed", "disagreed", "confirmed", "refuted", "unclear", "open")
COLUMNS: dict[Table, tuple[str, ...]] = {
    "hours": (*_BUCKET, "watched_s"),
    "days": (*_BUCKET, "watched_s"),
    "levels": ("at", "occupied", "free", "free_low", "free_high", "capacity", "status", "reason"),
    "bays": ("bay", "zone", "arrivals", "stays", "mean_s", "median_s", "longest_s", "taken_share", "known_s"),
    "corrections": ("at", "zone", "told", "believed", "counted", "low", "high"),
    "reports": ("zone", "kind", *_REPORT),
    "lanes": ("lane", "missed_outer", "missed_inner", "drift"),
}
MOST_LEVELS = 100_000
"""A month of one zone has 9,000 or so."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is told beside the journal's past: drivers' reports of the span (zone -> kind), and lanes now."""

    reports: Mapping[str, Mapping[str, Counts]]
    qualities: Mapping[str, LaneQualityStatus | None]


def rows_of(past: Reader, table: Table, zone: str, span: Span, beside: Beside) -> Iterator[Sequence[Cell]]:
    """Yield the names of the columns and then the rows of one table; raises JournalError."""
    yield COLUMNS[table]
    match table:
        case "hours" | "days":
            for one in past.past(zone, span, "hour" if table == "hours" else "day").buckets:
                yield _bucket_row(one, span)
        case "levels":
            for level in past.levels(zone, span, None, MOST_LEVELS)[0]:
                at = unix_time(level.wall, span.zone)
                numbers = (level.occupied, level.free, level.low, level.high, level.capacity)
                yield (at, *numbers, level.status.value, level.reason)
        case "bays":
            yield from map(_bay_row, past.bays(span))
        case "corrections":
            for c in past.corrections(span):
                yield (unix_time(c.wall, span.zone), c.zone, c.told, c.believed, c.counted, c.low, c.high)
        case "reports" | "lanes":
            yield from _rows_beside(table, beside)


def _bucket_row(one: Bucket, span: Span) -> Sequence[Cell]:
    return (
        unix_time(one.begin, span.zone),
        one.entries,
        one.exits,
        round(one.turned_away, 2),
        round(one.full_s),
        None if one.full_share is None else round(one.full_share, 4),
        one.occupied_max,
        None if one.occupied_mean is None else round(one.occupied_mean, 2),
        one.free_min,
        round(sum(one.seconds.values())),
    )


def _bay_row(bay: BayUse) -> Sequence[Cell]:
    seconds = (bay.mean_s, bay.median_s, max(bay.stays, default=None))
    return (
        *(bay.bay, bay.zone, bay.arrivals, len(bay.stays)),
        *(None if s is None else round(s, 1) for s in seconds),
        None if bay.taken_share is None else round(bay.taken_share, 4),
        round(bay.known_s),
    )


def _rows_beside(table: Literal["reports", "lanes"], beside: Beside) -> Iterator[Sequence[Cell]]:
    if table == "reports":
        for zone, kinds in sorted(beside.reports.items()):
            for kind, counts in sorted(kinds.items()):
                yield (zone, kind, *(getattr(counts, name) for name in _REPORT))
    else:
        for lane, quality in beside.qualities.items():
            if quality is not None:
                yield (lane, quality.missed_outer, quality.missed_inner, quality.drift)


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows as CSV (RFC 4180); times as ISO 8601 with their offset."""
    file = io.StringIO()
    writer = csv.writer(file)
    for row in rows:
        writer.writerow([cell.isoformat(timespec="seconds") if isinstance(cell, datetime) else cell for cell in row])
    return file.getvalue()


def xlsx(past: Reader, zone: str, span: Span, language: Language, beside: Beside, tables: Sequence[Table]) -> bytes:
    """Return a spreadsheet with a sheet for each table; times are local, as spreadsheets know no other."""
    w = words(language)
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    when = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    share = book.add_format({"num_format": "0.0%"})
    for table in tables:
        sheet = book.add_worksheet(w["sheet"][table])
        names, *rows = rows_of(past, table, zone, span, beside)
        for column, name in enumerate(names):
            sheet.write_string(0, column, w["sheet_column"][str(name)], head)
        for line, row in enumerate(rows, 1):
            for column, (name, cell) in enumerate(zip(names, row, strict=True)):
                if isinstance(cell, datetime):
                    sheet.write_datetime(line, column, cell.replace(tzinfo=None), when)
                elif name == "status":
                    sheet.write_string(line, column, w["status"][Status(str(cell))])
                elif name == "kind":
                    sheet.write_string(line, column, w["incident"][IncidentKind(str(cell))])
                elif cell is not None:
                    is_share = str(name).endswith("_share") or str(name).startswith("missed_")
                    sheet.write(line, column, cell, share if is_share else None)
        sheet.set_column(0, 0, 17)
        sheet.set_column(1, len(names) - 1, 13)
        sheet.freeze_panes(1, 1)
    book.close()
    return file.getvalue()
