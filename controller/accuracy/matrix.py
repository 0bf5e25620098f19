"""What is tried, and what is to be reached: the scenarios of the table, in its order, each with its targets.

Targets are means over the seeds of runs of 30 days (the two perfect lots: 14 days). Shares are in % of all time.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Reach:
    """What a scenario's row must not exceed; None: nothing is asked."""

    mae: float
    """Mean absolute error (spaces)."""
    false_free: float | None = None
    false_full: float | None = None
    large: float | None = None
    """False free, and false full, by 5 % of the capacity or more."""


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario of the table."""

    scenario: str
    reach: Reach
    days: float = 30.0
    covers: bool = True
    """Whether low-high must be neither too narrow nor too wide; where nothing errs, it has no width."""


COVERAGE = (0.85, 0.95)
"""The interval is to hold the truth for this share of the time; it is meant to be 0.90."""

ROWS = (
    Row("perfect-office80", Reach(0.02), days=14.0, covers=False),
    Row("perfect-shop80", Reach(0.02), days=14.0, covers=False),
    Row("shop20", Reach(0.75, 0.6, 3.0)),
    Row("office80-0.2", Reach(0.78)),
    Row("office80-1", Reach(0.85, 0.5, 1.3)),
    Row("office80-3", Reach(1.2)),
    Row("shop80-0.2", Reach(1.35)),
    Row("shop80-1", Reach(1.65, 0.5, 1.3)),
    Row("shop80-3", Reach(2.0)),
    Row("residents80", Reach(1.3, 1.8, 2.2)),
    Row("residents80-bays20", Reach(1.1)),
    Row("residents80-bays100", Reach(0.6)),
    Row("office80-barrier-3", Reach(0.85, 0.3, 1.5)),
    Row("station400", Reach(3.0, large=0.05)),
    Row("hospital400", Reach(4.5, large=0.05)),
    Row("shop80-irregular", Reach(2.0)),
    Row("residents80-irregular", Reach(1.7)),
    Row("office80-stuck", Reach(1.0)),
    Row("office80-dead", Reach(1.6)),
    Row("office80-loops", Reach(1.0)),
    Row("office80-restarts", Reach(0.95)),
    Row("office80-exits5", Reach(1.05)),
    Row("residents80-unknown", Reach(4.0)),
)

DRIFT = ("office80-1", "shop80-1", "residents80")
"""Run for longer: the 99th percentile of the error must not grow."""
DRIFT_DAYS = 90.0


@dataclass(frozen=True, slots=True)
class Case:
    """One run: a scenario (its name, or the path of a file) with a seed."""

    scenario: str
    seed: int
    days: float

    def __str__(self) -> str:
        return f"{self.scenario}, seed {self.seed}, {self.days:g} days"


def chosen(rows: tuple[Row, ...], globs: tuple[str, ...]) -> tuple[Row, ...]:
    """Return the rows whose scenario matches one of the patterns; all of them where there is no pattern."""
    return tuple(row for row in rows if not globs or any(fnmatchcase(row.scenario, glob) for glob in globs))


def cases(rows: tuple[Row, ...], seeds: int, days: float | None) -> tuple[Case, ...]:
    """Return every run of the table; ``days`` overrides what the rows say."""
    return tuple(Case(row.scenario, seed, days or row.days) for row in rows for seed in range(1, seeds + 1))


def drift_cases(rows: tuple[Row, ...], days: float) -> tuple[Case, ...]:
    """Return the long runs."""
    return tuple(Case(row.scenario, 1, days) for row in rows if row.scenario in DRIFT)
