"""Whether a belief's claims about itself are held against what evidence did."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain import belief as beliefs
from controller.domain import occupancy
from controller.domain.believed import moments
from controller.domain.chances import blurred, shortest
from controller.domain.claims import BLOCK_S, MOST, Claims
from controller.domain.specs import ZoneSpec

CAPACITY = 80


def after(days: int, times_too_far: float, leaning: float = 0.0) -> Claims:
    """Return what is learned of a filter that claims a variance of 0.25 for each of 40 pieces of evidence a day."""
    chance, claims = np.random.default_rng(3), Claims()
    for day in range(1, days + 1):
        same = leaning * chance.normal()
        for _ in range(40):
            claims = claims.heard(times_too_far * 0.5 * (chance.normal() + same), 0.25)
        claims = claims.waited(day * BLOCK_S, 300.0)
    return claims


def test_a_belief_that_errs_as_it_says_is_honest() -> None:
    assert after(60, 1.0).overstated(CAPACITY) == pytest.approx(1.0, abs=0.4)


def test_evidence_that_moves_the_number_twice_as_far_makes_the_variance_four_times_too_small() -> None:
    assert after(60, 2.0).overstated(CAPACITY) == pytest.approx(4.0, rel=0.4)


def test_evidence_that_leans_the_same_way_for_a_day_is_found_out() -> None:
    assert after(60, 1.0, leaning=0.3).overstated(CAPACITY) > 2.5


def test_a_modest_belief_is_not_made_bolder_nor_a_wild_one_worthless() -> None:
    assert after(60, 0.3).overstated(CAPACITY) == 1.0
    assert after(60, 9.0).overstated(CAPACITY) == MOST


def test_one_day_like_no_other_does_not_speak_for_all() -> None:
    strange = after(30, 1.0).heard(500.0, 1.0).waited(31 * BLOCK_S, 300.0)
    assert strange.overstated(CAPACITY) < 1.6


def test_nothing_is_said_before_the_day_is_over() -> None:
    claims = Claims().heard(50.0, 1.0).waited(BLOCK_S / 2, 300.0)
    assert claims.overstated(CAPACITY) == 1.0
    assert claims.waited(BLOCK_S, 300.0).overstated(CAPACITY) > 1.0


def test_a_belief_found_to_overstate_tells_a_wider_interval_and_the_same_number() -> None:
    spec = ZoneSpec("customers", CAPACITY, initial_occupied=40)
    zone = occupancy.missed(spec, occupancy.begun(spec, 0.0, 0.0, lanes=True), 7200.0, 1.0, 1.0)
    assert zone.belief is not None
    found = replace(zone, belief=replace(zone.belief, claims=Claims(squares=400.0, losses=100.0)))
    told, modest = (occupancy.waited(spec, now, 60.0, 1.0, 1.0).middle for now in (zone, found))
    assert modest.high - modest.low > 1.3 * (told.high - told.low)
    assert modest.full == told.full
    assert occupancy.waited(spec, found, 60.0, 1.0, 1.0).inside == occupancy.waited(spec, zone, 60.0, 1.0, 1.0).inside


def test_what_was_found_of_the_claims_outlives_a_count_and_an_unknown_number_claims_nothing() -> None:
    known = beliefs.start(CAPACITY, 40, 0.0, 0.0)
    found = replace(known, claims=Claims(squares=400.0, losses=100.0))
    assert beliefs.corrected(found, 12, 60.0, 60.0).claims == found.claims
    unknown = beliefs.weighed(beliefs.start(CAPACITY, None, 0.0, 0.0), -0.1 * (beliefs.numbers(known) - 60) ** 2)
    assert unknown.claims == Claims()
    unsure = beliefs.missed(known, 3600.0, 0.5, 0.5)
    after = beliefs.weighed(unsure, -0.1 * (beliefs.numbers(known) - 45) ** 2)
    assert after.claims.moved > 0.3 * (moments(after)[0] - moments(unsure)[0]) > 0
    assert after.claims.lost > 0


@given(st.lists(st.integers(0, 50), min_size=7, max_size=60).filter(any))
def test_the_interval_holds_enough_and_no_end_that_it_could_spare(weights: list[int]) -> None:
    chances = np.array(weights) / sum(weights)
    low, high = shortest(chances, 0.9)
    held = chances[low : high + 1].sum()
    assert held >= 0.9 - 1e-9
    assert low == high or held - min(chances[low], chances[high]) < 0.9 + 1e-9


@pytest.mark.parametrize("variance", [0.02, 0.5, 1.0, 4.0, 30.0])
def test_blurring_adds_as_much_variance_and_moves_nothing(variance: float) -> None:
    numbers, point = np.arange(101.0), np.zeros(101)
    point[50] = 1.0
    wide = blurred(point, variance)
    assert wide.sum() == pytest.approx(1.0)
    assert (wide * numbers).sum() == pytest.approx(50.0)
    assert (wide * (numbers - 50) ** 2).sum() == pytest.approx(variance, rel=0.02)


@given(st.integers(0, 6), st.floats(0.01, 1000.0))
def test_blurring_keeps_the_smallest_lot_proper(inside: int, variance: float) -> None:
    point = np.zeros(7)
    point[inside] = 1.0
    wide = blurred(point, variance)
    assert wide.sum() == pytest.approx(1.0)
    assert (wide >= 0).all()
