"""Vehicles as rigid bodies over a pair of loops: what they do, when the loops see it, and what should be counted.

The nose of a vehicle is at x, x = 0 is the near edge of the first loop on its way; loops are ``loop_m`` long and
``gap_m`` apart. Everything is told in the order first, second loop of that vehicle; ``inward`` says which is which.
"""

from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from controller.domain.events import DetectorChanged
from controller.domain.specs import MAX_GAP_S


@dataclass(frozen=True)
class Geometry:
    loop_m: float
    gap_m: float

    @property
    def second_m(self) -> float:
        """Where the second loop begins."""
        return self.loop_m + self.gap_m

    @property
    def end_m(self) -> float:
        return self.second_m + self.loop_m


@dataclass(frozen=True)
class Vehicle:
    """Drives through, or in to ``turns_at`` (0-1 of the way on which it still covers a loop), waits, and back out."""

    inward: bool
    length_m: float
    speed: float
    headway_s: float
    turns_at: float | None = None
    pause_s: float = 1.0
    back_speed: float = 1.0


Edge = tuple[float, bool, bool]
"""Time, whether it is the vehicle's first loop, covered."""


def geometries() -> st.SearchStrategy[Geometry]:
    return st.builds(Geometry, loop_m=st.floats(1.5, 2.5), gap_m=st.floats(0.5, 1.5))


def vehicles(*, backing: bool = True) -> st.SearchStrategy[Vehicle]:
    """Nobody drives faster back than on."""
    built = st.builds(
        Vehicle,
        inward=st.booleans(),
        length_m=st.floats(3.5, 6.0),
        speed=st.floats(1.0, 8.0),
        headway_s=st.floats(0.3, 8.0),
        turns_at=st.none() | st.floats(0.02, 0.98) if backing else st.none(),
        pause_s=st.floats(0.5, 20.0),
        back_speed=st.floats(1.0, 3.0),
    )
    return built.map(lambda vehicle: replace(vehicle, back_speed=min(vehicle.back_speed, vehicle.speed)))


def _turning_point_m(geometry: Geometry, vehicle: Vehicle) -> float:
    return (vehicle.turns_at or 0.0) * (geometry.end_m + vehicle.length_m)


def edges(geometry: Geometry, vehicle: Vehicle, start: float) -> list[Edge]:
    """Return what the loops see of one vehicle whose nose reaches its first loop at ``start``."""
    found: list[Edge] = []
    for first, begin_m in ((True, 0.0), (False, geometry.second_m)):
        clear_m = begin_m + geometry.loop_m + vehicle.length_m
        on, off = start + begin_m / vehicle.speed, start + clear_m / vehicle.speed
        if vehicle.turns_at is None:
            found += [(on, first, True), (off, first, False)]
            continue
        turn_m = _turning_point_m(geometry, vehicle)
        turned = start + turn_m / vehicle.speed + vehicle.pause_s
        if turn_m <= begin_m:
            continue
        found.append((on, first, True))
        if turn_m >= clear_m:
            found += [(off, first, False), (turned + (turn_m - clear_m) / vehicle.back_speed, first, True)]
        found.append((turned + (turn_m - begin_m) / vehicle.back_speed, first, False))
    return sorted(found)


def touches_one_loop(geometry: Geometry, vehicle: Vehicle) -> bool:
    return vehicle.turns_at is not None and _turning_point_m(geometry, vehicle) <= geometry.second_m


def drive(lane: str, geometry: Geometry, traffic: list[Vehicle]) -> list[DetectorChanged]:
    """Let the vehicles go one after the other, each when the one before has left both loops for its headway.

    Somebody who touches one loop and turns back, and then somebody who does so from the other side, look like one
    vehicle that passes with a gap; those wait for each other for longer than a vehicle may take for that.
    """
    said: list[DetectorChanged] = []
    now, before = 0.0, None
    for vehicle in traffic:
        touched = before is not None and touches_one_loop(geometry, before) and touches_one_loop(geometry, vehicle)
        alike = before is not None and before.inward is vehicle.inward
        start = now + vehicle.headway_s + (MAX_GAP_S if touched and not alike else 0.0)
        for at, first, on in edges(geometry, vehicle, start):
            role = "outer" if first is vehicle.inward else "inner"
            said.append(DetectorChanged(f"{lane}.{role}", on, at))
            now = at
        before = vehicle
    return said


def convoy(
    lane: str, geometry: Geometry, *, inward: bool, speed: float, cars: list[tuple[float, float]]
) -> list[DetectorChanged]:
    """Let vehicles (length, gap behind) follow one another at one speed."""
    said: list[DetectorChanged] = []
    nose_at = 1.0
    for length_m, gap_m in cars:
        vehicle = Vehicle(inward, length_m, speed, 0.0)
        for at, first, on in edges(geometry, vehicle, nose_at):
            said.append(DetectorChanged(f"{lane}.{'outer' if first is inward else 'inner'}", on, at))
        nose_at += (length_m + gap_m) / speed
    return sorted(said, key=lambda event: event.at)


def truth(geometry: Geometry, traffic: list[Vehicle]) -> Counter[str]:
    """Say what should be counted; who touched one loop only is nobody."""
    kinds: Counter[str] = Counter()
    for vehicle in traffic:
        if vehicle.turns_at is None:
            kinds["entry" if vehicle.inward else "exit"] += 1
        elif not touches_one_loop(geometry, vehicle):
            kinds["back_out"] += 1
    return kinds
