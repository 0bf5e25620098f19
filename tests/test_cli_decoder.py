"""``parking-controller decoder`` prints the automaton and the truth table."""

from click.testing import CliRunner

from controller.cli_decoder import decoder, told
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Role


def printed(*options: str) -> str:
    result = CliRunner().invoke(decoder, options)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_truth_table_has_a_story_its_edges_and_what_came_of_it() -> None:
    lines = printed().splitlines()
    at = lines.index("drives in")
    assert lines[at + 1 : at + 3] == ["    A+0 B+1 A-2 B-3", "    -> entry at 3 s: in 1.00, out 0.00"]


def test_unclear_stories_say_what_else_it_may_have_been_and_faults_are_named() -> None:
    text = printed()
    assert "seen by the outer loop only" in text
    assert "somebody who turned away" in text
    assert "fault: inner stuck" in text
    assert "wrong way" in text


def test_a_passage_says_what_is_known_of_it_and_no_more() -> None:
    one = Passage("out", PassageKind.EXIT, 3.5, 1.0, tailgating=True, chance_out=1.0, another=0.125)
    assert told(one) == "exit at 3.5 s: in 0.00, out 1.00, one more 0.125, tailgating"
    two = Passage("in", PassageKind.BACK_OUT, 3.0, 1.0, seen_by=Role.INNER)
    assert told(two) == "back-out at 3 s: in 0.00, out 0.00, seen by the inner loop only"


def test_a_two_way_lane_and_a_barrier_are_told_on_request() -> None:
    assert "-> exit at 3 s: in 0.00, out 1.00\n" in printed("--direction", "both")
    assert "no loop saw it" in printed("--barrier")


def test_the_automaton_is_printed_in_columns() -> None:
    lines = printed("--automaton").splitlines()
    assert lines[0].split() == ["phase", "step", "next", "verdict"]
    assert lines[1].split() == ["idle", "F+", "first"]


def test_a_direction_that_does_not_exist_is_refused_with_those_that_do() -> None:
    result = CliRunner().invoke(decoder, ["--direction", "up"])
    assert result.exit_code == 2
    assert "'entry', 'exit', 'both'" in result.output
