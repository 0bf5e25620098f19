"""When the journal can't be written, and messages that come twice."""

import sqlite3
from contextlib import closing

import pytest
from fixtures_service import SITE, Acked, Counting, Hands, Start, after_a_crash
from fixtures_site import WriteSite, wait_until

from controller.inputs.mqtt import MqttMessage
from controller.journal import export
from controller.site import Site, load

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
