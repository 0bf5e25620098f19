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
from controller.domain.silence import IN_USE, OTHERS, SAME_DAY_S, Expected, Silence, grown, heard, is_dead
from controller.domain.specs import Direction

MONDAY = 1_699_833_600.0
DAY_S, HOUR_S = 86_400.0, 3600.0
KNOWN, UNKNOWN = 14.0, 0.7
NONE = Expected(0.0, 14.0, 0.0)
"""Gamma strengths of a rate that was learned for weeks, and of one of which nothing is known."""

IN, OUT = two_loops("in", direction=Direction.ENTRY), two_loops("out", direction=Direction.EXIT)
SPEC = site(IN, OUT, capacity=60, inside=20)


ENTRY, EXIT = 0.35**2, 0.25**2
"""Variances of the factors by which days differ."""


def grown_by(silence: Silence, expected: float, strength: float) -> Silence:
    """Let so many be expected each way."""
    return grown(silence, Expected(expected, strength, ENTRY), Expected(expected, strength, EXIT))


def dead(silence: Silence) -> bool:
    return is_dead(silence, HOUR_S, ENTRY, EXIT)


def silent(expected: float, strength: float, others: int = 50, pieces: int = 12) -> Silence:
    """Let so many vehicles be expected each way, in some stretches of time."""
    silence = Silence(0.0, others=others)
    for _ in range(pieces):
        silence = grown_by(silence, expected / pieces, strength)
    return silence


def test_a_silence_in_which_nobody_was_expected_says_nothing() -> None:
    assert not dead(Silence(0.0, others=1000))
    assert not dead(silent(0.01, KNOWN))


def test_a_lane_whose_rhythm_is_unknown_is_never_dead() -> None:
    assert not dead(silent(20.0, UNKNOWN))
    assert not dead(silent(1e6, 1e-3))


def test_a_busy_lane_that_is_well_known_is_dead_within_a_few_dozens() -> None:
    assert not dead(silent(2.0, KNOWN))
    assert dead(silent(30.0, KNOWN))
    soonest = next(expected for expected in range(1, 100) if dead(silent(float(expected), KNOWN)))
    assert 4 <= soonest <= 24


def test_a_lane_is_suspected_only_when_others_saw_vehicles() -> None:
    assert not dead(silent(1000.0, KNOWN, others=0))
    assert not dead(silent(1000.0, KNOWN, others=OTHERS - 1))
    assert dead(silent(1000.0, KNOWN, others=OTHERS))


def test_where_days_are_alike_silence_is_proof_sooner() -> None:
    def soonest(variance: float) -> int:
        told = (grown(Silence(0.0, others=50), Expected(n, 1 / variance, variance), NONE) for n in range(100))
        return next(n for n, silence in enumerate(told) if is_dead(silence, HOUR_S, variance, EXIT))

    assert 9 < soonest(0.15**2) < soonest(0.35**2) < soonest(0.6**2)
    assert soonest(0.01**2) == soonest(0.15**2)


def test_where_no_other_lane_tells_it_is_dead_only_when_it_was_in_use_before() -> None:
    def alone(used: float, hours: float) -> bool:
        silence = grown_by(Silence(0.0, used=used), 20.0, KNOWN)
        return is_dead(silence, hours * HOUR_S, ENTRY, EXIT)

    assert alone(IN_USE, 2.0)
    assert not alone(IN_USE - 1, 2.0)
    assert not alone(IN_USE, SAME_DAY_S / HOUR_S + 1)


def test_after_a_night_days_that_were_alike_prove_less() -> None:
    """A lot opens later: 13 were to come by now, and 20 had left by other lanes the evening before."""
    alike = grown(Silence(0.0, others=20), Expected(13.5, 1 / 0.035, 0.035), NONE)
    assert is_dead(alike, 2 * HOUR_S, 0.035, 0.007)
    assert not is_dead(alike, 11 * HOUR_S, 0.035, 0.007)


def test_what_a_lane_saw_yesterday_is_no_sign_that_it_is_in_use() -> None:
    told = None
    for at in range(12):
        told = heard(told, at * 60.0)
    assert told is not None
    assert told.used > IN_USE
    assert heard(told, DAY_S).used == pytest.approx(1, abs=0.01)


@given(expected=st.floats(0, 1e4), more=st.floats(0, 1e4), strength=st.floats(0.1, 1e3), others=st.integers(0, 100))
@settings(deadline=None, max_examples=60)
def test_a_longer_silence_never_clears_a_lane(expected: float, more: float, strength: float, others: int) -> None:
    before = silent(expected, strength, others)
    after = grown_by(before, more, strength)
    assert (after.entries, after.exits) == (before.entries + more, before.exits + more)
    if dead(before):
        assert dead(after)


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


GATE = two_loops("gate")
ALONE = site(GATE, capacity=60, inside=20)


def both_ways(days: range, *, dead_from: float = float("inf")) -> list[Event]:
    """Let the traffic of both ways use one lane."""
    ways = {"in.outer": "gate.outer", "in.inner": "gate.inner", "out.outer": "gate.outer", "out.inner": "gate.inner"}
    said: list[Event] = []
    for event in traffic(days, dead_from=dead_from):
        if not isinstance(event, DetectorChanged):
            said.append(event)
        elif event.at < dead_from:
            said.append(DetectorChanged(ways[event.detector], event.occupied, event.at))
    return said


def test_an_only_lane_that_falls_silent_in_the_middle_of_a_day_is_named() -> None:
    begun: list[Event] = [ClockSet(MONDAY, BEGIN), *(DetectorChanged(d.name, False, BEGIN) for d in GATE.detectors)]
    known = fold(ALONE, [*begun, *both_ways(range(4))], lot.initial(ALONE, BEGIN)).state
    assert view.faults(ALONE, known) == ()
    friday = both_ways(range(FRIDAY, FRIDAY + 1), dead_from=NOON)

    def at(hours: float) -> set[str]:
        end = NOON + hours * HOUR_S
        told = fold(ALONE, [*(event for event in friday if event.at < end), Tick(end)], known)
        return {fault.subject for fault in view.faults(ALONE, told.state) if fault.kind is FaultKind.SILENT}

    assert at(0.5) == set()
    assert at(4.0) == {"gate.outer", "gate.inner"}
    closed = fold(ALONE, [Tick(NOON + 12 * HOUR_S)], known)
    assert view.faults(ALONE, closed.state) == ()
