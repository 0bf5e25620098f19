"""Changes of a loop that were lost, and how the lane gets over them.

A detector or its line may lose a single change. The level is then wrong until the next one, which says what was said
before: "covered" of a loop that is covered, "clear" of one that is clear. A sensor that repeats itself from time to
time, or a pin that is read anew, says the same. So a repeated level counts only where it makes sense of the sequence,
and where lost changes are likelier in this lane than levels that were read again.
"""

from controller.domain.case import Case, Weighed, next_on_f, on_f, rest
from controller.domain.crossing import LaneState, Phase, Visit
from controller.domain.evidence import Reading, What, share_inward
from controller.domain.frozen import changed
from controller.domain.learned import Learned
from controller.domain.specs import Direction
from controller.domain.unclear import FOLLOWS, SHUNTS, one_loop_only

STALE_S = 20.0
"""Nobody drives against a one-way lane and stands on its first loop for so long."""
TOO_SOON_S = 0.3
"""Nobody drives from one loop to the other in this time ..."""
TOO_SOON = 0.25
"""... nor in this part of what the one ahead needed."""
LOST = "a change of a loop was lost"


def on_both(case: Case) -> Weighed:
    """S is covered, too; after so long against a one-way lane it is the next vehicle, since that F cleared was lost."""
    lane = case.lane
    if not case.against or case.at - lane.first.on < STALE_S:
        return case.go(pulsed_s=None), ()
    return _since_cleared(case, case.at)


def _since_cleared(case: Case, since: float) -> Weighed:
    """Say what F had seen, of which nobody heard that it cleared, and watch who is on S since then, and came there."""
    lane = case.lane
    seemed = Visit(lane.first.on, lane.first.on + case.times(case.f_role).median_s)
    after, passed = one_loop_only(case, seemed, case.f_role)
    learned = changed(after.learned, lost_edges=after.learned.lost_edges + 1)
    return on_f(changed(after, learned=learned), since, outer_first=not lane.outer_first), passed


def swapped(case: Case) -> Weighed:
    """S has cleared, and nobody saw it covered: the vehicle on F came from there; or the level was just read again."""
    lane, learned = case.lane, case.lane.learned
    inward = share_inward(case.spec, learned)
    onward = inward if lane.outer_first else 1 - inward
    reread = onward * ((case.at - lane.first.on) * learned.read_again + learned.backed * learned.lost)
    came = (1 - onward) * learned.lost
    if came <= reread:
        return read_again(lane), ()
    first, second = Visit(lane.first.on, case.at), Visit(lane.first.on, lane.first.on)
    now = case.on_s(phase=Phase.SECOND, began=lane.began, first=first, second=second, overlapped=True)
    return changed(now, sure=came / (came + reread), learned=told(learned), doubt=LOST), ()


def late(case: Case) -> Weighed:
    """S has cleared after F, and nobody saw it covered."""
    lane, learned = case.lane, case.lane.learned
    if case.against:
        return read_again(lane), ()
    once = case.touching(case.f_role, lane.first) + learned.missed(case.s_role)
    readings = (
        Reading(What.LOST_EDGE, case.forward, learned.lost),
        Reading(What.REREAD, 0, once * learned.read_again * (case.at - lane.first.off)),
    )
    after, said, judgement = case.judged(readings, lane.began)
    told = after.learned.told_edges + judgement.of(What.LOST_EDGE)
    return changed(rest(after), learned=changed(after.learned, told_edges=told)), (said,)


def renewed(case: Case) -> Weighed:
    """F is said to be covered while it is: somebody new, if the leader had time to leave it.

    Where S had been covered anew while F only seemed to be (``unclear.again``), the vehicle came from there.
    """
    lane = case.lane
    if case.against:
        before = lane.learned.people(case.f_role) + lane.learned.missed(case.s_role)
        if before * lane.learned.lost < lane.learned.against * lane.learned.read_again * (case.at - lane.second.on):
            return read_again(lane), ()
        after, passed = _since_cleared(case, lane.second.on)
        here = Visit(case.at, case.at)
        return changed(after, phase=Phase.BOTH, second=here, overlapped=True), passed
    if case.spec.direction is Direction.BOTH and lane.first.on < lane.began:
        here = Visit(case.at, case.at)
        now = case.on_s(phase=Phase.BOTH, began=lane.second.on, first=lane.second, second=here, overlapped=True)
        return changed(now, learned=told(lane.learned)), ()
    early = case.at - lane.first.on < case.times(case.f_role).median_s / 2
    if early or lane.learned.lost * FOLLOWS < lane.learned.read_again * (case.at - lane.second.on):
        return read_again(lane), ()
    first = Visit(lane.first.on, lane.second.on)
    return case.go(first=first, follower_on=case.at, renewed=True), ()


def not_renewed(case: Case) -> Weighed:
    """F has cleared while S is covered, and a repeated level alone had told of a follower: it was just read again."""
    return read_again(case.go(first=Visit(case.lane.first.on, case.at), renewed=False)), ()


def replaced(case: Case) -> Weighed:
    """F is said to be covered while it is, long after S cleared: the leader has passed, or the level was read again."""
    lane, learned = case.lane, case.lane.learned
    readings = (
        Reading(What.LOST_EDGE, case.forward, learned.lost),
        Reading(What.REREAD, 0, (learned.backed + SHUNTS) * learned.read_again * (case.at - lane.second.off)),
    )
    after, said, judgement = case.judged(readings, lane.began, at=lane.second.off)
    if judgement.likeliest.what is What.REREAD:
        return read_again(lane), ()
    learned = changed(after.learned, told_edges=after.learned.told_edges + 1)
    return next_on_f(changed(after, follower_on=case.at, learned=learned)), (said,)


def caught_up(case: Case) -> Weighed:
    """S is said to be covered while it is, with a follower on F: it drove on, and the leader has left."""
    lane = case.lane
    if case.at - lane.follower_on < max(TOO_SOON_S, TOO_SOON * case.unit_s):  # S was just read again, and F maybe, too
        return read_again(changed(lane, phase=Phase.BOTH, renewed=False) if lane.renewed else lane), ()
    left = case.sure(tailgating=True, at=max(lane.second.on, lane.follower_on), doubt=LOST)
    learned = told(lane.learned.faded(turning=False))
    now = next_on_f(changed(lane, learned=learned))
    return changed(now, phase=Phase.BOTH, second=Visit(case.at, case.at), overlapped=True), (left,)


def told(learned: Learned) -> Learned:
    """Count a lost change that a repeated level gave away."""
    return changed(learned, lost_edges=learned.lost_edges + 1, told_edges=learned.told_edges + 1)


def read_again(lane: LaneState) -> LaneState:
    """Count a level that was heard again for no reason."""
    return changed(lane, learned=changed(lane.learned, repeats=lane.learned.repeats + 1))
