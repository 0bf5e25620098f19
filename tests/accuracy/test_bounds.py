"""Bounds: each way of counting has a column, and who is told everything is exact."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from small_lots import QUIET_SHOP, write_scenario

from controller.accuracy import bounds
from controller.accuracy.bounds import COLUMNS, Bound, bound
from controller.accuracy.matrix import ROWS, Case, Reach, Row

TRACED = (
    QUIET_SHOP
    + """
[errors]
miss = 0.0
lost_edge = 0.0
no_trace = 0.0

[vehicles]
motorcycle_unseen = 0.0
"""
)


def test_a_run_is_counted_in_every_way(tmp_path: Path) -> None:
    found = bound(Case(write_scenario(tmp_path), 1, 2.0), tmp_path / "kept")
    assert tuple(found.errors) == COLUMNS
    assert all(error is not None and error < 10 for error in found.errors.values())
    assert found.errors["ours"] != found.errors["passages told"]


def test_where_everything_leaves_its_trace_who_is_told_of_it_is_exact(tmp_path: Path) -> None:
    found = bound(Case(write_scenario(tmp_path, TRACED), 1, 2.0), tmp_path / "kept")
    told = ("passages told", "both told", "chain", "hindsight")
    assert [found.errors[name] for name in told] == pytest.approx([0, 0, 0, 0], abs=0.001)


def test_the_table_has_means_and_a_dash_where_a_way_does_not_fit() -> None:
    rows = [Row("lot", Reach(1.5)), Row("never run", Reach(1.0))]
    one = dict.fromkeys(COLUMNS, 1.0)
    cases = [Case("lot", seed, 30.0) for seed in (1, 2)]
    found = [Bound(cases[0], {**one, "chain": None}), Bound(cases[1], {**one, "ours": 2.0, "chain": None})]
    page = bounds.page(found, rows, "bounds --seeds 2")
    assert bounds.table(found, rows) in page
    assert "`bounds --seeds 2`" in page
    assert "means over 2 " in page
    heading, _, line = bounds.table(found, rows).splitlines()
    assert [cell.strip() for cell in heading.split("|")[1:-1]] == ["scenario", *COLUMNS, "reach", "what is in the way"]
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "lot",
        "1.50",
        "1.00",
        "1.00",
        "1.00",
        "-",
        "1.00",
        "1.5",
        "nothing: reached here",
    ]


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        ((1.0, 1.0, 1.0, 1.0, 1.0), "nothing: reached here"),
        ((1.004, 1.0, 1.0, 1.0, 1.0), "nothing: reached here"),
        ((3.0, 2.0, 2.0, 2.0, 1.5), "what leaves no trace: the chain misses it, too"),
        ((3.0, 2.0, 2.0, 2.0, None), "the belief: it misses it with both told, too"),
        ((3.0, 2.0, 2.0, 2.0, 0.5), "the belief: it misses it with both told, too"),
        ((3.0, 1.0, 0.9, 0.8, 0.5), "learning or the decoder: either told is enough"),
        ((3.0, 2.0, 0.9, 2.0, 1.5), "the decoder: passages told are enough"),
        ((3.0, 0.9, 2.0, 0.8, 0.5), "learning: the rhythm told is enough"),
        ((3.0, 2.0, 1.0, 0.8, 0.5), "the decoder: passages told are enough"),
        ((3.0, 2.0, 2.0, 0.8, 0.5), "learning and the decoder together"),
        ((None, 2.0, 2.0, 2.0, 0.5), "the belief: it misses it with both told, too"),
    ],
)
def test_what_is_in_the_way_is_said(errors: tuple[float | None, ...], says: str) -> None:
    assert bounds.in_the_way(dict(zip(COLUMNS, (*errors, 0.3), strict=True)), 1.0) == says


@pytest.mark.parametrize(
    ("scenario", "fits"), [("station400", True), ("office80-dead", False), ("office80-restarts", False)]
)
def test_lots_with_faults_lack_more_than_passages(scenario: str, *, fits: bool) -> None:
    (row,) = (row for row in ROWS if row.scenario == scenario)
    assert bounds.fits(row) is fits


def test_an_unknown_scenario_is_named() -> None:
    result = CliRunner().invoke(bounds.main, ["--only", "nowhere"])
    assert result.exit_code == 2
    assert "nowhere" in result.output
