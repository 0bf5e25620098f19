"""A sign on a machine of its own, fed over MQTT: ``parking-controller sign far``. See ``frames`` for what is said.

It asks twice a second, and shows what answers, for as long as that holds by its own clock; else it is dark. What the
sign says is drawn where the count is: this end knows LEDs, no cars.
"""

import contextlib
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paho.mqtt.client import Client, MQTTMessage

from controller.broker import Broker, password
from controller.sign import frames
from controller.sign.panel import Panel, Reopening, open_panel
from controller.site import MqttSpec, PanelSpec

log = logging.getLogger(__name__)

BEAT_S = 0.1
_MOST_WAITING = 1000
"""Messages that were not looked at yet; who floods us does not fill our memory."""


class FarSign:
    """One panel and what it was told. The rules only; driven by whoever has a clock (monotonic s)."""

    def __init__(self, panel: Panel, asker: frames.Asker) -> None:
        self._panel = panel
        self._asker = asker
        self._frame: frames.Frame | None = None
        self._until = -math.inf
        self._trouble: str | None = None
        self._said: str | None = None
        self.taken = 0
        self.ignored = 0
        """Frames that made no sense, or came too late to be believed."""

    def ask(self, now: float) -> frames.Ask:
        """Ask what to show, and say what is wrong here."""
        return self._asker.ask(now, self._trouble)

    def hear(self, payload: bytes, now: float) -> None:
        """Take a frame; one that must not be shown changes nothing."""
        try:
            self._frame, self._until = self._asker.hear(payload, now)
        except frames.FrameError as error:
            level = logging.DEBUG if self.ignored else logging.WARNING
            self.ignored += 1
            log.log(level, "sign %s: a frame was ignored: %s", self._panel.spec.name, error)
        else:
            self.taken += 1
            self.beat(now)

    def beat(self, now: float) -> None:
        """Show what holds, or be dark."""
        frame = self._frame if now <= self._until else None
        image = None if frame is None else frame.image()
        why = "it is told to be dark" if frame is not None else "nothing fresh came"
        try:
            if frame is None or image is None:
                self._panel.dark()
            else:
                self._panel.dim(frame.brightness)
                self._panel.show(image, self._until)
                why = "lit"
        except Exception as error:  # noqa: BLE001  a driver's fault must not darken the other signs
            self._trouble = str(error) or repr(error)
            why = f"its panel failed: {self._trouble}"
            self._darken()
        else:
            self._trouble = None
        if why != self._said:
            log.log(logging.WARNING if self._trouble else logging.INFO, "sign %s: %s", self._panel.spec.name, why)
            self._said = why

    def _darken(self) -> None:
        """Take down what may still be lit: a fault that is not the hardware's own makes nobody else do it."""
        try:
            self._panel.dark()
        except Exception as error:  # noqa: BLE001  the trouble is told already
            log.debug("sign %s: it could not be darkened after it had failed: %s", self._panel.spec.name, error)

    def close(self) -> None:
        """Go dark for good."""
        self._frame = None
        log.info("sign %s: %d frames taken, %d ignored", self._panel.spec.name, self.taken, self.ignored)
        try:
            self._panel.close()
        except Exception:
            log.exception("sign %s: its panel could not be closed", self._panel.spec.name)


def run(
    mqtt: MqttSpec,
    specs: Sequence[PanelSpec],
    stop: threading.Event,
    notify: Callable[[str], None],
    *,
    opener: Callable[[PanelSpec], Panel] = open_panel,
) -> None:
    """Drive these panels until ``stop`` is set; BrokerError when the broker can't even be tried.

    ``notify`` takes systemd's notifications: READY=1, WATCHDOG=1 with every beat, STOPPING=1.
    """
    signs = {spec.name: FarSign(Reopening(spec, opener=opener), frames.Asker(spec.size)) for spec in specs}
    topics = {frames.frame_topic(mqtt.prefix, name): sign for name, sign in signs.items()}
    heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    client_id = f"{mqtt.client_id}-far-{specs[0].name}"
    broker = Broker(mqtt, client_id=client_id, password=password(mqtt), joined=lambda: _subscribe(broker, topics))

    broker.client.on_message = taker(heard)
    try:
        for sign in signs.values():
            sign.beat(time.monotonic())
        broker.start()
        notify("READY=1")
        ask_at = beat_at = time.monotonic()
        while not stop.is_set():
            with contextlib.suppress(queue.Empty):
                topic, payload = heard.get(timeout=max(0.001, beat_at - time.monotonic()))
                topics[topic].hear(payload, time.monotonic())
            now = time.monotonic()
            if now >= beat_at:
                for sign in signs.values():
                    sign.beat(now)
                if broker.goes_on():
                    notify("WATCHDOG=1")
                beat_at = now + BEAT_S
            if now >= ask_at and broker.connected:
                _ask(broker, mqtt.prefix, signs)
                ask_at = now + frames.ASK_EVERY_S
    finally:
        notify("STOPPING=1")
        for sign in signs.values():
            sign.close()
        broker.close()


def taker(heard: "queue.SimpleQueue[tuple[str, bytes]]") -> Callable[[Client, Any, MQTTMessage], None]:
    """Return what puts messages into ``heard``, for paho's thread."""

    def take(_client: Client, _userdata: Any, message: MQTTMessage) -> None:
        if not message.retain and heard.qsize() < _MOST_WAITING:  # no frame is retained: it would be of another day
            heard.put((message.topic, bytes(message.payload)))

    return take


def _ask(broker: Broker, prefix: str, signs: Mapping[str, FarSign]) -> None:
    for name, sign in signs.items():
        broker.client.publish(frames.ask_topic(prefix, name), sign.ask(time.monotonic()).payload(), qos=0)


def _subscribe(broker: Broker, topics: dict[str, FarSign]) -> None:
    broker.client.subscribe([(topic, 0) for topic in topics])
