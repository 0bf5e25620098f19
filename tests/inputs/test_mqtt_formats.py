"""Real sensor messages (tests/data/mqtt), published to a real Mosquitto, reach the events, format by format."""

import base64
import itertools
import json
import queue
from pathlib import Path
from typing import Any

import pytest
from fixtures_broker import Mosquitto, until

from controller.domain.events import BayChanged, DetectorChanged, NeighbourHeard
from controller.inputs.mqtt import MqttInputs, MqttMessage
from controller.inputs.sensors import Sensors
from controller.site import MqttSpec, SensorInput

pytestmark = pytest.mark.broker

DATA = Path(__file__).parents[1] / "data" / "mqtt"
_NUMBERS = itertools.count()


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def by_format(cases: list[dict[str, Any]], key: str) -> dict[str, list[dict[str, Any]]]:
    return {name: [case for case in cases if case[key] == name] for name in sorted({case[key] for case in cases})}


ENVELOPES = by_format(recorded("envelopes.ndjson"), "format")
FRAMES = by_format([case for case in recorded("frames.ndjson") if "occupied" in case["means"]], "device")
UPLINK = "application/+/device/a84041000181c061/event/up"


def events_of(
    broker: Mosquitto, sensor: SensorInput, messages: list[tuple[str, bytes]]
) -> tuple[list[BayChanged | DetectorChanged], dict[str, Any]]:
    """Publish messages, and return the events that come of them with the report of the sensors."""
    name = f"formats-{next(_NUMBERS)}"
    spec = MqttSpec(host=broker.host, port=broker.port, client_id=name)
    inbox: queue.SimpleQueue[MqttMessage] = queue.SimpleQueue()
    sensors = Sensors([sensor])
    events: list[BayChanged | DetectorChanged] = []
    with MqttInputs(spec, [sensor], put=inbox.put, password=None):
        until(lambda: f"Sending SUBACK to {name}" in broker.log)
        for topic, payload in messages:
            broker.publish(topic, payload)
        for _ in messages:
            message = inbox.get(timeout=10)
            said = sensors.translate(message.topic, message.payload, 5.0, retained=message.retained)
            events += [event for event in said if not isinstance(event, NeighbourHeard)]
            message.ack()
    return events, sensors.report()


@pytest.mark.parametrize("format_", ENVELOPES)
def test_messages_of_network_servers(broker: Mosquitto, format_: str) -> None:
    cases = ENVELOPES[format_]
    topic = UPLINK.replace("+", f"of-{next(_NUMBERS)}")
    sensor = SensorInput(topic, format_, bay="A1")

    events, report = events_of(broker, sensor, [(topic, json.dumps(case["message"]).encode()) for case in cases])

    assert [event.occupied for event in events] == [case["means"]["values"]["occupied"] for case in cases]
    for event, case in zip(events, cases, strict=True):
        assert isinstance(event, BayChanged)
        assert event.bay == "A1"
        assert event.at == 5.0
        assert event.stamp is not None
        assert event.stamp.sent_at == pytest.approx(case["means"]["ts"] / 1000, abs=0.001)
    assert report["accepted"] == len(cases)
    assert report["malformed"] == {}


@pytest.mark.parametrize("device", FRAMES)
def test_raw_frames_of_bay_sensors_in_an_envelope(broker: Mosquitto, device: str) -> None:
    cases = FRAMES[device]
    topic = UPLINK.replace("+", f"of-{next(_NUMBERS)}")
    messages = []
    for counter, case in enumerate(cases):
        data = base64.b64encode(bytes.fromhex(case["frame"])).decode()
        message = {"deviceInfo": {"devEui": "a84041000181c061"}, "fCnt": counter, "fPort": case["port"], "data": data}
        messages.append((topic, json.dumps(message).encode()))

    events, _ = events_of(broker, SensorInput(topic, f"chirpstack-v4/{device}", bay="A1"), messages)

    assert [event.occupied for event in events] == [case["means"]["occupied"] for case in cases]
    assert [event.stamp.sequence for event in events if event.stamp is not None] == list(range(len(cases)))


def test_tasmota_switches(broker: Mosquitto) -> None:
    prefix = f"of-{next(_NUMBERS)}"
    cases = recorded("tasmota.ndjson")
    sensor = SensorInput(f"{prefix}/+/stat/SWITCH1", "tasmota", detector="main.loop")
    switched = [case for case in cases if case["topic"].endswith("/stat/SWITCH1")]
    messages = [(f"{prefix}/{case['topic']}", case["payload"].encode()) for case in switched]

    events, report = events_of(broker, sensor, messages)

    states = [json.loads(case["payload"])["STATE"] for case in switched if case["payload"].startswith("{")]
    assert [event.occupied for event in events] == [state == "ON" for state in states]
    assert all(isinstance(event, DetectorChanged) and event.detector == "main.loop" for event in events)
    assert report["malformed"] == {}


# No recorded message may be kept here for these (see the data's README): the shapes are those that the makers document.
@pytest.mark.parametrize(
    ("format_", "pointer", "where", "payload", "occupied"),
    [
        ("plain", None, "state", "1", True),
        ("plain", None, "state", "free", False),
        ("json", "/bay/taken", "state", '{"bay": {"taken": "yes"}}', True),
        ("shelly-gen1", None, "input/0", "1", True),
        ("shelly-gen2", None, "status/input:0", '{"id": 0, "state": false}', False),
        ("zigbee2mqtt/occupancy", None, "state", '{"occupancy": true, "battery": 97}', True),
        ("zigbee2mqtt/contact", None, "state", '{"contact": true}', True),
        ("esphome", None, "state", "ON", True),
        ("esphome", None, "state", "OFF", False),
    ],
)
def test_small_nodes(
    broker: Mosquitto, format_: str, pointer: str | None, where: str, payload: str, *, occupied: bool
) -> None:
    topic = f"of-{next(_NUMBERS)}/{where}"
    sensor = SensorInput(topic, format_, pointer, bay="A1")

    events, _ = events_of(broker, sensor, [(topic, payload.encode())])

    battery_low = False if "battery" in payload else None
    assert events == [BayChanged("A1", occupied, 5.0, battery_low=battery_low)]


def test_garbage_is_counted_and_the_next_message_is_heard(broker: Mosquitto) -> None:
    topic = f"of-{next(_NUMBERS)}"

    garbage = [(topic, payload) for payload in (b"\xff\x00", b"{", b"")]
    events, report = events_of(broker, SensorInput(topic, "plain", bay="A1"), [*garbage, (topic, b"1")])

    assert events == [BayChanged("A1", occupied=True, at=5.0)]
    assert report["malformed"][topic]["count"] == 3
