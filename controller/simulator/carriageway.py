"""One lane: who drives through when, what its loops sense of it, and its barrier.

Vehicles in one direction follow one another, as close as ``motion.behind`` lets them; one that comes from the other
side, or that drives back, has the lane to itself. A barrier's arm is between the loops: a driver stands before it until
it opens, and it falls behind the vehicle, unless another one tailgates.
"""

import math
import random
from dataclasses import dataclass

from controller.simulator.manoeuvres import GONE_M, Manners, Style, Way, way_of
from controller.simulator.motion import Course, Path, behind
from controller.simulator.scenario_tables import LaneTable, Scenario
from controller.simulator.vehicles import Span, Vehicle

RISE_S = 1.0
"""How long an arm takes to be out of the way; its contact closes when it is up."""
CLOSE_REACTION_S = 0.1
"""How soon somebody bumper to bumper does what the leader does."""
FALL_S = 1.5
"""How long after a vehicle has passed the arm falls."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What one vehicle does in a lane, from ``starts_s`` to ``clear_s``; its detectors cover the spans (s) given."""

    path: Path
    starts_s: float
    passed_s: float
    """When its tail leaves the last loop on its way out of the lane, on either side."""
    clear_s: float
    first: tuple[Span, ...]
    second: tuple[Span, ...]
    arm: Span | None = None
    """When the arm is up for it."""


@dataclass(frozen=True, slots=True)
class _Leader:
    """Who is in the lane last."""

    path: Path
    inward: bool
    reverses: bool
    length_m: float
    clear_s: float


class Carriageway:
    """A lane; ``ready_s`` says when the next one may start, ``go`` lets it."""

    def __init__(self, name: str, table: LaneTable, scenario: Scenario, rng: random.Random) -> None:
        self.name = name
        self.table = table
        self._way: Way = way_of(scenario.geometry, has_arm=table.barrier)
        self._approach_m = scenario.geometry.approach_m
        self._driving = scenario.driving
        self._behaviour = scenario.behaviour
        self._manners = Manners(scenario.driving, scenario.behaviour)
        self._rng = rng
        self._leader: _Leader | None = None
        self._arm_falls_s = -math.inf

    @property
    def detectors(self) -> list[str]:
        """Names of its detectors, street side first."""
        return [f"{self.name}.{role}" for role in self.table.roles]

    def loops(self, *, inward: bool) -> tuple[str, str]:
        """Return the names of the first and the second loop on the way."""
        outer, inner = f"{self.name}.outer", f"{self.name}.inner"
        return (outer, inner) if inward else (inner, outer)

    def ready_s(self, now_s: float, *, inward: bool, style: Style) -> float:
        """Return when somebody who is at the lane now may start: a follower at once, others when it is clear."""
        leader = self._leader
        if leader is None or now_s >= leader.clear_s:
            return now_s
        if leader.inward is inward and not leader.reverses and not style.reverses:
            # Once the leader's tail is on the loops, its follower has reached the place where movements begin.
            return max(now_s, leader.path.when(leader.length_m - self._approach_m[0] + self._driving.jam_gap_m[1]))
        return leader.clear_s + 0.5

    def go(self, now_s: float, vehicle: Vehicle, *, inward: bool, style: Style, close: bool = False) -> Crossing:
        """Let a vehicle start at ``now_s`` (not before ``ready_s``); return all that it is going to do.

        ``close``: it drives bumper to bumper with its leader, and with it through a barrier, whatever chance says.
        """
        rng, limit = self._rng, None
        leader = self._leader if self._leader is not None and now_s < self._leader.clear_s else None
        start_m = -rng.uniform(*self._approach_m)
        if leader is not None:
            spacing = leader.length_m + rng.uniform(*self._driving.jam_gap_m)
            reaction_s = rng.uniform(*self._driving.reaction_s)
            if rng.random() < self._driving.close or close:
                reaction_s = CLOSE_REACTION_S
            limit = leader.path.shifted(reaction_s, spacing)
            start_m = min(start_m, limit.at(now_s))
        tailgates = (
            leader is not None
            and now_s < self._arm_falls_s
            and style is Style.PASS
            and (rng.random() < self._behaviour.tailgate or close)
        )
        opens_s = None
        course = Course(now_s, start_m)
        if self.table.barrier and style is not Style.TURN_AT_ONE and not tailgates:
            opens_s = self._stop_before_arm(course, limit)
        path = self._manners.draw(course, self._way, vehicle, style, rng).path()
        if limit is not None:
            path = behind(path, limit)
        return self._begin(path, vehicle, inward=inward, style=style, opens_s=opens_s, tailgates=tailgates)

    def _stop_before_arm(self, course: Course, limit: Path | None) -> float:
        """Drive up to the arm and wait for it; return when it begins to be up."""
        rng, arm = self._rng, self._way.arm_m
        course.drive(arm, rng.uniform(*self._driving.speed_m_s))
        there_s = max(course.now_s, -math.inf if limit is None else limit.when(arm))
        opens_s = max(there_s, self._arm_falls_s + 0.3) + rng.uniform(*self.table.pause_s)
        course.wait(opens_s + 0.2 - course.now_s)
        return opens_s

    def _begin(
        self, path: Path, vehicle: Vehicle, *, inward: bool, style: Style, opens_s: float | None, tailgates: bool
    ) -> Crossing:
        way, length = self._way, vehicle.length_m
        first, second = (covered(path, vehicle, loop) for loop in (way.first, way.second))
        ends = [end for _, end in (*first, *second)]
        passed_s = max(ends, default=path.times[-1])
        clear_s = path.when(way.passed_m(length) + GONE_M) if style.passes else path.times[-1]
        arm = None
        if tailgates or opens_s is not None:
            falls_s = passed_s + FALL_S
            arm = (path.times[0] if opens_s is None else opens_s, falls_s)
            self._arm_falls_s = falls_s
        self._leader = _Leader(path, inward, style.reverses, length, clear_s)
        return Crossing(path, path.times[0], passed_s, clear_s, first, second, arm)


def covered(path: Path, vehicle: Vehicle, loop: Span) -> tuple[Span, ...]:
    """Return when the vehicle covers a loop; a moment between two bodies in which one of them does is no gap."""
    spans = sorted(s for front, back in vehicle.bodies for s in path.spans(loop[0] + front, loop[1] + back))
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
