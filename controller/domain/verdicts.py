"""What each verdict of the automaton makes of the vehicle that is watched: passages with chances, and the next phase.

``crossing`` says in which phase a step leads where; here it is weighed. A clear sequence is a passage with chance 1; an
unclear one goes to ``unclear`` or ``lost``, where it is judged by the stories that explain it.
"""

from collections.abc import Callable
from dataclasses import replace

from controller.domain import lost, unclear
from controller.domain.case import Case, Weighed, next_on_f, on_f, rest
from controller.domain.crossing import FLICKER_S, MOMENT_S, PULSE_S, TIE_S, LaneState, Phase, Verdict, Visit
from controller.domain.frozen import changed
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Direction

DRAWBAR = 0.24
"""A drawbar leaves a loop clear for this part of the time from one loop to the other, or less: of 3 m, 0.72 m."""
LONGEST_DRAWBAR_S = 0.6
TIGHT = 0.38
"""A follower is tight behind its leader if F is clear for less than this part of the time from loop to loop."""


def _nothing(case: Case) -> Weighed:
    return case.go(pulsed_s=None), ()


def _cleared(case: Case) -> Weighed:
    """F has cleared. Had the other loop pulsed just before, two pulses alike are one quick passage from there."""
    lane = case.lane
    if lane.pulsed_s is not None and lane.first.length_s < 2 * lane.pulsed_s:
        return replace(case, lane=changed(lane, outer_first=not lane.outer_first)).through()
    return case.go(pulsed_s=None), ()


def _turned(case: Case) -> Weighed:
    """F alone was covered. If it is covered again at once, that is a drawbar; later, it is the next one."""
    lane = case.lane
    if case.phase is not Phase.FIRST:
        return unclear.one_loop_only(case, lane.first, case.f_role)
    if case.at - lane.first.off <= FLICKER_S:
        return case.go(), ()
    after, passed = unclear.one_loop_only(case, lane.first, case.f_role, next_on=case.at)
    return on_f(after, case.at, outer_first=lane.outer_first), passed


def _reached(case: Case) -> Weighed:
    """S is covered after a gap. A first loop that merely pulsed may have been noise: watch S as a first loop, too."""
    if case.only_pulsed:
        now = on_f(case.lane, case.at, outer_first=not case.lane.outer_first)
        return changed(now, pulsed_s=case.lane.first.length_s), ()
    if case.against:
        return unclear.two_apart(case)
    return case.go(second=Visit(case.at, case.at), held=False, overlapped=False), ()


def _left(case: Case) -> Weighed:
    lane = case.lane
    if case.only_pulsed and lane.second.length_s >= 2 * lane.first.length_s:
        after, passed = unclear.one_loop_only(case, lane.second, case.s_role)
        return changed(after, ambiguous=after.ambiguous + 1), passed
    if case.against:
        return unclear.against(case)
    if lane.beside:
        return unclear.left_beside(case)
    if not lane.overlapped:
        return unclear.after_a_gap(case)
    learned, passed = unclear.one_or_more(case, case.sure(), case.paced())
    return changed(rest(lane), learned=learned), passed


def _regained(case: Case) -> Weighed:
    lane, gap_s = case.lane, case.at - case.lane.first.off
    if lane.overlapped and case.only_pulsed:  # F's kick came early: the vehicle was on S first, and reaches F now
        here = Visit(case.at, case.at)
        return case.on_s(phase=Phase.BOTH, began=lane.second.on, first=lane.second, second=here, overlapped=True), ()
    if lane.overlapped and case.against and gap_s > MOMENT_S:
        return unclear.overtaken(case)
    if lane.overlapped and gap_s <= _drawbar_s(case):
        case, passed = _first_of_three(case) if lane.bump_s > 0 else (case, ())
        return case.go(phase=Phase.BOTH, f_gap_s=gap_s, trailer_on=case.at), passed
    return case.go(follower_on=case.at), ()


def _first_of_three(case: Case) -> tuple[Case, tuple[Passage, ...]]:
    """Count the first of three bodies that are hardly apart: nobody has two trailers."""
    lane = case.lane
    left = case.sure(tailgating=True, at=lane.second.on - lane.f_gap_s)
    first = Visit(lane.trailer_on, lane.first.off)
    learned = lane.learned.faded(turning=False)
    lane = changed(lane, learned=learned, began=first.on, first=first, bump_s=0.0, doubt=None, sure=1.0)
    return replace(case, lane=lane), (left,)


def _touched(case: Case) -> Weighed:
    """F was covered and left while S is covered. After a gap that was the vehicle on S, unless it was no vehicle."""
    if case.lane.renewed:
        return lost.not_renewed(case)
    touch = Visit(case.lane.follower_on, case.at)
    if case.is_two and touch.length_s > PULSE_S:
        return unclear.met(case, Phase.RETREAT, second=touch, held=True)
    return unclear.touched(case)


def _retreated(case: Case) -> Weighed:
    lane = case.lane
    tie = case.at - lane.second.off <= TIE_S
    if tie or not lane.held or case.pulses(case.s_role):
        return case.through()
    if lane.f_gap_s > 0:  # no trailer, for S would have seen it
        left = Visit(lane.first.on, lane.trailer_on - lane.f_gap_s)
        return unclear.backed(replace(case, lane=changed(lane, first=left, follower_on=lane.trailer_on)))
    learned = changed(lane.learned, back_outs=lane.learned.back_outs + 1)
    turned = 1.0 if lane.outer_first and case.spec.direction is not Direction.EXIT else 0.0
    said = Passage(case.spec.name, PassageKind.BACK_OUT, case.at, lane.began, doubt=lane.doubt, turned=turned)
    return changed(rest(lane), learned=learned), (said,)


def _again(case: Case) -> Weighed:
    """S is covered again while F was held: flicker or pulses, or somebody comes."""
    lane = case.lane
    here = Visit(case.at, case.at)
    if not lane.held or case.pulses(case.s_role):
        return case.go(second=here), ()
    if _is_same(lane, case.at - lane.second.off):
        return case.go(second=here, bump_s=lane.second.length_s if lane.f_gap_s > 0 else 0.0), ()
    return unclear.again(case)


def _released(case: Case) -> Weighed:
    lane = case.lane
    if not lane.held or case.pulses(case.f_role) or case.pulses(case.s_role):
        return next_on_f(lane), (case.sure(tailgating=True),)
    if case.is_two:
        return unclear.met(case, Phase.SECOND, second=Visit(lane.follower_on, lane.follower_on))
    return case.go(), ()


def _resumed(case: Case) -> Weighed:
    if case.at - case.lane.second.off <= MOMENT_S / 2:
        return case.go(phase=Phase.FOLLOWED), ()
    lingered = case.spec.barrier is not None or case.delay > unclear.LINGERS
    now, passed = unclear.one_or_two(case) if lingered else _followed(case)
    return changed(now, phase=Phase.BOTH, second=Visit(case.at, case.at), overlapped=True), passed


def _followed(case: Case) -> Weighed:
    """Count the leader as of when it left S."""
    lane, learned = case.lane, case.paced()
    learned = changed(learned, followed=learned.followed + 1)
    if lane.renewed:
        learned = lost.told(learned)
    elif lane.follower_on - lane.first.off < TIGHT * case.unit_s:
        learned = changed(learned, tight=learned.tight + 1, tight_waits=learned.tight_waits + case.waited)
    learned, passed = unclear.one_or_more(case, case.sure(tailgating=True, at=lane.second.off), learned)
    return next_on_f(changed(lane, learned=learned)), passed


def _drawbar_s(case: Case) -> float:
    """Return for how long a loop may be clear between a car and its trailer, at the speed of this one."""
    return min(max(MOMENT_S, DRAWBAR * case.unit_s), LONGEST_DRAWBAR_S)


def _is_same(lane: LaneState, clear_s: float) -> bool:
    """Whether S was clear for a moment only, or for as long as F was between a car and its trailer."""
    if lane.f_gap_s > 0:
        return clear_s <= LONGEST_DRAWBAR_S and abs(clear_s - lane.f_gap_s) <= MOMENT_S / 2 + lane.f_gap_s / 2
    return clear_s <= MOMENT_S


WEIGH: dict[Verdict, Callable[[Case], Weighed]] = {
    Verdict.NOTHING: _nothing,
    Verdict.ON_BOTH: lost.on_both,
    Verdict.CLEARED: _cleared,
    Verdict.TURNED: _turned,
    Verdict.REACHED: _reached,
    Verdict.LEFT: _left,
    Verdict.REGAINED: _regained,
    Verdict.TOUCHED: _touched,
    Verdict.RETREATED: _retreated,
    Verdict.AGAIN: _again,
    Verdict.RELEASED: _released,
    Verdict.RESUMED: _resumed,
    Verdict.FOLLOWED: _followed,
    Verdict.BACKED: unclear.backed,
    Verdict.SWAPPED: lost.swapped,
    Verdict.LATE: lost.late,
    Verdict.RENEWED: lost.renewed,
    Verdict.REPLACED: lost.replaced,
    Verdict.CAUGHT_UP: lost.caught_up,
}
"""The weighing of every verdict."""
