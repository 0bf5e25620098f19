"""For how long the controller was off, and clocks that are wrong or step."""

from contextlib import closing

import pytest
from fixtures_service import Hands, Start, after_a_crash

from controller.domain.events import (
    Corrected,
    DetectorChanged,
    OutageTold,
    WentDown,
)
from controller.journal import export, open_reader, passages
from controller.service import (
    UNKNOWN_DOWN_S,
)


@pytest.mark.parametrize(
    ("seconds", "status", "reason"), [(121.0, "OPEN", "counted"), (200_000.0, "UNKNOWN", "was_down")]
)
def test_off_for_too_long_and_the_count_is_not_trusted(
    start: Start, hands: Hands, seconds: float, status: str, reason: str
) -> None:
    counting = start()
    counting.stop()
    hands.advance(seconds)
    hands.wall -= 50_000.0  # on the same boot the wall clock does not matter
    again = start()
    assert (again.zone()["status"], again.zone()["reason"]) == (status, reason)
    assert again.entries() == [WentDown(seconds, 0.0)]
    assert again.command(do="correct", zone="customers", occupied=12) is None
    again.settle()
    assert (again.zone()["status"], again.zone()["free"]) == ("OPEN", 28)
    assert again.entries()[-1] == Corrected("customers", 12, seconds)


@pytest.mark.parametrize(
    ("wall_s", "told_s"), [(30.0, 30.0), (4000.0, 4000.0), (-1.0, UNKNOWN_DOWN_S), (-9e8, UNKNOWN_DOWN_S)]
)
def test_after_a_reboot_the_wall_clock_tells_how_long_it_was_off(
    start: Start, hands: Hands, wall_s: float, told_s: float
) -> None:
    counting = start()
    counting.stop()
    hands.monotonic, hands.boot = 3.0, "another boot"
    hands.wall += wall_s
    again = start()
    assert again.entries() == [WentDown(told_s, 0.0)]
    assert again.zone()["status"] == ("OPEN" if told_s < UNKNOWN_DOWN_S else "UNKNOWN")
    hands.advance(5.0)
    again.level("main.outer", True)
    again.settle()
    assert again.entries()[-1] == DetectorChanged("main.outer", True, told_s + 5.0)


@pytest.mark.parametrize("off_s", [20.0, 14 * 3600.0])
def test_a_machine_without_a_clock_chip_tells_no_number_until_its_clock_is_set(
    start: Start, hands: Hands, off_s: float
) -> None:
    counting = start()
    counting.car()
    counting.stop()
    hands.monotonic, hands.boot, hands.synchronised = 3.0, "another boot", False
    hands.wall += 2.0  # it went on from where it was saved
    again = start()
    assert (again.zone()["status"], again.zone()["reason"]) == ("UNKNOWN", "was_down")
    assert (again.zone()["low"], again.zone()["high"], again.zone()["occupied"]) == (0, 40, None)
    again.car()
    crashed = after_a_crash(again, start, off_s=1.0)
    assert crashed.zone()["reason"] == "was_down", "a restart of ours meanwhile changes nothing"
    hands.wall += off_s - 2.0
    hands.synchronised = True
    crashed.pass_time(1.0)
    assert crashed.counted == 12
    told = [entry.seconds for entry in crashed.entries() if isinstance(entry, OutageTold)]
    assert told == [pytest.approx(off_s, abs=2.0)]
    if off_s < 60:
        assert (crashed.zone()["status"], crashed.zone()["free"]) == ("OPEN", 28)
    width = crashed.zone()["high"] - crashed.zone()["low"]
    assert width < 5 if off_s < 60 else width > 8


def test_whoever_counts_need_not_wait_for_the_clock(start: Start, hands: Hands) -> None:
    start().stop()
    hands.monotonic, hands.boot, hands.synchronised = 3.0, "another boot", False
    again = start()
    assert again.command(do="correct", zone="customers", occupied=7) is None
    again.settle()
    assert again.zone()["free"] == 33
    hands.wall += 50_000.0
    hands.synchronised = True
    again.pass_time(1.0)
    assert again.zone()["free"] == 33, "what was counted after the outage is not doubted for it"


def test_where_no_boot_can_be_told_the_wall_clock_counts(start: Start, hands: Hands) -> None:
    hands.boot = ""
    counting = start()
    counting.stop()
    hands.wall += 60.0
    assert start().entries() == [WentDown(60.0, 0.0)]


def test_the_first_start_was_not_off(start: Start) -> None:
    assert start().entries() == []


def test_a_step_of_the_wall_clock_moves_no_count_and_is_noted(start: Start, hands: Hands) -> None:
    counting = start()
    epoch = counting.said[-1]["epoch"]
    counting.car()
    hands.wall += 7200.0
    hands.advance(1.0)
    counting.settle()
    counting.settle()
    assert counting.counted == 11
    assert counting.said[-1]["epoch"] == pytest.approx(epoch + 7200.0, abs=0.01)
    counting.car()
    assert counting.counted == 12
    with closing(open_reader(counting.path)) as db:
        later, sooner = (row["wall"] for row in passages(db, 2))
    assert later - sooner == pytest.approx(7200.0 + 7.0)


def test_a_little_drift_of_the_wall_clock_is_not_worth_a_line(start: Start, hands: Hands) -> None:
    counting = start()
    before = len(list(export(counting.path)))
    hands.wall += 1.9
    counting.settle()
    assert len(list(export(counting.path))) == before
