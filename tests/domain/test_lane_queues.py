"""Vehicles in queues: bumper to bumper, waiting on the loops, followed by another. A is the outer loop."""

import math
from dataclasses import replace

import pytest
from domain_lanes import one_way, seasoned, story
from domain_lots import site, tell

from controller.domain import lot
from controller.domain.believed import moments
from controller.domain.crossing import LaneState
from controller.domain.frozen import changed
from controller.domain.learned import Learned
from controller.domain.report import PassageKind
from controller.domain.specs import Direction, LaneSpec

ENTRY, EXIT = one_way(Direction.ENTRY), one_way(Direction.EXIT)
CLEAR = "A--9 B--9 "


def learned_anew(spec: LaneSpec, **changes: float) -> LaneState:
    """Return a lane that knows its times, and has learned these figures."""
    before = seasoned(spec)
    return replace(before, learned=changed(before.learned, **changes))


def others(spec: LaneSpec, text: str, state: LaneState) -> float:
    """Return how many vehicles more than one a story is taken for."""
    told = story(spec, text, state=state)
    return abs(told.expected) - 1 + sum(p.another for p in told.passages)


WAITED = "B+0 A+1 B-12 A-13"
"""A vehicle that waits on both loops for ten seconds, and drives out."""


def test_who_waited_may_have_had_another_one_behind_it() -> None:
    dense = learned_anew(EXIT, waits=40.0, tight=8.0, tight_waits=4.0)
    told = story(EXIT, WAITED, state=dense)
    assert [p.kind for p in told.passages] == [PassageKind.EXIT]
    assert told.passages[0].doubt is None
    assert 0.01 < told.passages[0].another < 0.2
    assert others(EXIT, WAITED, dense) > 5 * others(EXIT, WAITED, learned_anew(EXIT, waits=40.0))


def test_who_drove_on_had_nobody_so_close_behind_it() -> None:
    dense = learned_anew(EXIT, waits=40.0, tight=8.0, tight_waits=4.0)
    (one,) = story(EXIT, "B+0 A+1 B-2 A-3", state=dense).passages
    assert one.another == 0


def test_a_lane_learns_who_waits_and_how_often_somebody_is_close_behind_those() -> None:
    before = seasoned(EXIT)
    told = story(EXIT, "B+0 A+1 B-12 B+12.3 A-13 A+13.3 B-14.3 A-15.3", state=before)
    assert told.kinds == ["exit", "exit"]
    assert told.state.learned.waits == pytest.approx(before.learned.waits + 1, abs=0.05)
    assert told.state.learned.tight_waits == pytest.approx(before.learned.tight_waits + 1, abs=0.05)
    assert told.state.learned.followed == pytest.approx(before.learned.followed + 1, abs=0.05)
    assert told.state.learned.merged(waited=True) > before.learned.merged(waited=True)
    assert told.state.learned.merged(waited=False) <= before.learned.merged(waited=False)


def test_nothing_is_known_on_the_first_day_but_little_is_feared() -> None:
    first = Learned()
    assert 0 < first.merged(waited=False) < first.merged(waited=True) < 0.001


def test_two_without_a_gap_are_told_too_when_a_third_one_follows() -> None:
    dense = learned_anew(ENTRY, tight=30.0)
    alone = "A+0 B+1 A-3.8 B-4.8"
    followed = "A+0 B+1 A-3.8 A+4.6 B-4.8 B+5.6 A-6.6 B-7.6"
    assert others(ENTRY, followed, dense) == pytest.approx(others(ENTRY, alone, dense) + 1, abs=0.2)


def test_of_three_that_were_hardly_apart_no_two_are_trailers() -> None:
    text = "A+0 B+1 A-2 A+2.1 B-3 B+3.1 A-4.1 A+4.2 B-5.1 B+5.2 A-6 B-7"
    told = story(ENTRY, text, state=learned_anew(ENTRY, trailers=5.0))
    assert told.expected == pytest.approx(2, abs=0.05)
    assert told.kinds == ["entry", "entry"]
    assert told.passages[0].at == pytest.approx(3.0)
    assert told.passages[1].began == pytest.approx(2.1)


def test_a_follower_that_the_second_loop_missed_is_told_from_a_leader_that_backed_out() -> None:
    """Nobody drives back over both loops three times as fast as forward."""
    busy = learned_anew(ENTRY, followed=60.0, missed_inner=4.0)
    quick = story(ENTRY, "A+0 B+1.1 A-2.2 A+3.3 B-3.65 A-5", state=busy)
    slow = story(ENTRY, "A+0 B+1.1 A-2.2 A+5 B-6.8 A-9.5", state=busy)
    assert quick.expected > 0.5
    assert slow.expected < 0.1
    assert slow.kinds == ["back_out"]


def test_where_somebody_follows_more_often_a_leader_backs_out_less_likely() -> None:
    text = "A+0 B+1.1 A-2.2 A+3.3 B-4.1 A-6"
    told = [story(ENTRY, text, state=learned_anew(ENTRY, followed=n)).expected for n in (0.0, 30.0, 90.0)]
    assert told == sorted(told)
    assert told[-1] > told[0] + 0.02


# Against the lane's direction


def test_who_comes_from_the_other_side_is_no_reversal_of_somebody_who_was_on_its_last_loop() -> None:
    """Somebody touches the outer loop of a way out; that it cleared is lost. Then a vehicle drives out."""
    told = story(EXIT, CLEAR + "A+0 B+8.2 A+9.8 B-11.4 A-13", state=seasoned(EXIT))
    assert told.expected < -0.8
    assert told.kinds[-1] == "exit"
    assert not any(p.wrong_way for p in told.passages)


def test_who_drives_off_over_the_last_loop_just_before_the_next_one_comes_to_it_does_not_reverse() -> None:
    """The first loop of a way out misses a vehicle; another one is on it before the second loop has cleared."""
    told = story(EXIT, CLEAR + "A+0 B+6.5 A-7.3 A+7.6 B-16.7 A-18", state=seasoned(EXIT))
    assert told.expected <= -1
    assert not any(p.wrong_way for p in told.passages)


def test_of_a_vehicle_whose_first_change_was_lost_nobody_knows_how_quick_it_was() -> None:
    """So nobody knows either that it stayed on the second loop for long; it has passed, and another one follows."""
    told = story(EXIT, CLEAR + "A+0 B-1.2 B+2 A-2.9 A+3.6 B-5.3 A-6.3", state=seasoned(EXIT))
    assert told.kinds == ["exit", "exit"]
    assert told.expected == pytest.approx(-2, abs=0.1)


def test_a_level_that_a_sensor_repeats_by_itself_turns_no_wrong_way_driver_round() -> None:
    text = CLEAR + "A+0 B+1 A+1.8 A-2 B-3"
    silent, chatty = seasoned(EXIT), learned_anew(EXIT, repeats=300.0)
    assert story(EXIT, text, state=chatty).passages[-1].wrong_way
    assert not any(p.wrong_way for p in story(EXIT, text, state=silent).passages)


def test_the_zone_hears_of_another_one_and_its_lane_counts_the_doubt() -> None:
    spec = site(EXIT, inside=20)
    dense = learned_anew(EXIT, waits=40.0, tight=8.0, tight_waits=4.0)
    before = changed(lot.initial(spec), lanes={"main": changed(dense, outer_on=None, inner_on=None)})
    done = tell(spec, "B+1000 A+1001 B-1012 A-1013", state=before)
    (one,) = done.passages
    belief = done.state.zones["customers"].belief
    assert belief is not None
    assert moments(belief)[0] == pytest.approx(19 - one.another, abs=0.1 * one.another)
    assert done.state.doubts["main"] == pytest.approx(one.another * (1 - one.another))


# Trailers, and what else is long


def test_who_waited_before_its_trailer_came_has_rather_somebody_behind_it() -> None:
    lane = learned_anew(ENTRY, tight=4.0, tight_waits=4.0, waits=20.0)
    waited = others(ENTRY, "A+0 B+1 A-12 A+12.15 B-13 B+13.15 A-14.15 B-15.15", lane)
    moved = others(ENTRY, "A+0 B+1 A-2 A+2.15 B-3 B+3.15 A-4.15 B-5.15", lane)
    assert waited > 0.8
    assert moved < 0.2


def test_the_shorter_the_second_body_the_likelier_it_is_a_trailer() -> None:
    lane = learned_anew(ENTRY, tight=12.0, trailers=1.0)
    text = "A+0 B+1 A-2 A+2.1 B-3 B+3.1 A-{} B-{}"
    told = [others(ENTRY, text.format(2.1 + n, 3.1 + n), lane) for n in (1.5, 1.65, 1.8, 1.9)]
    assert told == sorted(told)
    assert told[1] < 0.05
    assert 0.2 < told[2] < 0.5
    assert told[3] > 0.7


def test_a_lane_learns_how_many_have_a_trailer() -> None:
    before = seasoned(ENTRY)
    after = story(ENTRY, "A+0 B+1 A-2 A+2.1 B-3 B+3.1 A-3.6 B-4.6", state=before).state
    assert after.learned.trailers == pytest.approx(before.learned.trailers + 1, abs=0.05)


def test_waiting_does_not_make_vehicles_seem_long() -> None:
    """A quarter waits on both loops; what is learned of the length of the others stays."""
    state = seasoned(ENTRY)
    for _ in range(60):
        state = story(ENTRY, "A+0 B+1 A-12 B-13", state=state).state
        for _ in range(3):
            state = story(ENTRY, "A+0 B+1 A-2 B-3", state=state).state
    body = state.learned.inward.body
    assert body.mean == pytest.approx(math.log(2), abs=0.01)
    assert state.learned.waits == pytest.approx(60, abs=4)


def test_a_vehicle_that_moves_back_over_the_first_loop_at_once_is_no_follower() -> None:
    """Where the second loop saw no gap, the first one was covered anew when it was, and not at the beginning."""
    quick = story(ENTRY, "A+0 B+1 A-2 A+2.2 B-2.5 A-4", state=seasoned(ENTRY))
    slow = story(ENTRY, "A+0 B+1 A-2 A+2.2 B-4 A-6", state=seasoned(ENTRY))
    assert quick.kinds == ["entry"]
    assert slow.kinds == ["back_out"]


def test_a_leader_that_lingered_and_was_followed_is_learned_from() -> None:
    before = seasoned(ENTRY)
    after = story(ENTRY, "A+0 B+1 A-2 A+5 B-7 B+8.4 A-9.5 B-10.5", state=before).state
    assert before.learned.followed + 0.5 < after.learned.followed < before.learned.followed + 1


def test_beside_somebody_on_the_second_loop_another_one_passes_where_they_close_up() -> None:
    text = "A+0 B+1 A-2 A+2.6 A-4.6 B-5.6"
    sparse, dense = (story(ENTRY, text, state=learned_anew(ENTRY, tight=n)).expected for n in (0.0, 30.0))
    assert 1.3 < sparse < 1.8
    assert dense > 1.9


def test_the_barrier_says_whether_there_were_two_and_its_next_opening_is_for_the_next_one() -> None:
    spec = one_way(Direction.ENTRY, barrier=True)
    dense = learned_anew(spec, tight=30.0)
    assert others(spec, "A+0 R+0.5 B+1 A-3.8 B-4.8 R-6", dense) < 0.1
    assert others(spec, "A+0 R+0.5 B+1 R-2 R+2.6 A-3.8 B-4.8 R-6", dense) > 0.9
    followed = "A+0 R+0.5 B+1 A-3.8 A+4.4 B-4.8 R-6.3 R+8 B+11 A-12 B-13 R-14.5"
    assert others(spec, followed, dense) == pytest.approx(1, abs=0.1)
