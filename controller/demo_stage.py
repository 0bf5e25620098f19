"""The web process's end of the demo: orders to the simulated lot, its truth, and what the product believes beside it.

Both come over the embedded broker: the truth from the simulator, the belief from the product's own retained state.
"""

import json
import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage

from controller.broker import Broker
from controller.simulator.live import ORDERS, TRUTH
from controller.simulator.orders import Order
from controller.site import MqttSpec

log = logging.getLogger(__name__)

SAMPLES = 1200
"""As many of truth and belief are kept, one for each truth that is told half a second or more after the last."""
LEAST_APART_S = 0.45


@dataclass(frozen=True, slots=True)
class Sample:
    """Truth and belief at one moment."""

    unix_s: float
    """Simulated time."""
    inside: int
    """How many vehicles truly are."""
    occupied: int | None
    """How many the product believes to be inside; None: it does not say."""
    least: int | None
    """With 90 % no fewer are inside ..."""
    most: int | None
    """... and no more."""


class Stage:
    """The way to the simulated lot, and what is known of it. Open while used as a context manager."""

    def __init__(self, spec: MqttSpec) -> None:
        self._lock = threading.Lock()
        self._truth: dict[str, Any] | None = None
        self._states: dict[str, dict[str, Any]] = {}
        self._samples: deque[tuple[float, Sample]] = deque(maxlen=SAMPLES)
        self._state_topics = f"{spec.prefix.rstrip('/')}/+/state"
        self._broker = Broker(spec, client_id="demo-page", password=None, joined=self._joined, lost=self._lost)
        self._broker.client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._broker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._broker.close()

    @property
    def truth(self) -> dict[str, Any] | None:
        """The newest truth, and how many were ``believed`` to be inside when it came; None while it is not known."""
        with self._lock:
            return self._truth

    def samples(self, after: float) -> list[Sample]:
        """Return the samples later than this simulated time (Unix s), oldest first."""
        with self._lock:
            return [sample for _, sample in self._samples if sample.unix_s > after]

    def send(self, order: Order) -> bool:
        """Pass an order on; False when the broker is not there."""
        if not self._broker.connected:
            return False
        self._broker.client.publish(ORDERS, order.model_dump_json(), qos=1)
        return True

    def _joined(self) -> None:
        self._broker.client.subscribe([(TRUTH, 1), (self._state_topics, 1)])

    def _lost(self) -> None:
        with self._lock:
            self._truth = None

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        try:
            document = json.loads(message.payload)
            with self._lock:
                if message.topic == TRUTH:
                    state = {} if document["off"] else self._states.get(document["zone"], {})
                    self._truth = {**document, "believed": state.get("occupied")}
                    self._sample(document, state, message.timestamp)
                else:
                    self._states[message.topic.split("/")[-2]] = document
        except (ValueError, KeyError, TypeError):  # one let out would end paho's thread
            log.exception("demo: a message on %s makes no sense", message.topic)

    def _sample(self, truth: dict[str, Any], state: dict[str, Any], heard_at: float) -> None:
        if self._samples and heard_at - self._samples[-1][0] < LEAST_APART_S:
            return
        capacity, low, high = truth["capacity"], state.get("low"), state.get("high")
        sample = Sample(
            truth["unix_s"],
            truth["inside"],
            state.get("occupied"),
            None if high is None else capacity - high,
            None if low is None else capacity - low,
        )
        self._samples.append((heard_at, sample))
