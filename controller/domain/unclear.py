"""Sequences that more than one story explains: each with how often it comes to exactly this, for each passage.

The rates that a lane cannot learn are constants here; the others are its own (``learned``). How well the times fit is
the density of their logarithm. What all stories of a case have in common is left out, since only ratios count.
"""

import math
from dataclasses import replace
from typing import Any

from controller.domain import suspicion
from controller.domain.case import Case, Weighed, next_on_f, on_f, rest, stretched
from controller.domain.crossing import CLOSE_S, PULSE_S, Phase, Visit
from controller.domain.evidence import Judgement, Reading, What, alone, judge, passage, taught
from controller.domain.frozen import changed
from controller.domain.learned import VISITOR_SPREAD, Bell, Learned
from controller.domain.report import Passage
from controller.domain.specs import Role

FOLLOWS = 0.1
"""How many vehicles have another one close behind them; not as close as ``Learned.followed_on``."""
CLOSE = 0.004
"""How many are so close to the next one that a loop between them does not clear ..."""
CLOSE_AFTER_GAP = 0.05
"""... also where F has cleared for a moment, but not as between a car and its trailer."""
CLOSE_CLEAR = Bell(math.log(0.6), 0.5)
"""How long S clears between two that are bumper to bumper on F ..."""
LOST_CLEAR = Bell(math.log(30.0), 2.0)
"""... and before the next one comes when F only seems to be covered."""
SHUNTS = 0.005
"""How many move to and fro over a loop, and then drive on ..."""
SHUNT_ON = Bell(math.log(4.0), 0.6)
"""... how long they cover a loop when they move onto it and back ..."""
SHUNT_CLEAR = Bell(math.log(2.5), 0.6)
"""... and how long it is clear until they come again."""
MOVED_BACK = Bell(math.log(1.5), 0.5)
"""... and how many times longer they are over both loops on their way back than they were before."""
SECOND_AT_LEAST = 0.2
"""A second vehicle is not spoken of below this chance, but reckoned with ..."""
ANOTHER_AT_LEAST = 0.0005
"""... and not even that below this one."""
TRAILER = -0.27
"""By how much (logarithm) a trailer is shorter than a car ..."""
TRAILERS_DIFFER = 0.03
"""... the variance of that ..."""
LONGEST_DRAWBAR = 0.21
"""... for which part of the time from loop to loop the longest drawbars leave a loop clear ..."""
DRAWBARS_DIFFER = 0.012
"""... and by how much this differs, as loops and speeds do."""
TWO_LONG = 0.65
"""By how much (logarithm) two that are bumper to bumper are longer than one."""
WAITING = 1.4
"""By how much (logarithm) longer somebody is over the loops who waits there, than who drives on ..."""
WAITING_TWO = 1.75
"""... and how much longer two are, the first of which waits ..."""
WAITS_DIFFER = 0.25
"""... and the variance of both."""
LONG = 0.004
"""How many are so long: lorries, and cars with a trailer that the loops do not tell from it."""
LINGERS = 2.0
"""Who stays so many times longer on S than it needed to reach it may be about to move back."""
MERGED_ON_S = 0.7
"""For each two between whom neither loop clears, so many between whom F does, and S does not."""
ANY_GAP = 0.2
"""How well any gap before a follower fits: they come when they come."""
ANY_STRETCH = 0.3
"""How well any stretch (see ``Pace``) fits times that have nothing to do with one another."""
HAD_LEFT_F = 0.3
"""Of those who back out, how many had left F ..."""
BACKING = 1.1
"""... and by how much (logarithm) longer they stay on S: on, and back again."""
CLEARLY = 0.5
"""From this chance on a story is clear enough to learn times from."""


def one_loop_only(case: Case, visit: Visit, role: Role, *, next_on: float | None = None) -> Weighed:
    """Say what it may have been that covered one loop only; the other loop is suspected of not seeing.

    ``next_on``: when the same loop was covered again, by the next one, or by the same vehicle after moving back.
    """
    readings = alone(case.spec, case.lane.learned, role, visit.length_s, visitors=case.visitors(role))
    if (odds := case.odds(visit.on, visit.off)) != 1:
        readings = tuple(replace(r, weight=r.weight * odds) if r.change else r for r in readings)
    if next_on is not None:
        shunted = SHUNTS / FOLLOWS * SHUNT_ON.fits(visit.length_s) * SHUNT_CLEAR.fits(next_on - visit.off)
        readings = (*readings, Reading(What.SHUNTED, 0, shunted))
    lane, said, judgement = case.judged(readings, visit.on, at=visit.off, seen_by=role)
    lane = changed(lane, learned=_timed(lane.learned, judgement, visit.length_s))
    lane = suspicion.accused(case.spec, lane, role, visit.length_s, visit.off, judgement)
    away = judgement.of(What.VISITOR) > CLEARLY
    return changed(rest(lane), turned_s=visit.off if away else lane.turned_s), (said,)


def _timed(learned: Learned, judgement: Judgement, on_s: float) -> Learned:
    """Learn for how long those cover a loop who clearly are no vehicles, or turn away."""
    if judgement.of(What.PERSON) > CLEARLY:
        return changed(learned, person=learned.person.learn(on_s))
    if judgement.of(What.VISITOR) <= CLEARLY:
        return learned
    bell = learned.visitor.learn(on_s)
    return changed(learned, visitor=replace(bell, variance=max(bell.variance, VISITOR_SPREAD)))


def two_apart(case: Case) -> Weighed:
    """F alone, and now S: nobody who drives against a lane leaves a gap, so those are two."""
    after, passed = one_loop_only(case, case.lane.first, case.f_role)
    return on_f(after, case.at, outer_first=not case.lane.outer_first), passed


def after_a_gap(case: Case) -> Weighed:
    """Count one vehicle that leaves a gap between the loops; or two, each of which one loop missed."""
    lane, learned = case.lane, case.lane.learned
    each = learned.missed(case.f_role) * learned.missed(case.s_role) * FOLLOWS
    readings = (
        Reading(What.GAP, case.forward, learned.apart),
        Reading(What.FOLLOWED, case.forward, each * case.odds(lane.began, case.at, vehicles=2)),
    )
    after, said, judgement = case.judged(readings, lane.began)
    two = judgement.of(What.FOLLOWED)
    if two == 0 or lane.sure < 1:
        return rest(after), (case.sure(),)
    more = judge((Reading(What.FOLLOWED, case.forward, two), Reading(What.GAP, 0, 1 - two)))
    return rest(after), (said, passage(case.spec, more, lane.first.off, lane.began, seen_by=case.f_role))


def one_or_more(case: Case, one: Passage, learned: Learned) -> tuple[Learned, tuple[Passage, ...]]:
    """Count the vehicle that has left S, and another one if loops may not have told two apart.

    It may be long, have waited on both loops, or have a trailer. A second one that is unlikely is reckoned with.
    """
    odds = case.odds(one.began, one.at, vehicles=2)
    readings = _with_trailer(case, odds) if case.lane.bump_s > 0 else _unparted(case, odds)
    judgement = judge(readings, sure=0.0)
    learned = changed(learned, trailers=learned.trailers + judgement.of(What.TRAILER))
    another = judgement.of(What.FOLLOWED)
    if another < SECOND_AT_LEAST:
        return learned, (replace(one, another=another) if another >= ANOTHER_AT_LEAST else one,)
    second = passage(case.spec, judge(readings), one.at, one.began, outer_first=case.lane.outer_first)
    return learned, (one, second)


def _unparted(case: Case, odds: float) -> tuple[Reading, ...]:
    """Read what covered both loops without a gap: two are longer than one, and who stops is closed up to.

    ``odds``: what the barrier says of two.
    """
    learned, body, times = case.lane.learned, case.pace.body, case.stretched
    long = Bell(body.mean + 0.5, body.variance + 0.05).fits_closely(times)
    two = Bell(body.mean + TWO_LONG, body.variance + 0.03).fits_closely(times)
    driving, waiting = learned.closed_up
    both = driving * two + waiting * Bell(body.mean + WAITING_TWO, WAITS_DIFFER).fits_closely(times)
    return (
        Reading(What.PASSED, 0, _one(learned, body, times)),
        Reading(What.LONG, 0, LONG * long),
        Reading(What.FOLLOWED, case.forward, both * odds),
    )


def _with_trailer(case: Case, odds: float) -> tuple[Reading, ...]:
    """Read two bodies that were hardly apart: a trailer is shorter than a car, and its drawbar than most gaps."""
    lane, learned, body = case.lane, case.lane.learned, case.pace.body
    lag_s, tail_s = lane.second.on - lane.trailer_on, lane.second.off - lane.first.off
    times = stretched(lane.first.off - lane.trailer_on, lag_s, lane.second.length_s, tail_s)
    on_s, off_s = lane.second.on - lane.f_gap_s - lane.bump_s, lane.trailer_on - lane.f_gap_s  # S on, F off: the car's
    car = stretched(off_s - lane.first.on, on_s - lane.first.on, lane.bump_s, lane.second.on - lane.trailer_on)
    drawbar = 1 / (1 + math.exp(min((lane.f_gap_s / max(lag_s, 0.01) - LONGEST_DRAWBAR) / DRAWBARS_DIFFER, 50.0)))
    tight = learned.merged(waited=math.log(car) > body.most) * odds
    shorter = Bell(body.mean + TRAILER, body.variance + TRAILERS_DIFFER)
    return (
        Reading(What.FOLLOWED, case.forward, tight * _one(learned, body, times)),
        Reading(What.TRAILER, 0, learned.trailer_rate * drawbar * _one(learned, shorter, times)),
    )


def _one(learned: Learned, body: Bell, times: float) -> float:
    """Return how well it fits one that covered the loops so many times longer than it needed between them."""
    waiting = learned.waiting
    waited = Bell(body.mean + WAITING, WAITS_DIFFER)
    return (1 - waiting) * body.fits_closely(times) + waiting * waited.fits_closely(times)


def against(case: Case) -> Weighed:
    """Count who drove against the lane, unless S missed it, and it is another one that touched S and went."""
    lane, learned, first, second = case.lane, case.lane.learned, case.lane.first, case.lane.second
    rightly = learned.pace(inward=not lane.outer_first)
    usual = rightly.outer if case.f_role is Role.OUTER else rightly.inner
    fits = case.times(case.f_role).fits(first.length_s) * case.times(case.s_role).fits(second.length_s)
    missed = learned.missed(case.s_role) * FOLLOWS * usual.fits(first.length_s)
    readings = (
        Reading(What.AGAINST, case.forward, learned.against * fits * (1.0 if lane.overlapped else learned.apart)),
        Reading(_missed(case.s_role), -case.forward, missed * case.touching(case.s_role, second)),
    )
    after, said, _ = case.judged(readings, lane.began)
    return rest(after), (said,)


def overtaken(case: Case) -> Weighed:
    """In a one-way lane: who was on F first was missed by S and has driven off; who is on S goes on over F now."""
    after, passed = _before(case, case.lane.first.off)
    here = Visit(case.at, case.at)
    return changed(after, phase=Phase.BOTH, second=here), passed


def met(case: Case, phase: Phase, **changes: Any) -> Weighed:
    """Begin anew with the vehicle on S, which came from there; what had touched F before is gone."""
    after, passed = _before(case, case.lane.first.off)
    doubt = "a vehicle that came in and another one behind it"
    return changed(after, phase=phase, doubt=doubt, **changes), passed


def _before(case: Case, at: float) -> Weighed:
    """Say what had been on F alone, and watch who is on S since then."""
    lane, first = case.lane, case.lane.first
    readings = alone(case.spec, lane.learned, case.f_role, first.length_s, visitors=case.visitors(case.f_role))
    after, said, _ = case.judged(readings, lane.began, at=at, seen_by=case.f_role)
    now = replace(case, lane=after).on_s(began=lane.second.on, first=lane.second, overlapped=True)
    return now, (said,)


def left_beside(case: Case) -> Weighed:
    """Count the one on S. Who covered F meanwhile turned back, or passed with S still covered, or was the same one."""
    lane, last = case.lane, case.lane.beside[-1]
    cleared = lane.beside[-2].off if len(lane.beside) > 1 else lane.first.off
    tail = case.pace.tail.fits(case.at - last.off)
    merged = MERGED_ON_S * sum(lane.learned.closed_up) + lane.learned.lost_untold
    merged *= case.odds(lane.began, case.at, vehicles=2)
    shunted = SHUNTS * SHUNT_ON.fits(last.length_s) * SHUNT_CLEAR.fits(last.on - cleared)
    staying = case.times(case.s_role).fits(lane.second.length_s)
    readings = (
        Reading(What.FOLLOWED, case.forward, merged * tail * case.times(case.f_role).fits(last.length_s) * ANY_GAP),
        Reading(What.SHUNTED, 0, shunted * tail),
        Reading(What.VISITOR, 0, case.touching(case.f_role, last) * staying * ANY_GAP),
    )
    passed, learned, turning = [case.sure()], case.paced(), suspicion.turning(lane, case.at)
    judgement = judge(readings)
    for visit in lane.beside:
        learned = taught(case.spec, learned, judgement, case.f_role, turning=turning)
        passed.append(passage(case.spec, judgement, case.at, visit.on, seen_by=case.f_role))
    return changed(rest(lane), learned=learned), tuple(passed)


def touched(case: Case) -> Weighed:
    """F was covered and left beside a vehicle on S: what that was shows when S clears; or S does not work."""
    lane, touch = case.lane, Visit(case.lane.follower_on, case.at)
    if touch.length_s <= PULSE_S:
        return case.go(), ()
    lane = suspicion.accused(case.spec, case.go(), case.f_role, touch.length_s, case.at, None)
    return changed(lane, beside=(*lane.beside, touch)[-suspicion.OWED_LIMIT :]), ()


def again(case: Case) -> Weighed:
    """S is covered again while F was held: a close follower, or the vehicle itself, or F only seems to be covered."""
    lane, second, clear_s = case.lane, case.lane.second, case.at - case.lane.second.off
    close = CLOSE_AFTER_GAP if lane.f_gap_s else CLOSE
    through = case.times(case.s_role).fits(second.length_s) * case.odds(lane.began, case.at, vehicles=2)
    readings = (
        Reading(What.FOLLOWED, case.forward, close * through * CLOSE_CLEAR.fits(clear_s)),
        Reading(What.LOST_EDGE, case.forward, lane.learned.lost_untold * through * LOST_CLEAR.fits(clear_s)),
        Reading(What.SHUNTED, 0, SHUNTS * SHUNT_ON.fits(second.length_s) * SHUNT_CLEAR.fits(clear_s)),
    )
    after, said, judgement = case.judged(readings, lane.began, at=second.off)
    after = suspicion.accused(case.spec, after, case.s_role, second.length_s, case.at, judgement)
    here = Visit(case.at, case.at)
    now = changed(after, phase=case.phase, began=second.off, second=here, held=False, doubt=None, sure=1.0)
    return now, (replace(said, tailgating=clear_s <= CLOSE_S),)


def one_or_two(case: Case) -> Weighed:
    """Count the leader, unless one vehicle moved to and fro: for two the barrier opens twice, or one tailgates.

    Who moves back is over both loops for as far as it was on its way in; a follower comes when it comes.
    """
    lane, second = case.lane, case.lane.second
    two = FOLLOWS * case.pace.even.fits(case.delay) * case.odds(lane.began, case.at, vehicles=2)
    one = SHUNTS * SHUNT_ON.fits(second.length_s) * SHUNT_CLEAR.fits(case.at - second.off)
    if (ahead_s := lane.first.off - second.on) > 0:
        one *= MOVED_BACK.fits_closely((second.off - lane.follower_on) / ahead_s)
        two *= ANY_GAP
    readings = (Reading(What.PASSED, case.forward, two), Reading(What.SHUNTED, 0, one))
    after, said, judgement = case.judged(readings, lane.began, at=second.off)
    learned = changed(after.learned, followed=after.learned.followed + judgement.of(What.PASSED))
    return next_on_f(changed(after, learned=learned)), (replace(said, tailgating=True),)


def backed(case: Case) -> Weighed:
    """F has cleared after S: the leader backed out over F; or it has passed, and its follower left F unseen or back.

    Who backs out covers F for as many times longer than it needs from S to F as any vehicle that drives through.
    """
    lane, learned, pace = case.lane, case.lane.learned, case.pace
    follower, ahead_s = Visit(lane.follower_on, case.at), lane.first.off - lane.second.on
    stretch = Bell(pace.stretch.mean, pace.stretch.variance + 0.02)
    returned = stretch.fits(follower.length_s / max(case.at - lane.second.off, 0.01))
    returned *= Bell(pace.even.mean + BACKING, pace.even.variance + 0.7).fits(case.delay)
    onward = learned.followed_on * ANY_STRETCH * pace.even.fits(case.delay)
    if ahead_s > 0 and not lane.renewed:  # it was as long over both loops on its way in as it is on its way back
        driven_s = min(ahead_s, case.unit_s * (math.exp(pace.body.mean) - 1))
        returned *= MOVED_BACK.fits_closely((lane.second.off - lane.follower_on) / max(driven_s, 0.05))
        onward *= ANY_GAP
    moving = case.times(case.f_role).fits(follower.length_s)
    turned = case.touching(case.f_role, follower)
    missed = learned.missed(case.s_role) * moving * case.odds(lane.began, case.at, vehicles=2)
    readings = (
        Reading(What.BACKED, 0, learned.backed * HAD_LEFT_F * returned),
        Reading(What.PASSED, case.forward, onward * (turned + missed)),
    )
    if onward * learned.apart * moving > sum(r.weight for r in readings):  # the follower is between the loops
        gone = changed(lane, learned=case.paced())
        between = changed(next_on_f(gone), phase=Phase.GAP, first=follower)
        return between, (case.sure(tailgating=True, at=lane.second.off),)
    after, said, judgement = case.judged(readings, lane.began)
    behind = judgement.chance(case.forward) * missed / (turned + missed)
    return rest(after), (said, *_behind(case, follower, behind))


def _behind(case: Case, follower: Visit, chance: float) -> tuple[Passage, ...]:
    """Return the follower that S has missed, if that is likely enough."""
    if chance < FOLLOWS:
        return ()
    story = _missed(case.s_role)
    judgement = judge((Reading(story, case.forward, chance), Reading(What.VISITOR, 0, 1 - chance)))
    return (passage(case.spec, judgement, case.at, follower.on, seen_by=case.f_role),)


def _missed(role: Role) -> What:
    return What.MISSED_OUTER if role is Role.OUTER else What.MISSED_INNER
