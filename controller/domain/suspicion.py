"""Which loop of a pair does not follow the vehicles any more: stuck or silent, found within a few vehicles.

Theory of operation
-------------------
Vehicles that cross one loop cross the other. So whoever covers one loop while the other keeps its level speaks
against the other: it is either one of the unclear cases (somebody turned away; the other loop missed this one vehicle),
or the other loop does not work. The odds of the two are multiplied, visit by visit, beginning with very small ones; any
change of the suspected loop begins them anew. It is suspected of being ``STUCK`` if it is held, and ``SILENT`` if it is
clear.

When people turn away one after the other before a full lot, that looks like a silent inner loop. So a visit soon after
one that turned away, or under a sign that says FULL, speaks against nobody unless it looks like a passage.

Until a loop is named, its lane took those visits for less than they were; the rest is ``Owed``, and paid when the loop
is named.
"""

import math

from controller.domain.crossing import LaneFault, LaneState, Owed, Suspect
from controller.domain.evidence import Judgement, alone, judge
from controller.domain.frozen import changed
from controller.domain.report import FaultKind
from controller.domain.specs import Direction, LaneSpec, Role

NAMED = 3.5
"""From these odds on (natural logarithm) the loop is named."""
MOST = 3.0
"""One visit says no more than this: whatever we think of it, we may be wrong."""
OWED_LIMIT = 12
BURST_S = 900.0
"""For so long after somebody turned away, another one may."""
MERGED = 0.02
"""How often a loop stays covered from one vehicle to the next: bumper to bumper, or a change was lost."""


def turning(lane: LaneState, at: float) -> bool:
    """Whether people are turning away at this time."""
    return lane.full or at - lane.turned_s < BURST_S


def visiting(spec: LaneSpec, lane: LaneState, role: Role, at: float) -> float:
    """Return how many drivers touch this loop only, for each passage, at this time."""
    street = spec.direction is not Direction.EXIT
    return lane.learned.visitors(role, street=street, turning=turning(lane, at), full=lane.full)


def other(role: Role) -> Role:
    """Return the other loop of a pair."""
    return Role.INNER if role is Role.OUTER else Role.OUTER


def accused(
    spec: LaneSpec, lane: LaneState, seen_by: Role, on_s: float, at: float, given: Judgement | None
) -> LaneState:
    """Weigh what it says of the other loop that only ``seen_by`` saw somebody; ``given`` is what was made of it."""
    suspect = lane.inner if seen_by is Role.OUTER else lane.outer
    held = (lane.inner_on if seen_by is Role.OUTER else lane.outer_on) is not None
    visitors = visiting(spec, lane, seen_by, at)
    blind = alone(spec, lane.learned, seen_by, on_s, visitors=visitors, other_is_blind=True)
    seeing = alone(spec, lane.learned, seen_by, on_s, visitors=visitors)
    spare = MERGED * sum(r.weight for r in blind if r.change) if held else 0.0
    ratio = sum(r.weight for r in blind) / (sum(r.weight for r in seeing) + spare)
    fair = judge(blind)
    owed = Owed(
        at,
        at - on_s,
        max(0.0, fair.chance(1) - (given.chance(1) if given else 0.0)),
        max(0.0, fair.chance(-1) - (given.chance(-1) if given else 0.0)),
    )
    now = Suspect(suspect.odds + min(math.log(ratio), MOST), (*suspect.owed, owed)[-OWED_LIMIT:])
    return changed(lane, inner=now) if seen_by is Role.OUTER else changed(lane, outer=now)


def named(lane: LaneState) -> tuple[Role, FaultKind] | None:
    """Return the loop that does not follow the vehicles, if there is enough against one."""
    if lane.faults:
        return None
    for role, suspect, on in ((Role.OUTER, lane.outer, lane.outer_on), (Role.INNER, lane.inner, lane.inner_on)):
        if suspect.odds >= NAMED:
            return role, FaultKind.SILENT if on is None else FaultKind.STUCK
    return None


def fault_of(lane: LaneState, role: Role) -> LaneFault | None:
    """Return the fault of this loop, if it has one."""
    return next((fault for fault in lane.faults if fault.role is role), None)
