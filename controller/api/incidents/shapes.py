"""What the API says of incidents, and what it takes."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from controller.api.incidents.book import MAX_NOTE, Finding, IncidentKind, IncidentStatus, Source
from controller.api.models import Why
from controller.api.models import _shape as shape
from controller.domain.report import FaultKind, Status

_AT = "2026-11-22T10:15:30+01:00"
_ZONE = {"name": "customers", "capacity": 40, "free": 12, "low": 11, "high": 13, "status": "OPEN", "reason": "counted"}
_MOMENT = {
    "live": True,
    "sign": {"name": "entrance", "text": "12", "lit": True},
    "zones": [_ZONE],
    "faults": [{"subject": "main.outer", "kind": "stuck"}],
}
_STEP = {"at": _AT, "who": "anna", "what": "assigned", "detail": "jan", "note": ""}
_INCIDENT = {
    "id": 17,
    "at": _AT,
    "kind": "said_free",
    "source": "driver",
    "zone": "customers",
    "sign": "entrance",
    "note": "",
    "status": "acknowledged",
    "assignee": "jan",
    "finding": None,
    "moment": _MOMENT,
}


class ZoneMoment(BaseModel):
    """A zone when an incident was told; numbers as in ``ZoneStatus``."""

    name: str
    capacity: int
    free: int | None
    low: int | None
    high: int | None
    status: Status
    reason: Why


class SignMoment(BaseModel):
    """The sign when an incident was told."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    text: str | None
    """What its panel showed; null when that is not known."""
    lit: bool


class FaultMoment(BaseModel):
    """What was at fault when an incident was told."""

    subject: str
    kind: FaultKind


class LotMoment(BaseModel):
    """The lot when an incident was told."""

    model_config = shape(_MOMENT)

    live: bool
    """Whether the counting process spoke; if not, nothing below was known."""
    sign: SignMoment | None
    zones: list[ZoneMoment]
    faults: list[FaultMoment]


class StepRecord(BaseModel):
    """Something that was done about an incident, and by whom."""

    model_config = shape(_STEP)

    at: datetime
    who: str
    what: str
    """``opened``, ``acknowledged``, ``assigned``, ``closed`` or ``reopened``."""
    detail: str
    """To whom it was assigned, or what came out."""
    note: str


class IncidentRecord(BaseModel):
    """Something that a driver or staff told."""

    model_config = shape(_INCIDENT)

    id: int
    at: datetime
    kind: IncidentKind
    source: Source
    zone: str | None
    sign: str | None
    note: str
    status: IncidentStatus
    assignee: str | None
    finding: Finding | None
    """What came out, once it is closed."""
    moment: LotMoment


class IncidentFile(IncidentRecord):
    """An incident with all that was done about it."""

    model_config = shape({**_INCIDENT, "steps": [_STEP]})

    steps: list[StepRecord]
    """Oldest first."""


class Incidents(BaseModel):
    """Incidents, newest first."""

    model_config = shape({"incidents": [_INCIDENT], "next": "/api/v1/incidents?limit=1&before=17"})

    incidents: list[IncidentRecord]
    next: str | None
    """Where the older ones are; null after the last page."""


def _asked(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", use_attribute_docstrings=True, json_schema_extra={"examples": [example]})


class Feedback(BaseModel):
    """What a driver reports."""

    model_config = _asked({"kind": "said_free", "sign": "entrance", "note": ""})

    kind: IncidentKind
    """Not ``damage``, which is staff's."""
    sign: str | None = Field(default=None, max_length=40)
    """At which sign; default: the only one there is."""
    note: str = Field(default="", max_length=MAX_NOTE)
    """Words with an @ or three digits in a row are not kept: no addresses, telephones or number plates."""


class Received(BaseModel):
    """It was written down."""

    model_config = shape({"received": True})

    received: bool


class NewIncident(BaseModel):
    """What staff log."""

    model_config = _asked({"kind": "damage", "zone": "customers", "note": "a trolley bay blocks two spaces"})

    kind: IncidentKind
    zone: str | None = Field(default=None, max_length=40)
    note: str = Field(default="", max_length=MAX_NOTE)


class Remark(BaseModel):
    """A word with it, if there is one."""

    model_config = _asked({"note": "on my way"})

    note: str = Field(default="", max_length=MAX_NOTE)


class Assignees(BaseModel):
    """Users who may deal with incidents: attendants and managers."""

    model_config = shape({"names": ["anna", "jan"]})

    names: list[str]


class ReportAddress(BaseModel):
    """Where drivers report what is wrong with a sign; ``report.svg`` and ``report.png`` beside it are its QR code."""

    model_config = shape(
        {"sign": "entrance", "address": "https://parking.example/report?sign=entrance", "local": False}
    )

    sign: str
    address: str
    local: bool
    """It works on the controller itself alone: give ``public_url`` in the site file."""


class Assignment(BaseModel):
    """Who shall deal with it."""

    model_config = _asked({"to": "jan", "note": ""})

    to: str | None = Field(max_length=40)
    """A user who may (attendant or manager); null: nobody in particular."""
    note: str = Field(default="", max_length=MAX_NOTE)


class Closing(BaseModel):
    """What came out."""

    model_config = _asked({"finding": "confirmed", "note": "two cars had no permit and left"})

    finding: Finding
    note: str = Field(default="", max_length=MAX_NOTE)
