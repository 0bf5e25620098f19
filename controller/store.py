"""What is to be written and is not yet: inputs, passages, and the acknowledgements that wait for them.

``commit`` writes it all in one transaction and returns what may be acknowledged now. When that fails (no space left, a
card that fails, a file system that went read-only, another program that holds the file) everything stays here, and is
tried again every ``RETRY_S``; ``trouble`` says why meanwhile. A journal that turns out to be damaged is set aside, and
a new one goes on with the state. Belongs to the thread that owns the state.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from controller import salvage
from controller.domain.chronicle import Kept
from controller.domain.report import Passage
from controller.domain.state import LotState
from controller.journal import DAMAGE, Clock, Journal, Record, code

log = logging.getLogger(__name__)

Answer = Callable[[], None]

ALIVE_S = 60.0
"""A sign of life is written at least this often."""
SNAPSHOT_INPUTS = 500
SNAPSHOT_S = 600.0
PRUNE_S = 3600.0
RETRY_S = 0.5
HELD = 100_000
"""More inputs than this are not held in memory while nothing can be written: then a snapshot will stand for them."""

_MEND = "look at the disk or card that it is on"
_MENDS = {
    sqlite3.SQLITE_FULL: "no room is left; free some",
    sqlite3.SQLITE_IOERR: "the disk or card fails; replace it soon",
    sqlite3.SQLITE_READONLY: "its file system is read-only, as a failing card makes it; replace the card",
    sqlite3.SQLITE_BUSY: "another program holds it; end that one",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be written, since a lot time."""

    why: str
    since: float


class Store:
    """Brings what happened into the journal, and keeps what could not be written."""

    trouble: Trouble | None
    unrecorded: int
    """Inputs that are in the count and in no journal."""

    def __init__(self, journal: Journal, *, keep_days: float, now: float) -> None:
        self.journal = journal
        self.trouble = None
        self.unrecorded = 0
        self._keep_s = keep_days * 86_400.0
        self._records: list[Record] = []
        self._passed: list[Passage] = []
        self._kept: list[Kept] = []
        self._answers: list[Answer] = []
        self._since_snapshot = 0
        self._let_go = False
        self._alive_at = self._snapshot_at = now
        self._pruned_at = now - PRUNE_S
        self._retry_at = now

    def take(self, record: Record) -> None:
        """Write this at the next commit."""
        self._records.append(record)
        if len(self._records) > HELD:
            self._forget_records()
            self._let_go = True

    def restored(self, inputs: int) -> None:
        """So many inputs came after the newest snapshot: who is killed again and again must not begin ever later."""
        self._since_snapshot = inputs

    def found(self, passed: tuple[Passage, ...]) -> None:
        """Write these passages at the next commit."""
        self._passed += passed

    def keep(self, kept: Sequence[Kept]) -> None:
        """Write this for the history, with the next commit that anything else calls for, or a minute later."""
        self._kept += kept

    def when_written(self, answer: Answer) -> None:
        """Call this when all that was taken so far is durable."""
        self._answers.append(answer)

    def commit(self, state: LotState, clock: Clock, epoch: float) -> list[Answer]:
        """Make durable what was taken, and return what acknowledges it; nothing while that is not possible."""
        if self.trouble is not None and clock.monotonic < self._retry_at:
            return []
        answers: list[Answer] = []
        try:
            self._write(state, clock, epoch)
            answers, self._answers = self._answers, []
            self._housekeep(state, clock)
        except sqlite3.Error as error:
            self._failed(error, state, clock)
        else:
            if self.trouble is not None:
                log.warning("the journal can be written again")
            self.trouble = None
        return answers

    def close(self, state: LotState, clock: Clock, epoch: float) -> list[Answer]:
        """Write the last of it, with a snapshot; what can't be written is said in the log."""
        self._retry_at, self._snapshot_at, self._since_snapshot = clock.monotonic, clock.monotonic - SNAPSHOT_S, 1
        self._alive_at = clock.monotonic - ALIVE_S
        answers = self.commit(state, clock, epoch)
        if self.trouble is not None:
            log.error("%d inputs were not written, nor acknowledged: %s", len(self._records), self.trouble.why)
        self.journal.close()
        return answers

    def _forget_records(self) -> None:
        """Leave it to a snapshot to stand for what was taken."""
        self.unrecorded += len(self._records)
        self._records.clear()
        self._kept.clear()

    def size(self) -> dict[str, Any]:
        """Say how much the journal holds; empty while it can't be read."""
        try:
            return self.journal.size()
        except (sqlite3.Error, OSError):
            return {}

    def _write(self, state: LotState, clock: Clock, epoch: float) -> None:
        now = clock.monotonic
        if self._let_go:
            self._forget_records()  # those that came since are in the state, too
            self.journal.snapshot(state)
            self._let_go = False
        elif not (self._records or self._passed or now - self._alive_at >= ALIVE_S or self.trouble is not None):
            return
        self.journal.append(self._records, clock, self._passed, epoch, self._kept)
        self._since_snapshot += len(self._records)
        self._records.clear()
        self._passed.clear()
        self._kept.clear()
        self._alive_at = now

    def _housekeep(self, state: LotState, clock: Clock) -> None:
        now = clock.monotonic
        aged = self._since_snapshot and now - self._snapshot_at >= SNAPSHOT_S
        if aged or self._since_snapshot >= SNAPSHOT_INPUTS:
            self.journal.snapshot(state)
            self._snapshot_at, self._since_snapshot = now, 0
        if now - self._pruned_at >= PRUNE_S:
            self.journal.forget_before(clock.t - self._keep_s)
            self._pruned_at = now

    def _failed(self, error: sqlite3.Error, state: LotState, clock: Clock) -> None:
        self._retry_at = clock.monotonic + RETRY_S
        if code(error) in DAMAGE:
            try:
                self.journal = salvage.renewed(self.journal, state, clock)
            except (sqlite3.Error, OSError) as failure:
                log.error("no new journal can be begun: %s", failure)  # noqa: TRY400  its words suffice
            else:
                self._forget_records()
        why = f"the journal can't be written ({error}): {_MENDS.get(code(error), _MEND)}"
        if self.trouble is None or self.trouble.why != why:
            log.error("%s; nothing is acknowledged until it can", why)
            self.trouble = Trouble(why, state.at if self.trouble is None else self.trouble.since)
