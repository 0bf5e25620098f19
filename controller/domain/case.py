"""One step of a lane's automaton to be weighed: what is known of it, and the ways on from it.

``verdicts`` weighs the clear steps, ``unclear`` those that more than one story explains, ``lost`` those that a repeated
level gives away. All take a ``Case``, and return the lane after it and what passed.
"""

import math
from dataclasses import dataclass
from typing import Any

from controller.domain import barrier, suspicion
from controller.domain.crossing import PULSE_S, LaneState, Phase, Visit
from controller.domain.evidence import Judgement, Reading, judge, passage, taught
from controller.domain.frozen import changed
from controller.domain.learned import Learned, Pace, Times
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Direction, LaneSpec, Output, Role

Weighed = tuple[LaneState, tuple[Passage, ...]]

SLOW_S = 1.5
"""Who needs longer from one loop to the other may have waited in between."""
USUAL_GAPS = 0.3
"""From this chance of a gap between the loops on, gaps are usual."""


@dataclass(frozen=True, slots=True)
class Case:
    """One step to weigh: ``lane`` has its visits up to date, ``phase`` is where the table says it goes."""

    spec: LaneSpec
    lane: LaneState
    phase: Phase
    at: float

    @property
    def forward(self) -> int:
        """The change inside if the vehicle drives on, from F over S."""
        return 1 if self.lane.outer_first else -1

    @property
    def against(self) -> bool:
        """Whether that would be against a one-way lane."""
        return self.spec.direction is (Direction.EXIT if self.lane.outer_first else Direction.ENTRY)

    @property
    def f_role(self) -> Role:
        """The loop that is F."""
        return Role.OUTER if self.lane.outer_first else Role.INNER

    @property
    def s_role(self) -> Role:
        """The loop that is S."""
        return suspicion.other(self.f_role)

    @property
    def is_two(self) -> bool:
        """Whether F, then S after a gap, and then F again, were covered by two who met, and not by one and the next.

        One vehicle covers both loops, or leaves a gap, but not both; unless gaps are usual here, or all go one way.
        """
        one_way = self.spec.direction is not Direction.BOTH and not self.against
        return not self.lane.overlapped and not one_way and self.lane.learned.apart < USUAL_GAPS

    @property
    def only_pulsed(self) -> bool:
        """Whether F was covered for too short a time for a vehicle, without being declared a pulse output."""
        return self.lane.first.length_s <= PULSE_S and not self.pulses(self.f_role)

    def pulses(self, role: Role) -> bool:
        """Whether this loop is declared to have a pulse output."""
        detector = self.spec.outer if role is Role.OUTER else self.spec.inner
        return detector is not None and detector.output is Output.PULSE

    # What the lane has learned

    @property
    def pace(self) -> Pace:
        """How vehicles cover the loops that drive from F over S."""
        return self.lane.learned.pace(inward=self.lane.outer_first)

    def times(self, role: Role) -> Times:
        """How long such a vehicle covers this loop."""
        return self.pace.outer if role is Role.OUTER else self.pace.inner

    @property
    def unit_s(self) -> float:
        """About how long the vehicle needs from one loop to the other; not for how long it had waited on F before."""
        lane = self.lane
        return min(lane.second.on - lane.first.on, max(lane.first.off - lane.second.on, SLOW_S))

    @property
    def waited(self) -> bool:
        """Whether it covered both loops for much longer than vehicles do that drive on."""
        return math.log(self.stretched) > self.pace.body.most

    @property
    def stretched(self) -> float:
        """How many times longer it covered the loops than it needed from one to the other: the lesser of the two."""
        lane = self.lane
        lag_s, tail_s = lane.second.on - lane.first.on, lane.second.off - lane.first.off
        return stretched(lane.first.length_s, lag_s, lane.second.length_s, tail_s)

    @property
    def delay(self) -> float:
        """How many times longer the vehicle left S after F than it had reached S after F; at least 1.

        Who had waited on F, before a barrier or for others, is the faster behind it; that tells nothing.
        """
        lag_s = self.lane.second.on - self.lane.first.on
        if lag_s <= 0:  # a change was lost
            return 1.0
        return max((self.lane.second.off - self.lane.first.off) / max(lag_s, 0.01), 1.0)

    def visitors(self, role: Role) -> float:
        """How many drivers touch this loop only, for each passage, at this time."""
        return suspicion.visiting(self.spec, self.lane, role, self.at)

    def touching(self, role: Role, visit: Visit) -> float:
        """How many touch this loop only, for so long, and go, for each passage."""
        learned, on_s = self.lane.learned, visit.length_s
        people = learned.people(role) * learned.person.fits_closely(on_s)
        return people + self.visitors(role) * learned.visitor.fits_closely(on_s)

    def odds(self, began: float, at: float, *, vehicles: int = 1) -> float:
        """Return what the barrier says: how much likelier it is that so many vehicles pass than one fewer."""
        if self.spec.barrier is None:
            return 1.0
        left = barrier.unclaimed(self.lane.openings, began, at)
        return barrier.odds(self.lane.learned, left, vehicles=vehicles)

    def paced(self) -> Learned:
        """Learn from a clear passage, from F over S."""
        lane, inward, turning = self.lane, self.lane.outer_first, suspicion.turning(self.lane, self.at)
        learned, first_s, second_s = lane.learned.faded(turning=turning), lane.first.length_s, lane.second.length_s
        if not lane.overlapped or lane.beside or min(first_s, second_s) <= PULSE_S:
            return learned
        pace = self.pace
        lag_s, tail_s = max(lane.second.on - lane.first.on, 0.01), lane.second.off - lane.first.off
        outer_s, inner_s = (first_s, second_s) if inward else (second_s, first_s)
        pace = Pace(
            outer=pace.outer.learn(outer_s),
            inner=pace.inner.learn(inner_s),
            stretch=pace.stretch.learn(first_s / lag_s),
            body=pace.body.learn_moving(self.stretched),
            tail=pace.tail.learn(tail_s),
            even=pace.even.learn(self.delay),
        )
        learned = changed(learned, waits=learned.waits + self.waited)
        return changed(learned, inward=pace) if inward else changed(learned, outward=pace)

    # Ways on

    def go(self, **changes: Any) -> LaneState:
        """Return the lane in its next phase."""
        return changed(self.lane, **{"phase": self.phase, **changes})

    def on_s(self, **changes: Any) -> LaneState:
        """Begin anew with the vehicle on S, which came from that side: what was S is its first loop."""
        return changed(rest(self.lane), outer_first=not self.lane.outer_first, **changes)

    def through(self) -> Weighed:
        """Count a clear passage; nobody is behind it."""
        return changed(rest(self.lane), learned=self.paced()), (self.sure(),)

    def sure(self, *, tailgating: bool = False, doubt: str | None = None, at: float | None = None) -> Passage:
        """Return the vehicle through the lane, as sure as what was made of it before."""
        forward, chance = self.lane.outer_first, self.lane.sure
        return Passage(
            self.spec.name,
            PassageKind.ENTRY if forward else PassageKind.EXIT,
            self.at if at is None else at,
            self.lane.began,
            tailgating,
            self.against,
            doubt or self.lane.doubt,
            chance_in=chance if forward else 0.0,
            chance_out=0.0 if forward else chance,
        )

    def judged(
        self, readings: tuple[Reading, ...], began: float, *, at: float | None = None, seen_by: Role | None = None
    ) -> tuple[LaneState, Passage, Judgement]:
        """Judge an unclear vehicle: the lane that learned from it, the passage, and the chances."""
        judgement = judge(readings)
        turning = suspicion.turning(self.lane, self.at)
        learned = taught(self.spec, self.lane.learned, judgement, seen_by, turning=turning)
        said = passage(
            self.spec,
            judgement,
            self.at if at is None else at,
            began,
            seen_by=seen_by,
            outer_first=self.lane.outer_first,
        )
        return changed(self.lane, learned=learned), said, judgement


def stretched(first_s: float, lag_s: float, second_s: float, tail_s: float) -> float:
    """Return how many times longer a body covered the loops than it needed from one to the other, on and off (s)."""
    return max(min(first_s / max(lag_s, 0.01), second_s / max(tail_s, 0.01)), 0.01)


def rest(lane: LaneState) -> LaneState:
    """Return the idle lane with its tallies, and with all that it knows but of the vehicle that was watched."""
    return changed(
        lane,
        phase=Phase.IDLE,
        outer_first=True,
        began=0.0,
        first=_NEVER,
        second=_NEVER,
        follower_on=0.0,
        renewed=False,
        held=False,
        overlapped=False,
        pulsed_s=None,
        doubt=None,
        sure=1.0,
        f_gap_s=0.0,
        trailer_on=0.0,
        bump_s=0.0,
        beside=(),
        phase_due=None,
    )


_NEVER = Visit()


def on_f(lane: LaneState, since: float, *, outer_first: bool) -> LaneState:
    """Return the lane with a vehicle on F, its first loop, since then."""
    here = Visit(since, since)
    return changed(rest(lane), phase=Phase.FIRST, outer_first=outer_first, began=since, first=here)


def next_on_f(lane: LaneState) -> LaneState:
    """Return the lane with the leader gone and its follower on F."""
    return on_f(lane, lane.follower_on, outer_first=lane.outer_first)
