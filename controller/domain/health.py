"""Levels as they are wired -> levels that can be trusted, and faults.

Contacts bounce: a level counts when it has stood for ``DEBOUNCE_S``, with the time at which it came. That is far below
the 100-200 ms pulses of loop detectors. A level that is heard again settles in the same way and is passed on as
``repeated``: the change between the two may have been lost, which only the lane can tell (see ``crossing``).

A loop that is covered without a break for too long is stuck, or a vehicle stands on it; one that changes more often
than vehicles can drive, at once or for longer than any lane carries so many, chatters. Neither can be relied on while
it lasts. A lane of two loops finds a stuck or silent one much sooner than time alone does (see ``suspicion``).

Messages repeat and overtake each other: ``is_news`` tells from frame counters and times whether one may still speak.
"""

from dataclasses import dataclass

from controller.domain.events import Stamp
from controller.domain.frozen import changed
from controller.domain.report import FaultKind
from controller.domain.specs import HealthSpec, Role

DEBOUNCE_S = 0.03

WAITING = 4.0
"""A loop of a pair is stuck by time alone only after so many times ``stuck_after_s``: before a full lot people do wait
on the outer loop, and the other loop tells sooner."""

CARRIED = 4 / 3
"""Changes of a loop a second that may go on: 2,400 vehicles an hour, where a lane without a barrier carries 1,900 (the
base saturation flow of the Highway Capacity Manual). What is more adds up, until it is chatter: no car did that."""

SAME_FRAME_S = 600.0
"""A frame counter heard again within this time is the same frame; later, a device that started anew."""

LATE_FRAMES = 1000
"""A counter that fell by less is a frame that was overtaken; by more, a device that started anew."""

LATE_S = 3600.0
"""Nothing heard for this long: whatever comes next is news, so that one wrong clock cannot silence a sensor ..."""

QUEUED_S = 30 * 86_400.0
"""... and a message older than this came from a wrong clock: no queue keeps one for so long."""


@dataclass(frozen=True)  # no slots: see ``frozen``
class DetectorState:
    """One detector: its settled level, the one that is settling, and its fault."""

    occupied: bool | None = None
    """The settled level; None before the first was heard."""
    since: float | None = None
    settling: bool | None = None
    settling_since: float = 0.0
    said_again: bool = False
    """What is settling began with the level that was settled already."""
    changes: int = 0
    window_start: float = 0.0
    window_changes: int = 0
    excess: float = 0.0
    """Changes beyond what a lane can carry ..."""
    burst: int = 0
    """... and all, since there was no such excess."""
    fault: FaultKind | None = None
    fault_since: float = 0.0
    stamp: Stamp | None = None
    heard_at: float | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A level that has stood long enough, with the time at which it came."""

    occupied: bool
    at: float
    repeated: bool = False
    """The level was this before, too."""


def heard(state: DetectorState, *, occupied: bool, at: float, stamp: Stamp | None) -> DetectorState:
    """Take a raw level; it is settled later, by ``settle``."""
    state = changed(state, heard_at=at, stamp=stamp or state.stamp)
    if state.occupied is None and not occupied:  # unknown counts as clear: the first thing heard may be a vehicle
        return changed(state, occupied=False, since=at, settling=None)
    if state.settling is None:
        again = occupied == bool(state.occupied)
        return changed(state, settling=occupied, settling_since=at, said_again=again)
    if state.settling is occupied:
        return state
    if occupied == bool(state.occupied) and not state.said_again:  # bounced back
        known = state if state.occupied is not None else changed(state, occupied=False, since=at)
        return changed(known, settling=None)
    return changed(state, settling=occupied, settling_since=at)


def settle_due(state: DetectorState) -> float | None:
    """When the level that is settling will have stood long enough."""
    return None if state.settling is None else state.settling_since + DEBOUNCE_S


def settle(state: DetectorState, limits: HealthSpec) -> tuple[DetectorState, Settled]:
    """Make the settling level the settled one; the caller knows that it is due."""
    at, occupied = state.settling_since, bool(state.settling)
    if occupied == bool(state.occupied):
        return changed(state, settling=None), Settled(occupied, at, repeated=True)
    fresh = at - state.window_start > limits.chatter_window_s
    changes = 1 if fresh else state.window_changes + 1
    excess, burst = state.excess, state.burst
    if state.fault is not FaultKind.CHATTER:  # what it does while it chatters says nothing of what it does afterwards
        excess = max(0.0, excess - (at - (state.since if state.since is not None else at)) * CARRIED) + 1
        burst = 1 if excess <= 1 else burst + 1
    state = changed(
        state,
        occupied=occupied,
        since=at,
        settling=None,
        changes=state.changes + 1,
        window_start=at if fresh else state.window_start,
        window_changes=changes,
        excess=excess,
        burst=burst,
    )
    if max(changes, excess) >= limits.chatter_changes and state.fault is not FaultKind.CHATTER:
        state = changed(state, fault=FaultKind.CHATTER, fault_since=at)
    elif state.fault is (FaultKind.SILENT if occupied else FaultKind.STUCK):
        state = changed(state, fault=None)
    return state, Settled(occupied, at)


def forged(state: DetectorState, limits: HealthSpec) -> int:
    """Return how many changes no vehicles can have made, of a detector that chatters; 0: a loose contact made them."""
    if state.fault is not FaultKind.CHATTER or state.excess < limits.chatter_changes:
        return 0
    return state.burst


def fault_due(state: DetectorState, role: Role, limits: HealthSpec) -> float | None:
    """When a fault begins or ends by time alone; None: not before something changes."""
    if state.fault is FaultKind.CHATTER:
        return (state.since or 0.0) + limits.chatter_window_s
    if state.fault is None and state.occupied and role is not Role.BARRIER:
        patience = 1.0 if role is Role.LOOP else WAITING
        return (state.since or 0.0) + patience * limits.stuck_after_s
    return None


def fault_changed(state: DetectorState, at: float) -> DetectorState:
    """Begin or end the fault that ``fault_due`` foretold for ``at``."""
    if state.fault is FaultKind.CHATTER:
        return changed(state, fault=None, window_changes=0, excess=0.0, burst=0)
    return changed(state, fault=FaultKind.STUCK, fault_since=at)


def silenced(state: DetectorState, at: float) -> DetectorState:
    """Begin the fault of a detector that nothing is heard of, though something should be; its next change ends it."""
    return changed(state, fault=FaultKind.SILENT, fault_since=at)


def unreadable(state: DetectorState, at: float) -> DetectorState:
    """Begin the fault of a detector that can't be read: whatever it says next ends it, and is news."""
    return changed(state, settling=None, fault=FaultKind.UNREADABLE, fault_since=at)


def forget_level(state: DetectorState) -> DetectorState:
    """Forget what was heard, since the controller was off: the next level is the first one. Tallies and stamps stay.

    A stuck loop stays stuck until it is heard to be clear.
    """
    if state.fault is FaultKind.STUCK:
        return changed(state, settling=None, excess=0.0, burst=0)
    state = changed(state, window_changes=0, excess=0.0, burst=0)
    return changed(state, occupied=None, since=None, settling=None, fault=None)


def is_news(last: Stamp | None, heard_at: float | None, new: Stamp | None, at: float) -> bool:
    """Whether a stamped message says something newer than the last one of its sensor did."""
    if new is None or last is None:
        return True
    later_s = None if new.sent_at is None or last.sent_at is None else new.sent_at - last.sent_at
    behind = None if new.sequence is None or last.sequence is None else last.sequence - new.sequence
    if behind == 0 and later_s == 0:
        return False  # to the letter the same message, however late
    if heard_at is None or at - heard_at > LATE_S:
        return True
    if behind is None:
        return later_s is None or later_s >= 0
    if later_s is None:
        return not 0 <= behind < LATE_FRAMES
    return behind < 0 or later_s > (SAME_FRAME_S if behind == 0 else 0.0)


def is_too_old(stamp: Stamp | None, epoch: float | None, at: float, limit_s: float) -> bool:
    """Whether a message waited for longer than ``limit_s`` in some queue before it came at lot time ``at``."""
    if epoch is None or stamp is None or stamp.sent_at is None:
        return False
    return limit_s < epoch + at - stamp.sent_at <= max(QUEUED_S, limit_s)
