"""Detector levels -> passages: takes the steps of ``crossing``, and weighs what its table leaves to timing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from controller.domain.crossing import (
    CLOSE_S,
    DOUBT_S,
    FLICKER_S,
    MIN_SINGLE_S,
    PULSE_S,
    TABLE,
    TIE_S,
    LaneState,
    Phase,
    Step,
    Verdict,
    Visit,
)
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Direction, LaneSpec, Output, Role


def interrupt(lane: LaneState) -> LaneState:
    """Forget the vehicle that is being watched: the controller was off, or a loop went wrong."""
    lost = 1 if lane.phase not in {Phase.IDLE, Phase.GAP} else 0
    return replace(_rest(lane), ambiguous=lane.ambiguous + lost)


def loop_changed(
    spec: LaneSpec, lane: LaneState, role: Role, *, occupied: bool, at: float
) -> tuple[LaneState, tuple[Passage, ...]]:
    """Fold one settled change of a loop; return the new state and what passed."""
    if role is Role.LOOP:
        return _single(spec, lane, occupied=occupied, at=at)
    outer = role is Role.OUTER
    if lane.phase is Phase.IDLE:
        if not occupied:
            return lane, ()
        lane = replace(_rest(lane), outer_first=outer)
    if outer == lane.outer_first:
        step = Step.F_ON if occupied else Step.F_OFF
    else:
        step = Step.S_ON if occupied else Step.S_OFF
    return _step(spec, lane, step, at)


def time_passed(spec: LaneSpec, lane: LaneState, at: float) -> tuple[LaneState, tuple[Passage, ...]]:
    """Take the phase's time-out if it is due by ``at``; it counts as having happened at its own time."""
    if lane.deadline is None or at < lane.deadline:
        return lane, ()
    return _step(spec, lane, Step.TIMEOUT, lane.deadline)


@dataclass(frozen=True, slots=True)
class _Case:
    """One step to weigh: ``lane`` has its visits up to date, ``phase`` is where the table says it goes."""

    spec: LaneSpec
    lane: LaneState
    phase: Phase
    at: float

    def go(self, **changes: Any) -> LaneState:
        """Return the lane in its next phase."""
        return replace(self.lane, **{"phase": self.phase, **changes})

    def passage(self, *, forward: bool, tailgating: bool = False, doubt: str | None = None) -> Passage:
        """Return a vehicle through the lane, inwards if ``forward``."""
        kind = PassageKind.ENTRY if forward else PassageKind.EXIT
        direction = self.spec.direction
        wrong_way = direction is not Direction.BOTH and direction.value != kind.value
        doubt = doubt or self.lane.doubt
        return Passage(self.spec.name, kind, self.at, self.lane.began, tailgating, wrong_way, doubt)

    def back_out(self, doubt: str | None = None) -> Passage:
        """Return a vehicle that came in and backed out."""
        return Passage(self.spec.name, PassageKind.BACK_OUT, self.at, self.lane.began, doubt=doubt or self.lane.doubt)

    def turned_round(self, began: float, **changes: Any) -> LaneState:
        """Return the lane as it is when the vehicle came from the other side: what was S is its first loop."""
        return replace(_rest(self.lane), outer_first=not self.lane.outer_first, began=began, **changes)


_Weighed = tuple[LaneState, tuple[Passage, ...]]


def _step(spec: LaneSpec, lane: LaneState, step: Step, at: float) -> _Weighed:
    rule = TABLE[lane.phase].get(step)
    if rule is None:  # a level heard twice, or one from before the vehicle came
        return lane, ()
    phase, verdict = rule
    new, passed = _WEIGH[verdict](_Case(spec, _covered(lane, step, at), phase, at))
    limit = {Phase.GAP: spec.max_gap_s, Phase.DOUBT: DOUBT_S}.get(new.phase)
    return _tally(replace(new, deadline=None if limit is None else at + limit), passed), passed


def _covered(lane: LaneState, step: Step, at: float) -> LaneState:
    """Note when the loops were covered, before the verdict is weighed."""
    match step:
        case Step.F_OFF if lane.phase in {Phase.FIRST, Phase.BOTH, Phase.RETREAT}:
            return replace(lane, first=Visit(lane.first.on, at))
        case Step.S_OFF:
            return replace(lane, second=Visit(lane.second.on, at), held=lane.held or at - lane.second.on > PULSE_S)
        case Step.F_ON if lane.phase in {Phase.IDLE, Phase.GAP}:
            return replace(lane, began=at, first=Visit(at, at))
        case Step.S_ON if lane.phase is Phase.FIRST:
            return replace(lane, second=Visit(at, at), held=False, overlapped=True)
        case _:
            return lane


def _nothing(case: _Case) -> _Weighed:
    return case.go(pulsed_s=None), ()


def _cleared(case: _Case) -> _Weighed:
    """F has cleared. Had the other loop pulsed just before, two pulses alike are one quick passage from there."""
    lane = case.lane
    if lane.pulsed_s is not None and lane.first.length_s < 2 * lane.pulsed_s:
        return _rest(lane), (case.passage(forward=not lane.outer_first),)
    return case.go(pulsed_s=None), ()


def _turned(case: _Case) -> _Weighed:
    rest = replace(_rest(case.lane), touches=case.lane.touches + 1)
    if case.phase is Phase.FIRST:  # the next one is on F already
        rest = replace(rest, phase=Phase.FIRST, outer_first=case.lane.outer_first)
        rest = replace(rest, began=case.at, first=case.lane.first)
    return rest, ()


def _reached(case: _Case) -> _Weighed:
    """S is covered after a gap. A first loop that merely pulsed may have been noise: watch S as a first loop, too."""
    lane = case.lane
    if _only_pulsed(case):
        here = Visit(case.at, case.at)
        return case.turned_round(case.at, phase=Phase.FIRST, first=here, pulsed_s=lane.first.length_s), ()
    return case.go(second=Visit(case.at, case.at), held=False, overlapped=False), ()


def _left(case: _Case) -> _Weighed:
    lane = case.lane
    if _only_pulsed(case) and lane.second.length_s >= 2 * lane.first.length_s:
        return replace(_rest(lane), touches=lane.touches + 1, ambiguous=lane.ambiguous + 1), ()
    return _rest(lane), (case.passage(forward=lane.outer_first),)


def _regained(case: _Case) -> _Weighed:
    lane = case.lane
    if lane.overlapped and _only_pulsed(case):  # F's kick came early: the vehicle was on S first, and reaches F now
        here = Visit(case.at, case.at)
        return case.turned_round(lane.second.on, phase=Phase.BOTH, first=lane.second, second=here, overlapped=True), ()
    if lane.overlapped and case.at - lane.first.off <= FLICKER_S:
        return case.go(phase=Phase.BOTH), ()
    return case.go(follower_on=case.at), ()


def _touched(case: _Case) -> _Weighed:
    """F was covered and left while S is covered. After a gap that was the vehicle on S, unless it was no vehicle."""
    lane, touch = case.lane, Visit(case.lane.follower_on, case.at)
    if lane.overlapped or touch.length_s <= PULSE_S:
        return case.go(), ()
    return _from_the_other_side(case, Phase.RETREAT, second=touch, held=True), ()


def _from_the_other_side(case: _Case, phase: Phase, **changes: Any) -> LaneState:
    """Begin anew with the vehicle on S, which came from there; what had touched F before is gone."""
    lane = case.lane
    turned = case.turned_round(lane.second.on, phase=phase, first=lane.second, overlapped=True, **changes)
    return replace(turned, touches=lane.touches + 1, doubt="a vehicle that came in and another one behind it")


def _retreated(case: _Case) -> _Weighed:
    lane = case.lane
    tie = case.at - lane.second.off <= TIE_S
    if tie or not lane.held or _pulses(case.spec, outer=not lane.outer_first):
        return _rest(lane), (case.passage(forward=lane.outer_first),)
    return _rest(lane), (case.back_out(),)


def _again(case: _Case) -> _Weighed:
    """S is covered again while F was held: flicker or pulses, a close follower, or the vehicle itself."""
    lane, again = case.lane, Visit(case.at, case.at)
    clear_s = case.at - lane.second.off
    if clear_s <= FLICKER_S or not lane.held or _pulses(case.spec, outer=not lane.outer_first):
        return case.go(second=again), ()
    if clear_s > CLOSE_S:
        return case.go(second=again, doubt="one vehicle that moved to and fro, or two bumper to bumper"), ()
    doubt = "close follower, or one vehicle that moved to and fro"
    left = replace(case, at=lane.second.off).passage(forward=lane.outer_first, tailgating=True, doubt=doubt)
    return case.go(began=lane.second.off, second=again, held=False, doubt=None), (left,)


def _released(case: _Case) -> _Weighed:
    lane = case.lane
    if not lane.held or _any_pulses(case.spec):
        return _next_on_f(case), (case.passage(forward=lane.outer_first, tailgating=True),)
    if not lane.overlapped:
        on_f = Visit(lane.follower_on, lane.follower_on)
        return _from_the_other_side(case, Phase.SECOND, second=on_f), ()
    return case.go(), ()


def _resumed(case: _Case) -> _Weighed:
    if case.at - case.lane.second.off <= FLICKER_S:
        return case.go(phase=Phase.FOLLOWED), ()
    _, passed = _followed(case)
    here = Visit(case.at, case.at)
    return replace(_next_on_f(case), phase=Phase.BOTH, second=here, overlapped=True), passed


def _followed(case: _Case) -> _Weighed:
    """Count the leader as of when it left S."""
    left = replace(case, at=case.lane.second.off).passage(forward=case.lane.outer_first, tailgating=True)
    return _next_on_f(case), (left,)


def _next_on_f(case: _Case) -> LaneState:
    """Return the lane with the leader gone and its follower on F."""
    lane = case.lane
    on_f = Visit(lane.follower_on, lane.follower_on)
    return replace(_rest(lane), phase=Phase.FIRST, outer_first=lane.outer_first, began=lane.follower_on, first=on_f)


def _backed(case: _Case) -> _Weighed:
    return _rest(case.lane), (
        case.back_out("backed out after leaving the first loop, or passed while a follower backed out"),
    )


_WEIGH: dict[Verdict, Callable[[_Case], _Weighed]] = {
    Verdict.NOTHING: _nothing,
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
    Verdict.BACKED: _backed,
}


def _only_pulsed(case: _Case) -> bool:
    """Whether F was covered for too short a time for a vehicle, without being declared a pulse output."""
    return case.lane.first.length_s <= PULSE_S and not _pulses(case.spec, outer=case.lane.outer_first)


def _pulses(spec: LaneSpec, *, outer: bool) -> bool:
    detector = spec.outer if outer else spec.inner
    return detector is not None and detector.output is Output.PULSE


def _any_pulses(spec: LaneSpec) -> bool:
    return _pulses(spec, outer=True) or _pulses(spec, outer=False)


def _rest(lane: LaneState) -> LaneState:
    """Return the idle lane with its tallies."""
    return LaneState(
        entries=lane.entries,
        exits=lane.exits,
        back_outs=lane.back_outs,
        touches=lane.touches,
        ambiguous=lane.ambiguous,
    )


def _single(spec: LaneSpec, lane: LaneState, *, occupied: bool, at: float) -> _Weighed:
    """Count a single loop when it clears: the direction is the lane's, and back-outs cannot be told."""
    if occupied:
        counted = lane.first.length_s > 0 and at - lane.first.off <= FLICKER_S
        return replace(lane, phase=Phase.SECOND if counted else Phase.FIRST, began=at, first=Visit(at, at)), ()
    rest, visit = _rest(lane), Visit(lane.first.on, at)
    if lane.phase is Phase.SECOND:  # a drawbar: the vehicle was counted when the loop cleared for the first time
        return replace(rest, first=visit), ()
    if lane.phase is not Phase.FIRST or visit.length_s < MIN_SINGLE_S:
        return rest, ()
    passed = (_Case(spec, lane, Phase.IDLE, at).passage(forward=spec.direction is Direction.ENTRY),)
    return _tally(replace(rest, first=visit), passed), passed


def _tally(lane: LaneState, passed: tuple[Passage, ...]) -> LaneState:
    if not passed:
        return lane
    kinds = [p.kind for p in passed]
    return replace(
        lane,
        entries=lane.entries + kinds.count(PassageKind.ENTRY),
        exits=lane.exits + kinds.count(PassageKind.EXIT),
        back_outs=lane.back_outs + kinds.count(PassageKind.BACK_OUT),
        ambiguous=lane.ambiguous + sum(p.doubt is not None or p.wrong_way for p in passed),
    )
