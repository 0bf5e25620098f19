"""Facts, each with its time: all that the domain ever hears.

``at`` is *lot time*: seconds, float, never going back, continuous over restarts, with a zero of its own (the first
start of the journal, or the zero of a recording). It advances with the monotonic clock, so a step of the wall clock
moves no count.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a message says of its own place in time; enough to know a repeated or late one."""

    sequence: int | None = None
    """The device's frame counter (LoRaWAN FCntUp), if the format has one."""
    sent_at: float | None = None
    """When the network took the message from the device, in Unix seconds, if the format says."""


@dataclass(frozen=True, slots=True)
class DetectorChanged:
    """A detector (loop or barrier contact) has this level. Hearing the same level twice is harmless."""

    detector: str
    occupied: bool
    at: float
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class BayChanged:
    """A bay sensor says whether a vehicle stands in its bay. Every message of it counts as a sign of life."""

    bay: str
    occupied: bool
    at: float
    stamp: Stamp | None = None
    battery_low: bool | None = None
    """Whether the sensor says that its battery is low; None: it does not say."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """Somebody who looked says that this many vehicles are in the zone."""

    zone: str
    occupied: int
    at: float


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Somebody saw so many vehicles go in (or out, below 0) that the count did not notice."""

    zone: str
    by: int
    at: float


@dataclass(frozen=True, slots=True)
class RecountBegan:
    """Somebody begins to walk the zone and to count its vehicles."""

    zone: str
    at: float


@dataclass(frozen=True, slots=True)
class Recounted:
    """The walk is over: so many vehicles were seen, or (None) it was given up."""

    zone: str
    seen: int | None
    at: float


@dataclass(frozen=True, slots=True)
class Undone:
    """The last correction, adjustment or recount of the zone is taken back."""

    zone: str
    at: float


@dataclass(frozen=True, slots=True)
class BayServiceChanged:
    """A bay was taken out of service: nobody may park there. Or it is back."""

    bay: str
    out: bool
    at: float


@dataclass(frozen=True, slots=True)
class SignTested:
    """Somebody tries a sign out: it shows patterns until a lot time."""

    sign: str
    until: float
    at: float


@dataclass(frozen=True, slots=True)
class ClosureChanged:
    """Staff closed the zone, or opened it again."""

    zone: str
    closed: bool
    at: float


@dataclass(frozen=True, slots=True)
class SignOverridden:
    """Staff put their own words on a sign until a lot time, or (None) took them off again."""

    sign: str
    text: str | None
    until: float
    at: float


@dataclass(frozen=True, slots=True)
class NeighbourHeard:
    """Another lot told its state, which a sign may send drivers to."""

    lot: str
    """The name under which a ``RedirectSpec`` knows it."""
    free: int | None
    """Spaces; None when that lot does not trust its own count."""
    open: bool
    """Whether it takes anybody: neither full nor closed."""
    at: float
    sent_at: float | None = None
    """When it became known there, in Unix seconds, if it says so."""


@dataclass(frozen=True, slots=True)
class WentDown:
    """The controller was off for ``seconds`` from ``at``: what happened then is unknown, levels after it may differ."""

    seconds: float
    at: float
    kept: tuple[str, ...] = ()
    """But for these detectors: all their changes since then were kept, and come after this with their own times."""


@dataclass(frozen=True, slots=True)
class ChangesLost:
    """So many changes of a detector, not long before ``at``, are known to be gone: more came than anybody took."""

    detector: str
    changes: int
    at: float


@dataclass(frozen=True, slots=True)
class WentUnreadable:
    """What a detector is wired to can't be read any more: a GPIO chip has vanished. The next level says that it can."""

    detector: str
    at: float


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The controller was off, and the machine's clock can't tell yet for how long; ``OutageTold`` says it later."""

    at: float


@dataclass(frozen=True, slots=True)
class OutageTold:
    """The clock was set: the outage whose length nobody knew lasted for ``seconds``. Lot time went on without it."""

    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The wall clock: lot time 0 was this Unix time. For people, and to tell the age of stamped messages."""

    epoch: float
    at: float


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed and nothing else happened."""

    at: float


Event = (
    DetectorChanged
    | ChangesLost
    | WentUnreadable
    | BayChanged
    | Corrected
    | Adjusted
    | RecountBegan
    | Recounted
    | Undone
    | ClosureChanged
    | BayServiceChanged
    | SignOverridden
    | SignTested
    | NeighbourHeard
    | WentDown
    | Interrupted
    | OutageTold
    | ClockSet
    | Tick
)
