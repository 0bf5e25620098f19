"""The rhythm: cells of the week, what leans on what, and how soon the true rates are known."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from controller.domain.rhythm import (
    CELL_S,
    CELLS,
    DAY_S,
    ENTRY_SPREAD,
    FIRST_LOAD,
    FIRST_STAY_S,
    HALF_LIFE_S,
    KINDS_OF_DAY,
    LEAST_SPREAD,
    MOST_SPREAD,
    Rhythm,
    Spread,
    cell_of,
    learn,
    rates,
)

MONDAY = datetime(2023, 11, 13, tzinfo=UTC).timestamp()
HOUR_S = 3600.0
CAPACITY = 80


def busy(unix: float) -> float:
    """Return how many come per hour: on working days 40, on Saturdays 10, on Sundays and at night none."""
    hour = unix % DAY_S / HOUR_S
    return (40.0, 10.0, 0.0)[cell_of(unix)[0]] if 8 <= hour < 18 else 0.0


def told(rhythm: Rhythm, unix: float, lasted_s: float, seen: tuple[float, float, float, float]) -> Rhythm:
    """Teach a stretch of time, with what was expected of it."""
    return learn(rhythm, unix, lasted_s, seen, rates(rhythm, unix, CAPACITY))


def weeks(number: int, *, inside: float = 30.0, stay_s: float = 2 * HOUR_S, from_unix: float = MONDAY) -> Rhythm:
    """Teach so many weeks of this demand, in stretches of five minutes, with an even number inside."""
    rhythm = Rhythm()
    for unix in np.arange(from_unix, from_unix + number * 7 * DAY_S, 300.0):
        seen = (busy(unix) * 300 / HOUR_S, 300.0, inside * 300 / stay_s, inside * 300.0)
        rhythm = told(rhythm, float(unix) + 150, 300.0, seen)
    return rhythm


@pytest.mark.parametrize(
    ("when", "kind", "half_hour"),
    [
        (datetime(2023, 11, 13, 0, 0, tzinfo=UTC), 0, 0),
        (datetime(2023, 11, 13, 8, 29, 59, tzinfo=UTC), 0, 16),
        (datetime(2023, 11, 17, 8, 30, tzinfo=UTC), 0, 17),
        (datetime(2023, 11, 18, 23, 59, 59, tzinfo=UTC), 1, 47),
        (datetime(2023, 11, 19, 0, 0, tzinfo=UTC), 2, 0),
        (datetime(1970, 1, 1, tzinfo=UTC), 0, 0),
        (datetime(1969, 12, 31, 23, 45, tzinfo=UTC), 0, 47),
        (datetime(1969, 12, 28, 12, 0, tzinfo=UTC), 2, 24),
    ],
)
def test_a_time_has_a_kind_of_day_and_a_half_hour(when: datetime, kind: int, half_hour: int) -> None:
    assert cell_of(when.timestamp()) == (kind, half_hour)


@given(days=st.integers(-60_000, 100_000), second=st.floats(0, DAY_S, exclude_max=True))
@settings(deadline=None, max_examples=60)
def test_the_kinds_of_day_are_those_of_the_calendar(days: int, second: float) -> None:
    weekday = (days + 3) % 7
    assert cell_of(days * DAY_S + float(int(second))) == (max(0, weekday - 4), int(second) // 1800)


@given(unix=st.floats(-1e300, 1e300, allow_nan=False))
@example(unix=-1e-12)
@settings(deadline=None, max_examples=60)
def test_any_time_has_a_cell_and_finite_rates(unix: float) -> None:
    kind, half_hour = cell_of(unix)
    assert 0 <= kind < KINDS_OF_DAY
    assert 0 <= half_hour < CELLS
    now = rates(told(Rhythm(), unix, 300.0, (1.0, 300.0, 1.0, 3000.0)), unix, CAPACITY)
    assert all(np.isfinite(rate) and rate > 0 for rate in (now.entry, now.exit))


@given(
    stretches=st.lists(
        st.tuples(st.floats(-1e9, 1e10), st.floats(0, 1e8), st.floats(0, 500), st.floats(0, 500)), max_size=20
    )
)
@settings(deadline=None, max_examples=60)
def test_whatever_is_learned_rates_are_finite_and_above_zero(
    stretches: list[tuple[float, float, float, float]],
) -> None:
    rhythm = Rhythm()
    for unix, lasted_s, entries, exits in stretches:
        rhythm = told(rhythm, unix, lasted_s, (entries, lasted_s, exits, 10 * lasted_s))
        now = rates(rhythm, unix, CAPACITY)
        assert all(np.isfinite(rate) and rate > 0 for rate in (now.entry, now.exit))
        assert all(np.isfinite(seen) and seen >= 0 for seen in (now.entries_seen, now.exits_seen))


def test_before_anything_is_known_some_come_and_stay_for_hours() -> None:
    first = rates(Rhythm(), MONDAY, CAPACITY)
    assert first.entry == pytest.approx(FIRST_LOAD * CAPACITY / FIRST_STAY_S)
    assert first.exit == pytest.approx(1 / FIRST_STAY_S)
    assert (first.entries_seen, first.exits_seen) == (0.0, 0.0)
    assert rates(Rhythm(), MONDAY, 2 * CAPACITY).entry == pytest.approx(2 * first.entry)


def test_after_some_weeks_the_rates_are_nearly_the_true_ones() -> None:
    rhythm = weeks(4)
    for day, hour in ((0, 9.0), (3, 17.5), (5, 12.0), (6, 12.0), (2, 3.0), (5, 3.0)):
        unix = MONDAY + day * DAY_S + hour * HOUR_S
        now = rates(rhythm, unix, CAPACITY)
        assert now.entry * HOUR_S == pytest.approx(busy(unix), rel=0.1, abs=3)
        assert now.exit == pytest.approx(1 / (2 * HOUR_S), rel=0.05)
    assert rates(rhythm, MONDAY + 9 * HOUR_S, CAPACITY).entries_seen > 100


def test_one_week_tells_working_days_from_the_end_of_the_week() -> None:
    rhythm = weeks(1)
    working, saturday, sunday = (rates(rhythm, MONDAY + day * DAY_S + 12 * HOUR_S, CAPACITY).entry for day in (0, 5, 6))
    assert working * HOUR_S == pytest.approx(40, rel=0.1)
    assert working > saturday > sunday > 0


def test_a_half_hour_never_seen_leans_on_the_same_one_of_other_days_and_that_on_the_whole() -> None:
    rhythm = Rhythm()
    for day in range(5):
        for number in range(CELLS):
            unix = MONDAY + day * DAY_S + number * CELL_S + 1
            if number != 30:
                rhythm = told(rhythm, unix, CELL_S, (20.0 if number == 24 else 2.0, CELL_S, 5.0, 30 * CELL_S))
    saturday = MONDAY + 5 * DAY_S
    noon, evening = (rates(rhythm, saturday + number * CELL_S, CAPACITY) for number in (24, 40))
    assert noon.entry * CELL_S == pytest.approx(20, rel=0.2)
    assert evening.entry * CELL_S == pytest.approx(2, rel=0.3)
    never = rates(rhythm, MONDAY + 30 * CELL_S, CAPACITY)
    assert never.entry * CELL_S == pytest.approx((20 + 46 * 2) / 47, rel=0.05), "the mean of all"
    own = rates(rhythm, MONDAY + 24 * CELL_S, CAPACITY)
    assert own.entries_seen > 90
    assert 1 > noon.entries_seen > never.entries_seen


def one_day(exits: dict[int, float], *, inside: float = 20.0) -> Rhythm:
    """Teach one Monday on which so many left in these half-hours, and two in each other one; 30 and 47 are not seen."""
    rhythm = Rhythm()
    for number in set(range(CELLS)) - {30, 47}:
        seen = (5.0, CELL_S, exits.get(number, 2.0), inside * CELL_S)
        rhythm = told(rhythm, MONDAY + number * CELL_S + 1, CELL_S, seen)
    return rhythm


def expected(rhythm: Rhythm, half_hour: int) -> float:
    """Return how many of 20 inside are expected to leave in that half-hour of a Monday."""
    return 20 * CELL_S * rates(rhythm, MONDAY + half_hour * CELL_S, CAPACITY).exit


def test_where_many_leave_around_a_half_hour_never_seen_many_are_expected_to_leave_in_it() -> None:
    evening = one_day(dict.fromkeys((28, 29, 31, 32), 12.0))
    assert expected(evening, 30) == pytest.approx(8.6, abs=1), "the mean of all is 2.9"
    midnight = one_day(dict.fromkeys((45, 46, 0, 1), 12.0))
    assert expected(midnight, 47) == pytest.approx(8.6, abs=1), "a day is a circle"


def test_that_few_leave_around_makes_one_expect_no_fewer_than_the_whole_tells() -> None:
    """Vehicles that are only believed to be inside do not leave either, and would make one believe that all stay."""
    quiet = one_day(dict.fromkeys((26, 27, 28, 29, 31, 32, 33, 34), 0.0))
    whole = 2 * (CELLS - 2 - 8) / (CELLS - 2)
    assert expected(quiet, 30) == pytest.approx(whole, rel=0.05)


def test_of_those_who_come_a_half_hour_never_seen_expects_as_many_as_the_whole_whatever_is_around() -> None:
    rhythm = Rhythm()
    for number in set(range(CELLS)) - {30}:
        seen = (50.0 if abs(number - 30) < 4 else 2.0, CELL_S, 2.0, 20 * CELL_S)
        rhythm = told(rhythm, MONDAY + number * CELL_S + 1, CELL_S, seen)
    never = rates(rhythm, MONDAY + 30 * CELL_S, CAPACITY)
    assert never.entry * CELL_S == pytest.approx((6 * 50 + 41 * 2) / 47, rel=0.05)


def test_what_was_learned_weighs_half_after_four_weeks() -> None:
    unix = MONDAY + 12 * HOUR_S
    rhythm = told(Rhythm(), unix, 0.0, (100.0, 36_000.0, 50.0, 1e6))
    later = told(rhythm, unix + HALF_LIFE_S, HALF_LIFE_S, (0.0, 0.0, 0.0, 0.0))
    half = np.frombuffer(later.learned) / 2
    assert np.frombuffer(later.learned).sum() == pytest.approx(np.frombuffer(rhythm.learned).sum() / 2)
    assert (half >= 0).all()
    in_steps = rhythm
    for _ in range(28):
        in_steps = told(in_steps, unix, DAY_S, (0.0, 0.0, 0.0, 0.0))
    assert np.frombuffer(in_steps.learned) == pytest.approx(np.frombuffer(later.learned))


def test_a_lot_that_changes_its_ways_is_followed_within_weeks() -> None:
    rhythm, noon = weeks(8), MONDAY + 12 * HOUR_S
    before = rates(rhythm, noon, CAPACITY).entry
    for day in range(28):
        unix = MONDAY + day * DAY_S + 12 * HOUR_S + 1
        rhythm = told(rhythm, unix, DAY_S, (5.0, CELL_S, 1.0, 30 * CELL_S))
    assert rates(rhythm, noon, CAPACITY).entry < (before + 5 / CELL_S) / 2


def test_a_rhythm_survives_a_snapshot() -> None:
    kept, rhythm = TypeAdapter(Rhythm), weeks(1)
    assert kept.validate_json(kept.dump_json(rhythm)) == rhythm


def spread_of(factors: list[float], per_block: float) -> Spread:
    """Learn how far rates differ from day to day from blocks with so many vehicles, times these factors."""
    spread = Spread(ENTRY_SPREAD)
    for factor in factors:
        spread = spread.seen(per_block * factor, per_block, 1000.0).ended()
    return spread


def test_whims_are_told_from_chance() -> None:
    first = Spread(ENTRY_SPREAD).variance
    assert first == pytest.approx(ENTRY_SPREAD**2)
    steady = spread_of([1.1, 0.9] * 60, 100.0).variance
    whims = spread_of([0.4, 1.6] * 60, 100.0).variance
    assert LEAST_SPREAD**2 <= steady < first / 3
    assert whims == pytest.approx(0.36, rel=0.3)
    assert spread_of([0.0, 2.0] * 60, 1.5).variance < 0.5 * MOST_SPREAD**2, "of two vehicles, chance brings 0 to 4"


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1e5)), max_size=30))
@settings(deadline=None, max_examples=60)
def test_the_spread_stays_within_reason_whatever_comes(blocks: list[tuple[float, float, float]]) -> None:
    spread = Spread(ENTRY_SPREAD)
    for number, expected, seen in blocks:
        spread = spread.seen(number, expected, seen).ended()
        assert LEAST_SPREAD**2 <= spread.variance <= MOST_SPREAD**2


def test_a_block_in_which_nothing_was_expected_teaches_no_spread() -> None:
    assert Spread(ENTRY_SPREAD).seen(3.0, 0.2, 1000.0).ended() == Spread(ENTRY_SPREAD)
