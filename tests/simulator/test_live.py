"""A season in real time: orders over a real broker, edges with their own time on mock pins, and the truth."""

import itertools
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from gpiozero.pins.mock import MockFactory
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from controller import demo_site
from controller.clocks import Pace
from controller.inputs.gpio import GpioInputs, PinLevel
from controller.inputs.mock_pins import DatedPin, MockPinServer, default_address
from controller.simulator.embedded_broker import EmbeddedBroker, EmbeddedBrokerError, free_port
from controller.simulator.live import ORDERS, TRUTH, LiveLot, Show
from controller.simulator.scenario import load
from controller.simulator.season import Season
from controller.site import MqttSpec, Site

Heard: TypeAlias = "queue.SimpleQueue[tuple[str, bytes]]"
"""Topics and payloads, in order."""
EPOCH = 1_795_000_000.0
BEGIN_S = 36_000.0
INSIDE = 20


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.01)


class Count:
    """The input side of a count process: mock pins that a simulator can reach."""

    def __init__(self, site: Site, run_dir: Path) -> None:
        self.heard: list[PinLevel] = []
        self._factory = MockFactory(pin_class=DatedPin)
        self._pins = GpioInputs(site.pins, factory=self._factory, put=self.heard.append)
        self._server = MockPinServer(self._factory, default_address(run_dir))

    def close(self) -> None:
        self._server.close()
        self._pins.close()
        self._factory.close()


@pytest.fixture(scope="module")
def embedded() -> Iterator[MqttSpec]:
    broker = EmbeddedBroker(free_port())
    broker.start()
    yield MqttSpec(host="127.0.0.1", port=broker.port)
    broker.close()


class Stage:
    """A live lot in a thread, its count process if there is one, and what its listener hears."""

    def __init__(self, folder: Path, broker: MqttSpec) -> None:
        self.folder = folder
        self.season = Season(load("demo36"), 1, begin_s=BEGIN_S, inside=INSIDE)
        self.season.traffic = False
        self.site = demo_site.write(folder / "site.toml", "demo36", self.season, broker_port=broker.port, web_port=8080)
        self.power: list[bool] = []
        self.wanted: list[str] = []
        self.bays: dict[str, list[bytes]] = {}
        self.truth: dict[str, Any] = {}
        self.count: Count | None = None
        self.pace_file = folder / "pace.json"
        show = Show(f"{folder}", "demo36", EPOCH, self.pace_file, power=self.power.append, wants=self.wanted.append)
        self._heard: Heard = queue.SimpleQueue()
        self._client = self._listen(broker)
        self._stop = threading.Event()
        live = LiveLot(self.site, self.season, show, pins_address=default_address(folder), broker=broker, speed=20.0)
        self._thread = threading.Thread(target=live.run, args=(self._stop,))
        self._thread.start()
        self.wait(lambda: self.truth.get("show") == f"{folder}", "the truth is told")

    def _listen(self, broker: MqttSpec) -> Client:
        ready = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2, "listener")
        client.on_message = lambda _c, _u, message: self._heard.put((message.topic, bytes(message.payload)))
        client.on_subscribe = lambda *_: ready.set()
        client.connect(broker.host, broker.port)
        client.loop_start()
        client.subscribe([("bays/#", 1), ("application/#", 1), (TRUTH, 1)])
        assert ready.wait(5)
        return client

    def switch_on(self) -> Count:
        self.count = Count(self.site, self.folder)
        return self.count

    def order(self, **order: object) -> None:
        self._client.publish(ORDERS, json.dumps(order), qos=1)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            while not self._heard.empty():
                topic, payload = self._heard.get()
                if topic == TRUTH:
                    self.truth = json.loads(payload)
                else:
                    self.bays.setdefault(topic, []).append(payload)
            return condition()

        wait_for(look, what)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()
        if self.count is not None:
            self.count.close()


@pytest.fixture
def stage(tmp_path: Path, embedded: MqttSpec) -> Iterator[Stage]:
    live = Stage(tmp_path, embedded)
    yield live
    live.close()


def test_time_waits_for_the_count_process_and_then_goes_as_fast_as_asked(stage: Stage) -> None:
    assert stage.truth["unix_s"] == EPOCH + BEGIN_S
    first = Pace.read(stage.pace_file)
    assert (first.present.rate, first.present.at, first.epoch) == (0.0, BEGIN_S, EPOCH)
    stage.switch_on()
    stage.wait(lambda: stage.truth["unix_s"] > EPOCH + BEGIN_S + 20, "time goes")
    pace = Pace.read(stage.pace_file)
    assert pace.present.rate == 20.0
    assert pace.time_at(pace.settled) >= BEGIN_S + 20
    stage.order(action="speed", speed=300)
    stage.wait(lambda: stage.truth["speed"] == 300, "it goes faster")
    assert Pace.read(stage.pace_file).present.rate == 300.0


def test_an_order_over_mqtt_drives_a_car_over_the_pins_in_simulated_time(stage: Stage) -> None:
    count = stage.switch_on()
    stage.wait(lambda: stage.truth["unix_s"] > EPOCH + BEGIN_S, "time goes")
    assert stage.truth["inside"] == INSIDE
    stage.order(action="drive_in")
    stage.wait(lambda: stage.truth["inside"] == INSIDE + 1, "the car is inside")
    pace = Pace.read(stage.pace_file)
    wait_for(lambda: not count.heard[-1].occupied, "its edges have come")
    spans = {}
    for name in ("entry.outer", "entry.inner", "entry.barrier"):
        edges = [level for level in count.heard if level.detector == name]
        on = next(level for level in edges if level.occupied)
        spans[name] = (pace.time_at(on.monotonic), pace.time_at(edges[-1].monotonic))
    assert spans["entry.outer"][0] < spans["entry.barrier"][0] < spans["entry.inner"][1]
    for start, end in (spans["entry.outer"], spans["entry.inner"]):
        assert 0.5 < end - start < 15.0, "as long as a real car takes"
    moments = [level.monotonic for level in count.heard if level.detector.startswith("entry")]
    assert all(a <= b for a, b in itertools.pairwise(moments))


def test_two_drive_in_bumper_to_bumper_one_leaves_and_one_turns_back(stage: Stage) -> None:
    count = stage.switch_on()
    stage.order(action="tailgate")
    stage.wait(lambda: stage.truth["inside"] == INSIDE + 2, "both are inside")
    stage.order(action="drive_out")
    stage.wait(lambda: stage.truth["inside"] == INSIDE + 1, "one leaves")
    before = len(count.heard)
    stage.order(action="back_out")

    def came_and_went(loop: str) -> bool:
        levels = [level.occupied for level in count.heard[before:] if level.detector == loop]
        return True in levels and not levels[-1]

    wait_for(lambda: came_and_went("entry.inner") and came_and_went("entry.outer"), "one comes onto both loops")
    stage.wait(lambda: stage.truth["waiting"]["entry"] == 0, "and is gone")
    assert stage.truth["inside"] == INSIDE + 1


def test_faults_are_made_told_and_mended(stage: Stage) -> None:
    count = stage.switch_on()
    stage.wait(lambda: stage.truth["unix_s"] > EPOCH + BEGIN_S, "time goes")
    for fault in ("occupied", "clear", "dead", "chatter", "edges"):
        stage.order(action="fault", detector="entry.outer", fault=fault)
        stage.wait(lambda fault=fault: stage.truth["faults"] == {"entry.outer": fault}, f"{fault} is told")  # type: ignore[misc]
    stage.order(action="fault", detector="exit.inner", fault="occupied")
    stage.wait(lambda: len(stage.truth["faults"]) == 2, "another one has a fault")
    wait_for(lambda: any(x.detector == "exit.inner" and x.occupied for x in count.heard), "the pin says so")
    stage.order(action="fault", detector="entry.outer")
    stage.order(action="fault", detector="exit.inner")
    stage.wait(lambda: stage.truth["faults"] == {}, "both are mended")
    wait_for(lambda: [x.occupied for x in count.heard if x.detector == "exit.inner"][-1] is False, "it is clear")


def test_orders_that_make_no_sense_are_refused_and_do_no_harm(stage: Stage) -> None:
    stage.order(action="fly")
    stage.wait(lambda: "not an order" in str(stage.truth["refused"]), "fly is refused")
    stage.order(action="fault", detector="side.outer", fault="dead")
    stage.wait(lambda: "side.outer" in str(stage.truth["refused"]), "an unknown loop is refused")
    stage.order(action="kill_bay", bay="Z9")
    stage.wait(lambda: "Z9" in str(stage.truth["refused"]), "an unknown bay is refused")
    stage.order(action="traffic", on=True)
    stage.wait(lambda: stage.truth["traffic"] is True, "an order that makes sense is carried out")
    assert stage.truth["refused"] is None


def test_a_bay_speaks_until_its_sensor_is_dead(stage: Stage) -> None:
    stage.switch_on()
    stage.wait(lambda: len(stage.bays) == 6, "every bay speaks")
    stage.order(action="kill_bay", bay="B2")
    stage.wait(lambda: stage.truth["dead"] == ["B2"], "the sensor is dead")
    stage.bays.clear()
    stage.wait(lambda: len(stage.bays.get("bays/B4", ())) >= 4, "heartbeats of another")
    assert len(stage.bays.get("bays/B2", ())) <= 1, "what was on its way"


def test_the_power_is_cut_for_as_long_as_ordered(stage: Stage) -> None:
    stage.switch_on()
    stage.wait(lambda: stage.truth["unix_s"] > EPOCH + BEGIN_S, "time goes")
    stage.order(action="off", seconds=30)
    stage.wait(lambda: stage.truth["off"], "it is off")
    since = stage.truth["unix_s"]
    assert stage.power == [False]
    stage.wait(lambda: not stage.truth["off"], "it is on again")
    assert stage.power == [False, True]
    assert 25 <= stage.truth["unix_s"] - since <= 45


def test_another_scenario_is_asked_for(stage: Stage) -> None:
    stage.order(action="scenario", scenario="shop20")
    stage.wait(lambda: stage.wanted == ["shop20"], "whoever runs it hears of it")


def test_a_taken_port_is_told_by_the_embedded_broker(embedded: MqttSpec) -> None:
    with pytest.raises(EmbeddedBrokerError, match=str(embedded.port)):
        EmbeddedBroker(embedded.port).start()
