"""What is believed of a zone, and what it makes one expect: who leaves, who comes in, how far it is to be trusted.

How evidence changes it is in ``belief``.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from controller.domain.chances import Array, all_numbers, mean
from controller.domain.claims import Claims
from controller.domain.level import Level
from controller.domain.rhythm import UNLEARNED, Rates, Rhythm

WELCOME = 0.2
"""Chance that a vehicle still goes in when exactly the last space is taken ..."""
WELCOME_BEYOND = 0.8
"""... and how it falls with each vehicle more."""
CIRCLING_S = 400.0
"""How long a vehicle that found no space drives around."""
SCALE = 0.03
"""How far (standard deviation of a factor) the rhythm of departures may be off for good."""
UNHEARD = 0.15
"""A number whose variance (vehicles squared) is this much hears half of what departures say, a surer one less, one that
may be off by a vehicle nearly all: that few stay for long is likelier than that a clear count errs."""
STAYERS = 0.25
"""Variance, as a share of the capacity, of how many stay for long: when few are left, who knows whether they leave."""
WIDEST_SPREAD = 1.2
MOST_UNSEEN = 0.2
"""No lane is taken to miss more than this share of its vehicles."""
BALANCE_WEIGHT = 8.0
"""Passages, times the share that is not seen, before the balance of entries and exits is believed to be off."""
BALANCE_SPREAD = 0.2
"""How far (standard deviation, share of what is not seen) one side misses more than the other, before it is known."""
ANCHORED = 0.12
"""Standard deviation, as a share of the capacity, beyond which nothing is learned."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What was learned of those who touch a lane's outer loop and turn away. All in expected numbers."""

    touches: float = 0.0
    """While there was room ..."""
    arrivals: float = 0.0
    """... of so many who came."""
    touches_full: float = 0.0
    """While there was none ..."""
    arrivals_full: float = 0.0
    """... of so many who went away."""

    @property
    def usual(self) -> float:
        """How many touch the loop, for each who comes, whatever the reason."""
        return (self.touches + 1.0) / (self.arrivals + 20.0)

    @property
    def refused(self) -> float:
        """Share of those who find no room that touches the loop first."""
        return (self.touches_full + 1.2) / (self.arrivals_full + 4.0)


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of one zone at lot time ``at``. Arrays are bytes of float64, one for each number inside."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}

    capacity: int
    at: float
    chances: bytes
    exit_strength: bytes
    exit_rate: bytes
    """Gamma parameters of the factor on departures, for each number inside; mean factor = strength / rate."""
    entry_rate: bytes
    entry_strength: float
    entry_prior: float
    """Strength (= rate) of the prior that ``entry_strength`` contains."""
    expected: Rates
    rhythm: Rhythm = field(default_factory=Rhythm)
    level: Level = field(default_factory=Level)
    entries: float = 0.0
    """Vehicles (expected number) that came since the rhythm was last taught ..."""
    exits: float = 0.0
    """... and that left."""
    net: float = 0.0
    """Change inside since ``at``, by passages."""
    room_s: float = 0.0
    """Time with room since the rhythm was last taught ..."""
    vehicle_s: float = 0.0
    """... and vehicle-seconds."""
    taught_at: float = 0.0
    turned: Turned = field(default_factory=Turned)
    passages: float = 0.0
    """Vehicles that passed, older ones fading ..."""
    surplus: float = 0.0
    """... and how many more of them seemed to come in, net, than all other evidence would have."""
    claims: Claims = field(default_factory=Claims)
    """How far evidence moves the number, against how far it should."""


@dataclass(frozen=True, slots=True)
class Passing:
    """What a passage means for one zone."""

    chance_in: float
    chance_out: float
    unseen: float = 0.0
    """Chance that another vehicle went the same way and left no trace."""
    undirected: bool = False
    """Which way it went is not known: the rhythm says what is likely."""
    seen_in: float = 1.0
    """Which share of the entries the lanes see now ..."""
    seen_out: float = 1.0
    """... and of the exits."""
    obeyed: bool = False
    """Drivers are told that the lot is full."""
    another: float = 0.0
    """Chance that another vehicle went the same way, and loops did not tell it from this one."""


def moments(belief: Belief) -> tuple[float, float]:
    """Return mean and standard deviation of the number inside."""
    middle, variance = moments_of(np.frombuffer(belief.chances))
    return middle, math.sqrt(variance)


def moments_of(chances: Array) -> tuple[float, float]:
    """Return mean and variance of the number inside, from the chance of each number."""
    numbers = np.arange(float(len(chances)))
    middle = mean(chances, numbers)
    return middle, max(0.0, mean(chances, (numbers - middle) ** 2))


def expectation(belief: Belief) -> tuple[float, float, float, float]:
    """Return entries and exits that are expected per second, and how well each is known (gamma strengths)."""
    middle, _ = moments(belief)
    leaving = belief.expected.exit * min(middle, belief.capacity)
    strength = float(exit_prior(belief.capacity, belief.expected)[min(round(middle), belief.capacity)])
    return belief.expected.entry, leaving, belief.entry_prior, strength


def leave_rate(belief: Belief, numbers: Array | None = None) -> Array:
    """Return for each number inside how many leave per second: those parked by the rhythm, those circling soon."""
    numbers = all_numbers(belief.capacity) if numbers is None else numbers
    circling = np.maximum(numbers - belief.capacity, 0.0)
    return belief.expected.exit * np.minimum(numbers, belief.capacity) + circling / CIRCLING_S


def welcome(belief: Belief, numbers: Array | None = None) -> Array:
    """Return for each number inside the chance that a vehicle that comes goes in."""
    numbers = all_numbers(belief.capacity) if numbers is None else numbers
    beyond = numbers - belief.capacity
    full = WELCOME * WELCOME_BEYOND ** np.maximum(beyond, 0.0)
    return np.where(beyond >= 0, full, np.where(beyond > -1, 1 + (beyond + 1) * (WELCOME - 1), 1.0))


def directed(belief: Belief, chances: Array, passing: Passing) -> tuple[float, float]:
    """Split a vehicle of unknown direction by what the rhythm makes of each."""
    if not passing.undirected:
        return passing.chance_in, passing.chance_out
    any_way = passing.chance_in + passing.chance_out
    entering = belief.expected.entry * mean(chances, welcome(belief)) * passing.chance_in
    leaving = mean(chances, leave_rate(belief)) * passing.chance_out
    if entering + leaving <= 0:
        return passing.chance_in, passing.chance_out
    share = entering / (entering + leaving)
    return any_way * share, any_way * (1 - share)


def temper(belief: Belief) -> float:
    """Return how much of what departures say is heard (0-1).

    Less where the number is sure (``UNHEARD``) or large: the rate was learned from the very numbers that it tells.
    """
    middle, spread = moments(belief)
    variance = spread**2
    if variance <= 0:
        return 0.0
    doubted = variance**2 / (variance**2 + UNHEARD**2)
    return doubted * variance / (variance + (SCALE * min(middle, belief.capacity)) ** 2)


def trust(belief: Belief, spread: float) -> float:
    """Return how much may be learned from a belief of this standard deviation (0-1): of an unknown number nothing."""
    return max(0.0, 1.0 - (spread / (ANCHORED * belief.capacity + 1)) ** 2)


def unseen_each_way(belief: Belief, unseen: float) -> tuple[float, float]:
    """Return the chance that another vehicle came in, or went out, unseen; the lanes' balance tells them apart."""
    if unseen <= 0:
        return 0.0, 0.0
    # The number itself may be off by SCALE, so that a few passages of a large lot prove nothing of its lanes.
    doubt = (SCALE * belief.capacity / BALANCE_SPREAD) ** 2
    noise = belief.passages * (belief.passages * unseen + BALANCE_WEIGHT) * unseen + doubt
    bias = belief.surplus * belief.passages * unseen**2 / noise
    less = max(0.0, abs(bias) - unseen)  # what one side cannot have less than nothing of, the other has more of
    coming, going = max(0.0, unseen - bias), max(0.0, unseen + bias)
    coming, going = (coming + less, going) if bias < 0 else (coming, going + less)
    return min(coming, MOST_UNSEEN), min(going, MOST_UNSEEN)


def exit_prior(capacity: int, expected: Rates) -> Array:
    """Return strength (= rate) of the factor on departures before anything is seen, for each number inside."""
    numbers = np.maximum(all_numbers(capacity), 1.0)
    stay = STAYERS * capacity / numbers**2
    return np.asarray(
        1 / np.minimum(WIDEST_SPREAD**2, expected.exit_variance + stay + UNLEARNED / (expected.exits_seen + 0.05))
    )


def prior(variance: float, seen: float) -> float:
    """Return strength (= rate) of a factor of this variance, on a rate that was learned from so many vehicles."""
    return 1 / min(WIDEST_SPREAD**2, variance + UNLEARNED / (seen + 0.05))
