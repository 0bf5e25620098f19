"""A detector's relay: what it reports of what covers it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.simulator.chance import stream
from controller.simulator.relays import BOUNCE_S, Glimpse, Relay
from controller.simulator.scenario_tables import ErrorsTable

PERFECT = ErrorsTable(miss=0.0, lost_edge=0.0, no_trace=0.0, bounce=0.0)


def relay(errors: ErrorsTable = PERFECT, worse: float = 1.0, seed: int = 1) -> Relay:
    return Relay("entry.outer", errors, stream(seed, "sees"), stream(seed, "edges"), worse)


def test_a_perfect_relay_reports_each_change() -> None:
    here, car = relay(), Glimpse()
    assert [here.cover(car), here.level] == [True, True]
    assert [here.uncover(car), here.level] == [True, False]
    assert car == Glimpse()


def test_two_that_cover_it_together_are_one_span_and_both_merged() -> None:
    here, leader, follower = relay(), Glimpse(), Glimpse()
    assert here.cover(leader)
    assert not here.cover(follower)
    assert not here.uncover(leader)
    assert here.uncover(follower)
    assert leader.merged
    assert follower.merged


@given(st.lists(st.integers(0, 4), max_size=40))
def test_it_is_on_while_anybody_covers_it(who: list[int]) -> None:
    here, on = relay(), dict[int, Glimpse]()
    for one in who:
        if one in on:
            reports, gone = here.uncover(on.pop(one)), True
        else:
            on[one] = Glimpse()
            reports, gone = here.cover(on[one]), False
        assert here.level is bool(on)
        assert reports is (len(on) == (0 if gone else 1))


def test_a_lost_edge_is_the_vehicles_loss() -> None:
    here, car = relay(ErrorsTable(lost_edge=1.0)), Glimpse()
    assert not here.cover(car)
    assert car.lost
    assert here.level


def test_a_fault_reports_nothing_and_says_which_it_is() -> None:
    for fault in ("dead", "stuck", "chatter"):
        here, car = relay(), Glimpse()
        here.dead, here.stuck, here.chatters = fault == "dead", True if fault == "stuck" else None, fault == "chatter"
        assert not here.cover(car)
        assert car.blind == here.fault == fault


def test_a_stuck_relay_keeps_its_level_and_then_has_the_true_one() -> None:
    here, car = relay(), Glimpse()
    here.stuck = True
    here.cover(car)
    here.uncover(car)
    levels = [here.level]
    here.stuck = None
    assert [*levels, here.level] == [True, False]


@pytest.mark.parametrize("worse", [1.0, 5.0])
def test_a_bad_lane_errs_as_much_worse(worse: float) -> None:
    here = relay(ErrorsTable(miss=0.02, lost_edge=0.01), worse)
    missed = sum(here.misses() for _ in range(20_000)) / 20_000
    assert missed == pytest.approx(0.02 * worse, rel=0.2)
    lost = 0
    for _ in range(10_000):
        car = Glimpse()
        lost += not here.cover(car)
        lost += not here.uncover(car)
    assert lost / 20_000 == pytest.approx(0.01 * worse, rel=0.25)


def test_a_bounce_is_short_and_ends_where_it_began() -> None:
    bounces = [relay(ErrorsTable(bounce=1.0), seed=seed).bounces() for seed in range(50)]
    assert {len(flips) for flips in bounces} == {2, 4, 6}
    assert all(BOUNCE_S[0] <= flip <= BOUNCE_S[1] for flips in bounces for flip in flips)
    assert all(flips == sorted(flips) for flips in bounces)
    assert relay().bounces() == []
