"""A lane from which nothing comes any more, while vehicles must be passing it.

One dead loop of a pair shows in its lane (see ``suspicion``). When both are dead, the lane is just quiet, as at night.
What tells is the rhythm: so many vehicles were to be expected, and others were seen in other lanes of the zone. The
chance that none of them came this way follows from the same gamma-Poisson reckoning as the belief's: with a rate of
which little is known, silence proves little. Where the whole zone is quiet (a holiday), nobody is suspected.
"""

import math
from dataclasses import dataclass, replace

from controller.domain.rhythm import ENTRY_SPREAD, EXIT_SPREAD

DEAD = 9.0
"""Minus the natural logarithm of the chance of so long a silence, from which the lane is taken for dead."""
OTHERS = 5
"""Vehicles that other lanes of the zone must have seen meanwhile."""


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


def grown(silence: Silence, entries: float, exits: float, entry_strength: float, exit_strength: float) -> Silence:
    """Let time pass in which so many vehicles were to be expected; strengths (above 0): how well that is known."""
    return replace(
        silence,
        entries=silence.entries + entries,
        exits=silence.exits + exits,
        entries_doubt=silence.entries_doubt + entries * _ignorance(entry_strength, ENTRY_SPREAD),
        exits_doubt=silence.exits_doubt + exits * _ignorance(exit_strength, EXIT_SPREAD),
    )


def is_dead(silence: Silence) -> bool:
    """Whether the lane can hardly be alive."""
    if silence.others < OTHERS:
        return False
    inwards = _surprise(silence.entries, silence.entries_doubt, ENTRY_SPREAD)
    return inwards + _surprise(silence.exits, silence.exits_doubt, EXIT_SPREAD) > DEAD


def _ignorance(strength: float, spread: float) -> float:
    """Return the standard deviation of a rate's factor beyond what differs from day to day."""
    return math.sqrt(max(0.0, 1 / strength - spread**2))


def _surprise(expected: float, doubt: float, spread: float) -> float:
    """Return minus the logarithm of the chance that none came."""
    if expected <= 0:
        return 0.0
    # What was not learned of one half-hour is half the same as what was not learned of the next.
    strength = 1 / (spread**2 + 0.5 * (doubt / expected) ** 2)
    return strength * math.log1p(expected / strength)
