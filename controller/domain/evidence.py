"""What an unclear sequence may have been, how likely each reading is, and what a lane learns from that.

Theory of operation
-------------------
Where the automaton (``crossing``) meets a sequence that more than one story explains, it lists the stories as
``Reading``s: what each would change, and how often it comes to exactly this, for each passage: the learned rate of what
must have gone wrong (``learned``) times how well the times fit. Bayes' rule makes chances of these weights. The same
chances teach the lane (expectation maximisation, one case at a time): a reading of 0.7 counts 0.7 times.

A rate is never zero, and no times are impossible, so every story keeps some chance; what is below ``SURE`` is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from controller.domain.frozen import changed
from controller.domain.learned import FADE, Learned, Times
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Direction, LaneSpec, Role

SURE = 0.03
"""Readings less likely than this are dropped ..."""
TOLD = 0.01
"""... and those less likely than this are reckoned with, where nothing is dropped, but not spoken of."""


class What(StrEnum):
    """The stories that unclear sequences tell."""

    PASSED = "passed"
    MISSED_OUTER = "passed, and the outer loop missed it"
    MISSED_INNER = "passed, and the inner loop missed it"
    LOST_EDGE = "passed, and a change of a loop was lost"
    GAP = "passed, with a gap between the loops"
    BLIND = "passed over the only loop that works"
    AGAINST = "drove against the lane's direction"
    PERSON = "a person, a trolley, or noise"
    VISITOR = "somebody who turned away"
    BACKED = "backed out"
    SHUNTED = "one vehicle that moved to and fro"
    FOLLOWED = "one more vehicle, bumper to bumper"
    LONG = "one long vehicle"
    TRAILER = "a trailer"
    REREAD = "a level that was read again"
    OPENED = "the barrier opened for another reason"
    UNSEEN = "passed, and no loop saw it"


@dataclass(frozen=True, slots=True)
class Reading:
    """One story: what it is, its change inside (+1, 0, -1), and how often it comes to this, for each passage."""

    what: What
    change: int
    weight: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """Readings with their chances, which sum to 1."""

    readings: tuple[Reading, ...]

    @property
    def likeliest(self) -> Reading:
        """The reading with the highest chance; of equals the first."""
        return max(self.readings, key=lambda reading: reading.weight)

    def chance(self, change: int) -> float:
        """Return the chance that the number inside changed by this."""
        return min(1.0, sum(r.weight for r in self.readings if r.change == change))

    def of(self, what: What) -> float:
        """Return the chance of this story."""
        return sum(r.weight for r in self.readings if r.what is what)


def judge(readings: Sequence[Reading], *, sure: float = SURE) -> Judgement:
    """Apply Bayes' rule to readings (at least one of them with a weight above 0); drop those less likely than this."""
    total = sum(r.weight for r in readings)
    kept = [r for r in readings if r.weight >= sure * total]
    total = sum(r.weight for r in kept)
    return Judgement(tuple(replace(r, weight=r.weight / total) for r in kept))


def passage(
    spec: LaneSpec,
    judgement: Judgement,
    at: float,
    began: float,
    *,
    seen_by: Role | None = None,
    tailgating: bool = False,
    outer_first: bool = True,
) -> Passage:
    """Return what was judged: its kind is the likeliest change; where nothing changed, by the likeliest story."""
    chance_in, chance_out = judgement.chance(1), judgement.chance(-1)
    kind = kind_of(chance_in, chance_out)
    if kind is PassageKind.TOUCH and judgement.likeliest.what is What.BACKED:
        kind = PassageKind.BACK_OUT
    doubt = None if len(judgement.readings) == 1 and seen_by is None else doubts(judgement)
    return Passage(
        spec.name,
        kind,
        at,
        began,
        tailgating,
        is_against(spec, kind),
        doubt,
        chance_in=chance_in,
        chance_out=chance_out,
        seen_by=seen_by,
        turned=turned_away(spec, judgement, seen_by, outer_first=outer_first),
    )


def turned_away(spec: LaneSpec, judgement: Judgement, seen_by: Role | None, *, outer_first: bool) -> float:
    """Return the chance that it was a driver from outside who went away again."""
    if spec.direction is Direction.EXIT or seen_by is Role.INNER or (seen_by is None and not outer_first):
        return 0.0
    return min(1.0, judgement.of(What.VISITOR) + judgement.of(What.BACKED))


def kind_of(chance_in: float, chance_out: float) -> PassageKind:
    """Return what it most likely was: a passage is one if it is likely, and known which way."""
    likelier, other = max(chance_in, chance_out), min(chance_in, chance_out)
    if likelier <= max(0.5, 2 * other):
        return PassageKind.TOUCH
    return PassageKind.ENTRY if chance_in > chance_out else PassageKind.EXIT


def is_against(spec: LaneSpec, kind: PassageKind) -> bool:
    """Whether this is a passage against the direction of a one-way lane."""
    if spec.direction is Direction.BOTH or kind not in {PassageKind.ENTRY, PassageKind.EXIT}:
        return False
    return spec.direction.value != kind.value


def doubts(judgement: Judgement) -> str:
    """Say the stories with their chances, the likeliest first."""
    ordered = sorted(judgement.readings, key=lambda reading: -reading.weight)
    return "; or ".join(f"{r.what} ({r.weight:.0%})" for r in ordered if r.weight >= TOLD)


def alone(
    spec: LaneSpec,
    learned: Learned,
    role: Role,
    on_s: float,
    *,
    visitors: float,
    other_is_blind: bool = False,
) -> tuple[Reading, ...]:
    """Return what it may have been that only the loop ``role`` saw, for ``on_s``.

    ``visitors`` is how many drivers touch this loop only, for each passage.
    """
    inner = role is Role.OUTER
    story = What.BLIND if other_is_blind else (What.MISSED_INNER if inner else What.MISSED_OUTER)
    missed = 1.0 if other_is_blind else learned.missed(Role.INNER if inner else Role.OUTER)
    readings = []
    for inward, share in ((True, share_inward(spec, learned)), (False, 1 - share_inward(spec, learned))):
        pace = learned.pace(inward=inward)
        usual = pace.outer if role is Role.OUTER else pace.inner
        fits = usual.fits(on_s) if other_is_blind else unseen(usual, on_s)
        readings.append(Reading(story, 1 if inward else -1, missed * share * fits))
    readings.append(Reading(What.PERSON, 0, learned.people(role) * learned.person.fits_closely(on_s)))
    readings.append(Reading(What.VISITOR, 0, visitors * learned.visitor.fits_closely(on_s)))
    if other_is_blind:  # who went on to the other loop and came back is not told from who drove on
        readings.append(Reading(What.BACKED, 0, learned.backed * sum(r.weight for r in readings if r.change)))
    return tuple(readings)


SHORT = 0.3
"""Which share of the vehicles that a loop misses are motorcycles and the like ..."""
SHORTER = 1.5
"""... and how many times shorter they cover a loop."""


def unseen(usual: Times, on_s: float) -> float:
    """Return how well the time on one loop fits a vehicle that the other loop missed."""
    return (1 - SHORT) * usual.fits(on_s) + SHORT * usual.fits(on_s * SHORTER)


def share_inward(spec: LaneSpec, learned: Learned) -> float:
    """Return the chance that a vehicle in this lane drives in, before anything was seen of it."""
    match spec.direction:
        case Direction.ENTRY:
            return 1 - learned.against
        case Direction.EXIT:
            return learned.against
        case Direction.BOTH:
            return 0.5


def taught(spec: LaneSpec, learned: Learned, judgement: Judgement, seen_by: Role | None, *, turning: bool) -> Learned:
    """Learn from an unclear case what it most likely was, each reading by its chance."""
    moved = 1 - judgement.chance(0)
    fade = FADE**moved
    against = {Direction.ENTRY: -1, Direction.EXIT: 1, Direction.BOTH: 9}[spec.direction]
    inner = seen_by is Role.INNER
    people, visitors = judgement.of(What.PERSON), judgement.of(What.VISITOR)
    return changed(
        learned,
        passages=learned.passages * fade + moved,
        gaps=learned.gaps * fade + judgement.of(What.GAP),
        wrong_way=learned.wrong_way * fade + (judgement.chance(against) if seen_by is None else 0.0),
        back_outs=learned.back_outs * fade + judgement.of(What.BACKED),
        missed_outer=learned.missed_outer * fade + judgement.of(What.MISSED_OUTER),
        missed_inner=learned.missed_inner * fade + judgement.of(What.MISSED_INNER),
        lost_edges=learned.lost_edges * fade + judgement.of(What.LOST_EDGE),
        people_outer=learned.people_outer * fade + (0.0 if inner else people),
        people_inner=learned.people_inner * fade + (people if inner else 0.0),
        visitors_outer=learned.visitors_outer * fade + (0.0 if inner else visitors),
        visitors_inner=learned.visitors_inner * fade + (visitors if inner else 0.0),
        busy_passages=learned.busy_passages * fade + (moved if turning else 0.0),
        busy_visitors=learned.busy_visitors * fade + (visitors if turning and not inner else 0.0),
        repeats=learned.repeats * fade + judgement.of(What.REREAD),
    )
