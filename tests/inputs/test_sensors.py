"""MQTT messages become domain events; whatever else comes is counted."""

import json
import timeit
from typing import Any

import pytest

from controller.domain.events import BayChanged, DetectorChanged
from controller.inputs.sensors import MAX_TOPICS, OTHERS, Sensors
from controller.site import SensorInput


def bay(name: str, topic: str, format_: str = "plain", pointer: str | None = None) -> SensorInput:
    return SensorInput(topic, format_, pointer, bay=name)


def chirpstack(counter: int = 7, *, taken: bool = True) -> bytes:
    message: dict[str, Any] = {"deviceInfo": {"devEui": "a84041000181c061"}, "time": "2023-05-19T05:33:35.641841+00:00"}
    return json.dumps(message | {"fCnt": counter, "fPort": 1, "data": "AQ==" if taken else "AA=="}).encode()


# MQTT 3.1.1, 4.7, with the standard's own examples.
@pytest.mark.parametrize(
    ("topic_filter", "topic", "matches"),
    [
        ("bays/A1", "bays/A1", True),
        ("bays/A1", "bays/a1", False),
        ("bays/A1", "bays/A1/", False),
        ("bays/A1", "/bays/A1", False),
        ("bays/+", "bays/A1", True),
        ("bays/+", "bays/", True),
        ("bays/+", "bays", False),
        ("bays/+", "bays/A1/state", False),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("sport/+/player1", "sport/tennis/player1", True),
        ("application/+/device/a84041/event/up", "application/1/device/a84041/event/up", True),
        ("application/+/device/a84041/event/up", "application/1/device/a84041/event/join", False),
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/tennis/player1/#", "sport/tennis/player2", False),
        ("sport/#", "sport", True),
        ("sport/+/#", "sport", False),
        ("#", "sport/tennis", True),
        ("#", "$SYS/broker/uptime", False),
        ("+/broker/uptime", "$SYS/broker/uptime", False),
        ("$SYS/#", "$SYS/broker/uptime", True),
        ("$SYS/+/uptime", "$SYS/broker/uptime", True),
    ],
)
def test_a_sensor_hears_the_topics_that_its_filter_matches(topic_filter: str, topic: str, *, matches: bool) -> None:
    sensors = Sensors([bay("A1", topic_filter)])

    assert bool(sensors.translate(topic, b"1", 5.0)) is matches
    assert sensors.report()["unknown"] == ({} if matches else {topic: 1})


def test_a_detector_and_a_bay_each_become_their_own_event() -> None:
    sensors = Sensors([SensorInput("lot/main/outer", "plain", detector="main.outer"), bay("A1", "bays/A1")])

    assert sensors.translate("lot/main/outer", b"on", 5.0) == [DetectorChanged("main.outer", occupied=True, at=5.0)]
    assert sensors.translate("bays/A1", b"free", 6.0) == [BayChanged("A1", occupied=False, at=6.0)]


def test_one_document_speaks_for_several_bays() -> None:
    sensors = Sensors([bay("A1", "gateway", "json", "/bays/0"), bay("A2", "gateway", "json", "/bays/1")])

    events = sensors.translate("gateway", b'{"bays": [true, false]}', 5.0)

    assert events == [BayChanged("A1", occupied=True, at=5.0), BayChanged("A2", occupied=False, at=5.0)]


def test_overlapping_filters_both_hear() -> None:
    sensors = Sensors([bay("A1", "bays/A1"), bay("any", "bays/+"), bay("all", "#")])

    assert {event.bay for event in sensors.translate("bays/A1", b"1", 5.0) if isinstance(event, BayChanged)} == {
        "A1",
        "any",
        "all",
    }


def test_one_bay_that_cannot_be_read_takes_nothing_from_its_neighbours() -> None:
    sensors = Sensors([bay("A1", "gateway", "json", "/bays/0"), bay("A2", "gateway", "json", "/bays/1")])

    assert sensors.translate("gateway", b'{"bays": ["?", false]}', 5.0) == [BayChanged("A2", occupied=False, at=5.0)]
    malformed = sensors.report()["malformed"]
    assert malformed["gateway"]["count"] == 1
    assert malformed["gateway"]["last"].startswith("A1: ")


def test_garbage_is_counted_by_topic_and_never_fatal() -> None:
    sensors = Sensors([bay("A1", "a/+", "chirpstack-v4/bosch-pls")])

    for payload in (b"", b"\xff\xfe", b"[" * 60000, b"{}", b"null", chirpstack()[:-5]):
        assert sensors.translate("a/1", payload, 5.0) == []
    assert sensors.report()["malformed"]["a/1"]["count"] == 6
    assert sensors.report()["malformed"]["a/1"]["last"]
    assert sensors.report()["accepted"] == 0


def test_a_flood_of_made_up_topics_takes_no_memory() -> None:
    sensors = Sensors([bay("A1", "a/+")])

    sensors.translate("x/" + "y" * 60000, b"1", 5.0)
    for number in range(MAX_TOPICS + 50):
        sensors.translate(f"x/{number}", b"1", 5.0)
        sensors.translate(f"a/{number}", b"?", 5.0)
    sensors.translate("x/0", b"1", 5.0)

    report = sensors.report()
    assert len(report["unknown"]) == len(report["malformed"]) == MAX_TOPICS + 1
    assert report["unknown"][OTHERS] == 51
    assert report["unknown"]["x/0"] == 2
    assert report["malformed"][OTHERS]["count"] == 50
    assert len(json.dumps(report)) < 50_000


def test_a_retained_message_without_a_time_of_its_own_is_ignored() -> None:
    sensors = Sensors([bay("A1", "bays/A1")])

    assert sensors.translate("bays/A1", b"1", 5.0, retained=True) == []
    assert sensors.report()["retained_ignored"] == 1
    assert sensors.report()["accepted"] == 0
    assert sensors.report()["sensors"]["A1"]["messages"] == 0


def test_a_retained_message_that_says_when_it_was_sent_is_taken_with_that_time() -> None:
    sensors = Sensors([bay("A1", "up", "chirpstack-v4/bosch-pls")])

    (event,) = sensors.translate("up", chirpstack(counter=7), 5.0, retained=True)

    assert isinstance(event, BayChanged)
    assert event.occupied
    assert event.stamp is not None
    assert event.stamp.sequence == 7
    assert event.stamp.sent_at == pytest.approx(1_684_474_415.641841)
    assert sensors.report()["retained_ignored"] == 0


def test_a_message_without_a_level_is_a_sign_of_life_but_no_event() -> None:
    sensors = Sensors([bay("A1", "tasmota/+/+", "tasmota")])

    assert sensors.translate("tasmota/tele/LWT", b"Online", 5.0) == []
    assert sensors.report()["no_level"] == 1
    assert sensors.report()["sensors"]["A1"]["messages"] == 1


def test_the_last_note_of_each_sensor_is_shown() -> None:
    sensors = Sensors([bay("A1", "zigbee2mqtt/A1", "zigbee2mqtt/occupancy"), bay("A2", "bays/A2")])

    sensors.translate("zigbee2mqtt/A1", b'{"occupancy": true, "battery": 97}', 5.0)
    sensors.translate("zigbee2mqtt/A1", b'{"occupancy": false, "battery": 96}', 6.0)

    report = sensors.report()
    assert report["sensors"]["A1"]["messages"] == 2
    assert report["sensors"]["A1"]["note"]["battery"] == 96
    assert report["sensors"]["A2"] == {"messages": 0, "note": {}}
    assert report["accepted"] == 2
    assert json.loads(json.dumps(report)) == report


@pytest.mark.parametrize(("level", "low"), [(97, False), (10, True), (3, True), ("ok", None), (True, None)])
def test_a_battery_is_low_by_percent_where_it_is_told_in_percent(level: object, *, low: bool | None) -> None:
    sensors = Sensors([bay("A1", "zigbee2mqtt/A1", "zigbee2mqtt/occupancy")])

    payload = json.dumps({"occupancy": True, "battery": level}).encode()
    assert sensors.translate("zigbee2mqtt/A1", payload, 5.0) == [BayChanged("A1", True, 5.0, None, low)]


@pytest.mark.parametrize("battery", [3.6, 3, 97])
def test_the_volts_of_a_lorawan_battery_are_no_percent(battery: float) -> None:
    sensors = Sensors([bay("A1", "up", "chirpstack-v4/bosch-pls")])

    payload = json.loads(chirpstack()) | {"object": {"occupied": True, "battery": battery}}
    (heard,) = sensors.translate("up", json.dumps(payload).encode(), 5.0)
    assert isinstance(heard, BayChanged)
    assert heard.battery_low is None
    assert sensors.report()["sensors"]["A1"]["note"]["battery"] == battery


def test_a_thousand_sensors_cost_no_more_than_ten() -> None:
    def seconds(count: int) -> float:
        names = [f"application/+/device/{number:016x}/event/up" for number in range(count)]
        sensors = Sensors([bay(f"A{number}", name) for number, name in enumerate(names)])
        last = names[-1].replace("+", "1")
        assert len(sensors.translate(last, b"1", 5.0)) == 1
        return min(timeit.repeat(lambda: sensors.translate(last, b"1", 5.0), number=200, repeat=7))

    assert seconds(1000) < 4 * seconds(10)
