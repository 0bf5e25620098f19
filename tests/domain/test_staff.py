"""What staff do while vehicles come and go: recounts, adjustments, undo, bays out of service, sign tests."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from domain_lots import Told, fold, levels, shown, site, two_loops, zone
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from controller.domain import lot, view
from controller.domain.amends import RECOUNT_S, UNDO_S
from controller.domain.events import (
    Adjusted,
    BayChanged,
    BayServiceChanged,
    ClosureChanged,
    Corrected,
    DetectorChanged,
    Event,
    Interrupted,
    OutageTold,
    RecountBegan,
    Recounted,
    SignTested,
    Tick,
    Undone,
    WentDown,
)
from controller.domain.notes import What
from controller.domain.report import MessageKind, Reason, Status
from controller.domain.specs import LotSpec
from controller.domain.state import LotState

SITE = site(two_loops())
ZONE = "customers"


def car_in(at: float) -> list[DetectorChanged]:
    return levels(f"A+{at} B+{at + 0.6} A-{at + 0.9} B-{at + 1.5}")


def car_out(at: float) -> list[DetectorChanged]:
    return levels(f"B+{at} A+{at + 0.6} B-{at + 0.9} A-{at + 1.5}")


def told(*parts: Event | Sequence[Event], spec: LotSpec = SITE) -> Told:
    events = [event for part in parts for event in (part if isinstance(part, Sequence) else [part])]
    return fold(spec, events)


def inside(story: Told, spec: LotSpec = SITE) -> int | None:
    return zone(spec, story.state).occupied


# Recounts


def test_a_walk_in_which_nothing_moves_is_a_correction() -> None:
    story = told(RecountBegan(ZONE, 0.0), Recounted(ZONE, 14, 600.0))
    assert inside(story) == 14
    assert zone(SITE, story.state).low == zone(SITE, story.state).high == 26


@pytest.mark.parametrize(
    ("passages", "seen", "result"),
    [
        (car_in(10.0), 12, 12),  # it came when the walk had hardly begun: she has seen it
        (car_in(580.0), 12, 13),  # it came when she was nearly done: she has not
        (car_out(10.0), 12, 12),  # it left before she came by: she has not seen it
        (car_out(580.0), 12, 11),  # it left when she had counted it
        ([*car_in(290.0), *car_out(310.0)], 12, 12),
        ([e for at in range(20, 580, 40) for e in car_in(float(at))], 20, 27),  # of 14 evenly spread, half
    ],
)
def test_a_walk_reckons_with_what_passed_meanwhile(passages: list[DetectorChanged], seen: int, result: int) -> None:
    story = told(RecountBegan(ZONE, 0.0), passages, Recounted(ZONE, seen, 600.0))
    assert inside(story) == result


def test_a_result_is_as_wide_as_what_passed_makes_it() -> None:
    def width(*at: float) -> int:
        cars = [event for t in at for event in car_in(t)]
        now = zone(SITE, told(RecountBegan(ZONE, 0.0), cars, Recounted(ZONE, 12, 600.0)).state)
        assert now.low is not None
        assert now.high is not None
        return now.high - now.low

    assert width() == 0
    assert width(295.0) >= 1  # nobody knows whether she saw it
    assert width(*(float(t) for t in range(250, 350, 8))) > width(295.0)


def test_who_walks_sees_what_it_was_and_what_passed() -> None:
    story = told(RecountBegan(ZONE, 100.0), car_in(110.0), car_in(120.0), car_out(130.0), Tick(200.0))
    now = zone(SITE, story.state).recount
    assert now is not None
    assert (now.began, now.inside, now.entries, now.exits) == (100.0, 10, 2, 1)
    assert inside(story) == 11  # it goes on counting
    done = fold(SITE, [Recounted(ZONE, 11, 210.0)], story.state)
    assert zone(SITE, done.state).recount is None
    note = done.state.notes[ZONE][-1]
    assert note.what is What.RECOUNTED
    assert (note.values["seen"], note.values["before"]) == (11, 11)


def test_a_recount_is_given_up_by_hand_by_time_and_by_an_outage_that_nobody_can_tell_the_length_of() -> None:
    begun = told(RecountBegan(ZONE, 0.0))
    for event in (Recounted(ZONE, None, 60.0), Tick(RECOUNT_S + 1200), Interrupted(60.0)):
        story = fold(SITE, [event], begun.state)
        assert zone(SITE, story.state).recount is None
        late = fold(SITE, [Recounted(ZONE, 3, story.state.at + 1)], story.state)
        assert late.counted == story.counted


def test_a_restart_in_the_middle_of_a_walk_makes_its_result_wider_and_no_more() -> None:
    whole = told(RecountBegan(ZONE, 0.0), Recounted(ZONE, 20, 3600.0))
    broken = told(RecountBegan(ZONE, 0.0), WentDown(1800.0, 900.0), Recounted(ZONE, 20, 3600.0))
    assert inside(broken) == 20
    assert view.report(SITE, broken.state).zones[0].low < view.report(SITE, whole.state).zones[0].low  # type: ignore[operator]


# Adjustments


@given(st.lists(st.sampled_from([-5, -1, 1, 5]), max_size=6))
def test_adjustments_move_the_number_by_as_much(steps: list[int]) -> None:
    story = told(
        [Adjusted(ZONE, by, float(n)) for n, by in enumerate(steps)], spec=site(two_loops(), inside=35, capacity=80)
    )
    assert story.counted == 35 + sum(steps)
    assert zone(site(two_loops(), inside=35, capacity=80), story.state).occupied == 35 + sum(steps)


# Undo


@pytest.mark.parametrize(
    "change",
    [
        [Corrected(ZONE, 31, 100.0)],
        [Adjusted(ZONE, 5, 100.0)],
        [RecountBegan(ZONE, 90.0), Recounted(ZONE, 31, 100.0)],
    ],
    ids=["correction", "adjustment", "recount"],
)
def test_what_was_taken_back_might_never_have_been(change: list[Event]) -> None:
    before, after = car_in(20.0), [*car_in(200.0), *car_in(220.0), *car_out(240.0)]
    never = told(before, Tick(90.0), after, Tick(300.0))
    undone = told(before, Tick(90.0), change, after, Undone(ZONE, 300.0))
    assert undone.counted == never.counted == 12
    assert (zone(SITE, undone.state).low, zone(SITE, undone.state).high) == (
        zone(SITE, never.state).low,
        zone(SITE, never.state).high,
    )
    assert zone(SITE, undone.state).undo_until is None  # once


def test_a_correction_can_be_taken_back_for_a_while_only() -> None:
    story = told(Corrected(ZONE, 31, 0.0))
    assert zone(SITE, story.state).undo_until == UNDO_S
    late = fold(SITE, [Tick(UNDO_S + 1), Undone(ZONE, UNDO_S + 2)], story.state)
    assert (late.counted, late.state.strange) == (31, 1)
    off = fold(SITE, [WentDown(60.0, 10.0), Undone(ZONE, 100.0)], story.state)
    assert (off.counted, off.state.strange) == (31, 1)  # what was before is not known to have gone on


# Bays


def of_bays(capacity: int = 4) -> LotSpec:
    return site(capacity=capacity, bays=capacity, inside=None)


def test_a_bay_out_of_service_is_a_space_less() -> None:
    spec = of_bays()
    heard = [BayChanged(f"b{i}", i < 2, float(i)) for i in range(4)]
    story = told(heard, BayServiceChanged("b3", True, 10.0), spec=spec)
    now = zone(spec, story.state)
    assert (now.capacity, now.free, now.occupied, now.out_of_service) == (3, 1, 2, 1)
    full = fold(spec, [BayChanged("b2", True, 20.0), BayChanged("b3", False, 21.0)], story.state)
    assert zone(spec, full.state).status is Status.FULL  # all that can be used are known to be taken
    back = fold(spec, [BayServiceChanged("b3", False, 30.0)], full.state)
    assert (zone(spec, back.state).capacity, zone(spec, back.state).free) == (4, 1)  # it was listened to meanwhile


def test_a_bay_out_of_service_is_no_fault_when_it_falls_silent() -> None:
    spec = of_bays(2)
    heard = [BayChanged("b0", True, 0.0), BayChanged("b1", True, 0.0)]
    story = told(heard, BayServiceChanged("b1", True, 1.0), Tick(100_000.0), spec=spec)
    assert [fault.subject for fault in view.faults(spec, story.state)] == ["b0"]


def test_lanes_count_on_beside_a_bay_out_of_service() -> None:
    spec = site(two_loops(), bays=3)
    story = told(car_in(10.0), BayServiceChanged("b0", True, 60.0), spec=spec)
    now = zone(spec, story.state)
    assert (now.capacity, now.occupied, now.free) == (39, 11, 28)
    twice = fold(spec, [BayServiceChanged("b0", True, 61.0), BayServiceChanged("nowhere", True, 62.0)], story.state)
    assert zone(spec, twice.state).capacity == 39
    full = fold(spec, [Corrected(ZONE, 39, 70.0)], story.state)
    assert zone(spec, full.state).status is Status.FULL


def test_all_bays_of_a_lane_zone_may_be_out_of_service() -> None:
    spec = site(two_loops(), capacity=2, bays=2, inside=0)
    story = told(
        BayChanged("b0", False, 1.0), BayServiceChanged("b0", True, 2.0), BayServiceChanged("b1", True, 3.0), spec=spec
    )
    now = zone(spec, fold(spec, [*car_in(10.0), Tick(4000.0)], story.state).state)
    assert (now.capacity, now.status) == (0, Status.FULL)
    back = fold(spec, [BayServiceChanged("b1", False, 20.0), BayServiceChanged("b0", False, 21.0)], story.state)
    assert (zone(spec, back.state).capacity, zone(spec, back.state).status) == (2, Status.OPEN)


def test_limits_that_can_not_be_reached_with_bays_out_of_service_are_lowered() -> None:
    spec = site(two_loops(), capacity=6, bays=4, inside=0, limits=(2, 5, None))
    gone = [BayServiceChanged(f"b{i}", True, 1.0 + i) for i in range(4)]
    story = told(gone, spec=spec)
    assert (zone(spec, story.state).capacity, zone(spec, story.state).status) == (2, Status.OPEN)
    full = fold(spec, [Corrected(ZONE, 2, 10.0)], story.state)
    assert zone(spec, full.state).status is Status.FULL
    empty = fold(spec, [Corrected(ZONE, 0, 20.0)], full.state)
    assert zone(spec, empty.state).status is Status.OPEN, "none is inside, so it is not FULL for ever"
    back = fold(spec, [Corrected(ZONE, 1, 30.0), *(replace(e, out=False, at=40.0 + e.at) for e in gone)], empty.state)
    assert (zone(spec, back.state).capacity, zone(spec, back.state).free) == (6, 5)
    assert lot.adapted(spec, back.state).zones[ZONE].middle == back.state.zones[ZONE].middle
    limits = fold(spec, [Corrected(ZONE, 4, 50.0)], back.state)
    assert zone(spec, limits.state).status is Status.FULL, "the limits are those of the site file again"


def test_a_correction_before_an_outage_was_told_can_be_taken_back_after_it() -> None:
    story = told(Interrupted(60.0), Corrected(ZONE, 7, 70.0), OutageTold(600.0, 80.0), Undone(ZONE, 90.0))
    assert not story.state.zones[ZONE].adrift
    assert zone(SITE, story.state).low != 0
    assert inside(story) is not None


def test_a_restart_keeps_bays_out_of_service_and_a_smaller_site_forgets_them() -> None:
    spec = of_bays()
    heard = [BayChanged(f"b{i}", i < 2, float(i)) for i in range(4)]
    story = told(heard, BayServiceChanged("b0", True, 10.0), spec=spec)
    again = lot.adapted(spec, story.state)
    assert zone(spec, again) == zone(spec, story.state)
    smaller = replace(spec, bays=spec.bays[1:], zones=(replace(spec.zones[0], capacity=3),))
    assert lot.adapted(smaller, story.state).out_of_service == {}
    assert zone(smaller, lot.adapted(smaller, story.state)).capacity == 3


# Signs


def test_a_test_of_a_sign_goes_before_all_and_ends_by_itself() -> None:
    story = told(SignTested("entrance", 22.0, 10.0))
    assert (shown(SITE, story.state).kind, shown(SITE, story.state).reason) == (MessageKind.TEST, Reason.SIGN_TEST)
    assert shown(SITE, fold(SITE, [Tick(22.0)], story.state).state).kind is MessageKind.NUMBER
    assert told(SignTested("nowhere", 22.0, 10.0)).state.strange == 1


def test_every_note_has_a_code_and_the_same_text_as_its_words() -> None:
    spec = site(two_loops(), bays=2)
    story = told(
        car_in(1.0),
        Corrected(ZONE, 4, 60.0),
        Adjusted(ZONE, -1, 61.0),
        Undone(ZONE, 62.0),
        WentDown(5.0, 63.0),
        spec=spec,
    )
    sign = view.report(spec, story.state).signs[0]
    assert [note.text for note in sign.chain] == [*sign.because]
    assert [note.what for note in sign.chain][-4:] == [What.CORRECTED, What.ADJUSTED, What.UNDONE, What.WAS_OFF]
    assert sign.because[-3:-1] == (
        "corrected by -1: 3 inside (was 4)",
        "the last correction was taken back: 4 inside (was 3)",
    )


ANYTHING = st.one_of(
    st.sampled_from(["in", "out"]),
    st.builds(Corrected, st.just(ZONE), st.integers(0, 60), st.just(0.0)),
    st.builds(Adjusted, st.sampled_from([ZONE, "nowhere"]), st.sampled_from([-5, -1, 1, 5]), st.just(0.0)),
    st.builds(RecountBegan, st.sampled_from([ZONE, "nowhere"]), st.just(0.0)),
    st.builds(Recounted, st.just(ZONE), st.none() | st.integers(0, 60), st.just(0.0)),
    st.builds(Undone, st.sampled_from([ZONE, "nowhere"]), st.just(0.0)),
    st.builds(BayServiceChanged, st.sampled_from(["b0", "b1", "b9"]), st.booleans(), st.just(0.0)),
    st.builds(BayChanged, st.sampled_from(["b0", "b1"]), st.booleans(), st.just(0.0)),
    st.builds(ClosureChanged, st.just(ZONE), st.booleans(), st.just(0.0)),
    st.builds(SignTested, st.just("entrance"), st.floats(0, 3000), st.just(0.0)),
    st.builds(WentDown, st.floats(0, 4000), st.just(0.0)),
    st.builds(Interrupted, st.just(0.0)),
)
STATE = TypeAdapter(LotState)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(ANYTHING, st.floats(1, 2500)), max_size=10), st.integers(0, 10))
def test_whatever_staff_do_a_restart_in_between_changes_nothing(
    steps: list[tuple[str | Event, float]], restart: int
) -> None:
    spec = site(two_loops(), bays=2)
    at, whole = 0.0, lot.initial(spec)
    broken = whole
    for number, (step, pause_s) in enumerate(steps):
        at = round(at + pause_s, 3)
        events = (car_in if step == "in" else car_out)(at) if isinstance(step, str) else [replace(step, at=at)]
        at = events[-1].at
        if number == restart:
            text = STATE.dump_json(replace(broken, due=0.0, bays_due=0.0), round_trip=True)
            broken = lot.adapted(spec, STATE.validate_json(text))
        whole, broken = fold(spec, events, whole).state, fold(spec, events, broken).state
        report = view.report(spec, whole)
        assert view.report(spec, broken) == report
        now = report.zones[0]
        assert now.free is None or 0 <= now.free <= now.capacity <= 40
        assert now.low is not None
        assert now.high is not None
        assert 0 <= now.low <= now.high <= now.capacity
