"""What a lane has shown of its loops, as an owner wants it: rates, how far its count drifts, and what would help.

Drift is a random walk: passages err one by one, here a vehicle too many, there one too few. Its standard deviation
after a thousand passages is therefore the root of a thousand times the variance that one passage leaves: of what was
in doubt (chance p: p (1 - p)), and of what left no trace.
"""

import math

from controller.domain.report import Advice, LaneQuality, QualityReport
from controller.domain.specs import LaneSpec

UNSEEN = 0.001
"""Share of the vehicles that leave no trace in a lane, before it has shown how well its loops see ..."""
UNSEEN_WEIGHT = 80.0
"""... and for how many vehicles' worth of experience that stands."""
UNSEEN_BY_ONE = 0.005
"""The same for a lane of one loop, or of one that works: nothing checks it."""

UNSEEN_BY_BARRIER = 0.1
"""Of what no loop saw, this share: the barrier had to open for the rest, and the lane counts that."""

ENOUGH = 200
"""Passages before any advice is given."""
MISSES, LOSES, GHOSTS = 0.02, 0.02, 0.15
"""Rates (for each vehicle) from which a loop, its wiring, or its surroundings deserve a look."""
DRIFTS = 4.0
"""Drift by doubt (vehicles in a thousand passages) from which it pays to do something about it."""


def unseen(spec: LaneSpec, quality: LaneQuality, *, at_fault: bool = False) -> float:
    """Return how many vehicles leave no trace for each that leaves one: about as many as one loop misses.

    ``at_fault``: one loop of the pair does not work, nor does the lane look at its barrier then.
    """
    if spec.loop is not None:
        return UNSEEN_BY_ONE
    missed = (quality.missed_outer + quality.missed_inner) / 2
    unseen = (missed + UNSEEN * UNSEEN_WEIGHT) / (quality.passages + UNSEEN_WEIGHT)
    if at_fault:
        return max(UNSEEN_BY_ONE, unseen)
    return unseen * UNSEEN_BY_BARRIER if spec.barrier is not None else unseen


def told(spec: LaneSpec, quality: LaneQuality, passages: int, doubt: float) -> QualityReport | None:
    """Say what the lane has shown; None for one loop, which nothing checks.

    ``passages``: entries and exits so far; ``doubt``: the sum of the variances that they left.
    """
    if spec.loop is not None:
        return None
    number = max(1.0, quality.passages)
    rates = (quality.missed_outer, quality.missed_inner, quality.lost_edges, quality.ghosts)
    outer, inner, lost, ghosts = (rate / number for rate in rates)
    by_doubt, by_nothing = 1000 * doubt / max(1, passages), 1000 * unseen(spec, quality)
    return QualityReport(
        passages=round(quality.passages),
        missed_outer=round(outer, 4),
        missed_inner=round(inner, 4),
        lost_edges=round(lost, 4),
        ghosts=round(ghosts, 4),
        unseen=round(unseen(spec, quality), 4),
        drift=round(math.sqrt(by_doubt + by_nothing), 1),
        drift_without_doubt=round(math.sqrt(by_nothing), 1),
        advice=_advice((outer, inner, lost, ghosts), by_doubt, by_nothing) if passages >= ENOUGH else (),
    )


def _advice(rates: tuple[float, float, float, float], by_doubt: float, by_nothing: float) -> tuple[Advice, ...]:
    outer, inner, lost, ghosts = rates
    doubtful = by_doubt + by_nothing > max(DRIFTS**2, 4 * by_nothing)
    found = {
        Advice.OUTER_MISSES: outer > MISSES,
        Advice.INNER_MISSES: inner > MISSES,
        Advice.LOSES_EDGES: lost > LOSES,
        Advice.GHOSTS: ghosts > GHOSTS,
        Advice.DOUBT: doubtful,
    }
    return tuple(advice for advice, is_due in found.items() if is_due)
