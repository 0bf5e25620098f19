"""What vehicles did in one lane, told as stories and as physics. A is the outer loop, B the inner one."""

from collections import Counter

import pytest
from domain_lanes import story, watch
from domain_lots import fold, levels, one_loop, site, tell, two_loops, zone
from domain_traffic import Geometry, Vehicle, convoy, drive, geometries, truth, vehicles
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from controller.domain.crossing import TABLE, Phase, Verdict
from controller.domain.events import Tick, WentDown
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Direction, Output, Role, ZoneSpec

LANE = two_loops()
SITE = site(LANE)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("A+0 B+1 A-2 B-3", ["entry"]),
        ("B+0 A+1 B-2 A-3", ["exit"]),
        ("A+0 A-1 B+2 B-3", ["entry"]),
        ("B+0 B-1 A+2 A-3", ["exit"]),
        ("A+0 A-1 B+7 B-8", []),
        ("A+0 A-1", []),
        ("B+0 B-1", []),
        ("A+0 B+1 B-2 A-3", ["back_out"]),
        ("B+0 A+1 A-2 B-3", ["back_out"]),
        ("A+0 B+1 A-2 A+4 B-5 A-6", ["back_out"]),
        ("B+0 A+1 B-2 B+4 A-5 B-6", ["back_out"]),
        ("A+0 B+1 A-2 B-3 B+5 A+6 B-7 A-8", ["entry", "exit"]),
        ("A+0 A-1 A+3 B+4 A-5 B-6", ["entry"]),
    ],
    ids=[
        "in, over both at once",
        "out, over both at once",
        "in, with a gap",
        "out, with a gap",
        "two things too far apart in time",
        "turned back on the outer loop",
        "turned back on the inner loop",
        "backed out after both",
        "backed in again after both",
        "backed out after leaving the outer loop",
        "backed in again after leaving the inner loop",
        "one in, one out",
        "one turned back, the next drove in",
    ],
)
def test_what_a_vehicle_did(text: str, kinds: list[str]) -> None:
    told = story(LANE, text)
    assert told.kinds == kinds
    assert told.expected == pytest.approx(kinds.count("entry") - kinds.count("exit"), abs=0.1)
    now = told.state
    assert [now.entries, now.exits, now.back_outs] == [kinds.count(k) for k in ("entry", "exit", "back_out")]
    assert now.phase is Phase.IDLE


@pytest.mark.parametrize(
    ("text", "touches", "ambiguous"),
    [
        ("A+0 A-1", 1, 0),
        ("A+0 A-1 A+3 A-4", 2, 0),
        ("A+0 B+0.1 A-0.2 B-3", 1, 1),
        ("A+0 A-1 B+2 A+3 B-4 A-5", 1, 1),
    ],
)
def test_who_touched_one_loop_only_is_tallied(text: str, touches: int, ambiguous: int) -> None:
    now = story(LANE, text).state
    assert (now.touches, now.ambiguous) == (touches, ambiguous)


def test_a_follower_that_came_and_turned_back_while_the_leader_was_there_may_also_have_passed_unseen() -> None:
    told = story(LANE, "A+0 B+1 A-2 A+3 A-4 B-5")
    assert told.kinds == ["entry"]
    assert told.passages[1].seen_by is Role.OUTER
    assert 0.1 < told.passages[1].chance_in < 0.5


def test_a_passage_says_when_it_began_and_when_it_was_through() -> None:
    (passage,) = story(LANE, "A+1.5 B+2.5 A-4 B-5.25").passages
    assert passage == Passage("main", PassageKind.ENTRY, at=5.25, began=1.5, chance_in=1.0)


def test_a_follower_on_the_outer_loop_while_the_leader_is_on_the_inner_one_is_no_reversal() -> None:
    told = story(LANE, "A+0 B+1 A-2 A+2.5 B-3 B+3.5 A-4.5 B-5.5")
    assert [(p.kind.value, p.began, p.at, p.tailgating) for p in told.passages] == [
        ("entry", 0.0, 3.0, True),
        ("entry", 2.5, 5.5, False),
    ]
    assert told.state.ambiguous == 0


def test_a_queue_of_three_goes_out_nose_to_tail() -> None:
    told = story(LANE, "B+0 A+1 B-2 B+2.5 A-3 A+3.5 B-4.5 B+5 A-5.5 A+6 B-7 A-8")
    assert told.kinds == ["exit", "exit", "exit"]


def test_a_follower_that_waits_before_a_full_lot_does_not_hold_up_its_leader() -> None:
    waiting = "A+0 B+1 A-2 A+2.5 B-3"
    assert watch(LANE, levels(waiting), until=7.9).kinds == []
    told = story(LANE, waiting)
    assert told.kinds == ["entry"]
    assert told.passages[0].at == 3.0
    later = story(LANE, f"{waiting} B+200 A-201 B-202")
    assert [(p.kind.value, p.began) for p in later.passages] == [("entry", 0.0), ("entry", 2.5)]


def test_a_follower_that_waited_and_then_turned_back_changes_nothing() -> None:
    told = story(LANE, "A+0 B+1 A-2 A+2.5 B-3 A-20")
    assert told.kinds == ["entry"]
    assert told.state.phase is Phase.IDLE


def test_a_follower_that_turns_back_at_once_can_hardly_be_told_from_a_leader_that_does_and_is_said_to_be_in_doubt() -> (
    None
):
    told = story(LANE, "A+0 B+1 A-2 A+2.5 B-3 A-4")
    assert told.passages[0].kind in {PassageKind.ENTRY, PassageKind.BACK_OUT}
    assert 0.2 < told.passages[0].chance_in < 0.8
    assert "backed out" in (told.passages[0].doubt or "")
    assert told.state.ambiguous == 1


def test_bumper_to_bumper_the_outer_loop_never_clears() -> None:
    told = story(LANE, "A+0 B+1 B-3 B+4 A-5 B-6")
    assert told.kinds == ["entry", "entry"]
    assert [p.tailgating for p in told.passages] == [True, False]
    assert "bumper to bumper" in (told.passages[0].doubt or "")


def test_one_vehicle_that_moves_to_and_fro_counts_once_and_is_said_to_be_in_doubt() -> None:
    told = story(LANE, "A+0 B+1 B-3 B+10 A-11 B-12")
    assert told.kinds == ["entry"]
    assert "to and fro" in (told.passages[0].doubt or "")


@pytest.mark.parametrize("outputs", [(Output.PRESENCE, Output.PRESENCE), (Output.PRESENCE, Output.PULSE)])
def test_a_counting_pulse_on_the_second_loop_is_a_vehicle_that_drove_through(outputs: tuple[Output, Output]) -> None:
    told = story(two_loops(outer=outputs[0], inner=outputs[1]), "A+0 B+1 B-1.2 A-2")
    assert told.kinds == ["entry"]


def test_a_declared_pulse_may_be_longer_than_a_pulse_usually_is() -> None:
    text = "A+0 B+1 B-1.5 A-2"
    assert story(two_loops(inner=Output.PULSE), text).kinds == ["entry"]
    assert story(LANE, text).kinds == ["back_out"]


def test_two_declared_pulses_count_in_both_directions() -> None:
    spec = two_loops(outer=Output.PULSE, inner=Output.PULSE)
    assert story(spec, "A+0 A-0.1 B+1 B-1.1 B+9 B-9.1 A+10 A-10.1").kinds == ["entry", "exit"]


def test_a_follower_that_only_pulses_the_first_loop_is_nobody_from_the_other_side() -> None:
    told = story(two_loops(outer=Output.PULSE), "A+0 A-0.1 B+1 A+2.95 B-3 A-3.05 B+4 B-6")
    assert told.kinds == ["entry", "entry"]


def test_a_held_outer_loop_with_two_undeclared_pulses_is_one_vehicle() -> None:
    assert story(LANE, "A+0 B+1 B-1.2 B+1.8 B-2.0 A-3").kinds == ["entry"]


def test_a_held_outer_loop_with_two_long_declared_pulses_is_one_vehicle() -> None:
    assert story(two_loops(inner=Output.PULSE), "A+0 B+1 B-1.5 B+2 B-2.5 A-3").kinds == ["entry"]


def test_a_follower_behind_a_leader_that_was_counted_by_a_pulse() -> None:
    told = story(LANE, "A+0 A-1 B+1.5 A+1.6 B-1.7 B+3 B-3.2 A-4")
    assert [(p.kind.value, p.tailgating) for p in told.passages] == [("entry", True), ("entry", False)]


@pytest.mark.parametrize("first_off", ["A-2 B-2", "B-2 A-2", "B-2 A-2.1", "A-2 B-2.1"])
def test_both_loops_clearing_at_one_moment_is_a_vehicle_leaving_both(first_off: str) -> None:
    assert story(LANE, f"A+0 B+1 {first_off}").kinds == ["entry"]
    swapped = first_off.translate(str.maketrans("AB", "BA"))
    assert story(LANE, f"B+0 A+1 {swapped}").kinds == ["exit"]


@pytest.mark.parametrize("direction", [Direction.ENTRY, Direction.EXIT])
def test_both_loops_covered_at_one_moment_is_taken_as_the_lane_is_used(direction: Direction) -> None:
    told = story(two_loops(direction=direction), "B+0 A+0 B-2 A-2")
    assert [(p.kind.value, p.wrong_way) for p in told.passages] == [(direction.value, False)]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("A+0 B+1 A-2 A+2.1 A-2.5 B-3", ["entry"]),
        ("A+0 B+1 B-1.5 B+1.6 A-2 B-3", ["entry"]),
        ("A+0 B+1 A-2 B-3 B+3.1 B-4", ["entry"]),
        ("A+0 B+1 A-2 A+2.5 B-2.6 B+2.65 B-3 B+3.5 A-4 B-5", ["entry", "entry"]),
    ],
    ids=["first loop", "second loop", "at the end", "of the leader, with a follower behind it"],
)
def test_a_drawbar_is_no_gap(text: str, kinds: list[str]) -> None:
    assert story(LANE, text).kinds == kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("A+0 A-0.2", []),
        ("A+0 A-0.2 B+1 A+2 B-3 A-4", ["exit"]),
        ("A+0 B+0.1 A-0.2 A+1 B-2 A-3", ["exit"]),
        ("A+0 B+0.1 A-0.2 B-3", []),
        ("A+0 B+1 A-2 A+2.6 A-2.8 B-4", ["entry"]),
        ("B+0 A+1 B-2 B+2.6 B-2.8 A-4", ["exit"]),
    ],
    ids=[
        "alone",
        "before an exit",
        "just as an exit begins",
        "while somebody turns on the inner loop",
        "while a vehicle is half in",
        "while a vehicle is half out",
    ],
)
def test_a_ghost_is_no_vehicle(text: str, kinds: list[str]) -> None:
    assert story(LANE, text).kinds == kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("A+0 A-1 B+2 A+3 B-4 A-5", ["exit"]),
        ("A+0 A-1 B+2 A+3 A-4 B-5", ["back_out"]),
        ("A+0 A-1 B+2 A+3 B-4 B+4.5 A-5 A+5.5 B-6 A-7", ["exit", "exit"]),
        ("B+0 B-1 A+2 B+3 A-4 B-5", ["entry"]),
        ("A+0 B+3 B-5 B+8 A-9 B-10", ["entry"]),
    ],
    ids=[
        "one turned back, the other drove out",
        "one turned back, the other half-way out did, too",
        "one turned back, two drove out nose to tail",
        "one inside turned back, the other drove in",
        "the one inside gave way",
    ],
)
def test_two_vehicles_meet_in_a_two_way_lane(text: str, kinds: list[str]) -> None:
    told = story(LANE, text)
    assert told.kinds == kinds
    assert told.state.ambiguous > 0, "such cases stay visible"


def test_a_single_loop_counts_in_the_direction_of_its_lane() -> None:
    assert story(one_loop(Direction.ENTRY), "L+0 L-1 L+2 L-3").kinds == ["entry", "entry"]
    assert story(one_loop(Direction.EXIT), "L+0 L-1").kinds == ["exit"]


def test_a_drawbar_is_no_gap_over_a_single_loop_either() -> None:
    spec = one_loop(Direction.ENTRY)
    assert story(spec, "L+0 L-1 L+1.2 L-2 L+2.2 L-3 L+3.3 L-4").kinds == ["entry", "entry"]


def test_a_single_loop_counts_a_pulse_and_no_ghost() -> None:
    spec = one_loop(Direction.ENTRY, output=Output.PULSE)
    assert story(spec, "L+0 L-0.1").kinds == ["entry"]
    assert story(spec, "L+10 L-10.05").kinds == []


@pytest.mark.parametrize(
    ("direction", "text"), [(Direction.ENTRY, "B+0 A+1 B-2 A-3"), (Direction.EXIT, "A+0 B+1 A-2 B-3")]
)
def test_the_wrong_way_counts_as_what_it_is_and_stays_visible(direction: Direction, text: str) -> None:
    told = story(two_loops(direction=direction), text)
    assert [p.wrong_way for p in told.passages] == [True]
    assert told.kinds != [direction.value]
    assert told.expected == (-1 if direction is Direction.ENTRY else 1)
    assert told.state.ambiguous == 1


def test_from_another_zone_a_vehicle_moves_between_the_two() -> None:
    staff = ZoneSpec("staff", 20, initial_occupied=3)
    spec = site(two_loops(zone="staff", from_zone="customers"), zones=(staff,))
    told = tell(spec, "A+0 B+1 A-2 B-3")
    assert (zone(spec, told.state).occupied, zone(spec, told.state, "staff").occupied) == (9, 4)
    told = tell(spec, "B+100 A+101 B-102 A-103", state=told.state)
    assert (zone(spec, told.state).occupied, zone(spec, told.state, "staff").occupied) == (10, 3)


def test_contact_bounce_is_one_change_at_its_last_kick() -> None:
    told = tell(SITE, "A+0 A-0.005 A+0.01 A-0.02 A+0.025 B+1 B-1.01 B+1.02 A-2 A+2.02 A-2.04 B-3")
    assert told.kinds == ["entry"]
    assert told.passages[0].began == 0.025
    assert told.state.detectors["main.outer"].changes == 2


def test_a_pulse_of_100_ms_survives_the_debounce_and_one_of_20_ms_does_not() -> None:
    assert story(LANE, "A+0 B+1 B-1.1 A-2").kinds == ["entry"]
    assert story(LANE, "A+0 B+1 B-1.02 A-2").kinds == []


def test_the_same_level_twice_is_harmless() -> None:
    assert story(LANE, "A-0 B-0 A+1 A+1.01 A+1.5 B+2 B+2.5 A-3 A-3.5 B-4 B-5").kinds == ["entry"]


def test_a_short_absence_does_not_lose_the_vehicle_on_the_loops() -> None:
    for text in ("A+0 B+1 | A-4 B-5", "A+0 B+1 A-2 | B-5", "B+0 A+1 | B-4 A-5", "B+0 A+1 B-2 | B-4 A-5"):
        before, after = text.split("|")
        told = fold(SITE, [*levels(before), WentDown(1.0, 2.5), *levels(after), Tick(60.0)])
        assert told.kinds == ["entry" if text.startswith("A") else "exit"], text


def test_a_long_absence_forgets_the_vehicle_on_the_loops_and_says_so() -> None:
    told = fold(SITE, [*levels("A+0 B+1 A-2"), WentDown(3600.0, 2.5), *levels("A-3602.5 B-3602.5"), Tick(3700.0)])
    assert told.kinds == []
    assert told.state.lanes["main"].phase is Phase.IDLE
    assert told.state.lanes["main"].ambiguous == 1


def test_after_a_long_absence_the_first_levels_heard_are_a_vehicle_that_comes() -> None:
    said = levels("A-3600 B-3600 A+3601 B+3602 A-3603 B-3604")
    assert fold(SITE, [WentDown(3600.0, 0.0), *said, Tick(3700.0)]).kinds == ["entry"]


def test_every_phase_can_be_left_and_every_verdict_is_reached() -> None:
    assert set(TABLE) == set(Phase)
    assert {verdict for steps in TABLE.values() for _, verdict in steps.values()} == set(Verdict)
    for phase, steps in TABLE.items():
        assert any(after is not phase for after, _ in steps.values())


@given(geometries(), st.lists(vehicles(), max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_mix_of_entries_exits_and_back_outs_counts_exactly(geometry: Geometry, traffic: list[Vehicle]) -> None:
    said = drive("main", geometry, traffic)
    told = watch(LANE, said, until=(said[-1].at if said else 0.0) + 60.0)
    assume(not told.state.faults)  # five in a row that touch the same loop only: the other one seems to be silent
    assert Counter(told.kinds) == truth(geometry, traffic)
    assert told.state.phase is Phase.IDLE


@given(st.tuples(*[st.tuples(geometries(), st.lists(vehicles(), max_size=5)) for _ in range(3)]))
@settings(max_examples=100, deadline=None)
def test_lanes_do_not_disturb_one_another(traffic: tuple[tuple[Geometry, list[Vehicle]], ...]) -> None:
    spec = site(*(two_loops(f"lane{i}") for i in range(len(traffic))))
    said = sorted((e for i, t in enumerate(traffic) for e in drive(f"lane{i}", *t)), key=lambda e: e.at)
    told = fold(spec, [*said, Tick((said[-1].at if said else 0.0) + 60.0)])
    for i, (geometry, cars) in enumerate(traffic):
        kinds = Counter(p.kind.value for p in told.passages if p.lane == f"lane{i}" and p.kind is not PassageKind.TOUCH)
        assert kinds == truth(geometry, cars)


@given(
    geometry=geometries(),
    inward=st.booleans(),
    speed=st.floats(1.0, 8.0),
    cars=st.lists(st.tuples(st.floats(3.5, 6.0), st.floats(0.0, 6.0)), min_size=1, max_size=8),
)
@settings(max_examples=300, deadline=None)
def test_an_ordinary_queue_counts_exactly_as_long_as_each_loop_clears_for_a_moment(
    *, geometry: Geometry, inward: bool, speed: float, cars: list[tuple[float, float]]
) -> None:
    released_m = 0.25 * (geometry.loop_m + geometry.gap_m)  # less may be a drawbar
    apart = [(length, geometry.loop_m + max(0.3 * speed, released_m) + extra) for length, extra in cars]
    said = convoy("main", geometry, inward=inward, speed=speed, cars=apart)
    told = watch(LANE, said, until=said[-1].at + 60.0)
    assert told.kinds == ["entry" if inward else "exit"] * len(cars)
