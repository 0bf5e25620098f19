"""Bay sensors as evidence: what the bays that are seen say of all spaces, and how far they are to be believed.

Theory of operation. Of ``seen`` bays ``taken`` are occupied; the whole zone is taken by the share u. If the seen bays
were drawn by lot, their share would be u with the variance of a draw without replacement. They are not: sensors sit in
the best rows, which fill first, or in the worst. So for each tenth of u a *bias* is learned from what the belief held
for true at the time, with a prior that is wide where a bias is likely (half full), and next to nothing at the ends (an
empty lot has empty bays) and where every space has a sensor (but some are wrong for days). How far the rest is off
(broken sensors, vehicles on their way) is learned as one factor on the variance. Thus a sample earns its weight.

The same vehicles stand in the same bays for hours, so what they say now is no news against what they said a minute
ago: a stretch of time counts as the share of an observation in which the bays were taken by others.
"""

from dataclasses import dataclass

import numpy as np

from controller.domain.chances import Array

TENTHS = 10
BIAS = 0.25
"""Standard deviation of the bias (share of the seen bays) half-way between empty and full, before anything is known."""
WRONG = 0.01
"""Share of the sensors that say the wrong thing."""
BETWEEN = 1.0
"""Variance (vehicles) of those between lane and bay."""
ODD = 0.01
"""Chance of a reading that says nothing at all, so that no reading ever proves anything."""
SCALE_WEIGHT = 20.0
"""So many observations' worth of the variance comes from these priors."""
RENEWED_S = 1800.0
"""Where every bay is seen, errors are others after this time."""
FARTHEST = 4.0
"""An observation further off than this (standard deviations) is learned from as if it were just so far."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was learned: for each tenth of occupancy how often, and the sum of what the seen bays said too much."""

    weights: tuple[float, ...] = (0.0,) * TENTHS
    sums: tuple[float, ...] = (0.0,) * TENTHS
    seen: float = 0.0
    """Observations that ``squares`` rests on."""
    squares: float = 0.0
    """Sum of squared errors, in units of the variance that was expected."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bays say now."""

    taken: int
    seen: int
    capacity: int
    news: float
    """Of how many observations it is worth (0-1)."""


def news(reading_s: float, leaving: float, coverage: float) -> float:
    """Return of how many observations a stretch of time is worth; ``leaving``: share of vehicles that leaves in 1 s."""
    return min(1.0, reading_s * (leaving + coverage**4 / RENEWED_S))


def lasting(sample: Sample, seen: int, capacity: int) -> float:
    """Return the variance (vehicles squared) of what the sensors of so many bays say wrong for days.

    However long one listens to them, no number that rests on them is surer than that; nor do they disagree with a
    number that follows them, so they earn no trust here. Where few of the bays are seen, it rests on the lanes.
    """
    return WRONG * capacity * max(1.0, _scale(sample)) * min(1.0, seen / max(1, capacity)) ** 4


def weights(sample: Sample, reading: Reading, numbers: Array) -> Array:
    """Return the logarithm of how well each number inside fits the reading (the best: about 0)."""
    u = np.minimum(numbers / reading.capacity, 1.0)
    tenth = np.minimum((u * TENTHS).astype(int), TENTHS - 1)
    learned, known = np.array(sample.sums), np.array(sample.weights)
    noise = _noise(u, reading) * _scale(sample)
    prior = _bias(u, reading) ** 2
    share = prior / (prior + noise / np.maximum(known[tenth], 1e-9))
    bias = share * (learned / np.maximum(known, 1e-9))[tenth]
    off = reading.taken / reading.seen - u - bias
    variance = noise + prior * (1 - share)
    fit = -0.5 * off**2 / variance - 0.5 * np.log(variance)
    fitted = np.exp(fit - fit.max())
    return np.asarray(np.log(fitted + ODD * fitted.mean()) * reading.news)


def learned(sample: Sample, reading: Reading, inside: float, spread: float) -> Sample:
    """Learn from a reading while ``inside`` (standard deviation ``spread``) are believed to be inside."""
    u = np.array([min(inside / reading.capacity, 1.0)])
    tenth = min(int(u[0] * TENTHS), TENTHS - 1)
    noise = float(_noise(u, reading)[0]) * _scale(sample)
    doubt = (spread / reading.capacity) ** 2
    weight = reading.news * noise / (noise + doubt)  # what the belief does not know cannot teach
    prior = float(_bias(u, reading)[0]) ** 2
    known, total = sample.weights[tenth], sample.sums[tenth]
    share = prior / (prior + noise / known) if known > 0 else 0.0
    bias = share * total / known if known > 0 else 0.0
    off = reading.taken / reading.seen - float(u[0])
    expected = noise + prior * (1 - share) + doubt
    square = min((off - bias) ** 2 / expected, FARTHEST**2)
    return Sample(
        weights=_added(sample.weights, tenth, weight),
        sums=_added(sample.sums, tenth, weight * off),
        seen=sample.seen + reading.news,
        squares=sample.squares + reading.news * square,
    )


def _added(items: tuple[float, ...], index: int, more: float) -> tuple[float, ...]:
    return tuple(item + more if i == index else item for i, item in enumerate(items))


def _scale(sample: Sample) -> float:
    return (sample.squares + SCALE_WEIGHT) / (sample.seen + SCALE_WEIGHT)


def _noise(u: Array, reading: Reading) -> Array:
    """Return the variance of the seen share, if the bays were drawn by lot."""
    unseen = (reading.capacity - reading.seen) / max(1, reading.capacity - 1)
    drawn = np.maximum(u * (1 - u), 0.25 / reading.capacity) / reading.seen * max(0.0, unseen)
    return np.asarray(drawn + WRONG / reading.seen + BETWEEN / reading.capacity**2)


def _bias(u: Array, reading: Reading) -> Array:
    """Return the standard deviation of the bias before anything is known."""
    drawn = BIAS * (1 - min(1.0, reading.seen / reading.capacity)) * 2 * np.sqrt(u * (1 - u))
    return np.asarray(np.sqrt(drawn**2 + WRONG**2))
