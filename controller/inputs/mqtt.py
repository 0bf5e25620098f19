"""Sensors that speak over MQTT -> raw messages in the inbox. What they mean is told by ``sensors``.

- Acknowledged by hand: PUBACK goes out when the service calls ``ack``, after its commit. Until then the broker owns the
  message, and repeats it at the next connection, marked so (see ``taken``).
- The session is kept (one client id, never clean), so that the broker queues QoS 1 messages while we are down.
- Subscribed at every connection: a broker that lost its session store would send nothing otherwise.
- paho's thread builds a frozen message and puts it, inside a try: that is all.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from controller.broker import Broker
from controller.site import MqttSpec, SensorInput

log = logging.getLogger(__name__)

_QOS = 1
_FILTERS_A_PACKET = 100


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """One message as received at ``monotonic`` (the machine's monotonic clock, s)."""

    topic: str
    payload: bytes
    monotonic: float
    retained: bool
    """Sent because we subscribed: of unknown age."""
    ack: Callable[[], None]
    """Call it once the message is durable, from any thread; harmless when the connection is another one by then."""
    packet: int | None = None
    """The broker's number for it; None where nothing is acknowledged (QoS 0)."""
    again: bool = False
    """The broker says that it sends it again, not having heard of an acknowledgement."""


class MqttInputs:
    """Puts every message on the sensors' topics as an ``MqttMessage``, from paho's thread. Raises BrokerError."""

    def __init__(
        self,
        spec: MqttSpec,
        sensors: Sequence[SensorInput],
        *,
        put: Callable[[MqttMessage], None],
        password: str | None,
        further: Sequence[str] = (),
    ) -> None:
        self._filters = list(dict.fromkeys([*(sensor.topic for sensor in sensors), *further]))
        self._put = put
        self._messages = 0
        self._errors = 0
        self._subscribed: dict[int, list[str]] = {}
        # A packet id means something only within its connection: a new one may use it for another message.
        self._connection: object | None = None
        self._connection_lock = threading.Lock()
        self._broker = Broker(
            spec, client_id=spec.client_id, password=password, keep_session=True, joined=self._joined, lost=self._lost
        )
        self._broker.client.on_message = self._on_message
        self._broker.client.on_subscribe = self._on_subscribe

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to connect, in the background; a missing broker delays nothing."""
        self._broker.start()

    def close(self) -> None:
        """Disconnect; the broker keeps what comes until we are back."""
        self._broker.close()

    def goes_on(self) -> bool:
        """Whether messages are still taken from the broker, when there are any."""
        return self._broker.goes_on()

    def report(self) -> dict[str, Any]:
        """Return the state of the connection as plain JSON (see ``Broker.report``), and what came through it."""
        return {**self._broker.report(), "messages": self._messages, "errors": self._errors}

    def _joined(self) -> None:
        with self._connection_lock:
            self._connection = object()
        for start in range(0, len(self._filters), _FILTERS_A_PACKET):
            batch = self._filters[start : start + _FILTERS_A_PACKET]
            _, packet = self._broker.client.subscribe([(topic, _QOS) for topic in batch])
            if packet is not None:
                self._subscribed[packet] = batch

    def _lost(self) -> None:
        with self._connection_lock:
            self._connection = None
        self._subscribed.clear()

    def _on_subscribe(
        self, _client: Client, _userdata: Any, packet: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [
            topic for topic, reason in zip(self._subscribed.pop(packet, []), reasons, strict=False) if reason.is_failure
        ]
        if refused:
            self._broker.trouble(f"it refuses to send {', '.join(refused)}; allow it in the broker's access list")

    def _on_message(self, client: Client, _userdata: Any, message: MQTTMessage) -> None:
        now = time.monotonic()
        self._messages += 1
        connection, packet, qos = self._connection, message.mid, message.qos

        def ack() -> None:
            with self._connection_lock:
                if self._connection is connection:
                    client.ack(packet, qos)

        try:
            number = packet if qos else None
            self._put(MqttMessage(message.topic, bytes(message.payload), now, message.retain, ack, number, message.dup))
        except Exception:  # one let out would end paho's only thread
            self._errors += 1
            if self._errors == 1:
                log.exception("MQTT broker %s: a message was lost", self._broker.name)
