"""Kinds of vehicles, and what a loop senses of each: one body, or two with a drawbar between them."""

import random
from dataclasses import dataclass
from enum import StrEnum

from controller.simulator.scenario_tables import VehiclesTable

Span = tuple[float, float]
"""From and to (m); along a vehicle, behind its nose."""


class Kind(StrEnum):
    """What sort of vehicle."""

    CAR = "car"
    VAN = "van"
    MOTORCYCLE = "motorcycle"
    TRAILER = "trailer"
    """A car with a trailer."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle; ``number`` only tells it from the others."""

    number: int
    kind: Kind
    bodies: tuple[Span, ...]
    """What loops sense of it, front to back."""

    @property
    def length_m(self) -> float:
        """From bumper to bumper, trailer and all."""
        return self.bodies[-1][1]


def draw(number: int, table: VehiclesTable, rng: random.Random) -> Vehicle:
    """Return some vehicle, by the weights and sizes of the table."""
    weights = (table.car, table.van, table.motorcycle, table.trailer)
    kind = rng.choices((Kind.CAR, Kind.VAN, Kind.MOTORCYCLE, Kind.TRAILER), weights)[0]
    sizes = {Kind.CAR: table.car_m, Kind.VAN: table.van_m, Kind.MOTORCYCLE: table.motorcycle_m}
    length = rng.uniform(*sizes.get(kind, table.car_m))
    if kind is not Kind.TRAILER:
        return Vehicle(number, kind, ((0.0, length),))
    hitch = length + rng.uniform(*table.drawbar_m)
    return Vehicle(number, kind, ((0.0, length), (hitch, hitch + rng.uniform(*table.trailer_m))))
