"""A panel on another machine, fed over MQTT: our end. See ``frames`` for what is said, ``far`` for the other end.

A question is answered at once, on paho's thread, with what was last shown and for how long that holds; a change is told
unasked. So the sign is never lit for longer than what the count said holds, whoever of us hangs, dies or is cut off. A
sign that has not asked for the time to live is dark by its own rule, and that is what we say of it.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from PIL import Image

from controller.broker import Broker, password
from controller.link import TTL_S
from controller.sign import frames
from controller.sign.panel import PanelError, Unreachable, check
from controller.site import PanelSpec

log = logging.getLogger(__name__)


class Elsewhere:
    """A panel on another machine; see ``panel.Panel``."""

    def __init__(self, spec: PanelSpec, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if spec.broker is None:
            raise PanelError(f"panel {spec.name}: no broker to reach it over; add a table [mqtt]")
        self.spec = spec
        self._monotonic = monotonic
        self._brightness = spec.brightness
        self._rows: str | None = None
        self._until = math.inf
        self._ask: frames.Ask | None = None
        self._asked_at = -math.inf
        self._seq = 0
        self.asked = 0
        self.malformed = 0
        """Questions that made no sense, and were ignored."""
        self._lock = threading.Lock()
        self._ask_topic = frames.ask_topic(spec.broker.prefix, spec.name)
        self._frame_topic = frames.frame_topic(spec.broker.prefix, spec.name)
        client_id = f"{spec.broker.client_id}-sign-{spec.name}"
        self._broker = Broker(spec.broker, client_id=client_id, password=password(spec.broker), joined=self._joined)
        self._client = self._broker.client
        self._client.on_message = self._asked
        self._broker.start()

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        """Light exactly these LEDs; Unreachable while the sign does not ask."""
        check(image, self.spec)
        self._tell(frames.rows(image), until)
        if (why := self._away()) is not None:
            raise Unreachable(why)

    def dark(self) -> None:
        """Light nothing."""
        self._tell(None, math.inf)

    def dim(self, brightness: int) -> None:
        """Take this brightness from now on."""
        with self._lock:
            if brightness != self._brightness:
                self._brightness = brightness
                self._send()

    def close(self) -> None:
        """Go dark and let the connection go."""
        self.dark()
        self._broker.close()
        log.info("sign %s: %d questions taken, %d ignored", self.spec.name, self.asked, self.malformed)

    def _tell(self, rows: str | None, until: float) -> None:
        with self._lock:
            changed = rows != self._rows
            self._rows, self._until = rows, until
            if changed:
                self._send()

    def _send(self) -> None:
        """Answer the newest question; with the lock held."""
        if self._ask is None or not self._broker.connected:
            return
        left = min(self._until - self._monotonic(), TTL_S)
        self._seq += 1
        frame = frames.Frame(
            ask=self._ask.number,
            seq=self._seq,
            valid_for_s=max(left, 0.0),
            size=self.spec.size,
            brightness=self._brightness,
            rows=self._rows if left > 0 else None,
        )
        self._client.publish(self._frame_topic, frame.payload(), qos=0)

    def _joined(self) -> None:
        self._client.subscribe(self._ask_topic, 0)

    def _asked(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        try:
            if message.retain:
                raise frames.FrameError("a question must not be retained")  # noqa: TRY301  counted like the others
            ask = frames.read_ask(bytes(message.payload))
        except frames.FrameError as error:
            level = logging.DEBUG if self.malformed else logging.WARNING
            self.malformed += 1
            log.log(level, "MQTT %s: ignored: %s", message.topic, error)
            return
        with self._lock:
            self._ask, self._asked_at = ask, self._monotonic()
            self.asked += 1
            self._send()

    def _away(self) -> str | None:
        """Say why the sign is dark whatever it is told; None while it asks and has no trouble."""
        with self._lock:
            ask, since = self._ask, self._monotonic() - self._asked_at
        if ask is not None and since <= TTL_S:
            return None if ask.trouble is None else f"the panel failed, it says over MQTT: {ask.trouble}"
        where = "not reached over MQTT"
        if not self._broker.connected:
            why = self._broker.report()["last_error"] or "it has not answered yet"
            return f"{where}: broker {self._broker.name}: {why}"
        if ask is None:
            return f"{where}: it has not asked yet; is it switched on, and may it write {self._ask_topic}?"
        # The same text as long as that lasts: each new reason is a warning in the log, and a file written.
        return f"{where}: it does not ask any more; look at its supply and its network"
