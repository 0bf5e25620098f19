"""How far passages alone drift from what people count: the evidence of the lanes' net error. Pure.

Between two counts by people, passages say how the number should have changed, and the second count says how it did.
What is left is the lanes' net error over those passages; a vehicle too many and one too few in it cancel. It is
evidence from outside, where what a lane learns of its loops comes from the loops. What people added by hand (+1) is no
passage, and is taken out again. Vehicles that passed while the controller was off are in it, and so are mistakes in
counting.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from controller.api.past.rows import Corrected

_CHANGE = re.compile(r"(?P<field>adjusted|undone|occupied|recounted)(?: \[(?P<by>[+-]\d+)\])?.*")


@dataclass(frozen=True, slots=True)
class Found:
    """What one count showed of the passages since the count before; times in Unix seconds."""

    since: float
    wall: float
    passages: int
    difference: int
    """Vehicles that passages made too many, or (below 0) too few."""


@dataclass(frozen=True, slots=True)
class Drift:
    """All counts of a zone together."""

    found: tuple[Found, ...]
    passages: int
    net: int

    @property
    def per_thousand(self) -> float:
        """Net drift in a thousand passages (vehicles)."""
        return 1000.0 * self.net / self.passages

    @property
    def error(self) -> float | None:
        """Standard error of ``per_thousand``; None: one count tells nothing of it.

        Errors of single passages add up as in a random walk, so that a difference is weighed by the passages behind it
        (the weighted mean of ratios, with the variance that the counts themselves show).
        """
        if len(self.found) < 2:  # noqa: PLR2004  a spread needs two
            return None
        rate = self.net / self.passages
        spread = sum((one.difference - rate * one.passages) ** 2 / one.passages for one in self.found)
        return 1000.0 * sqrt(spread / (len(self.found) - 1) / self.passages)


def by_hand(changes: Iterable[tuple[float, str]]) -> list[tuple[float, int]]:
    """Return when how many vehicles were added by hand, of a zone's audit rows (``field [details] = after``), in order.

    What was taken back never was; taking back ends with the last change of a zone.
    """
    kept: list[tuple[float, int]] = []
    last_by_hand = False
    for wall, what in changes:
        if (change := _CHANGE.fullmatch(what)) is None:
            continue
        if change["field"] == "undone":
            if last_by_hand:
                kept.pop()
            last_by_hand = False
        elif last_by_hand := change["field"] == "adjusted" and change["by"] is not None:
            kept.append((wall, int(change["by"])))
    return kept


def intervals(told: Sequence[Corrected]) -> list[tuple[float, float]]:
    """Return from when to when passages are needed for ``drift``."""
    return [(before.wall, after.wall) for before, after in pairwise(told)]


def drift(told: Sequence[Corrected], passages: Sequence[int], added: Sequence[tuple[float, int]]) -> Drift | None:
    """Return what the counts of one zone (oldest first) show; ``passages`` has the number of each of ``intervals``.

    None: no count comes after another with passages between.
    """
    found = []
    for (before, after), number in zip(pairwise(told), passages, strict=True):
        if after.counted is None or not number:
            continue
        hand = sum(by for wall, by in added if before.wall < wall <= after.wall)
        found.append(Found(before.wall, after.wall, number, after.counted - hand - after.told))
    if not found:
        return None
    return Drift(tuple(found), sum(one.passages for one in found), sum(one.difference for one in found))
