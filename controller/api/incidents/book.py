"""The book of incidents (SQLite), the web process's own: each with the lot's state then, and every step since.

A change, the step that tells who made it and its row of the audit trail are one transaction; a driver's report has no
such row, for he changes nothing. Of a driver nothing is kept but what he chose and an optional short note, from which
``plain_note`` takes what may tell who somebody is.
"""

import json
import re
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from controller.api.private_file import PrivateFile, on_record

FILE_NAME = "incidents.sqlite"
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
_EARLIER = """INSERT INTO audit (wall, who, what, reason, before) SELECT at, who, 'incident ' || incident || ': ' ||
    CASE what WHEN 'opened' THEN 'logged = new' WHEN 'assigned' THEN 'assigned = ' || detail
    WHEN 'closed' THEN 'status [' || detail || '] = closed' ELSE 'status = acknowledged' END, note,
    CASE what WHEN 'opened' THEN '' WHEN 'acknowledged' THEN 'new' WHEN 'reopened' THEN 'closed' ELSE 'unknown' END
    FROM step WHERE NOT (who = 'driver' AND what = 'opened') ORDER BY id"""
"""Steps that were done before there was an audit trail beside them."""

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


@dataclass(slots=True)
class Counts:
    """What became of drivers' reports of one kind, and what the count believed when they came."""

    confirmed: int = 0
    refuted: int = 0
    unclear: int = 0
    open: int = 0
    """Nobody has closed these."""
    agreed: int = 0
    """The count believed what the driver saw: no space free for ``said_free``, some for ``said_full``."""
    disagreed: int = 0
    """It believed the contrary. What is in neither came while no number was known."""

    @property
    def number(self) -> int:
        """How many there were."""
        return self.confirmed + self.refuted + self.unclear + self.open


class NoIncidentError(LookupError):
    """No incident has this number."""


class NotNowError(ValueError):
    """An incident can't be dealt with so in the state that it is in; says why."""


class Book(PrivateFile):
    """The file. One that is damaged is set aside; raises OSError when none can be opened."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / FILE_NAME, _SCHEMA, earlier=(_EARLIER,))

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
        with self.transaction() as db:
            number = db.execute(
                "INSERT INTO incident (at, kind, source, zone, sign, note, moment, status)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            ).lastrowid
            logged = f"logged [{kind}] = new" if source is Source.STAFF else None
            _step(db, number or 0, Step(at, who, "opened", "", ""), logged, reason=note)
            _forget(db)
            return _one(db, number or 0)

    def acknowledge(self, number: int, who: str, at: float, note: str = "") -> Incident:
        """Say that somebody has seen it. This and the next three raise NoIncidentError and NotNowError."""
        with self.transaction() as db:
            if (one := _one(db, number)).status is not IncidentStatus.NEW:
                raise NotNowError(f"incident {number} is {one.status} already")
            db.execute("UPDATE incident SET status = 'acknowledged' WHERE id = ?", (number,))
            _step(db, number, Step(at, who, "acknowledged", "", note), "status = acknowledged", one.status)
            return _one(db, number)

    def assign(self, number: int, to: str | None, who: str, at: float, note: str = "") -> Incident:
        """Give it to somebody (then somebody has seen it), or (None) to nobody."""
        with self.transaction() as db:
            if (one := _one(db, number)).status is IncidentStatus.CLOSED:
                raise NotNowError(f"incident {number} is closed; open it again first")
            status = one.status if to is None else IncidentStatus.ACKNOWLEDGED
            db.execute("UPDATE incident SET assignee = ?, status = ? WHERE id = ?", (to, status.value, number))
            _step(db, number, Step(at, who, "assigned", to or "", note), f"assigned = {to or ''}", one.assignee or "")
            return _one(db, number)

    def shut(self, number: int, finding: Finding, who: str, at: float, note: str = "") -> Incident:
        """Say that it is dealt with, and what came out."""
        with self.transaction() as db:
            if (one := _one(db, number)).status is IncidentStatus.CLOSED:
                raise NotNowError(f"incident {number} is closed already")
            db.execute("UPDATE incident SET status = 'closed', finding = ? WHERE id = ?", (finding.value, number))
            _step(db, number, Step(at, who, "closed", finding.value, note), f"status [{finding}] = closed", one.status)
            return _one(db, number)

    def reopen(self, number: int, who: str, at: float, note: str = "") -> Incident:
        """Take a closing back."""
        with self.transaction() as db:
            if _one(db, number).status is not IncidentStatus.CLOSED:
                raise NotNowError(f"incident {number} is not closed")
            db.execute("UPDATE incident SET status = 'acknowledged', finding = NULL WHERE id = ?", (number,))
            _step(db, number, Step(at, who, "reopened", "", note), "status = acknowledged", "closed")
            return _one(db, number)

    def one(self, number: int) -> tuple[Incident, list[Step]]:
        """Return an incident and what was done about it, oldest first; raises NoIncidentError."""
        rows = self.read(f"{_ROW} WHERE id = ?", number)
        if not rows:
            raise NoIncidentError(f"no incident has the number {number}")
        steps = self.read("SELECT at, who, what, detail, note FROM step WHERE incident = ? ORDER BY id", number)
        return _incident(rows[0]), [Step(*step) for step in steps]

    def last(self, limit: int, before: int | None = None, *, closed: bool | None = None) -> list[Incident]:
        """Return the last ones (numbered below ``before``), newest first; ``closed``: only those, or only others."""
        wanted = {None: ("new", "acknowledged", "closed"), True: ("closed",), False: ("new", "acknowledged")}[closed]
        sql = f"{_ROW} WHERE id < ? AND status IN ({', '.join('?' * len(wanted))}) ORDER BY id DESC LIMIT ?"
        rows = self.read(sql, 2**63 - 1 if before is None else before, *wanted, limit)
        return [_incident(row) for row in rows]

    def unseen(self) -> list[Incident]:
        """Return what drivers told and nobody has seen, newest first."""
        rows = self.read(f"{_ROW} WHERE status = 'new' AND source = 'driver' ORDER BY id DESC LIMIT 100")
        return [_incident(row) for row in rows]

    def reports(self, begin: float, end: float) -> dict[str, dict[str, Counts]]:
        """Return how often signs were said to be wrong between two times: zone -> kind -> counts."""
        rows = self.read(
            "SELECT zone, kind, coalesce(finding, 'open'), (SELECT json_extract(value, '$.free')"
            " FROM json_each(moment, '$.zones') WHERE json_extract(value, '$.name') = zone)"
            " FROM incident WHERE at >= ? AND at < ?"
            " AND source = 'driver' AND kind IN ('said_free', 'said_full') AND zone IS NOT NULL",
            *(begin, end),
        )
        found: dict[str, dict[str, Counts]] = defaultdict(lambda: defaultdict(Counts))
        for zone, kind, finding, free in rows:
            counts = found[zone][kind]
            setattr(counts, finding, getattr(counts, finding) + 1)
            if free is not None:
                agreed = (free > 0) is (kind == IncidentKind.SAID_FULL)
                counts.agreed, counts.disagreed = counts.agreed + agreed, counts.disagreed + (not agreed)
        return found


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


def _step(
    db: sqlite3.Connection, number: int, step: Step, change: str | None, before: str = "", reason: str | None = None
) -> None:
    """Write a step down, and put what it changed (see ``on_record``) on record; None: nothing that staff did."""
    db.execute(
        "INSERT INTO step (incident, at, who, what, detail, note) VALUES (?, ?, ?, ?, ?, ?)",
        (number, step.at, step.who, step.what, step.detail, step.note),
    )
    if change is not None:
        why = step.note if reason is None else reason
        on_record(db, step.at, step.who, f"incident {number}: {change}", reason=why, before=before)


def _forget(db: sqlite3.Connection) -> None:
    if db.execute("SELECT count(*) FROM incident").fetchone()[0] > KEPT:
        (oldest,) = db.execute(
            "SELECT id FROM incident ORDER BY source = 'staff', status <> 'closed', id LIMIT 1"
        ).fetchone()
        db.execute("DELETE FROM incident WHERE id = ?", (oldest,))
        db.execute("DELETE FROM step WHERE incident = ?", (oldest,))
