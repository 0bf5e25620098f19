"""Who is inside each zone, and in which space: a list of vehicles, not a number.

A vehicle that came in takes a space a few seconds later; one that finds none circles and looks again. The first spaces
of a zone are the ones with a bay sensor.
"""

import random
from dataclasses import dataclass, field

from controller.domain.specs import LotSpec, ZoneSpec
from controller.simulator.roadway import Vehicle

CIRCLE_S = 5.0
"""How long a vehicle without a space drives around before it looks again."""


@dataclass(slots=True, eq=False)
class Stay:
    """One vehicle inside a zone."""

    vehicle: Vehicle
    zone: str
    parks_at_s: float
    space: int | None = None
    leaving: bool = False
    """It is on its way to a lane."""


@dataclass(slots=True)
class _Zone:
    spec: ZoneSpec
    bays: tuple[str, ...]
    taken: set[int] = field(default_factory=set)


class Parked:
    """The vehicles inside all zones of a lot."""

    def __init__(self, spec: LotSpec, rng: random.Random) -> None:
        self._rng = rng
        self._stays: list[Stay] = []
        self._zones = {
            zone.name: _Zone(zone, tuple(bay.name for bay in spec.bays if bay.zone == zone.name)) for zone in spec.zones
        }

    @property
    def zones(self) -> list[ZoneSpec]:
        """All zones."""
        return [zone.spec for zone in self._zones.values()]

    def inside(self, zone: str) -> int:
        """How many vehicles are in the zone, those on their way out as well."""
        return sum(1 for stay in self._stays if stay.zone == zone)

    def standing(self, zone: str) -> list[Stay]:
        """Return those who are in the zone and not on their way out."""
        return [stay for stay in self._stays if stay.zone == zone and not stay.leaving]

    def bays(self) -> list[tuple[str, bool]]:
        """Return each bay's name and whether a vehicle stands in it."""
        return [(bay, i in zone.taken) for zone in self._zones.values() for i, bay in enumerate(zone.bays)]

    def enter(self, vehicle: Vehicle, zone: str, parks_at_s: float) -> None:
        """Take a vehicle in; KeyError for an unknown zone."""
        self._stays.append(Stay(vehicle, self._zones[zone].spec.name, parks_at_s))

    def rise(self, stay: Stay) -> None:
        """Let a vehicle start: its space is free, but it is still inside."""
        self._zones[stay.zone].taken -= {stay.space}
        stay.space, stay.leaving = None, True

    def leave(self, vehicle: Vehicle) -> None:
        """Let a vehicle be gone; one that never was inside changes nothing."""
        self._stays = [stay for stay in self._stays if stay.vehicle != vehicle]

    def park(self, now_s: float) -> None:
        """Let everyone whose time has come take a space."""
        for stay in self._stays:
            if stay.space is None and not stay.leaving and stay.parks_at_s <= now_s:
                zone = self._zones[stay.zone]
                free = [space for space in range(zone.spec.capacity) if space not in zone.taken]
                if free:
                    stay.space = self._rng.choice(free)
                    zone.taken.add(stay.space)
                else:
                    stay.parks_at_s = now_s + CIRCLE_S
