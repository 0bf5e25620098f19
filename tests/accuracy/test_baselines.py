"""What the industry does, checked by hand: what it counts rightly, and where it is known to go wrong."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.accuracy.baselines import (
    DEBOUNCE_S,
    QUADRATURE,
    Place,
    counted,
    pulses,
    quadrature,
    timing,
    usual_at_reset,
)
from controller.domain.events import BayChanged, DetectorChanged
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import DetectorSpec, Direction, LaneSpec, Role
from controller.recording import Entry
from controller.score_files import DAY_S, Truth


def lane(direction: Direction) -> LaneSpec:
    outer, inner = (DetectorSpec(f"main.{role.value}", "main", role) for role in (Role.OUTER, Role.INNER))
    return LaneSpec("main", "customers", direction, outer, inner)


IN, OUT, BOTH = (lane(direction) for direction in (Direction.ENTRY, Direction.EXIT, Direction.BOTH))


def edges(text: str, start: float = 0.0, apart_s: float = 0.5) -> list[Entry]:
    """``O+ I+ O- I-`` -> levels half a second apart."""
    return [
        DetectorChanged({"O": "main.outer", "I": "main.inner"}[word[0]], word[1] == "+", start + number * apart_s)
        for number, word in enumerate(text.split())
    ]


ENTRY = "O+ I+ O- I-"
EXIT = "I+ O+ I- O-"
BACK_OUT = "O+ I+ I- O-"
FOLLOWER = "O+ I+ O- O+ I- I+ O- I-"
"""Two vehicles one behind the other: perfect loops, ordinary traffic."""


def changes(steps: object) -> list[int]:
    return [change for _, change in steps]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("one", "did", "by_pulses", "by_quadrature"),
    [
        (IN, ENTRY, [1], [1]),
        (OUT, EXIT, [-1], [-1]),
        (BOTH, ENTRY, [1], [1]),
        (BOTH, EXIT, [-1], [-1]),
        (IN, BACK_OUT, [1], []),
        (IN, "O+ O-", [1], []),
        (OUT, "O+ O-", [], []),
        (IN, "I+ I-", [], []),
        (BOTH, "O+ O-", [], []),
        (IN, FOLLOWER, [1, 1], [1]),
        (BOTH, f"{ENTRY} {EXIT}", [1, -1], [1, -1]),
        (IN, "O+ O- I+ I-", [1], []),
        (BOTH, "O+ O- I+ I-", [1], []),
        (IN, "O+ I+ O- I- O+ I+ I- O- O+ I+ O- I-", [1, 1, 1], [1, 1]),
    ],
)
def test_what_each_counts(one: LaneSpec, did: str, by_pulses: list[int], by_quadrature: list[int]) -> None:
    assert changes(pulses([one], edges(did))) == by_pulses
    assert changes(quadrature([one], edges(did))) == by_quadrature


def test_a_pulse_is_counted_when_the_first_loop_is_covered() -> None:
    assert list(pulses([IN], edges(ENTRY, 10.0))) == [(10.0, 1)]
    assert list(pulses([OUT], edges(EXIT, 10.0))) == [(10.0, -1)]
    assert list(pulses([BOTH], edges(ENTRY, 10.0))) == [(10.5, 1)]
    assert list(quadrature([IN], edges(ENTRY, 10.0))) == [(11.5, 1)]


def test_contacts_may_bounce_a_little() -> None:
    bounce = edges("O+ O- O+ O- O+ O-", apart_s=DEBOUNCE_S / 2)
    assert changes(pulses([IN], bounce)) == [1]
    assert changes(pulses([IN], edges("O+ O- O+ O-", apart_s=DEBOUNCE_S * 2))) == [1, 1]


def test_a_level_heard_twice_is_no_vehicle() -> None:
    twice = "O+ O+ I+ I+ O- O- I- I-"
    assert changes(pulses([IN], edges(twice))) == [1]
    assert changes(quadrature([IN], edges(twice))) == [1]


def test_on_a_two_way_lane_loops_long_after_one_another_are_no_pair() -> None:
    assert changes(pulses([BOTH], [*edges("O+ O-"), *edges("I+ I-", 60.0)])) == []


def test_what_is_no_loop_of_the_lane_is_passed_over() -> None:
    others: list[Entry] = [
        BayChanged("A1", occupied=True, at=0.0),
        DetectorChanged("side.outer", occupied=True, at=0.0),
    ]
    assert list(pulses([IN], others)) == list(quadrature([IN], others)) == []


def test_the_textbook_errs_where_vehicles_follow_one_another() -> None:
    assert changes(quadrature([IN], edges("O+ I+ O- O+ I- O-"))) == [], "a leader whose follower turned back"
    assert changes(quadrature([BOTH], edges("O+ I+ O- O+ I- I+ O- I-"))) == [1], "two bumper to bumper"
    assert changes(quadrature([BOTH], edges("O+ O- I+ O+ I- O-"))) == [-1], "an entry over a gap, and a follower"


def test_every_step_of_the_textbook_changes_one_level() -> None:
    """Where the automaton is tells the levels; from each place, either loop may change."""
    levels = {
        Place.CLEAR: (False, False),
        Place.IN_OUTER: (True, False),
        Place.IN_BOTH: (True, True),
        Place.IN_INNER: (False, True),
        Place.OUT_INNER: (False, True),
        Place.OUT_BOTH: (True, True),
        Place.OUT_OUTER: (True, False),
    }
    assert set(levels) == set(QUADRATURE) == set(Place)
    for place, (outer, inner) in levels.items():
        assert set(QUADRATURE[place]) == {(not outer, inner), (outer, not inner)}
        assert all(levels[there] == now for now, (there, _) in QUADRATURE[place].items())


@given(st.lists(st.sampled_from([ENTRY, EXIT, "O+ O-", "I+ I-", BACK_OUT, "I+ O+ O- I-"]), max_size=20))
def test_one_vehicle_after_another_is_right_by_the_textbook(did: Sequence[str]) -> None:
    entries = [edge for number, one in enumerate(did) for edge in edges(one, 100.0 * number)]
    assert sum(changes(quadrature([BOTH], entries))) == did.count(ENTRY) - did.count(EXIT)


def test_timing_counts_what_most_likely_was() -> None:
    kinds = (PassageKind.ENTRY, PassageKind.BACK_OUT, PassageKind.TOUCH, PassageKind.EXIT)
    decided = [(float(at), Passage("main", kind, at - 0.5, 0.0, chance_in=0.4)) for at, kind in enumerate(kinds)]
    assert list(timing(decided)) == [(0.0, 1), (3.0, -1)], "at the times when they were known"


def shown(steps: Sequence[tuple[float, int]], *, start: int = 5, usual: int = 2, days: float = 1.0) -> list[object]:
    sign = counted(steps, capacity=10, start=start, usual=usual, days=days)
    assert np.array_equal(sign.full, sign.free == 0)
    assert np.array_equal(sign.offers, sign.free > 0)
    return list(zip(sign.t, sign.free, strict=True))


def test_the_count_is_clamped_and_reset_at_three() -> None:
    steps = [(10.0, 1), (20.0, -1)]
    assert shown(steps) == [(0, 5), (10, 4), (20, 5), (10_800, 8), (97_200, 8)]
    assert shown(steps, start=10) == [(0, 0), (10, 0), (20, 1), (10_800, 8), (97_200, 8)]
    assert shown(steps[1:], start=-3) == [(0, 10), (20, 10), (10_800, 8), (97_200, 8)]


def test_a_run_of_less_than_three_hours_has_its_reset_after_its_end() -> None:
    assert shown([], days=0.1)[1:] == [(10_800, 8)]


def test_the_usual_number_at_the_reset_is_the_median_of_the_true_ones() -> None:
    t = np.array([0.0, 3600.0, DAY_S, 2 * DAY_S + 3 * 3600.0])
    truth = Truth(t, np.array([9.0, 4.0, 2.0, 30.0]))
    assert usual_at_reset(truth, 1.0) == 4
    assert usual_at_reset(truth, 3.0) == 4, "of 4, 2 and 30"
    assert usual_at_reset(truth, 0.1) == 9, "no night in it: as at the start"
