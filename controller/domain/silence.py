"""A lane from which nothing comes any more, while vehicles must be passing it.

One dead loop of a pair shows in its lane (see ``suspicion``). When both are dead, the lane is just quiet, as at night.
What tells is the rhythm: so many vehicles were to be expected, and others were seen in other lanes of the zone. The
chance that none of them came this way follows from the same gamma-Poisson reckoning as the belief's: with a rate of
which little is known, silence proves little. Where the whole zone is quiet (a holiday), nobody is suspected.

Where no other lane tells that (there is none, or hardly anybody comes while all go home), the lane itself does: it was
in use until it fell silent, and not long ago. Whether the lot closed early is not known, so that it takes more.

No reckoning names a lane much sooner: in one that works, a share of e^-E of all pauses between two vehicles is longer
than E vehicles take on the average. Of 9,000 passages a month (80 spaces, office) that is one for E = 9.
"""

import math
from dataclasses import dataclass, replace

from controller.domain.rhythm import ENTRY_SPREAD, EXIT_SPREAD

DEAD = 9.0
"""Minus the natural logarithm of the chance of so long a silence, from which the lane is taken for dead."""
OTHERS = 5
"""Vehicles that other lanes of the zone must have seen meanwhile."""
DEAD_ALONE = 14.0
"""The same as ``DEAD`` where they did not ..."""
IN_USE = 10.0
"""... and loops of the lane were covered so many times before ..."""
IN_USE_S = 2 * 3600.0
"""... of which those so long ago count a third ..."""
SAME_DAY_S = 6 * 3600.0
"""... and after this time it may be another day, on which the lot is closed, or opens later."""
LEAST_SPREAD = 0.15
"""However alike the days have been: how far one may differ (standard deviation of a factor)."""


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing was heard of a lane's loops, and what was to be expected."""

    since: float
    entries: float = 0.0
    """Vehicles that were to be expected inwards ..."""
    exits: float = 0.0
    """... and outwards."""
    entries_doubt: float = 0.0
    """How far (vehicles, standard deviation) that may be off since the rhythm is not well known: inwards ..."""
    exits_doubt: float = 0.0
    """... and outwards."""
    others: int = 0
    """Vehicles that other lanes of the zone saw."""
    used: float = 0.0
    """How many times loops of the lane were covered before; those of hours ago count less."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected one way in some stretch of time."""

    vehicles: float
    strength: float
    """How well that is known: strength (above 0) of a gamma distribution."""
    variance: float
    """By how much of it days differ, as was learned: variance of a factor."""


def heard(before: Silence | None, at: float) -> Silence:
    """Begin anew, since a loop of the lane was covered."""
    used = before.used * math.exp(-max(0.0, at - before.since) / IN_USE_S) if before else 0.0
    return Silence(at, used=used + 1)


def grown(silence: Silence, entries: Expected, exits: Expected) -> Silence:
    """Let time pass in which so many vehicles were to be expected."""
    return replace(
        silence,
        entries=silence.entries + entries.vehicles,
        exits=silence.exits + exits.vehicles,
        entries_doubt=silence.entries_doubt + entries.vehicles * _ignorance(entries),
        exits_doubt=silence.exits_doubt + exits.vehicles * _ignorance(exits),
    )


def is_dead(silence: Silence, at: float, entry_variance: float, exit_variance: float) -> bool:
    """Whether the lane can hardly be alive at this time; variances: of the factors by which days differ."""
    beside = silence.others >= OTHERS
    overnight = at - silence.since > SAME_DAY_S
    if not beside and (silence.used < IN_USE or overnight):
        return False
    if overnight:  # others may have been seen yesterday, and when a lot opens differs by more than how many come
        entry_variance, exit_variance = max(entry_variance, ENTRY_SPREAD**2), max(exit_variance, EXIT_SPREAD**2)
    inwards = _surprise(silence.entries, silence.entries_doubt, entry_variance)
    outwards = _surprise(silence.exits, silence.exits_doubt, exit_variance)
    return inwards + outwards > (DEAD if beside else DEAD_ALONE)


def _ignorance(expected: Expected) -> float:
    """Return the standard deviation of a rate's factor beyond what differs from day to day."""
    return math.sqrt(max(0.0, 1 / expected.strength - expected.variance))


def _surprise(expected: float, doubt: float, variance: float) -> float:
    """Return minus the logarithm of the chance that none came."""
    if expected <= 0:
        return 0.0
    # What was not learned of one half-hour is half the same as what was not learned of the next.
    strength = 1 / (max(variance, LEAST_SPREAD**2) + 0.5 * (doubt / expected) ** 2)
    return strength * math.log1p(expected / strength)
