"""A lane from which nothing comes any more: when that is proof, and what the lot makes of it."""

import random
from collections.abc import Iterator

import pytest
from domain_lots import Told, fold, site, two_loops
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain import lot, view
from controller.domain.events import ClockSet, DetectorChanged, Event, Tick
from controller.domain.report import FaultKind
from controller.domain.silence import OTHERS, Silence, grown, is_dead
from controller.domain.specs import Direction

MONDAY = 1_699_833_600.0
DAY_S, HOUR_S = 86_400.0, 3600.0
KNOWN, UNKNOWN = 14.0, 0.7
"""Gamma strengths of a rate that was learned for weeks, and of one of which nothing is known."""

IN, OUT = two_loops("in", direction=Direction.ENTRY), two_loops("out", direction=Direction.EXIT)
SPEC = site(IN, OUT, capacity=60, inside=20)


def silent(expected: float, strength: float, others: int = 50, pieces: int = 12) -> Silence:
    """Let so many vehicles be expected each way, in some stretches of time."""
    silence = Silence(0.0, others=others)
    for _ in range(pieces):
        silence = grown(silence, expected / pieces, expected / pieces, strength, strength)
    return silence


def test_a_silence_in_which_nobody_was_expected_says_nothing() -> None:
    assert not is_dead(Silence(0.0, others=1000))
    assert not is_dead(silent(0.01, KNOWN))


def test_a_lane_whose_rhythm_is_unknown_is_never_dead() -> None:
    assert not is_dead(silent(20.0, UNKNOWN))
    assert not is_dead(silent(1e6, 1e-3))


def test_a_busy_lane_that_is_well_known_is_dead_within_a_few_dozens() -> None:
    assert not is_dead(silent(2.0, KNOWN))
    assert is_dead(silent(30.0, KNOWN))
    soonest = next(expected for expected in range(1, 100) if is_dead(silent(float(expected), KNOWN)))
    assert 4 <= soonest <= 24


def test_a_lane_is_suspected_only_when_others_saw_vehicles() -> None:
    assert not is_dead(silent(1000.0, KNOWN, others=0))
    assert not is_dead(silent(1000.0, KNOWN, others=OTHERS - 1))
    assert is_dead(silent(1000.0, KNOWN, others=OTHERS))


@given(expected=st.floats(0, 1e4), more=st.floats(0, 1e4), strength=st.floats(0.1, 1e3), others=st.integers(0, 100))
@settings(deadline=None, max_examples=60)
def test_a_longer_silence_never_clears_a_lane(expected: float, more: float, strength: float, others: int) -> None:
    before = silent(expected, strength, others)
    after = grown(before, more, more, strength, strength)
    assert (after.entries, after.exits) == (before.entries + more, before.exits + more)
    if is_dead(before):
        assert is_dead(after)


def crossed(lane: str, at: float) -> list[DetectorChanged]:
    """Return what the loops see of a vehicle of 4.5 m at 3 m/s."""
    first, second = ("outer", "inner") if lane == "in" else ("inner", "outer")
    steps = ((first, True, 0.0), (second, True, 1.0), (first, False, 2.2), (second, False, 3.2))
    return [DetectorChanged(f"{lane}.{role}", on, at + after_s) for role, on, after_s in steps]


def traffic(days: range, *, dead_from: float = float("inf"), holiday: int | None = None) -> Iterator[Event]:
    """Ten in and ten out an hour, at any time, from 8 to 20 hours; from ``dead_from`` on the way out says nothing."""
    for day in days:
        chance = random.Random(day)  # noqa: S311  traffic, no secrets
        for hour in range(8, 20) if day != holiday else ():
            begin = day * DAY_S + hour * HOUR_S
            came, went = (chance.sample(range(10, 3590, 10), 10) for _ in range(2))
            said = [event for s in came for event in crossed("in", begin + s)]
            said += [event for s in went if begin + s < dead_from for event in crossed("out", begin + s)]
            yield from sorted(said, key=lambda event: event.at)
        yield Tick((day + 1) * DAY_S)


def quiet() -> list[Event]:
    """Return what is heard at first; the controller is put to work at eight."""
    levels = (DetectorChanged(d.name, False, BEGIN) for s in SPEC.lanes for d in s.detectors)
    return [ClockSet(MONDAY, BEGIN), *levels]


@pytest.fixture(scope="module")
def learned() -> Told:
    """A lot that saw four working days."""
    return fold(SPEC, [*quiet(), *traffic(range(4))], lot.initial(SPEC, BEGIN))


BEGIN = 8 * HOUR_S
FRIDAY = 4
NOON = FRIDAY * DAY_S + 12 * HOUR_S


def named(told: Told) -> dict[str, FaultKind]:
    return {fault.subject: fault.kind for fault in view.faults(SPEC, told.state)}


def lived(learned: Told, day: Iterator[Event], hours: float) -> Told:
    """Live through Friday, until so many hours after noon."""
    end = NOON + hours * HOUR_S
    return fold(SPEC, [*(event for event in day if event.at < end), Tick(end)], learned.state)


def test_a_lot_that_works_suspects_nobody(learned: Told) -> None:
    assert named(learned) == {}
    assert named(lived(learned, traffic(range(FRIDAY, FRIDAY + 1)), 12.0)) == {}


def test_a_dead_way_out_is_named_and_allowed_for_until_it_is_heard_again(learned: Told) -> None:
    """Sixty vehicles come in the six hours after noon, and as many leave unseen."""
    dead = lived(learned, traffic(range(FRIDAY, FRIDAY + 1), dead_from=NOON), 6.0)
    assert named(dead) == {"out.outer": FaultKind.SILENT, "out.inner": FaultKind.SILENT}
    since = [fault.since for fault in view.faults(SPEC, dead.state)]
    assert all(NOON < at < NOON + 4 * HOUR_S for at in since)
    counted, inside = dead.state.zones["customers"].counted, dead.state.zones["customers"].middle
    assert counted is not None
    assert counted >= 75, "by passages alone"
    assert inside.low < 40, "the belief allows for exits that nobody saw"
    assert inside.high - inside.low > 5, "and is less sure"
    heard = fold(SPEC, [*crossed("out", NOON + 7 * HOUR_S), Tick(NOON + 7 * HOUR_S + 60)], dead.state)
    assert named(heard) == {}


def test_a_zone_that_is_quiet_as_a_whole_has_a_holiday(learned: Told) -> None:
    assert named(lived(learned, traffic(range(FRIDAY, FRIDAY + 1), holiday=FRIDAY), 12.0)) == {}


def test_a_lane_that_was_never_used_is_not_missed() -> None:
    spec = site(IN, OUT, two_loops("gate"), capacity=60, inside=20)
    told = fold(spec, [*quiet(), *traffic(range(2))], lot.initial(spec, BEGIN))
    assert not [fault for fault in view.faults(spec, told.state) if fault.subject.startswith("gate")]
