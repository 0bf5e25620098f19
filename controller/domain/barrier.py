"""The barrier's contact as a witness: it opens once for each vehicle, also for one that no loop has seen.

Theory of operation
-------------------
An opening lasts from the contact's rise to its fall. A passage claims the first opening about its time that nobody has
claimed. So the number of openings that are left says something about what is unclear: somebody on one loop for whom the
barrier opened was a vehicle, and one for whom it did not, none; a second vehicle of two that were bumper to bumper has
an opening of its own, unless it tailgates.

An opening that nobody has claimed ``SETTLES_S`` after its end was a vehicle without any trace, or the barrier opened
for another reason. That does happen; but vehicles that two loops miss are rare, so that the more openings are left
over, the less each of them says.

How far the barrier may be believed is learned: one that stands open all day opens for nobody.
"""

from dataclasses import dataclass, replace

from controller.domain.learned import Learned

SETTLES_S = 8.0
"""After so long, every passage through an opening has been told."""
EARLY_S = 2.0
"""A vehicle may be on the second loop so long before the contact closes."""
HELD_S = 300.0
"""Somebody holds the barrier open: no vehicle waits for so long to drive through."""
MOST = 4
"""How many openings are kept."""
IDLE_OPENING = 0.04
"""How often the barrier has just opened, unclaimed, when no vehicle passes."""
UNSEEN_AT_MOST = 0.06
"""More vehicles than this share leave no trace on two loops in no lane that is fit for use ..."""
UNSEEN_SURE = 0.9
"""... and no opening alone is surer than this."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The barrier went up, and came down (None: not yet)."""

    rise: float
    fall: float | None = None
    claimed: float = 0.0
    """Vehicles (expected number) that claimed it."""


def changed(openings: tuple[Opening, ...], *, up: bool, at: float, repeated: bool) -> tuple[Opening, ...]:
    """Fold a settled level of the contact; one that is repeated gives away that a change was lost."""
    if not up:
        if not openings or openings[-1].fall is not None:
            return openings
        return (*openings[:-1], replace(openings[-1], fall=at))
    if repeated and openings and openings[-1].fall is None:
        openings = (*openings[:-1], replace(openings[-1], fall=at))
    return (*openings, Opening(at))[-MOST:]


def unclaimed(openings: tuple[Opening, ...], began: float, at: float) -> int:
    """Return how many openings about this time are left."""
    return sum(_is_about(o, began, at) and o.claimed < 0.5 for o in openings)  # noqa: PLR2004  more likely than not


def claim(openings: tuple[Opening, ...], began: float, at: float, chance: float) -> tuple[tuple[Opening, ...], bool]:
    """Let a vehicle of this chance claim the first opening that is left; return what is left, and whether one was."""
    for i, opening in enumerate(openings):
        if _is_about(opening, began, at) and opening.claimed < 0.5:  # noqa: PLR2004  more likely than not
            return (*openings[:i], replace(opening, claimed=opening.claimed + chance), *openings[i + 1 :]), True
    return openings, False


def due(openings: tuple[Opening, ...]) -> float | None:
    """When the first opening is to be settled; None: none is kept."""
    return _settles(openings[0]) if openings else None


def settled(openings: tuple[Opening, ...], at: float) -> tuple[tuple[Opening, ...], tuple[Opening, ...]]:
    """Return the openings that go on, and those that are over by ``at`` and that nobody claimed in full."""
    over = tuple(o for o in openings if _settles(o) <= at)
    left = tuple(o for o in over if o.claimed < 1 and o.fall is not None and o.fall - o.rise < HELD_S)
    return tuple(o for o in openings if _settles(o) > at), left


def odds(learned: Learned, left: int, *, vehicles: int = 1) -> float:
    """Return how much likelier ``left`` openings are if so many vehicles pass than if one fewer does."""
    opens = learned.opens
    return opens / IDLE_OPENING if left >= vehicles else (1 - opens) / (1 - IDLE_OPENING)


def unseen(learned: Learned) -> float:
    """Return the chance that an opening which nobody claimed was a vehicle."""
    return min(UNSEEN_SURE, UNSEEN_AT_MOST / learned.left_open) * learned.opens


def _settles(opening: Opening) -> float:
    return (opening.rise + HELD_S if opening.fall is None else opening.fall) + SETTLES_S


def _is_about(opening: Opening, began: float, at: float) -> bool:
    return opening.rise <= at + EARLY_S and (opening.fall is None or opening.fall >= began - EARLY_S)
