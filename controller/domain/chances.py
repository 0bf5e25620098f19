"""Arithmetic with chances: arrays of float64, one for each number inside, from 0 to somewhat beyond the capacity."""

import math

import numpy as np
from numpy.typing import NDArray

SLIP = 1e-7
"""Chance that a stretch of time brought or took one vehicle in a way that nothing here knows of ..."""
TRACE = 1e-20
"""... and that everything was wrong: no number is ever impossible, but those nearby are likelier by far."""
NEGLIGIBLE = 1e-22
"""Chances below this are zero: denormal floats are slow."""
LIKELY = 1e-6
"""Numbers below this chance, against the likeliest, do not set how fine the steps must be."""
STEP = 0.4
"""Most vehicles that may move in one step of time without sight."""
MOST_STEPS = 4000
"""Beyond so many steps without sight nothing is known any more."""

Array = NDArray[np.float64]

_SLIPS = SLIP * np.array([0.05**3, 0.05**2, 0.05, 1.0, 0.0, 1.0, 0.05, 0.05**2, 0.05**3])
_NUMBERS: dict[int, Array] = {}


def size(capacity: int) -> int:
    """How many numbers are considered: 0 to somewhat beyond the capacity."""
    return capacity + max(5, capacity // 10) + 1


def all_numbers(capacity: int) -> Array:
    """Return the numbers inside that are considered, smallest first."""
    found = _NUMBERS.get(capacity)
    if found is None:
        found = _NUMBERS[capacity] = np.arange(float(size(capacity)))
    return found


def first(capacity: int, occupied: int | None) -> Array:
    """Return the chances of a known number inside, or (None) of every number up to the capacity alike."""
    chances = np.zeros(size(capacity))
    if occupied is None:
        chances[: capacity + 1] = 1 / (capacity + 1)
    else:
        chances[min(max(occupied, 0), len(chances) - 1)] = 1.0
    return chances


def mean(chances: Array, of: Array) -> float:
    """Return a mean. Not ``chances @ of``: beyond 10,000 numbers that wakes threads, which take longer than the sum."""
    return float((chances * of).sum())


def flushed(chances: Array) -> Array:
    """Leave no number impossible, and none as a denormal."""
    kept = np.where(chances < NEGLIGIBLE, 0.0, chances)
    slipped = np.convolve(kept, _SLIPS)[len(_SLIPS) // 2 :][: len(kept)]
    flushed = kept + slipped + TRACE / len(kept)
    return np.asarray(flushed / flushed.sum())


def fit(chances: Array, rate: Array, ordinary: float) -> Array:
    """Return for each number how well a passage fits it: its rate there, against what is usual.

    Where it hardly can have happened (an exit from an empty lot), it fits badly; if it is not sure, it was none.
    """
    return np.asarray(rate / max(mean(chances, rate), ordinary))


def move(to: Array, change: int, rows: Array) -> None:
    """Add rows, moved along the numbers: below zero is impossible, beyond the end stays at the end."""
    if change > 0:
        to[:, change:] += rows[:, :-change]
        to[:, -1] += rows[:, -change:].sum(axis=1)
    else:
        to[:, :change] += rows[:, -change:]


def blurred(chances: Array, variance: float) -> Array:
    """Return the same with so much more variance (above 0); what would be beyond an end is at the end."""
    reach = min(math.ceil(4 * math.sqrt(variance)), len(chances) // 2 - 1)
    steps = np.arange(-reach, reach + 1)
    few = np.where(steps == 0, 1 - variance, np.where(abs(steps) == 1, variance / 2, 0.0))
    kernel = np.exp(steps**2 / (-2 * variance)) if variance > 1 else few
    wide = np.convolve(chances, kernel / kernel.sum())
    inner = wide[reach:-reach].copy()
    inner[0] += wide[:reach].sum()
    inner[-1] += wide[-reach:].sum()
    return np.asarray(inner)


def shortest(chances: Array, within: float) -> tuple[int, int]:
    """Return the first and last number of an interval that holds so much, and no more than it must.

    It begins with the same chance left out at either end; numbers are whole, so that this may hold more than enough.
    """
    cumulated, last = np.cumsum(chances), len(chances) - 1
    low = int(cumulated.searchsorted((1 - within) / 2))
    high = min(int(cumulated.searchsorted((1 + within) / 2)), last)
    held = float(chances[low : high + 1].sum())
    while low < high and held - (least := min(float(chances[low]), float(chances[high]))) >= within:
        held -= least
        low, high = (low + 1, high) if chances[low] < chances[high] else (low, high - 1)
    return low, high


def born_and_died(chances: Array, entering: Array, leaving: Array, lasted_s: float) -> Array:
    """Run the birth and death process of these rates (per second, for each number) for a time."""
    likely = chances > LIKELY * chances.max()
    steps = math.ceil(lasted_s * float((entering + leaving)[likely].max()) / STEP)
    if steps > MOST_STEPS:
        return np.full_like(chances, 1 / len(chances))
    if steps == 0:
        return chances
    # Numbers that are out of reach may have higher rates; there, less than is due moves.
    come = np.minimum(entering * (lasted_s / steps), STEP)
    go = np.minimum(leaving * (lasted_s / steps), STEP)
    come[-1] = go[0] = 0.0
    for _ in range(steps):
        up, down = chances * come, chances * go
        chances = chances - up - down
        chances[1:] += up[:-1]
        chances[:-1] += down[1:]
    return chances
