"""Words, JSON pointers, and the nodes of home automation."""

import json
from pathlib import Path
from typing import Any

import pytest

from controller.domain.events import Stamp
from controller.inputs.payloads import PayloadError, Reading, decode

TASMOTA = Path(__file__).parents[1] / "data" / "mqtt" / "tasmota.ndjson"
NOON = 1_684_497_600.0  # 2023-05-19T12:00:00Z


def read(format_: str, message: Any, **more: Any) -> Reading:
    payload = message.encode() if isinstance(message, str) else json.dumps(message).encode()
    return decode(format_, payload, **more)


@pytest.mark.parametrize("word", ["1", "true", "ON", " on\r\n", "Occupied", "present", "yes", '"on"', "1.0", "\ufeff1"])
def test_words_for_occupied(word: str) -> None:
    assert read("plain", word) == Reading(occupied=True)


@pytest.mark.parametrize("word", ["0", "false", "OFF", "free", "vacant", "Unoccupied", "no", '"0"', "0.0", '" False "'])
def test_words_for_free(word: str) -> None:
    assert read("plain", word) == Reading(occupied=False)


@pytest.mark.parametrize("word", ["2", "open", "closed", "-1", "0.5", "NaN", "1e400", "on off", "ＯＮ", '"maybe"'])  # noqa: RUF001  full-width letters are no words
def test_other_words_are_refused_with_what_was_expected(word: str) -> None:
    with pytest.raises(PayloadError, match="expected 0/1, true/false, on/off"):
        read("plain", word)


def test_null_tells_no_level() -> None:
    assert read("plain", "null").occupied is None
    assert read("json", {"bay": None}, pointer="/bay").occupied is None


def test_json_given_as_plain_names_the_mend() -> None:
    with pytest.raises(PayloadError, match=r"a JSON object.*use the format json"):
        read("plain", {"occupied": True})


@pytest.mark.parametrize("format_", ["json", "plain"])
@pytest.mark.parametrize(
    ("pointer", "document"),
    [
        ("", True),
        ("/state", {"state": "ON"}),
        ("/bays/1/taken", {"bays": [{}, {"taken": 1}]}),
        ("/a~1b/m~0n/", {"a/b": {"m~n": {"": "occupied"}}}),
        ("/0", {"0": True}),
        ("/~01", {"~1": True, "/": False}),
    ],
)
def test_a_json_pointer_finds_the_level_in_any_document(format_: str, pointer: str, document: Any) -> None:
    assert read(format_, document, pointer=pointer) == Reading(occupied=True)


@pytest.mark.parametrize(
    ("pointer", "complaint"),
    [
        ("/bays/1/free", "nothing at '/bays/1/free': /bays/1 is a JSON object with the keys 'taken', without 'free'"),
        ("/bays/2", "/bays is a JSON array of 2, without '2'"),
        ("/bays/-", "/bays is a JSON array of 2"),
        ("/bays/01", "/bays is a JSON array of 2"),
        ("/lot/a/b", "/lot is 'P1', without 'a'"),
        ("/x", "the document is a JSON object with the keys 'lot, bays', without 'x'"),
        ("/bays", "the value at '/bays' is a JSON array; expected 0/1"),
        ("bays", "must be empty or start with '/'"),
        ("/a~2", "'~' must be written '~0'"),
    ],
)
def test_a_pointer_to_nothing_names_the_nearest_parent(pointer: str, complaint: str) -> None:
    with pytest.raises(PayloadError) as fault:
        read("json", {"lot": "P1", "bays": [{}, {"taken": 1}]}, pointer=pointer)
    assert complaint in str(fault.value)


def test_a_pointer_goes_with_json_and_with_nothing_that_knows_its_own_place() -> None:
    with pytest.raises(PayloadError, match="json needs a JSON pointer"):
        read("json", {"state": 1})
    with pytest.raises(PayloadError, match="leave out the pointer '/state'"):
        read("esphome", "ON", pointer="/state")


def test_recorded_tasmota_messages() -> None:
    messages = [json.loads(line) for line in TASMOTA.read_text(encoding="utf-8").splitlines()]

    levels = [read("tasmota", message["payload"], topic=message["topic"]).occupied for message in messages]

    assert levels == [None, True, False, True, False, True, False]
    assert [read("tasmota/2", m["payload"], topic=m["topic"]).occupied for m in messages if "SENSOR" in m["topic"]] == [
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("topic", "message", "occupied"),
    [
        ("stat/node/RESULT", {"Switch2": {"Action": "ON"}}, True),  # SetOption114
        ("stat/node/RESULT", {"Switch2": {"Action": "TOGGLE"}}, None),
        ("stat/node/RESULT", {"Switch1": {"Action": "ON"}}, None),
        ("stat/node/RESULT", {"POWER2": "ON"}, None),
        ("stat/node/RESULT", {"STATE": "ON"}, None),  # only a topic SWITCH<n> says whose state
        ("stat/node/POWER2", "ON", None),  # the relay
        ("stat/node/SWITCH2", {"STATE": "OFF"}, False),
        ("stat/node/SWITCH2", {"STATE": "HOLD"}, None),
        ("stat/node/STATUS10", {"StatusSNS": {"Time": "2023-05-19T12:00:00", "Switch2": "ON"}}, True),
        ("tele/node/STATE", {"Time": "2023-05-19T12:00:00", "POWER2": "ON"}, None),
        ("tele/node/LWT", "Offline", None),
        ("", {"STATE": "ON"}, True),
    ],
)
def test_the_second_switch_of_a_tasmota_node(topic: str, message: Any, occupied: bool | None) -> None:  # noqa: FBT001  a table
    reading = read("tasmota/2", message, topic=topic)

    assert reading.occupied is occupied
    assert reading.stamp is None, "local time without an offset is no stamp"


def test_tasmota_time_with_an_offset_is_a_stamp() -> None:
    message = {"Time": "2023-05-19T14:00:00+02:00", "Switch1": "ON"}

    assert read("tasmota", message, topic="tele/node/SENSOR") == Reading(occupied=True, stamp=Stamp(sent_at=NOON))


@pytest.mark.parametrize(
    ("format_", "topic", "message", "use"),
    [
        ("tasmota", "node/stat/SWITCH2", {"STATE": "ON"}, "tasmota/2"),
        ("shelly-gen2", "gate/status/input:1", {"id": 1, "state": True}, "shelly-gen2/1"),
    ],
)
def test_the_topic_of_another_input_says_which_format_reads_it(
    format_: str, topic: str, message: Any, use: str
) -> None:
    with pytest.raises(PayloadError, match=f"use the format {use}"):
        read(format_, message, topic=topic)
    assert read(use, message, topic=topic).occupied is True


@pytest.mark.parametrize(
    ("topic", "payload", "occupied"),
    [
        ("shellies/shelly1-ABCDEF/input/0", "1", True),
        ("shellies/shelly1-ABCDEF/input/0", "0", False),
        ("shellies/shelly1-ABCDEF/longpush/0", "1", None),
        ("shellies/shelly1-ABCDEF/relay/0", "on", None),
        ("shellies/shelly1-ABCDEF/online", "true", None),
        ("shellies/shelly1-ABCDEF/input_event/0", '{"event":"S","event_cnt":2}', None),
        ("", "1", True),
    ],
)
def test_shelly_of_the_first_generation(topic: str, payload: str, occupied: bool | None) -> None:  # noqa: FBT001  a table
    assert read("shelly-gen1", payload, topic=topic) == Reading(occupied)


def notify(method: str, **components: Any) -> dict[str, Any]:
    return {
        "src": "shelly1g4-aabbccddeeff",
        "dst": "gate/events",
        "method": method,
        "params": {"ts": NOON, **components},
    }


@pytest.mark.parametrize(
    ("tail", "message", "occupied"),
    [
        ("status/input:0", {"id": 0, "state": True}, True),
        ("status/input:0", {"id": 0, "state": False}, False),
        ("status/input:0", {"id": 0, "state": None}, None),  # an input of type button
        ("status/switch:0", {"id": 0, "output": True, "state": True}, None),
        ("status/cover:0", {"id": 0, "state": "open"}, None),
        ("online", True, None),
        ("events/rpc", notify("NotifyStatus", **{"input:0": {"id": 0, "state": True}}), True),
        ("events/rpc", notify("NotifyStatus", **{"input:1": {"id": 1, "state": True}}), None),
        ("events/rpc", notify("NotifyStatus", **{"switch:0": {"id": 0, "output": True}}), None),
        ("events/rpc", notify("NotifyFullStatus", **{"input:0": {"id": 0, "state": False}, "sys": {}}), False),
        ("events/rpc", notify("NotifyEvent", events=[{"component": "input:0", "id": 0, "event": "btn_down"}]), None),
    ],
)
def test_shelly_of_later_generations(tail: str, message: Any, occupied: bool | None) -> None:  # noqa: FBT001  a table
    reading = read("shelly-gen2", message, topic=f"gate/{tail}")

    assert reading.occupied is occupied
    assert reading.stamp == (Stamp(sent_at=NOON) if tail == "events/rpc" else None)


def test_the_second_input_of_a_shelly_in_a_notification_of_both() -> None:
    both = notify("NotifyFullStatus", **{"input:0": {"id": 0, "state": False}, "input:1": {"id": 1, "state": True}})

    assert read("shelly-gen2/1", both, topic="gate/events/rpc").occupied is True
    assert read("shelly-gen2/0", both, topic="gate/events/rpc").occupied is False


def test_a_shelly_before_its_clock_is_set_has_no_stamp() -> None:
    message = notify("NotifyStatus", **{"input:0": {"state": True}})
    message["params"]["ts"] = 3.5

    assert read("shelly-gen2", message, topic="gate/events/rpc") == Reading(occupied=True)


@pytest.mark.parametrize("seen", ["2023-05-19T12:00:00.000Z", "2023-05-19T14:00:00+02:00", 1684497600000])
def test_zigbee2mqtt_occupancy_with_last_seen_in_each_of_its_forms(seen: Any) -> None:
    message = {"occupancy": True, "battery": 97, "linkquality": 120, "voltage": None, "last_seen": seen}

    reading = read("zigbee2mqtt/occupancy", message, topic="zigbee2mqtt/bay-a1")

    assert reading == Reading(True, Stamp(sent_at=NOON), {"battery": 97, "linkquality": 120})


def test_zigbee2mqtt_contact_is_occupied_when_closed() -> None:
    assert read("zigbee2mqtt/contact", {"contact": True}) == Reading(occupied=True)
    assert read("zigbee2mqtt/contact", {"contact": False}) == Reading(occupied=False)


def test_zigbee2mqtt_messages_without_a_level() -> None:
    assert read("zigbee2mqtt/contact", "online", topic="zigbee2mqtt/bay-a1/availability") == Reading(None)
    assert read("zigbee2mqtt/contact", {"state": "online"}, topic="zigbee2mqtt/bay-a1/availability") == Reading(None)
    assert read("zigbee2mqtt/contact", {"contact": None}) == Reading(None)
    assert read("zigbee2mqtt/contact", {"battery": 9}) == Reading(None, note={"battery": 9, "lacks": "contact"})


def test_esphome() -> None:
    assert read("esphome", "ON", topic="gate/binary_sensor/outer/state") == Reading(occupied=True)
    assert read("esphome", "OFF", topic="gate/binary_sensor/outer/state") == Reading(occupied=False)
    assert read("esphome", "offline", topic="gate/status").occupied is None
    with pytest.raises(PayloadError, match="expected ON or OFF"):
        read("esphome", "1")
