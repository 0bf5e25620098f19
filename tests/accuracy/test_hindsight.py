"""Hindsight: exact where nothing errs, better than any guess where something does, and a proper chain."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.accuracy.hindsight import Chances, Kind, Sensed, Step, best, departures, sensed, smoothed
from controller.score import mae_of, timeline
from controller.score_files import DAY_S, Floats, Run, Truth

HOUR = 3600.0
ONE_DAY = Run("customers", 20, 1.0)
NO_RATE = np.zeros(7 * 48)

Row = tuple[float, str, str, int, str]
"""t, lane, did, change, trace."""


def write_passages(path: Path, rows: Sequence[Row]) -> Path:
    lines = [
        "t,lane,vehicle,did,change,trace",
        *(f"{t},{lane},1,{did},{by},{trace}" for t, lane, did, by, trace in rows),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def truth_of(rows: Sequence[Row], start: int) -> Truth:
    changes = [(t, by) for t, _, _, by, _ in rows if by]
    inside = start + np.cumsum([0, *(by for _, by in changes)])
    return Truth(np.array([0.0, *(t for t, _ in changes)]), inside.astype(float))


def test_it_is_told_what_each_trace_was_as_often(tmp_path: Path) -> None:
    rows: list[Row] = [
        (1.0, "entry", "entry", 1, "full"),
        (2.0, "entry", "entry", 1, "full"),
        (3.0, "entry", "back_out", 0, "full"),
        (4.0, "entry", "entry", 1, "outer_only"),
        (5.0, "entry", "back_out", 0, "outer_only"),
        (6.0, "entry", "ghost", 0, "outer_only"),
        (7.0, "entry", "entry", 1, "none"),
        (8.0, "exit", "exit", -1, "lost_edge"),
    ]
    found = sensed(write_passages(tmp_path / "passages.csv", rows), truth_of(rows, 0), ONE_DAY)
    assert list(found.t) == [1, 2, 3, 4, 5, 6, 8]
    entry, _, back_out, one_loop, same, person, left = (kind.free for kind in found.kinds)
    assert (entry.came > 0, entry.stayed, entry.left) == (True, 0, 0)
    assert back_out == person == Chances(0, 1, 0), "neither is an arrival: they say nothing of the lot"
    assert one_loop == same
    assert one_loop.came == one_loop.stayed == entry.came / 2, "as many as there were entries, half of them vehicles"
    assert [entry.unseen_in, one_loop.unseen_in] == pytest.approx([1 / 3, 1 / 6])
    assert left == Chances(0, 0, 1)


def test_who_turns_away_says_that_the_lot_is_full(tmp_path: Path) -> None:
    """Two come in over one loop, or turn away: three of four of these happen before the full lot."""
    rows: list[Row] = [
        *((HOUR * n, "entry", "entry", 1, "full") for n in range(1, 5)),
        (5 * HOUR, "entry", "entry", 1, "outer_only"),
        *((HOUR * n, "entry", "touch", 0, "outer_only") for n in range(6, 9)),
    ]
    two = Run("customers", 5, 1.0)
    truth = truth_of(rows, 0)
    found = sensed(write_passages(tmp_path / "passages.csv", rows), truth, two)
    seen = found.kinds[-1]
    assert seen.free.came > seen.free.stayed
    assert seen.full.came < seen.full.stayed
    assert seen.full.came + seen.full.stayed > 2 * (seen.free.came + seen.free.stayed)
    assert found.kinds[0].free.came > found.kinds[0].full.came
    line = timeline(truth, smoothed(found, NO_RATE, 0.0, truth, two), two)
    assert mae_of(line) == 0


def test_it_is_exact_where_every_passage_is_known(tmp_path: Path) -> None:
    rows: list[Row] = [
        *((HOUR * n, "entry", "entry", 1, "full") for n in range(1, 10)),
        *((HOUR * n + 1, "exit", "exit", -1, "full") for n in range(4, 12)),
    ]
    rows.sort()
    passages, truth = write_passages(tmp_path / "passages.csv", rows), truth_of(rows, 3)
    assert best(passages, truth, ONE_DAY)[0] == 0


def test_what_comes_later_tells_what_was_before(tmp_path: Path) -> None:
    """One of two vehicles went in unseen; that two came out again says so, long before they do."""
    rows: list[Row] = [
        (HOUR, "entry", "entry", 1, "outer_only"),
        (2 * HOUR, "entry", "touch", 0, "outer_only"),
        (20 * HOUR, "exit", "exit", -1, "full"),
    ]
    passages, truth = write_passages(tmp_path / "passages.csv", rows), truth_of(rows, 0)
    line = timeline(truth, smoothed(sensed(passages, truth, ONE_DAY), NO_RATE, 0.0, truth, ONE_DAY), ONE_DAY)
    assert mae_of(line.only(line.start >= 2 * HOUR)) == 0


def test_departures_are_those_of_the_runs_own_week(tmp_path: Path) -> None:
    """Ten inside; one of them leaves in the first half hour, in its middle."""
    rows: list[Row] = [(900.0, "exit", "exit", -1, "full")]
    passages, truth = write_passages(tmp_path / "passages.csv", rows), truth_of(rows, 10)
    rate = departures(passages, truth, ONE_DAY)
    assert rate.shape == (336,)
    assert rate[0] == pytest.approx(1 / (10 * 900 + 9 * 900))
    assert not rate[1:].any()


FIVE = Truth(np.array([0.0, 1.0]), np.array([5.0, 5.0]))


def always(*chances: float) -> Kind:
    """Return what happens before a full lot as before any other."""
    return Kind(Chances(*chances), Chances(*chances))


def test_quiet_hours_say_that_fewer_are_inside() -> None:
    """Somebody more likely came than not; but then nobody leaves for ten hours, in which one in three should."""
    unsure = Sensed(np.array([1.0, 10 * HOUR]), (always(0.55, 0.45, 0), always(0, 1, 0)))
    assert list(smoothed(unsure, NO_RATE, 1.0, FIVE, ONE_DAY).free) == [15, 14, 14]
    assert list(smoothed(unsure, np.full(336, 0.1 / HOUR), 1.0, FIVE, ONE_DAY).free) == [15, 15, 15]


def test_many_exits_say_that_more_were_inside() -> None:
    unsure, left = always(0.45, 0.55, 0), always(0, 0, 1)
    exits = Sensed(np.array([1.0, 2.0, 3.0]), (unsure, left, left))
    assert list(smoothed(exits, NO_RATE, 0.0, FIVE, ONE_DAY).free) == [15, 15, 16, 17]
    assert list(smoothed(exits, NO_RATE, 1.0, FIVE, ONE_DAY).free) == [15, 14, 15, 16]


def test_a_contradiction_does_not_end_it(tmp_path: Path) -> None:
    rows: list[Row] = [(HOUR, "exit", "exit", -1, "full"), (2 * HOUR, "entry", "entry", 1, "full")]
    passages = write_passages(tmp_path / "passages.csv", rows)
    empty = Truth(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    assert np.isfinite(best(passages, empty, ONE_DAY)[0])


def test_without_any_passage_the_start_holds(tmp_path: Path) -> None:
    passages = write_passages(tmp_path / "passages.csv", [])
    truth = Truth(np.array([0.0, DAY_S]), np.array([4.0, 4.0]))
    assert best(passages, truth, ONE_DAY) == (0.0, 0.0)


SHARES = st.floats(0, 1)
CHANCES = st.builds(Chances, SHARES, SHARES, SHARES, SHARES, SHARES)
VALUES = st.lists(SHARES, min_size=5, max_size=5).map(np.array)


@given(st.builds(Kind, CHANCES, CHANCES), VALUES, VALUES, VALUES)
def test_backwards_is_the_transpose_of_forwards(kind: Kind, now: Floats, later: Floats, pull: Floats) -> None:
    step = Step.of(kind, np.arange(5) >= 3)
    assert now @ step.moved_back(later, pull) == pytest.approx(step.moved(now, pull) @ later, abs=1e-9)
