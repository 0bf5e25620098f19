"""How bright a sign is, and that it never flickers."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.sign.brightness import Dimmer, Surroundings, wanted

Steps = list[tuple[float, int]]


def followed(shares: list[float], every_s: float = 0.2, night: int = 1, day: int = 15) -> Steps:
    dimmer = Dimmer(night, day)
    return [(n * every_s, dimmer.step(share, n * every_s)) for n, share in enumerate(shares)]


def changes(steps: Steps) -> list[tuple[float, int]]:
    return [(at, new - old) for (_, old), (at, new) in pairwise(steps) if new != old]


@pytest.mark.parametrize(
    ("around", "share", "why"),
    [
        (Surroundings(lux=0.0), 0.0, "the light sensor: 0 lx"),
        (Surroundings(lux=10.0), 0.0, "the light sensor: 10 lx"),
        (Surroundings(lux=316.2, clock_set=False), 0.5, "the light sensor: 316 lx"),
        (Surroundings(lux=80_000.0, sun_deg=-40.0), 1.0, "the light sensor: 80000 lx"),
        (Surroundings(clock_set=False, sun_deg=50.0), 0.5, "the clock is not set: the middle"),
        (Surroundings(sun_deg=-7.0, by_day=True), 0.0, "the sun: -7 degrees above the horizon"),
        (Surroundings(sun_deg=2.0), 0.5, "the sun: 2 degrees above the horizon"),
        (Surroundings(sun_deg=61.0), 1.0, "the sun: 61 degrees above the horizon"),
        (Surroundings(by_day=True), 1.0, "the schedule: day"),
        (Surroundings(by_day=False), 0.0, "the schedule: night"),
        (Surroundings(), 0.5, "the light sensor is silent: the middle"),
    ],
)
def test_the_best_source_that_tells_is_followed(around: Surroundings, share: float, why: str) -> None:
    found, said = wanted(around)
    assert found == pytest.approx(share, abs=0.001)
    assert said == why


def test_it_begins_where_it_is_wanted_and_then_goes_step_by_step() -> None:
    steps = followed([1.0] * 10 + [0.0] * 600)
    assert steps[0][1] == 15
    moves = changes(steps)
    assert [by for _, by in moves] == [-1] * 14
    assert all(later - earlier >= 0.99 for (earlier, _), (later, _) in pairwise(moves))
    assert steps[-1][1] == 1


def test_all_sixteen_steps_are_used_and_each_is_kept_at_its_own_wish() -> None:
    for step in range(16):
        assert followed([step / 15] * 5, night=0)[-1][1] == step


@pytest.mark.parametrize("share", [0.25, 0.46, 0.5])
def test_a_light_that_wavers_between_two_steps_changes_nothing(share: float) -> None:
    noise = random.Random(5)  # noqa: S311
    steps = followed([share + noise.uniform(-0.05, 0.05) for _ in range(20_000)])
    assert len(changes(steps)) <= 1


def test_headlights_that_pass_change_nothing() -> None:
    passing = ([0.1] * 100 + [0.5] * 10) * 20  # two seconds of light every 22 s
    assert len({step for _, step in followed(passing)}) <= 2


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 200)), max_size=40))
def test_whatever_the_light_does_a_step_is_not_taken_back_within_a_minute(course: list[tuple[float, int]]) -> None:
    moves = changes(followed([share for share, times in course for _ in range(times)]))
    assert all(abs(by) == 1 for _, by in moves)
    for (earlier, one), (later, other) in pairwise(moves):
        assert later - earlier >= (0.99 if one == other else 59.9)


@given(st.integers(0, 15), st.integers(0, 15), st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_it_stays_between_night_and_day(one: int, other: int, shares: list[float]) -> None:
    night, day = sorted((one, other))
    assert all(night <= step <= day for _, step in followed(shares, 1.5, night, day))
