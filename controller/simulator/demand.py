"""Who wants to park, when, and for how long.

Arrivals of a group are an inhomogeneous Poisson process: a rate for each half-hour of the day, from the group's shape,
its weekday's factor and the day's own: a log-normal factor, a slow swell and ebb, and now and then a special day. Each
day of each group draws from a stream of its own, so that what happens elsewhere in a run changes nothing here.
"""

import itertools
import math
import random
from dataclasses import dataclass

from controller.simulator.chance import stream
from controller.simulator.demand_tables import DemandTable, GroupTable, StayTable
from controller.simulator.scenario_tables import Scenario

DAY_S = 86_400.0
SLOT_H = 0.5
SLOTS = 48
BUNCH_S = 600.0
"""Nobody comes right behind another who would have come this much later."""
LEAST_STAY_S = 240.0
LATE_S = 1200.0
"""Who comes later than this before the hour at which its like leaves comes for something short ..."""
SHORT_S = (900.0, 3600.0)
"""... of this length."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody wants to park: comes at ``at_s``, and leaves the space at ``until_s``."""

    at_s: float
    until_s: float
    group: str


@dataclass(frozen=True, slots=True)
class Mood:
    """What is special about one day."""

    busy: tuple[float, ...]
    """A factor on the rate of each half-hour."""
    stay: float
    """A factor on stays that are given in minutes."""
    shift_h: float
    """How much later others leave."""


def mood_of(table: DemandTable, rng: random.Random) -> Mood:
    """Draw a day."""
    sigma = table.day_sigma
    factor = table.factor * math.exp(rng.gauss(0, sigma) - sigma**2 / 2)
    if rng.random() < table.special:
        factor *= rng.choice(table.special_factors)
    keep = math.exp(-SLOT_H / table.drift_h)
    swell, busy = rng.gauss(0, table.drift_sigma), []
    for _ in range(SLOTS):
        busy.append(factor * math.exp(swell - table.drift_sigma**2 / 2))
        swell = keep * swell + math.sqrt(1 - keep**2) * rng.gauss(0, table.drift_sigma)
    stay = math.exp(rng.gauss(0, table.stay_sigma))
    return Mood(tuple(busy), stay, rng.gauss(0, table.shift_h))


def rates(group: GroupTable, weekday: int) -> list[float]:
    """Return the mean number of vehicles in each half-hour of such a weekday (0: Monday)."""
    parts = [SLOT_H * (part + 0.5) / 6 for part in range(6)]
    weights = [sum(_weight(group.arrive, slot * SLOT_H + part) for part in parts) for slot in range(SLOTS)]
    share = group.per_day * group.weekdays[weekday] / (sum(weights) or 1.0)
    return [weight * share for weight in weights]


def _weight(points: tuple[tuple[float, float], ...], hour: float) -> float:
    for (h0, w0), (h1, w1) in itertools.pairwise(points):
        if h0 <= hour <= h1:
            return w0 + (w1 - w0) * (hour - h0) / (h1 - h0)
    return 0.0


def visits(scenario: Scenario, seed: int, day: int) -> list[Visit]:
    """Return all who come on a day (0 is the first, a Monday; days before it are negative), by time."""
    mood = mood_of(scenario.demand, stream(seed, "mood", day))
    found: list[Visit] = []
    for name, group in scenario.group.items():
        rng = stream(seed, "group", name, day)
        expected = [rate * busy for rate, busy in zip(rates(group, day % 7), mood.busy, strict=True)]
        for hour in _poisson_hours(expected, rng):
            at_s = day * DAY_S + hour * 3600
            found.append(Visit(at_s, _until(group, mood, at_s, rng), name))
    return _bunched(sorted(found, key=lambda v: v.at_s), scenario.driving.bunched, stream(seed, "bunched", day))


def longest_stay_s(scenario: Scenario) -> float:
    """Return how long (s) a stay may be, but for one in some millions."""
    sigmas = math.exp(5 * scenario.demand.stay_sigma)
    return max(
        (DAY_S + 3600 * (stay.until + 5 * stay.sd_h))
        if stay.until is not None
        else 60 * (stay.minutes or 0.0) * math.exp(5 * stay.sigma) * sigmas
        for group in scenario.group.values()
        for stay in group.stay
    )


def _poisson_hours(expected: list[float], rng: random.Random) -> list[float]:
    """Return the hours of a Poisson process with these expected numbers in each half-hour."""
    hours, left = [], rng.expovariate(1.0)
    for slot, number in enumerate(expected):
        used = 0.0
        while left <= number - used:
            used += left
            hours.append((slot + used / number) * SLOT_H)
            left = rng.expovariate(1.0)
        left -= number - used
    return hours


def _until(group: GroupTable, mood: Mood, at_s: float, rng: random.Random) -> float:
    stay: StayTable = rng.choices(group.stay, [s.share for s in group.stay])[0]
    if stay.minutes is not None:
        length = stay.minutes * 60 * mood.stay * math.exp(rng.gauss(0, stay.sigma))
        return at_s + max(LEAST_STAY_S, length)
    hour = (stay.until or 0.0) + mood.shift_h + rng.gauss(0, stay.sd_h)
    until_s = at_s // DAY_S * DAY_S + hour * 3600
    return until_s if until_s > at_s + LATE_S else at_s + rng.uniform(*SHORT_S)


def _bunched(ordered: list[Visit], share: float, rng: random.Random) -> list[Visit]:
    """Let a share of them come right behind the one before, for the rest of their stay the same."""
    found: list[Visit] = []
    for visit in ordered:
        at_s, joins, after_s = visit.at_s, rng.random() < share, rng.uniform(0.2, 2.0)
        if found and joins and at_s - found[-1].at_s < BUNCH_S:
            at_s = min(at_s, found[-1].at_s + after_s)
        found.append(Visit(at_s, visit.until_s, visit.group))
    return found
