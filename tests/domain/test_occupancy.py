"""From a count, or from bays, to a status: hysteresis, clamping, and when nothing may be said."""

import pytest
from domain_lots import fold, levels, one_loop, shown, site, tell, two_loops, zone
from hypothesis import given
from hypothesis import strategies as st

from controller.domain import lot, view
from controller.domain.events import (
    BayChanged,
    ChangesLost,
    ClosureChanged,
    Corrected,
    Event,
    Tick,
    WentDown,
    WentUnreadable,
)
from controller.domain.report import FaultKind, MessageKind, Reason, Status, ZoneReport
from controller.domain.specs import SILENT_AFTER_S, Direction, HealthSpec, LotSpec

LANE = two_loops()


def corrected(spec: LotSpec, *occupied: int) -> tuple[Status, int | None, str]:
    """Say what is shown after these corrections, one after the other."""
    told = fold(spec, [Corrected("customers", number, float(i)) for i, number in enumerate(occupied)])
    now = zone(spec, told.state)
    return now.status, now.free, shown(spec, told.state).text


def width(now: ZoneReport) -> int:
    """Return how far low and high are apart."""
    assert now.low is not None
    assert now.high is not None
    return now.high - now.low


def test_an_unknown_start_shows_p_until_somebody_corrects_it() -> None:
    spec = site(LANE, inside=None)
    told = tell(spec, "A+0 B+1 A-2 B-3")
    now = zone(spec, told.state)
    assert (now.status, now.reason) == (Status.UNKNOWN, Reason.NEVER_COUNTED)
    assert (now.occupied, now.counted, now.free) == (None, None, None)
    assert width(now) > 30, "hardly anything is known"
    assert shown(spec, told.state).text == "P"
    told = fold(spec, [Corrected("customers", 12, 100.0)], told.state)
    assert shown(spec, told.state).text == "28"
    assert tell(spec, "A+200 B+201 A-202 B-203", state=told.state).counted == 13


def test_an_unknown_start_ends_when_every_space_has_a_bay_that_was_heard() -> None:
    spec = site(LANE, inside=None, capacity=40, bays=40)
    told = fold(spec, [BayChanged(f"b{i}", i < 13, float(i)) for i in range(39)])
    assert shown(spec, told.state).text == "P"
    told = fold(spec, [BayChanged("b39", False, 50.0)], told.state)
    assert shown(spec, told.state).text == "27"
    told = fold(spec, [BayChanged("b39", True, 51.0)], told.state)
    assert shown(spec, told.state).text == "27", "once known, passages count and bays are evidence for later"


def test_bays_that_are_only_a_sample_do_not_end_an_unknown_start() -> None:
    spec = site(LANE, inside=None, capacity=4, bays=3)
    told = fold(spec, [BayChanged(f"b{i}", False, 1.0) for i in range(3)])
    assert shown(spec, told.state).text == "P"


def test_full_says_brak_wolnych_miejsc_and_opens_again_at_reopen_at() -> None:
    spec = site(LANE, limits=(1, 4, 6))
    full = (Status.FULL, 1, "brak wolnych miejsc")
    assert corrected(spec, 33) == (Status.OPEN, 7, "7")
    assert corrected(spec, 34) == (Status.NEARLY_FULL, 6, "6")
    assert corrected(spec, 38) == (Status.NEARLY_FULL, 2, "2")
    assert corrected(spec, 39) == full
    assert corrected(spec, 39, 37) == (Status.FULL, 3, "brak wolnych miejsc")
    assert corrected(spec, 39, 36) == (Status.NEARLY_FULL, 4, "4")
    assert corrected(spec, 39, 36, 37) == (Status.NEARLY_FULL, 3, "3")


def test_a_lot_that_was_never_full_needs_no_reopening() -> None:
    spec = site(LANE, inside=39, limits=(0, 3, None))
    assert shown(spec, lot.initial(spec)).text == "1"


def test_a_lot_that_is_full_says_why_while_a_few_spaces_are_free() -> None:
    spec = site(LANE, limits=(0, 2, None))
    told = fold(spec, [Corrected("customers", 40, 0.0)])
    assert zone(spec, told.state).reason is Reason.COUNTED
    told = fold(spec, [Corrected("customers", 39, 1.0)], told.state)
    assert (zone(spec, told.state).status, zone(spec, told.state).reason) == (Status.FULL, Reason.HYSTERESIS)


def test_the_count_is_kept_signed_and_unclamped_and_shown_clamped() -> None:
    spec = site(LANE, capacity=10, inside=0)
    told = tell(spec, "B+0 A+1 B-2 A-3")
    now = zone(spec, told.state)
    assert (now.counted, now.occupied, now.free, now.low, now.high) == (-1, 0, 10, 10, 10)
    told = fold(spec, [Corrected("customers", 13, 100.0)], told.state)
    now = zone(spec, told.state)
    assert (now.counted, now.occupied, now.free, now.status) == (13, 13, 0, Status.FULL)
    told = tell(spec, "B+200 A+201 B-202 A-203", state=told.state)
    now = zone(spec, told.state)
    assert (now.counted, now.occupied, now.status) == (12, 12, Status.FULL)


@given(capacity=st.integers(1, 50), occupied=st.lists(st.integers(-5, 60), min_size=1, max_size=10), data=st.data())
def test_whatever_is_counted_what_is_shown_fits_the_lot(
    capacity: int, occupied: list[int], data: st.DataObject
) -> None:
    full_at = data.draw(st.integers(0, capacity - 1))
    reopen_at = data.draw(st.integers(full_at + 1, capacity))
    spec = site(LANE, capacity=capacity, limits=(full_at, reopen_at, None))
    status, free, text = corrected(spec, *occupied)
    assert free == min(max(capacity - occupied[-1], 0), capacity)
    if free <= full_at:
        assert status is Status.FULL
    if free >= reopen_at:
        assert status is Status.OPEN
    assert text == ("brak wolnych miejsc" if status is Status.FULL else str(free))


@pytest.mark.parametrize("inside", [0, 40, None])
def test_closed_by_staff_comes_before_everything(inside: int | None) -> None:
    spec = site(LANE, inside=inside)
    told = fold(spec, [ClosureChanged("customers", True, 1.0), *levels("A+2"), Tick(2000.0)])
    assert shown(spec, told.state).kind is MessageKind.CLOSED
    told = fold(spec, [*levels("B+2001"), Tick(7000.0)], told.state)
    assert zone(spec, told.state).status is Status.CLOSED, "even with every detector at fault"
    told = fold(spec, [ClosureChanged("customers", False, 7001.0)], told.state)
    assert shown(spec, told.state).kind is MessageKind.BLANK


IN, OUT = one_loop(Direction.ENTRY, "in"), one_loop(Direction.EXIT, "out")


def test_with_one_lane_at_fault_less_and_less_is_known_and_with_all_of_them_the_sign_is_blank() -> None:
    spec = site(IN, OUT)
    told = fold(spec, [*levels("L+0", "out"), Tick(901.0)])
    now = zone(spec, told.state)
    assert (now.status, now.free) == (Status.OPEN, 30), "next to nothing can have passed as yet"
    told = fold(spec, [Tick(3600.0)], told.state)
    in_an_hour = width(zone(spec, told.state))
    told = fold(spec, [Tick(6 * 3600.0)], told.state)
    assert 0 < in_an_hour < width(zone(spec, told.state))
    told = fold(spec, [*levels("L+90000", "in"), Tick(91_000.0)], told.state)
    assert shown(spec, told.state).kind is MessageKind.BLANK
    assert zone(spec, told.state).reason is Reason.NOTHING_COUNTS


def test_with_bays_that_work_something_still_counts() -> None:
    spec = site(IN, bays=2)
    told = fold(spec, [BayChanged("b0", False, 0.0), *levels("L+0", "in"), Tick(901.0)])
    assert shown(spec, told.state).kind is not MessageKind.BLANK


def test_a_zone_of_bays_counts_what_they_say() -> None:
    spec = site(capacity=3, bays=3, inside=None)
    assert zone(spec, lot.initial(spec)).reason is Reason.NEVER_COUNTED
    told = fold(spec, [BayChanged("b0", False, 1.0)])
    now = zone(spec, told.state)
    assert (now.free, now.occupied, now.status, now.reason) == (1, 0, Status.OPEN, Reason.BAYS)
    told = fold(spec, [BayChanged("b1", True, 2.0)], told.state)
    assert zone(spec, told.state).occupied == 1
    assert shown(spec, told.state).text == "1"
    told = fold(spec, [BayChanged("b2", True, 3.0)], told.state)
    assert (zone(spec, told.state).free, zone(spec, told.state).occupied) == (1, 2)
    told = fold(spec, [BayChanged("b0", True, 4.0)], told.state)
    assert shown(spec, told.state).text == "brak wolnych miejsc"


def test_full_needs_every_bay() -> None:
    spec = site(capacity=3, bays=3, inside=None)
    told = fold(spec, [BayChanged("b0", True, 1.0), BayChanged("b1", True, 2.0)])
    now = zone(spec, told.state)
    assert (now.status, now.reason, now.free) == (Status.UNKNOWN, Reason.BAYS_SILENT, None)
    assert shown(spec, told.state).text == "P"


def test_a_closed_zone_of_bays_offers_no_number_that_is_not_trusted() -> None:
    spec = site(capacity=3, bays=3, inside=None)
    told = fold(spec, [BayChanged("b0", True, 1.0), ClosureChanged("customers", True, 2.0)])
    assert zone(spec, told.state).free is None


def test_a_bay_that_is_silent_for_too_long_is_not_offered_and_all_silent_is_blank() -> None:
    spec = site(capacity=2, bays=2, inside=None)
    told = fold(spec, [BayChanged("b0", False, 0.0), BayChanged("b1", False, 10.0), BayChanged("b0", False, 20.0)])
    told = fold(spec, [Tick(10.0 + SILENT_AFTER_S - 0.001)], told.state)
    assert zone(spec, told.state).free == 2
    told = fold(spec, [Tick(10.0 + SILENT_AFTER_S)], told.state)
    assert zone(spec, told.state).free == 1
    told = fold(spec, [Tick(20.0 + SILENT_AFTER_S)], told.state)
    assert shown(spec, told.state).kind is MessageKind.BLANK
    told = fold(spec, [BayChanged("b1", False, 200_000.0)], told.state)
    assert shown(spec, told.state).text == "1"


def test_down_for_a_short_time_changes_nothing() -> None:
    spec = site(LANE, bays=1)
    told = fold(spec, [BayChanged("b0", True, 0.0), WentDown(120.0, 1.0), Tick(121.0)])
    assert shown(spec, told.state).text == "30"


def test_down_for_longer_widens_what_is_believed_until_somebody_corrects_it() -> None:
    spec = site(LANE)
    told = tell(spec, "A+1500 B+1501 A-1502 B-1503", state=fold(spec, [WentDown(1200.0, 0.0)]).state)
    now = zone(spec, told.state)
    assert (now.status, now.free, now.counted) == (Status.OPEN, 29, 11)
    assert 1 < width(now) < 14
    told = fold(spec, [WentDown(86_400.0, 0.0)])
    now = zone(spec, told.state)
    assert (now.free, now.reason) == (None, Reason.WAS_DOWN)
    told = fold(spec, [Corrected("customers", 20, 90_000.0)], told.state)
    assert shown(spec, told.state).text == "20"


def test_nothing_is_taken_to_have_passed_during_a_blink_that_is_trusted() -> None:
    spec = site(LANE, health=HealthSpec(down_trust_s=3600.0))
    now = zone(spec, fold(spec, [WentDown(3600.0, 0.0), Tick(3600.0)]).state)
    assert (now.low, now.free, now.high) == (30, 30, 30)


def test_bays_from_before_a_long_absence_do_not_vouch_for_the_count() -> None:
    spec = site(LANE, capacity=20, bays=20, inside=10)
    bays = [f"b{i}" for i in range(20)]
    told = fold(spec, [*(BayChanged(b, i < 10, float(i)) for i, b in enumerate(bays)), WentDown(86_400.0, 20.0)])
    assert zone(spec, told.state).reason is Reason.WAS_DOWN
    told = fold(spec, [BayChanged(b, i < 5, 86_500.0 + i) for i, b in enumerate(bays[:-1])], told.state)
    assert shown(spec, told.state).text == "P"
    told = fold(spec, [BayChanged("b19", False, 86_520.0)], told.state)
    assert shown(spec, told.state).text == "15"


def test_a_zone_of_bays_begins_anew_after_a_long_absence() -> None:
    spec = site(capacity=2, bays=2, inside=None)
    told = fold(spec, [BayChanged("b0", False, 0.0), BayChanged("b1", False, 1.0), WentDown(7200.0, 2.0)])
    assert zone(spec, told.state).reason is Reason.WAS_DOWN
    assert shown(spec, told.state).text == "P"
    told = fold(spec, [BayChanged("b1", False, 7300.0)], told.state)
    assert shown(spec, told.state).text == "1"
    told = fold(spec, [Tick(300_000.0)], told.state)
    assert zone(spec, told.state).reason is Reason.NOTHING_COUNTS, "silence is not the absence any more"


def test_a_correction_does_not_speak_against_bays_that_count() -> None:
    spec = site(capacity=2, bays=2, inside=None)
    told = fold(spec, [BayChanged("b0", False, 0.0), WentDown(7200.0, 2.0), Corrected("customers", 1, 7300.0)])
    assert shown(spec, told.state).text == "P"
    assert view.report(spec, told.state).signs[0].because[-1] == "corrected: 1 inside, but its bays count it"


def test_full_is_forgotten_while_the_count_is_not_trusted() -> None:
    spec = site(LANE, limits=(0, 3, None))
    told = fold(spec, [Corrected("customers", 40, 0.0), WentDown(7200.0, 1.0), Corrected("customers", 39, 7300.0)])
    assert shown(spec, told.state).text == "1"


def test_since_is_when_the_status_changed_and_not_when_the_number_did() -> None:
    spec = site(LANE, inside=None)
    told = fold(spec, [Corrected("customers", 1, 5.0), Corrected("customers", 2, 9.0)])
    assert zone(spec, told.state).since == 5.0


LOOPS = ("main.outer", "main.inner")


def test_an_absence_in_which_every_change_was_kept_widens_nothing() -> None:
    """A car begins before it, two pass in it; what the detectors kept is heard afterwards, with its own times."""
    spec = site(LANE)
    before = fold(spec, levels("A+9"))
    kept: list[Event] = [WentDown(400.0, 9.5, LOOPS), *levels("B+10 A-11 B-12 A+200 B+201 A-202 B-203"), Tick(410.0)]
    told = fold(spec, kept, before.state)
    assert told.kinds == ["entry", "entry"]
    now = zone(spec, told.state)
    assert (now.low, now.free, now.high) == (28, 28, 28)


def test_an_absence_in_which_one_loop_was_not_kept_widens_as_ever() -> None:
    spec = site(LANE)
    now = zone(spec, fold(spec, [WentDown(1200.0, 0.0, LOOPS[:1]), Tick(1200.0)]).state)
    assert width(now) > 1


def test_lost_changes_widen_the_count_by_as_many_vehicles_as_they_may_have_been() -> None:
    spec = site(LANE)
    now = zone(spec, fold(spec, [ChangesLost("main.outer", 7, 5.0)]).state)
    assert (now.low, now.high) == (26, 34)
    told = fold(spec, [ChangesLost("main.outer", 2000, 5.0)])
    assert zone(spec, told.state).reason is Reason.DETECTOR_FAULT
    assert shown(spec, told.state).text == "P"
    assert "main.outer: 2000 changes were lost" in view.report(spec, told.state).signs[0].because


def test_lost_changes_of_a_detector_that_is_not_here_are_strange() -> None:
    spec = site(LANE)
    state = fold(spec, [ChangesLost("other.outer", 7, 5.0), WentUnreadable("other.outer", 6.0)]).state
    assert state.strange == 2


def test_a_detector_that_cannot_be_read_is_at_fault_until_it_is_heard_again() -> None:
    spec = site(LANE)
    told = fold(spec, [WentUnreadable(loop, 5.0) for loop in LOOPS])
    assert {(f.subject, f.kind) for f in view.report(spec, told.state).faults} == {
        (loop, FaultKind.UNREADABLE) for loop in LOOPS
    }
    assert shown(spec, told.state).kind is MessageKind.BLANK
    told = tell(spec, "A-60 B-60 A+70 B+71 A-72 B-73", state=told.state)
    assert view.report(spec, told.state).faults == ()
    assert told.kinds == ["entry"]
