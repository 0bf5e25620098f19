"""What the API says of the past: shapes, units, meaning and an example of each."""

from datetime import date, datetime

from pydantic import BaseModel

from controller.api.models import LaneQualityStatus
from controller.api.models import _shape as shape
from controller.api.past.drift_shapes import DRIFT, ZoneDrift
from controller.api.past.span import Kind, Per
from controller.domain.report import Status

_AT, _LATER = "2026-11-22T10:00:00+01:00", "2026-11-22T10:41:07+01:00"

BUCKET = {
    "at": _AT,
    "entries": 41,
    "exits": 37,
    "turned_away": 3.4,
    "seconds": {"OPEN": 2480.0, "FULL": 1120.0},
    "full_share": 0.311,
    "occupied_max": 40,
    "occupied_mean": 36.2,
    "free_min": 0,
}
LEVEL = {
    "at": _LATER,
    "occupied": 28,
    "low": 11,
    "high": 13,
    "free": 12,
    "capacity": 40,
    "status": "OPEN",
    "reason": "counted",
}
BAY_USE = {
    "bay": "A1",
    "zone": "customers",
    "arrivals": 9,
    "stays": 8,
    "mean_s": 3120.5,
    "median_s": 2710.0,
    "longest_s": 9200.0,
    "taken_share": 0.73,
    "known_s": 86400.0,
}
CORRECTION = {
    "at": _LATER,
    "zone": "customers",
    "told": 27,
    "believed": 28,
    "counted": 30,
    "low": 26,
    "high": 30,
}
ACCURACY = {
    "zone": "customers",
    "corrections": 7,
    "compared": 6,
    "bias": 0.5,
    "mean_abs_error": 0.83,
    "worst": 2,
    "inside_interval": 6,
    "by_passages": 2.4,
    "passages": 2817,
    "drift": DRIFT,
    "reports": {"said_free": {"confirmed": 1, "refuted": 0, "unclear": 0, "open": 2}},
}


class Bucket(BaseModel):
    """An hour or a day of one zone."""

    model_config = shape(BUCKET)

    at: datetime
    """When it began."""
    entries: int
    exits: int
    turned_away: float
    """Vehicles that came to an outer loop while the zone was FULL and left again: a sum of chances, so no whole
    number."""
    seconds: dict[Status, float]
    """How long (s) the zone had each status; what is missing to the whole was not watched."""
    full_share: float | None
    """Share (0-1) of FULL in the time in which it was open or full and known to be."""
    occupied_max: int | None
    """Most vehicles inside; null when the number was never known."""
    occupied_mean: float | None
    """Vehicles inside, averaged over the time in which the number was known."""
    free_min: int | None


class Peak(BaseModel):
    """When most vehicles were inside."""

    model_config = shape({"at": _LATER, "occupied": 40})

    at: datetime
    occupied: int


class History(BaseModel):
    """One zone over a day, a week or a month of local time."""

    model_config = shape(
        {
            "zone": "customers",
            "span": "day",
            "first": "2026-11-22",
            "after": "2026-11-23",
            "per": "hour",
            "capacity": 40,
            "whole": BUCKET,
            "peak": {"at": _LATER, "occupied": 40},
            "buckets": [BUCKET],
        }
    )

    zone: str
    span: Kind
    first: date
    after: date
    """The first day that is not in it."""
    per: Per
    """What the buckets are."""
    capacity: int
    whole: Bucket
    """All buckets together."""
    peak: Peak | None
    buckets: list[Bucket]
    """Oldest first, without those that have not begun."""


class HistoryLevel(BaseModel):
    """How full a zone was: kept every five minutes, and whenever its status changes."""

    model_config = shape(LEVEL)

    at: datetime
    occupied: int | None
    low: int | None
    """With a chance of 90 % no fewer spaces were free than this ..."""
    high: int | None
    """... and no more than this."""
    free: int | None
    capacity: int
    status: Status
    reason: str


class HistoryLevels(BaseModel):
    """A zone's levels, oldest first."""

    model_config = shape(
        {
            "zone": "customers",
            "levels": [LEVEL],
            "next": "/api/v1/history/levels?zone=customers&span=day&on=2026-11-22&limit=1&after=1795340467.0",
        }
    )

    zone: str
    levels: list[HistoryLevel]
    next: str | None
    """Where the later ones are; null after the last page."""


class BayHistory(BaseModel):
    """How one bay was used."""

    model_config = shape(BAY_USE)

    bay: str
    zone: str
    arrivals: int
    """Times that it became taken: its turnover."""
    stays: int
    """Stays that ended in the span and were seen whole; the next three are of these (s)."""
    mean_s: float | None
    median_s: float | None
    longest_s: float | None
    taken_share: float | None
    """Share (0-1) of the known time in which it was taken."""
    known_s: float
    """For how long (s) its sensor told."""


class BayHistories(BaseModel):
    """How the bays were used over a day, a week or a month of local time."""

    model_config = shape({"span": "day", "first": "2026-11-22", "after": "2026-11-23", "bays": [BAY_USE]})

    span: Kind
    first: date
    after: date
    bays: list[BayHistory]


class CorrectionRecord(BaseModel):
    """Somebody counted. All numbers are vehicles inside."""

    model_config = shape(CORRECTION)

    at: datetime
    zone: str
    told: int
    """What was counted."""
    believed: int | None
    """What was shown before; null when no number was."""
    counted: int | None
    """What passages alone had made of it since the correction before."""
    low: int | None
    """With a chance of 90 % no fewer were inside, it was believed, than this ..."""
    high: int | None
    """... and no more than this."""


class Corrections(BaseModel):
    """The last corrections, newest first."""

    model_config = shape({"corrections": [CORRECTION], "next": "/api/v1/history/corrections?limit=1&before=17"})

    corrections: list[CorrectionRecord]
    next: str | None
    """Where the older ones are; null after the last page."""


class ReportCounts(BaseModel):
    """What became of reports of one kind."""

    model_config = shape({"confirmed": 1, "refuted": 0, "unclear": 0, "open": 2, "agreed": 1, "disagreed": 2})

    confirmed: int = 0
    refuted: int = 0
    unclear: int = 0
    open: int = 0
    """Nobody has closed these."""
    agreed: int = 0
    """When these came, the count believed what the driver saw: no space for ``said_free``, some for ``said_full``."""
    disagreed: int = 0
    """The count believed the contrary; what is in neither of the two came while no number was known."""


class ZoneAccuracy(BaseModel):
    """How far a zone's number was off when somebody counted. Errors are what was shown less what was counted."""

    model_config = shape(ACCURACY)

    zone: str
    corrections: int
    compared: int
    """Of these, how many times a number was shown before."""
    bias: float | None
    mean_abs_error: float | None
    worst: int | None
    inside_interval: int
    """How many times the truth was in the 90 % interval."""
    by_passages: float | None
    """Mean absolute error of passages alone."""
    passages: int
    drift: ZoneDrift | None
    """Null: nobody counted twice with passages between."""
    reports: dict[str, ReportCounts]
    """What drivers said of signs that show this zone, by kind: ``said_free`` (and nothing was), ``said_full``."""


class LaneAccuracy(BaseModel):
    """What a lane has shown of its loops so far."""

    model_config = shape({"lane": "main", "quality": None})

    lane: str
    quality: LaneQualityStatus | None
    """Null for a single loop, which nothing checks, and when not live."""


class AccuracyReport(BaseModel):
    """How right the numbers were, by corrections, recounts and feedback."""

    model_config = shape(
        {
            "span": "month",
            "first": "2026-11-01",
            "after": "2026-12-01",
            "zones": [ACCURACY],
            "lanes": [{"lane": "main", "quality": None}],
        }
    )

    span: Kind
    first: date
    after: date
    zones: list[ZoneAccuracy]
    lanes: list[LaneAccuracy]
