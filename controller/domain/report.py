"""What the lot says of itself: the shapes that leave the domain, for the link, the API, the feeds and the log.

Times are lot time (see ``events``); whoever shows them to people adds the epoch. All frozen, all plain data.
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The state of a zone as others see it."""

    OPEN = "OPEN"
    NEARLY_FULL = "NEARLY_FULL"
    FULL = "FULL"
    CLOSED = "CLOSED"
    UNKNOWN = "UNKNOWN"


class Reason(StrEnum):
    """Why a zone has its status: the first answer to "why does the sign say that?"."""

    COUNTED = "counted"
    """Passages since a known count."""
    BAYS = "bays"
    """The bay sensors say so."""
    HYSTERESIS = "hysteresis"
    """A few spaces are free, but not yet enough to open again."""
    CLOSED_BY_STAFF = "closed_by_staff"
    NEVER_COUNTED = "never_counted"
    """No correction, and no bays that would tell."""
    WAS_DOWN = "was_down"
    """The controller was off for too long to know."""
    DETECTOR_FAULT = "detector_fault"
    """A detector of the zone is at fault, or was while vehicles passed."""
    BAYS_SILENT = "bays_silent"
    """Too many bay sensors are unknown."""
    NOTHING_COUNTS = "nothing_counts"
    """Every lane and every bay of the zone is at fault."""


class MessageKind(StrEnum):
    """What sort of thing a sign says; the layout chooses its picture by it."""

    CLOSED = "closed"
    BLANK = "blank"
    UNCERTAIN = "uncertain"
    FULL = "full"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Message:
    """What a sign shall show."""

    kind: MessageKind
    text: str
    """What is to be read; for NUMBER the digits of ``free``, for BLANK empty."""
    free: int | None
    """The number, for NUMBER only."""
    reason: Reason
    """Why this and nothing else."""


class PassageKind(StrEnum):
    """What a vehicle did in a lane."""

    ENTRY = "entry"
    EXIT = "exit"
    BACK_OUT = "back_out"


class FaultKind(StrEnum):
    """What is wrong with a detector."""

    STUCK = "stuck"
    CHATTER = "chatter"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Passage:
    """A vehicle went through a lane, or came in and backed out."""

    lane: str
    kind: PassageKind
    at: float
    """When it was through."""
    began: float
    """When it covered the first loop."""
    tailgating: bool = False
    """It followed another without a gap."""
    wrong_way: bool = False
    """It went against the lane's direction."""
    doubt: str | None = None
    """What else it might have been, when the sequence is not clear; None when it is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something is wrong with a detector or a bay sensor, since when."""

    subject: str
    kind: FaultKind
    since: float


@dataclass(frozen=True, slots=True)
class ZoneReport:
    """A zone as others see it. ``free``, ``low`` and ``high`` are clamped to 0..capacity and None when not trusted."""

    name: str
    capacity: int
    counted_by: str
    """``lanes`` or ``bays``."""
    occupied: int | None
    """Vehicles inside as counted: signed and unclamped, so that drift is seen; None when never known."""
    free: int | None
    low: int | None
    high: int | None
    status: Status
    reason: Reason
    since: float
    """When the status became what it is."""


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """One detector: ``occupied`` is None until it was heard."""

    name: str
    role: str
    occupied: bool | None
    since: float | None
    changes: int
    fault: FaultKind | None


@dataclass(frozen=True, slots=True)
class LaneReport:
    """One lane with its tallies since the journal began."""

    name: str
    zone: str
    direction: str
    entries: int
    exits: int
    back_outs: int
    ambiguous: int
    detectors: tuple[DetectorReport, ...]


@dataclass(frozen=True, slots=True)
class BayReport:
    """One bay: ``occupied`` is None when its sensor was never heard, or not for too long."""

    name: str
    zone: str
    occupied: bool | None
    since: float | None
    heard_at: float | None


@dataclass(frozen=True, slots=True)
class SignReport:
    """What a sign is told to show, since when, and what led to it (newest last, in plain English)."""

    name: str
    zone: str
    message: Message
    since: float
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LotReport:
    """The whole lot at one moment."""

    name: str
    at: float
    zones: tuple[ZoneReport, ...]
    lanes: tuple[LaneReport, ...]
    bays: tuple[BayReport, ...]
    signs: tuple[SignReport, ...]
    faults: tuple[Fault, ...]
    passages: tuple[Passage, ...]
    """The last ones, newest last."""
