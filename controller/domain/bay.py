"""Bay sensors: what each says, which messages are news, and when one is silent for too long, or can't be believed.

A bay sensor that changes again and again (it is loose, or its magnetometer picks up a tram) flaps: while it does, its
bay is unknown. Vehicles do not come and go like that: each change counts, and one is forgotten every ``CALM_S``.
"""

from dataclasses import dataclass, replace

from controller.domain.events import BayChanged, Stamp
from controller.domain.health import is_news, is_too_old
from controller.domain.specs import BaySpec

FLAPS = 6.0
"""So many changes that are not forgotten yet are no vehicles'; fewer than half of it are, again."""
CALM_S = 60.0


@dataclass(frozen=True, slots=True)
class BayState:
    """One bay between two messages."""

    occupied: bool | None = None
    """None: never heard, or not for too long."""
    since: float | None = None
    """Since when it is so; of a bay that was never heard, since when one listens."""
    heard_at: float | None = None
    stamp: Stamp | None = None
    silent: bool = False
    """Nothing was heard for too long."""
    said: bool | None = None
    """What it said last, believed or not ..."""
    changes: float = 0.0
    """... and how often that changed lately."""
    flapping: bool = False
    battery_low_since: float | None = None


def heard(spec: BaySpec, bay: BayState, event: BayChanged, epoch: float | None) -> BayState | None:
    """Take a message; None when it is repeated, late or outdated. ``epoch``: Unix time of lot time 0, if known."""
    if is_too_old(event.stamp, epoch, event.at, spec.silent_after_s):
        return None
    if not is_news(bay.stamp, bay.heard_at, event.stamp, event.at):
        return None
    changes = max(0.0, bay.changes - (event.at - (event.at if bay.heard_at is None else bay.heard_at)) / CALM_S)
    changes += bay.said is not None and bay.said is not event.occupied
    flapping = changes >= (FLAPS / 2 if bay.flapping else FLAPS)
    occupied = None if flapping else event.occupied
    low_since = bay.battery_low_since
    if event.battery_low is not None:
        low_since = (event.at if low_since is None else low_since) if event.battery_low else None
    return BayState(
        occupied,
        bay.since if occupied is bay.occupied and flapping is bay.flapping else event.at,
        heard_at=event.at,
        stamp=event.stamp or bay.stamp,
        said=event.occupied,
        changes=changes,
        flapping=flapping,
        battery_low_since=low_since,
    )


def silent_due(spec: BaySpec, bay: BayState) -> float | None:
    """When the bay will have been silent for too long, be it since its last message or since one listens."""
    last = bay.since if bay.heard_at is None else bay.heard_at
    return None if bay.silent or last is None else last + spec.silent_after_s


def silenced(bay: BayState, at: float) -> BayState:
    """Say that nobody knows about the bay any more, or ever did."""
    return replace(bay, occupied=None, since=at, silent=True, flapping=False, changes=0.0)


def forgotten(bay: BayState, at: float) -> BayState:
    """Forget what was heard, since the controller was off; only a message that comes again is still known as such."""
    return BayState(since=at, stamp=bay.stamp, battery_low_since=bay.battery_low_since)
