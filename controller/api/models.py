"""What the API says: shapes, units, meaning and an example of each. Nothing here computes; see ``status``.

Names, capacities and the list of things come from the site file, so they are there always. Whatever is known only while
the count process lives is null, absent or UNKNOWN when it does not: a false number is worse than none.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from controller.api import examples
from controller.api.envelope import Inputs, JournalSize
from controller.domain.notes import What
from controller.domain.report import Advice, FaultKind, MessageKind, PassageKind, Reason, Row, Status, Tone

Why = Reason | Literal["not_live"]
"""Why a zone has its status; not_live: nothing fresh comes from the counting process."""


def _shape(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, use_attribute_docstrings=True, json_schema_extra={"examples": [example]})


def _asked(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", use_attribute_docstrings=True, json_schema_extra={"examples": [example]})


class Freshness(BaseModel):
    """How fresh an answer is."""

    live: bool
    """Whether the counting process spoke within the last three seconds. If not, nothing below is known."""
    at: datetime | None
    """When the newest state was sent; null when none ever came."""
    age_s: float | None
    """How long ago that was (s)."""


class RecountStatus(BaseModel):
    """Somebody walks the zone and counts; passages go on being counted, and are reckoned with at the end."""

    model_config = _shape(examples.RECOUNT)

    began: datetime
    inside: int | None
    """Vehicles inside when it began; null when that was not known."""
    entries: int
    exits: int
    """Vehicles that came and left since."""


class ZoneStatus(BaseModel):
    """A part of the lot with its own capacity."""

    model_config = _shape(examples.ZONE)

    name: str
    capacity: int
    """Spaces."""
    counted_by: str | None
    """``lanes`` or ``bays``."""
    occupied: int | None
    """Vehicles believed to be inside, also beyond the capacity; null when too little is known."""
    counted: int | None
    """Vehicles inside by passages alone since the last correction: below 0 or above capacity it shows how the lanes
    drift. Null without a correction, and where bays count."""
    free: int | None
    """Free spaces (0..capacity), the most likely number; null when not trusted."""
    low: int | None
    """With a chance of 90 % no fewer spaces are free than this ..."""
    high: int | None
    """... and no more than this. Told even when ``free`` is not."""
    sure: float | None
    """Chance (0-1) that ``free`` is right within one vehicle or 2 % of the capacity; null where bays count."""
    status: Status
    reason: Why
    """Why it has this status."""
    since: datetime | None
    """Since when it has this status."""
    recount: RecountStatus | None = None
    """The recount that is under way."""
    undo_until: datetime | None = None
    """Until when the last correction can be taken back; null: there is none."""
    out_of_service: int = 0
    """How many of its bays nobody may use now; they are part of ``capacity`` and never of ``free``."""
    degraded: list[str] = []
    """Lanes (where bays count: bays) that count worse than they should, since a detector of theirs is at fault."""


class SignMessage(BaseModel):
    """What a sign shall say."""

    model_config = _shape(examples.MESSAGE)

    kind: MessageKind
    text: str
    """What is to be read; empty for ``blank``."""
    free: int | None
    """The number, for ``number`` only."""
    tone: Tone = Tone.NEUTRAL
    """What a colour may repeat of it."""
    beside: str | None = None
    """A word beside the number."""
    rows: list[Row] = []
    """Several zones on one sign, for ``rows`` only."""
    also: str | None = None
    """The way to another lot, opening hours, or a greeting; below the text, or in turn with it."""
    second: str | None = None
    """The text in another language, in turn with it."""


class PanelTint(BaseModel):
    """In which tone the LEDs of a box shine."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    box: tuple[int, int, int, int]
    """Left, top, right, bottom; the last two are outside."""
    tone: Tone


class Cause(BaseModel):
    """Something that led to what a sign says."""

    model_config = _shape(examples.CAUSE)

    at: datetime
    what: What | None
    """Null: told by an earlier version, ``text`` alone says it."""
    text: str
    """In plain English."""
    values: dict[str, str | bool | int | float | None]
    """What belongs to ``what``."""


class StaffMessageStatus(BaseModel):
    """The words that staff put on a sign."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    text: str
    until: datetime
    """When they end by themselves."""


class PanelStatus(BaseModel):
    """What a panel shows at this moment, as the sign process that drives it tells."""

    model_config = _shape(examples.PANEL)

    alive: bool
    """Whether the sign process spoke within the last three seconds; if not, the panel is taken for dark."""
    lit: bool
    message: SignMessage | None
    """What it was told and shows; null when dark for want of something to trust."""
    why_dark: str | None
    """Why it is dark, in plain English; null when lit."""
    width: int
    """LEDs across."""
    height: int
    """LEDs down."""
    rows: list[str]
    """The LEDs, a string a row from the top: hexadecimal, most significant bit left, 1 is lit. Empty when not alive."""
    shown_at: datetime | None
    """Since when this picture is shown."""
    because: list[str]
    """What led to the message that is shown, newest last; empty when there is none to trust."""
    brightness: int | None
    """0 (dim, but lit) to 15."""
    why_bright: str | None
    """What the brightness follows, in plain English."""
    driver: str | None
    tints: list[PanelTint] = []
    """On a panel with colours; empty where all LEDs have one."""


class SignStatus(BaseModel):
    """What a sign is told to show, why, and what it does show."""

    model_config = _shape(examples.SIGN)

    name: str
    zone: str
    message: SignMessage | None
    """What it is told; null when the counting process is not there to tell anything."""
    reason: Why
    since: datetime | None
    """Since when it is told this."""
    age_s: float | None
    """How long that is (s)."""
    because: list[str]
    """The last events that led to it, newest last, in plain English."""
    panel: PanelStatus
    staff: StaffMessageStatus | None = None
    """What staff put on it, while that holds, also where something else goes before it."""
    chain: list[Cause] = []
    """``because``, with times and codes."""


class FaultStatus(BaseModel):
    """Something is wrong with a detector or a bay sensor."""

    model_config = _shape(examples.FAULT)

    subject: str
    """A detector (lane, dot, role) or a bay."""
    kind: FaultKind
    since: datetime


class DetectorStatus(BaseModel):
    """One detector of a lane."""

    model_config = _shape(examples.DETECTOR)

    name: str
    role: str
    occupied: bool | None
    """Null: not heard yet, or not live."""
    since: datetime | None
    changes: int | None
    """Changes of level since the journal began."""
    fault: FaultKind | None


class LaneQualityStatus(BaseModel):
    """How well the loops of a lane see, learned from what they made of each other. Rates: shares of vehicles (0-1)."""

    model_config = _shape(examples.QUALITY)

    passages: int
    """On how many passages it rests, about."""
    missed_outer: float
    """Vehicles that the outer loop does not see."""
    missed_inner: float
    """Vehicles that the inner loop does not see."""
    lost_edges: float
    """Changes of a loop that are never heard, for each vehicle."""
    ghosts: float
    """Times when one loop was covered and no vehicle went through, for each vehicle: people, trolleys, noise."""
    unseen: float
    """Vehicles that leave no trace at all, by estimate."""
    drift: float
    """How far (vehicles, standard deviation) the lane's count drifts in a thousand passages ..."""
    drift_without_doubt: float
    """... and how far it would, if no passage were in doubt: what a wider gap or a barrier contact can bring."""
    advice: list[Advice]
    """What would help; empty when nothing needs a mend."""


class LaneStatus(BaseModel):
    """One lane with its tallies since the journal began; these are null when not live."""

    model_config = _shape(examples.LANE)

    name: str
    zone: str
    direction: str
    """``entry``, ``exit`` or ``both``."""
    entries: int | None
    exits: int | None
    back_outs: int | None
    """Vehicles that came in and backed out; these count nothing."""
    ambiguous: int | None
    """Sequences that might have been something else."""
    quality: LaneQualityStatus | None
    """What the lane has shown of its loops; null for a single loop, which nothing checks."""
    detectors: list[DetectorStatus]


class BayStatus(BaseModel):
    """One marked space with a sensor of its own."""

    model_config = _shape(examples.BAY)

    name: str
    zone: str
    occupied: bool | None
    """Null: its sensor was never heard or not for too long, or not live."""
    since: datetime | None
    heard_at: datetime | None
    """The last sign of life of its sensor."""
    out_of_service: bool = False
    """Nobody may park there now; its sensor goes on telling."""


class PassageRecord(BaseModel):
    """A vehicle went through a lane, or came in and backed out."""

    model_config = _shape(examples.PASSAGE)

    lane: str
    kind: PassageKind
    at: datetime
    """When it was through."""
    began: datetime
    """When it covered the first loop."""
    tailgating: bool
    """It followed another without a gap."""
    wrong_way: bool
    """It went against the lane's direction."""
    doubt: str | None
    """What else it might have been, when the sequence was not clear."""


class LotStatus(Freshness):
    """The lot: its zones, signs and faults."""

    model_config = _shape(examples.LOT)

    lot: str
    zones: list[ZoneStatus]
    signs: list[SignStatus]
    faults: list[FaultStatus]
    """What is wrong now; empty when not live, which does not mean that nothing is."""


class Zones(Freshness):
    """All zones."""

    model_config = _shape({**examples.LIVE, "zones": [examples.ZONE]})

    zones: list[ZoneStatus]


class Lanes(Freshness):
    """All lanes."""

    model_config = _shape({**examples.LIVE, "lanes": [examples.LANE]})

    lanes: list[LaneStatus]


class Bays(Freshness):
    """All bays."""

    model_config = _shape({**examples.LIVE, "bays": [examples.BAY]})

    bays: list[BayStatus]


class Signs(Freshness):
    """All signs."""

    model_config = _shape({**examples.LIVE, "signs": [examples.SIGN]})

    signs: list[SignStatus]


class Faults(Freshness):
    """All faults."""

    model_config = _shape({**examples.LIVE, "faults": [examples.FAULT]})

    faults: list[FaultStatus]
    """What is wrong now; empty when not live, which does not mean that nothing is."""


class Passages(Freshness):
    """The last passages; history, and so told when not live as well."""

    model_config = _shape(
        {**examples.LIVE, "passages": [examples.PASSAGE], "next": "/api/v1/passages?limit=1&before=3211"}
    )

    passages: list[PassageRecord]
    """Newest first."""
    next: str | None
    """Where the older ones are; null after the last page."""


class Picture(LotStatus):
    """Everything at one moment: what the live stream sends."""

    model_config = _shape(examples.PICTURE)

    lanes: list[LaneStatus]
    bays: list[BayStatus]
    passages: list[PassageRecord]
    """Newest first."""
    inputs: Inputs
    journal: JournalSize
    version: str | None
    """Of the counting process."""


class Health(Freshness):
    """Whether all of it works."""

    model_config = _shape({**examples.LIVE, "ok": True, "reasons": []})

    ok: bool
    reasons: list[str]
    """What does not."""


class Reasoned(BaseModel):
    """Do it, and say why."""

    model_config = _asked({"reason": "counted twice"})

    reason: str = Field(min_length=1, max_length=200, pattern=r"\S")
    """Why, in a few words: it goes on record with it."""


class Correction(Reasoned):
    """Somebody looked: this many vehicles are in the zone."""

    model_config = _asked({"occupied": 28, "reason": "counted on foot"})

    occupied: int = Field(ge=0, le=40_000, strict=True)
    """Vehicles, at most twice the zone's capacity."""


class Closure(Reasoned):
    """Close the zone, or open it again."""

    model_config = _asked({"closed": True, "reason": "snow is being cleared"})

    closed: bool = Field(strict=True)


class SignText(Reasoned):
    """Staff's own words for a sign, until they end by themselves."""

    model_config = _asked({"text": "Wjazd od ul. Lipowej", "minutes": 120, "reason": "road works"})

    text: str = Field(min_length=1, max_length=80, pattern=r"\S")
    """Must fit the panel whole."""
    minutes: float = Field(gt=0, le=31 * 24 * 60, allow_inf_nan=False)
    """How long they stand, at most a month."""


class Adjustment(Reasoned):
    """Somebody saw vehicles that no lane counted."""

    model_config = _asked({"change": -1, "reason": "left over the kerb"})

    change: int = Field(ge=-100, le=100, strict=True)
    """Vehicles more (or, below 0, fewer) inside; not 0."""


class RecountResult(Reasoned):
    """The walk is over."""

    model_config = _asked({"seen": 31, "reason": "walked"})

    seen: int = Field(ge=0, le=40_000, strict=True)
    """Vehicles counted, at most twice the zone's capacity."""


class BayService(Reasoned):
    """Take the bay out of service, or back."""

    model_config = _asked({"out_of_service": True, "reason": "a broken drain"})

    out_of_service: bool = Field(strict=True)


class AuditRecord(BaseModel):
    """Somebody changed something."""

    model_config = _shape(examples.AUDIT)

    at: datetime
    who: str
    """A user, ``token NAME`` of another system, or ``mqtt``."""
    what: str
    """As it stands in the journal, in English."""
    subject: str | None
    """The zone, bay or sign; null where ``what`` is of another form."""
    field: str | None
    """What of it was changed: ``occupied``, ``adjusted``, ``recounted``, ``closed``, ``message`` ..."""
    details: str | None
    before: str
    after: str | None
    reason: str


class AuditTrail(BaseModel):
    """Who changed what, newest first."""

    model_config = _shape({"changes": [examples.AUDIT], "next": "/api/v1/audit?limit=1&before=17"})

    changes: list[AuditRecord]
    next: str | None
    """Where the older ones are; null after the last page."""


class Done(BaseModel):
    """It was done and is on record."""

    model_config = _shape({"done": True, "zone": "customers"})

    done: bool
    zone: str


class BayDone(BaseModel):
    """It was done and is on record."""

    model_config = _shape({"done": True, "bay": "A1"})

    done: bool
    bay: str


class SignDone(BaseModel):
    """It was done and is on record."""

    model_config = _shape({"done": True, "sign": "entrance"})

    done: bool
    sign: str


class AlarmTest(BaseModel):
    """Send a test message."""

    model_config = _asked({"to": "duty"})

    to: str = Field(min_length=1, max_length=40)
    """A name of the addresses file."""


class AlarmTested(BaseModel):
    """It went out."""

    model_config = _shape({"sent": True, "to": "duty"})

    sent: bool
    to: str
