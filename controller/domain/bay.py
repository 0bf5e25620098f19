"""Bay sensors: what each says, which messages are news, and when one has been silent for too long."""

from dataclasses import dataclass, replace

from controller.domain.events import BayChanged, Stamp
from controller.domain.health import is_news, is_too_old
from controller.domain.specs import BaySpec


@dataclass(frozen=True, slots=True)
class BayState:
    """One bay between two messages."""

    occupied: bool | None = None
    """None: never heard, or not for too long."""
    since: float | None = None
    heard_at: float | None = None
    stamp: Stamp | None = None


def heard(spec: BaySpec, bay: BayState, event: BayChanged, epoch: float | None) -> BayState | None:
    """Take a message; None when it is repeated, late or outdated. ``epoch``: Unix time of lot time 0, if known."""
    if is_too_old(event.stamp, epoch, event.at, spec.silent_after_s):
        return None
    if not is_news(bay.stamp, bay.heard_at, event.stamp, event.at):
        return None
    since = bay.since if event.occupied is bay.occupied else event.at
    return BayState(event.occupied, since, heard_at=event.at, stamp=event.stamp or bay.stamp)


def silent_due(spec: BaySpec, bay: BayState) -> float | None:
    """When the bay will have been silent for too long; None when it is unknown already."""
    if bay.occupied is None or bay.heard_at is None:
        return None
    return bay.heard_at + spec.silent_after_s


def silenced(bay: BayState, at: float) -> BayState:
    """Say that nobody knows about the bay any more."""
    return replace(bay, occupied=None, since=at)


def forgotten(bay: BayState) -> BayState:
    """Forget what was heard, since the controller was off; only a message that comes again is still known as such."""
    return BayState(stamp=bay.stamp)
