"""The tables of a scenario file: keys, types, bounds and defaults. ``scenario`` reads the file and says what is wrong.

A *share* is 0-1 of what the comment names; ``[low, high]`` is a range from which each case draws evenly. Times are in
the unit of the key's name, hours of the day in lot time (t = 0 is a Monday, 00:00).
"""

import fnmatch
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from controller.simulator.demand_tables import DemandTable, GroupTable
from controller.simulator.scenario_types import Amount, DayHours, Name, Range, Share, Speeds, Table


class LotTable(Table):
    """``[lot]``."""

    zone: Name = "customers"
    capacity: int = Field(ge=1, le=20_000)
    full_at: int = Field(default=0, ge=0, le=20_000)
    start_known: bool = True
    """Whether the site file says how many are inside at the start."""

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.full_at >= self.capacity:
            raise ValueError(f"full_at = {self.full_at} must be below capacity = {self.capacity}")
        return self


class LaneTable(Table):
    """``[lane.NAME]``: two loops, the outer one on the street side."""

    direction: Literal["entry", "exit", "both"]
    barrier: bool = False
    pause_s: Range = (2.0, 8.0)
    """How long a driver stands before the barrier until it opens: ticket, or a sensor's delay."""
    worse: float = Field(default=1.0, ge=0, le=100)
    """Factor on all rates of ``[errors]`` in this lane."""

    @property
    def roles(self) -> tuple[str, ...]:
        """What its detectors are for, street side first."""
        return ("outer", "inner", "barrier") if self.barrier else ("outer", "inner")


class GeometryTable(Table):
    """``[geometry]``."""

    loop_m: float = Field(default=2.0, gt=0, le=20)
    gap_m: float = Field(default=1.0, ge=0, le=50)
    """Between the two loops."""
    field_m: float = Field(default=-0.3, ge=-5, le=5)
    """How far beyond its wire a loop senses a bumper; below zero: how far the bumper must reach over it. With -0.3 a
    2 m loop does not release between vehicles closer than 1.4 m."""
    approach_m: Range = (4.0, 7.0)
    """How far before the first loop a movement begins."""

    @model_validator(mode="after")
    def _senses(self) -> Self:
        if self.loop_m + 2 * self.field_m <= 0:
            raise ValueError(f"field_m = {self.field_m} leaves nothing of a loop of {self.loop_m} m that senses")
        return self


class VehiclesTable(Table):
    """``[vehicles]``: weights of the kinds, and their sizes (m)."""

    car: Amount = 0.915
    van: Amount = 0.06
    motorcycle: Amount = 0.015
    trailer: Amount = 0.01
    """A car with a trailer."""
    car_m: Range = (3.6, 4.9)
    van_m: Range = (5.0, 6.6)
    motorcycle_m: Range = (2.0, 2.4)
    trailer_m: Range = (2.2, 4.0)
    """The trailer's body, without the drawbar ..."""
    drawbar_m: Range = (1.2, 2.0)
    """... which loops do not see."""
    motorcycle_unseen: Share = 0.3
    """Chance that a loop does not see a motorcycle."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.car + self.van + self.motorcycle + self.trailer:
            raise ValueError("no kind of vehicle has any weight; write car = 1")
        return self


class DrivingTable(Table):
    """``[driving]``: how vehicles follow one another and move over the loops."""

    speed_m_s: Speeds = (1.5, 4.0)
    back_m_s: Speeds = (0.7, 1.6)
    """Speed in reverse."""
    jam_gap_m: Range = (0.8, 3.0)
    """Between two bumpers that stand; while driving the reaction time adds to it."""
    reaction_s: Range = (0.8, 1.6)
    close: Share = 0.25
    """Share of those right behind another who drive bumper to bumper: the gap is the same while they drive."""
    bunched: Share = 0.12
    """Share of vehicles that come right behind another, as from traffic lights."""


class BehaviourTable(Table):
    """``[behaviour]``: shares of the passages in which a driver does something special."""

    stop: Share = 0.04
    """Stops on the loops ..."""
    stop_s: Range = (2.0, 40.0)
    wait: Share = 0.25
    """On leaving: waits for the street's traffic, its front past the outer loop ..."""
    wait_s: Range = (1.0, 12.0)
    back_out_one: Share = 0.01
    """On coming: turns back after one loop ..."""
    back_out_both: Share = 0.01
    """... or after both."""
    exit_back_out: Share = 0.004
    """On leaving: thinks better of it, after one loop or both."""
    manoeuvre: Share = 0.01
    """To and fro on the loops, and through."""
    turn_inside: Share = 0.004
    """On leaving: turns round in the mouth of an entry lane first, touching its inner loop."""
    wrong_way: Share = 0.003
    """Through a one-way lane without a barrier, against its direction."""
    tailgate: Share = 0.08
    """Share of those close behind another who pass an open barrier with it."""


class BalkTable(Table):
    """``[balk]``: what drivers do who find the lot full."""

    leave: Share = 0.85
    """Turn away; the others go in and look for a space that gets free ..."""
    touch: Share = 0.5
    """Share of those turning away who are on the outer loop by then, and back out; the others drive past."""
    circle_min: Range = (2.0, 10.0)
    """... for so long."""


class PeopleTable(Table):
    """``[people]``: what trips a single loop and is no vehicle: pedestrians with trolleys, bicycles."""

    per_hour: Amount = 0.3
    """A lane, by day."""
    hours: DayHours = (7.0, 22.0)
    seconds: Range = (0.15, 1.2)


class ErrorsTable(Table):
    """``[errors]``: what each loop does wrong all the time; a lane's ``worse`` multiplies the chances."""

    miss: Share = 0.01
    """Chance that a loop does not see a vehicle at all."""
    lost_edge: Share = 0.005
    """Chance that a change of level is not reported."""
    no_trace: Share = 0.01
    """Chance that neither loop of a lane sees a passing vehicle."""
    bounce: Share = 0.15
    """Chance that a contact bounces (1-12 ms) when it changes."""
    reread_s: Amount = 0.0
    """The controller reads all levels anew so often, which mends lost edges; 0: never."""
    repeats: bool = True
    """Whether a level that was reported already is recorded again (the sign of a lost edge in between)."""


class FaultTable(Table):
    """``[fault.NAME]``: episodes in which detectors fail."""

    kind: Literal["stuck", "dead", "chatter"]
    """Stuck on; silent at its last level; changing some times a second."""
    detectors: tuple[Annotated[str, Field(min_length=1, max_length=82)], ...] = ("*",)
    """Names as ``entry.outer``, * for any part; each episode strikes one of them."""
    whole_lane: bool = False
    """Strikes all detectors of that one's lane."""
    per_30_days: Amount = 0.0
    at_days: tuple[Amount, ...] = ()
    """Begins at these times (days from the start), besides."""
    lasts_h: Range = (2.0, 8.0)
    hours: DayHours = (0.0, 24.0)
    """Begins between these hours of the day."""

    def strikes(self, detector: str) -> bool:
        """Whether it may strike this one."""
        return any(fnmatch.fnmatchcase(detector, pattern) for pattern in self.detectors)


class RestartsTable(Table):
    """``[restarts]``: the controller is off."""

    per_30_days: Amount = 0.0
    seconds: Range = (20.0, 300.0)
    hours: DayHours = (7.0, 20.0)


class BaysTable(Table):
    """``[bays]``: sensors in the single spaces."""

    coverage: Share = 0.0
    """Share of the spaces that have one."""
    placed: Literal["anywhere", "best"] = "anywhere"
    """``best``: in the rows that fill first."""
    wrong: Share = 0.01
    """Chance that it does not notice one vehicle come or go, and is wrong until the next change."""
    lost: Share = 0.005
    """Chance that a message does not arrive."""
    delay_s: Range = (0.5, 8.0)
    flaps_per_30_days: Amount = 0.3
    """Episodes a sensor, in which it changes to and fro for some minutes."""
    heartbeat_h: float = Field(default=12.0, gt=0, le=1000)


class Scenario(Table):
    """The whole file, defaults filled in."""

    about: str = Field(min_length=1, max_length=300)
    lot: LotTable
    lane: dict[Name, LaneTable] = Field(min_length=1, max_length=8)
    group: dict[Name, GroupTable] = Field(min_length=1, max_length=20)
    geometry: GeometryTable = GeometryTable()
    vehicles: VehiclesTable = VehiclesTable()
    driving: DrivingTable = DrivingTable()
    behaviour: BehaviourTable = BehaviourTable()
    balk: BalkTable = BalkTable()
    people: PeopleTable = PeopleTable()
    errors: ErrorsTable = ErrorsTable()
    fault: dict[Name, FaultTable] = Field(default={}, max_length=20)
    restarts: RestartsTable = RestartsTable()
    bays: BaysTable = BaysTable()
    demand: DemandTable = DemandTable()

    @model_validator(mode="after")
    def _ways(self) -> Self:
        ways = {lane.direction for lane in self.lane.values()}
        for way, other in (("entry", "exit"), ("exit", "entry")):
            if ways == {other}:
                raise ValueError(f'no lane lets vehicles {way}; add one with direction = "{way}"')
        return self

    @model_validator(mode="after")
    def _strikes(self) -> Self:
        for name, fault in self.fault.items():
            if not any(fault.strikes(detector) for detector in self.detectors):
                patterns, known = ", ".join(fault.detectors), ", ".join(self.detectors)
                raise ValueError(f"fault.{name}.detectors = {patterns} match none of {known}; change them")
        return self

    @property
    def detectors(self) -> list[str]:
        """Names of all detectors of the lanes."""
        return [f"{name}.{role}" for name, lane in self.lane.items() for role in lane.roles]
