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
class Moment:
    """A local time of the site: what a driver's watch says."""

    weekday: int
    """0 (Monday) to 6."""
    minute: int
    """Of the day: 0 to 1439."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of local time on some days of the week."""

    days: frozenset[int]
    """Those on which it begins, 0 (Monday) to 6."""
    start: int
    end: int
    """Minutes of the day; an end that is not after the start is on the next day."""

    def holds(self, now: Moment) -> bool:
        """Whether ``now`` lies in the span."""
        if self.start < self.end:
            return now.weekday in self.days and self.start <= now.minute < self.end
        late = now.weekday in self.days and now.minute >= self.start
        return late or ((now.weekday - 1) % 7 in self.days and now.minute < self.end)


@dataclass(frozen=True, slots=True)
class Words:
    """What a sign says in one language."""

    full: str
    closed: str
    free: str
    """Some spaces are free, but nobody knows how many."""


WORDS = {
    "pl": Words("brak wolnych miejsc", "nieczynne", "wolne"),
    "en": Words("no free spaces", "closed", "spaces"),
    "de": Words("keine Plätze frei", "geschlossen", "frei"),
}
"""The usual words, by language (ISO 639-1)."""


@dataclass(frozen=True, slots=True)
class RowSpec:
    """One zone of several on one sign, with the mark before its number: a letter, a symbol or a word."""

    zone: str
    mark: str


@dataclass(frozen=True, slots=True)
class RedirectSpec:
    """Where a sign sends drivers when its lot is full."""

    to: str
    """What the next lot is called on signs: "P2"."""
    arrow: str
    """The way there: one of ← → ↑ ↓."""
    lot: str | None = None
    """What tells that lot's state (see ``events.NeighbourHeard``); None: nobody does, and its number is not shown."""
    fresh_s: float = 300.0
    """What it said is believed for so long."""


@dataclass(frozen=True, slots=True)
class GreetingSpec:
    """The site's own words at set hours."""

    text: str
    hours: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class SignSpec:
    """Which zone a sign speaks of, and its words."""

    name: str
    zone: str
    full_text: str = WORDS["pl"].full
    closed_text: str = WORDS["pl"].closed
    uncertain_text: str = "P"
    free_text: str | None = None
    """When some spaces are free, but nobody knows how many; None: ``uncertain_text``."""
    number_text: str | None = None
    """A word beside the number."""
    nearly_full_text: str | None = None
    """A word beside the number when few are left; None: ``number_text``."""
    rows: tuple[RowSpec, ...] = ()
    """Several zones on one sign; empty: ``zone`` alone, without a mark."""
    second: Words | None = None
    """The same in another language, in a second phase."""
    redirect: RedirectSpec | None = None
    open_hours: tuple[Hours, ...] = ()
    """Outside these the sign says closed; empty: always open."""
    hours_text: str | None = None
    """Said with closed: when it is open."""
    greeting: GreetingSpec | None = None


@dataclass(frozen=True, slots=True)
class LotSpec:
    """Everything the domain needs to know of a site."""

    name: str
    zones: tuple[ZoneSpec, ...]
    lanes: tuple[LaneSpec, ...] = ()
    bays: tuple[BaySpec, ...] = ()
    signs: tuple[SignSpec, ...] = ()
    health: HealthSpec = HealthSpec()
