"""What a lane learns: bells, histograms, and rates that fade; and states that are copied fast."""

import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.frozen import changed
from controller.domain.learned import BINS, HALF_LIFE, NOTHING_LEARNED, USUAL, Bell, times
from controller.domain.specs import Role


def test_a_bell_learns_the_middle_and_the_spread() -> None:
    bell = Bell(math.log(2.0), 0.3)
    for i in range(400):
        bell = bell.learn(4.0 * (1.2 if i % 2 else 1 / 1.2))
    assert math.exp(bell.mean) == pytest.approx(4.0, rel=0.05)
    assert math.sqrt(bell.variance) == pytest.approx(math.log(1.2), rel=0.3)


def test_one_who_stops_for_an_hour_moves_a_bell_only_a_little() -> None:
    bell = Bell(math.log(2.0), 0.1, 100.0)
    assert math.exp(bell.learn(3600.0).mean) < 2.05


@given(st.floats(0.0, 1e6))
def test_every_time_fits_a_little(seconds: float) -> None:
    bell = Bell(math.log(2.0), 0.1)
    assert bell.fits(seconds) >= 0
    assert bell.fits_closely(seconds) > 0
    assert USUAL.fits(seconds) > 0


def test_a_histogram_is_a_density_of_the_logarithm() -> None:
    step = 0.01
    for known in (USUAL, times(Bell(math.log(5.0), 0.2), 30.0)):
        total = sum(known.fits(math.exp(i * step)) * step for i in range(int(math.log(0.15) / step), int(5 / step)))
        assert total == pytest.approx(1, abs=0.06)


def test_a_histogram_learns_that_some_stop() -> None:
    known = USUAL
    for i in range(300):
        known = known.learn(2.0 if i % 4 else 12.0)
    assert known.median_s == pytest.approx(2.0, rel=0.2)
    assert known.fits(12.0) > 3 * known.fits(5.0)
    assert len(known.counts) == BINS


@given(st.lists(st.floats(0.0, 1e5), max_size=50))
def test_a_median_is_within_the_histogram(seconds: list[float]) -> None:
    known = USUAL
    for one in seconds:
        known = known.learn(one)
    assert 0.15 < known.median_s < 120


def test_rates_begin_with_a_prior_and_fade_by_half() -> None:
    assert NOTHING_LEARNED.missed(Role.OUTER) == pytest.approx(0.0016)
    learned = replace(NOTHING_LEARNED, passages=1000.0, missed_outer=100.0)
    assert learned.missed(Role.OUTER) == pytest.approx(0.1, abs=0.03)
    for _ in range(int(HALF_LIFE)):
        learned = learned.faded(turning=False)
    assert learned.missed_outer == pytest.approx(50, rel=0.01)


def test_loops_that_lose_changes_are_taken_to_miss_vehicles_as_fair_loops_do() -> None:
    lost = [replace(NOTHING_LEARNED, lost_edges=n).missed(Role.INNER) for n in (0.0, 1.0, 2.0, 200.0)]
    assert lost[0] < lost[1] < lost[2] == lost[3] == pytest.approx(0.008)
    known = [replace(NOTHING_LEARNED, passages=2000.0, missed_inner=20.0, lost_edges=n) for n in (0.0, 200.0)]
    assert known[0].missed(Role.INNER) == pytest.approx(known[1].missed(Role.INNER), rel=0.05), (
        "it knows better by then"
    )


def test_all_that_is_counted_fades() -> None:
    counts = {name: 100.0 for name, value in vars(NOTHING_LEARNED).items() if isinstance(value, float)}
    faded = changed(NOTHING_LEARNED, **counts).faded(turning=False)
    assert {name for name in counts if getattr(faded, name) >= 100} == {"passages"}


@dataclass(frozen=True)
class _State:
    number: int = 1
    text: str = ""


def test_a_changed_state_is_like_a_replaced_one() -> None:
    state = _State()
    assert changed(state, number=2) == replace(state, number=2)
    assert state == _State()
    with pytest.raises(TypeError, match="_State has no colour"):
        changed(state, colour="red")
