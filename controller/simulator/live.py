"""A season in real time, or faster: its levels go onto the wires; orders come, and the truth goes, over MQTT.

An order is a JSON object on ``demo/command`` (see ``orders``), the truth a retained one on ``demo/truth`` (see
``_truth``). Both are the demo's own: the product knows neither.

Theory of operation. One thread, in ``run``, owns the season; paho's thread only fills its inbox. Fifty times a second
it moves the season on to the present, hands over what was reported on the way, each level with the moment at which it
happened, and writes the pace of time (``clocks``) into a file, which the count process follows: so its decoder and its
belief live in simulated time, to the microsecond, at any speed. When a turn comes too late (the machine is busy, or
slept), simulated time has stood still meanwhile: it goes slower than asked for, and nothing is torn. Time waits at the
beginning until the count process listens.
"""

import contextlib
import json
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from pydantic import ValidationError

from controller.broker import Broker
from controller.clocks import Pace, Stretch
from controller.simulator.happenings import Inside, Level, Off
from controller.simulator.orders import Faults, Order, carry_out
from controller.simulator.season import Season
from controller.simulator.wiring import Wiring
from controller.site import MqttSpec, Site

log = logging.getLogger(__name__)

ORDERS = "demo/command"
TRUTH = "demo/truth"

TURN_S = 0.02
REFRESH_S = 0.5
LONGEST_TURN_S = 0.1
"""Time beyond this between two turns is left out."""
TELL_S = 0.1
"""The truth is told at most this often ..."""
BEAT_S = 0.5
"""... and at least this often."""
SPEAKS_AGAIN_S = (1.0, 3.0)
"""So long after the count process came back, bay sensors speak anew: nobody tells when it has joined the broker."""
MEASURED_S = 5.0
"""Over this time the speed that is reached is measured."""


@dataclass(frozen=True, slots=True)
class Show:
    """What whoever runs a season in real time wants to know and to have heard."""

    name: str
    """Of this very run: another one is another lot."""
    scenario: str
    epoch: float
    """Unix time of the season's t = 0."""
    pace_file: Path
    power: Callable[[bool], None] = lambda _on: None
    """Called when the controller is switched off or on."""
    wants: Callable[[str], None] = lambda _scenario: None
    """Called when somebody wants another scenario."""
    told: Callable[[int], None] = lambda _inside: None
    """Called with the number inside at each change."""


class LiveLot:
    """Runs ``season`` on the wires of ``site``, ``speed`` times as fast as the clock."""

    def __init__(
        self, site: Site, season: Season, show: Show, *, pins_address: str, broker: MqttSpec, speed: float = 1.0
    ) -> None:
        self._season, self._show = season, show
        self.speed = speed
        """How many times as fast as the clock simulated time shall go."""
        self._faults = Faults(season)
        self._zone = site.lot.zones[0]
        now = time.monotonic()
        still = Stretch(now, season.now_s, 0.0)
        self._pace = Pace(show.epoch, still, still, now)
        self._pace.write(show.pace_file)
        self._inbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._broker = Broker(broker, client_id="demo-simulator", password=None, joined=self._joined)
        self._broker.client.on_message = self._on_message
        self._wiring = Wiring(site, pins_address=pins_address, publish=self._publish, pace=self._pace)
        self._turned_at = self._refresh_at = self._told_at = now
        self._marks = deque([(now, season.now_s)])
        self._speak_at: list[float] = []
        self._off = False
        self._changed = True
        self._refused: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Let time pass in the lot until ``stop`` is set."""
        self._broker.start()
        self._turned_at = time.monotonic()
        try:
            while not stop.wait(max(0.0, self._turned_at + TURN_S - time.monotonic())):
                self._turn(time.monotonic())
        finally:
            self._wiring.close()
            self._broker.close()

    def _turn(self, now: float) -> None:
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH_S
            self._connect()
        self._obey()
        if now - self._turned_at > LONGEST_TURN_S:
            self._stretch(now - LONGEST_TURN_S, self._pace.present.rate)
        self._advance(now)
        self._turned_at = now
        self._pace = Pace(self._pace.epoch, self._pace.before, self._pace.present, now)
        self._write()
        self._tell(now)

    def _connect(self) -> None:
        if self._wiring.refresh():
            self._speak_at = [self._turned_at, *(self._turned_at + later for later in SPEAKS_AGAIN_S)]
        if self._speak_at and self._speak_at[0] <= self._turned_at:
            self._speak_at.pop(0)
            self._wiring.apply(self._season.instruments.levels())
        if self._wiring.connected and not self._pace.present.rate:
            self._stretch(self._turned_at, self.speed)
        elif not self._wiring.connected:
            self._refresh_at = self._turned_at + TURN_S

    def _advance(self, now: float) -> None:
        """Move the season on, and hand over what happens."""
        for happening in self._season.advance(self._pace.time_at(now)):
            match happening:
                case Level():
                    self._wiring.apply([happening])
                case Inside():
                    self._changed = True
                    self._show.told(happening.number)
                case Off():
                    self._off = True
                    self._show.power(False)
        if self._off and not self._season.instruments.is_off:
            self._off, self._changed = False, True
            self._show.power(True)

    def _stretch(self, since: float, rate: float) -> None:
        """Let time pass at this rate from here on, beginning with the season's own time at that moment."""
        self._pace = Pace(
            self._pace.epoch, self._pace.present, Stretch(since, self._season.now_s, rate), self._pace.settled
        )
        self._wiring.pace = self._pace
        self._write()

    def _write(self) -> None:
        with contextlib.suppress(PermissionError):  # Windows, while somebody reads it: the next turn writes it
            self._pace.write(self._show.pace_file)

    # Orders and truth

    def _obey(self) -> None:
        while True:
            try:
                payload = self._inbox.get_nowait()
            except queue.Empty:
                return
            self._changed = True
            if payload is None:  # the broker is new to us
                self._wiring.apply(self._season.instruments.levels())
            else:
                self._refused = self._carry_out(payload)

    def _carry_out(self, payload: bytes) -> str | None:
        """Do what an order says; return why not, or None."""
        try:
            order = Order.model_validate_json(payload)
            match order.action:
                case "speed":
                    self._set_speed(order.speed)
                case "scenario":
                    self._show.wants(order.scenario or "")
                case _:
                    carry_out(self._season, self._faults, order)
        except ValidationError as error:
            return f"not an order: {error.errors()[0]['msg']}"
        except KeyError as error:
            return f"no such thing: {error}"
        except LookupError as error:
            return str(error)
        return None

    def _set_speed(self, speed: float) -> None:
        self.speed = speed
        if self._pace.present.rate:
            self._stretch(self._turned_at, speed)
        self._marks = deque([(self._turned_at, self._season.now_s)])

    def _tell(self, now: float) -> None:
        if now - self._told_at < (TELL_S if self._changed else BEAT_S):
            return
        self._told_at, self._changed = now, False
        self._marks.append((now, self._season.now_s))
        while now - self._marks[0][0] > MEASURED_S:
            self._marks.popleft()
        if self._broker.connected:  # else it is told at the next connection
            self._broker.client.publish(TRUTH, json.dumps(self._truth()), retain=True)

    def _truth(self) -> dict[str, Any]:
        season, counts = self._season, self._season.counts
        (since, then_s), (now, now_s) = self._marks[0], self._marks[-1]
        return {
            "show": self._show.name,
            "scenario": self._show.scenario,
            "zone": self._zone.name,
            "capacity": self._zone.capacity,
            "unix_s": round(self._pace.epoch + season.now_s, 3),
            "inside": season.inside,
            "speed": self.speed,
            "reached": round((now_s - then_s) / (now - since), 1) if now > since else self.speed,
            "traffic": season.traffic,
            "off": self._off,
            "waiting": season.waiting(),
            "turned_away": counts["balked"],
            "faults": self._faults.detectors,
            "dead": sorted(self._faults.dead),
            "refused": self._refused,
        }

    def _publish(self, topic: str, payload: str) -> None:
        if self._broker.connected:  # else paho would queue it, and everybody speaks anew anyway
            self._broker.client.publish(topic, payload, qos=1)

    def _joined(self) -> None:
        self._broker.client.subscribe(ORDERS, qos=1)
        self._inbox.put(None)

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self._inbox.put(bytes(message.payload))
