"""The automaton of a lane, and how it reads what vehicles do: theory of operation, phases, and the table of steps.

Theory of operation
-------------------
A two-loop lane is read relative to the loop that was covered *first* (F) and the other one, the *second* (S), so that
one table serves both directions: F is the outer loop for an entry, the inner one for an exit. The first loop covered
sets the direction; a vehicle counts once it has crossed both and left. ``TABLE`` has every step; what it leaves out
cannot happen from that phase, and changes nothing. Some things make it more than textbook quadrature:

* **A follower is no reversal.** While the leader is on S, F is covered again (FOLLOWED), and the leader leaves S
  (DOUBT, unless S only pulsed: then it is through). If S is covered next, a follower drove on and the leader has
  passed. If F clears, the leader had backed up onto F, or has passed and its follower is gone: the times tell. If
  neither comes within ``DOUBT_S``, somebody waits on F and the leader has passed.
* **One vehicle covers both loops, or leaves a gap, but not both.** Where S was reached after a gap and F is then
  covered from S, somebody had touched F and turned back, and a vehicle came from the other side.
* **A pulse is no visit.** A vehicle body covers a loop for much longer than ``PULSE_S``; a counting output or a
  contact's kick does not. Where S only pulsed while the vehicle stood on F and then left F, it drove through (the usual
  form with a counting output behind a presence loop); had S been held for longer, it backed out. A first loop that
  merely pulsed sets no direction when the other is then covered for much longer: those two do not belong to one
  vehicle in that order.
* **A moment is no gap.** A loop clear for ``MOMENT_S`` has the same vehicle on it (a high chassis). Between a car and
  its trailer both loops clear alike, and for less of the way than between two vehicles.
* **Off and off may tie.** Clocks tick; S and then F clearing within ``TIE_S`` is a vehicle leaving both.
* **Nobody drives against a one-way lane** without need. What seems to is weighed against a vehicle that one loop has
  missed, and against two that followed each other.
* **A level heard again** (F++, S++, S--) may give away that the change between was lost.

Loops miss vehicles, people trip them, and bumper to bumper they may not clear between two. What more than one story
explains comes out with the chance of each (``evidence``), weighed by this lane's own times and error rates
(``learned``); what is clear has chance 1. A loop that follows no vehicles any more is found by ``suspicion``, and a
barrier's contact is one more witness (``barrier``).
"""

from dataclasses import dataclass
from enum import StrEnum

from controller.domain import barrier
from controller.domain.barrier import Opening
from controller.domain.learned import NOTHING_LEARNED, Learned
from controller.domain.report import FaultKind
from controller.domain.specs import Role

PULSE_S = 0.35
FLICKER_S = 0.25
MOMENT_S = 0.12
TIE_S = 0.12
DOUBT_S = 5.0
CLOSE_S = 1.5
MIN_SINGLE_S = 0.08
"""A single loop must be covered for at least this long to count."""


class Phase(StrEnum):
    """Where the vehicle that is being watched is."""

    IDLE = "idle"
    FIRST = "first"
    """On F only, S not touched yet."""
    GAP = "gap"
    """Has left F, S not reached yet."""
    BOTH = "both"
    """On both, F first."""
    SECOND = "second"
    """On S only, F was crossed."""
    RETREAT = "retreat"
    """On F only, after S was touched."""
    FOLLOWED = "followed"
    """On S, and F is covered again."""
    DOUBT = "doubt"
    """S has cleared while F is covered again: follower or reversal?"""


class Step(StrEnum):
    """What can happen: a loop is covered (+) or clears (-), or the phase's time is up."""

    F_ON = "F+"
    F_OFF = "F-"
    S_ON = "S+"
    S_OFF = "S-"
    F_ON_AGAIN = "F++"
    """A level that was heard before: had the change between the two been lost?"""
    S_ON_AGAIN = "S++"
    S_OFF_AGAIN = "S--"
    TIMEOUT = "time"


class Verdict(StrEnum):
    """What a step says of the vehicle."""

    NOTHING = ""
    ON_BOTH = "S is covered, too: the vehicle is on both, or F has only seemed to be covered for long"
    CLEARED = "F cleared: gone to the gap, or two pulses were one quick passage"
    TURNED = "touched one loop only"
    REACHED = "S after a gap: the second loop, unless F only pulsed"
    LEFT = "left S: passed, unless F only pulsed"
    REGAINED = "F again: flicker, follower, or the true second loop"
    TOUCHED = "F cleared again: a follower thought better of it, or came from S and turned back"
    RETREATED = "left F after S: backed out, or passed if S only pulsed or both tie"
    AGAIN = "S again: same vehicle, or a close follower"
    RELEASED = "S cleared: passed for certain if S only pulsed"
    RESUMED = "S again: flicker, or the leader has passed and its follower drove on"
    FOLLOWED = "the leader has passed, with a follower behind it"
    BACKED = "F cleared: the leader backed out, or has passed and its follower is gone"
    SWAPPED = "S cleared that was never covered: the vehicle came from there, and S+ was lost"
    LATE = "S cleared that was never covered: passed, and S+ was lost"
    RENEWED = "F covered that never cleared: F- was lost, and somebody is behind the leader"
    REPLACED = "F covered that never cleared: the leader has passed, F- was lost, and the next one is on F"
    CAUGHT_UP = "S covered that never cleared: the leader has passed, S- was lost, and its follower drove on"


TABLE: dict[Phase, dict[Step, tuple[Phase, Verdict]]] = {
    Phase.IDLE: {
        Step.F_ON: (Phase.FIRST, Verdict.NOTHING),
    },
    Phase.FIRST: {
        Step.S_ON: (Phase.BOTH, Verdict.ON_BOTH),
        Step.S_ON_AGAIN: (Phase.BOTH, Verdict.ON_BOTH),
        Step.F_OFF: (Phase.GAP, Verdict.CLEARED),
        Step.S_OFF_AGAIN: (Phase.SECOND, Verdict.SWAPPED),
    },
    Phase.GAP: {
        Step.S_ON: (Phase.SECOND, Verdict.REACHED),
        Step.F_ON: (Phase.FIRST, Verdict.TURNED),
        Step.S_OFF_AGAIN: (Phase.IDLE, Verdict.LATE),
        Step.TIMEOUT: (Phase.IDLE, Verdict.TURNED),
    },
    Phase.BOTH: {
        Step.F_OFF: (Phase.SECOND, Verdict.NOTHING),
        Step.S_OFF: (Phase.RETREAT, Verdict.NOTHING),
        Step.F_ON_AGAIN: (Phase.FOLLOWED, Verdict.RENEWED),
    },
    Phase.SECOND: {
        Step.S_OFF: (Phase.IDLE, Verdict.LEFT),
        Step.F_ON: (Phase.FOLLOWED, Verdict.REGAINED),
    },
    Phase.RETREAT: {
        Step.F_OFF: (Phase.IDLE, Verdict.RETREATED),
        Step.S_ON: (Phase.BOTH, Verdict.AGAIN),
        Step.F_ON_AGAIN: (Phase.FIRST, Verdict.REPLACED),
    },
    Phase.FOLLOWED: {
        Step.S_OFF: (Phase.DOUBT, Verdict.RELEASED),
        Step.F_OFF: (Phase.SECOND, Verdict.TOUCHED),
        Step.S_ON_AGAIN: (Phase.BOTH, Verdict.CAUGHT_UP),
    },
    Phase.DOUBT: {
        Step.S_ON: (Phase.BOTH, Verdict.RESUMED),
        Step.F_OFF: (Phase.IDLE, Verdict.BACKED),
        Step.TIMEOUT: (Phase.FIRST, Verdict.FOLLOWED),
    },
}
"""The whole automaton: phase -> step -> (next phase, verdict). Weighing a verdict (``_WEIGH``) may end elsewhere."""


@dataclass(frozen=True, slots=True)
class Visit:
    """How a loop was covered last, in lot time."""

    on: float = 0.0
    off: float = 0.0

    @property
    def length_s(self) -> float:
        """How long it was covered."""
        return self.off - self.on


@dataclass(frozen=True, slots=True)
class Owed:
    """Somebody over one loop who counts for more if it turns out that the other loop does not work."""

    at: float
    began: float
    missing_in: float
    """Chance of an entry that was not counted for."""
    missing_out: float


UNSUSPECTED = -9.0
"""Before anything speaks against a loop that is clear, the odds that it is silent are e to this ..."""
HELD = -5.5
"""... and that it is stuck, when it is covered: who stands there keeps the others away."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """What speaks against a loop since its level changed last (see ``suspicion``)."""

    odds: float = UNSUSPECTED
    """Natural logarithm of the odds that it does not follow the vehicles any more."""
    owed: tuple[Owed, ...] = ()


@dataclass(frozen=True, slots=True)
class LaneFault:
    """A loop of the lane that does not follow its vehicles."""

    role: Role
    kind: FaultKind
    since: float


@dataclass(frozen=True)  # no slots: see ``frozen``
class LaneState:
    """One lane between two steps."""

    phase: Phase = Phase.IDLE
    outer_first: bool = True
    """F is the outer loop: the vehicle is coming in."""
    began: float = 0.0
    """When the vehicle that is being watched covered F first."""
    first: Visit = Visit()
    second: Visit = Visit()
    follower_on: float = 0.0
    """When F was covered again while the vehicle was on S."""
    renewed: bool = False
    """That F was covered again is known from a repeated level only."""
    held: bool = False
    """S was covered for longer than a pulse."""
    overlapped: bool = False
    """F and S were covered together at some moment."""
    pulsed_s: float | None = None
    """The other loop pulsed for this long just before F was covered, and may yet have been the first."""
    doubt: str | None = None
    """What else the vehicle may have done so far."""
    sure: float = 1.0
    """Chance that what was made of this vehicle so far is right."""
    f_gap_s: float = 0.0
    """For how long F was clear between what may be a car and its trailer."""
    trailer_on: float = 0.0
    """When F was covered by what may be that trailer."""
    bump_s: float = 0.0
    """For how long S was covered by what may be a car, before its trailer came; 0: there is none."""
    beside: tuple[Visit, ...] = ()
    """When F was covered and cleared while S was held."""
    outer_on: float | None = None
    """Since when the outer loop is covered; None: it is clear."""
    inner_on: float | None = None
    full: bool = False
    """The sign says that the lot is full: people turn away."""
    turned_s: float = -1e9
    """When somebody touched one loop only, last."""
    outer: Suspect = Suspect()
    inner: Suspect = Suspect()
    openings: tuple[Opening, ...] = ()
    """Of the barrier, that are not settled yet."""
    faults: tuple[LaneFault, ...] = ()
    """Loops that are not listened to."""
    learned: Learned = NOTHING_LEARNED
    phase_due: float | None = None
    """When the phase's time is up."""
    entries: int = 0
    exits: int = 0
    back_outs: int = 0
    touches: int = 0
    ambiguous: int = 0
    against: int = 0
    """Vehicles that went against a one-way lane, one after the other, up to now ..."""
    against_since: float = 0.0
    """... and when the first of them did."""

    @property
    def deadline(self) -> float | None:
        """When something happens by time alone; None: not before something changes."""
        if not self.openings:
            return self.phase_due
        due = barrier.due(self.openings)
        return due if self.phase_due is None or (due is not None and due < self.phase_due) else self.phase_due
