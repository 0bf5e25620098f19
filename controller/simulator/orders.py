"""What somebody may want to happen in a lot that runs: cars, faults of sensors, the controller off."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from controller.simulator.manoeuvres import Style
from controller.simulator.season import Season

Fault = Literal["occupied", "clear", "dead", "chatter", "edges"]
"""Stuck at a level; silent; a loose contact; every third change of level is lost."""

LOST_EDGES = 1 / 3
TAILGATERS = 2
"""So many drive in bumper to bumper."""

Name = Field(default=None, min_length=1, max_length=100)


class Order(BaseModel):
    """One order, as JSON: ``{"action": "fault", "detector": "entry.outer", "fault": "occupied"}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal[
        "drive_in", "drive_out", "tailgate", "back_out", "fault", "kill_bay", "traffic", "off", "speed", "scenario"
    ]
    detector: str | None = Name
    fault: Fault | None = None
    """For ``fault``: what is wrong with ``detector`` from now on; null mends it."""
    bay: str | None = Name
    dead: bool = True
    """For ``kill_bay``: whether the sensor of ``bay`` is dead."""
    on: bool = True
    """For ``traffic``: whether cars come and go by themselves."""
    seconds: float = Field(default=60.0, gt=0, le=86_400)
    """For ``off``: how long the controller is off."""
    speed: float = Field(default=1.0, ge=0.1, le=1000)
    """For ``speed``: how many times as fast as real time."""
    scenario: str | None = Name
    """For ``scenario``: the name of a shipped one."""


class Faults:
    """Who is at fault by order."""

    def __init__(self, season: Season) -> None:
        self._season = season
        self.dead: set[str] = set()
        """Bays without a battery."""
        self._lossy: set[str] = set()

    @property
    def detectors(self) -> dict[str, Fault]:
        """What is wrong now with which detector, by order or by the scenario."""
        found: dict[str, Fault] = {}
        for name, relay in self._season.instruments.relays.items():
            match relay.fault:
                case "stuck":
                    found[name] = "occupied" if relay.stuck else "clear"
                case "dead":
                    found[name] = "dead"
                case "chatter":
                    found[name] = "chatter"
                case _ if name in self._lossy:
                    found[name] = "edges"
        return found

    def make(self, detector: str, fault: Fault | None) -> None:
        """Let this be what is wrong with a detector. KeyError for an unknown one."""
        instruments = self._season.instruments
        instruments.kill(detector, dead=fault == "dead")
        instruments.chatter(detector, on=fault == "chatter")
        instruments.lose_edges(detector, LOST_EDGES if fault == "edges" else None)
        instruments.stick(detector, level={"occupied": True, "clear": False}.get(fault or ""))
        self._lossy = (self._lossy - {detector}) | ({detector} if fault == "edges" else set())

    def kill_bay(self, bay: str, *, dead: bool) -> None:
        """Take a bay's battery out, or put it in. KeyError for an unknown bay."""
        self._season.instruments.kill_bay(bay, dead=dead)
        self.dead = (self.dead - {bay}) | ({bay} if dead else set())


def carry_out(season: Season, faults: Faults, order: Order) -> None:
    """Make it happen; KeyError for an unknown name, LookupError when nobody is there to do it."""
    match order.action:
        case "drive_in" | "drive_out" | "tailgate" | "back_out":
            _drive(season, order.action)
        case "fault":
            faults.make(order.detector or "", order.fault)
        case "kill_bay":
            faults.kill_bay(order.bay or "", dead=order.dead)
        case "traffic":
            season.traffic = order.on
        case "off":
            season.instruments.switch_off(order.seconds)
        case "speed" | "scenario":
            raise ValueError(f"{order.action} is no matter of a season; whoever runs it carries it out")


def _drive(season: Season, how: Literal["drive_in", "drive_out", "tailgate", "back_out"]) -> None:
    match how:
        case "drive_in":
            season.drive_in()
        case "drive_out":
            season.drive_out()
        case "tailgate":
            for number in range(TAILGATERS):
                season.drive_in(close=number > 0)
        case "back_out":
            season.drive_in(Style.TURN_AT_BOTH)
