"""What the simulated cars do to real sockets: mock pins behind the real server, and a real broker."""

import json
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from gpiozero.pins.mock import MockFactory
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from controller.inputs.gpio import GpioInputs, PinLevel
from controller.inputs.mock_pins import MockPinServer, default_address
from controller.inputs.payloads import decode
from controller.simulator.embedded_broker import EmbeddedBroker, EmbeddedBrokerError, free_port
from controller.simulator.live import ORDERS, TRUTH, LiveLot
from controller.simulator.sensors import Level
from controller.simulator.traffic import Lot
from controller.simulator.wiring import Wiring, WiringError
from controller.site import MqttSpec, PinInput, Site, load

SITE = """
[lot]
name = "wires"

[[zone]]
name = "customers"
capacity = 8

[[lane]]
name = "main"
zone = "customers"
outer = { gpio = 17 }
inner = { gpio = 27, pull = "down", active = "high" }

[[bay]]
name = "A1"
zone = "customers"
mqtt = "application/+/device/a84041000181c061/event/up"
format = "chirpstack-v4/bosch-pls"

[[bay]]
name = "A2"
zone = "customers"
mqtt = "bays/A2"
format = "plain"

[gpio]
pin_factory = "mock"
"""
Heard: TypeAlias = "queue.SimpleQueue[tuple[str, bytes]]"
"""Topics and payloads, in order."""
OUTER = PinInput("main.outer", 17, "up", "low")
INNER = PinInput("main.inner", 27, "down", "high")


def site(folder: Path, text: str = SITE) -> Site:
    path = folder / "site.toml"
    path.write_text(text, "utf-8")
    return load(path)


class Count:
    """The input side of a count process: mock pins that a simulator can reach."""

    def __init__(self, run_dir: Path) -> None:
        self.levels: dict[str, bool] = {}
        self._factory = MockFactory()
        self._pins = GpioInputs((OUTER, INNER), factory=self._factory, put=self._put)
        self._server = MockPinServer(self._factory, default_address(run_dir))

    def _put(self, level: PinLevel) -> None:
        self.levels[level.detector] = level.occupied

    def close(self) -> None:
        self._server.close()
        self._pins.close()
        self._factory.close()


@pytest.fixture
def count(tmp_path: Path) -> Iterator[Count]:
    process = Count(tmp_path)
    yield process
    process.close()


@pytest.fixture
def embedded() -> Iterator[MqttSpec]:
    broker = EmbeddedBroker(free_port())
    broker.start()
    yield MqttSpec(host="127.0.0.1", port=broker.port)
    broker.close()


@pytest.fixture
def listener(embedded: MqttSpec) -> Iterator[tuple[Client, Heard]]:
    heard: Heard = queue.SimpleQueue()
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, "listener")
    client.on_message = lambda _c, _u, message: heard.put((message.topic, bytes(message.payload)))
    client.on_subscribe = lambda *_: ready.set()
    client.connect(embedded.host, embedded.port)
    client.loop_start()
    client.subscribe([("bays/#", 1), ("application/#", 1), (TRUTH, 1)])
    assert ready.wait(5)
    yield client, heard
    client.disconnect()
    client.loop_stop()


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.01)


def test_pins_follow_their_pull_and_active_level(tmp_path: Path, count: Count) -> None:
    wiring = Wiring(site(tmp_path), pins_address=default_address(tmp_path), publish=lambda *_: None)
    assert wiring.refresh()
    wiring.apply([Level("main.outer", occupied=True, at_s=1), Level("main.inner", occupied=True, at_s=2)])
    assert count.levels == {"main.outer": True, "main.inner": True}
    wiring.apply([Level("main.outer", occupied=False, at_s=3)])
    assert count.levels == {"main.outer": False, "main.inner": True}
    wiring.close()


def test_a_count_process_that_comes_back_hears_every_level_again(tmp_path: Path) -> None:
    wiring = Wiring(site(tmp_path), pins_address=default_address(tmp_path), publish=lambda *_: None)
    wiring.apply([Level("main.outer", occupied=True, at_s=1), Level("main.inner", occupied=False, at_s=1)])
    assert not wiring.refresh(), "nobody is there yet"
    first = Count(tmp_path)
    assert wiring.refresh(), "a new one is told"
    assert not wiring.refresh(), "and told once"
    assert first.levels == {"main.outer": True}
    first.close()
    wiring.refresh()
    second = Count(tmp_path)
    assert wiring.refresh()
    assert second.levels == {"main.outer": True}
    wiring.close()
    second.close()


def test_bays_speak_the_formats_of_the_site_and_their_frames_grow(tmp_path: Path) -> None:
    sent: list[tuple[str, str]] = []
    wiring = Wiring(
        site(tmp_path),
        pins_address=default_address(tmp_path),
        publish=lambda topic, payload: sent.append((topic, payload)),
        first_frame=100,
    )
    wiring.apply(Level(bay, occupied=occupied, at_s=1) for occupied in (True, False) for bay in ("A1", "A2"))
    chirpstack, plain = sent[::2], sent[1::2]
    assert plain == [("bays/A2", "1"), ("bays/A2", "0")]
    assert {topic for topic, _ in chirpstack} == {"application/simulator/device/a84041000181c061/event/up"}
    readings = [decode("chirpstack-v4/bosch-pls", payload.encode(), topic=topic) for topic, payload in chirpstack]
    assert [reading.occupied for reading in readings] == [True, False]
    assert [reading.stamp.sequence for reading in readings if reading.stamp] == [101, 102]


def test_a_format_that_the_simulator_does_not_speak_is_named(tmp_path: Path) -> None:
    text = SITE.replace('format = "plain"', 'format = "esphome"')
    with pytest.raises(WiringError, match=r"A2.*esphome"):
        Wiring(site(tmp_path, text), pins_address=default_address(tmp_path), publish=lambda *_: None)


class Demo:
    """A live lot that runs in a thread, and what its listener hears."""

    def __init__(self, folder: Path, broker: MqttSpec, listener: Client, heard: Heard) -> None:
        checked = site(folder)
        lot = Lot(checked.lot, rng=random.Random(1), inside={"customers": 3})  # noqa: S311  traffic, not a secret
        lot.set_traffic(on=False)
        self.heard = heard
        self.bays: dict[str, list[bytes]] = {}
        self.truth: dict[str, object] = {}
        self._listener = listener
        self._stop = threading.Event()
        live = LiveLot(checked, lot, pins_address=default_address(folder), broker=broker, speed=4.0)
        self._thread = threading.Thread(target=live.run, args=(self._stop,))
        self._thread.start()
        self.wait(lambda: bool(self.truth), "the truth is told")

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def order(self, **order: object) -> None:
        self._listener.publish(ORDERS, json.dumps(order), qos=1)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            while not self.heard.empty():
                topic, payload = self.heard.get()
                if topic == TRUTH:
                    self.truth = json.loads(payload)
                else:
                    self.bays.setdefault(topic, []).append(payload)
            return condition()

        wait_for(look, what)


@pytest.fixture
def demo(tmp_path: Path, embedded: MqttSpec, listener: tuple[Client, Heard]) -> Iterator[Demo]:
    live = Demo(tmp_path, embedded, *listener)
    yield live
    live.close()


def test_an_order_over_mqtt_drives_a_car_over_the_pins(demo: Demo, count: Count) -> None:
    assert demo.truth["inside"] == {"customers": 3}
    demo.wait(lambda: len(demo.bays) == 2, "every bay speaks")
    seen: set[tuple[str, bool]] = set()

    def both_loops_were_covered() -> bool:
        seen.update(count.levels.items())
        return {("main.outer", True), ("main.inner", True)} <= seen

    demo.order(action="drive_in")
    demo.wait(both_loops_were_covered, "the car is seen")
    demo.wait(lambda: demo.truth.get("inside") == {"customers": 4}, "the car is inside")


def test_orders_that_make_no_sense_are_refused_and_do_no_harm(demo: Demo) -> None:
    demo.order(action="fly")
    demo.wait(lambda: "not an order" in str(demo.truth.get("refused")), "fly is refused")
    demo.order(action="jam", detector="side.outer", stuck=True)
    demo.wait(lambda: "side.outer" in str(demo.truth.get("refused")), "an unknown loop is refused")
    demo.order(action="jam", detector="main.outer", stuck=True)
    demo.wait(lambda: demo.truth.get("stuck") == {"main.outer": True}, "a known loop is jammed")
    assert demo.truth["refused"] is None


def test_a_dead_bay_sensor_falls_silent(demo: Demo) -> None:
    demo.order(action="kill_bay", bay="A2")
    demo.wait(lambda: demo.truth.get("dead") == ["A2"], "the sensor is dead")
    demo.wait(demo.heard.empty, "what was on its way has come")
    demo.bays.clear()
    chirpstack = "application/simulator/device/a84041000181c061/event/up"
    demo.wait(lambda: len(demo.bays.get(chirpstack, ())) >= 2, "two heartbeats of the other")
    assert "bays/A2" not in demo.bays


def test_a_taken_port_is_told_by_the_embedded_broker(embedded: MqttSpec) -> None:
    with pytest.raises(EmbeddedBrokerError, match=str(embedded.port)):
        EmbeddedBroker(embedded.port).start()
