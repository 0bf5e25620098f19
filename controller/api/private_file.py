"""A SQLite file of the web process's own: opened, written in whole transactions, and with an audit trail in it.

Whatever people change in such a file is put on record by ``on_record`` in the transaction of the change, so that there
is neither without the other. ``api.audit`` tells these trails and the journal's as one. Any thread may use a file.
Times are Unix seconds.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
KEPT = 10_000
"""Rows of an audit trail; above that the oldest goes."""

_AUDIT = """CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, wall REAL NOT NULL, who TEXT NOT NULL,
    what TEXT NOT NULL, reason TEXT NOT NULL, before TEXT NOT NULL)"""


class PrivateFile:
    """The file, for its owner alone.

    ``schema`` makes what is not there yet; ``earlier`` is done once, when the audit trail is made, for what an earlier
    version has on record. A damaged file is set aside and begun anew, or (``keep``: nothing could replace it) refused.
    Raises OSError when it can't be used.
    """

    def __init__(self, path: Path, schema: str, *, earlier: Sequence[str] = (), keep: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = _opened(path, schema, earlier)
        except sqlite3.DatabaseError as error:
            if keep or isinstance(error, sqlite3.OperationalError):
                raise OSError(f"{path}: can't be used ({error}). Check its owner, its rights and the disk") from error
            aside = path.with_suffix(".damaged")
            log.error("%s is damaged (%s); it is now %s, and a new one begins", path, error, aside)  # noqa: TRY400
            path.replace(aside)
            self._db = _opened(path, schema, earlier)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the file to one thread, for all or nothing."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what a question finds."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def audits(self, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """Return the last rows of the audit trail (of those before this ``id``), as ``journal.audits`` does."""
        names = ("id", "wall", "who", "what", "reason", "before")
        rows = self.read(
            f"SELECT {', '.join(names)} FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",  # noqa: S608  ours
            *(2**63 - 1 if before is None else before, limit),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]


def on_record(db: sqlite3.Connection, wall: float, who: str, what: str, *, reason: str = "", before: str = "") -> None:
    """Put a change on record, within its transaction; ``what`` is ``subject: field [details] = after``."""
    row = (wall, who, what, reason, before)
    number = db.execute("INSERT INTO audit (wall, who, what, reason, before) VALUES (?, ?, ?, ?, ?)", row).lastrowid
    db.execute("DELETE FROM audit WHERE id <= ?", ((number or 0) - KEPT,))


def _opened(path: Path, schema: str, earlier: Sequence[str]) -> sqlite3.Connection:
    _begin(path)
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.executescript(schema)
        db.execute("BEGIN IMMEDIATE")
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchone():
            for statement in (_AUDIT, *earlier):
                db.execute(statement)
        db.execute("COMMIT")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _begin(path: Path) -> None:
    """Make the file for its owner only; one that root makes belongs to whom the folder belongs."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            owner = path.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)  # SQLite does as much for the files beside it
