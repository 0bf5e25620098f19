"""The one thread that owns all state: real journal, real sensors; only the clocks are the test's own."""

import itertools
import json
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fixtures_site import LANE_SITE, Product, WriteSite, drive_in, edited, wait_until

from controller.clocks import Clocks, boot_id
from controller.domain.events import (
    ChangesLost,
    ClockSet,
    Corrected,
    DetectorChanged,
    OutageTold,
    WentDown,
    WentUnreadable,
)
from controller.domain.report import Reason, Status
from controller.inputs.gpio import ChangesMissed, PinLevel, Unreadable
from controller.inputs.mqtt import MqttMessage
from controller.inputs.sensors import Sensors
from controller.journal import Journal, export, open_reader, passages
from controller.recording import Entry, Message, read_line
from controller.service import (
    BATCH,
    MAX_PAYLOAD,
    UNKNOWN_DOWN_S,
    Command,
    Item,
    Outlets,
    Service,
)
from controller.site import Site, load
from controller.store import SNAPSHOT_INPUTS

SITE = (
    LANE_SITE
    + """
[[zone]]
name = "disabled"
capacity = 2

[[bay]]
name = "B1"
zone = "disabled"
mqtt = "bays/B1"

[[bay]]
name = "B2"
zone = "disabled"
mqtt = "bays/B2"
format = "zigbee2mqtt/occupancy"
silent_after_s = 3600

[journal]
keep_days = 2
"""
)
BOOT = "this boot"


@dataclass
class Hands:
    """Clocks whose hands the test moves."""

    monotonic: float = 5000.0
    wall: float = 1_795_000_000.0
    boot: str = BOOT
    synchronised: bool = True

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.monotonic, lambda: self.wall, self.boot, synchronised=lambda: self.synchronised)


@dataclass
class Acked:
    """Called when a message is acknowledged or a command answered; notes what the journal held by then."""

    path: Path
    inputs: list[int] = field(default_factory=list)

    def __call__(self) -> None:
        with closing(open_reader(self.path)) as db:
            self.inputs.append(db.execute("SELECT count(*) FROM input").fetchone()[0])


class Counting:
    """A service that runs in a thread of its own, and what it says."""

    def __init__(
        self, site: Site, folder: Path, hands: Hands, kept: Sequence[str] = (), before: Sequence[Item] = ()
    ) -> None:
        self.hands = hands
        self.path = folder / "journal.sqlite"
        self.said: list[dict[str, Any]] = []
        self.held, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.service: Service
        self._made = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(site, kept, before))
        self._thread.start()
        assert self._made.wait(10), self.error
        self.settle()

    def _run(self, site: Site, kept: Sequence[str], before: Sequence[Item]) -> None:
        try:
            with closing(Journal(self.path)) as journal:
                self.service = Service(site, journal, Sensors(site.sensors), self.hands.clocks())
                self._made.set()
                for item in before:
                    self.service.put(item)
                self.service.run(Outlets(publish=(self.said.append,), reread=self._reread, kept=frozenset(kept)))
        except Exception as error:  # noqa: BLE001  whatever it is, the test is to see it
            self.error = error

    def _reread(self) -> None:
        self.held.set()
        self.gate.wait(10)

    def stop(self) -> None:
        self.service.stop()
        self._thread.join()

    def settle(self) -> None:
        """Wait until all that was put is folded, committed and spoken of."""
        for _ in range(2):
            self.command(do="nothing", zone="customers")

    def pass_time(self, seconds: float) -> None:
        self.hands.advance(seconds)
        self.settle()

    def command(self, **fields: object) -> str | None:
        answered, answers = threading.Event(), []

        def reply(error: str | None) -> None:
            answers.append(error)
            answered.set()

        self.service.put(Command(fields, reply, self.hands.monotonic))
        assert answered.wait(10), f"no answer; {self.error}"
        error: str | None = answers[0]
        return error

    def level(self, detector: str, occupied: bool, monotonic: float | None = None) -> None:  # noqa: FBT001  a level
        at = self.hands.monotonic if monotonic is None else monotonic
        self.service.put(PinLevel(detector, occupied, at))

    def message(
        self, topic: str, payload: str | bytes, *, retained: bool = False, ack: Callable[[], None] = lambda: None
    ) -> None:
        raw = payload.encode() if isinstance(payload, str) else payload
        self.service.put(MqttMessage(topic, raw, self.hands.monotonic, retained, ack))
        self.settle()

    def car(self, first: str = "main.outer", second: str = "main.inner", *, rest_s: float = 5.0) -> None:
        """Drive a car through; ``rest_s`` later it is settled."""
        for detector, occupied, then_s in CAR[:-1]:
            self.level({"first": first, "second": second}[detector], occupied)
            self.hands.advance(then_s)
        self.level(second, False)
        self.settle()
        if rest_s:
            self.pass_time(rest_s)

    def entries(self) -> list[Entry]:
        """What stands in the journal but for the wall clock."""
        return [e for e in map(read_line, export(self.path)) if not isinstance(e, ClockSet)]

    def passed(self) -> list[str]:
        with closing(open_reader(self.path)) as db:
            return [row["kind"] for row in passages(db, 1000)][::-1]

    @property
    def counted(self) -> int | None:
        return self.service.state.zones["customers"].counted

    def zone(self, name: str = "customers") -> dict[str, Any]:
        zones: dict[str, dict[str, Any]] = {zone["name"]: zone for zone in self.said[-1]["lot"]["zones"]}
        return zones[name]


CAR = (("first", True, 0.4), ("second", True, 0.2), ("first", False, 0.4), ("second", False, 0.0))

Start = Callable[..., Counting]


@pytest.fixture
def site(write_site: WriteSite) -> Site:
    return load(write_site(SITE))


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def start(site: Site, hands: Hands, tmp_path: Path) -> Iterator[Start]:
    """Start counting: the same journal again, unless another folder or site is named."""
    started: list[Counting] = []

    def begin(folder: Path = tmp_path / "state", of: Site = site, **also: Any) -> Counting:
        started.append(Counting(of, folder, hands, **also))
        return started[-1]

    yield begin
    for counting in started:
        counting.gate.set()
        counting.stop()


def after_a_crash(counting: Counting, start: Start, *, off_s: float = 0.0) -> Counting:
    """Start from the files as they lie on the disk now, as after the power went and came back."""
    folder = counting.path.parent.with_name(f"{counting.path.parent.name}-after")
    shutil.copytree(counting.path.parent, folder)
    counting.stop()
    counting.hands.advance(off_s)
    return start(folder)


# Inputs


def test_a_car_that_drives_in_is_counted_said_and_written(start: Start) -> None:
    counting = start()
    assert (counting.counted, counting.zone()["free"]) == (10, 30)
    counting.car()
    assert (counting.counted, counting.zone()["free"]) == (11, 29)
    assert counting.passed() == ["entry"]
    levels = [(e.detector, e.occupied) for e in counting.entries() if isinstance(e, DetectorChanged)]
    assert levels == [("main.outer", True), ("main.inner", True), ("main.outer", False), ("main.inner", False)]
    counting.car("main.inner", "main.outer")
    assert (counting.counted, counting.passed()) == (10, ["entry", "exit"])


def test_a_reread_level_is_written_only_when_it_changed(start: Start, hands: Hands) -> None:
    counting = start()
    for occupied in (False, False, True, True, True, False, False):
        hands.advance(1.0)
        counting.level("main.outer", occupied)
    counting.settle()
    assert [e.occupied for e in counting.entries() if isinstance(e, DetectorChanged)] == [False, True, False]


def test_levels_that_come_out_of_order_are_sorted_by_their_own_time(start: Start, hands: Hands) -> None:
    counting = start()
    counting.gate.clear()
    counting.held.clear()
    hands.advance(1.0)
    counting.level("main.barrier", False)
    assert counting.held.wait(10)
    began = hands.monotonic
    times = itertools.accumulate([0.0, *(then_s for _, _, then_s in CAR[:-1])])
    names = {"first": "main.outer", "second": "main.inner"}
    levels = [(names[d], occupied, began + t) for (d, occupied, _), t in zip(CAR, times, strict=True)]
    hands.advance(2.0)
    for detector, occupied, at in (levels[2], levels[0], levels[3], levels[1]):
        counting.level(detector, occupied, at)
    counting.gate.set()
    counting.settle()
    assert (counting.counted, counting.passed()) == (11, ["entry"])


def test_a_time_from_the_future_is_now_and_one_from_the_past_no_earlier_than_the_last(
    start: Start, hands: Hands
) -> None:
    counting = start()
    hands.advance(10.0)
    counting.level("main.outer", True, hands.monotonic + 99.0)
    counting.settle()
    hands.advance(1.0)
    counting.level("main.outer", False, 0.0)
    counting.settle()
    on, off = (e.at for e in counting.entries())
    assert (on, off) == (10.0, 10.0)


def test_a_detector_that_the_site_does_not_have_is_counted_and_shown(start: Start) -> None:
    counting = start()
    counting.level("side.outer", True)
    counting.settle()
    assert counting.said[-1]["inputs"]["strange"] == 1


def test_a_flood_does_not_keep_what_it_brought_from_being_spoken(start: Start, hands: Hands) -> None:
    counting = start()
    counting.gate.clear()
    hands.advance(1.0)
    for number in range(5 * BATCH):
        counting.level("main.outer", number % 2 == 0)
    before = len(counting.said)
    counting.gate.set()
    counting.settle()
    assert len(counting.said) - before >= 5
    assert len(counting.entries()) == 5 * BATCH


# Messages


def test_a_message_is_acknowledged_after_it_is_in_the_journal(start: Start) -> None:
    counting = start()
    acked = Acked(counting.path)
    before = len(list(export(counting.path)))
    counting.message("bays/B1", "occupied", ack=acked)
    assert acked.inputs == [before + 1]
    assert counting.entries()[-1] == Message("bays/B1", b"occupied", 0.0)
    assert counting.service.state.bays["B1"].occupied is True


@pytest.mark.parametrize("payload", ["perhaps", b"\xff\x00", b"", b"[" * 5000])
def test_a_malformed_message_is_kept_counted_and_acknowledged(start: Start, payload: bytes | str) -> None:
    counting = start()
    acked = Acked(counting.path)
    counting.message("bays/B1", payload, ack=acked)
    assert len(acked.inputs) == 1
    (entry,) = counting.entries()
    assert isinstance(entry, Message)
    assert entry.payload == (payload.encode() if isinstance(payload, str) else payload)
    counting.pass_time(1.0)
    assert counting.said[-1]["inputs"]["sensors"]["malformed"]["bays/B1"]["count"] == 1
    assert after_a_crash(counting, start).counted == 10


def test_a_message_that_is_much_too_long_is_not_taken_and_not_sent_again(start: Start) -> None:
    counting = start()
    acked = Acked(counting.path)
    counting.message("bays/B1", b"1" + b" " * MAX_PAYLOAD, ack=acked)
    assert (len(acked.inputs), counting.entries()) == (1, [])
    counting.pass_time(1.0)
    assert counting.said[-1]["inputs"]["oversize"] == 1
    assert counting.service.state.bays["B1"].occupied is None
    counting.message("bays/B1", b"1" + b"\xff" * (MAX_PAYLOAD - 1))
    assert after_a_crash(counting, start).counted == 10


def test_a_retained_message_without_its_time_is_acknowledged_and_forgotten(start: Start) -> None:
    counting = start()
    acked = Acked(counting.path)
    counting.message("bays/B1", "occupied", retained=True, ack=acked)
    assert (len(acked.inputs), counting.entries()) == (1, [])
    assert counting.service.state.bays["B1"].occupied is None


def seen(occupied: bool, wall: float) -> str:  # noqa: FBT001  a level
    return json.dumps({"occupancy": occupied, "last_seen": int(wall * 1000)})


def test_a_retained_message_that_says_its_time_is_taken(start: Start, hands: Hands) -> None:
    counting = start()
    counting.message("bays/B2", seen(True, hands.wall - 60), retained=True)
    assert counting.service.state.bays["B2"].occupied is True
    assert after_a_crash(counting, start).service.state.bays["B2"].occupied is True


def test_a_message_older_than_the_bay_may_be_silent_is_refused(start: Start, hands: Hands) -> None:
    counting = start()
    counting.message("bays/B2", seen(True, hands.wall - 3601))
    assert counting.service.state.bays["B2"].occupied is None
    assert counting.said[-1]["inputs"]["stale"] == 1


def test_a_late_message_does_not_undo_a_newer_one(start: Start, hands: Hands) -> None:
    counting = start()
    counting.message("bays/B2", seen(True, hands.wall))
    hands.advance(5.0)
    counting.message("bays/B2", seen(False, hands.wall - 60))
    assert counting.service.state.bays["B2"].occupied is True
    assert counting.said[-1]["inputs"]["stale"] == 1


# Commands


def test_a_correction_is_durable_before_it_is_answered_and_remembers_who(start: Start) -> None:
    counting = start()
    assert counting.command(do="correct", zone="customers", occupied=37, by="Ala", reason="counted by eye") is None
    with closing(open_reader(counting.path)) as db:
        assert db.execute("SELECT who, what, reason, before FROM audit").fetchall() == [
            ("Ala", "customers: occupied = 37", "counted by eye", "10")
        ]
    counting.settle()
    assert (counting.counted, counting.zone()["free"]) == (37, 3)
    assert counting.entries() == [Corrected("customers", 37, 0.0)]


def test_closing_and_opening(start: Start) -> None:
    counting = start()
    assert counting.command(do="close", zone="customers", closed=True) is None
    counting.settle()
    assert counting.zone()["status"] == Status.CLOSED
    assert after_a_crash(counting, start).zone()["status"] == Status.CLOSED


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "do None: known are correct, adjust, recount"),
        ({"do": "correct", "zone": "roof", "occupied": 1}, "zone 'roof': no zone has this name"),
        ({"do": "correct", "zone": ["customers"], "occupied": 1}, "no zone has this name"),
        ({"do": "correct", "zone": "customers"}, "occupied None: write the vehicles inside, 0 to 180"),
        ({"do": "correct", "zone": "customers", "occupied": -1}, "occupied -1: write the vehicles inside, 0 to 180"),
        ({"do": "correct", "zone": "customers", "occupied": 181}, "occupied 181: write the vehicles inside, 0 to 180"),
        ({"do": "correct", "zone": "customers", "occupied": 1.0}, "occupied 1.0: write the vehicles inside"),
        ({"do": "correct", "zone": "customers", "occupied": True}, "occupied True: write the vehicles inside"),
        ({"do": "correct", "zone": "customers", "occupied": "7"}, "occupied '7': write the vehicles inside"),
        ({"do": "close", "zone": "customers"}, "closed None: write true or false"),
        ({"do": "close", "zone": "customers", "closed": 1}, "closed 1: write true or false"),
        ({"do": "open", "zone": "customers"}, "do 'open': known are correct, adjust, recount"),
        ({"do": ["correct"], "zone": "customers"}, "known are correct, adjust, recount"),
    ],
)
def test_a_command_that_cannot_be_done_says_why_and_changes_nothing(
    start: Start, fields: dict[str, object], why: str
) -> None:
    counting = start()
    error = counting.command(**fields)
    assert error is not None
    assert why in error
    assert (counting.counted, counting.entries()) == (10, [])


def test_whoever_asks_with_whatever_words_cannot_hurt_the_journal(start: Start) -> None:
    counting = start()
    who, reason = "\ud800" + "x" * 1000, {"a": "\x00"}
    assert counting.command(do="correct", zone="customers", occupied=5, by=who, reason=reason) is None
    with closing(open_reader(counting.path)) as db:
        (who_written,) = db.execute("SELECT who FROM audit").fetchone()
    assert who_written == "?" + "x" * 99
    assert counting.counted == 5


# When the journal can't be written


def locked(counting: Counting) -> sqlite3.Connection:
    other = sqlite3.connect(counting.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_while_another_program_holds_the_journal_nothing_is_acknowledged(start: Start) -> None:
    counting = start()
    acked = Acked(counting.path)
    before = len(list(export(counting.path)))
    with closing(locked(counting)) as other:
        counting.service.put(MqttMessage("bays/B1", b"1", counting.hands.monotonic, False, acked))
        said = len(counting.said)
        counting.level("main.outer", True)
        assert (acked.inputs, len(counting.said)) == ([], said)
        other.execute("COMMIT")
    counting.settle()
    assert acked.inputs[0] > before
    assert counting.service.state.bays["B1"].occupied is True


def test_while_the_journal_cannot_be_written_no_number_is_told_and_all_is_written_later(start: Start) -> None:
    counting = start()
    acked, hands = Acked(counting.path), counting.hands
    before = len(list(export(counting.path)))
    with closing(locked(counting)):
        counting.service.put(MqttMessage("bays/B1", b"1", hands.monotonic, False, acked))
        wait_until(lambda: counting.said[-1]["journal"]["trouble"], "it says so")
        assert "database is locked): another program holds it; end that one" in counting.said[-1]["journal"]["trouble"]
        assert (counting.zone()["free"], counting.zone()["reason"]) == (None, "not_written")
        (fault,) = counting.said[-1]["lot"]["faults"]
        assert (fault["subject"], fault["kind"], fault["since"]) == ("journal", "not_written", 0.0)
        assert counting.said[-1]["lot"]["signs"][0]["message"]["kind"] == "uncertain"
        counting.car(rest_s=0.0)
        refused = counting.command(do="correct", zone="customers", occupied=3)
        assert "another program holds it" in str(refused)
        assert acked.inputs == []
    counting.pass_time(5.0)
    assert acked.inputs == [before + 5], "the message and the car's four levels, in one commit"
    assert (counting.counted, counting.zone()["free"], counting.said[-1]["journal"]["trouble"]) == (11, 29, None)
    assert counting.passed() == ["entry"]
    assert counting.said[-1]["lot"]["faults"] == []


def test_what_was_not_written_before_the_end_is_not_acknowledged_and_comes_again(start: Start, hands: Hands) -> None:
    counting = start()
    acked = Acked(counting.path)
    counting.car()
    with closing(locked(counting)):
        counting.service.put(MqttMessage("bays/B1", b"1", hands.monotonic, False, acked, 7))
        wait_until(lambda: counting.said[-1]["journal"]["trouble"], "it says so")
        counting.stop()
    assert acked.inputs == []
    again = start()
    assert again.counted == 11
    before = again.service.state.bays["B1"]
    assert before.occupied is None
    again.service.put(MqttMessage("bays/B1", b"1", hands.monotonic, False, acked, 7, again=True))
    again.settle()
    assert len(acked.inputs) == 1
    assert again.service.state.bays["B1"] != before


def test_what_is_held_for_too_long_is_let_go_and_a_snapshot_stands_for_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.store.HELD", 6)
    counting = start()
    with closing(locked(counting)):
        counting.level("main.barrier", True)
        wait_until(lambda: counting.said[-1]["journal"]["trouble"], "it says so")
        counting.car(rest_s=0.0)
        counting.car(rest_s=0.0)
    counting.pass_time(5.0)
    assert (counting.counted, counting.said[-1]["journal"]["unrecorded"]) == (12, 9)
    assert counting.passed() == ["entry", "entry"]
    assert after_a_crash(counting, start).counted == 12


# Messages that come twice


def pass_by_mqtt(counting: Counting, first_packet: int, *, again: bool) -> None:
    """Four levels of a lane on MQTT, each with the number that the broker gave it."""
    steps = (("outer", b"1"), ("inner", b"1"), ("outer", b"0"), ("inner", b"0"))
    for number, (loop, payload) in enumerate(steps, first_packet):
        message = MqttMessage(f"side/{loop}", payload, counting.hands.monotonic, False, lambda: None, number, again)
        counting.service.put(message)
        counting.settle()
        counting.hands.advance(0.4)
    counting.pass_time(5.0)


@pytest.fixture
def side(write_site: WriteSite) -> Site:
    loops = 'outer = { mqtt = "side/outer" }\ninner = { mqtt = "side/inner" }\n'
    return load(write_site(f'{SITE}\n[[lane]]\nname = "side"\nzone = "customers"\n{loops}', "side.toml"))


def test_a_vehicle_whose_messages_the_broker_repeats_after_a_kill_is_counted_once(start: Start, side: Site) -> None:
    counting = start(of=side)
    pass_by_mqtt(counting, 1, again=False)
    assert counting.counted == 11
    counting.stop()
    again = start(of=side)
    pass_by_mqtt(again, 1, again=True)
    assert again.counted == 11
    assert again.said[-1]["inputs"]["repeated"] == 4
    pass_by_mqtt(again, 1, again=False)
    assert again.counted == 12, "the broker uses its numbers again for another vehicle"
    pass_by_mqtt(again, 5, again=True)
    assert again.counted == 13, "repeated, but never taken"


# Restarts


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


# Time


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


# What it says


def test_the_state_is_said_at_every_change_and_at_least_twice_a_second(start: Start, hands: Hands) -> None:
    counting = start()
    said = len(counting.said)
    counting.settle()
    assert len(counting.said) == said
    hands.advance(0.5)
    counting.settle()
    assert len(counting.said) == said + 1
    assert counting.said[-1]["sent"] == hands.monotonic
    counting.level("main.outer", True)
    counting.settle()
    assert len(counting.said) > said + 1


def test_the_envelope_is_plain_json_with_all_that_others_need(start: Start, hands: Hands) -> None:
    counting = start()
    hands.advance(1.0)
    counting.settle()
    envelope = json.loads(json.dumps(counting.said[-1]))
    assert envelope == counting.said[-1]
    assert (envelope["type"], envelope["ttl_s"], envelope["sent"]) == ("state", 3.0, hands.monotonic)
    assert envelope["epoch"] + envelope["lot"]["at"] == pytest.approx(hands.wall)
    message = envelope["lot"]["signs"][0]["message"]
    assert (message["kind"], message["text"], message["free"], message["reason"]) == ("number", "30", 30, "counted")
    assert envelope["journal"]["path"] == str(counting.path)
    assert {"sensors", "stale", "strange", "oversize"} <= envelope["inputs"].keys()


def test_the_machines_own_clocks() -> None:
    clocks = Clocks()
    assert clocks.boot == boot_id() != ""
    assert clocks.monotonic() <= clocks.monotonic()
    assert replace(clocks, boot="") != clocks


# The real process


def test_kill_9_of_count_loses_nothing_that_the_sign_showed(product: Product) -> None:
    process = product.start_count()
    with product.pins() as pins:
        drive_in(pins)
        wait_until(lambda: product.occupied() == 11, "the car is counted")
        process.kill()
        process.wait()
    product.start_count()
    assert product.occupied() == 11
    with product.link() as link:
        assert link.state()["lot"]["zones"][0]["reason"] == Reason.COUNTED
        assert link.command(do="correct", zone="customers", occupied=3, by="test") is None
    assert product.occupied() == 3
    with product.pins() as pins:
        drive_in(pins)
        wait_until(lambda: product.occupied() == 4, "and counting goes on")
    with closing(open_reader(product.state_dir / "journal.sqlite")) as db:
        assert [row["kind"] for row in passages(db, 10)] == ["entry", "entry"]


def test_sigterm_ends_count_cleanly(product: Product) -> None:
    process = product.start_count()
    process.terminate()
    assert process.wait(5) == 0
    assert not (product.run_dir / "link.sock").exists()
    assert not (product.state_dir / "journal.sqlite-wal").exists(), "all is folded into the one file"


def test_a_second_count_in_the_same_place_ends_and_the_first_keeps_its_pins(product: Product) -> None:
    product.start_count()
    second = product.start("count")
    assert second.wait(20) == 1
    assert "another count process is already running here; stop it first" in product.said()
    with product.pins() as pins:
        drive_in(pins)
        wait_until(lambda: product.occupied() == 11, "the first one still counts")


def test_when_the_disk_is_full_nothing_is_told_and_it_goes_on_when_there_is_room(product: Product) -> None:
    limit = ("bash", "-c", 'ulimit -S -f 256; exec "$@"', "-")  # no file may grow beyond 256 KiB
    process = product.start_count(before=limit)

    def zone() -> dict[str, Any]:
        with product.link() as link:
            state = link.state()
        return {**state["lot"]["zones"][0], "trouble": state["journal"]["trouble"]}

    with product.pins() as pins:

        def fill() -> bool:
            for _ in range(50):
                pins.set(17, False)
                pins.set(17, True)
            return zone()["trouble"] is not None

        wait_until(fill, "the journal is full", 60.0)
        assert (zone()["free"], zone()["reason"]) == (None, "not_written")
        assert "can't be written" in product.said()
        assert "Traceback" not in product.said()
        subprocess.run(["prlimit", f"--pid={process.pid}", "--fsize=unlimited"], check=True)
        wait_until(lambda: zone()["trouble"] is None, "it goes on by itself")
        assert process.poll() is None


def test_a_site_file_without_a_lot_starts_nothing(product: Product) -> None:
    product.site.write_text(edited(LANE_SITE, r"\[lot\]", "[plot]"), "utf-8")
    assert product.start("count").wait(20) == 2
    assert "plot: unknown key. Did you mean lot?" in product.said()
    assert not product.state_dir.exists()


def test_a_damaged_journal_is_set_aside_and_counting_goes_on(product: Product) -> None:
    product.state_dir.mkdir()
    content = b"no database" * 1000
    (product.state_dir / "journal.sqlite").write_bytes(content)
    product.start_count()
    assert (product.state_dir / "journal.sqlite.damaged-1").read_bytes() == content
    assert "was set aside as journal.sqlite.damaged-1" in product.said()
    assert "Traceback" not in product.said()


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
