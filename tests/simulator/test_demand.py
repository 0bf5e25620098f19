"""Who comes, when, and for how long."""

import itertools
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.simulator.chance import active_time, stream
from controller.simulator.demand import DAY_S, SLOTS, mood_of, rates, visits
from controller.simulator.demand_tables import DemandTable
from controller.simulator.scenario import load, shipped

STEADY = ["demand.day_sigma=0", "demand.drift_sigma=0", "demand.stay_sigma=0", "demand.shift_h=0", "driving.bunched=0"]


def test_a_day_has_the_expected_number() -> None:
    shop = load("shop80-1", STEADY)
    mondays = [len(visits(shop, 1, 7 * week)) for week in range(40)]
    expected = sum(group.per_day * group.weekdays[0] for group in shop.group.values())
    assert statistics.mean(mondays) == pytest.approx(expected, rel=0.02)
    # Poisson: the variance is the mean
    assert statistics.variance(mondays) == pytest.approx(expected, rel=0.6)


def test_rates_follow_the_shape() -> None:
    staff = load("office80-1").group["staff"]
    monday = rates(staff, 0)
    assert len(monday) == SLOTS
    assert sum(monday) == pytest.approx(staff.per_day)
    assert monday[16] > monday[13] > monday[11] == 0
    assert sum(rates(staff, 6)) == pytest.approx(staff.per_day * staff.weekdays[6])


@given(st.sampled_from(list(shipped())), st.integers(-5, 60), st.integers(0, 10**9))
def test_everybody_comes_on_the_day_and_stays_a_while(name: str, day: int, seed: int) -> None:
    found = visits(load(name), seed, day)
    assert [v.at_s for v in found] == sorted(v.at_s for v in found)
    assert all(day * DAY_S <= v.at_s < (day + 1) * DAY_S for v in found)
    assert all(v.until_s >= v.at_s + 240 for v in found)
    assert found == visits(load(name), seed, day)


def test_office_staff_leave_in_the_afternoon() -> None:
    staff = [v for day in range(5) for v in visits(load("office80-1"), 3, day) if v.group == "staff"]
    hours = [v.until_s % DAY_S / 3600 for v in staff]
    assert 0.6 < sum(15.5 <= hour <= 18 for hour in hours) / len(hours) < 0.9


def test_residents_stay_overnight() -> None:
    residents = [v for v in visits(load("residents80"), 3, 1) if v.group == "residents"]
    assert all(v.until_s > 2 * DAY_S for v in residents if v.at_s > DAY_S + 12 * 3600)


def test_stays_have_the_median_that_is_written() -> None:
    shop = load("shop80-1", [*STEADY, "group.customers.stay=[{minutes=40, sigma=0.5}]"])
    stays = [(v.until_s - v.at_s) / 60 for d in range(5) for v in visits(shop, 1, d) if v.group == "customers"]
    assert statistics.median(stays) == pytest.approx(40, rel=0.05)


def test_bunched_vehicles_come_right_behind_another() -> None:
    def behind(settings: list[str]) -> float:
        times = [v.at_s for day in range(5) for v in visits(load("shop80-1", settings), 1, day)]
        return sum(b - a <= 2.0 for a, b in itertools.pairwise(times)) / len(times)

    assert behind(["driving.bunched=0"]) < 0.08
    assert behind(["driving.bunched=0.5"]) > 0.4


def test_days_differ_as_much_as_is_written() -> None:
    table = DemandTable(day_sigma=0.3, drift_sigma=0.0)
    factors = [mood_of(table, stream(1, "mood", day)).busy[0] for day in range(2000)]
    assert statistics.mean(factors) == pytest.approx(1.0, abs=0.03)
    assert statistics.stdev(factors) == pytest.approx(0.307, abs=0.04)


def test_a_special_day_has_one_of_its_factors() -> None:
    table = DemandTable(day_sigma=0, drift_sigma=0, special=0.25, special_factors=(0.1, 2.0))
    factors = [round(mood_of(table, stream(1, "mood", day)).busy[0], 6) for day in range(1000)]
    assert set(factors) == {0.1, 1.0, 2.0}
    assert factors.count(1.0) / 1000 == pytest.approx(0.75, abs=0.05)


def test_the_swell_within_a_day_is_slow() -> None:
    busy = [mood_of(DemandTable(day_sigma=0, drift_sigma=0.3, drift_h=4.0), stream(1, day)).busy for day in range(300)]
    near = statistics.correlation([b[10] for b in busy], [b[11] for b in busy])
    far = statistics.correlation([b[10] for b in busy], [b[40] for b in busy])
    assert near > 0.8
    assert abs(far) < 0.25


def test_streams_are_the_same_on_every_machine() -> None:
    assert stream(1, "group", "staff", -3).random() == 0.10135805025675548
    assert stream(1, "a", 2).random() != stream(1, "a", 3).random()


def test_active_time_counts_only_its_hours() -> None:
    assert active_time(0.0, (7.0, 19.0)) == 7 * 3600
    assert active_time(12 * 3600.0, (7.0, 19.0)) == DAY_S + 7 * 3600
    assert active_time(13 * 3600.0, (7.0, 19.0)) == DAY_S + 8 * 3600
