"""Detector levels -> passages with chances: takes the steps of ``crossing``, and copes with loops that do not work.

While both loops of a lane work, their levels are steps of the automaton, and ``verdicts`` weighs them. When one is at
fault (it says so itself in ``health``, or ``suspicion`` finds it), the lane counts by the other: the direction is the
lane's, and every visit counts with the chance that it was a vehicle.
"""

from collections.abc import Sequence
from dataclasses import replace

from controller.domain import barrier, suspicion
from controller.domain.barrier import Opening
from controller.domain.case import Case, Weighed, next_on_f, on_f, rest
from controller.domain.crossing import (
    DOUBT_S,
    FLICKER_S,
    HELD,
    MIN_SINGLE_S,
    PULSE_S,
    TABLE,
    LaneFault,
    LaneState,
    Owed,
    Phase,
    Step,
    Suspect,
    Visit,
)
from controller.domain.evidence import (
    Judgement,
    Reading,
    What,
    alone,
    is_against,
    judge,
    kind_of,
    passage,
    share_inward,
    taught,
)
from controller.domain.frozen import changed
from controller.domain.learned import FADE
from controller.domain.lost import read_again
from controller.domain.report import FaultKind, LaneQuality, Passage, PassageKind
from controller.domain.specs import Direction, LaneSpec, Role
from controller.domain.verdicts import WEIGH


def interrupt(lane: LaneState) -> LaneState:
    """Forget the vehicle that is being watched: the controller was off, or a loop went wrong."""
    lost = 1 if lane.phase not in {Phase.IDLE, Phase.GAP} else 0
    return changed(rest(lane), ambiguous=lane.ambiguous + lost, outer_on=None, inner_on=None)


def loop_changed(
    spec: LaneSpec,
    lane: LaneState,
    role: Role,
    *,
    occupied: bool,
    at: float,
    repeated: bool = False,
    full: bool = False,
) -> Weighed:
    """Fold one settled level of a loop; return the new state and what passed.

    ``repeated``: the loop had this level before; the change between may have been lost. ``full``: the sign says FULL.
    """
    if role is Role.LOOP:
        return (lane, ()) if repeated else _by_one_loop(spec, lane, role, occupied=occupied, at=at)
    if repeated:
        return (lane, ()) if lane.faults else _heard_again(spec, lane, role, occupied=occupied, at=at)
    lane = _covered_since(lane, role, at if occupied else None, full=full)
    if (fault := suspicion.fault_of(lane, role)) is not None:
        if fault.kind is FaultKind.CHATTER or occupied is not (fault.kind is FaultKind.SILENT):
            return lane, ()
        lane = sighted(lane, role)
        if not occupied:
            return lane, ()
    if lane.faults:
        return _by_one_loop(spec, lane, role, occupied=occupied, at=at)
    return _two_loops(spec, lane, role, occupied=occupied, at=at)


def time_passed(spec: LaneSpec, lane: LaneState, at: float) -> Weighed:
    """Take the phase's time-out if it is due by ``at``; it counts as having happened at its own time."""
    passed: tuple[Passage, ...] = ()
    if lane.phase_due is not None and lane.phase_due <= at:
        lane, passed = _step(spec, lane, Step.TIMEOUT, lane.phase_due)
    if lane.openings and (due := barrier.due(lane.openings)) is not None and due <= at:
        lane, more = _openings_over(spec, lane, at)
        passed = (*passed, *more)
    return lane, passed


def barrier_changed(spec: LaneSpec, lane: LaneState, *, occupied: bool, at: float, repeated: bool = False) -> Weighed:
    """Fold one settled level of the barrier's contact (occupied: the arm is up), repeated or not."""
    if spec.loop is not None or lane.faults:
        return changed(lane, openings=()), ()
    return changed(lane, openings=barrier.changed(lane.openings, up=occupied, at=at, repeated=repeated)), ()


def blinded(spec: LaneSpec, lane: LaneState, role: Role, kind: FaultKind, at: float) -> Weighed:
    """Stop listening to a loop that is at fault; count what it hid so far, and go on by the other loop."""
    if role in {Role.LOOP, Role.BARRIER} or suspicion.fault_of(lane, role) is not None:
        return lane, ()
    seeing = suspicion.other(role)
    owed = (lane.outer if role is Role.OUTER else lane.inner).owed
    passed = _as_the_lane_goes(lane, [*_leader(spec, lane, role, at), *(_paid(spec, o, seeing, role) for o in owed)])
    began = lane.outer_on if seeing is Role.OUTER else lane.inner_on
    learned = lane.learned.without_visitors(seeing, sum(o.missing_in + o.missing_out for o in owed))
    faults = (*lane.faults, LaneFault(role, kind, at))
    turned_s = LaneState().turned_s if owed else lane.turned_s  # who seemed to turn away most likely drove on
    now = changed(rest(lane), faults=faults, outer=Suspect(), inner=Suspect(), learned=learned, turned_s=turned_s)
    return _tally(_resumed_on(now, seeing, began), passed), passed


def sighted(lane: LaneState, role: Role) -> LaneState:
    """Listen to a loop again, as it works."""
    if suspicion.fault_of(lane, role) is None:
        return lane
    seeing = suspicion.other(role)
    began = lane.outer_on if seeing is Role.OUTER else lane.inner_on
    now = changed(rest(lane), faults=tuple(f for f in lane.faults if f.role is not role))
    return _resumed_on(now, seeing, began)


def faults(lane: LaneState) -> tuple[LaneFault, ...]:
    """Return the loops that are not listened to."""
    return lane.faults


REVERSED = 6
"""When so many vehicles in a row go against a one-way lane, its two loops are wired the wrong way round: from then on
the direction is the lane's."""


def reversed_since(lane: LaneState) -> float | None:
    """Return since when vehicles seem to go against the lane; None: they do not."""
    return lane.against_since if lane.against >= REVERSED else None


def _as_the_lane_goes(lane: LaneState, passed: Sequence[Passage]) -> tuple[Passage, ...]:
    """Turn round whoever went against a lane that has its loops the wrong way round."""
    if lane.against < REVERSED:
        return tuple(passed)
    turned = {PassageKind.ENTRY: PassageKind.EXIT, PassageKind.EXIT: PassageKind.ENTRY}
    doubt = "like all others before, it seemed to go against the lane"
    return tuple(
        replace(p, kind=turned[p.kind], chance_in=p.chance_out, chance_out=p.chance_in, doubt=p.doubt or doubt)
        if p.wrong_way
        else p
        for p in passed
    )


def is_blind(spec: LaneSpec, lane: LaneState) -> bool:
    """Whether nothing of this lane counts any more."""
    pair = sum(d is not None for d in (spec.outer, spec.inner))
    return pair > 0 and len(lane.faults) == pair


def quality(spec: LaneSpec, lane: LaneState) -> LaneQuality:
    """Return what the lane learned of its loops; a single loop has nothing to compare itself with."""
    return LaneQuality() if spec.loop is not None else lane.learned.quality


def _two_loops(spec: LaneSpec, lane: LaneState, role: Role, *, occupied: bool, at: float) -> Weighed:
    outer = role is Role.OUTER
    if lane.phase is Phase.IDLE:
        if not occupied:
            return lane, ()
        lane = changed(rest(lane), outer_first=outer)
    if outer == lane.outer_first:
        step = Step.F_ON if occupied else Step.F_OFF
    else:
        step = Step.S_ON if occupied else Step.S_OFF
    return _step(spec, lane, step, at)


def _heard_again(spec: LaneSpec, lane: LaneState, role: Role, *, occupied: bool, at: float) -> Weighed:
    first = (role is Role.OUTER) == lane.outer_first
    step = (Step.F_ON_AGAIN if first else Step.S_ON_AGAIN) if occupied else Step.S_OFF_AGAIN
    if step not in TABLE[lane.phase] or (first and not occupied):
        return read_again(lane), ()
    return _step(spec, lane, step, at)


def _step(spec: LaneSpec, lane: LaneState, step: Step, at: float) -> Weighed:
    rule = TABLE[lane.phase].get(step)
    if rule is None:  # one from before the vehicle came
        return lane, ()
    phase, verdict = rule
    new, passed = WEIGH[verdict](Case(spec, _covered(lane, step, at), phase, at))
    limit = {Phase.GAP: spec.max_gap_s, Phase.DOUBT: DOUBT_S}.get(new.phase)
    new = changed(new, phase_due=None if limit is None else at + limit)
    if lane.against >= REVERSED:  # nobody drives against it: else its lane would be taken for the other one
        wrong_way = lane.learned.wrong_way * (FADE if passed else 1.0)
        new = changed(new, learned=changed(new.learned, wrong_way=wrong_way))
    if passed:
        new, passed = _claimed(new, passed) if new.openings or spec.barrier is not None else (new, passed)
        passed = _as_the_lane_goes(new, passed)
        new = _tally(new, passed)
    if (found := suspicion.named(new)) is not None:
        new, more = blinded(spec, new, *found, at)
        passed = (*passed, *more)
    return new, passed


def _claimed(lane: LaneState, passed: tuple[Passage, ...]) -> Weighed:
    """Let each vehicle claim its opening of the barrier; who has none tailgates."""
    told: list[Passage] = []
    for one in passed:
        chance = one.chance_in + one.chance_out if one.kind is not PassageKind.BACK_OUT else 1.0
        openings, found = barrier.claim(lane.openings, one.began, one.at, chance)
        learned = lane.learned
        if one.doubt is None and one.seen_by is None and one.kind is not PassageKind.BACK_OUT:
            learned = changed(learned, opened=learned.opened + found, not_opened=learned.not_opened + (not found))
        lane = changed(lane, openings=openings, learned=learned)
        told.append(one if found or chance < 0.5 else replace(one, tailgating=True))  # noqa: PLR2004
    return lane, tuple(told)


def _openings_over(spec: LaneSpec, lane: LaneState, at: float) -> Weighed:
    """Count who passed the barrier and left no trace on the loops."""
    openings, left = barrier.settled(lane.openings, at)
    lane = changed(lane, openings=openings)
    passed = []
    if any(_is_through(lane, o) for o in left):
        passed = [Case(spec, lane, lane.phase, at).sure(doubt="the barrier fell behind it, but a loop did not clear")]
        lane = changed(next_on_f(lane) if lane.phase is Phase.FOLLOWED else rest(lane), learned=lane.learned)
    elif lane.phase is not Phase.IDLE:  # whoever is watched may have come through one of them
        left = tuple(o for o in left if o.fall is None or o.fall < lane.began)
    for opening in left[len(passed) :]:
        missing = 1 - opening.claimed
        lane = changed(lane, learned=changed(lane.learned, left=lane.learned.left + missing))
        chance = missing * barrier.unseen(lane.learned)
        inward = share_inward(spec, lane.learned)
        judgement = judge(
            (
                Reading(What.UNSEEN, 1, chance * inward),
                Reading(What.UNSEEN, -1, chance * (1 - inward)),
                Reading(What.OPENED, 0, 1 - chance),
            )
        )
        fall = at if opening.fall is None else opening.fall
        passed.append(passage(spec, judgement, fall, opening.rise, seen_by=Role.BARRIER))
    turned = _as_the_lane_goes(lane, passed)
    return _tally(lane, turned), turned


def _is_through(lane: LaneState, opening: Opening) -> bool:
    """Whether whoever is watched, and seems to stand on S for long, has come through this opening."""
    if lane.phase not in {Phase.SECOND, Phase.FOLLOWED} or opening.fall is None:
        return False
    return lane.began - barrier.EARLY_S <= opening.rise and lane.second.on <= opening.fall


def _covered(lane: LaneState, step: Step, at: float) -> LaneState:
    """Note when the loops were covered, before the verdict is weighed."""
    match step:
        case Step.F_OFF if lane.phase in {Phase.FIRST, Phase.BOTH, Phase.RETREAT}:
            return changed(lane, first=Visit(lane.first.on, at))
        case Step.S_OFF:
            return changed(lane, second=Visit(lane.second.on, at), held=lane.held or at - lane.second.on > PULSE_S)
        case Step.F_ON if lane.phase is Phase.IDLE:
            return changed(lane, began=at, first=Visit(at, at))
        case Step.S_ON | Step.S_ON_AGAIN if lane.phase is Phase.FIRST:
            return changed(lane, second=Visit(at, at), held=False, overlapped=True)
        case _:
            return lane


def _covered_since(lane: LaneState, role: Role, since: float | None, *, full: bool) -> LaneState:
    """Note the loop's level; whatever spoke against it before, it has changed."""
    suspect = _CLEAR if since is None else _COVERED
    if role is Role.OUTER:
        return changed(lane, outer_on=since, full=full, outer=suspect)
    return changed(lane, inner_on=since, full=full, inner=suspect)


_CLEAR, _COVERED = Suspect(), Suspect(HELD)


def _resumed_on(lane: LaneState, role: Role, since: float | None) -> LaneState:
    """Watch who is on this loop, if somebody is."""
    return lane if since is None else on_f(lane, since, outer_first=role is Role.OUTER)


def _leader(spec: LaneSpec, lane: LaneState, role: Role, at: float) -> Sequence[Passage]:
    """Return the vehicle that the faulty loop kept waiting for its verdict: on S it seemed to stay, or on F."""
    first = (role is Role.OUTER) == lane.outer_first
    gone = lane.phase in {Phase.SECOND, Phase.FOLLOWED, Phase.DOUBT} and not first
    passed = lane.phase is Phase.RETREAT and first
    if not gone and not passed:
        return ()
    forward = 1 if lane.outer_first else -1
    judgement = judge((Reading(What.PASSED, forward, 0.95 * lane.sure), Reading(What.BACKED, 0, 0.05)))
    left = min(lane.second.off if passed else at, at)
    return (passage(spec, judgement, left, lane.began, outer_first=lane.outer_first),)


def _paid(spec: LaneSpec, owed: Owed, seeing: Role, blind: Role) -> Passage:
    """Return what a vehicle still counts for, now that one knows why the other loop did not see it."""
    kind = kind_of(owed.missing_in, owed.missing_out)
    return Passage(
        spec.name,
        kind,
        owed.at,
        owed.began,
        wrong_way=is_against(spec, kind),
        doubt=f"counted late: the {blind} loop did not see it",
        chance_in=owed.missing_in,
        chance_out=owed.missing_out,
        seen_by=seeing,
    )


def _by_one_loop(spec: LaneSpec, lane: LaneState, role: Role, *, occupied: bool, at: float) -> Weighed:
    """Count a loop that is alone, when it clears: the direction is the lane's, and back-outs cannot be told."""
    if occupied:
        counted = lane.first.length_s > 0 and at - lane.first.off <= FLICKER_S
        outer_first = role is Role.OUTER
        phase = Phase.SECOND if counted else Phase.FIRST
        return changed(lane, phase=phase, outer_first=outer_first, began=at, first=Visit(at, at)), ()
    after, visit = rest(lane), Visit(lane.first.on, at)
    if lane.phase is Phase.SECOND:  # a drawbar: the vehicle was counted when the loop cleared for the first time
        return changed(after, first=visit), ()
    if lane.phase is not Phase.FIRST or visit.length_s < MIN_SINGLE_S:
        return after, ()
    after = changed(after, first=visit)
    judgement, seen_by = _vehicle(spec, lane, role, visit)
    if seen_by is not None:
        turning = suspicion.turning(lane, at)
        after = changed(after, learned=taught(spec, lane.learned, judgement, seen_by, turning=turning))
    passed = _as_the_lane_goes(lane, [passage(spec, judgement, at, visit.on, seen_by=seen_by)])
    return _tally(after, passed), passed


def _vehicle(spec: LaneSpec, lane: LaneState, role: Role, visit: Visit) -> tuple[Judgement, Role | None]:
    if role is Role.LOOP:
        change = 1 if spec.direction is Direction.ENTRY else -1
        return judge((Reading(What.PASSED, change, 1.0),)), None
    visitors = suspicion.visiting(spec, lane, role, visit.off)
    readings = alone(spec, lane.learned, role, visit.length_s, visitors=visitors, other_is_blind=True)
    return judge(readings, sure=0.0), role  # nothing checks it: what is unlikely of each adds up


def _tally(lane: LaneState, passed: Sequence[Passage]) -> LaneState:
    kinds = [p.kind for p in passed]
    against, since = lane.against, lane.against_since
    for one in passed:
        if one.seen_by is None and one.kind in {PassageKind.ENTRY, PassageKind.EXIT}:
            since = since if against else one.began
            against = against + 1 if one.wrong_way else 0
    return changed(
        lane,
        against=against,
        against_since=since,
        entries=lane.entries + kinds.count(PassageKind.ENTRY),
        exits=lane.exits + kinds.count(PassageKind.EXIT),
        back_outs=lane.back_outs + kinds.count(PassageKind.BACK_OUT),
        touches=lane.touches + kinds.count(PassageKind.TOUCH),
        ambiguous=lane.ambiguous + sum(p.seen_by is None and bool(p.doubt or p.wrong_way) for p in passed),
    )
