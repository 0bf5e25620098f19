"""The controller's end of a sign on another machine, with a real broker, and time driven by hand."""

import dataclasses
import json
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_broker import Mosquitto, until
from paho.mqtt.client import MQTTMessage
from sign_envelopes import Clock, envelope, number

from controller.link import TTL_S
from controller.sign import frames, readback
from controller.sign.elsewhere import Elsewhere
from controller.sign.guardian import Guardian
from controller.sign.layout import preview
from controller.sign.panel import Panel, PanelError, Reopening, Unreachable
from controller.site import MqttSpec, PanelSpec

pytestmark = pytest.mark.broker

IMAGE = preview("12", 64, 16)
ROWS = frames.rows(IMAGE)


class Far:
    """The other end: it asks when it is told to, and keeps what it hears."""

    def __init__(self, broker: Mosquitto, name: str, heard: "queue.SimpleQueue[MQTTMessage]") -> None:
        self._broker, self._heard = broker, heard
        self.topic = frames.ask_topic("parking", name)

    def ask(self, number: str, trouble: str | None = None, **options: bool) -> None:
        self._broker.publish(self.topic, frames.Ask(number, trouble).payload(), **options)

    def next(self) -> dict[str, Any]:
        told = self._heard.get(timeout=10)
        assert not told.retain
        frame: dict[str, Any] = json.loads(told.payload)
        return frame


@pytest.fixture
def gate(broker: Mosquitto, request: pytest.FixtureRequest) -> Iterator[tuple[Elsewhere, Far, Clock]]:
    name = f"gate-{abs(hash(request.node.name))}"
    spec = PanelSpec(name, "mqtt", 64, 16, broker=MqttSpec(broker.host, broker.port, client_id=name))
    clock = Clock()
    panel = Elsewhere(spec, monotonic=clock)
    with broker.listen(frames.frame_topic("parking", name)) as heard:
        far = Far(broker, name, heard)
        until(lambda: f"{name}/ask" in broker.log)  # subscribed
        yield panel, far, clock
    panel.close()


def away(panel: Panel) -> str:
    with pytest.raises(Unreachable) as error:
        panel.show(IMAGE, 2000.0)
    return str(error.value)


def test_a_question_is_answered_with_what_is_shown_and_for_how_long(gate: tuple[Elsewhere, Far, Clock]) -> None:
    panel, far, clock = gate
    far.ask("one")
    first = far.next()
    assert (first["ask"], first["rows"], first["width"], first["height"]) == ("one", None, 64, 16)
    panel.show(IMAGE, clock.now + 2.5)  # told unasked
    told = far.next()
    assert (told["ask"], told["rows"], told["valid_for_s"], told["brightness"]) == ("one", ROWS, 2.5, 8)
    assert told["seq"] > first["seq"]
    clock.now += 2.0
    far.ask("two")
    told = far.next()
    assert (told["ask"], told["rows"], told["valid_for_s"]) == ("two", ROWS, 0.5)
    clock.now += 0.6  # nobody said anything new: whoever shows it may hang
    far.ask("three")
    told = far.next()
    assert (told["rows"], told["valid_for_s"]) == (None, 0.0)
    panel.show(IMAGE, clock.now + 100.0)
    panel.dim(3)
    far.ask("four")
    told = far.next()
    while told["ask"] != "four":
        told = far.next()
    assert (told["rows"], told["brightness"], told["valid_for_s"]) == (ROWS, 3, TTL_S)
    panel.dark()
    assert far.next()["rows"] is None


def test_a_sign_that_does_not_ask_is_said_to_be_dark(gate: tuple[Elsewhere, Far, Clock]) -> None:
    panel, far, clock = gate
    assert "has not asked yet; is it switched on, and may it write parking/_signs/gate-" in away(panel)
    far.ask("one")
    assert far.next()["rows"] == ROWS  # it is there again, and nothing had to be opened anew
    panel.show(IMAGE, clock.now + 3.0)
    clock.now += TTL_S + 1.0
    why = away(panel)
    assert why == "not reached over MQTT: it does not ask any more; look at its supply and its network"
    clock.now += 60.0
    assert away(panel) == why, "one reason, one warning, however long it lasts"
    far.ask("two", "no SPI")
    far.next()
    assert away(panel) == "the panel failed, it says over MQTT: no SPI"
    far.ask("three")
    far.next()
    panel.show(IMAGE, clock.now + 3.0)


def test_what_is_no_question_is_counted_and_not_answered(gate: tuple[Elsewhere, Far, Clock], broker: Mosquitto) -> None:
    panel, far, _ = gate
    for payload in ("", "[]", '{"ask": 5}', '{"ask": "' + "x" * 65 + '"}', '{"ask": "a", "trouble": 1}'):
        broker.publish(far.topic, payload)
    far.ask("good")
    assert far.next()["ask"] == "good"
    assert panel.malformed == 5


def test_a_retained_question_is_none(broker: Mosquitto) -> None:
    topic = frames.ask_topic("parking", "kept")
    broker.publish(topic, frames.Ask("old").payload(), retain=True)
    spec = PanelSpec("kept", "mqtt", 64, 16, broker=MqttSpec(broker.host, broker.port, client_id="kept"))
    panel = Elsewhere(spec)
    try:
        until(lambda: panel.malformed == 1)
        assert "has not asked yet" in away(panel)
    finally:
        panel.close()
        broker.publish(topic, "", retain=True)


def test_a_broker_that_is_not_there_is_named() -> None:
    spec = PanelSpec("gate", "mqtt", 64, 16, broker=MqttSpec("127.0.0.1", 1, client_id="nobody"))
    panel = Elsewhere(spec)
    try:
        until(lambda: "nothing listens there" in away(panel))
        assert away(panel).startswith("not reached over MQTT: broker 127.0.0.1:1: ")
    finally:
        panel.close()
    with pytest.raises(PanelError, match=r"no broker to reach it over; add a table \[mqtt\]"):
        Elsewhere(dataclasses.replace(spec, broker=None))


class Recorder:
    """A panel that keeps until when it was told what, and may be away."""

    def __init__(self, spec: PanelSpec) -> None:
        self.spec = spec
        self.until: list[float] = []
        self.away = False
        self.closed = False

    def show(self, _image: object, until: float) -> None:
        if self.away:
            raise Unreachable("away")
        self.until.append(until)

    def dark(self) -> None:
        self.until.append(-1.0)

    def dim(self, brightness: int) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def recorder(spec: PanelSpec, into: list[Recorder]) -> Callable[[PanelSpec], Panel]:
    def opener(_spec: PanelSpec) -> Panel:
        into.append(Recorder(spec))
        return into[-1]  # type: ignore[return-value]  # a panel as far as it is used

    return opener


def test_a_panel_is_told_until_when_and_one_that_is_away_is_not_opened_anew(tmp_path: Path) -> None:
    spec, clock, made = PanelSpec("gate", "emulator", 64, 16), Clock(), list[Recorder]()
    panel = Reopening(spec, opener=recorder(spec, made), monotonic=clock)
    guardian = Guardian({"gate": panel}, run_dir=tmp_path, monotonic=clock, clock=clock)
    guardian.tell(envelope(clock.now - 1.0, {"gate": number(12)}, ttl_s=2.5))
    assert made[0].until == [clock.now + 1.5]
    made[0].away = True
    for _ in range(5):
        guardian.beat()
    shown = readback.read(tmp_path, "gate")
    assert shown is not None
    assert (shown.lit, shown.why_dark) == (False, "away")
    made[0].away = False
    guardian.beat()
    assert made[0].until == [clock.now + 1.5] * 2
    assert (len(made), made[0].closed) == (1, False)
