"""Bay sensors as evidence: worth much where every space is seen, little where a few are, and learned where they lie."""

import numpy as np
import pytest
from domain_lots import fold, site, two_loops, zone
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain import sample
from controller.domain.believed import moments
from controller.domain.chances import Array
from controller.domain.events import BayChanged
from controller.domain.sample import ODD, TENTHS, Reading, Sample

CAPACITY = 80
NUMBERS: Array = np.arange(CAPACITY + 9, dtype=float)


def posterior(known: Sample, reading: Reading, middle: float = 40.0, spread: float = 100.0) -> tuple[float, float]:
    """Return mean and standard deviation after one reading, from a belief of this middle and spread."""
    before = -0.5 * ((NUMBERS - middle) / spread) ** 2 - np.where(NUMBERS > CAPACITY, 4.0, 0.0)
    chances = np.exp(before + sample.weights(known, reading, NUMBERS))
    chances /= chances.sum()
    mean = float(chances @ NUMBERS)
    return mean, float(np.sqrt(chances @ (NUMBERS - mean) ** 2))


def taught(share_seen: float, seen: int, inside: int, times: int) -> Sample:
    """Teach what bays of which this share is taken say, while so many are surely inside."""
    known = Sample()
    for _ in range(times):
        known = sample.learned(known, Reading(round(share_seen * seen), seen, CAPACITY, 1.0), inside, 0.5)
    return known


@pytest.mark.parametrize("inside", [0, 1, 40, 79, 80])
def test_where_every_space_has_a_sensor_the_number_is_nearly_what_they_say(inside: int) -> None:
    mean, spread = posterior(Sample(), Reading(inside, CAPACITY, CAPACITY, 1.0))
    assert mean == pytest.approx(inside, abs=3.0)
    assert spread < 9, "the odd reading that says nothing"
    fit = sample.weights(Sample(), Reading(inside, CAPACITY, CAPACITY, 1.0), NUMBERS)
    assert abs(int(fit[: CAPACITY + 1].argmax()) - inside) <= 1


def test_a_fair_tenth_of_the_bays_pulls_gently() -> None:
    mean, spread = posterior(Sample(), Reading(6, 8, CAPACITY, 1.0), middle=40.0, spread=4.0)
    assert 40 < mean < 43
    assert spread > 3
    wide, _ = posterior(Sample(), Reading(6, 8, CAPACITY, 1.0), middle=40.0, spread=30.0)
    assert wide > mean + 5, "who knows little listens"


def test_more_bays_pull_more() -> None:
    means = [
        posterior(Sample(), Reading(3 * seen // 4, seen, CAPACITY, 1.0), middle=40.0, spread=8.0)[0]
        for seen in (4, 16, 40, 80)
    ]
    assert means == sorted(means)
    assert means[-1] > 55


def test_a_sample_of_the_best_rows_misleads_little_at_first_and_is_learned() -> None:
    best_rows = Reading(15, 16, CAPACITY, 1.0)  # nearly all taken while the lot is half full
    new, _ = posterior(Sample(), best_rows, middle=40.0, spread=3.0)
    assert 40 < new < 43
    known = taught(15 / 16, 16, 40, 30)
    learned, _ = posterior(known, best_rows, middle=40.0, spread=6.0)
    assert learned == pytest.approx(40, abs=3.5)
    emptier, _ = posterior(known, Reading(8, 16, CAPACITY, 1.0), middle=40.0, spread=6.0)
    assert emptier < learned - 1, "once the bias is known, fewer taken there means fewer inside"


def test_a_bias_that_was_learned_half_full_says_nothing_of_the_ends() -> None:
    known = taught(15 / 16, 16, 40, 30)
    assert posterior(known, Reading(0, 16, CAPACITY, 1.0), middle=5.0, spread=5.0)[0] < 6
    elsewhere = [tenth for tenth in range(TENTHS) if known.weights[tenth] > 0]
    assert elsewhere == [5]


def test_sensors_that_err_wildly_weigh_less() -> None:
    good, wild = Sample(), Sample()
    for turn in range(60):
        good = sample.learned(good, Reading(40, CAPACITY, CAPACITY, 1.0), 40, 0.5)
        wild = sample.learned(wild, Reading(25 if turn % 2 else 55, CAPACITY, CAPACITY, 1.0), 40, 0.5)
    now = Reading(41, CAPACITY, CAPACITY, 1.0)
    trusting, doubting = (posterior(known, now, middle=40.0, spread=5.0)[1] for known in (good, wild))
    assert doubting > 1.5 * trusting


def test_what_the_belief_does_not_know_cannot_teach() -> None:
    reading = Reading(15, 16, CAPACITY, 1.0)
    sure, lost = (sample.learned(Sample(), reading, 40.0, spread) for spread in (0.5, 25.0))
    assert max(lost.weights) < 0.25 * max(sure.weights)


@given(
    taken=st.integers(0, 80),
    unseen=st.integers(0, 79),
    inside=st.floats(0, 95),
    spread=st.floats(0, 40),
    news=st.floats(0, 1),
    times=st.integers(0, 12),
)
@settings(deadline=None, max_examples=60)
def test_no_reading_ever_proves_anything(
    taken: int, unseen: int, inside: float, spread: float, news: float, times: int
) -> None:
    seen = CAPACITY - unseen
    reading, known = Reading(min(taken, seen), seen, CAPACITY, news), Sample()
    for _ in range(times):
        known = sample.learned(known, reading, inside, spread)
    weights = sample.weights(known, reading, NUMBERS)
    assert np.isfinite(weights).all()
    least = np.log(ODD / len(NUMBERS))
    assert np.ptp(weights) <= (np.log1p(ODD) - least) * news + 1e-9
    assert all(np.isfinite((*known.weights, *known.sums, known.seen, known.squares)))


def test_the_same_vehicles_in_the_same_bays_are_no_news() -> None:
    leaving = 1 / 7200.0
    assert sample.news(0.0, leaving, 0.2) == 0.0
    assert sample.news(300.0, leaving, 0.2) == pytest.approx(300 / 7200, rel=0.05)
    assert sample.news(7200.0, leaving, 0.2) == 1.0
    assert sample.news(1e9, leaving, 1.0) == 1.0
    assert sample.news(300.0, leaving, 1.0) > 4 * sample.news(300.0, leaving, 0.2), "all spaces: errors, not draws"
    assert sample.news(300.0, 0.0, 0.0) == 0.0


def test_a_reading_without_news_changes_nothing() -> None:
    stale = Reading(3, 16, CAPACITY, 0.0)
    assert not sample.weights(Sample(), stale, NUMBERS).any()
    assert sample.learned(Sample(), stale, 40.0, 1.0) == Sample()


@pytest.mark.parametrize("capacity", [40, 100, 500])
def test_every_bay_heard_tells_a_lot_of_any_size(capacity: int) -> None:
    spec = site(two_loops(), inside=None, capacity=capacity, bays=capacity)
    told = fold(spec, [BayChanged(f"b{i}", i % 4 == 0, i / 1000) for i in range(capacity)])
    assert zone(spec, told.state).free == pytest.approx(capacity * 3 // 4, abs=2)


def test_listening_for_days_does_not_make_the_number_surer_than_the_sensors_are() -> None:
    spec = site(two_loops("main"), capacity=CAPACITY, bays=CAPACITY, inside=40)
    hours = range(3600, 4 * 86_400, 3600)
    told = fold(spec, (BayChanged(f"b{n}", n < 40, float(at)) for at in hours for n in range(CAPACITY)))
    belief, shown = told.state.zones["customers"].belief, zone(spec, told.state)
    assert belief is not None
    assert moments(belief)[1] < 0.5, "the belief itself counts each half-hour as news"
    assert (shown.low, shown.free, shown.high) == (39, 40, 41), "one sensor in a hundred is wrong for days"


def test_what_lasts_is_that_of_sensors_the_number_rests_on() -> None:
    assert sample.lasting(Sample(), 0, CAPACITY) == 0.0
    assert sample.lasting(Sample(), CAPACITY // 5, CAPACITY) < 0.01
    assert sample.lasting(Sample(), CAPACITY, CAPACITY) == pytest.approx(0.8)
    assert sample.lasting(Sample(), CAPACITY, CAPACITY - 10) == pytest.approx(0.7), "bays of spaces out of service"
