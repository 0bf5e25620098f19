"""Who changed what and why, from the journal and from the web process's own files, as one trail: read only.

See ``controller.commands`` and ``private_file`` for how a change is written. Each trail is paged by its own numbers, so
that a clock that was set back hides nothing and repeats nothing; they are merged by time.
"""

import heapq
import logging
import re
import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from controller import journal
from controller.api import problems
from controller.api.access import ViewerDep
from controller.api.models import AuditRecord, AuditTrail
from controller.api.parts import JournalDep, SiteDep
from controller.api.private_file import PrivateFile
from controller.api.problems import Problem
from controller.api.status import unix_time
from controller.journal import JournalError

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1", tags=["read"])

FIELDS = (
    "occupied",
    "adjusted",
    "recount begun",
    "recounted",
    "recount given up",
    "undone",
    "closed",
    "out of service",
    "message taken off",
    "message",
    "tested",
    "logged",
    "status",
    "assigned",
    "sent again",
    "role",
    "revoked",
)
_CHANGE = re.compile(
    rf"(?P<subject>.+?): (?P<field>{'|'.join(FIELDS)})(?: \[(?P<details>[^]]*)\])?(?: = (?P<after>.*))?"
)
_FOR = re.compile(r"(?P<after>.*), for (?P<details>\d+ s)")


_NEWEST = 10**17


@router.get("/audit", responses=problems.responses(HTTPStatus.SERVICE_UNAVAILABLE))
def audit(  # not async: Starlette reads the files in a thread
    _who: ViewerDep,
    request: Request,
    site: SiteDep,
    path: JournalDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="From an answer's ``next``.")] = None,
    beside: Annotated[
        str | None, Query(pattern=r"^[0-9]{1,18}(\.[0-9]{1,18}){2}$", description="From an answer's ``next``, too.")
    ] = None,
) -> AuditTrail:
    """Tell who changed what, when and why, newest first: counts, bays and signs; incidents, alarms, webhooks, accounts.

    ``next`` is the address of the page with the older ones.
    """
    app = request.app.state
    files: tuple[PrivateFile, ...] = (app.incidents.book, app.desk.outbox, app.gate.accounts)
    ends = [before or _NEWEST, *map(int, (beside or f"{_NEWEST}.{_NEWEST}.{_NEWEST}").split("."))]
    try:
        trails = [_rows(path, limit + 1, ends[0])]
        trails += [file.audits(limit + 1, end) for file, end in zip(files, ends[1:], strict=True)]
    except (JournalError, sqlite3.Error) as error:
        mend = "Start the counting process once, and let the web process's group read its journal"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), mend=mend) from error
    merged = heapq.merge(*([(-r["wall"], n, r) for r in rows] for n, rows in enumerate(trails)), key=lambda r: r[:2])
    found = list(merged)
    ends = [rows[0]["id"] + 1 if rows else 1 for rows in trails]  # what comes after the first page is on none
    for _, number, row in found[:limit]:
        ends[number] = row["id"]
    following = f"/api/v1/audit?limit={limit}&before={ends[0]}&beside={'.'.join(map(str, ends[1:]))}"
    zone = ZoneInfo(site.timezone)
    changes = [record(row, zone) for _, _, row in found[:limit]]
    return AuditTrail(changes=changes, next=following if len(found) > limit else None)


def record(row: dict[str, Any], zone: ZoneInfo) -> AuditRecord:
    """Return a row of an audit trail, taken apart."""
    found = _CHANGE.fullmatch(row["what"])
    parts = found.groupdict() if found else dict.fromkeys(("subject", "field", "details", "after"))
    if parts["field"] == "message" and parts["after"] and (words := _FOR.fullmatch(parts["after"])):
        parts |= words.groupdict()
    said = {name: row[name] for name in ("who", "what", "reason", "before")}
    return AuditRecord(at=unix_time(row["wall"], zone), **said, **parts)


def _rows(path: Path, limit: int, before: int) -> list[dict[str, Any]]:
    with closing(journal.open_reader(path)) as db:
        try:
            return journal.audits(db, limit, before)
        except sqlite3.Error as error:
            raise JournalError(f"{path}: can't be read ({error})") from error
