"""The lot's state on MQTT, retained, so that whoever subscribes knows it at once.

    PREFIX/ZONE/state   {"free": 3, "capacity": 40, "occupied": 37, "low": 3, "high": 3, "status": "OPEN",
                         "reason": "counted", "message": "3", "time": "2026-11-22T21:40:03.250Z"}
    PREFIX/status       online, or offline (our last will, when we die)

``free`` is null when the count is not trusted: a false number is worse than none; ``low`` and ``high`` (90 %) are told
even then. ``message`` is what the zone's first sign says, null when it has none; ``time``, when the state became known.
QoS 1.

What changed is sent at once, all of it every minute (another lot's sign believes it by its age only), and at each new
connection. ``publish`` never waits for the broker.
"""

import contextlib
import json
import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Self

from paho.mqtt.client import Client

from controller.broker import Broker
from controller.site import MqttSpec

Json = dict[str, Any]

_QOS = 1
_GOODBYE_S = 0.4

AGAIN_S = 60.0
"""What did not change is said again after this long."""


class MqttState:
    """Keeps the retained topics true, over a connection of its own. Raises BrokerError."""

    def __init__(self, spec: MqttSpec, *, password: str | None) -> None:
        self._prefix = spec.prefix.rstrip("/")
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
        self._client.will_set(self._status_topic, "offline", _QOS, retain=True)
        self._broker.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(self, envelope: Json) -> None:
        """Send what changed in the zones of a state envelope (see ``controller.link``); never blocks."""
        with self._lock:
            for topic, state, moment in _zones(envelope, self._prefix):
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
            for topic in self._newest:
                self._send(topic)
            self._client.publish(self._status_topic, "online", _QOS, retain=True)

    def _lost(self) -> None:
        with self._lock:
            self._online = False

    def _send(self, topic: str) -> None:
        self._sent_at[topic] = self._newest_sent
        payload = json.dumps(self._newest[topic], ensure_ascii=False)
        self._client.publish(topic, payload, _QOS, retain=True)


def _forget(client: Client, _userdata: Any) -> None:
    """Drop what was not acknowledged: paho would send it after the newest state, and the old would be retained."""
    client.drop_out_messages()


def _zones(envelope: Json, prefix: str) -> Iterator[tuple[str, Json, str]]:
    """Yield each zone's topic, its state, and the moment (ISO 8601, UTC) of the envelope."""
    lot = envelope["lot"]
    moment = datetime.fromtimestamp(envelope["epoch"] + lot["at"], UTC).isoformat(timespec="milliseconds")
    says: Json = {}
    for sign in lot["signs"]:
        says.setdefault(sign["zone"], sign["message"]["text"])
    for zone in lot["zones"]:
        state = {key: zone[key] for key in ("free", "capacity", "occupied", "low", "high", "status", "reason")}
        state["message"] = says.get(zone["name"])
        yield f"{prefix}/{zone['name']}/state", state, moment.replace("+00:00", "Z")
