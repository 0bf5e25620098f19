"""Detectors that are stuck or chatter, messages that repeat or come late, and what becomes of the count."""

import pytest
from domain_lots import QUIET_S, Told, fold, levels, one_loop, shown, site, tell, two_loops, zone
from hypothesis import given
from hypothesis import strategies as st

from controller.domain import health, view
from controller.domain.events import (
    BayChanged,
    ClockSet,
    ClosureChanged,
    Corrected,
    DetectorChanged,
    Event,
    Stamp,
    Tick,
    WentDown,
)
from controller.domain.report import FaultKind, Reason, Status
from controller.domain.specs import Direction, HealthSpec, LotSpec, Output, ZoneSpec

SITE = site(two_loops())
STUCK_S = HealthSpec().stuck_after_s


def faults(spec: LotSpec, told: Told) -> list[tuple[str, FaultKind, float]]:
    return [(f.subject, f.kind, f.since) for f in view.faults(spec, told.state)]


def status(spec: LotSpec, told: Told) -> tuple[Status, Reason]:
    now = zone(spec, told.state)
    return now.status, now.reason


def chatter(detector: str, start: float, changes: int = 30) -> list[DetectorChanged]:
    return [DetectorChanged(detector, i % 2 == 0, start + i * 0.1) for i in range(changes)]


# Stuck


def test_a_loop_that_is_covered_for_too_long_is_stuck() -> None:
    spec = site(one_loop(Direction.ENTRY))
    told = fold(spec, [*levels("L+5"), Tick(5 + STUCK_S - 0.001)])
    assert faults(spec, told) == []
    told = fold(spec, [Tick(5 + STUCK_S)], told.state)
    assert faults(spec, told) == [("main.loop", FaultKind.STUCK, 5 + STUCK_S)]
    assert status(spec, told) == (Status.UNKNOWN, Reason.NOTHING_COUNTS)


def test_one_loop_of_a_pair_may_be_covered_for_longer_as_the_other_one_tells() -> None:
    told = fold(SITE, [*levels("A+5"), Tick(5 + 4 * STUCK_S - 0.001)])
    assert faults(SITE, told) == []
    told = fold(SITE, [Tick(5 + 4 * STUCK_S)], told.state)
    assert faults(SITE, told) == [("main.outer", FaultKind.STUCK, 5 + 4 * STUCK_S)]
    assert status(SITE, told) == (Status.OPEN, Reason.COUNTED), "the lane counts on by its other loop"


def test_a_vehicle_that_waits_before_a_full_lot_for_very_long_and_then_drives_in_counts() -> None:
    told = tell(SITE, "A+0 B+2000 A-2001 B-2002")
    assert told.kinds == ["entry"]
    assert status(SITE, told) == (Status.OPEN, Reason.COUNTED)
    assert faults(SITE, told) == []


def test_a_vehicle_that_waits_for_very_long_and_then_turns_back_leaves_the_count_trusted() -> None:
    told = tell(SITE, "A+0 A-2000")
    assert (told.kinds, told.counted) == (["touch"], 10)
    assert status(SITE, told) == (Status.OPEN, Reason.COUNTED)


def test_while_a_loop_is_stuck_vehicles_count_by_the_other_one_and_their_way_is_not_known() -> None:
    story = " ".join(f"B+{1000 + 60 * i} B-{1002 + 60 * i}" for i in range(6))
    told = tell(SITE, f"A+0 {story}", quiet_s=10.0)
    assert [f[:2] for f in faults(SITE, told)] == [("main.outer", FaultKind.STUCK)]
    now = zone(SITE, told.state)
    assert now.status is Status.OPEN
    assert now.low is not None
    assert now.high is not None
    assert now.high - now.low >= 4, "six vehicles went somewhere"
    told = fold(SITE, [Corrected("customers", 7, 1400.0), *levels("A-5000"), Tick(5060.0)], told.state)
    assert faults(SITE, told) == []
    assert shown(SITE, told.state).text == "33"


def test_both_loops_stuck_hide_everything() -> None:
    told = fold(SITE, [*levels("A+0 B+0"), Tick(4 * STUCK_S + 1)])
    assert status(SITE, told) == (Status.UNKNOWN, Reason.NOTHING_COUNTS)
    told = fold(SITE, [*levels("A-5000 B-5000"), Tick(5060.0)], told.state)
    now = zone(SITE, told.state)
    assert now.status is Status.OPEN
    assert now.low != now.high, "who knows what drove meanwhile"


def test_a_single_loop_that_is_stuck_hides_everything() -> None:
    spec = site(one_loop(Direction.ENTRY))
    told = tell(spec, "L+0 L-5000")
    assert told.kinds == []
    assert zone(spec, told.state).low != zone(spec, told.state).high


def test_a_stuck_loop_is_still_stuck_after_a_long_absence() -> None:
    spec = site(one_loop(Direction.ENTRY))
    told = fold(spec, [*levels("L+0"), Tick(1000.0), WentDown(600.0, 1000.0), Corrected("customers", 7, 1700.0)])
    assert status(spec, told) == (Status.UNKNOWN, Reason.NOTHING_COUNTS)
    told = fold(spec, [*levels("L+1701"), Tick(1800.0)], told.state)
    assert status(spec, told) == (Status.UNKNOWN, Reason.NOTHING_COUNTS)
    told = fold(spec, [*levels("L-1801"), Tick(1900.0)], told.state)
    assert shown(spec, told.state).text == "33"


def test_a_barrier_that_stays_up_is_no_fault_and_one_that_chatters_makes_nothing_uncertain() -> None:
    spec = site(two_loops(barrier=True))
    told = fold(spec, [*levels("R+0"), Tick(10_000.0)])
    assert faults(spec, told) == []
    told = fold(spec, [*levels("R-19000"), *chatter("main.barrier", 20_000.0), Tick(20_003.0)], told.state)
    assert [f[:2] for f in faults(spec, told)] == [("main.barrier", FaultKind.CHATTER)]
    assert status(spec, told) == (Status.OPEN, Reason.COUNTED)


# Chatter


def test_a_loop_that_changes_faster_than_vehicles_can_drive_chatters() -> None:
    told = fold(SITE, [*chatter("main.outer", 0.0, 29), Tick(2.95)])
    assert faults(SITE, told) == []
    told = fold(SITE, [*chatter("main.outer", 0.0, 30), Tick(2.95)])
    assert faults(SITE, told) == [("main.outer", FaultKind.CHATTER, 29 * 0.1)]
    told = fold(SITE, [Tick(12.8)], told.state)
    assert len(faults(SITE, told)) == 1
    assert status(SITE, told) == (Status.OPEN, Reason.COUNTED), "the lane counts on by its other loop"
    told = fold(SITE, [Tick(13.0)], told.state)
    assert faults(SITE, told) == []


def test_a_lane_that_chattered_counts_again_afterwards() -> None:
    told = fold(SITE, [*chatter("main.inner", 0.0), Tick(60.0), Corrected("customers", 5, 61.0)])
    told = tell(SITE, "A+100 B+101 A-102 B-103", state=told.state)
    assert (told.kinds, told.counted) == (["entry"], 6)


def test_minutes_of_chatter_are_over_when_they_are_over() -> None:
    told = fold(SITE, [*chatter("main.outer", 0.0, 1200), Tick(131.0)])
    assert faults(SITE, told) == []
    told = tell(SITE, "A+132 B+133 A-134 B-135", state=told.state, quiet_s=6.0)
    assert faults(SITE, told) == []
    assert told.kinds == ["entry"]
    now = zone(SITE, told.state)
    assert now.status is Status.OPEN
    assert now.low is not None
    assert now.high is not None
    assert now.high - now.low < 10, "nobody takes all that chatter for vehicles"


def test_chatter_before_an_outage_says_nothing_of_after_it() -> None:
    told = fold(SITE, [*chatter("main.outer", 0.0, 28), WentDown(600.0, 3.0)])
    assert told.state.detectors["main.outer"].excess == 0
    assert told.state.detectors["main.outer"].burst == 0


def test_a_barriers_contact_that_flickers_for_long_makes_nothing_uncertain() -> None:
    spec = site(two_loops(barrier=True))
    flicker = [DetectorChanged("main.barrier", i % 2 == 0, 100 + i * 0.5) for i in range(120)]
    told = fold(spec, [*levels("A+0 B+1 A-2 B-3"), *flicker])
    assert [f[:2] for f in faults(spec, told)] == [("main.barrier", FaultKind.CHATTER)]
    assert status(spec, told) == (Status.OPEN, Reason.COUNTED)
    assert zone(spec, told.state).free == 29


def test_a_loop_that_ends_chattering_while_covered_gets_stuck_next() -> None:
    told = fold(SITE, [*chatter("main.outer", 0.0, 31), Tick(3.0 + 4 * STUCK_S)])
    assert faults(SITE, told) == [("main.outer", FaultKind.STUCK, 3.0 + 4 * STUCK_S)]


@pytest.mark.parametrize("limits", [HealthSpec(stuck_after_s=0.01), HealthSpec(stuck_after_s=1, chatter_window_s=60)])
def test_odd_limits_end_in_a_fault_and_not_in_a_loop(limits: HealthSpec) -> None:
    spec = site(two_loops(), health=limits)
    told = fold(spec, [*chatter("main.outer", 0.0, 31), Tick(200.0)])
    assert [f[:2] for f in faults(spec, told)] == [("main.outer", FaultKind.STUCK)]


def test_a_pulse_output_that_fires_often_is_busy_and_not_at_fault() -> None:
    spec = site(one_loop(Direction.ENTRY, output=Output.PULSE))
    text = " ".join(f"L+{i * 2} L-{i * 2 + 0.15}" for i in range(50))
    told = tell(spec, text)
    assert len(told.kinds) == 50
    assert faults(spec, told) == []


# Repeated and late messages


DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("last", "new", "after_s", "news"),
    [
        (Stamp(10), Stamp(11), 1, True),
        (Stamp(10), Stamp(10), 1, False),
        (Stamp(10), Stamp(9), 1, False),
        (Stamp(65_535), Stamp(0), 1, True),
        (Stamp(10), Stamp(0), 1, False),
        (Stamp(10), Stamp(0), DAY_S, True),
        (Stamp(10, 5000.0), Stamp(10, 5000.0), 1, False),
        (Stamp(10, 5000.0), Stamp(10, 5000.0), DAY_S, False),
        (Stamp(10, 5000.0), Stamp(10, 5001.0), 1, False),
        (Stamp(10, 5000.0), Stamp(10, 9000.0), 1, True),
        (Stamp(10, 5000.0), Stamp(9, 4990.0), 1, False),
        (Stamp(10, 5000.0), Stamp(1, 5060.0), 1, True),
        (Stamp(10, 5000.0), Stamp(11, 4000.0), 1, True),
        (Stamp(None, 5000.0), Stamp(None, 4999.0), 1, False),
        (Stamp(None, 5000.0), Stamp(None, 5000.0), 1, True),
        (Stamp(None, 4e9), Stamp(None, 5000.0), 1, False),
        (Stamp(None, 4e9), Stamp(None, 5000.0), 3601, True),
        (Stamp(10, 4e9), Stamp(11, 5000.0), 1, True),
        (Stamp(10), None, 1, True),
        (None, Stamp(10), 1, True),
        (Stamp(10), Stamp(None, 5000.0), 1, True),
    ],
    ids=[
        "next frame",
        "same frame",
        "overtaken frame",
        "counter wrapped",
        "counter near its start at once",
        "counter near its start a day later: device began anew",
        "the very same message",
        "the very same message a day later",
        "same counter, heard by a second gateway",
        "same counter, much later: device began anew",
        "overtaken, with times",
        "device began anew, with times",
        "counter is right, clock went back",
        "older by its time",
        "same time",
        "after one far-future clock",
        "a sensor is not silenced for ever by one far-future clock",
        "a counter helps against a far-future clock at once",
        "no stamp",
        "first stamp",
        "another kind of stamp",
    ],
)
def test_which_messages_are_news(last: Stamp | None, new: Stamp | None, after_s: float, *, news: bool) -> None:
    assert health.is_news(last, 100.0, new, 100.0 + after_s) is news


@given(st.builds(Stamp, st.none() | st.integers(0, 70_000), st.none() | st.floats(0, 5e9)), st.data())
def test_no_stamp_whatever_silences_a_sensor_for_ever(bad: Stamp, data: st.DataObject) -> None:
    good = data.draw(st.builds(Stamp, st.none() | st.integers(0, 70_000), st.none() | st.floats(0, 5e9)))
    if good != bad:
        assert health.is_news(bad, 0.0, good, health.LATE_S + 1.0)


def test_repeated_and_late_messages_of_a_bay_change_nothing_and_are_no_sign_of_life() -> None:
    spec = site(capacity=1, bays=1, inside=None)
    told = fold(
        spec,
        [
            BayChanged("b0", True, 1.0, Stamp(7, 1000.0)),
            BayChanged("b0", False, 2.0, Stamp(8, 1060.0)),
            BayChanged("b0", True, 3.0, Stamp(7, 1000.0)),
            BayChanged("b0", False, 4.0, Stamp(8, 1060.0)),
        ],
    )
    assert told.state.stale == 2
    assert (told.state.bays["b0"].occupied, told.state.bays["b0"].heard_at) == (False, 2.0)


def test_late_messages_of_a_detector_change_nothing() -> None:
    told = fold(
        SITE,
        [
            DetectorChanged("main.outer", True, 1.0, Stamp(7)),
            DetectorChanged("main.outer", False, 2.0, Stamp(8)),
            DetectorChanged("main.outer", True, 3.0, Stamp(7)),
            Tick(10.0),
        ],
    )
    assert told.state.stale == 1
    assert told.state.detectors["main.outer"].occupied is False


@pytest.mark.parametrize(
    ("sent_at", "believed"),
    [(1e9 + 95.0, True), (1e9 - 80_000.0, True), (1e9 - 100_000.0, False), (0.0, True), (4e9, True)],
    ids=["just now", "within the heartbeat", "waited for too long", "a clock in 1970", "a clock in the future"],
)
def test_a_message_that_waited_for_longer_than_a_bay_may_be_silent_says_nothing(
    *, sent_at: float, believed: bool
) -> None:
    spec = site(capacity=1, bays=1, inside=None)
    told = fold(spec, [ClockSet(1e9, 0.0), BayChanged("b0", False, 100.0, Stamp(None, sent_at))])
    assert (told.state.bays["b0"].occupied is False) is believed
    assert told.state.stale == (0 if believed else 1)


def test_events_that_name_nothing_here_are_counted_and_not_fatal() -> None:
    events = (
        DetectorChanged("side.outer", True, 1.0),
        BayChanged("b9", True, 2.0),
        Corrected("roof", 3, 3.0),
        ClosureChanged("roof", True, 4.0),
    )
    told = fold(SITE, events)
    assert told.state.strange == 4
    assert told.counted == 10


def test_a_bay_that_is_silent_is_a_fault_since_its_last_message_or_since_one_listens() -> None:
    spec = site(capacity=2, bays=2, inside=None)
    told = fold(spec, [BayChanged("b0", True, 1000.0), Tick(93_700.0)])
    assert faults(spec, told) == [("b1", FaultKind.SILENT, 93_600.0)]
    told = fold(spec, [BayChanged("b0", True, 1000.0), Tick(100_000.0)])
    assert set(faults(spec, told)) == {("b0", FaultKind.SILENT, 94_600.0), ("b1", FaultKind.SILENT, 93_600.0)}


def test_a_bay_that_never_speaks_again_after_an_outage_is_named_and_one_that_does_is_not() -> None:
    spec = site(capacity=2, bays=2, inside=None)
    heard: list[Event] = [BayChanged("b0", True, 1.0), BayChanged("b1", True, 1.0), WentDown(500_000.0, 10.0)]
    told = fold(spec, [*heard, Tick(500_011.0)])
    assert faults(spec, told) == [], "one listens since the end of the outage"
    b1 = BayChanged("b1", True, 500_020.0)
    told = fold(spec, [*heard, b1, Tick(593_605.0)])
    assert faults(spec, told) == []
    told = fold(spec, [*heard, b1, Tick(593_615.0)])
    assert faults(spec, told) == [("b0", FaultKind.SILENT, 593_610.0)]
    again = fold(spec, [*heard, b1, Tick(593_615.0), BayChanged("b0", False, 593_616.0)])
    assert faults(spec, again) == []


def test_the_sign_says_what_led_to_it() -> None:
    spec = site(one_loop(Direction.ENTRY))
    told = fold(spec, [*levels("L+0"), Tick(STUCK_S), *levels("L-1000"), Tick(1000 + QUIET_S)])
    because = view.report(spec, told.state).signs[0].because
    assert because[-4:] == (
        "main.loop: fault stuck",
        "customers became UNKNOWN: nothing_counts",
        "main.loop: works again",
        "customers became OPEN: counted",
    )


def test_a_busy_zone_does_not_push_out_why_a_quiet_one_says_what_it_says() -> None:
    spec = site(two_loops(), two_loops("roof", "roof"), zones=(ZoneSpec("roof", 9, initial_occupied=0),))
    traffic = [e for i in range(30) for e in levels(f"A+{i}.1 B+{i}.2 A-{i}.6 B-{i}.7", "roof")]
    told = fold(spec, [Corrected("customers", 40, 0.0), *traffic])
    assert view.report(spec, told.state).signs[0].because == (
        "customers became OPEN: counted",
        "corrected: 40 inside (was 10)",
        "customers became FULL: counted",
    )


def test_bays_that_are_a_sample_are_not_what_led_to_the_number() -> None:
    spec = site(two_loops(), bays=2)
    told = fold(spec, [BayChanged(f"b{i % 2}", i % 4 < 2, float(i)) for i in range(100)])
    assert view.report(spec, told.state).signs[0].because == ("customers became OPEN: counted",)
