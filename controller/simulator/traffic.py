"""Cars as physics: who comes, parks and leaves, and what the lot's detectors and bay sensors make of it.

Pure: time is an argument and chance is a ``random.Random`` that is passed in, so that a seed and the same commands
reproduce a run exactly, however often ``step`` is called. Nothing here knows pins, MQTT or the count.

Ordinary demand is a birth and death process: vehicles come at a rate that swells and ebbs, each stays for an
exponential time, and who finds the lot full turns away. A zone without lanes is entered straight from the street.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

from controller.domain.specs import Direction, LaneSpec, LotSpec
from controller.simulator.parked import Parked, Stay
from controller.simulator.roadway import Convoy, Geometry, Roadway, Vehicle
from controller.simulator.sensors import Level, Sensor

STEP_S = 0.02
"""The grid of simulated time. A car at 4 m/s moves 8 cm in it."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Ordinary traffic; the defaults suit a small lot that somebody watches."""

    load: float = 0.85
    """Mean number of vehicles that would be inside if nobody turned away, as a share of the capacity."""
    dwell_s: float = 180.0
    """Mean time that a vehicle stays."""
    wave: float = 0.7
    """How far demand swings around its mean, 0-1 ..."""
    wave_s: float = 300.0
    """... and how long one swing takes."""

    def arrivals_per_s(self, capacity: int, now_s: float) -> float:
        """How many vehicles come to a zone of this capacity."""
        swing = 1 + self.wave * math.sin(2 * math.pi * now_s / self.wave_s)
        return self.load * capacity / self.dwell_s * swing


@dataclass(frozen=True, slots=True)
class Truth:
    """What really is, for whoever compares the count with it."""

    inside: dict[str, int]
    """Vehicles in each zone."""
    waiting: dict[str, int]
    """Vehicles on, or before, each lane."""
    stuck: dict[str, bool]
    """Jammed detectors, and the level at which they stick."""
    dead: tuple[str, ...]
    """Bay sensors that say nothing."""
    traffic: bool
    turned_away: int


class NoVehicleError(RuntimeError):
    """Nobody is there who could drive out."""


class Lot:
    """A lot with its traffic; ``step`` moves it on, the verbs make something happen in it.

    ``inside`` says how many vehicles stand in each zone at the start. Names are the site's; KeyError for others.
    """

    def __init__(
        self,
        spec: LotSpec,
        *,
        rng: random.Random,
        inside: Mapping[str, int] | None = None,
        geometry: Geometry | None = None,
        demand: Demand | None = None,
        heartbeat_s: float = 5.0,
    ) -> None:
        self._rng = rng
        self._demand = demand or Demand()
        self._ticks = 0
        self._vehicles = 0
        self._turned_away = 0
        self._traffic = True
        self._roads = {lane.name: Roadway(lane, geometry or Geometry()) for lane in spec.lanes}
        self._sensors = {d.name: Sensor(d.name, output=d.output) for lane in spec.lanes for d in lane.detectors}
        self._bays = {bay.name: Sensor(bay.name, heartbeat_s=heartbeat_s) for bay in spec.bays}
        self._parked = Parked(spec, rng)
        for zone, number in (inside or {}).items():
            for _ in range(number):
                self._parked.enter(self._vehicle(), zone, parks_at_s=0.0)
        self._parked.park(0.0)

    @property
    def now_s(self) -> float:
        """How far the lot has been moved on."""
        return self._ticks * STEP_S

    @property
    def truth(self) -> Truth:
        """What really is."""
        return Truth(
            inside={zone.name: self._parked.inside(zone.name) for zone in self._parked.zones},
            waiting={name: sum(len(c.vehicles) for c in road.convoys) for name, road in self._roads.items()},
            stuck={s.name: s.stuck for s in self._sensors.values() if s.stuck is not None},
            dead=tuple(s.name for s in self._bays.values() if s.dead),
            traffic=self._traffic,
            turned_away=self._turned_away,
        )

    def levels(self) -> list[Level]:
        """Return what every living sensor said last, for somebody who has not heard it."""
        sensors = [*self._sensors.values(), *self._bays.values()]
        return [sensor.said(self.now_s) for sensor in sensors if not sensor.dead]

    def step(self, now_s: float) -> list[Level]:
        """Move on to ``now_s``; return what was said on the way, in order. At first every sensor says its level."""
        said: list[Level] = []
        while (self._ticks + 1) * STEP_S <= now_s:
            self._ticks += 1
            for road in self._roads.values():
                for vehicle, inward in road.step(STEP_S):
                    self._cross(road.lane, vehicle, inward=inward)
            self._parked.park(self.now_s)
            if self._traffic:
                self._arrivals()
                self._departures()
            said += self._sense()
        return said

    def drive_in(self, lane: str | None = None) -> None:
        """Let a car come in, even into a full lot; NoVehicleError when it would have to come from an empty zone."""
        self._come(self._lane(lane, inward=True))

    def drive_out(self, lane: str | None = None) -> None:
        """Let a car that is inside leave; NoVehicleError when none is."""
        spec = self._lane(lane, inward=False)
        self._go(self._somebody(spec.zone), spec)

    def tailgate(self, lane: str | None = None) -> None:
        """Let two cars come in, the second on the outer loop before the first is off the inner one."""
        spec, gap_m = self._lane(lane, inward=True), self._rng.uniform(3.4, 4.2)
        self._send(spec, Convoy(self._newcomers(spec, 2), inward=True, speed_m_s=2.2, gap_m=gap_m))

    def back_out(self, lane: str | None = None) -> None:
        """Let a car come as far as the inner loop and drive back again."""
        spec, turns_at_m = self._lane(lane, inward=True), self._rng.uniform(3.4, 4.4)
        self._send(spec, Convoy(self._newcomers(spec, 1), inward=True, speed_m_s=2.2, turns_at_m=turns_at_m))

    def jam(self, detector: str, *, stuck: bool | None) -> None:
        """Make a loop or a barrier contact stick at a level; None mends it."""
        self._sensors[detector].stuck = stuck

    def kill_bay(self, bay: str, *, dead: bool) -> None:
        """Take a bay sensor's battery out, or put a new one in."""
        self._bays[bay].dead = dead

    def set_traffic(self, *, on: bool) -> None:
        """Start or stop ordinary demand; who is on a lane drives on."""
        self._traffic = on

    def _vehicle(self) -> Vehicle:
        self._vehicles += 1
        return Vehicle(self._vehicles, self._rng.uniform(4.2, 4.9))

    def _speed(self) -> float:
        return self._rng.uniform(2.5, 3.6)

    def _somebody(self, zone: str) -> Stay:
        standing = self._parked.standing(zone)
        if not standing:
            raise NoVehicleError(f"zone {zone!r} has nobody who could drive off")
        return self._rng.choice(standing)

    def _lane(self, name: str | None, *, inward: bool) -> LaneSpec:
        lanes = [road.lane for road in self._roads.values() if _leads(road.lane, inward=inward)]
        if name is None and lanes:
            return lanes[0]
        if name not in self._roads:
            raise KeyError(f"lane {name!r}: this lot has {', '.join(self._roads) or 'none'}")
        return self._roads[name].lane

    def _newcomers(self, lane: LaneSpec, number: int) -> tuple[Vehicle, ...]:
        """Return vehicles that want in: from the street, or out of the zone that the lane starts in."""
        if lane.from_zone is None:
            return tuple(self._vehicle() for _ in range(number))
        vehicles = []
        for _ in range(number):
            stay = self._somebody(lane.from_zone)
            self._parked.rise(stay)
            vehicles.append(stay.vehicle)
        return tuple(vehicles)

    def _come(self, lane: LaneSpec) -> None:
        self._send(lane, Convoy(self._newcomers(lane, 1), inward=True, speed_m_s=self._speed()))

    def _go(self, stay: Stay, lane: LaneSpec) -> None:
        self._parked.rise(stay)
        self._send(lane, Convoy((stay.vehicle,), inward=False, speed_m_s=self._speed()))

    def _send(self, lane: LaneSpec, convoy: Convoy) -> None:
        self._roads[lane.name].waiting.append(convoy)

    def _cross(self, lane: LaneSpec, vehicle: Vehicle, *, inward: bool) -> None:
        self._parked.leave(vehicle)
        into = lane.zone if inward else lane.from_zone
        if into is not None:
            self._parked.enter(vehicle, into, parks_at_s=self.now_s + self._rng.uniform(4.0, 10.0))

    def _arrivals(self) -> None:
        for zone in self._parked.zones:
            if self._rng.random() >= self._demand.arrivals_per_s(zone.capacity, self.now_s) * STEP_S:
                continue
            roads = [r for r in self._roads.values() if r.lane.zone == zone.name and _leads(r.lane, inward=True)]
            if self._parked.inside(zone.name) + sum(r.coming for r in roads) >= zone.capacity:
                self._turned_away += 1
            elif not roads:
                self._parked.enter(self._vehicle(), zone.name, parks_at_s=self.now_s)
            else:
                lane = self._rng.choice(roads).lane
                if lane.from_zone is None or self._parked.standing(lane.from_zone):
                    self._come(lane)

    def _departures(self) -> None:
        for zone in self._parked.zones:
            roads = [r for r in self._roads.values() if r.lane.zone == zone.name and _leads(r.lane, inward=False)]
            for stay in self._parked.standing(zone.name):
                if stay.space is None or self._rng.random() >= STEP_S / self._demand.dwell_s:
                    continue
                if roads:
                    self._go(stay, self._rng.choice(roads).lane)
                else:
                    self._parked.rise(stay)
                    self._parked.leave(stay.vehicle)

    def _sense(self) -> list[Level]:
        said = [
            self._sensors[detector.name].sense(self.now_s, covered=road.covered(detector))
            for road in self._roads.values()
            for detector in road.lane.detectors
        ]
        said += [self._bays[bay].sense(self.now_s, covered=taken) for bay, taken in self._parked.bays()]
        return [level for level in said if level is not None]


def _leads(lane: LaneSpec, *, inward: bool) -> bool:
    """Whether vehicles may use the lane this way."""
    return lane.direction is not (Direction.EXIT if inward else Direction.ENTRY)
