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
    """Since when it is so; of a bay that was never heard, since when one listens."""
    heard_at: float | None = None
    stamp: Stamp | None = None
    silent: bool = False
    """Nothing was heard for too long."""


def heard(spec: BaySpec, bay: BayState, event: BayChanged, epoch: float | None) -> BayState | None:
    """Take a message; None when it is repeated, late or outdated. ``epoch``: Unix time of lot time 0, if known."""
    if is_too_old(event.stamp, epoch, event.at, spec.silent_after_s):
        return None
    if not is_news(bay.stamp, bay.heard_at, event.stamp, event.at):
        return None
    since = bay.since if event.occupied is bay.occupied else event.at
    return BayState(event.occupied, since, heard_at=event.at, stamp=event.stamp or bay.stamp)


def silent_due(spec: BaySpec, bay: BayState) -> float | None:
    """When the bay will have been silent for too long, be it since its last message or since one listens."""
    last = bay.since if bay.heard_at is None else bay.heard_at
    return None if bay.silent or last is None else last + spec.silent_after_s


def silenced(bay: BayState, at: float) -> BayState:
    """Say that nobody knows about the bay any more, or ever did."""
    return replace(bay, occupied=None, since=at, silent=True)


def forgotten(bay: BayState, at: float) -> BayState:
    """Forget what was heard, since the controller was off; only a message that comes again is still known as such."""
    return BayState(since=at, stamp=bay.stamp)
