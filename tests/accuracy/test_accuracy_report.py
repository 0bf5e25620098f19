"""The table and the page: means over seeds, what is not reached, and nothing that is not there."""

from pathlib import Path

import pytest
from scored_runs import Row as Shown
from scored_runs import number, write_run, write_shown
from small_lots import an_outcome

from controller.accuracy import plots, report
from controller.accuracy.matrix import DRIFT, ROWS, Case, Reach, Row, cases, chosen, drift_cases
from controller.accuracy.runner import SHOWN
from controller.score_files import DAY_S
from controller.simulator.scenario import shipped

OFFICE = Row("office80-1", Reach(0.85, 0.5, 1.3))


def test_every_scenario_of_the_table_is_shipped_and_none_stands_twice() -> None:
    names = [row.scenario for row in ROWS]
    assert len(set(names)) == len(names)
    assert set(names) <= set(shipped())
    assert set(DRIFT) <= set(names)


def test_rows_are_chosen_by_pattern() -> None:
    assert chosen(ROWS, ()) == ROWS
    assert [row.scenario for row in chosen(ROWS, ("shop80-?", "shop2*"))] == ["shop20", "shop80-1", "shop80-3"]
    assert chosen(ROWS, ("nothing",)) == ()


def test_each_row_has_a_case_for_each_seed() -> None:
    perfect, shop = chosen(ROWS, ("perfect-shop80", "shop20"))
    assert cases((perfect, shop), 2, None) == (
        Case("perfect-shop80", 1, 14.0),
        Case("perfect-shop80", 2, 14.0),
        Case("shop20", 1, 30.0),
        Case("shop20", 2, 30.0),
    )
    assert cases((shop,), 1, 5.0) == (Case("shop20", 1, 5.0),)
    assert drift_cases(chosen(ROWS, ("shop*",)), 90.0) == (Case("shop80-1", 1, 90.0),)


def test_a_line_has_the_means_of_its_seeds() -> None:
    (line,) = report.lines([OFFICE], [an_outcome("office80-1", 2, mae=1.0), an_outcome("office80-1", 1, mae=0.5)])
    assert [one.case.seed for one in line.outcomes] == [1, 2]
    assert line.mean(lambda score: score.mae) == 0.75
    assert line.baseline("quadrature") == 3.0
    heading, rule, row = report.table([line]).splitlines()
    assert len({len(heading), len(rule), len(row)}) == 1, "the columns are aligned"
    assert "| office80-1 | 2.00   | 3.00       | 4.00   | 0.50      | **0.75** (0.50-1.00) | 0.85 " in row


def test_a_seed_without_a_number_is_left_out_of_the_mean() -> None:
    (line,) = report.lines([OFFICE], [an_outcome("office80-1", 1, mae=None), an_outcome("office80-1", 2, mae=0.5)])
    assert line.mean(lambda score: score.mae) == 0.5
    assert "| **0.50** " in report.table([line])
    assert "(0.50" not in report.table([line]), "one number has no spread"


def test_rows_without_outcomes_are_left_out() -> None:
    assert [line.row.scenario for line in report.lines(ROWS, [an_outcome("shop20")])] == ["shop20"]


def test_nothing_is_unmet_where_all_is_reached() -> None:
    limits = an_outcome("office80-1", mae=0.854, false_free=0.005, false_full=0.013, coverage=0.85)
    assert report.unmet(report.lines([OFFICE], [limits])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mae": 0.86}, "office80-1: mean absolute error 0.86, 0.85 spaces is to be reached"),
        ({"mae": None}, "office80-1: mean absolute error: no number was ever shown; 0.85 spaces is to be reached"),
        ({"false_free": 0.0056}, "office80-1: false free 0.56, 0.5 % of all time is to be reached"),
        ({"false_full": 0.02}, "office80-1: false full 2.00, 1.3 % of all time is to be reached"),
        (
            {"coverage": 0.97},
            "office80-1: low-high holds the truth 97.0 % of the time, 85 to 95 % is to be reached",
        ),
        (
            {"coverage": None},
            "office80-1: low-high holds the truth - % of the time, 85 to 95 % is to be reached",
        ),
    ],
)
def test_what_is_not_reached_is_said(changes: dict[str, object], said: str) -> None:
    assert report.unmet(report.lines([OFFICE], [an_outcome("office80-1", 1, 30.0, **changes)])) == [said]


def test_large_errors_have_a_target_of_their_own() -> None:
    (row,) = chosen(ROWS, ("station400",))
    small = an_outcome("station400", false_free=0.1, false_full=0.1, mae=3.0)
    assert report.unmet(report.lines([row], [small])) == []
    large = an_outcome("station400", false_free_large=0.0004, false_full_large=0.0006)
    assert report.unmet(report.lines([row], [large])) == [
        "station400: false full by 5 % or more 0.06, 0.05 % of all time is to be reached"
    ]


def test_where_nothing_errs_the_interval_may_hold_the_truth_always() -> None:
    (row,) = chosen(ROWS, ("perfect-office80",))
    assert report.unmet(report.lines([row], [an_outcome("perfect-office80", coverage=1.0)])) == []
    assert len(report.unmet(report.lines([row], [an_outcome("perfect-office80", mae=0.03)]))) == 1


def test_a_run_drifts_that_ends_worse_than_it_began() -> None:
    steady = an_outcome("shop80-1", days=90.0, p99_by_window=(5.0, 9.0, 5.0))
    worse = an_outcome("residents80", days=90.0, p99_by_window=(5.0, 5.0, 6.0))
    (said,) = report.drifting([steady, worse])
    assert said.startswith("residents80: the 99th percentile of the error is 6 spaces in the last ten days, 5 in the")
    short = an_outcome("office80-1", days=10.0, p99_by_window=(5.0,))
    assert report.drifting([short]) == []
    heading, _, first, *_, last = report.drift_table([worse, short]).splitlines()
    assert "p99 of days 21-30" in heading
    assert (first.count("|"), last.count("|")) == (heading.count("|"), heading.count("|"))


def test_the_page_says_how_it_was_printed_and_what_is_not_reached() -> None:
    found = report.lines(ROWS, [an_outcome("shop20", seed) for seed in (1, 2)])
    seeds = [Case("shop20", seed, 30.0) for seed in (1, 2)]
    page = report.page(found, [], "python -m controller.accuracy", {"A week": "img/week.png"}, seeds)
    assert "`python -m controller.accuracy`" in page
    assert "a mean over 2 seeds, 30 days." in page
    assert "shop20 3/3" in page
    assert "Nothing: every target is reached." in page
    assert "![A week](img/week.png)" in page
    assert "took 30 s of one processor's time for 30 days" in page
    bad = report.lines(ROWS, [an_outcome("shop20", mae=5.0)])
    page = report.page(bad, [], "x", {}, seeds[:1])
    assert "\n- shop20: mean absolute error 5.00, 0.75 spaces" in page
    assert "a mean over 1 seed, 30 days." in page


def test_the_picture_of_a_day_has_the_range_of_its_errors(tmp_path: Path) -> None:
    write_run(tmp_path, [(0.0, 5)], days=3)
    rows: list[Shown] = [number(0.0, 5), number(0.5 * DAY_S, 7), (DAY_S, "", "", "", "UNKNOWN", "P")]
    write_shown(tmp_path / SHOWN, rows)
    low, high = plots.daily_range(plots.timeline_of(tmp_path))
    assert (low[0], high[0]) == (0, 2)
    assert str(low[1:]) == str(high[1:]) == "[nan, nan]"
