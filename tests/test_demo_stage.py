"""What the demo's page knows: truth and belief of the same moment, over a real broker."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from controller.demo_stage import Sample, Stage
from controller.simulator.embedded_broker import EmbeddedBroker, free_port
from controller.simulator.live import ORDERS, TRUTH
from controller.simulator.orders import Order
from controller.site import MqttSpec


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.01)


def truth(unix_s: float, inside: int, *, off: bool = False) -> dict[str, Any]:
    return {"zone": "customers", "capacity": 36, "unix_s": unix_s, "inside": inside, "off": off}


class Lot:
    """The simulator's and the product's ends of the broker."""

    def __init__(self, spec: MqttSpec) -> None:
        self.orders: list[dict[str, Any]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, "lot")
        self._client.on_message = lambda _c, _u, message: self.orders.append(json.loads(message.payload))
        self._client.connect(spec.host, spec.port)
        self._client.subscribe(ORDERS, qos=1)
        self._client.loop_start()

    def say(self, topic: str, document: object) -> None:
        self._client.publish(topic, json.dumps(document), qos=1, retain=True).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker() -> Iterator[MqttSpec]:
    embedded = EmbeddedBroker(free_port())
    embedded.start()
    yield MqttSpec(host="127.0.0.1", port=embedded.port)
    embedded.close()


@pytest.fixture
def lot(broker: MqttSpec) -> Iterator[Lot]:
    ends = Lot(broker)
    yield ends
    ends.close()


@pytest.fixture
def stage(broker: MqttSpec) -> Iterator[Stage]:
    with Stage(broker) as open_stage:
        yield open_stage


def test_truth_and_belief_of_one_moment_are_kept_side_by_side(lot: Lot, stage: Stage) -> None:
    lot.say("parking/customers/state", {"free": 9, "occupied": 27, "low": 8, "high": 11})

    def both_are_known() -> bool:
        lot.say(TRUTH, truth(1000.0, 28))
        return Sample(1000.0, 28, 27, least=25, most=28) in stage.samples(0.0)

    wait_for(both_are_known, "truth and belief are kept")
    assert stage.truth == {**truth(1000.0, 28), "believed": 27}
    assert stage.samples(1000.0) == []


def test_without_a_count_nothing_is_believed(lot: Lot, stage: Stage) -> None:
    lot.say("parking/customers/state", {"free": 9, "occupied": 27, "low": 8, "high": 11})
    lot.say(TRUTH, truth(1000.0, 28, off=True))
    wait_for(lambda: stage.truth is not None, "the truth comes")
    assert stage.samples(0.0) == [Sample(1000.0, 28, None, None, None)]


def test_what_makes_no_sense_is_passed_over(lot: Lot, stage: Stage) -> None:
    lot.say(TRUTH, ["no", "truth"])
    lot.say(TRUTH, truth(1000.0, 28))
    wait_for(lambda: stage.truth is not None, "the truth comes all the same")
    assert len(stage.samples(0.0)) == 1


def test_an_order_is_passed_on(lot: Lot, stage: Stage) -> None:
    wait_for(lambda: stage.send(Order(action="speed", speed=60)), "the broker is there")
    wait_for(lambda: [(o["action"], o["speed"]) for o in lot.orders] == [("speed", 60)], "it arrives")
