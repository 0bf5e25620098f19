"""What drivers do in a lane, drawn as courses over its two loops.

Distances are in the direction of travel, 0 at the edge of the first loop on the way: the outer one on coming, the inner
one on leaving. Chance comes in as a ``random.Random``.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from controller.simulator.motion import Course
from controller.simulator.scenario_tables import BehaviourTable, DrivingTable, GeometryTable
from controller.simulator.vehicles import Span, Vehicle

GONE_M = 2.0
"""So far behind the last loop a vehicle is out of the lane."""


class Style(StrEnum):
    """What a driver does in the lane."""

    PASS = "pass"  # noqa: S105  driving, no secret
    STOP = "stop"
    """Passes, but stops on the loops."""
    WAIT = "wait"
    """Passes, but waits with its front past the second loop for the street's traffic."""
    MANOEUVRE = "manoeuvre"
    """Passes, after some to and fro."""
    TURN_AT_ONE = "turn_at_one"
    """Turns back after the first loop."""
    TURN_AT_BOTH = "turn_at_both"
    """Turns back after having reached both."""

    @property
    def passes(self) -> bool:
        """Whether the vehicle ends on the other side."""
        return self not in {Style.TURN_AT_ONE, Style.TURN_AT_BOTH}

    @property
    def reverses(self) -> bool:
        """Whether it drives back at some time, so that nobody can follow closely."""
        return self in {Style.MANOEUVRE, Style.TURN_AT_ONE, Style.TURN_AT_BOTH}


@dataclass(frozen=True, slots=True)
class Way:
    """A lane as a driver meets it. Where the two loops sense, along the way."""

    first: Span
    second: Span
    has_arm: bool = False

    @property
    def arm_m(self) -> float:
        """Where a driver stands before a barrier that is between the loops."""
        return (self.first[1] + self.second[0]) / 2 - 0.5

    def passed_m(self, length_m: float) -> float:
        """Where the nose is when the tail leaves the second loop."""
        return self.second[1] + length_m


def way_of(geometry: GeometryTable, *, has_arm: bool = False) -> Way:
    """Return the way through a lane; it is the same in both directions."""
    step, reach = geometry.loop_m + geometry.gap_m, geometry.field_m
    return Way((-reach, geometry.loop_m + reach), (step - reach, step + geometry.loop_m + reach), has_arm)


@dataclass(frozen=True, slots=True)
class Manners:
    """How drivers drive: what the scenario says of it."""

    driving: DrivingTable
    behaviour: BehaviourTable

    def draw(self, course: Course, way: Way, vehicle: Vehicle, style: Style, rng: random.Random) -> Course:
        """Drive the vehicle through, or back to where ``course`` begins."""
        speed, back = rng.uniform(*self.driving.speed_m_s), rng.uniform(*self.driving.back_m_s)
        passed = way.passed_m(vehicle.length_m)
        start, here, end = course.start_m, course.place_m, passed + GONE_M
        match style:
            case Style.PASS:
                return course.drive(max(here, rng.uniform(0, passed)), speed).drive(end, speed * rng.uniform(0.75, 1.3))
            case Style.STOP:
                at = max(here, rng.uniform(way.first[0] + 0.3, passed - 0.3))
                return course.halt(at, speed, rng.uniform(*self.behaviour.stop_s)).drive(end, speed)
            case Style.WAIT:
                at = way.second[1] + rng.uniform(-0.5, 1.5)
                return course.halt(at, speed, rng.uniform(*self.behaviour.wait_s)).drive(end, speed)
            case Style.MANOEUVRE:
                for _ in range(rng.choice((1, 1, 2))):
                    turn = rng.uniform(max(here, way.first[0] + 1.0), passed - 0.5)
                    course.drive(turn, speed).wait(rng.uniform(0.4, 3.0))
                    course.drive(max(0.0, turn - rng.uniform(0.5, 3.5)), back).wait(rng.uniform(0.4, 2.0))
                return course.drive(end, speed)
            case Style.TURN_AT_ONE:
                turn = rng.uniform(way.first[0] + 0.4, way.arm_m if way.has_arm else way.second[0] - 0.2)
            case Style.TURN_AT_BOTH:
                turn = rng.uniform(way.second[0] + 0.4, passed - 0.4)
        return course.drive(turn, speed * 0.8).wait(rng.uniform(0.5, 6.0)).drive(start, back)
