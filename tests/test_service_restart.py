"""Restarts: what a crash leaves, and what the pins kept while no process was there."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fixtures_service import SITE, Counting, Hands, Start, after_a_crash, seen
from fixtures_site import WriteSite

from controller.domain.events import (
    ChangesLost,
    DetectorChanged,
    WentDown,
    WentUnreadable,
)
from controller.inputs.gpio import ChangesMissed, PinLevel, Unreadable
from controller.journal import open_reader
from controller.service import (
    Item,
)
from controller.site import load
from controller.store import SNAPSHOT_INPUTS


def test_a_restart_continues_with_the_count(start: Start, hands: Hands) -> None:
    counting = start()
    counting.car()
    counting.stop()
    hands.advance(10.0)
    again = start()
    assert (again.counted, again.zone()["status"]) == (11, "OPEN")
    assert WentDown(10.0, 7.0) not in again.entries()[:1]
    again.car()
    assert again.passed() == ["entry", "entry"]


def test_after_a_crash_the_state_is_what_it_was(start: Start, hands: Hands) -> None:
    counting = start()
    for number in range(5):
        hands.advance(0.123456789)
        counting.car(*(("main.outer", "main.inner") if number % 2 else ("main.inner", "main.outer")))
        counting.message("bays/B2", seen(number % 2 == 0, hands.wall))
    before = counting.service.state
    again = after_a_crash(counting, start)
    after = again.service.state
    assert again.counted == 9
    assert (after.zones, after.bays, after.passages) == (before.zones, before.bays, before.passages)
    for name, lane in before.lanes.items():
        now = after.lanes[name]
        assert (now.entries, now.exits, now.ambiguous) == (lane.entries, lane.exits, lane.ambiguous)
    assert again.passed() == counting.passed() == ["exit", "entry", "exit", "entry", "exit"]


@pytest.mark.parametrize("off_s", [0.0, 600.0])
def test_a_passage_decided_by_its_last_level_settling_survives_a_crash_right_after(
    start: Start, hands: Hands, off_s: float
) -> None:
    counting = start()
    counting.car(rest_s=0.0)
    assert counting.counted == 10, "its last level has not settled yet"
    hands.advance(0.1)
    counting.settle()
    assert (counting.counted, counting.zone()["free"]) == (11, 29)
    again = after_a_crash(counting, start, off_s=off_s)
    assert (again.counted, again.passed()) == (11, ["entry"])


@pytest.mark.parametrize("off_s", [0.0, 600.0])
def test_a_passage_decided_by_a_time_out_survives_a_crash_right_after(start: Start, hands: Hands, off_s: float) -> None:
    counting = start()
    followed = (("outer", True), ("inner", True), ("outer", False), ("outer", True), ("inner", False))
    for role, occupied in followed:
        counting.level(f"main.{role}", occupied)
        hands.advance(0.5)
    counting.pass_time(1.0)
    assert counting.counted == 10, "a follower or a reversal? nobody knows yet"
    counting.pass_time(5.0)
    assert (counting.counted, counting.zone()["free"]) == (11, 29)
    again = after_a_crash(counting, start, off_s=off_s)
    assert (again.counted, again.passed()) == (11, ["entry"])


def test_a_passage_that_was_not_yet_in_the_history_is_added_by_the_restart(start: Start) -> None:
    counting = start()
    counting.car()
    counting.car()
    with closing(sqlite3.connect(counting.path)) as db, db:
        db.execute("DELETE FROM passage WHERE id = 2")
    again = after_a_crash(counting, start)
    assert again.passed() == ["entry", "entry"]


def test_a_car_on_the_loops_when_the_power_went_is_not_counted(start: Start) -> None:
    counting = start()
    counting.level("main.outer", True)
    counting.level("main.inner", True)
    counting.settle()
    again = after_a_crash(counting, start)
    again.level("main.outer", False)
    again.level("main.inner", False)
    again.settle()
    assert again.counted == 10


def test_many_inputs_make_a_snapshot_and_a_restart_needs_only_what_came_after(start: Start, hands: Hands) -> None:
    counting = start()
    for number in range(SNAPSHOT_INPUTS + 10):
        hands.advance(20.0)
        counting.level("main.outer", number % 2 == 0)
    counting.car()
    with closing(open_reader(counting.path)) as db:
        (newest,) = db.execute("SELECT max(input_id) FROM snapshot").fetchone()
        assert newest >= SNAPSHOT_INPUTS
    with closing(sqlite3.connect(counting.path)) as db, db:
        db.execute("DELETE FROM input WHERE id < ?", (newest,))
    assert after_a_crash(counting, start).counted == counting.counted


def test_who_is_killed_again_and_again_does_not_begin_ever_later(start: Start, hands: Hands) -> None:
    counting, tails = start(), []
    for _ in range(4):
        for number in range(200):
            hands.advance(2.0)
            counting.level("main.barrier", number % 2 == 0)
        counting.settle()
        with closing(open_reader(counting.path)) as db:
            sql = "SELECT count(*) FROM input WHERE id > (SELECT coalesce(max(input_id), 0) FROM snapshot)"
            tails.append(db.execute(sql).fetchone()[0])
        counting = after_a_crash_again(counting, start)
    assert max(tails) < SNAPSHOT_INPUTS + 200, tails


def after_a_crash_again(counting: Counting, start: Start) -> Counting:
    again = after_a_crash(counting, start)
    again.settle()
    return again


def history(counting: Counting, table: str, what: str) -> list[tuple[Any, ...]]:
    with closing(open_reader(counting.path)) as db:
        return db.execute(f"SELECT {what} FROM {table} ORDER BY t").fetchall()  # noqa: S608  a test's own words


def test_a_correction_that_was_taken_back_is_no_history(start: Start) -> None:
    counting = start()
    assert counting.command(do="correct", zone="customers", occupied=40) is None
    counting.pass_time(60.0)
    assert counting.command(do="correct", zone="customers", occupied=4) is None
    assert counting.command(do="undo", zone="customers") is None
    counting.pass_time(120.0)
    assert history(counting, "correction", "told") == [(40,)]
    assert counting.counted == 40


def test_the_history_is_written_with_what_it_tells_of_and_goes_on_after_a_crash(start: Start, hands: Hands) -> None:
    counting = start()
    counting.message("bays/B1", "1")
    for _ in range(7):
        counting.pass_time(100.0)
    assert counting.command(do="correct", zone="customers", occupied=40, by="Ala") is None
    assert history(counting, "correction", "told, believed, counted") == [(40, 10, 10)]
    levels = history(counting, "level", "wall, occupied, status, zone")
    assert [row[1:3] for row in levels if row[3] == "customers"] == [
        (10, "OPEN"),
        (10, "OPEN"),
        (10, "OPEN"),
        (40, "FULL"),
    ]
    assert levels[-1][0] == pytest.approx(hands.wall, abs=1)

    again = after_a_crash(counting, start, off_s=3600.0)
    back = hands.wall
    again.pass_time(70.0)  # nothing else is written meanwhile: it goes with the sign of life
    assert history(again, "bay_level", "bay, occupied") == [("B1", 1), ("B1", None)]
    levels = history(again, "level", "wall, status")
    assert levels[-1][0] == pytest.approx(back, abs=1), "what is known after the outage"
    assert not [wall for wall, _ in levels if back - 3600 + 1 < wall < back - 1], "and nothing during it"


def test_the_old_is_forgotten_after_keep_days(start: Start, hands: Hands) -> None:
    counting = start()
    counting.car()
    for _ in range(4):
        counting.stop()
        hands.advance(86_400.0)
        counting = start()
    assert counting.passed() == []
    assert min(e.at for e in counting.entries()) > 86_400.0
    assert counting.counted == 11


def test_a_zone_that_is_new_in_the_site_file_starts_afresh(start: Start, write_site: WriteSite, tmp_path: Path) -> None:
    counting = start()
    counting.car()
    counting.stop()
    text = SITE + '[[zone]]\nname = "roof"\ncapacity = 9\ninitial_occupied = 4\n'
    text += '[[lane]]\nname = "ramp"\nzone = "roof"\ndirection = "entry"\nloop = { gpio = 5 }\n'
    again = start(tmp_path / "state", load(write_site(text, "new.toml")))
    assert (again.counted, again.service.state.zones["roof"].counted) == (11, 4)


# What the pins kept while no process was there


LOOPS = ("main.inner", "main.outer")


def kept(hands: Hands, taken: list[float], *changes: tuple[str, bool, float]) -> list[Item]:
    """What pins tell first: changes since, with the time at which they were (s, from the clock's hands now)."""
    return [
        PinLevel(detector, occupied, hands.monotonic + at, partial(taken.append, at))
        for detector, occupied, at in changes
    ]


WHILE_DOWN = (
    ("main.outer", True, -20.0),
    ("main.inner", True, -19.5),
    ("main.outer", False, -19.2),
    ("main.inner", False, -18.9),
)


def test_a_car_that_passed_while_count_was_down_is_counted_at_its_own_time(start: Start, hands: Hands) -> None:
    counting = start()
    counting.car()
    counting.stop()
    hands.advance(30.0)
    taken: list[float] = []
    again = start(kept=LOOPS, before=kept(hands, taken, *WHILE_DOWN))
    assert again.entries()[-5:] == [
        WentDown(30.0, 6.0, LOOPS),
        DetectorChanged("main.outer", True, 16.0),
        DetectorChanged("main.inner", True, 16.5),
        DetectorChanged("main.outer", False, 16.8),
        DetectorChanged("main.inner", False, 17.1),
    ]
    assert again.counted == 12
    assert (again.zone()["low"], again.zone()["high"]) == (28, 28)
    assert taken == [-20.0, -19.5, -19.2, -18.9], "they are in the journal, and may be forgotten"


def test_a_change_that_was_in_the_journal_already_is_not_told_twice(start: Start, hands: Hands) -> None:
    """Count died after the commit, and before what remembers its changes could forget them."""
    counting = start()
    counting.car()
    now = hands.monotonic
    counting.stop()
    hands.advance(30.0)
    taken: list[float] = []
    car = [
        ("main.outer", True, -6.0),
        ("main.inner", True, -5.6),
        ("main.outer", False, -5.4),
        ("main.inner", False, -5.0),
    ]
    back = now - hands.monotonic
    again = start(kept=LOOPS, before=kept(hands, taken, *((d, o, at + back) for d, o, at in car), *WHILE_DOWN))
    assert again.counted == 12
    assert sum(isinstance(entry, DetectorChanged) for entry in again.entries()) == 8
    assert len(taken) == 8


def test_what_was_lost_while_count_was_down_widens_the_count(start: Start, hands: Hands) -> None:
    start().stop()
    hands.advance(30.0)
    again = start(kept=LOOPS, before=[ChangesMissed("main.outer", 7, hands.monotonic - 10.0)])
    assert again.entries() == [WentDown(30.0, 0.0, LOOPS), ChangesLost("main.outer", 7, 20.0)]
    assert (again.zone()["low"], again.zone()["high"]) == (26, 34)


def test_a_pin_that_cannot_be_read_is_a_fault_and_its_next_level_ends_it(start: Start, hands: Hands) -> None:
    counting = start()
    for detector in LOOPS:
        counting.level(detector, False)
    for _ in range(2):  # told once, however often it is said
        counting.service.put(Unreadable("main.outer", hands.monotonic))
    counting.settle()
    assert counting.entries()[-1] == WentUnreadable("main.outer", 0.0)
    assert [(f["subject"], f["kind"]) for f in counting.said[-1]["lot"]["faults"]] == [("main.outer", "unreadable")]
    counting.level("main.outer", False)  # the level that it had before
    counting.pass_time(1.0)
    assert counting.said[-1]["lot"]["faults"] == []
    assert sum(isinstance(entry, WentUnreadable) for entry in counting.entries()) == 1
