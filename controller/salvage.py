"""A journal that can't be read any more is set aside, never deleted, and a new one goes on from what can be saved.

What can be saved is the newest snapshot that the damaged file still gives, or the copy that lies beside it. It is from
some time ago, so the new journal begins by saying that the controller was off for long: what was learned of the lot and
its loops stays, and no number is shown before somebody counts or the bays tell.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from controller.domain.events import WentDown
from controller.domain.state import LotState
from controller.journal import LOST_PAST_S, Clock, DamagedError, Journal, Record, last_good

log = logging.getLogger(__name__)

_STATE = TypeAdapter(LotState)


def open_journal(path: Path) -> Journal:
    """Open a journal that a restart can read; begin a new one in the place of a damaged one.

    Raises JournalError for one of another version, OSError when nothing can be opened or written just now.
    """
    try:
        journal = _checked(path)
    except DamagedError as error:
        aside = set_aside(path)
        log.error(  # noqa: TRY400  where it was noticed does not matter to who reads this
            "%s. It was set aside as %s: most of its history can be saved by who knows SQLite", error, aside.name
        )
        journal = Journal(path)
    if journal.is_new() and (state := newest_state(path)) is not None:
        log.error("%s begins anew from an old snapshot: the count is uncertain. Count the vehicles and correct", path)
        journal.begin_from(state, [Record(WentDown(LOST_PAST_S, state.at), 0.0)], Clock(state.at, 0.0, 0.0, ""))
    return journal


def renewed(journal: Journal, state: LotState, clock: Clock) -> Journal:
    """Replace a journal that turned out to be damaged while its state is known: nothing of the count is lost."""
    journal.close()
    aside = set_aside(journal.path)
    log.error("%s: damaged. It was set aside as %s, and a new one goes on with the count", journal.path, aside.name)
    new = Journal(journal.path)
    new.begin_from(state, [], clock)
    return new


def set_aside(path: Path) -> Path:
    """Rename a journal and what belongs to it, so that nothing is overwritten; return its new path."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):  # the file itself last: until then it is found, and set aside, again
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def newest_state(path: Path) -> LotState | None:
    """Return the newest state that the journal set aside last, or else the copy beside the journal, still gives."""
    asides = sorted(path.parent.glob(f"{path.name}.damaged-*[0-9]"), key=lambda p: p.stat().st_mtime)
    for text in (*(_snapshots(asides[-1]) if asides else ()), *_copied(last_good(path))):
        try:
            return _STATE.validate_json(text)
        except ValidationError as error:
            log.warning("%s: a snapshot can't be read: %s", path.name, error)
    return None


def _checked(path: Path) -> Journal:
    journal = Journal(path)
    try:
        journal.check()
    except BaseException:
        journal.close()
        raise
    return journal


def _snapshots(path: Path) -> Iterator[str]:
    for how in ("mode=ro", "mode=ro&immutable=1"):  # with what the write-ahead log holds, and without
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as db:
                numbers = [n for (n,) in db.execute("SELECT input_id FROM snapshot ORDER BY input_id DESC")]
                for number in numbers:
                    yield from _snapshot(db, number)
        except sqlite3.Error as error:
            log.debug("%s (%s): %s", path.name, how, error)


def _snapshot(db: sqlite3.Connection, number: int) -> list[str]:
    try:
        return [str(text) for (text,) in db.execute("SELECT state FROM snapshot WHERE input_id = ?", (number,))]
    except sqlite3.Error as error:
        log.debug("snapshot %d: %s", number, error)
        return []


def _copied(path: Path) -> list[str]:
    try:
        return [path.read_text("utf-8")]
    except (OSError, UnicodeDecodeError):
        return []
