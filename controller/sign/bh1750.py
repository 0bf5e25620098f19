"""A BH1750 light sensor on I²C, read by a thread of its own: a hung bus must not hold a sign up.

Measured continuously at 1 lx resolution, 120 ms each (ROHM BH1750FVI datasheet: opcode 0x10; counts / 1.2 = lx).
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

_POWER_ON, _CONTINUOUS = 0x01, 0x10
_COUNTS_PER_LX = 1.2
_EVERY_S = 2.0


class Bh1750:
    """One sensor; ``read`` raises OSError when it does not answer."""

    def __init__(self, bus: Any, address: int) -> None:
        self._bus = bus
        self._address = address
        self._measures = False

    def read(self) -> float:
        """Return the light in lx; the first one after trouble needs a measuring time of 0.18 s at most."""
        from smbus2 import i2c_msg  # noqa: PLC0415  Linux only

        if not self._measures:
            for opcode in (_POWER_ON, _CONTINUOUS):  # one that lost its power has forgotten it
                self._bus.i2c_rdwr(i2c_msg.write(self._address, [opcode]))
            self._measures = True
            time.sleep(0.18)
        answer = i2c_msg.read(self._address, 2)
        try:
            self._bus.i2c_rdwr(answer)
        except OSError:
            self._measures = False
            raise
        high, low = bytes(answer)
        if high == low == 0:  # dark, or woken without being told to measure: tell it again
            self._measures = False
        return (high << 8 | low) / _COUNTS_PER_LX


class LightThread:
    """Keeps the newest reading of the sensor on an I²C bus."""

    def __init__(
        self, port: int, address: int, *, every_s: float = _EVERY_S, open_bus: Callable[[int], Any] | None = None
    ) -> None:
        self._where = f"light sensor at address {address:#04x} of /dev/i2c-{port}"
        self._port, self._address, self._every_s = port, address, every_s
        self._open_bus = _smbus if open_bus is None else open_bus
        self._newest: tuple[float, float] | None = None
        self._stop = threading.Event()
        self._trouble: str | None = None
        threading.Thread(target=self._run, name="light", daemon=True).start()

    def newest(self) -> tuple[float, float] | None:
        """Return the last reading (lx), and when it was (monotonic s); None before the first."""
        return self._newest

    def close(self) -> None:
        """Read no more."""
        self._stop.set()

    def _run(self) -> None:
        sensor: Bh1750 | None = None
        while not self._stop.is_set():
            try:
                if sensor is None:
                    sensor = Bh1750(self._open_bus(self._port), self._address)
                self._newest = sensor.read(), time.monotonic()
                self._tell(None)
            except (OSError, ImportError) as error:
                self._tell(str(error))
            self._stop.wait(self._every_s)

    def _tell(self, trouble: str | None) -> None:
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            log.info("%s: it answers", self._where)
        else:
            mend = "check its wiring, [light], and dtparam=i2c_arm=on"
            log.warning("%s: %s; %s", self._where, trouble, mend)


def _smbus(port: int) -> Any:
    from smbus2 import SMBus  # noqa: PLC0415  Linux only

    return SMBus(port)
