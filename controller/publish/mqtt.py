"""The lot's state on MQTT, retained, so that whoever subscribes knows it at once.

    PREFIX/ZONE/state   {"free": 3, "capacity": 40, "occupied": 37, "low": 3, "high": 3, "status": "OPEN",
                         "reason": "counted", "message": "3", "time": "2026-11-22T21:40:03.250Z"}
    PREFIX/_lot         {"detectors": {"main.outer": "ON"}, "signs": {"entrance": "3"}, "faults": [], "time": ...}
    PREFIX/status       online, or offline (our last will, when we die)

Where the site wants it, also what Home Assistant needs to find all this by itself (``publish.homeassistant``), and one
topic that is listened to: the vehicles inside, as whoever the broker lets write it has counted them.

    PREFIX/ZONE/occupied/set   37

``free`` is null when the count is not trusted: a false number is worse than none; ``low`` and ``high`` (90 %) are told
even then. ``message`` is what the zone's first sign says, null when it has none; ``time``, when the state became known.
QoS 1.

What changed is sent at once, all of it every minute (another lot's sign believes it by its age only), and at each new
connection. ``publish`` never waits for the broker.
"""

import contextlib
import json
import logging
import math
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage

from controller.broker import Broker
from controller.publish import homeassistant
from controller.site import MqttSpec

log = logging.getLogger(__name__)

Json = dict[str, Any]

_QOS = 1
_DIGITS = 6
_GOODBYE_S = 0.4

AGAIN_S = 60.0
"""What did not change is said again after this long."""


class MqttState:
    """Keeps the retained topics true, over a connection of its own. Raises BrokerError."""

    def __init__(
        self, spec: MqttSpec, *, password: str | None, command: Callable[[Json], None] = lambda _: None
    ) -> None:
        self._spec = spec
        self._prefix = spec.prefix.rstrip("/")
        self._command = command
        self._discovery: dict[str, str] = {}
        self._states: dict[str, Json] = {}
        self._newest: dict[str, Json] = {}
        self._newest_sent = 0.0
        self._sent_at: dict[str, float] = {}
        self._online = False
        # Held while publishing: a new connection's "everything" and the service's next change must not cross.
        self._lock = threading.Lock()
        self._broker = Broker(
            spec, client_id=f"{spec.client_id}-state", password=password, joined=self._joined, lost=self._lost
        )
        self._client = self._broker.client
        self._client.on_pre_connect = _forget
        self._client.on_message = self._corrected
        self._client.will_set(self._status_topic, "offline", _QOS, retain=True)
        self._broker.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(self, envelope: Json) -> None:
        """Send what changed in the zones of a state envelope (see ``controller.link``); never blocks."""
        with self._lock:
            self._discover(homeassistant.messages(self._spec, envelope))
            for topic, state, moment in _states(envelope, self._prefix):
                changed = self._states.get(topic) != state
                self._states[topic] = state
                self._newest[topic] = {**state, "time": moment}
                due = envelope["sent"] - self._sent_at.get(topic, -math.inf) >= AGAIN_S
                self._newest_sent = envelope["sent"]
                if (changed or due) and self._online:
                    self._send(topic)

    def close(self) -> None:
        """Say offline and disconnect, within a second; more than once is harmless."""
        with self._lock:
            online, self._online = self._online, False
        if online:
            goodbye = self._client.publish(self._status_topic, "offline", _QOS, retain=True)
            with contextlib.suppress(RuntimeError):  # the connection was lost just now: the last will says it
                goodbye.wait_for_publish(_GOODBYE_S)
        self._broker.close()

    def report(self) -> Json:
        """Return the state of the connection as plain JSON (see ``Broker.report``)."""
        return self._broker.report()

    @property
    def _status_topic(self) -> str:
        return f"{self._prefix}/status"

    def _joined(self) -> None:
        with self._lock:
            self._online = True
            if self._spec.corrections:
                self._client.subscribe(f"{self._prefix}/+/occupied/set", _QOS)
            for topic, config in self._discovery.items():
                self._client.publish(topic, config, _QOS, retain=True)
            for topic in self._newest:
                self._send(topic)
            self._client.publish(self._status_topic, "online", _QOS, retain=True)

    def _lost(self) -> None:
        with self._lock:
            self._online = False

    def _discover(self, configs: dict[str, str]) -> None:
        for topic, config in configs.items():
            if self._discovery.get(topic) != config and self._online:
                self._client.publish(topic, config, _QOS, retain=True)
        self._discovery = configs

    def _corrected(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        zone = message.topic.removeprefix(f"{self._prefix}/").removesuffix("/occupied/set")
        if message.retain:  # it would correct anew at every connection
            log.warning("MQTT %s: a correction must not be retained; not taken", message.topic)
        elif not message.payload.isdigit() or len(message.payload) > _DIGITS:
            log.warning("MQTT %s: %r is no number of vehicles; not taken", message.topic, message.payload[:40])
        else:
            order = {"do": "correct", "zone": zone, "occupied": int(message.payload)}
            self._command({**order, "by": "mqtt", "reason": f"set over {message.topic}"})

    def _send(self, topic: str) -> None:
        self._sent_at[topic] = self._newest_sent
        payload = json.dumps(self._newest[topic], ensure_ascii=False)
        self._client.publish(topic, payload, _QOS, retain=True)


def _forget(client: Client, _userdata: Any) -> None:
    """Drop what was not acknowledged: paho would send it after the newest state, and the old would be retained."""
    client.drop_out_messages()


def _states(envelope: Json, prefix: str) -> Iterator[tuple[str, Json, str]]:
    """Yield each topic, its state, and the moment (ISO 8601, UTC) of the envelope."""
    lot = envelope["lot"]
    moment = datetime.fromtimestamp(envelope["epoch"] + lot["at"], UTC).isoformat(timespec="milliseconds")
    says: Json = {}
    for sign in lot["signs"]:
        says.setdefault(sign["zone"], sign["message"]["text"])
    yield homeassistant.lot_topic(prefix), homeassistant.lot_state(lot), moment.replace("+00:00", "Z")
    for zone in lot["zones"]:
        state = {key: zone[key] for key in ("free", "capacity", "occupied", "low", "high", "status", "reason")}
        state["message"] = says.get(zone["name"])
        yield f"{prefix}/{zone['name']}/state", state, moment.replace("+00:00", "Z")
