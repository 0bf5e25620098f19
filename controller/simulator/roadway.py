"""Vehicles on a lane as bodies that move, so that the order and the overlap of detector edges come out of geometry.

Theory of operation. A lane is a line: x = 0 is the street edge of its first loop, and x grows inwards. A loop covers
an interval of it, a vehicle covers another, and the loop is occupied while the two overlap. Vehicles that go together
are a convoy: a rigid train that follows a path (drive this far, wait, drive back ...). A lane carries one convoy at a
time; the others wait their turn. With a barrier, a convoy stops at the arm until it is up. Speeds are constant and
nobody changes lanes.

A vehicle has crossed when its tail left the last loop on its way, which is when a counter can know of it. One that
turns back ends where it came from.
"""

from collections import deque
from dataclasses import dataclass, field

from controller.domain.specs import DetectorSpec, LaneSpec

Span = tuple[float, float]
"""From and to (m) along the lane, from the street inwards."""

ARM_UP = 0.9
"""From here on a barrier's arm counts as up; between two convoys it dips a little without falling."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of a lane. The defaults are the usual pair of 2 m loops, 1 m apart."""

    loop_m: float = 2.0
    gap_m: float = 1.0
    approach_m: float = 3.0
    """How far before its first loop a convoy starts, and how far behind its last one it is gone."""
    arm_s: float = 0.8
    """How long the barrier takes to rise, and to fall."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle; ``number`` only tells it from the others."""

    number: int
    length_m: float


@dataclass(slots=True)
class Convoy:
    """Vehicles (the first leads) that move as one, ``gap_m`` apart, in or out."""

    vehicles: tuple[Vehicle, ...]
    inward: bool
    speed_m_s: float
    gap_m: float = 0.0
    turns_at_m: float | None = None
    """Where (m behind the edge of the first loop on its way) the nose stops and the convoy drives back; None: never."""
    pause_s: float = 1.0
    """How long it stands before it drives back."""
    travelled_m: float = 0.0
    crossed: int = 0
    """How many of its vehicles have left the last loop."""

    @property
    def length_m(self) -> float:
        """From the first bumper to the last."""
        return sum(v.length_m for v in self.vehicles) + self.gap_m * (len(self.vehicles) - 1)

    def tails_m(self) -> list[float]:
        """How far behind the convoy's nose each vehicle ends."""
        tails, end = [], 0.0
        for vehicle in self.vehicles:
            tails.append(end + vehicle.length_m)
            end += vehicle.length_m + self.gap_m
        return tails


@dataclass(slots=True)
class Roadway:
    """One lane with its loops, its barrier, the convoy on it and those that wait."""

    lane: LaneSpec
    geometry: Geometry = Geometry()
    waiting: deque[Convoy] = field(default_factory=deque)
    convoy: Convoy | None = None
    arm: float = 0.0
    """How far the barrier's arm is up, 0-1."""
    _backing: bool = False
    _pause_left_s: float = 0.0

    @property
    def loops(self) -> dict[str, Span]:
        """Where the lane's loops lie."""
        size, step = self.geometry.loop_m, self.geometry.loop_m + self.geometry.gap_m
        loops = [d for d in (self.lane.outer, self.lane.inner, self.lane.loop) if d is not None]
        return {d.name: (i * step, i * step + size) for i, d in enumerate(loops)}

    @property
    def end_m(self) -> float:
        """The inner edge of the last loop."""
        return max(end for _, end in self.loops.values())

    @property
    def convoys(self) -> list[Convoy]:
        """The convoy on the lane, and those that wait."""
        return [*([] if self.convoy is None else [self.convoy]), *self.waiting]

    @property
    def coming(self) -> int:
        """How many vehicles are on their way in."""
        return sum(len(c.vehicles) - c.crossed for c in self.convoys if c.inward and c.turns_at_m is None)

    def covered(self, detector: DetectorSpec) -> bool:
        """Whether a vehicle is over this loop; for the barrier contact, whether the arm is up."""
        if detector == self.lane.barrier:
            return self.arm >= ARM_UP
        start, end = self.loops[detector.name]
        return any(low < end and high > start for low, high in self.bodies())

    def bodies(self) -> list[Span]:
        """Where the vehicles on the lane are."""
        convoy = self.convoy
        if convoy is None:
            return []
        spans = []
        for vehicle, tail in zip(convoy.vehicles, convoy.tails_m(), strict=True):
            far = convoy.travelled_m - self.geometry.approach_m - tail
            near = far + vehicle.length_m
            spans.append((far, near) if convoy.inward else (self.end_m - near, self.end_m - far))
        return spans

    def step(self, dt_s: float) -> list[tuple[Vehicle, bool]]:
        """Move everything on by ``dt_s``; return who went off the loops for good, with True for the inner end."""
        self._move_arm(dt_s)
        if self.convoy is None:
            if not self.waiting:
                return []
            self.convoy, self._backing, self._pause_left_s = self.waiting.popleft(), False, 0.0
        convoy = self.convoy
        self._move(convoy, dt_s)
        off = [(vehicle, convoy.inward) for vehicle in self._newly_crossed(convoy)]
        if self._is_gone(convoy):
            self.convoy = None
            off += [(vehicle, not convoy.inward) for vehicle in convoy.vehicles[convoy.crossed :]]
        return off

    def _move_arm(self, dt_s: float) -> None:
        if self.lane.barrier is None:
            return
        change = dt_s / self.geometry.arm_s
        self.arm = min(1.0, self.arm + change) if self.convoy is not None else max(0.0, self.arm - change)

    def _move(self, convoy: Convoy, dt_s: float) -> None:
        if self._pause_left_s > 0:
            self._pause_left_s -= dt_s
            return
        if self._backing:
            convoy.travelled_m -= convoy.speed_m_s * dt_s
            return
        before, after = convoy.travelled_m, convoy.travelled_m + convoy.speed_m_s * dt_s
        if self.lane.barrier is not None and self.arm < ARM_UP:
            # The arm is half-way between the loops' outer edges; the nose stops before it.
            line = self.geometry.approach_m + self.end_m / 2 - 0.3
            after = min(after, max(before, line))
        if convoy.turns_at_m is not None:
            turn = self.geometry.approach_m + convoy.turns_at_m
            if after >= turn:
                after, self._backing, self._pause_left_s = turn, True, convoy.pause_s
        convoy.travelled_m = after

    def _newly_crossed(self, convoy: Convoy) -> tuple[Vehicle, ...]:
        past = convoy.travelled_m - self.geometry.approach_m - self.end_m
        done = sum(1 for tail in convoy.tails_m() if tail < past)
        new = convoy.vehicles[convoy.crossed : done]
        convoy.crossed = max(convoy.crossed, done)
        return new

    def _is_gone(self, convoy: Convoy) -> bool:
        if self._backing:
            return convoy.travelled_m <= 0
        return convoy.travelled_m >= 2 * self.geometry.approach_m + self.end_m + convoy.length_m
