"""What the lot says of itself: the shapes that leave the domain, for the link, the API, the feeds and the log.

Times are lot time (see ``events``); whoever shows them to people adds the epoch. All frozen, all plain data.
"""

from dataclasses import dataclass
from enum import StrEnum

from controller.domain.notes import Note
from controller.domain.specs import Role


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
    DRIFT = "drift"
    """Nobody counted for long, and what passed since does not tell enough."""
    NOTHING_COUNTS = "nothing_counts"
    """Every lane and every bay of the zone is at fault."""
    NOT_WRITTEN = "not_written"
    """What is counted can't be written down: it would be lost with the power."""
    STAFF_MESSAGE = "staff_message"
    """Of a sign only: staff put their own words on it."""
    OUT_OF_HOURS = "out_of_hours"
    """Of a sign only: the lot is not open at this time of the week."""
    SIGN_TEST = "sign_test"
    """Of a sign only: somebody tries it out."""


class MessageKind(StrEnum):
    """What sort of thing a sign says; the layout chooses its picture by it."""

    CLOSED = "closed"
    STAFF = "staff"
    BLANK = "blank"
    UNCERTAIN = "uncertain"
    FREE = "free"
    FULL = "full"
    NUMBER = "number"
    ROWS = "rows"
    TEST = "test"
    """Patterns that show whether every LED works."""


class Tone(StrEnum):
    """What a colour may repeat of what the words say; a panel of one colour shows the words alone."""

    FREE = "free"
    FEW = "few"
    FULL = "full"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Row:
    """One zone of several on a sign."""

    mark: str
    text: str
    """What is to be read after the mark: the number, a dash when closed, nothing when the number is not known."""
    free: int | None
    """The number, where ``text`` is one."""
    tone: Tone = Tone.NEUTRAL
    room: int = 0
    """How many digits the number may ever have: it keeps its place whatever it is."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a sign shall show: ``text`` (or ``rows``), with ``also`` below or after it, then perhaps ``second``."""

    kind: MessageKind
    text: str
    """What is to be read; for NUMBER the digits of ``free``, for ROWS all of them in one line, for BLANK empty."""
    free: int | None
    """The number, for NUMBER only."""
    reason: Reason
    """Why this and nothing else."""
    tone: Tone = Tone.NEUTRAL
    beside: str | None = None
    """A word beside the number."""
    rows: tuple[Row, ...] = ()
    """For ROWS only."""
    also: str | None = None
    """The way to another lot, opening hours, a greeting: in the same picture, else in a phase of its own."""
    second: str | None = None
    """``text`` in another language, in a phase of its own."""


@dataclass(frozen=True, slots=True)
class StaffMessage:
    """The words that staff put on a sign."""

    text: str
    until: float


class PassageKind(StrEnum):
    """What a vehicle did in a lane."""

    ENTRY = "entry"
    EXIT = "exit"
    BACK_OUT = "back_out"
    TOUCH = "touch"
    """One loop alone saw something: somebody who turned away, a person, or a vehicle that the other loop missed."""


class FaultKind(StrEnum):
    """What is wrong with a detector."""

    STUCK = "stuck"
    CHATTER = "chatter"
    SILENT = "silent"
    REVERSED = "reversed"
    """Of a lane's outer loop: all vehicles seem to go against the lane, as when its two loops are wired crosswise."""
    BATTERY = "battery"
    """Of a bay sensor, which still works: its battery is low."""
    NOT_WRITTEN = "not_written"
    """Of the journal: it can't be written."""
    UNREADABLE = "unreadable"
    """What it is wired to is gone: a GPIO chip."""


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
    chance_in: float = 0.0
    """Probability (0-1) that a vehicle came in. ``kind`` is what it most likely was ..."""
    chance_out: float = 0.0
    """... and that one went out; with what is missing to 1, nothing changed inside."""
    seen_by: Role | None = None
    """The only loop that saw it, where its lane has two; None: both did."""
    turned: float = 0.0
    """Probability (0-1) that a driver came to the lane from outside and turned away."""
    another: float = 0.0
    """Probability (0-1) that one more vehicle went with it, so close behind that no loop cleared between the two."""


@dataclass(frozen=True, slots=True)
class LaneQuality:
    """How well a lane's loops see, from what they made of each other; counts are expected numbers, not whole."""

    passages: float = 0.0
    """Vehicles that went through and left a trace, since the journal began (or the lane's loops were last mended)."""
    missed_outer: float = 0.0
    """Of these, how many the outer loop missed altogether ..."""
    missed_inner: float = 0.0
    """... and the inner one."""
    lost_edges: float = 0.0
    """Single changes of a loop that were never heard, but are known from what followed."""
    ghosts: float = 0.0
    """Times when one loop was covered and no vehicle went through: people, trolleys, turned away, noise."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something is wrong with a detector or a bay sensor, since when."""

    subject: str
    kind: FaultKind
    since: float


@dataclass(frozen=True, slots=True)
class RecountReport:
    """Somebody walks the zone and counts."""

    began: float
    inside: int | None
    """What was shown inside then."""
    entries: int
    exits: int
    """What passed since."""


@dataclass(frozen=True, slots=True)
class ZoneReport:
    """A zone as others see it. ``free``, ``low`` and ``high`` are clamped to 0..capacity."""

    name: str
    capacity: int
    counted_by: str
    """``lanes`` or ``bays``."""
    occupied: int | None
    """Vehicles believed to be inside, unclamped; None when too little is known."""
    counted: int | None
    """Vehicles inside by passages alone since the last correction: signed, so that drift is seen; None without one."""
    free: int | None
    low: int | None
    high: int | None
    """Between these two is the truth, with a chance of 90 %; they are told even where no number is."""
    sure: float | None
    """Chance (0-1) that ``free`` is right within one, or 2 % of the capacity; None where bays count."""
    status: Status
    reason: Reason
    since: float
    """When the status became what it is."""
    recount: RecountReport | None = None
    undo_until: float | None = None
    """Until when the last correction can be taken back; None: there is none."""
    out_of_service: int = 0
    """Bays where nobody may park now; they are not in the capacity."""
    degraded: tuple[str, ...] = ()
    """What counts worse than it should, since a detector of it is at fault: lanes, or bays where bays count."""


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """One detector: ``occupied`` is None until it was heard."""

    name: str
    role: str
    occupied: bool | None
    since: float | None
    changes: int
    fault: FaultKind | None


class Advice(StrEnum):
    """What would make a lane count better."""

    OUTER_MISSES = "outer_misses"
    """Its outer loop misses vehicles: look at its sensitivity, its cable and its place."""
    INNER_MISSES = "inner_misses"
    LOSES_EDGES = "loses_edges"
    """Changes of level get lost: look at contacts, wiring and supply."""
    GHOSTS = "ghosts"
    """One loop alone is tripped often: keep people and trolleys off it."""
    DOUBT = "doubt"
    """Many passages are in doubt: a wider gap between the loops, or a barrier contact, would settle them."""


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What a lane has shown of its loops. Rates are shares of the vehicles (0-1), drifts are standard deviations."""

    passages: int
    """On how many passages it rests; older ones fade."""
    missed_outer: float
    missed_inner: float
    lost_edges: float
    ghosts: float
    """Times when one loop was covered and no vehicle went through, for each vehicle."""
    unseen: float
    """Vehicles that left no trace at all, by estimate."""
    drift: float
    """How far (vehicles) its count drifts in a thousand passages ..."""
    drift_without_doubt: float
    """... and how far it would, if no passage were in doubt."""
    advice: tuple[Advice, ...]


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
    quality: QualityReport | None
    detectors: tuple[DetectorReport, ...]


@dataclass(frozen=True, slots=True)
class BayReport:
    """One bay: ``occupied`` is None when its sensor was never heard, or not for too long."""

    name: str
    zone: str
    occupied: bool | None
    since: float | None
    heard_at: float | None
    out_of_service: bool = False
    """Nobody may park there now; its sensor goes on telling."""


@dataclass(frozen=True, slots=True)
class SignReport:
    """What a sign is told to show, since when, and what led to it (newest last, in plain English)."""

    name: str
    zone: str
    message: Message
    since: float
    because: tuple[str, ...]
    staff: StaffMessage | None = None
    """What staff put on it, while that holds, also where something else goes before it."""
    chain: tuple[Note, ...] = ()
    """The same as ``because``, with times and codes."""


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
