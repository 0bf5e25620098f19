"""A light sensor that speaks over MQTT: its newest value, for the signs' brightness. No event, and in no journal."""

import math
from typing import Any

from paho.mqtt.client import topic_matches_sub

from controller.inputs.document import PayloadError, parse, text_of, value_at
from controller.inputs.mqtt import MqttMessage
from controller.site import LightSpec

_MOST_LX = 1e6
"""Direct sunlight has about 100,000."""


class LightTopic:
    """Keeps what the sensor on ``[light] mqtt`` said last. ``hear`` and ``report`` may be called from any thread."""

    def __init__(self, spec: LightSpec) -> None:
        self._spec = spec
        self._newest: tuple[float, float] | None = None
        self._malformed = 0
        self._trouble: str | None = None

    def hear(self, message: MqttMessage) -> bool:
        """Take a message; whether it was on this topic. A retained one is of unknown age, and tells nothing."""
        if self._spec.mqtt is None or not topic_matches_sub(self._spec.mqtt, message.topic):
            return False
        if not message.retained:
            try:
                self._newest = self._lux(message.payload), message.monotonic
            except PayloadError as error:
                self._malformed += 1
                self._trouble = str(error)
        return True

    def report(self, now: float) -> dict[str, Any]:
        """Return the newest value (lx) and its age (s) at the monotonic time ``now``, and what could not be read."""
        lux, age_s = (None, None) if self._newest is None else (self._newest[0], round(now - self._newest[1], 3))
        return {"lux": lux, "age_s": age_s, "malformed": self._malformed, "trouble": self._trouble}

    def _lux(self, payload: bytes) -> float:
        value = parse(text_of(payload))
        if self._spec.pointer is not None:
            value = value_at(value, self._spec.pointer)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise PayloadError(f"{value!r:.60} is no light in lx; a number was expected")
        lux = float(value)
        if not (math.isfinite(lux) and 0 <= lux <= _MOST_LX):
            raise PayloadError(f"{value!r:.60} is no light in lx; 0 to {_MOST_LX:.0f} was expected")
        return lux
