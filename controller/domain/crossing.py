"""The automaton of a lane, and how it reads what vehicles do: theory of operation, phases, and the table of steps.

Theory of operation
-------------------
A two-loop lane is read relative to the loop that was covered *first* (F) and the other one, the *second* (S), so that
one table serves both directions: F is the outer loop for an entry, the inner one for an exit. The first loop covered
sets the direction; a vehicle counts once it has crossed both and left. ``TABLE`` has every step; what it leaves out
cannot happen from that phase, and changes nothing. Some things make it more than textbook quadrature:

* **A follower is no reversal.** While the leader is on S, F is covered again (FOLLOWED), and the leader leaves S
  (DOUBT, unless S only pulsed: then it is through). If S is covered next, a follower drove on and the leader has
  passed. If F clears, the leader had backed up onto F. If neither comes within ``DOUBT_S``, somebody waits on F and
  the leader has passed.
* **One vehicle covers both loops, or leaves a gap, but not both.** Where S was reached after a gap and F is then
  covered from S, somebody had touched F and turned back, and a vehicle came from the other side.
* **A pulse is no visit.** A vehicle body covers a loop for much longer than ``PULSE_S``; a counting output or a
  contact's kick does not. Where S only pulsed while the vehicle stood on F and then left F, it drove through (the usual
  form with a counting output behind a presence loop); had S been held for longer, it backed out. A first loop that
  merely pulsed sets no direction when the other is then covered for much longer: those two do not belong to one
  vehicle in that order.
* **A moment is no gap.** A loop clear for less than ``FLICKER_S`` has the same vehicle on it (a drawbar, a high
  chassis).
* **Off and off may tie.** Clocks tick; S and then F clearing within ``TIE_S`` is a vehicle leaving both.

Bumper to bumper a 2 m loop may not clear between vehicles. F held while S clears and is covered again within
``CLOSE_S`` is counted as a close follower; later, as one vehicle that moved to and fro. Both are said to be in doubt.
"""

from dataclasses import dataclass
from enum import StrEnum

PULSE_S = 0.35
FLICKER_S = 0.25
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
    TIMEOUT = "time"


class Verdict(StrEnum):
    """What a step says of the vehicle."""

    NOTHING = ""
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
    BACKED = "F cleared: the leader backed out"


TABLE: dict[Phase, dict[Step, tuple[Phase, Verdict]]] = {
    Phase.IDLE: {
        Step.F_ON: (Phase.FIRST, Verdict.NOTHING),
    },
    Phase.FIRST: {
        Step.S_ON: (Phase.BOTH, Verdict.NOTHING),
        Step.F_OFF: (Phase.GAP, Verdict.CLEARED),
    },
    Phase.GAP: {
        Step.S_ON: (Phase.SECOND, Verdict.REACHED),
        Step.F_ON: (Phase.FIRST, Verdict.TURNED),
        Step.TIMEOUT: (Phase.IDLE, Verdict.TURNED),
    },
    Phase.BOTH: {
        Step.F_OFF: (Phase.SECOND, Verdict.NOTHING),
        Step.S_OFF: (Phase.RETREAT, Verdict.NOTHING),
    },
    Phase.SECOND: {
        Step.S_OFF: (Phase.IDLE, Verdict.LEFT),
        Step.F_ON: (Phase.FOLLOWED, Verdict.REGAINED),
    },
    Phase.RETREAT: {
        Step.F_OFF: (Phase.IDLE, Verdict.RETREATED),
        Step.S_ON: (Phase.BOTH, Verdict.AGAIN),
    },
    Phase.FOLLOWED: {
        Step.S_OFF: (Phase.DOUBT, Verdict.RELEASED),
        Step.F_OFF: (Phase.SECOND, Verdict.TOUCHED),
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
    held: bool = False
    """S was covered for longer than a pulse."""
    overlapped: bool = False
    """F and S were covered together at some moment."""
    pulsed_s: float | None = None
    """The other loop pulsed for this long just before F was covered, and may yet have been the first."""
    doubt: str | None = None
    """What else the vehicle may have done so far."""
    deadline: float | None = None
    entries: int = 0
    exits: int = 0
    back_outs: int = 0
    touches: int = 0
    ambiguous: int = 0
