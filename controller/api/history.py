"""What was, from the journal's file: read only, a connection a question, so that the writer is never held up."""

import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

from controller import journal
from controller.api.models import PassageRecord
from controller.api.status import unix_time
from controller.journal import JournalError


def passages(
    path: Path, zone: ZoneInfo, limit: int, before: int | None = None
) -> tuple[list[PassageRecord], int | None]:
    """Return the last ``limit`` passages (older than the row ``before``), newest first, and where older ones begin.

    Raises JournalError when there is nothing to be read.
    """
    with closing(journal.open_reader(path)) as db:
        try:
            rows = journal.passages(db, limit + 1, before)
        except sqlite3.Error as error:
            raise JournalError(f"{path}: can't be read ({error})") from error
    found = [
        PassageRecord(
            lane=row["lane"],
            kind=row["kind"],
            at=unix_time(row["wall"], zone),
            began=unix_time(row["began"], zone),
            tailgating=row["tailgating"],
            wrong_way=row["wrong_way"],
            doubt=row["doubt"],
        )
        for row in rows[:limit]
    ]
    return found, rows[limit - 1]["id"] if len(rows) > limit else None
