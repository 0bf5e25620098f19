"""What a site is made of, as far as the count is concerned. Built and checked by ``controller.site``; here only shapes.

Names are unique within their kind. A detector's name is its lane's name, a dot, and its role: ``main.outer``.
"""

from dataclasses import dataclass
from enum import StrEnum

MAX_GAP_S = 5.0
SILENT_AFTER_S = 26 * 3600.0


class Direction(StrEnum):
    """Which way vehicles may use a lane."""

    ENTRY = "entry"
    EXIT = "exit"
    BOTH = "both"


class Role(StrEnum):
    """What a detector is for in its lane."""

    OUTER = "outer"
    INNER = "inner"
    LOOP = "loop"
    BARRIER = "barrier"


class Output(StrEnum):
    """How a loop detector's relay speaks: for as long as a vehicle is there, or once for 0.1-0.2 s."""

    PRESENCE = "presence"
    PULSE = "pulse"


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """One detector of a lane."""

    name: str
    lane: str
    role: Role
    output: Output = Output.PRESENCE


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """One carriageway through the boundary of ``zone``: from the street, or from ``from_zone``."""

    name: str
    zone: str
    direction: Direction
    outer: DetectorSpec | None = None
    inner: DetectorSpec | None = None
    loop: DetectorSpec | None = None
    barrier: DetectorSpec | None = None
    from_zone: str | None = None
    max_gap_s: float = MAX_GAP_S
    """Longest time between leaving one loop and reaching the other."""

    @property
    def detectors(self) -> tuple[DetectorSpec, ...]:
        """The lane's detectors, street side first."""
        return tuple(d for d in (self.outer, self.inner, self.loop, self.barrier) if d is not None)


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """A part of the lot with its own capacity (vehicles)."""

    name: str
    capacity: int
    full_at: int = 0
    """FULL when free <= this."""
    reopen_at: int = 1
    """Open again when free >= this (hysteresis)."""
    nearly_full_at: int | None = None
    """NEARLY_FULL when free <= this; None: never."""
    full_risk: float = 0.10
    """FULL when the chance that no more than ``full_at`` spaces are free exceeds this (0-1)."""
    initial_occupied: int | None = None
    """Vehicles inside at the very first start; None: unknown until a correction or the bays tell."""


@dataclass(frozen=True, slots=True)
class BaySpec:
    """One marked space with a sensor of its own."""

    name: str
    zone: str
    silent_after_s: float = SILENT_AFTER_S
    """No message for this long: the bay is unknown. Battery sensors send a heartbeat once or twice a day."""


@dataclass(frozen=True, slots=True)
class HealthSpec:
    """Limits beyond which a detector is at fault."""

    stuck_after_s: float = 900.0
    """A loop occupied without a break for this long is stuck, or a vehicle stands on it: it counts nothing."""
    chatter_changes: int = 30
    """This many changes ..."""
    chatter_window_s: float = 10.0
    """... within this time: a loose contact, no traffic."""
    down_trust_s: float = 0.0
    """Nothing is taken to have passed while the controller was off for no longer than this."""


@dataclass(frozen=True, slots=True)
class SignSpec:
    """Which zone a sign speaks of, and its words."""

    name: str
    zone: str
    full_text: str = "brak wolnych miejsc"
    closed_text: str = "nieczynne"
    uncertain_text: str = "P"
    free_text: str | None = None
    """When some spaces are free, but nobody knows how many; None: ``uncertain_text``."""


@dataclass(frozen=True, slots=True)
class LotSpec:
    """Everything the domain needs to know of a site."""

    name: str
    zones: tuple[ZoneSpec, ...]
    lanes: tuple[LaneSpec, ...] = ()
    bays: tuple[BaySpec, ...] = ()
    signs: tuple[SignSpec, ...] = ()
    health: HealthSpec = HealthSpec()
