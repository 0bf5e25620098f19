"""Who changed what and why, from the journal: read only. See ``controller.commands`` for how a change is written."""

import logging
import re
import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from controller import journal
from controller.api import problems
from controller.api.access import ViewerDep
from controller.api.models import AuditRecord, AuditTrail
from controller.api.parts import JournalDep, SiteDep
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
)
_CHANGE = re.compile(
    rf"(?P<subject>.+?): (?P<field>{'|'.join(FIELDS)})(?: \[(?P<details>[^]]*)\])?(?: = (?P<after>.*))?"
)
_FOR = re.compile(r"(?P<after>.*), for (?P<details>\d+ s)")


@router.get("/audit", responses=problems.responses(HTTPStatus.SERVICE_UNAVAILABLE))
def audit(  # not async: Starlette reads the journal in a thread
    _who: ViewerDep,
    site: SiteDep,
    path: JournalDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="From an answer's ``next``.")] = None,
) -> AuditTrail:
    """Tell who changed what, when and why, newest first. ``next`` is the address of the page with the older ones."""
    try:
        rows = _rows(path, limit + 1, before)
    except JournalError as error:
        mend = "Start the counting process once, and let the web process's group read its journal"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), mend=mend) from error
    zone = ZoneInfo(site.timezone)
    following = f"/api/v1/audit?limit={limit}&before={rows[limit - 1]['id']}" if len(rows) > limit else None
    return AuditTrail(changes=[record(row, zone) for row in rows[:limit]], next=following)


def record(row: dict[str, Any], zone: ZoneInfo) -> AuditRecord:
    """Return a row of the journal's audit trail, taken apart."""
    found = _CHANGE.fullmatch(row["what"])
    parts = found.groupdict() if found else dict.fromkeys(("subject", "field", "details", "after"))
    if parts["field"] == "message" and parts["after"] and (words := _FOR.fullmatch(parts["after"])):
        parts |= words.groupdict()
    said = {name: row[name] for name in ("who", "what", "reason", "before")}
    return AuditRecord(at=unix_time(row["wall"], zone), **said, **parts)


def _rows(path: Path, limit: int, before: int | None) -> list[dict[str, Any]]:
    with closing(journal.open_reader(path)) as db:
        try:
            return journal.audits(db, limit, before)
        except sqlite3.Error as error:
            raise JournalError(f"{path}: can't be read ({error})") from error
