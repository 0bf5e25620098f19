"""What the journal's file has of the past (see ``domain.chronicle``): each question reads as few rows as it can.

Times are Unix seconds, as the journal's ``wall``. A connection is opened for a question and closed after it, so that
the writer is never held up.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller import journal
from controller.domain.chronicle import HOLDS_S
from controller.domain.report import Status
from controller.journal import JournalError

DECIDED_S = 3600.0
"""No passage is decided, and so written, later than this after its vehicle came."""
SLOT_S = 900
"""Passages are counted by the quarter of an hour: every time zone's hours and days begin with one."""


@dataclass(frozen=True, slots=True)
class Level:
    """How full a zone was, until the next level and for ``HOLDS_S`` at most."""

    wall: float
    occupied: int | None
    low: int | None
    high: int | None
    free: int | None
    capacity: int
    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """What somebody counted, and what was believed before."""

    id: int
    wall: float
    zone: str
    told: int
    believed: int | None
    counted: int | None
    low: int | None
    high: int | None


Counts = dict[tuple[int, str, str], int]
"""(the slot's begin, lane, kind) -> passages."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the journal for one question; raises JournalError when it can't be read."""
    with closing(journal.open_reader(path)) as db:
        try:
            yield db
        except sqlite3.Error as error:
            raise JournalError(f"{path}: can't be read ({error})") from error


_LEVEL = "SELECT wall, occupied, low, high, free, capacity, status, reason FROM level WHERE zone = ?"


def levels(db: sqlite3.Connection, zone: str, begin: float, end: float) -> list[Level]:
    """Return a zone's levels between two times, oldest first, and before them the one that still held at the first."""
    rows = db.execute(f"{_LEVEL} AND wall >= ? AND wall < ? ORDER BY wall", (zone, begin - HOLDS_S, end)).fetchall()
    found = [_level(row) for row in rows]
    early = sum(level.wall <= begin for level in found)
    return found[max(0, early - 1) :]


def levels_after(db: sqlite3.Connection, zone: str, after: float, end: float, limit: int) -> list[Level]:
    """Return so many of a zone's levels later than ``after``, oldest first."""
    rows = db.execute(f"{_LEVEL} AND wall > ? AND wall < ? ORDER BY wall LIMIT ?", (zone, after, end, limit))
    return [_level(row) for row in rows]


def _level(row: tuple[Any, ...]) -> Level:
    wall, occupied, low, high, free, capacity, status, reason = row
    return Level(wall, occupied, low, high, free, capacity, Status(status), reason)


def passages(db: sqlite3.Connection, begin: float, end: float) -> Counts:
    """Return how many passages of each kind each lane had, by slots."""
    rows = db.execute(
        "SELECT CAST(wall / ? AS INTEGER) * ? AS slot, lane, kind, count(*) FROM passage"
        " WHERE wall >= ? AND wall < ? AND kind IN ('entry', 'exit') GROUP BY slot, lane, kind",
        (SLOT_S, SLOT_S, begin, end),
    )
    return {(slot, lane, kind): number for slot, lane, kind, number in rows}


def turned(db: sqlite3.Connection, begin: float, end: float) -> list[tuple[float, str, float]]:
    """Return who may have turned away: when they came, at which lane, and with which chance."""
    rows = db.execute(  # decided, and so written, a while after they came
        "SELECT began, lane, turned FROM passage"
        " WHERE wall >= ? AND wall < ? AND began >= ? AND began < ? AND turned > 0",
        (begin, end + DECIDED_S, begin, end),
    )
    return rows.fetchall()


def bays(
    db: sqlite3.Connection, names: list[str], begin: float, end: float
) -> dict[str, list[tuple[float, bool | None]]]:
    """Return each bay's changes between two times, oldest first, and before them the last one before the first."""
    found: dict[str, list[tuple[float, bool | None]]] = defaultdict(list)
    for name in names:
        before = db.execute(
            "SELECT wall, occupied FROM bay_level WHERE bay = ? AND wall < ? ORDER BY wall DESC LIMIT 1", (name, begin)
        )
        during = db.execute(
            "SELECT wall, occupied FROM bay_level WHERE bay = ? AND wall >= ? AND wall < ? ORDER BY wall",
            (name, begin, end),
        )
        found[name] = [(at, None if taken is None else bool(taken)) for at, taken in (*before, *during)]
    return found


def corrections(db: sqlite3.Connection, begin: float, end: float) -> list[Corrected]:
    """Return the corrections between two times, oldest first."""
    rows = db.execute(
        "SELECT id, wall, zone, told, believed, counted, low, high FROM correction"
        " WHERE wall >= ? AND wall < ? ORDER BY id",
        (begin, end),
    )
    return [Corrected(*row) for row in rows]


def last_corrections(db: sqlite3.Connection, limit: int, before: int | None) -> list[Corrected]:
    """Return the last corrections (of rows before this ``id``), newest first."""
    rows = db.execute(
        "SELECT id, wall, zone, told, believed, counted, low, high FROM correction WHERE id < ?"
        " ORDER BY id DESC LIMIT ?",
        (2**63 - 1 if before is None else before, limit),
    )
    return [Corrected(*row) for row in rows]


def correction_before(db: sqlite3.Connection, zone: str, wall: float) -> list[Corrected]:
    """Return the last correction of a zone before a time, or nothing."""
    rows = db.execute(
        "SELECT id, wall, zone, told, believed, counted, low, high FROM correction WHERE zone = ? AND wall < ?"
        " ORDER BY id DESC LIMIT 1",
        (zone, wall),
    )
    return [Corrected(*row) for row in rows]


def number(db: sqlite3.Connection, lanes: set[str], begin: float, end: float) -> int:
    """Return how many passages these lanes had after a time, until another."""
    here = ", ".join("?" * len(lanes))
    sql = (
        f"SELECT count(*) FROM passage WHERE wall > ? AND wall <= ? AND kind IN ('entry', 'exit') AND lane IN ({here})"  # noqa: S608  marks alone
    )
    found: int = db.execute(sql, (begin, end, *lanes)).fetchone()[0]
    return found


def changes_of(db: sqlite3.Connection, zone: str, begin: float, end: float) -> list[tuple[float, str]]:
    """Return when people changed what of a zone, oldest first; the subject is cut off."""
    subject = f"{zone}: "
    rows = db.execute(
        "SELECT wall, substr(what, ?) FROM audit WHERE wall > ? AND wall <= ? AND substr(what, 1, ?) = ? ORDER BY id",
        (len(subject) + 1, begin, end, len(subject), subject),
    )
    return rows.fetchall()
