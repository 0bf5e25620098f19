"""What a car does to mock pins and MQTT: simulated levels onto the wires of a site.

Like a wire and a sensor, it knows the site file and nothing of the count. Levels, not edges: pins are driven again and
again, which repairs whatever the count process missed while it was off; when it comes back, everybody speaks anew.
"""

import base64
import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from controller.clocks import Pace
from controller.inputs.mock_pins import MockPinClient
from controller.simulator.happenings import Level
from controller.site import PinInput, SensorInput, Site

log = logging.getLogger(__name__)

PIN_TIMEOUT_S = 1.0
"""How long a count process that hangs may hold up the simulation, at each refresh."""

Publish = Callable[[str, str], None]
"""Sends a payload to a topic, and must not block."""


class WiringError(ValueError):
    """A sensor of the site that the simulator cannot play."""


class Wiring:
    """Drives the pins at ``pins_address`` and publishes for the sensors of a site. Used from one thread."""

    def __init__(self, site: Site, *, pins_address: str, publish: Publish, pace: Pace) -> None:
        self._pins: dict[str, PinInput] = {pin.detector: pin for pin in site.pins}
        self._sensors = {sensor.target: _Transmitter(sensor) for sensor in site.sensors}
        self.pace = pace
        """Which moment of the machine's clock a simulated time is."""
        self._address = pins_address
        self._publish = publish
        self._levels: dict[str, bool] = {}
        self._client: MockPinClient | None = None

    def close(self) -> None:
        """Let go of the pins."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def apply(self, levels: Iterable[Level]) -> None:
        """Put these levels on their wires, in order."""
        for level in levels:
            self._levels[level.name] = level.occupied
            if (sensor := self._sensors.get(level.name)) is not None:
                self._publish(*sensor.message(level.occupied, self.pace.epoch + level.at_s))
            elif self._client is not None:
                self._drive(level.name, self.pace.moment_of(level.at_s))

    @property
    def connected(self) -> bool:
        """Whether a count process listens, as far as is known."""
        return self._client is not None

    def refresh(self) -> bool:
        """Drive every pin again, connecting first if need be; True when the count process is new to us.

        Then every sensor ought to speak anew: ``apply`` all levels.
        """
        new = self._connect()
        for name in self._pins:
            if name in self._levels:
                self._drive(name, None)
        return new and self._client is not None

    def _connect(self) -> bool:
        if self._client is not None or not self._pins:
            return False
        try:
            self._client = MockPinClient(self._address, timeout_s=PIN_TIMEOUT_S)
        except OSError as error:
            log.debug("mock pins: nobody at %s yet: %s", self._address, error)
            return False
        return True

    def _drive(self, detector: str, at: float | None) -> None:
        if self._client is None:
            return
        pin = self._pins[detector]
        try:
            self._client.set(pin.gpio, high_when(pin, occupied=self._levels[detector]), at=at)
        except (OSError, ValueError) as error:
            log.debug("mock pins: gpio %d (%s): %s; connecting again", pin.gpio, detector, error)
            self.close()


def high_when(pin: PinInput, *, occupied: bool) -> bool:
    """Say how the pin's line stands when its detector has this level."""
    return occupied == (pin.active == "high")


class _Transmitter:
    """One sensor on MQTT, speaking its site's format."""

    def __init__(self, sensor: SensorInput) -> None:
        if sensor.format not in {"plain", "chirpstack-v4/bosch-pls"} or sensor.pointer is not None:
            raise WiringError(
                f"{sensor.target}: the simulator does not speak {sensor.format!r}"
                f"{' with a pointer' if sensor.pointer else ''}; it speaks 'plain' and 'chirpstack-v4/bosch-pls'"
            )
        self._is_plain = sensor.format == "plain"
        self._topic = sensor.topic.replace("+", "simulator").replace("#", "simulator")
        self._device = _device_id(sensor)
        self._frame = 0

    def message(self, occupied: bool, unix_s: float) -> tuple[str, str]:  # noqa: FBT001  a level is what it is about
        """Return topic and payload of the sensor's next message, sent at this Unix time."""
        if self._is_plain:
            return self._topic, "1" if occupied else "0"
        self._frame = max(self._frame + 1, int(unix_s))  # goes on counting when the demo starts again
        return self._topic, json.dumps(
            self._bosch_in_chirpstack(datetime.fromtimestamp(unix_s, UTC), occupied=occupied)
        )

    def _bosch_in_chirpstack(self, sent: datetime, *, occupied: bool) -> dict[str, object]:
        """Return ChirpStack v4's uplink event of a Bosch Parking Lot Sensor's status: FPort 1, bit 0 of one byte."""
        return {
            "deduplicationId": f"{self._device}-{self._frame}",
            "time": sent.isoformat(),
            "deviceInfo": {"applicationName": "demo", "deviceName": self._device, "devEui": self._device},
            "fCnt": self._frame,
            "fPort": 1,
            "data": base64.b64encode(b"\x01" if occupied else b"\x00").decode("ascii"),
        }


def _device_id(sensor: SensorInput) -> str:
    """Return the device's EUI as in its topic, or one of its own."""
    in_topic = re.search(r"\b[0-9a-fA-F]{16}\b", sensor.topic)
    return in_topic.group() if in_topic else hashlib.sha256(sensor.target.encode()).hexdigest()[:16]
