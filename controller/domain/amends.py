"""What staff do to a count while vehicles come and go: walk the lot and count, and take a correction back.

Both have to know what passed meanwhile, so both keep the passages since. Somebody who walks the lot at an even pace
has been by a share f of its spaces when a share f of the walk is over. A vehicle that comes then parks where she has
been already with chance f, and is not in her number; one that leaves then was in it with chance f. So the number that
she brings is right once each passage of the walk is folded into it again, with f times its chance.

What nobody watched meanwhile makes the result as wide as it should be; see ``occupancy.missed``.
"""

from dataclasses import dataclass, replace

from controller.domain import occupancy
from controller.domain.believed import Passing
from controller.domain.occupancy import ZoneState
from controller.domain.specs import ZoneSpec

UNDO_S = 1800.0
"""A correction can be taken back for so long."""
RECOUNT_S = 4 * 3600.0
"""Nobody walks a lot for longer: the recount is given up."""
MOST_PASSED = 5000
"""Passages that are kept for either; after more it can't be taken back, or is given up."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A passage as a zone took it; ``by`` is what it most likely changed inside."""

    at: float
    passing: Passing
    by: int


@dataclass(frozen=True, slots=True)
class Recount:
    """Somebody walks the lot and counts."""

    began: float
    inside: int | None
    """What was shown inside then."""
    passed: tuple[Passed, ...] = ()
    off_s: float = 0.0
    """For so long nobody watched the lanes meanwhile, the controller being off."""
    blind: bool = False
    """A lane was blind meanwhile, or changes were lost: what passed is not known for the whole walk."""


@dataclass(frozen=True, slots=True)
class Before:
    """What was believed of a zone before it was corrected, and what passed since."""

    at: float
    zone: ZoneState
    passed: tuple[Passed, ...] = ()


def reconciled(spec: ZoneSpec, zone: ZoneState, recount: Recount, seen: int, at: float, unix: float) -> ZoneState:
    """Return the zone when the walk is over at ``at`` and ``seen`` vehicles were counted."""
    zone = occupancy.corrected(spec, zone, seen, at, unix)
    lasted_s, moved = at - recount.began, 0.0
    for passed in recount.passed:
        share = (passed.at - recount.began) / lasted_s if lasted_s > 0 else 0.0
        before, moved = moved, moved + passed.by * share
        passing = replace(
            passed.passing,
            chance_in=passed.passing.chance_in * share,
            chance_out=passed.passing.chance_out * share,
            unseen=passed.passing.unseen * share,
        )
        zone = occupancy.passed(spec, zone, passing, round(moved) - round(before), at)
    unwatched_s = lasted_s if recount.blind else min(recount.off_s, lasted_s)
    return zone if unwatched_s <= 0 else occupancy.missed(spec, zone, unwatched_s, 1.0, 1.0)


def taken_back(spec: ZoneSpec, now: ZoneState, before: Before) -> ZoneState:
    """Return the zone as if it had not been corrected; what bays and staff said since then stays."""
    zone = before.zone
    for passed in before.passed:
        zone = occupancy.passed(spec, zone, passed.passing, passed.by, passed.at)
    return replace(
        zone,
        closed=now.closed,
        full=now.full,
        bays_occupied=now.bays_occupied,
        bays_free=now.bays_free,
        bays_heard=now.bays_heard,
        sample=now.sample,
        status=now.status,
        reason=now.reason,
        since=now.since,
    )


def adjusted(spec: ZoneSpec, zone: ZoneState, by: int, at: float) -> ZoneState:
    """Return the zone when so many vehicles went in (or out, below 0) that no lane saw, and somebody did."""
    step = 1 if by > 0 else -1
    passing = Passing(1.0, 0.0) if by > 0 else Passing(0.0, 1.0)
    for _ in range(abs(by)):
        zone = occupancy.passed(spec, zone, passing, step, at)
    return zone
