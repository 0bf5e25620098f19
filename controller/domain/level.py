"""The level of a zone: how many vehicles usually are inside at this time of day and kind of day, and how that differs.

Dead reckoning drifts without end; most lots do not. A lot that is never empty nor full still comes back to much the
same number each night. For each half-hour the usual number and its variance from day to day are learned from what was
believed (with what was not sure added to the variance, so that a doubtful belief does not seem a steady lot), and
a belief that lies off is pulled back: the softer, the more the days of this lot differ. One day's half-hours deviate
together, so a whole day counts as one observation. Its distribution is Student's t, for there are days that are like
no other, and those must prove nothing.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from controller.domain.rhythm import CELL_S, CELLS, HALF_LIFE_S, KINDS_OF_DAY, cell_of

DAYS_ALIKE_S = 86_400.0
"""How long a deviation from the usual level lasts."""
FREEDOM = 4.0
"""Degrees of freedom of the deviations."""
FIRST_SPREAD = 0.12
"""Standard deviation of the level (share of the capacity) before anything is known ..."""
FIRST_DAYS = 4.0
"""... and how many days' worth of experience that stands for."""
LEAST_SPREAD = 0.01
LEAST_DAYS = 2.0
"""Nothing is said of a half-hour that was seen on fewer days."""

DAYS, SUM, SQUARES = range(3)
_EMPTY = np.zeros((3, KINDS_OF_DAY, CELLS)).tobytes()

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Level:
    """For each kind of day and half-hour: days, sum of the numbers inside, sum of squared deviations."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}

    learned: bytes = _EMPTY


def learned(level: Level, unix: float, lasted_s: float, inside: float, variance: float, trust: float) -> Level:
    """Fold a stretch of time in which so many were believed inside; ``trust`` (0-1): what that is worth."""
    table = _table(level) * math.exp2(-lasted_s / HALF_LIFE_S)
    cell = cell_of(unix)
    days = trust * lasted_s / CELL_S
    off = inside - _usual(table, *cell) if table[DAYS][cell] > 0 else 0.0
    table[(slice(None), *cell)] += (days, days * inside, days * (off**2 + variance))
    return Level(table.tobytes())


def weights(level: Level, unix: float, lasted_s: float, numbers: Array, capacity: int) -> Array | None:
    """Return the logarithm of how well each number fits this time, but for a constant; None: nothing is known."""
    table, cell = _table(level), cell_of(unix)
    days = float(table[DAYS][cell])
    if days < LEAST_DAYS:
        return None
    first = (FIRST_SPREAD * capacity) ** 2
    variance = (float(table[SQUARES][cell]) + FIRST_DAYS * first) / (days + FIRST_DAYS)
    variance = max(variance, (LEAST_SPREAD * capacity) ** 2 + 1.0) * (1 + 1 / days)
    off = (numbers - _usual(table, *cell)) ** 2 / variance
    return np.asarray(-(FREEDOM + 1) / 2 * np.log1p(off / FREEDOM) * (lasted_s / DAYS_ALIKE_S))


def _usual(table: Array, kind: int, half_hour: int) -> float:
    return float(table[SUM, kind, half_hour] / table[DAYS, kind, half_hour])


def _table(level: Level) -> Array:
    return np.frombuffer(level.learned).reshape(3, KINDS_OF_DAY, CELLS)
