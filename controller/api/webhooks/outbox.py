"""What waits to be posted, what was given up, and who tried what: ``webhooks.sqlite``, beside the accounts.

A message is written, with the note that it was told, before its first attempt; so a restart neither loses nor invents
one. At most one waits for each thing: a newer state of it replaces it, so that a receiver that was away for a week gets
the present and no history. A failing receiver is left alone for longer and longer, and so is each message; one that was
not taken in ``GIVE_UP_S`` is dead: kept, shown, counted, and sent again when somebody asks for it.

Any thread may use it. Times are Unix seconds; a clock that is set back lengthens no pause beyond the longest.
"""

import random
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from controller.api.private_file import PrivateFile, on_record
from controller.api.webhooks.news import Key
from controller.api.webhooks.post import LONGEST_WAIT_S, Outcome

FILE_NAME = "webhooks.sqlite"
PAUSES_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
"""After the first, second, ... failure; then always the last one. A fifth more or less, so that no herd forms."""
GIVE_UP_S = 3 * 86_400.0
LEAST_TRIES = 5
"""Before a message is given up, however old: the clock may have been set."""
KEPT_TAKEN, KEPT_DEAD = 50, 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, hook TEXT NOT NULL,
    type TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, made REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', ended REAL, error TEXT);
CREATE INDEX IF NOT EXISTS message_waits ON message (hook, state);
CREATE TABLE IF NOT EXISTS told (hook TEXT, type TEXT, subject TEXT, mark TEXT NOT NULL,
    PRIMARY KEY (hook, type, subject)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hook (name TEXT PRIMARY KEY, failures INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0, taken_at REAL, error TEXT, taken INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0, replaced INTEGER NOT NULL DEFAULT 0)
    WITHOUT ROWID;
"""
_EARLIER = (
    "CREATE TABLE IF NOT EXISTS trail (n INTEGER PRIMARY KEY, wall REAL, who TEXT, what TEXT)",
    "INSERT INTO audit (wall, who, what, reason, before) SELECT wall, who, what, '', '' FROM trail ORDER BY n",
    "DROP TABLE trail",
)
"""What version 0.1 had on record."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message whose turn it is."""

    n: int
    id: str
    body: bytes


class Totals(NamedTuple):
    """How one webhook fares: counts since its beginning, and what waits and is dead now."""

    waiting: int
    dead: int
    taken_total: int
    failed_total: int
    dead_total: int
    replaced_total: int
    failures: int
    """Failed attempts since the last one that was taken."""
    taken_at: float | None
    next_at: float | None
    """When the next attempt will be; None when nothing waits."""
    error: str | None


class Outbox(PrivateFile):
    """The file. One that is damaged is set aside; raises OSError when none can be made."""

    def __init__(self, directory: Path, hooks: Iterable[str] = ()) -> None:
        super().__init__(directory / FILE_NAME, _SCHEMA, earlier=_EARLIER)
        self._begin(sorted(hooks))

    def _begin(self, hooks: list[str]) -> None:
        """Forget the webhooks that the site file no longer has."""
        here = f"({', '.join('?' * len(hooks))})"
        with self.transaction() as db:
            for table, column in (("message", "hook"), ("told", "hook"), ("hook", "name")):
                db.execute(f"DELETE FROM {table} WHERE {column} NOT IN {here}", hooks)  # noqa: S608  marks alone
            db.executemany("INSERT OR IGNORE INTO hook (name) VALUES (?)", [(hook,) for hook in hooks])

    def told(self, hook: str) -> dict[Key, str]:
        """Return what was told last of each thing."""
        rows = self.read("SELECT type, subject, mark FROM told WHERE hook = ?", hook)
        return {(kind, subject): mark for kind, subject, mark in rows}

    def put(self, hook: str, news: Mapping[Key, tuple[str, str]], now: float) -> None:
        """Take news (mark and body of each), durably; what waits about the same things is replaced."""
        with self.transaction() as db:
            for (kind, subject), (mark, body) in news.items():
                about = (hook, kind, subject)
                replaced = db.execute(
                    "UPDATE message SET state = 'replaced', ended = ? WHERE hook = ? AND type = ? AND subject = ?"
                    " AND state = 'waiting'",
                    (now, *about),
                ).rowcount
                db.execute("UPDATE hook SET replaced = replaced + ? WHERE name = ?", (replaced, hook))
                db.execute(
                    "INSERT INTO message (id, hook, type, subject, body, made, due) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (f"msg_{secrets.token_urlsafe(18)}", *about, body, now, now),
                )
                db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", (*about, mark))
            self._tidy(db, hook)

    def next(self, hook: str, now: float) -> Waiting | None:
        """Return the message whose turn it is: the least tried one, then the oldest; None when there is none now."""
        latest = now + LONGEST_WAIT_S * 1.2  # beyond it, the clock was set back
        rows = self.read(
            "SELECT m.n, m.id, m.body FROM message m JOIN hook h ON h.name = m.hook WHERE m.hook = ? AND"
            " m.state = 'waiting' AND NOT m.due BETWEEN ? AND ? AND NOT h.due BETWEEN ? AND ?"
            " ORDER BY m.tries, m.n LIMIT 1",
            *(hook, now + 1e-6, latest, now + 1e-6, latest),
        )
        return next((Waiting(n, number, body.encode()) for n, number, body in rows), None)

    def note(self, hook: str, message: Waiting, outcome: Outcome, now: float) -> None:
        """Write down what became of an attempt."""
        with self.transaction() as db:
            if outcome.taken:
                db.execute(
                    "UPDATE message SET state = 'taken', ended = ?, tries = tries + 1, error = NULL WHERE n = ?",
                    (now, message.n),
                )
                db.execute(
                    "UPDATE hook SET failures = 0, due = 0, error = NULL, taken = taken + 1, taken_at = ?"
                    " WHERE name = ?",
                    (now, hook),
                )
            else:
                self._failed(db, hook, message, outcome, now)
            self._tidy(db, hook)

    def _failed(self, db: sqlite3.Connection, hook: str, message: Waiting, outcome: Outcome, now: float) -> None:
        found = db.execute("SELECT tries + 1, made FROM message WHERE n = ?", (message.n,)).fetchone()
        tries, made = found or (1, now)  # replaced and forgotten meanwhile
        failures = db.execute("SELECT failures + 1 FROM hook WHERE name = ?", (hook,)).fetchone()[0]
        dead = outcome.gone or (now - made > GIVE_UP_S and tries >= LEAST_TRIES)
        least = outcome.wait_s or 0.0
        db.execute(
            "UPDATE message SET tries = ?, error = ?, due = ? WHERE n = ?",
            (tries, outcome.said, now + max(pause_s(tries), least), message.n),
        )
        sql = "UPDATE message SET state = 'dead', ended = ? WHERE n = ? AND state = 'waiting'"
        died = db.execute(sql, (now, message.n)).rowcount if dead else 0
        db.execute(
            "UPDATE hook SET failures = ?, due = ?, error = ?, failed = failed + 1, dead = dead + ? WHERE name = ?",
            (failures, now + max(pause_s(failures), least), outcome.said, died, hook),
        )

    def again(self, hook: str, who: str, now: float) -> int:
        """Let the dead wait anew, but those of which something newer was told; return how many. Goes on record."""
        with self.transaction() as db:
            db.execute(
                "UPDATE message SET state = 'replaced' WHERE hook = ? AND state = 'dead' AND EXISTS (SELECT 1 FROM"
                " message o WHERE o.hook = message.hook AND o.type = message.type AND o.subject = message.subject"
                " AND o.n > message.n)",
                (hook,),
            )
            sql = "UPDATE message SET state = 'waiting', tries = 0, made = ?, due = ? WHERE hook = ? AND state = 'dead'"
            revived = db.execute(sql, (now, now, hook)).rowcount
            db.execute("UPDATE hook SET due = 0 WHERE name = ?", (hook,))
            on_record(db, now, who, f"webhook {hook}: sent again [{revived}]")
            return revived

    def record(self, who: str, what: str, now: float) -> None:
        """Write down who did what."""
        with self.transaction() as db:
            on_record(db, now, who, what)

    def trail(self, limit: int = 20) -> list[tuple[float, str, str]]:
        """Return who did what and when, newest first."""
        return [(row["wall"], row["who"], row["what"]) for row in self.audits(limit)]

    def totals(self, hook: str) -> Totals:
        """Say how a webhook fares."""
        rows = self.read(
            "SELECT (SELECT count(*) FROM message WHERE hook = h.name AND state = 'waiting'),"
            " (SELECT count(*) FROM message WHERE hook = h.name AND state = 'dead'),"
            " taken, failed, dead, replaced, failures, taken_at,"
            " (SELECT max(min(due), h.due) FROM message WHERE hook = h.name AND state = 'waiting'), error"
            " FROM hook h WHERE name = ?",
            hook,
        )
        return Totals(*rows[0])

    def messages(self, hook: str, state: str | None, limit: int, before: int | None) -> list[dict[str, Any]]:
        """Return messages, newest first, of rows before this ``n``."""
        names = ("n", "id", "type", "subject", "made", "tries", "state", "ended", "error")
        rows = self.read(
            f"SELECT {', '.join(names)} FROM message WHERE hook = ? AND n < ? AND coalesce(?, state) = state"  # noqa: S608  ours
            " ORDER BY n DESC LIMIT ?",
            *(hook, 2**63 - 1 if before is None else before, state, limit),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _tidy(self, db: sqlite3.Connection, hook: str) -> None:
        for states, kept in (("'taken', 'replaced'", KEPT_TAKEN), ("'dead'", KEPT_DEAD)):
            which = f"SELECT n FROM message WHERE hook = ? AND state IN ({states})"  # noqa: S608  ours
            db.execute(f"DELETE FROM message WHERE n IN ({which} ORDER BY n DESC LIMIT -1 OFFSET {kept})", (hook,))  # noqa: S608


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures."""
    longest = PAUSES_S[min(failures, len(PAUSES_S)) - 1]
    return longest * random.uniform(0.8, 1.2)  # noqa: S311  no secret
