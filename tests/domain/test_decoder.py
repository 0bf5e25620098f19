"""The decoder's truth table and automaton, as printed: what they promise."""

import pytest

from controller.domain.crossing import TABLE, Phase, Verdict
from controller.domain.decoder_table import BARRIER_STORIES, STORIES, Row, automaton, truth_table
from controller.domain.report import PassageKind
from controller.domain.specs import Direction
from controller.domain.verdicts import WEIGH

CLEAR = {
    "drives in": (1, 0),
    "leaves a gap between the loops": (1, 0),
    "stops on both loops": (1, 0),
    "has a trailer": (1, 0),
    "a counting pulse on the inner loop": (1, 0),
    "both loops clear at one moment": (1, 0),
    "nose to tail": (2, 0),
    "a follower waits on the outer loop": (1, 0),
    "nosed onto the inner loop, and backed out": (0, 1),
    "left the outer loop, and backed out": (0, 1),
    "a level is read again": (1, 0),
}
"""Stories that perfect loops tell of ordinary vehicles -> entries and back-outs, all of them certain."""


def rows(direction: Direction, *, barrier: bool = False) -> dict[str, Row]:
    return {row.name: row for row in truth_table(direction, barrier=barrier)}


@pytest.mark.parametrize("direction", [Direction.ENTRY, Direction.BOTH])
@pytest.mark.parametrize("name", CLEAR)
def test_clear_stories_are_certain(direction: Direction, name: str) -> None:
    row = rows(direction)[name]
    assert {p.chance_in for p in row.passages} <= {0.0, 1.0}
    assert {p.chance_out for p in row.passages} == {0.0}
    kinds = [p.kind for p in row.passages]
    assert (kinds.count(PassageKind.ENTRY), kinds.count(PassageKind.BACK_OUT)) == CLEAR[name]
    assert row.faults == ()


@pytest.mark.parametrize("direction", Direction)
def test_every_story_is_in_the_table_and_changes_the_count_by_what_is_likely(direction: Direction) -> None:
    table = rows(direction)
    assert list(table) == [name for name, _ in STORIES]
    for row in table.values():
        for passage in row.passages:
            likely, other = passage.chance_in, passage.chance_out
            if passage.kind is not PassageKind.ENTRY and other > likely:
                likely, other = other, likely
            assert (likely > max(0.5, 2 * other)) is (passage.kind in {PassageKind.ENTRY, PassageKind.EXIT})
            assert 0 <= passage.began <= passage.at
    assert table["drives out"].passages[0].wrong_way is (direction is Direction.ENTRY)


def test_faulty_loops_are_named_in_the_table() -> None:
    table = rows(Direction.ENTRY)
    assert table["the inner loop is stuck"].faults == ("inner stuck",)
    assert table["the outer loop is stuck"].faults == ("outer stuck",)
    assert table["the inner loop is silent"].faults == ("inner silent",)
    assert table["the outer loop is silent"].faults == ("outer silent",)


def test_a_barrier_has_stories_of_its_own() -> None:
    table = rows(Direction.ENTRY, barrier=True)
    assert list(table) == [name for name, story in BARRIER_STORIES if "R" in story]
    assert table["drives in"].passages[0].chance_in == 1.0


def test_experience_makes_a_difference() -> None:
    fresh = {row.name: row for row in truth_table(Direction.ENTRY, passages=0)}
    assert fresh["outer loop only, 2 s"] != rows(Direction.ENTRY)["outer loop only, 2 s"]


def test_the_automaton_is_the_table_itself() -> None:
    printed = automaton()
    assert len(printed) == sum(len(steps) for steps in TABLE.values())
    assert {row[0] for row in printed} == {phase.value for phase in Phase}
    assert ("first", "S+", "both", Verdict.ON_BOTH.value) in printed
    assert set(WEIGH) == set(Verdict)
