"""The simulated lot in real time: its levels go onto the wires, orders come and the truth goes over MQTT.

An order is a JSON object on ``demo/command``: ``{"action": "drive_in"}``, ``{"action": "jam", "detector": "main.outer",
"stuck": true}`` (see ``Order``). The truth is a retained JSON object on ``demo/truth``, sent at every change. Both are
the demo's own: the product knows neither.

One thread, in ``run``, owns the lot; paho's thread only fills its inbox. If the machine slept, simulated time did too.
"""

import dataclasses
import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from paho.mqtt.client import Client, MQTTMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.broker import Broker
from controller.simulator.traffic import Lot, NoVehicleError, Truth
from controller.simulator.wiring import Wiring
from controller.site import MqttSpec, Site

log = logging.getLogger(__name__)

ORDERS = "demo/command"
TRUTH = "demo/truth"

TURN_S = 0.02
REFRESH_S = 0.5
LONGEST_TURN_S = 0.25
"""Time beyond this between two turns is left out: edges that come all at once would mean nothing."""

Name = Field(default=None, min_length=1, max_length=100)


class Order(BaseModel):
    """What somebody wants to happen. Without a lane, the first that leads the right way is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["drive_in", "drive_out", "tailgate", "back_out", "jam", "kill_bay", "traffic"]
    lane: str | None = Name
    detector: str | None = Name
    stuck: bool | None = None
    """For ``jam``: the level at which ``detector`` sticks; null mends it."""
    bay: str | None = Name
    dead: bool = True
    """For ``kill_bay``: whether the sensor of ``bay`` is dead."""
    on: bool = True
    """For ``traffic``: whether cars come and go by themselves."""


class LiveLot:
    """Runs ``lot`` for ``site``, ``speed`` times as fast as the clock; ``told`` hears the truth at every change."""

    def __init__(
        self,
        site: Site,
        lot: Lot,
        *,
        pins_address: str,
        broker: MqttSpec,
        speed: float = 1.0,
        first_frame: int = 0,
        told: Callable[[Truth], None] | None = None,
    ) -> None:
        self._lot = lot
        self._speed = speed
        self._told = told
        self._inbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._broker = Broker(broker, client_id="demo-simulator", password=None, joined=self._joined)
        self._broker.client.on_message = self._on_message
        self._wiring = Wiring(site, pins_address=pins_address, publish=self._publish, first_frame=first_frame)
        self._simulated_s = lot.now_s
        self._turned_at = self._refresh_at = 0.0
        self._truth: Truth | None = None
        self._refused: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Let time pass in the lot until ``stop`` is set."""
        self._broker.start()
        self._turned_at = time.monotonic()
        try:
            while not stop.wait(TURN_S):
                self._turn(time.monotonic())
        finally:
            self._wiring.close()
            self._broker.close()

    def _turn(self, now: float) -> None:
        self._obey()
        self._simulated_s += min(now - self._turned_at, LONGEST_TURN_S) * self._speed
        self._turned_at = now
        self._wiring.apply(self._lot.step(self._simulated_s))
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH_S
            if self._wiring.refresh():
                self._wiring.apply(self._lot.levels())
        if self._truth != self._lot.truth:
            self._tell()

    def _obey(self) -> None:
        while True:
            try:
                payload = self._inbox.get_nowait()
            except queue.Empty:
                return
            if payload is None:  # the broker is new to us
                self._wiring.apply(self._lot.levels())
            else:
                self._refused = self._carry_out(payload)
            self._tell()

    def _carry_out(self, payload: bytes) -> str | None:
        """Do what an order says; return why not, or None."""
        try:
            carry_out(self._lot, Order.model_validate_json(payload))
        except ValidationError as error:
            return f"not an order: {error.errors()[0]['msg']}"
        except KeyError as error:
            return f"no such thing: {error}"
        except NoVehicleError as error:
            return str(error)
        return None

    def _tell(self) -> None:
        self._truth = self._lot.truth
        if self._broker.connected:  # else it is told at the next connection
            document = {**dataclasses.asdict(self._truth), "refused": self._refused}
            self._broker.client.publish(TRUTH, json.dumps(document), retain=True)
        if self._told is not None:
            self._told(self._truth)

    def _publish(self, topic: str, payload: str) -> None:
        if self._broker.connected:  # else paho would queue it, and everybody speaks anew anyway
            self._broker.client.publish(topic, payload, qos=1)

    def _joined(self) -> None:
        self._broker.client.subscribe(ORDERS, qos=1)
        self._inbox.put(None)

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self._inbox.put(bytes(message.payload))


def carry_out(lot: Lot, order: Order) -> None:
    """Make it happen; KeyError for an unknown name, NoVehicleError when nobody is there to do it."""
    match order.action:
        case "drive_in":
            lot.drive_in(order.lane)
        case "drive_out":
            lot.drive_out(order.lane)
        case "tailgate":
            lot.tailgate(order.lane)
        case "back_out":
            lot.back_out(order.lane)
        case "jam":
            lot.jam(order.detector or "", stuck=order.stuck)
        case "kill_bay":
            lot.kill_bay(order.bay or "", dead=order.dead)
        case "traffic":
            lot.set_traffic(on=order.on)
