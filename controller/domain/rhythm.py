"""The rhythm of a zone: how many vehicles come, and which share of those inside leaves, by half-hour and kind of day.

Learned online from what the lanes count. Vehicles come at a rate of their own (per second of time in which there was
room for them); those inside leave at a rate that is proportional to how many they are (per vehicle and second), which
is what makes departures tell how many are inside. Working days share one profile, Saturday and Sunday have their own;
a half-hour that has seen little leans on the same half-hour of all days, and that on the whole. For departures, the
whole is at least what the half-hours around tell: where many leave at six, many will leave at half past. But that few
left around makes one expect no fewer: a vehicle that is only believed to be inside does not leave either, and would
teach that here vehicles stay. Old weeks fade.

numpy's arrays are kept as bytes (float64, native order), so that a state stays plain, immutable data.
"""

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400.0
CELL_S = 1800.0
CELLS = 48
KINDS_OF_DAY = 3
"""Monday to Friday, Saturday, Sunday."""
SATURDAY = 5

HALF_LIFE_S = 28 * DAY_S
"""What was learned so long ago weighs half."""
FIRST_STAY_S = 3 * 3600.0
"""Before anything is known: how long a vehicle stays ..."""
FIRST_LOAD = 0.3
"""... and which share of the spaces is taken."""
SHARED = 3.0
"""So many vehicles' worth of a half-hour's rate comes from the overall rate ..."""
OWN = 4.0
"""... and so many of a kind of day's rate from the half-hour's."""
AROUND = 2.0
"""Of what is around a half-hour, another one counts exp(-d / AROUND), d half-hours away."""

ENTRIES, ROOM_S, EXITS, VEHICLE_S = range(4)
_EMPTY = np.zeros((4, KINDS_OF_DAY, CELLS)).tobytes()

Array = NDArray[np.float64]

_AWAY = np.abs((np.arange(CELLS)[:, None] - np.arange(CELLS) + CELLS // 2) % CELLS - CELLS // 2)
_NEARBY: Array = np.where(_AWAY > 0, np.exp(-_AWAY / AROUND), 0.0)
"""What each half-hour counts of what is around each, itself left out; a day is a circle. Shape (CELLS, CELLS)."""

BLOCK_S = 4 * 3600.0
"""Time over which what came is held against what was expected."""
EXIT_SPREAD = 0.25
"""How far the share that leaves differs from its rhythm from day to day (standard deviation of a factor), at first."""
ENTRY_SPREAD = 0.35
LEAST_SPREAD, MOST_SPREAD = 0.08, 1.0
FIRST_BLOCKS = 10.0
"""For how many well observed blocks these first values stand."""
UNLEARNED = 0.5
"""Variance of a factor whose rhythm was learned from one vehicle; n vehicles: an n-th of it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far one kind of rate differs from its rhythm from day to day, as learned so far.

    By the method of moments: a Poisson number that was expected to be R, with a factor of variance v on it, has the
    variance R + R² v; blocks are weighed by what each can tell of v.
    """

    first: float
    number: float = 0.0
    """Vehicles in the block that goes on ..."""
    expected: float = 0.0
    """... how many were expected ..."""
    unknown: float = 0.0
    """... and with which standard deviation, as the rhythm is not well known."""
    moments: float = 0.0
    weight: float = 0.0

    @property
    def variance(self) -> float:
        """Variance of the factor."""
        sure = FIRST_BLOCKS / self.first**4
        found = (self.moments + sure * self.first**2) / (self.weight + sure)
        return min(max(found, LEAST_SPREAD**2), MOST_SPREAD**2)

    def seen(self, number: float, expected: float, seen: float) -> "Spread":
        """Take a stretch of the block; ``seen``: from how many vehicles the rate that was expected was learned."""
        return replace(
            self,
            number=self.number + number,
            expected=self.expected + expected,
            unknown=self.unknown + expected * math.sqrt(UNLEARNED / (seen + 1.0)),
        )

    def ended(self) -> "Spread":
        """End the block."""
        if self.expected < 1:
            return replace(self, number=0.0, expected=0.0, unknown=0.0)
        off = (self.number - self.expected) ** 2 - self.expected - self.unknown**2
        weight = (self.expected / (self.expected + self.expected**2 * self.first**2 + self.unknown**2)) ** 2
        faded = 0.5 ** (BLOCK_S / HALF_LIFE_S)
        return Spread(
            self.first,
            moments=self.moments * faded + weight * min(off, (MOST_SPREAD * self.expected) ** 2),
            weight=self.weight * faded + weight * self.expected**2,
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """What is expected now."""

    entry: float
    """Vehicles that want in, per second."""
    exit: float
    """Share of the vehicles inside that leaves, per second."""
    entries_seen: float
    """On how many entries the first rests ..."""
    exits_seen: float
    """... and on how many exits the second."""
    entry_variance: float = ENTRY_SPREAD**2
    """How far each differs from day to day: variance of a factor."""
    exit_variance: float = EXIT_SPREAD**2


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What was learned: for each kind of day and half-hour entries, seconds with room, exits, vehicle-seconds."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}

    learned: bytes = _EMPTY
    entries: Spread = field(default_factory=lambda: Spread(ENTRY_SPREAD))
    exits: Spread = field(default_factory=lambda: Spread(EXIT_SPREAD))
    block: int = 0
    """Which one goes on, counted from 1970."""


def cell_of(unix: float) -> tuple[int, int]:
    """Return kind of day and half-hour of a time in Unix seconds (UTC)."""
    weekday = int(unix // DAY_S + 3) % 7  # 1970 began on a Thursday
    return max(0, weekday - SATURDAY + 1), int(unix // CELL_S) % CELLS


def rates(rhythm: Rhythm, unix: float, capacity: int) -> Rates:
    """Say what is expected at this time in a zone of so many spaces."""
    learned, (kind, half_hour) = _table(rhythm), cell_of(unix)
    first_exit = 1 / FIRST_STAY_S
    came, room_s, left, vehicle_s = learned
    coming = _whole(came, room_s, FIRST_LOAD * capacity * first_exit)
    leaving = _whole(left, vehicle_s, first_exit)
    leaving = max(leaving, _around(left, vehicle_s, half_hour, leaving))
    entry, entries = _rate(came, room_s, kind, half_hour, coming)
    leave, exits = _rate(left, vehicle_s, kind, half_hour, leaving)
    return Rates(entry, leave, entries, exits, rhythm.entries.variance, rhythm.exits.variance)


def _whole(number: Array, exposure: Array, first: float) -> float:
    return float((number.sum() + 1) / (exposure.sum() + 1 / first))


def _around(number: Array, exposure: Array, half_hour: int, whole: float) -> float:
    """Return the rate of the half-hours around, of all days; where those saw little, the ``whole``."""
    near = _NEARBY[half_hour]
    return float(((number.sum(axis=0) * near).sum() + 1) / ((exposure.sum(axis=0) * near).sum() + 1 / whole))


def _rate(number: Array, exposure: Array, kind: int, half_hour: int, whole: float) -> tuple[float, float]:
    of_all = number[:, half_hour].sum()
    shared = (of_all + SHARED) / (exposure[:, half_hour].sum() + SHARED / whole)
    own = number[kind, half_hour]
    return float((own + OWN) / (exposure[kind, half_hour] + OWN / shared)), float(own + min(of_all, 1.0) / 2)


def learn(
    rhythm: Rhythm, unix: float, lasted_s: float, seen: tuple[float, float, float, float], expected: Rates
) -> Rhythm:
    """Fold a stretch of time: entries, seconds with room, exits, vehicle-seconds (expected numbers).

    ``expected``: the rates that were reckoned with.
    """
    rhythm = _held_against(rhythm, unix, seen, expected)
    learned = _table(rhythm) * math.exp2(-lasted_s / HALF_LIFE_S)
    kind, half_hour = cell_of(unix)
    learned[:, kind, half_hour] += seen
    return replace(rhythm, learned=learned.tobytes())


def _held_against(rhythm: Rhythm, unix: float, seen: tuple[float, float, float, float], expected: Rates) -> Rhythm:
    entries, room_s, exits, vehicle_s = seen
    block = int(unix // BLOCK_S)
    if block != rhythm.block:
        rhythm = replace(rhythm, entries=rhythm.entries.ended(), exits=rhythm.exits.ended(), block=block)
    return replace(
        rhythm,
        entries=rhythm.entries.seen(entries, expected.entry * room_s, expected.entries_seen),
        exits=rhythm.exits.seen(exits, expected.exit * vehicle_s, expected.exits_seen),
    )


def _table(rhythm: Rhythm) -> Array:
    return np.frombuffer(rhythm.learned).reshape(4, KINDS_OF_DAY, CELLS)
