"""The book of incidents (SQLite), the web process's own: each with the lot's state then, and every step since.

A change and the step that tells who made it are one transaction. Of a driver nothing is kept but what he chose and an
optional short note, from which ``plain_note`` takes what may tell who somebody is.
"""

import json
import logging
import os
import re
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FILE_NAME = "incidents.sqlite"
SCHEMA_VERSION = 1
KEPT = 10_000
"""Incidents; above that the oldest one goes: a driver's before what staff wrote, a closed one before an open one."""
MAX_NOTE = 200

_SCHEMA = """
CREATE TABLE IF NOT EXISTS incident (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL,
    source TEXT NOT NULL, zone TEXT, sign TEXT, note TEXT NOT NULL, moment TEXT NOT NULL, status TEXT NOT NULL,
    assignee TEXT, finding TEXT);
CREATE INDEX IF NOT EXISTS incident_status ON incident (status, id);
CREATE INDEX IF NOT EXISTS incident_at ON incident (at);
CREATE TABLE IF NOT EXISTS step (id INTEGER PRIMARY KEY, incident INTEGER NOT NULL, at REAL NOT NULL, who TEXT NOT NULL,
    what TEXT NOT NULL, detail TEXT NOT NULL, note TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS step_incident ON step (incident);
"""

_TELLING = re.compile(
    r"\S*@\S*|\S*\d(?:[ .-]?\d){2,}\S*"
    r"|(?:\b[^\W\d_]{2,3}[ -])?\b(?=[^\W_]*\d)(?=[^\W_]*[^\W\d_])[^\W_]{4,8}\b"
)
"""Addresses, words with three digits or more in a row (telephones, number plates), and what mixes letters and digits as
plates do (WX 12AC, KR 4CN62), with the two or three letters before it."""


class IncidentKind(StrEnum):
    """What is the matter."""

    SAID_FREE = "said_free"
    """The sign said free, and nothing was."""
    SAID_FULL = "said_full"
    """The sign said full, and spaces were free."""
    BARRIER = "barrier"
    """The barrier is stuck."""
    DAMAGE = "damage"
    """Something is broken or blocked; staff alone log this one."""
    OTHER = "other"


DRIVERS_KINDS = (IncidentKind.SAID_FREE, IncidentKind.SAID_FULL, IncidentKind.BARRIER, IncidentKind.OTHER)


class IncidentStatus(StrEnum):
    """How far it was dealt with."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Finding(StrEnum):
    """What came out."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNCLEAR = "unclear"


class Source(StrEnum):
    """Who told."""

    DRIVER = "driver"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done about an incident: opened, acknowledged, assigned, closed, reopened."""

    at: float
    who: str
    what: str
    detail: str
    note: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One row; times in Unix seconds."""

    id: int
    at: float
    kind: IncidentKind
    source: Source
    zone: str | None
    sign: str | None
    note: str
    moment: dict[str, Any]
    """The lot's state when it was told: a ``LotMoment``."""
    status: IncidentStatus
    assignee: str | None
    finding: Finding | None


class NoIncidentError(LookupError):
    """No incident has this number."""


class NotNowError(ValueError):
    """An incident can't be dealt with so in the state that it is in; says why."""


class Book:
    """The file. Any thread may use it. One that is damaged is set aside; raises OSError when none can be opened."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        try:
            self._db = self._opened()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise OSError(f"{self.path}: can't be used ({error}). Check its owner, rights and the disk") from error
            aside = self.path.with_suffix(".damaged")
            log.error("%s is damaged (%s); it is now %s, and a new one begins", self.path, error, aside)  # noqa: TRY400
            self.path.replace(aside)
            self._db = self._opened()

    def _opened(self) -> sqlite3.Connection:
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        db = sqlite3.connect(self.path, isolation_level=None, timeout=5.0, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except sqlite3.Error:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def open(  # noqa: PLR0913  what an incident is made of
        self,
        kind: IncidentKind,
        source: Source,
        *,
        who: str,
        at: float,
        moment: dict[str, Any],
        zone: str | None = None,
        sign: str | None = None,
        note: str = "",
    ) -> Incident:
        """Write a new one."""
        row = (at, kind.value, source.value, zone, sign, note, json.dumps(moment), IncidentStatus.NEW.value)
        with self._transaction() as db:
            number = db.execute(
                "INSERT INTO incident (at, kind, source, zone, sign, note, moment, status)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            ).lastrowid
            _step(db, number or 0, Step(at, who, "opened", "", ""))
            _forget(db)
            return _one(db, number or 0)

    def acknowledge(self, number: int, who: str, at: float, note: str = "") -> Incident:
        """Say that somebody has seen it. This and the next three raise NoIncidentError and NotNowError."""
        with self._transaction() as db:
            if (one := _one(db, number)).status is not IncidentStatus.NEW:
                raise NotNowError(f"incident {number} is {one.status} already")
            db.execute("UPDATE incident SET status = 'acknowledged' WHERE id = ?", (number,))
            _step(db, number, Step(at, who, "acknowledged", "", note))
            return _one(db, number)

    def assign(self, number: int, to: str | None, who: str, at: float, note: str = "") -> Incident:
        """Give it to somebody (then somebody has seen it), or (None) to nobody."""
        with self._transaction() as db:
            if (one := _one(db, number)).status is IncidentStatus.CLOSED:
                raise NotNowError(f"incident {number} is closed; open it again first")
            status = one.status if to is None else IncidentStatus.ACKNOWLEDGED
            db.execute("UPDATE incident SET assignee = ?, status = ? WHERE id = ?", (to, status.value, number))
            _step(db, number, Step(at, who, "assigned", to or "", note))
            return _one(db, number)

    def shut(self, number: int, finding: Finding, who: str, at: float, note: str = "") -> Incident:
        """Say that it is dealt with, and what came out."""
        with self._transaction() as db:
            if _one(db, number).status is IncidentStatus.CLOSED:
                raise NotNowError(f"incident {number} is closed already")
            db.execute("UPDATE incident SET status = 'closed', finding = ? WHERE id = ?", (finding.value, number))
            _step(db, number, Step(at, who, "closed", finding.value, note))
            return _one(db, number)

    def reopen(self, number: int, who: str, at: float, note: str = "") -> Incident:
        """Take a closing back."""
        with self._transaction() as db:
            if _one(db, number).status is not IncidentStatus.CLOSED:
                raise NotNowError(f"incident {number} is not closed")
            db.execute("UPDATE incident SET status = 'acknowledged', finding = NULL WHERE id = ?", (number,))
            _step(db, number, Step(at, who, "reopened", "", note))
            return _one(db, number)

    def one(self, number: int) -> tuple[Incident, list[Step]]:
        """Return an incident and what was done about it, oldest first; raises NoIncidentError."""
        with self._lock:
            rows = self._db.execute(
                "SELECT at, who, what, detail, note FROM step WHERE incident = ? ORDER BY id", (number,)
            )
            return _one(self._db, number), [Step(*row) for row in rows]

    def last(self, limit: int, before: int | None = None, *, closed: bool | None = None) -> list[Incident]:
        """Return the last ones (numbered below ``before``), newest first; ``closed``: only those, or only others."""
        wanted = {None: ("new", "acknowledged", "closed"), True: ("closed",), False: ("new", "acknowledged")}[closed]
        sql = f"{_ROW} WHERE id < ? AND status IN ({', '.join('?' * len(wanted))}) ORDER BY id DESC LIMIT ?"
        with self._lock:
            rows = self._db.execute(sql, (2**63 - 1 if before is None else before, *wanted, limit))
            return [_incident(row) for row in rows]

    def unseen(self) -> list[Incident]:
        """Return what drivers told and nobody has seen, newest first."""
        with self._lock:
            rows = self._db.execute(f"{_ROW} WHERE status = 'new' AND source = 'driver' ORDER BY id DESC LIMIT 100")
            return [_incident(row) for row in rows]

    def reports(self, begin: float, end: float) -> dict[str, dict[str, dict[str, int]]]:
        """Return how often signs were said to be wrong between two times: zone -> kind -> finding or ``open``."""
        with self._lock:
            rows = self._db.execute(
                "SELECT zone, kind, coalesce(finding, 'open'), count(*) FROM incident WHERE at >= ? AND at < ?"
                " AND source = 'driver' AND kind IN ('said_free', 'said_full') AND zone IS NOT NULL GROUP BY 1, 2, 3",
                (begin, end),
            ).fetchall()
        found: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
        for zone, kind, finding, number in rows:
            found[zone][kind][finding] = number
        return found

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def plain_note(text: str) -> str:
    """Return a note in one line without what may tell who somebody is."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _TELLING.sub("…", line)[:MAX_NOTE]


_ROW = "SELECT id, at, kind, source, zone, sign, note, moment, status, assignee, finding FROM incident"


def _one(db: sqlite3.Connection, number: int) -> Incident:
    row = db.execute(f"{_ROW} WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise NoIncidentError(f"no incident has the number {number}")
    return _incident(row)


def _incident(row: tuple[Any, ...]) -> Incident:
    number, at, kind, source, zone, sign, note, moment, status, assignee, finding = row
    return Incident(
        id=number,
        at=at,
        kind=IncidentKind(kind),
        source=Source(source),
        zone=zone,
        sign=sign,
        note=note,
        moment=json.loads(moment),
        status=IncidentStatus(status),
        assignee=assignee,
        finding=None if finding is None else Finding(finding),
    )


def _step(db: sqlite3.Connection, number: int, step: Step) -> None:
    db.execute(
        "INSERT INTO step (incident, at, who, what, detail, note) VALUES (?, ?, ?, ?, ?, ?)",
        (number, step.at, step.who, step.what, step.detail, step.note),
    )


def _forget(db: sqlite3.Connection) -> None:
    if db.execute("SELECT count(*) FROM incident").fetchone()[0] > KEPT:
        (oldest,) = db.execute(
            "SELECT id FROM incident ORDER BY source = 'staff', status <> 'closed', id LIMIT 1"
        ).fetchone()
        db.execute("DELETE FROM incident WHERE id = ?", (oldest,))
        db.execute("DELETE FROM step WHERE incident = ?", (oldest,))
