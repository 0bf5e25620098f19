"""What a lane says of its loops: rates, drift, and when it advises what."""

import math

import pytest
from domain_lots import fold, one_loop, site, two_loops
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain import upkeep, view
from controller.domain.report import Advice, LaneQuality, QualityReport
from controller.domain.specs import Direction
from controller.domain.upkeep import ENOUGH, GHOSTS, LOSES, MISSES, UNSEEN, UNSEEN_BY_ONE, UNSEEN_WEIGHT

LANE = two_loops()
GUARDED = two_loops(barrier=True)
SINGLE = one_loop(Direction.ENTRY)
NUMBER = 1000


def told(
    *,
    outer: float = 0.0,
    inner: float = 0.0,
    lost: float = 0.0,
    ghosts: float = 0.0,
    doubt: float = 0.0,
    passages: int = NUMBER,
    barrier: bool = False,
) -> QualityReport:
    """Tell of a lane with these rates for each vehicle, and this variance for each passage."""
    quality = LaneQuality(passages, outer * passages, inner * passages, lost * passages, ghosts * passages)
    said = upkeep.told(GUARDED if barrier else LANE, quality, passages, doubt * passages)
    assert said is not None
    return said


def test_a_single_loop_is_checked_by_nothing() -> None:
    assert upkeep.told(SINGLE, LaneQuality(1000.0), 1000, 5.0) is None
    assert upkeep.unseen(SINGLE, LaneQuality(1000.0, 500.0)) == UNSEEN_BY_ONE


def test_before_it_has_shown_anything_a_lane_has_the_usual_share_unseen() -> None:
    assert upkeep.unseen(LANE, LaneQuality()) == pytest.approx(UNSEEN)
    untouched = upkeep.told(LANE, LaneQuality(), 0, 0.0)
    assert untouched == QualityReport(0, 0.0, 0.0, 0.0, 0.0, 0.001, 1.0, 1.0, ())


def test_what_one_loop_misses_both_miss_about_as_often() -> None:
    assert upkeep.unseen(LANE, LaneQuality(1e6, 10_000.0, 30_000.0)) == pytest.approx(0.02, rel=0.01)
    missed = 0.04 * UNSEEN_WEIGHT
    assert upkeep.unseen(LANE, LaneQuality(UNSEEN_WEIGHT, missed, missed)) == pytest.approx((0.04 + UNSEEN) / 2)
    assert upkeep.unseen(LANE, LaneQuality(1e6)) == pytest.approx(0.0, abs=1e-6)


def test_rates_are_shares_of_the_vehicles() -> None:
    said = told(outer=0.011, inner=0.002, lost=0.004, ghosts=0.05)
    assert (said.missed_outer, said.missed_inner, said.lost_edges, said.ghosts) == (0.011, 0.002, 0.004, 0.05)
    assert said.passages == NUMBER
    assert said.advice == ()


def test_drift_is_the_root_of_what_a_thousand_passages_leave_in_doubt() -> None:
    said = told(doubt=0.016)
    unseen = 1000 * upkeep.unseen(LANE, LaneQuality(NUMBER))
    assert said.drift == pytest.approx(math.sqrt(16 + unseen), abs=0.05)
    assert said.drift_without_doubt == pytest.approx(math.sqrt(unseen), abs=0.05)


def limit(rate: float) -> tuple[float, float]:
    """Return rates just at and just above a limit."""
    return rate, rate + 1e-3


@pytest.mark.parametrize(
    ("which", "at", "advice"),
    [
        ("outer", MISSES, Advice.OUTER_MISSES),
        ("inner", MISSES, Advice.INNER_MISSES),
        ("lost", LOSES, Advice.LOSES_EDGES),
        ("ghosts", GHOSTS, Advice.GHOSTS),
    ],
)
def test_a_loop_that_needs_a_look_is_named_from_its_limit_on(which: str, at: float, advice: Advice) -> None:
    tolerable, too_much = (told(**{which: rate}) for rate in limit(at))  # type: ignore[arg-type]
    assert tolerable.advice == ()
    assert too_much.advice == (advice,)


def test_no_advice_before_enough_has_passed() -> None:
    assert told(outer=0.5, passages=ENOUGH - 1).advice == ()
    assert len(told(outer=0.5, passages=ENOUGH).advice) == 1


def test_doubt_is_advised_against_where_much_is_to_be_won() -> None:
    assert told(doubt=0.1).advice == (Advice.DOUBT,)
    assert told(doubt=0.1).drift == pytest.approx(10, abs=0.1)
    assert told(doubt=0.012).advice == (), "little to be won"
    missing = told(doubt=0.05, outer=0.1, inner=0.1)
    assert missing.advice == (Advice.OUTER_MISSES, Advice.INNER_MISSES), (
        "a wider gap mends no loop that misses vehicles"
    )


def test_behind_a_barrier_hardly_anything_passes_unseen() -> None:
    assert (
        upkeep.unseen(GUARDED, LaneQuality(1000.0, 20.0, 20.0))
        < upkeep.unseen(LANE, LaneQuality(1000.0, 20.0, 20.0)) / 5
    )
    assert told(outer=0.1, inner=0.1, barrier=True).drift < told(outer=0.1, inner=0.1).drift / 2


@given(counts=st.tuples(*[st.floats(0, 1e6)] * 5), passages=st.integers(0, 10**6), doubt=st.floats(0, 1e6))
@settings(deadline=None, max_examples=60)
def test_whatever_a_lane_has_shown_can_be_told(
    counts: tuple[float, float, float, float, float], passages: int, doubt: float
) -> None:
    quality = LaneQuality(*counts)
    said = upkeep.told(LANE, quality, passages, doubt)
    assert said is not None
    assert all(math.isfinite(rate) for rate in (said.unseen, said.drift, said.drift_without_doubt, said.ghosts))
    assert said.drift >= said.drift_without_doubt >= 0
    assert upkeep.unseen(LANE, quality) > 0


def test_the_report_of_a_lot_has_it_for_pairs_alone() -> None:
    spec = site(LANE, one_loop(Direction.ENTRY, "side"))
    main, side = view.report(spec, fold(spec, []).state).lanes
    assert main.quality is not None
    assert (main.quality.passages, main.quality.unseen) == (0, 0.001)
    assert side.quality is None
