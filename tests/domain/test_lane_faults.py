"""Loops that stick or fall silent: named within a few vehicles, and the lane counts on by the other loop."""

from dataclasses import replace

import pytest
from domain_lanes import Watched, one_way, seasoned, story
from domain_lots import one_loop, two_loops

from controller.domain import lane
from controller.domain.report import FaultKind, PassageKind
from controller.domain.specs import Direction, LaneSpec, Role

ENTRY, EXIT = one_way(Direction.ENTRY), one_way(Direction.EXIT)


def visits(letter: str, number: int, start: float = 60.0, on_s: float = 2.0) -> str:
    """Tell of visits to one loop, one a minute."""
    return " ".join(f"{letter}+{start + 60 * i} {letter}-{start + 60 * i + on_s}" for i in range(number))


def named(told: Watched) -> list[tuple[Role, FaultKind]]:
    return [(fault.role, fault.kind) for fault in lane.faults(told.state)]


@pytest.mark.parametrize(
    ("begin", "letter", "fault"),
    [
        ("A+0 B+1 A-2 ", "A", (Role.INNER, FaultKind.STUCK)),
        ("A+0 B+1 B-3 ", "B", (Role.OUTER, FaultKind.STUCK)),
    ],
    ids=["inner", "outer"],
)
def test_a_stuck_loop_is_named_within_three_vehicles_and_costs_none(
    begin: str, letter: str, fault: tuple[Role, FaultKind]
) -> None:
    before = seasoned(ENTRY)
    assert named(story(ENTRY, begin + visits(letter, 1), state=before)) == []
    told = story(ENTRY, begin + visits(letter, 4), state=before)
    assert named(told) == [fault]
    assert told.expected == pytest.approx(5, abs=0.3)
    told = story(ENTRY, begin + visits(letter, 20), state=before)
    assert told.expected == pytest.approx(21, abs=0.5)


@pytest.mark.parametrize(("letter", "silent"), [("A", Role.INNER), ("B", Role.OUTER)])
@pytest.mark.parametrize("spec", [ENTRY, EXIT], ids=["in", "out"])
def test_a_silent_loop_is_named_within_six_vehicles_and_costs_none(spec: LaneSpec, letter: str, silent: Role) -> None:
    before = seasoned(spec)
    assert named(story(spec, visits(letter, 3), state=before)) == []
    told = story(spec, visits(letter, 6), state=before)
    assert named(told) == [(silent, FaultKind.SILENT)]
    assert abs(told.expected) == pytest.approx(6, abs=0.4)
    assert any("counted late" in (p.doubt or "") for p in told.passages)
    assert abs(story(spec, visits(letter, 30), state=before).expected) == pytest.approx(30, abs=0.8)


def test_a_stuck_loop_works_again_as_soon_as_it_clears() -> None:
    broken = "A+0 B+1 A-2 " + visits("A", 6)
    told = story(ENTRY, f"{broken} B-1000 A+1060 B+1061 A-1062 B-1063", state=seasoned(ENTRY))
    assert named(told) == []
    assert told.passages[-1].seen_by is None
    assert told.passages[-1].chance_in == 1.0
    assert told.expected == pytest.approx(8, abs=0.4)


def test_a_silent_loop_works_again_as_soon_as_it_is_covered() -> None:
    told = story(ENTRY, visits("A", 8) + " A+1060 B+1061 A-1062 B-1063", state=seasoned(ENTRY))
    assert named(told) == []
    assert told.passages[-1].chance_in == 1.0
    assert told.expected == pytest.approx(9, abs=0.6)


def test_in_a_two_way_lane_one_loop_tells_no_direction() -> None:
    spec = two_loops()
    told = story(spec, visits("B", 12), state=seasoned(spec))
    assert named(told) == [(Role.OUTER, FaultKind.SILENT)]
    last = told.passages[-1]
    assert last.kind is PassageKind.TOUCH
    assert last.chance_in == pytest.approx(last.chance_out, abs=0.05)
    assert last.chance_in + last.chance_out > 0.9


def test_a_vehicle_that_waits_before_a_full_lot_is_no_stuck_loop() -> None:
    told = story(ENTRY, "A+0 A-1200", state=seasoned(ENTRY))
    assert named(told) == []
    assert told.expected == pytest.approx(0, abs=0.5)
    told = story(ENTRY, "A+0 B+1200 A-1201 B-1202", state=seasoned(ENTRY))
    assert (named(told), told.kinds, told.expected) == ([], ["entry"], 1.0)


def test_people_who_turn_away_before_a_full_lot_are_no_silent_inner_loop() -> None:
    before = seasoned(ENTRY)
    for text in (visits("A", 20, on_s=5.0), visits("A", 20, on_s=8.0)):
        told = story(ENTRY, text, state=before)
        assert named(told) == []
        assert told.expected == pytest.approx(0, abs=1.5)
    quick = story(ENTRY, visits("A", 8, on_s=3.0), state=before, full=True)
    assert named(quick) == []


def test_a_person_now_and_then_is_no_silent_loop() -> None:
    told = story(ENTRY, visits("B", 40, on_s=0.4), state=seasoned(ENTRY))
    assert named(told) == []
    assert told.expected == pytest.approx(0, abs=1)


def test_a_loop_that_is_at_fault_for_another_reason_is_not_listened_to() -> None:
    before = story(ENTRY, "A+0 B+1", state=seasoned(ENTRY)).state
    blind, passed = lane.blinded(ENTRY, before, Role.INNER, FaultKind.CHATTER, 2.0)
    assert passed == ()
    after, passed = lane.loop_changed(ENTRY, blind, Role.INNER, occupied=False, at=2.5)
    assert (after.faults, passed) == (blind.faults, ())
    after, passed = lane.loop_changed(ENTRY, after, Role.OUTER, occupied=False, at=3.0)
    assert [(p.kind, p.seen_by) for p in passed] == [(PassageKind.ENTRY, Role.OUTER)]
    seeing = lane.sighted(after, Role.INNER)
    assert seeing.faults == ()


def test_a_leader_that_the_faulty_loop_kept_waiting_is_counted() -> None:
    before = story(ENTRY, "A+0 B+1 A-2", state=seasoned(ENTRY)).state
    _, passed = lane.blinded(ENTRY, before, Role.INNER, FaultKind.STUCK, 900.0)
    assert [p.kind for p in passed] == [PassageKind.ENTRY]


def test_a_lane_is_blind_when_both_its_loops_are() -> None:
    before = seasoned(ENTRY)
    one, _ = lane.blinded(ENTRY, before, Role.INNER, FaultKind.STUCK, 1.0)
    both, _ = lane.blinded(ENTRY, one, Role.OUTER, FaultKind.CHATTER, 2.0)
    assert [lane.is_blind(ENTRY, now) for now in (before, one, both)] == [False, False, True]
    assert lane.is_blind(ENTRY, lane.sighted(both, Role.OUTER)) is False


def test_a_fault_that_is_known_is_told_once_and_a_single_loop_has_none_here() -> None:
    before = seasoned(ENTRY)
    one, _ = lane.blinded(ENTRY, before, Role.INNER, FaultKind.STUCK, 1.0)
    assert lane.blinded(ENTRY, one, Role.INNER, FaultKind.SILENT, 2.0) == (one, ())
    assert lane.sighted(before, Role.INNER) is before
    single = one_loop(Direction.ENTRY)
    assert lane.blinded(single, before, Role.LOOP, FaultKind.STUCK, 2.0) == (before, ())


def test_a_drawbar_is_no_gap_over_the_only_loop_that_works() -> None:
    broken = story(ENTRY, visits("A", 6), state=seasoned(ENTRY)).state
    told = story(ENTRY, "A+1000 A-1002 A+1002.2 A-1003", state=replace(broken))
    assert len(told.passages) == 1


# Loops that are wired crosswise


def crosswise(spec: LaneSpec, passages: int = 700) -> Watched:
    """Tell of vehicles that go the lane's way, one a minute, over loops that are wired the wrong way round."""
    first, second = ("B", "A") if spec.direction is Direction.ENTRY else ("A", "B")
    return story(
        spec,
        " ".join(
            f"{first}+{at} {second}+{at + 1} {first}-{at + 2} {second}-{at + 3}"
            for at in (60.0 * i - 1e6 for i in range(passages))
        ),
    )


@pytest.mark.parametrize("spec", [ENTRY, EXIT], ids=["in", "out"])
@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_crosswise_lane_counts_its_own_way_by_one_loop_too(spec: LaneSpec, letter: str) -> None:
    before, way = crosswise(spec), 1 if spec is ENTRY else -1
    assert lane.reversed_since(before.state) is not None
    assert way * before.expected == pytest.approx(700 - 2 * lane.REVERSED, abs=2)
    gone = Role.OUTER if letter == "B" else Role.INNER
    blind, passed = lane.blinded(spec, before.state, gone, FaultKind.UNREADABLE, 0.0)
    assert passed == ()
    told = story(spec, visits(letter, 5), state=blind)
    assert way * told.expected == pytest.approx(5, abs=0.4)
    assert {p.kind for p in told.passages} == {PassageKind.ENTRY if spec is ENTRY else PassageKind.EXIT}


def test_a_lane_that_had_learned_that_all_go_against_it_counts_its_own_way_by_one_loop() -> None:
    state = crosswise(ENTRY, 20).state
    state = replace(state, learned=replace(state.learned, passages=700.0, wrong_way=650.0))
    blind, _ = lane.blinded(ENTRY, state, Role.OUTER, FaultKind.UNREADABLE, 0.0)
    assert story(ENTRY, visits("B", 5), state=blind).kinds == ["entry"] * 5


def test_a_crosswise_lane_does_not_learn_that_vehicles_go_against_it() -> None:
    assert crosswise(ENTRY).state.learned.against < 0.02


def test_a_loop_of_a_crosswise_lane_that_falls_silent_costs_no_vehicle() -> None:
    told = story(ENTRY, visits("B", 8), state=crosswise(ENTRY).state)
    assert [kind for _, kind in named(told)] == [FaultKind.SILENT]
    assert told.expected == pytest.approx(8, abs=0.6)


def test_the_leader_that_a_faulty_loop_of_a_crosswise_lane_kept_waiting_counts_its_own_way() -> None:
    waiting = story(ENTRY, "B+60 A+61 B-62", state=crosswise(ENTRY).state)
    after, passed = lane.blinded(ENTRY, waiting.state, Role.OUTER, FaultKind.STUCK, 200.0)
    assert [p.kind for p in passed] == [PassageKind.ENTRY]
    assert after.entries == waiting.state.entries + 1


def test_who_passed_the_barrier_of_a_crosswise_lane_though_a_loop_did_not_clear_counts_its_own_way() -> None:
    spec = one_way(Direction.ENTRY, barrier=True)
    told = story(spec, "B+60 R+60.5 A+61 B-62 R-64.5", state=crosswise(ENTRY).state)
    assert told.kinds == ["entry"]
    assert told.state.entries == crosswise(ENTRY).state.entries + 1
