"""The one thread that owns all state: what it takes, what it answers, and what it says."""

import itertools
import json
from contextlib import closing
from dataclasses import replace

import pytest
from fixtures_service import CAR, Acked, Hands, Start, after_a_crash, seen

from controller.clocks import Clocks, boot_id
from controller.domain.events import (
    Corrected,
    DetectorChanged,
)
from controller.domain.report import Status
from controller.journal import export, open_reader
from controller.recording import Message
from controller.service import (
    BATCH,
    MAX_PAYLOAD,
)

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
