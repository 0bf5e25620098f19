"""Loops that miss vehicles and lose changes, and what a lane makes of it, told as stories. A is the outer loop."""

from dataclasses import replace

import pytest
from domain_lanes import LIMITS, Watched, one_way, seasoned, story, watch
from domain_lots import levels, two_loops
from domain_traffic import Geometry, convoy, geometries
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controller.domain import health, lane
from controller.domain.crossing import LaneState
from controller.domain.events import DetectorChanged
from controller.domain.health import DetectorState
from controller.domain.report import PassageKind
from controller.domain.specs import Direction, LaneSpec, Role

ENTRY, EXIT = one_way(Direction.ENTRY), one_way(Direction.EXIT)
CLEAR = "A--9 B--9 "
"""Both loops are known to be clear beforehand."""


def mirrored(text: str) -> str:
    """Tell the same of a vehicle that drives out."""
    return text.translate(str.maketrans("AB", "BA"))


# One lost change of a clear passage, which the next level of the same loop tells


@pytest.mark.parametrize(
    ("text", "vehicles"),
    [
        ("B+1 A-2 B-3", 1),
        ("A+0 A-2 B-3", 1),
        ("A+0 B+1 B-3 A+60 B+61 A-62 B-63", 2),
        ("A+0 B+1 A-2 A+60 B+61 A-62 B-63", 2),
        ("A+0 B+1 A+2.5 B-3 B+3.5 A-4.5 B-5.5", 2),
        ("A+0 B+1 A-2 A+2.5 B+3.5 A-4.5 B-5.5", 2),
    ],
    ids=["A+", "B+", "A-", "B-", "A- with a follower", "B- with a follower"],
)
@pytest.mark.parametrize("spec", [ENTRY, EXIT], ids=["in", "out"])
def test_a_lost_change_costs_no_vehicle(spec: LaneSpec, text: str, vehicles: int) -> None:
    inward = spec is ENTRY
    told = story(spec, CLEAR + (text if inward else mirrored(text)), state=seasoned(spec))
    assert told.kinds == ["entry" if inward else "exit"] * vehicles
    assert abs(told.expected) == pytest.approx(vehicles, abs=0.1)
    assert told.state.learned.lost_edges > 0.9


def test_a_lost_change_tells_the_direction_in_a_two_way_lane_too() -> None:
    spec = two_loops()
    assert story(spec, CLEAR + "A+0 A-2 B-3", state=seasoned(spec)).kinds == ["entry"]
    assert story(spec, CLEAR + "B+0 B-2 A-3", state=seasoned(spec)).kinds == ["exit"]
    assert story(spec, CLEAR + "B+1 A-2 B-3", state=seasoned(spec)).kinds == ["entry"]


@pytest.mark.parametrize("text", ["A+0 B+1 B-3 B+61 A-62 B-63", "A+0 B+1 A-2 A+60 A-62 B-63"])
def test_where_nobody_repeats_a_level_the_times_tell_that_it_was_two(text: str) -> None:
    told = story(ENTRY, text, state=seasoned(ENTRY))
    assert told.expected == pytest.approx(2, abs=0.1)


def test_where_lost_changes_show_by_repeats_one_that_does_not_is_less_likely() -> None:
    before = seasoned(ENTRY)
    known = replace(before, learned=replace(before.learned, told_edges=30.0))
    text = "A+0 B+1 A-2 A+7 A-9 B-10"
    assert story(ENTRY, text, state=known).expected < story(ENTRY, text, state=before).expected


# Levels that are read again


@given(
    geometry=geometries(),
    speed=st.floats(1.0, 6.0),
    cars=st.lists(st.tuples(st.floats(3.5, 6.0), st.floats(4.0, 12.0)), min_size=1, max_size=5),
    part=st.floats(0, 1),
    loops=st.sampled_from([("main.outer",), ("main.inner",), ("main.outer", "main.inner")]),
)
@example(  # beside a leader that is about to leave the inner loop
    geometry=Geometry(2.25, 1.0),
    speed=1.0,
    cars=[(4.0, 4.0), (5.0, 5.0), (5.0, 4.0)],
    part=0.640625,
    loops=("main.inner",),
)
@settings(max_examples=200, deadline=None)
def test_levels_that_are_read_again_cost_no_vehicle_and_make_none(
    *, geometry: Geometry, speed: float, cars: list[tuple[float, float]], part: float, loops: tuple[str, ...]
) -> None:
    said = convoy("main", geometry, inward=True, speed=speed, cars=cars)
    told = watch(ENTRY, with_repeats(said, part, loops), until=said[-1].at + 60.0, state=seasoned(ENTRY))
    assert told.kinds == ["entry"] * len(cars)
    assert told.expected == pytest.approx(len(cars), abs=0.5)


def with_repeats(said: list[DetectorChanged], part: float, loops: tuple[str, ...]) -> list[DetectorChanged]:
    """Say the levels of these loops again, at this part of the time."""
    at = said[0].at + part * (said[-1].at - said[0].at)
    clear = [DetectorChanged("main.outer", False, -1.0), DetectorChanged("main.inner", False, -1.0)]
    more = []
    for name in loops:
        level = [e for e in (*clear, *said) if e.detector == name and e.at <= at][-1].occupied
        more.append(DetectorChanged(name, level, at))
    return sorted((*clear, *said, *more), key=lambda event: event.at)


def test_a_sensor_that_repeats_itself_all_day_is_known_for_it() -> None:
    spec = two_loops()
    text = CLEAR + " ".join(f"A-{i * 20} B-{i * 20 + 1}" for i in range(100))
    told = story(spec, text, state=seasoned(spec))
    assert told.passages == ()
    assert told.state.learned.repeats == pytest.approx(200, abs=5)
    again = story(spec, CLEAR + "A+0 B+1 A+1.9 A-2 B-3", state=told.state)
    assert (again.kinds, again.expected) == (["entry"], 1.0)


# One loop alone


def missing(spec: LaneSpec) -> LaneState:
    """Return a lane each of whose loops missed one of a hundred vehicles."""
    state = seasoned(spec)
    return replace(state, learned=replace(state.learned, missed_outer=2.0, missed_inner=2.0))


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("A+0 A-0.4", 0.0, 0.1),
        ("A+0 A-2", 0.6, 1.0),
        ("A+0 A-7", 0.0, 0.1),
        ("B+0 B-0.4", 0.0, 0.1),
        ("B+0 B-2", 0.8, 1.0),
        ("B+0 B-7", 0.0, 0.3),
    ],
    ids=["outer, a person", "outer, as a vehicle", "outer, turned away", "a person", "as a vehicle", "turned away"],
)
def test_one_loop_alone_is_a_vehicle_as_far_as_its_time_is_that_of_one(text: str, least: float, most: float) -> None:
    (passage,) = story(ENTRY, text, state=missing(ENTRY)).passages
    assert passage.seen_by is (Role.OUTER if text.startswith("A") else Role.INNER)
    assert least <= passage.chance_in <= most
    assert passage.chance_out == 0
    assert passage.kind is (PassageKind.ENTRY if passage.chance_in > 0.5 else PassageKind.TOUCH)
    assert passage.doubt is not None


def test_one_loop_alone_goes_the_way_of_its_lane_whichever_loop_it_is() -> None:
    for text in ("A+0 A-2", "B+0 B-2"):
        assert story(EXIT, text, state=missing(EXIT)).kinds == ["exit"]


@pytest.mark.parametrize("text", ["A+0 A-2", "B+0 B-2"])
def test_loops_that_missed_nobody_so_far_are_believed(text: str) -> None:
    """However much like a vehicle it is: drivers who turn back do so after two seconds, too."""
    after = [story(ENTRY, text, state=seasoned(ENTRY, passages=n)).passages[0].chance_in for n in (200, 1000)]
    assert after[0] < story(ENTRY, text, state=missing(ENTRY)).passages[0].chance_in
    assert after[1] < after[0] * 0.8


def test_who_touches_the_inner_loop_of_an_exit_in_the_first_days_is_not_taken_for_gone() -> None:
    for seconds in (2.5, 3.5, 5):
        (passage,) = story(EXIT, f"B+0 B-{seconds}", state=seasoned(EXIT, passages=50)).passages
        assert passage.chance_out < 0.5
        assert passage.kind is PassageKind.TOUCH


def test_one_loop_alone_tells_no_direction_in_a_two_way_lane() -> None:
    spec = two_loops()
    (passage,) = story(spec, "A+0 A-2", state=missing(spec)).passages
    assert passage.kind is PassageKind.TOUCH
    assert passage.chance_in == pytest.approx(passage.chance_out, abs=0.02)
    assert passage.chance_in > 0.3


def test_under_a_sign_that_says_full_somebody_on_the_outer_loop_turns_away() -> None:
    before = seasoned(ENTRY)
    chances = [story(ENTRY, "A+0 A-2.6", state=before, full=full).passages[0].chance_in for full in (False, True)]
    assert chances[1] < chances[0] / 2


def test_after_one_that_turned_away_the_next_one_may_as_well() -> None:
    before = seasoned(ENTRY)
    alone = story(ENTRY, "A+0 A-2.6", state=before).passages[0]
    after = story(ENTRY, "A+0 A-6 A+60 A-62.6", state=before).passages[1]
    assert after.chance_in < alone.chance_in


def test_a_leader_that_the_outer_loop_missed_is_no_reason_to_see_its_follower_drive_out() -> None:
    told = story(ENTRY, "B+0 A+1 B-2 B+2.5 A-3 B-4", state=missing(ENTRY))
    assert told.kinds == ["entry", "entry"]
    assert told.passages[0].seen_by is Role.INNER


def test_a_follower_that_the_inner_loop_missed_is_no_reason_to_see_its_leader_back_out() -> None:
    told = story(ENTRY, "A+0 B+1 A-2 A+2.5 B-3 A-4.5", state=missing(ENTRY))
    assert told.kinds == ["entry", "entry"]
    assert told.passages[1].seen_by is Role.OUTER


def test_two_that_each_loop_missed_one_of_are_two_where_nobody_leaves_a_gap() -> None:
    before = seasoned(ENTRY, passages=400)
    missing = replace(before, learned=replace(before.learned, missed_outer=40.0, missed_inner=40.0))
    told = story(ENTRY, "A+0 A-2 B+4 B-6", state=missing)
    assert told.expected > 1.2
    assert story(ENTRY, "A+0 A-2 B+4 B-6").expected == 1.0, "nothing is known on the first day"


def test_a_lane_with_wide_gaps_counts_a_queue() -> None:
    once = " ".join(f"A+{20 * i} A-{20 * i + 1.5} B+{20 * i + 2} B-{20 * i + 3.5}" for i in range(40))
    before = story(ENTRY, once)
    assert before.expected == pytest.approx(40, abs=0.1)
    told = story(ENTRY, "A+0 A-1.5 B+2 A+3 B-3.5 A-4.5 B+5 B-6.5", state=before.state)
    assert told.kinds == ["entry", "entry"]


def test_a_vehicle_that_moves_back_and_on_is_one() -> None:
    for text in ("A+0 B+1 A-2 A+5 A-8 B-9", "A+0 B+1 B-5 B+8 A-9 B-10", "A+0 A-4 A+6.5 B+7.5 A-8.5 B-9.5"):
        told = story(ENTRY, text, state=seasoned(ENTRY))
        assert told.expected == pytest.approx(1, abs=0.25), text


def test_two_that_were_hardly_apart_are_two_where_such_are_seen_and_a_trailer_elsewhere() -> None:
    text = "A+0 B+1 A-2 A+2.1 B-3 B+3.1 A-4.1 B-5.1"
    before = seasoned(ENTRY)
    towing = replace(before, learned=replace(before.learned, trailers=5.0))
    assert story(ENTRY, text, state=towing).expected < 1.01
    dense = replace(before, learned=replace(before.learned, tight=30.0))
    assert story(ENTRY, text, state=dense).expected > 1.5


def test_a_trailer_is_shorter_than_a_car() -> None:
    before = seasoned(ENTRY)
    dense = replace(before, learned=replace(before.learned, tight=30.0))
    lengths = (1.5, 1.7, 1.9, 2.1)
    told = [story(ENTRY, f"A+0 B+1 A-2 A+2.1 B-3 B+3.1 A-{2.1 + n} B-{3.1 + n}", state=dense) for n in lengths]
    counted = [one.expected for one in told]
    assert counted == sorted(counted)
    assert counted[0] < 1.1
    assert counted[-1] > 1.9


def test_a_gap_near_that_of_the_longest_drawbar_may_be_a_trailer_or_a_follower() -> None:
    gaps = (0.1, 0.2, 0.22, 0.23, 0.3)
    before = seasoned(ENTRY)
    learned = replace(before.learned, tight=4.0, trailers=3.0)
    told = [
        story(
            ENTRY,
            f"A+0 B+1 A-2 A+{2 + gap} B-3 B+{3 + gap} A-{3.85 + gap} B-{4.85 + gap}",
            state=replace(before, learned=learned),
        )
        for gap in gaps
    ]
    counted = [one.expected for one in told]
    assert counted == sorted(counted)
    assert counted[0] < 1.3
    assert counted[0] + 0.2 < counted[2] < 1.97
    assert counted[-1] == 2.0


def test_who_stays_on_the_inner_loop_for_long_may_move_back_and_on() -> None:
    quick, slow = "A+0 B+1 A-2 A+2.5 B-3 B+4.4 A-5.5 B-6.5", "A+0 B+1 A-2 A+5 B-7 B+8.4 A-9.5 B-10.5"
    assert story(ENTRY, quick, state=seasoned(ENTRY)).expected == 2.0
    assert 1.4 < story(ENTRY, slow, state=seasoned(ENTRY)).expected < 1.97


def test_who_comes_just_as_its_leader_drives_off_is_another_one() -> None:
    """A leader that waited for the barrier, and would have had to back over both loops in a third of a second."""
    told = story(ENTRY, "A+0 B+1.5 A-2.7 A+31.5 B-31.8 B+33.5 A-34.3 B-35.3", state=seasoned(ENTRY))
    assert told.expected > 1.97


def test_two_between_which_no_loop_cleared_are_two_where_such_are_seen() -> None:
    text = "A+0 B+1 A-3.8 B-4.8"
    assert story(ENTRY, text, state=seasoned(ENTRY)).expected == 1.0
    before = seasoned(ENTRY)
    dense = replace(before, learned=replace(before.learned, tight=30.0))
    assert 1.3 < story(ENTRY, text, state=dense).expected < 2.0


# What a lane learns


def missing_every(nth: int, vehicles: int) -> str:
    """Tell of vehicles once a minute, of which the inner loop misses every nth."""
    words = []
    for i in range(vehicles):
        at, unit = 60 * i, (0.8, 1.0, 1.3, 1.0, 0.9)[i % 5]
        words += [f"A+{at}", f"A-{at + 2 * unit}"]
        if i % nth:
            words += [f"B+{at + unit}", f"B-{at + 3 * unit}"]
    return " ".join(sorted(words, key=lambda word: float(word[2:])))


def test_a_lane_learns_which_loop_misses_how_many() -> None:
    told = story(ENTRY, missing_every(10, 600))
    quality = lane.quality(ENTRY, told.state)
    assert quality.missed_inner / quality.passages == pytest.approx(0.1, abs=0.02)
    assert quality.missed_outer / quality.passages < 0.005
    assert told.expected == pytest.approx(600, abs=12)
    late = [p.chance_in for p in told.passages[-100:] if p.seen_by is Role.OUTER]
    assert min(late) > 0.85, "by then it knows better"


def test_what_was_learned_fades() -> None:
    bad = story(ENTRY, missing_every(10, 600)).state
    good = seasoned(ENTRY, passages=2000, state=bad)
    was, now = lane.quality(ENTRY, bad), lane.quality(ENTRY, good)
    assert now.missed_inner == pytest.approx(was.missed_inner / 2, rel=0.05)
    assert now.passages < 2600


def test_a_single_loop_has_nothing_to_compare_itself_with() -> None:
    spec = LaneSpec("main", "customers", Direction.ENTRY, loop=two_loops().outer)
    assert lane.quality(spec, story(ENTRY, "A+0 B+1 A-2 B-3").state).passages == 0


@given(
    said=st.lists(st.tuples(st.sampled_from("ABR"), st.booleans(), st.floats(0.01, 30.0)), max_size=40),
    barrier=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_whatever_the_loops_say_chances_are_chances(*, said: list[tuple[str, bool, float]], barrier: bool) -> None:
    spec, at, words = one_way(barrier=barrier), 0.0, []
    for letter, on, pause_s in said:
        at += pause_s
        if letter == "R" and not barrier:
            continue
        words.append(f"{letter}{'+' if on else '-'}{at}")
    told = story(spec, " ".join(words)) if words else Watched(seasoned(spec, passages=0), ())
    for passage in told.passages:
        assert 0 <= passage.chance_in <= 1
        assert 0 <= passage.chance_out <= 1
        assert passage.chance_in + passage.chance_out <= 1 + 1e-9
        assert passage.began <= passage.at
    assert told.state.learned.passages >= 0
    assert told.state.phase_due is None


# The health of a detector passes repeated levels on


def test_a_level_that_is_heard_again_settles_as_repeated_and_is_no_change() -> None:
    state = DetectorState()
    for at, occupied in ((0.0, False), (1.0, True)):
        state = health.heard(state, occupied=occupied, at=at, stamp=None)
    state, level = health.settle(state, LIMITS)
    assert (level.occupied, level.repeated, state.changes) == (True, False, 1)
    state = health.heard(state, occupied=True, at=2.0, stamp=None)
    state, level = health.settle(state, LIMITS)
    assert (level.occupied, level.repeated, level.at, state.changes, state.since) == (True, True, 2.0, 1, 1.0)


def test_a_level_that_is_heard_again_may_bounce() -> None:
    state = DetectorState(occupied=False, since=0.0)
    for at, occupied in ((1.0, False), (1.002, True), (1.004, False), (1.006, True), (1.01, False)):
        state = health.heard(state, occupied=occupied, at=at, stamp=None)
    state, level = health.settle(state, LIMITS)
    assert (level.occupied, level.repeated, level.at) == (False, True, 1.01)


def test_a_kick_of_a_few_milliseconds_is_neither_a_change_nor_a_repeat() -> None:
    state = DetectorState(occupied=False, since=0.0)
    for at, occupied in ((1.0, True), (1.005, False)):
        state = health.heard(state, occupied=occupied, at=at, stamp=None)
    assert health.settle_due(state) is None


def test_stories_are_told_right() -> None:
    assert levels(CLEAR)[0].at == -9.0
