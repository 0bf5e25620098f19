"""The score: integrals that can be reckoned by hand, the same however the run is cut, errors that name the line."""

import dataclasses
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored_runs import Row, number, write_run, write_shown

from controller.score import Score, Timeline, percentile, score, score_files, table, timeline
from controller.score_files import DAY_S, Run, ScoreError, Shown, Truth, read_shown, read_truth

HOUR = 3600.0
NO_NUMBER: Row = (0.0, "", "", "", "UNKNOWN", "P")


def scored(
    folder: Path, inside: Sequence[tuple[float, int]], rows: Sequence[Row], *, capacity: int = 10, days: float = 1.0
) -> Score:
    write_run(folder, inside, capacity=capacity, days=days)
    return score_files(folder, write_shown(folder / "shown.csv", rows))


def approx(value: float) -> object:
    return pytest.approx(value, abs=1e-9)


def test_a_sign_that_is_always_right_has_no_error(tmp_path: Path) -> None:
    inside = [(0.0, 3), (HOUR, 4), (5 * HOUR, 10), (6 * HOUR, 9)]
    right = scored(tmp_path, inside, [number(t, 10 - n) for t, n in inside])
    assert (right.mae, right.bias, right.p99, right.worst_day_mae) == (0, 0, 0, 0)
    assert (right.false_free, right.false_full, right.dark, right.no_number) == (0, 0, 0, 0)
    assert (right.numbered, right.coverage, right.width) == (1, 1, 0)
    assert right.truly_full == approx(1 / 24)
    assert right.flips_per_day == 2


def test_errors_are_weighted_by_their_time(tmp_path: Path) -> None:
    """Six hours 2 too many, six hours 1 too few, and right for the rest of the day."""
    result = scored(tmp_path, [(0.0, 5)], [number(0.0, 7), number(6 * HOUR, 4), number(12 * HOUR, 5)])
    assert result.mae == approx((2 + 1) / 4)
    assert result.bias == approx((2 - 1) / 4)
    assert (result.p95, result.p99) == (2, 2)


def test_a_percentile_is_the_error_not_exceeded_for_that_share_of_the_time(tmp_path: Path) -> None:
    day = [number(0.0, 5), number(0.95 * DAY_S, 6), number(0.99 * DAY_S, 9)]
    result = scored(tmp_path, [(0.0, 5)], day)
    assert (result.p95, result.p99) == (0, 1)


def test_false_free_is_an_offer_while_full(tmp_path: Path) -> None:
    """Full for 4 h: right for one, 1 space offered for one, WOLNE for one, a P of an unsure sign for the last."""
    inside = [(0.0, 9), (10 * HOUR, 10), (14 * HOUR, 9)]
    rows = [
        number(0.0, 1),
        number(10 * HOUR, 0),
        number(11 * HOUR, 1),
        (12 * HOUR, "", "1", "9", "OPEN", "wolne"),
        (13 * HOUR, "", "", "", "UNKNOWN", "P"),
        number(14 * HOUR, 1),
    ]
    result = scored(tmp_path, inside, rows)
    assert result.false_free == approx(2 / 24)
    assert result.false_free_of_full == approx(0.5)
    assert result.no_number == approx(2 / 24)
    assert result.numbered == approx(22 / 24)
    assert result.false_free_large == approx(2 / 24), "one space of ten is more than 5 %; an offer of any size is, too"


def test_large_false_signs_are_those_of_5_percent(tmp_path: Path) -> None:
    inside = [(0.0, 100), (2 * HOUR, 96), (4 * HOUR, 95)]
    rows = [number(0.0, 4), number(HOUR, 5), number(2 * HOUR, 0)]
    result = scored(tmp_path, inside, rows, capacity=100)
    assert (result.false_free, result.false_free_large) == (approx(2 / 24), approx(1 / 24))
    assert (result.false_full, result.false_full_large) == (approx(22 / 24), approx(20 / 24))


def test_a_dark_sign_offers_nothing_and_is_counted_once(tmp_path: Path) -> None:
    rows: list[Row] = [(0.0, "", "", "", "UNKNOWN", ""), (6 * HOUR, "3", "2", "4", "OPEN", ""), number(12 * HOUR, 0)]
    result = scored(tmp_path, [(0.0, 10)], rows)
    assert (result.dark, result.no_number) == (approx(0.5), 0)
    assert (result.false_free, result.mae) == (0, approx(1.0)), "its number is compared all the same"


def test_before_its_first_row_a_sign_is_dark(tmp_path: Path) -> None:
    result = scored(tmp_path, [(0.0, 0)], [number(12 * HOUR, 10)])
    assert (result.dark, result.numbered, result.mae) == (approx(0.5), approx(0.5), 0)


def test_a_closed_lot_offers_nothing_and_is_not_number_less(tmp_path: Path) -> None:
    result = scored(tmp_path, [(0.0, 10)], [(0.0, "", "", "", "CLOSED", "nieczynne")])
    assert (result.no_number, result.dark, result.false_free, result.false_full) == (0, 0, 0, 0)


def test_what_is_shown_when_nothing_is_known_has_no_error(tmp_path: Path) -> None:
    result = scored(tmp_path, [(0.0, 5)], [NO_NUMBER])
    assert (result.mae, result.bias, result.p95, result.worst_day, result.coverage) == (None,) * 5
    assert (result.no_number, result.numbered) == (1, 0)
    assert "mean absolute error  - (bias -)" in table(result)


def test_full_is_compared_by_the_number_behind_it(tmp_path: Path) -> None:
    result = scored(tmp_path, [(0.0, 8)], [(0.0, "1", "0", "2", "FULL", "brak wolnych miejsc")])
    assert (result.mae, result.false_full, result.coverage, result.width) == (1, 1, 1, 2)


def test_the_true_number_is_clamped_as_the_shown_one_is(tmp_path: Path) -> None:
    result = scored(tmp_path, [(0.0, 13)], [number(0.0, 0)])
    assert (result.mae, result.truly_full) == (0, 1)


def test_coverage_includes_the_limits_and_leaves_out_the_time_without_any(tmp_path: Path) -> None:
    rows = [number(0.0, 5, 3, 5), number(6 * HOUR, 6, 6, 8), (12 * HOUR, "5", "", "", "OPEN", "5")]
    result = scored(tmp_path, [(0.0, 5)], rows)
    assert (result.coverage, result.width) == (approx(0.5), 2)


def test_the_worst_day_is_named(tmp_path: Path) -> None:
    result = scored(tmp_path, [(0.0, 5)], [number(0.0, 5), number(1.5 * DAY_S, 9), number(2 * DAY_S, 6)], days=3)
    assert (result.worst_day, result.worst_day_mae) == (2, approx(2.0))


def test_drift_is_seen_window_by_window(tmp_path: Path) -> None:
    result = scored(tmp_path, [(0.0, 5)], [number(0.0, 5), number(10 * DAY_S, 6), number(20 * DAY_S, 9)], days=25)
    assert (result.p99_by_window, result.mae_by_window) == ((0, 1, 4), (0, 1, 4))


def test_near_full_is_three_spaces_or_5_percent(tmp_path: Path) -> None:
    inside, rows = [(0.0, 96), (12 * HOUR, 95), (18 * HOUR, 94)], [number(0.0, 7)]
    assert scored(tmp_path, inside, rows, capacity=100).near_full_mae == approx((2 * 3 + 1 * 2) / 3)
    assert scored(tmp_path, [(0.0, 6)], [number(0.0, 7)]).near_full_mae is None
    assert scored(tmp_path, [(0.0, 7)], [number(0.0, 7)]).near_full_mae == approx(4)


def test_of_two_rows_at_one_time_the_later_holds(tmp_path: Path) -> None:
    assert scored(tmp_path, [(0.0, 2), (0.0, 5)], [number(0.0, 9), number(0.0, 5)]).mae == 0


def test_without_days_the_run_ends_with_the_truth(tmp_path: Path) -> None:
    write_run(tmp_path, [(0.0, 5), (HOUR, 5)], days=None)
    result = score_files(tmp_path, write_shown(tmp_path / "shown.csv", [number(0.0, 5), number(2 * HOUR, 0)]))
    assert (result.days, result.mae) == (approx(1 / 24), 0)


def test_another_zones_rows_are_left_out(tmp_path: Path) -> None:
    write_run(tmp_path, [(0.0, 5)])
    path = write_shown(tmp_path / "shown.csv", [number(0.0, 5)])
    path.write_text(path.read_text("utf-8") + "5.000,staff,0,0,0,FULL,pełne\n", "utf-8")
    result = score_files(tmp_path, path)
    assert (result.mae, result.flips_per_day) == (0, 0)


STEPS = st.lists(st.tuples(st.integers(0, 3 * 86_400), st.integers(0, 12)), min_size=1, max_size=30)


def step_functions(inside: Sequence[tuple[int, int]], shown: Sequence[tuple[int, int]]) -> Timeline:
    truth = sorted({0: 0, **dict(inside)}.items())
    sign = sorted({0: 5, **dict(shown)}.items())
    t, free = np.array(sign, dtype=float).T
    no = np.zeros(len(t), dtype=bool)
    return timeline(
        Truth(*np.array(truth, dtype=float).T),
        Shown(t, free, free - 1, free + 1, free == 0, no, no, free > 0),
        Run("customers", 10, 3.0),
    )


@given(STEPS, STEPS)
def test_the_integral_is_exact(inside: list[tuple[int, int]], shown: list[tuple[int, int]]) -> None:
    """All steps are at whole seconds, so a sum over every second is exact, too."""
    line = step_functions(inside, shown)
    result = score(line)
    seconds = np.arange(3 * 86_400)
    piece = np.searchsorted(line.start, seconds, side="right") - 1
    truth, sign = dict(sorted({0: 0, **dict(inside)}.items())), dict(sorted({0: 5, **dict(shown)}.items()))
    at_truth = np.searchsorted(list(truth), seconds, side="right") - 1
    at_sign = np.searchsorted(list(sign), seconds, side="right") - 1
    true_free = np.clip(10 - np.array(list(truth.values()))[at_truth], 0, 10)
    free = np.array(list(sign.values()))[at_sign]
    assert np.array_equal(line.true_free[piece], true_free)
    assert result.mae == approx(float(np.abs(free - true_free).mean()))
    assert result.bias == approx(float((free - true_free).mean()))
    assert result.false_free == approx(float(((true_free == 0) & (free > 0)).mean()))
    assert result.false_full == approx(float(((true_free > 0) & (free == 0)).mean()))
    assert result.coverage == approx(float((np.abs(free - true_free) <= 1).mean()))
    for share, found in ((0.95, result.p95), (0.99, result.p99)):
        assert found is not None
        assert (np.abs(free - true_free) <= found).mean() >= share - 1e-9
        assert (np.abs(free - true_free) < found).mean() < share
    daily = np.abs(free - true_free).reshape(3, -1).mean(axis=1)
    assert result.worst_day_mae == approx(float(daily.max()))


@given(STEPS, STEPS)
def test_the_pieces_fill_the_run_without_a_gap(inside: list[tuple[int, int]], shown: list[tuple[int, int]]) -> None:
    line = step_functions(inside, shown)
    assert line.length.min() > 0
    assert np.array_equal(line.start[1:], line.start[:-1] + line.length[:-1])
    assert line.length.sum() == 3 * DAY_S
    assert not np.any(line.start // DAY_S != (line.start + line.length - 0.5) // DAY_S), "none crosses a midnight"


def test_a_percentile_of_no_time_is_none() -> None:
    line = step_functions([(0, 0)], [(0, 5)])
    assert percentile(line.only(line.full), 0.5) is None


def test_a_month_is_scored_in_no_time(tmp_path: Path) -> None:
    """A minute apart and off by one, as many rows as the busiest lot has."""
    steps = [(60.0 * n, 40 + n % 7) for n in range(30 * 1440)]
    write_run(tmp_path, steps, capacity=80, days=30)
    path = write_shown(tmp_path / "shown.csv", [number(t, 81 - inside, 0, 80) for t, inside in steps])
    began = time.perf_counter()
    result = score_files(tmp_path, path)
    assert time.perf_counter() - began < 2
    assert (result.mae, result.coverage) == (approx(1), approx(1))


# Errors


def test_the_score_is_plain_json(tmp_path: Path) -> None:
    result = scored(tmp_path, [(0.0, 5)], [NO_NUMBER])
    assert json.loads(json.dumps(dataclasses.asdict(result)))["mae"] is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x,1", r"line 3: t is 'x'. It must be seconds"),
        ("nan,1", r"line 3: t is 'nan'. It must be seconds"),
        ("5,", r"line 3: inside is ''. It must be a number of vehicles"),
        ("5", r"line 3: 1 values under 2 columns. Was the file cut off"),
        ("-5,1", r"line 3: t = -5 is before 0.0, the row above. Put the rows in time order"),
    ],
)
def test_a_bad_line_of_the_truth_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(f"t,inside\n0,1\n{line}\n", "utf-8")
    with pytest.raises(ScoreError, match=f"{re.escape(str(path))}, {said}"):
        read_truth(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: no column t, inside among none. The heading must be t,inside"),
        ("t,number\n0,1\n", "line 1: no column inside among t, number"),
        ("t,inside\n", "no rows. Write the number inside at t = 0"),
        ("t,inside\n0,\x00\n", "inside is"),
    ],
)
def test_a_truth_that_is_none_is_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ScoreError, match=re.escape(said)):
        read_truth(path)


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(b"t,inside\n0,\xff\n")
    with pytest.raises(ScoreError, match="not a CSV file"):
        read_truth(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"truth.csv: not there. Check the path"):
        read_truth(tmp_path / "truth.csv")
    with pytest.raises(ScoreError, match="can't be read"):
        read_truth(tmp_path)
    with pytest.raises(ScoreError, match=r"run.json: not there. Give the folder that simulate wrote"):
        score_files(tmp_path, tmp_path / "shown.csv")


def test_a_status_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = write_shown(tmp_path / "shown.csv", [(0.0, "1", "1", "1", "HALF", "1")])
    with pytest.raises(ScoreError, match=r"line 2: status is 'HALF'. It must be one of OPEN, NEARLY_FULL, FULL"):
        read_shown(path, "customers")


def test_a_replay_of_another_zone_is_said(tmp_path: Path) -> None:
    path = write_shown(tmp_path / "shown.csv", [number(0.0, 1)], zone="roof")
    with pytest.raises(ScoreError, match=r'no row of zone "customers"; its zones: roof\. Replay the recording'):
        read_shown(path, "customers")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("[", "not JSON"),
        ("[]", "not an object"),
        ('{"capacity": 1}', '"zone" is missing. Write the name of the zone'),
        ('{"zone": "z"}', '"capacity" is missing. Write a whole number of spaces'),
        ('{"zone": "z", "capacity": true}', '"capacity" is true, which can\'t be'),
        ('{"zone": "z", "capacity": 1.5}', '"capacity" is 1.5'),
        ('{"zone": "z", "capacity": 5, "days": 0}', '"days" is 0, which can\'t be. Write the length of the run'),
        ('{"zone": "z", "capacity": 5, "days": NaN}', '"days" is NaN'),
    ],
)
def test_what_a_run_says_of_itself_is_checked(tmp_path: Path, run: str, said: str) -> None:
    (tmp_path / "run.json").write_text(run, "utf-8")
    with pytest.raises(ScoreError, match=re.escape(said)):
        score_files(tmp_path, tmp_path / "shown.csv")


def test_a_run_without_length_is_said(tmp_path: Path) -> None:
    write_run(tmp_path, [(0.0, 5)], days=None)
    with pytest.raises(ScoreError, match="the run has no length"):
        score_files(tmp_path, write_shown(tmp_path / "shown.csv", [number(0.0, 5)]))
