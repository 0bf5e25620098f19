"""Discovery and corrections on a real Mosquitto. A real Home Assistant reads it in ``make test-homeassistant``."""

import dataclasses
import json
import queue
from typing import Any

import pytest
from fixtures_broker import Mosquitto
from test_mqtt_state import envelope, ready, spec_of

from controller.publish.homeassistant import messages
from controller.publish.mqtt import MqttState
from controller.site import MqttSpec

pytestmark = pytest.mark.broker


@pytest.fixture
def spec(broker: Mosquitto) -> MqttSpec:
    return dataclasses.replace(spec_of(broker), home_assistant="homeassistant", corrections=True)


def test_every_entity_belongs_to_one_device_and_expires(spec: MqttSpec) -> None:
    found = {topic: json.loads(config) for topic, config in messages(spec, envelope(3)).items()}
    assert {config["device"]["identifiers"][0] for config in found.values()} == {spec.client_id}
    assert {config["availability_topic"] for config in found.values()} == {f"{spec.prefix}/status"}
    assert len({config["unique_id"] for config in found.values()}) == len(found)
    kinds = [topic.split("/")[1] for topic in found]
    assert {"sensor", "binary_sensor", "number", "button"} == set(kinds)
    expiring = [c.get("expire_after") for t, c in found.items() if t.split("/")[1] in {"sensor", "binary_sensor"}]
    assert set(expiring) == {180}


def test_without_the_options_nothing_is_told_nor_taken(spec: MqttSpec) -> None:
    assert messages(dataclasses.replace(spec, home_assistant=None), envelope(3)) == {}
    readonly = messages(dataclasses.replace(spec, corrections=False), envelope(3))
    assert not any("command_topic" in config for config in readonly.values())


def test_the_configurations_are_retained(broker: Mosquitto, spec: MqttSpec) -> None:
    with MqttState(spec, password=None) as state:
        state.publish(envelope(3))
        ready(state)
        topic = f"homeassistant/sensor/{spec.client_id}/customers_free/config"
        assert json.loads(broker.retained(topic))["state_topic"] == f"{spec.prefix}/customers/state"
        assert json.loads(broker.retained(f"{spec.prefix}/_lot"))["signs"] == {"entrance": "3"}


def test_a_correction_becomes_a_command_and_nothing_else_does(broker: Mosquitto, spec: MqttSpec) -> None:
    asked: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    topic = f"{spec.prefix}/customers/occupied/set"
    broker.publish(topic, "9", retain=True)  # from before: must not be taken
    with MqttState(spec, password=None, command=asked.put) as state:
        state.publish(envelope(3))
        ready(state)
        with broker.listen(f"{spec.prefix}/_lot") as heard:  # sent after the subscription
            heard.get(timeout=10)
        for bad in ("", "many", "-1", "1.5", "9" * 30, "٣"):
            broker.publish(topic, bad)
        broker.publish(topic, "37")
        order = asked.get(timeout=10)
        assert order.pop("reason").startswith("set over ")
        assert order == {"do": "correct", "zone": "customers", "occupied": 37, "by": "mqtt"}
        assert asked.empty()
    broker.publish(topic, "", retain=True)


def test_without_the_option_a_correction_is_not_even_subscribed_to(broker: Mosquitto, spec: MqttSpec) -> None:
    asked: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    with MqttState(dataclasses.replace(spec, corrections=False), password=None, command=asked.put) as state:
        ready(state)
        broker.publish(f"{spec.prefix}/customers/occupied/set", "37")
        assert f"{spec.prefix}/+/occupied/set" not in broker.log.split(f"{spec.client_id}-state")[-1]
    assert asked.empty()
