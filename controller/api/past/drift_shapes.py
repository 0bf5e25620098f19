"""What the API says of drift: see ``drift``."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from controller.api.models import _shape as shape
from controller.api.past.drift import Drift
from controller.api.status import unix_time

DRIFT_FOUND = {
    "since": "2026-11-22T10:00:00+01:00",
    "at": "2026-11-22T10:41:07+01:00",
    "passages": 412,
    "difference": -2,
}
DRIFT = {
    "lanes": ["main"],
    "since": "2026-11-22T10:00:00+01:00",
    "passages": 412,
    "net": -2,
    "per_thousand": -4.85,
    "error": None,
    "found": [DRIFT_FOUND],
}


class DriftFound(BaseModel):
    """What one count by people showed of the passages since the count before."""

    model_config = shape(DRIFT_FOUND)

    since: datetime
    at: datetime
    passages: int
    difference: int
    """Vehicles that passages made too many, or (below 0) too few; without what people added by hand."""


class ZoneDrift(BaseModel):
    """How passages drift from what people count: the lanes' net error, with what passed while nobody watched."""

    model_config = shape(DRIFT)

    lanes: list[str]
    """Whose passages these are: with one lane this is its own error."""
    since: datetime
    passages: int
    net: int
    """All differences together."""
    per_thousand: float
    """Net drift in a thousand passages (vehicles)."""
    error: float | None
    """Standard error of ``per_thousand``, by how much the counts differ; null for one count, which can't tell."""
    found: list[DriftFound]
    """Oldest first."""


def drift_told(drift: Drift | None, lanes: Iterable[str], zone: ZoneInfo) -> ZoneDrift | None:
    """Return what the API says of a drift."""
    if drift is None:
        return None
    return ZoneDrift(
        lanes=sorted(lanes),
        since=unix_time(drift.found[0].since, zone),
        passages=drift.passages,
        net=drift.net,
        per_thousand=round(drift.per_thousand, 2),
        error=None if drift.error is None else round(drift.error, 2),
        found=[
            DriftFound(
                since=unix_time(one.since, zone),
                at=unix_time(one.wall, zone),
                passages=one.passages,
                difference=one.difference,
            )
            for one in drift.found
        ],
    )
