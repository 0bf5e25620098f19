"""The journal (SQLite): every raw input in order, snapshots of the folded state, passages, and who changed what.

An input is in the journal before its effect is spoken of: WAL with synchronous=FULL, one commit a batch. So is a
passage, and with it the time up to which lot time was lived through (``Clock``): many a passage is only decided by a
time-out after its last input. A restart is the newest snapshot, the inputs after it, and then the time up to that
clock. Times are lot time; ``wall`` beside them is for people. One process writes; others open it with ``open_reader``.

Beside it stands what the lot's history is made of (``domain.chronicle``): levels of zones and bays, and corrections.

A copy of a snapshot lies beside the file (``last_good``), for the day on which that can't be read (see ``salvage``).
"""

import contextlib
import json
import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from controller.domain.chronicle import BayLevel, Kept, Level, TakenBack, Told
from controller.domain.events import WentDown
from controller.domain.report import Passage
from controller.domain.state import LotState
from controller.recording import Entry, RecordingError, read_line, write_line

log = logging.getLogger(__name__)

SCHEMA_VERSION = 3
SNAPSHOTS_KEPT = 3
BUSY_S = 1.0
"""How long to wait for another program that has locked the file; below the time for which a state may be shown."""
LAST_GOOD_S = 3600.0
"""How old (lot time) the copy of a snapshot beside the file may become."""
LOST_PAST_S = 86_400.0
"""What a restart without the journal's beginning is told: off for a day, so that no count is trusted."""

PAGE = 1024
"""Bytes that a change of one row writes, for each table and index that it is in: small, to spare the card."""

_HISTORY = """
CREATE TABLE level (t REAL NOT NULL, zone TEXT NOT NULL, wall REAL NOT NULL, occupied INTEGER, low INTEGER,
    high INTEGER, free INTEGER, capacity INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (t, zone)) WITHOUT ROWID;
CREATE INDEX level_wall ON level (zone, wall);
CREATE TABLE bay_level (t REAL NOT NULL, bay TEXT NOT NULL, wall REAL NOT NULL, occupied INTEGER, PRIMARY KEY (t, bay))
    WITHOUT ROWID;
CREATE INDEX bay_level_wall ON bay_level (bay, wall);
CREATE TABLE correction (id INTEGER PRIMARY KEY, t REAL NOT NULL, wall REAL NOT NULL, zone TEXT NOT NULL,
    told INTEGER NOT NULL, believed INTEGER, counted INTEGER, low INTEGER, high INTEGER);
"""

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE input (id INTEGER PRIMARY KEY AUTOINCREMENT, t REAL NOT NULL, wall REAL NOT NULL, line TEXT NOT NULL,
    packet INTEGER);
CREATE TABLE snapshot (input_id INTEGER PRIMARY KEY, t REAL NOT NULL, state TEXT NOT NULL);
CREATE TABLE passage (id INTEGER PRIMARY KEY, t REAL NOT NULL, wall REAL NOT NULL, began REAL NOT NULL,
    lane TEXT NOT NULL, kind TEXT NOT NULL, tailgating INTEGER NOT NULL, wrong_way INTEGER NOT NULL, doubt TEXT,
    turned REAL NOT NULL DEFAULT 0);
CREATE INDEX passage_t ON passage (t);
CREATE INDEX passage_wall ON passage (wall);
CREATE TABLE audit (id INTEGER PRIMARY KEY, wall REAL NOT NULL, input_id INTEGER NOT NULL, who TEXT NOT NULL,
    what TEXT NOT NULL, reason TEXT NOT NULL, before TEXT NOT NULL);
"""

_MIGRATIONS = {
    1: "ALTER TABLE input ADD COLUMN packet INTEGER",
    2: "ALTER TABLE passage ADD COLUMN turned REAL NOT NULL DEFAULT 0;" + _HISTORY,
}
"""What makes of a file of this version one of the next."""

_STATE = TypeAdapter(LotState)


class JournalError(RuntimeError):
    """The journal can't be used; says which file, why, and what to do."""


class DamagedError(JournalError):
    """The file is damaged, or never was a journal: a new one has to be begun beside it."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Who did what, and why; written in the same commit as the input it belongs to."""

    who: str
    what: str
    reason: str
    before: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Where lot time stood when the journal was last written to, and on which boot."""

    t: float
    wall: float
    monotonic: float
    boot: str


@dataclass(frozen=True, slots=True)
class Record:
    """One input to be written, and who was behind it if a person was."""

    entry: Entry
    wall: float
    audit: Audit | None = None
    packet: int | None = None
    """The broker's number for the message, which it repeats when it did not hear our acknowledgement."""


class Journal:
    """The writer's side. Used by one thread; every method that writes is one durable transaction.

    Raises JournalError for a file that is no journal, OSError when it can't be opened or written just now.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._copied_at: float | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
        except sqlite3.Error as error:
            raise OSError(f"{path}: can't be opened ({error}). Check the folder, its owner and its rights") from error
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        try:
            self._make()
        except sqlite3.OperationalError as error:  # locked, read-only, no space left: may be better in a moment
            mend = "Check the room on the disk, the rights of this user, and that no other program holds the file"
            raise OSError(f"{self.path}: can't be written ({error}). {mend}") from error
        except sqlite3.DatabaseError as error:
            raise DamagedError(f"{self.path}: not usable as a journal ({error})") from error

    def _make(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        while tables and (step := _MIGRATIONS.get(version)) is not None:
            version += 1
            with _transaction(self._db):
                for statement in step.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {version}")
        if version != SCHEMA_VERSION and (version or tables):
            raise JournalError(
                f"{self.path}: no journal, or one of another version (schema {version}, not {SCHEMA_VERSION}). "
                "Install that version again, or move the file aside to start a new one"
            )
        if not tables:
            self._db.execute(f"PRAGMA page_size = {PAGE}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if not version:
            with _transaction(self._db):
                for statement in (_SCHEMA + _HISTORY).split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the file; the WAL is folded back into it."""
        self._db.close()

    def append(
        self,
        records: Sequence[Record],
        clock: Clock,
        passed: Sequence[Passage] = (),
        epoch: float = 0.0,
        kept: Sequence[Kept] = (),
    ) -> None:
        """Make durable, in one commit: inputs, passages (if not in it yet), history, and how far time was lived.

        ``epoch`` is the Unix time of lot time 0. Raises sqlite3.Error: nothing was written.
        """
        with _transaction(self._db):
            self._append(records)
            self._append_passages(passed, epoch)
            self._write_history(kept, epoch)
            self._mark(clock)

    def _write_history(self, kept: Sequence[Kept], epoch: float) -> None:
        for one in kept:
            match one:
                case Level():
                    row = (one.at, one.zone, one.at + epoch, one.occupied, one.low, one.high, one.free, one.capacity)
                    self._db.execute(
                        "INSERT OR REPLACE INTO level VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (*row, one.status.value, one.reason),
                    )
                case BayLevel():
                    self._db.execute(
                        "INSERT OR REPLACE INTO bay_level VALUES (?, ?, ?, ?)",
                        (one.at, one.bay, one.at + epoch, one.occupied),
                    )
                case TakenBack():
                    self._db.execute("DELETE FROM correction WHERE t = ? AND zone = ?", (one.at, one.zone))
                case Told():
                    self._db.execute(
                        "INSERT INTO correction (t, wall, zone, told, believed, counted, low, high)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (one.at, one.at + epoch, one.zone, one.told, one.believed, one.counted, one.low, one.high),
                    )

    def _append(self, records: Sequence[Record]) -> None:
        for record in records:
            row = (record.entry.at, record.wall, write_line(record.entry), record.packet)
            number = self._db.execute("INSERT INTO input (t, wall, line, packet) VALUES (?, ?, ?, ?)", row).lastrowid
            if (audit := record.audit) is not None:
                self._db.execute(
                    "INSERT INTO audit (wall, input_id, who, what, reason, before) VALUES (?, ?, ?, ?, ?, ?)",
                    (record.wall, number, audit.who, audit.what, audit.reason, audit.before),
                )

    def _append_passages(self, passed: Sequence[Passage], epoch: float) -> None:
        # Two may be through at one moment: one that hid behind another. The second may also be told later, and is
        # another kind then: who only touched a loop may be counted late, as of when it was there.
        alike: Counter[tuple[float, str, str, str | None]] = Counter()
        for p in passed:
            same = (p.at, p.lane, p.kind.value, p.doubt)
            alike[same] += 1
            self._db.execute(
                "INSERT INTO passage (t, wall, began, lane, kind, tailgating, wrong_way, doubt, turned)"
                " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE"
                " (SELECT count(*) FROM passage WHERE t = ? AND lane = ? AND kind = ? AND doubt IS ?) < ?",
                (
                    *(p.at, p.at + epoch, p.began + epoch, p.lane, p.kind.value),
                    *(p.tailgating, p.wrong_way, p.doubt, p.turned, *same, alike[same]),
                ),
            )

    def mark_alive(self, clock: Clock) -> None:
        """Note that the controller still lives, so that a restart knows for how long it did not."""
        with _transaction(self._db):
            self._mark(clock)

    def _mark(self, clock: Clock) -> None:
        value = json.dumps([clock.t, clock.wall, clock.monotonic, clock.boot])
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('clock', ?)", (value,))

    def last_clock(self) -> Clock | None:
        """Return where lot time stood when the controller was last known to live; None in a new journal."""
        for (value,) in self._read("SELECT value FROM meta WHERE key = 'clock'"):
            return Clock(*json.loads(value))
        return None

    def snapshot(self, state: LotState) -> None:
        """Keep the state as of the newest input."""
        text = _as_text(state)
        with _transaction(self._db):
            self._keep(state.at, text)
        if self._copied_at is None or not 0 <= state.at - self._copied_at < LAST_GOOD_S:
            _replace(last_good(self.path), text)
            self._copied_at = state.at

    def begin_from(self, state: LotState, records: Sequence[Record], clock: Clock) -> None:
        """Let a new journal go on from a state, with what is to be told first to whoever goes on, in one commit."""
        with _transaction(self._db):
            self._keep(state.at, _as_text(state))
            self._append(records)
            self._mark(clock)

    def _keep(self, at: float, text: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", (self._newest_input(), at, text))
        self._db.execute(
            "DELETE FROM snapshot WHERE input_id NOT IN (SELECT input_id FROM snapshot ORDER BY input_id DESC LIMIT ?)",
            (SNAPSHOTS_KEPT,),
        )

    def is_new(self) -> bool:
        """Whether nothing was ever written."""
        return self.last_clock() is None and not [*self._read("SELECT 1 FROM snapshot LIMIT 1")]

    def _newest_input(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(id), 0) FROM input").fetchone()[0])

    def restore(self) -> tuple[LotState | None, Iterator[Entry]]:
        """Return the newest snapshot that can be read, if any, and the inputs after it, in order.

        When no snapshot can be read and the first inputs were forgotten, the inputs begin with a ``WentDown``.
        """
        for number, text in self._read("SELECT input_id, state FROM snapshot ORDER BY input_id DESC"):
            try:
                return _STATE.validate_json(text), self._inputs_after(number)
            except ValidationError as error:
                log.warning("journal: snapshot %s is of another version, an older one is used: %s", number, error)
        return None, self._all_inputs()

    def check(self) -> None:
        """Read all that a restart needs; raises DamagedError when that is not possible."""
        self.last_clock()
        rows = [*self._read("SELECT input_id, length(state) FROM snapshot ORDER BY input_id")]
        for _ in self._read("SELECT t, line, packet FROM input WHERE id > ?", rows[-1][0] if rows else 0):
            pass

    def packets(self, limit: int) -> list[tuple[int, Entry]]:
        """Return the last messages that had a packet number, with it, oldest first."""
        sql = "SELECT packet, line FROM (SELECT * FROM input ORDER BY id DESC LIMIT ?) WHERE packet IS NOT NULL"
        return [(packet, read_line(line)) for packet, line in self._read(f"{sql} ORDER BY id", limit)]

    def _all_inputs(self) -> Iterator[Entry]:
        for row, t in self._read("SELECT id, t FROM input ORDER BY id LIMIT 1"):
            if row > 1:
                log.warning("journal: no snapshot can be read, and the first inputs are gone: the count is not known")
                yield WentDown(LOST_PAST_S, t)
        yield from self._inputs_after(0)

    def _inputs_after(self, number: int) -> Iterator[Entry]:
        for row, line in self._read("SELECT id, line FROM input WHERE id > ? ORDER BY id", number):
            try:
                yield read_line(line)
            except RecordingError as error:
                raise JournalError(
                    f"{self.path}: input {row} can't be read ({error}). Install the version that wrote it, or move the "
                    "file aside to start a new one"
                ) from error

    def _read(self, sql: str, *values: int) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(sql, values)
        except sqlite3.OperationalError:
            raise  # locked, or the disk fails: the file itself may be well
        except sqlite3.DatabaseError as error:
            raise DamagedError(f"{self.path}: damaged ({error})") from error

    def forget_before(self, t: float) -> None:
        """Delete inputs, passages and history older than this lot time, as far as no kept snapshot needs them.

        Not by the wall clock: one that is years off for an hour would take everything with it.
        """
        with _transaction(self._db):
            self._db.execute(
                "DELETE FROM input WHERE t < ? AND id <= (SELECT coalesce(min(input_id), 0) FROM snapshot)", (t,)
            )
            for table in ("passage", "level", "bay_level", "correction"):
                self._db.execute(f"DELETE FROM {table} WHERE t < ?", (t,))  # noqa: S608  one of four words

    def size(self) -> dict[str, Any]:
        """Say how much it holds."""
        oldest, newest = self._db.execute("SELECT min(id), max(id) FROM input").fetchone()
        count = 0 if newest is None else newest - oldest + 1
        return {"path": str(self.path), "inputs": count, "bytes": self.path.stat().st_size}


def _as_text(state: LotState) -> str:
    # JSON has no infinity; ``lot.adapted`` finds anew what is due.
    return _STATE.dump_json(replace(state, due=0.0, bays_due=0.0), round_trip=True).decode()


def last_good(path: Path) -> Path:
    """Return where the copy of a snapshot lies, for a journal's path."""
    return path.with_name(path.name + ".last-good")


DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""What says that the file itself is damaged, rather than the disk being full, failing, or in use."""


def code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code of an error; 0 for one that has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _replace(path: Path, text: str) -> None:
    """Replace a file as a whole. What goes wrong here is no harm: the journal itself is written."""
    draft = path.with_name(path.name + ".new")
    with contextlib.suppress(OSError):
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


class _transaction:  # noqa: N801  reads as a statement
    """BEGIN ... COMMIT, or ROLLBACK when anything failed."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:  # SQLite ends some failed ones by itself
                self._db.execute("ROLLBACK")


def export(path: Path, since: float | None = None) -> Iterator[str]:
    """Yield the recording's lines from a journal file, from the Unix time ``since`` on. Safe while it is written to."""
    with closing(open_reader(path)) as db:
        rows = db.execute("SELECT line FROM input WHERE wall >= ? ORDER BY id", (since or 0.0,))
        for (line,) in rows:
            yield line


def passages(db: sqlite3.Connection, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Return the last passages (of rows before this ``id``), newest first; ``wall`` and ``began`` in Unix seconds."""
    cursor = db.execute(
        "SELECT id, wall, began, lane, kind, tailgating, wrong_way, doubt FROM passage WHERE id < ?"
        " ORDER BY id DESC LIMIT ?",
        (2**63 - 1 if before is None else before, limit),
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def audits(db: sqlite3.Connection, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Return the last changes by people and systems (of rows before this ``id``), newest first; ``wall`` in Unix s."""
    cursor = db.execute(
        "SELECT id, wall, who, what, reason, before FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
        (2**63 - 1 if before is None else before, limit),
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a journal for reading only; raises JournalError when there is none."""
    try:
        return _open_reader(path, "mode=ro")
    except JournalError:
        # The writer has closed it and taken the WAL's files along, which a reader without rights cannot make anew:
        # then nothing is being written either.
        if path.with_name(path.name + "-wal").exists():
            raise
        return _open_reader(path, "mode=ro&immutable=1")


def _open_reader(path: Path, how: str) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
    except sqlite3.Error as error:
        raise JournalError(f"{path}: no journal to be read here ({error})") from error
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        db.close()
        raise JournalError(f"{path}: no journal to be read here ({error})") from error
    if version != SCHEMA_VERSION:
        db.close()
        raise JournalError(f"{path}: no journal, or of another version (schema {version}, not {SCHEMA_VERSION})")
    return db
