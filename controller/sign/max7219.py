"""LED matrices of 8x8 modules, each behind a MAX7219, in one chain over SPI.

We use luma's serial interface but write the chips' registers ourselves (datasheet 19-4452, tables 1 to 10): luma's
device sends the set-up only once, lights the chips before they hold our picture, and its re-ordering of blocks knows
only panels of one row. Here every transfer reaches all chips: two bytes each, register and value, the farthest chip
first, because each chip passes on what it had.

How modules are joined and hang is told by ``arrangement``.
"""

import math
import time
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Protocol

from PIL import Image

from controller.sign.arrangement import modules
from controller.sign.panel import PanelError, check
from controller.site import PanelSpec

_SPI_HZ = 1_000_000
"""A tenth of what the chip takes: module chains are long, unscreened wires. 64 modules need 9 ms a picture."""

Frame = tuple[bytes, ...]
"""For each module in chain order its eight digit registers."""


class Register(IntEnum):
    """Addresses of the MAX7219's registers (datasheet table 2)."""

    DIGIT_0 = 0x1
    DECODE_MODE = 0x9
    INTENSITY = 0xA
    SCAN_LIMIT = 0xB
    SHUTDOWN = 0xC
    DISPLAY_TEST = 0xF


class Serial(Protocol):
    """The part of luma's serial interface that is used; one ``data`` is one transfer, latched at its end."""

    def data(self, data: Sequence[int]) -> None:
        """Send bytes; OSError when that fails."""

    def cleanup(self) -> None:
        """Let the bus go."""


class Part(Protocol):
    """What hangs on one chip: a module of 8x8 LEDs, or digits."""

    def digits(self, image: Image.Image) -> bytes:
        """Return the eight digit registers that light this part of a picture."""


def open_spi(spec: PanelSpec) -> Serial:
    """Open the panel's SPI device through luma; PanelError when it is not there."""
    where = f"panel {spec.name}: /dev/spidev{spec.spi_port}.{spec.spi_device}"
    try:
        from luma.core.error import Error  # noqa: PLC0415  loaded only where there is such a panel
        from luma.core.interface.serial import noop, spi  # noqa: PLC0415
    except ImportError as error:
        raise PanelError(f"{where}: {error}; install the product with its 'pi' extra") from error
    try:
        bus: Any = spi(
            port=spec.spi_port,
            device=spec.spi_device,
            bus_speed_hz=_SPI_HZ,
            gpio=noop(),  # the chips have no reset or data/command pin
            gpio_DC=None,
            gpio_RST=None,
        )
    except ImportError as error:
        raise PanelError(f"{where}: {error}; install the product with its 'pi' extra") from error
    except (Error, OSError) as error:
        raise PanelError(f"{where}: {error}; switch SPI on (dtparam=spi=on) and join the group spi") from error
    return bus  # type: ignore[no-any-return]  # luma is untyped


class Max7219:
    """A panel of MAX7219 modules; see ``panel.Panel``."""

    def __init__(
        self,
        spec: PanelSpec,
        *,
        parts: Sequence[Part] | None = None,
        serial: Serial | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spec = spec
        self._modules: Sequence[Part] = modules(spec) if parts is None else parts
        self._brightness = spec.brightness
        self._serial = open_spi(spec) if serial is None else serial
        self._monotonic = monotonic
        self._sent: Frame | None = None
        """What the chips light; None when dark."""
        self._refresh_at = -math.inf
        try:
            self.dark()
        except OSError:
            self._serial.cleanup()
            raise

    def show(self, image: Image.Image, until: float = math.inf) -> None:  # noqa: ARG002  see Panel
        """Light exactly these LEDs."""
        check(image, self.spec)
        frame = self._frame(image)
        now = self._monotonic()
        whole = self._sent is None or now >= self._refresh_at
        if not whole and frame == self._sent:
            return
        before, refresh_at = self._sent, self._refresh_at
        self._refresh_at = -math.inf  # what fails half-way is sent again as a whole
        if whole:
            self._set_up()
        for digit in range(8):
            if whole or before is None or any(new[digit] != old[digit] for new, old in zip(frame, before, strict=True)):
                self._send(Register.DIGIT_0 + digit, [module[digit] for module in frame])
        if whole:
            self._send_all(Register.SHUTDOWN, 1)
        self._sent = frame
        self._refresh_at = now + self.spec.refresh_s if whole else refresh_at

    def dark(self) -> None:
        """Switch all chips off, and clear them, so that one which wakes by noise lights nothing."""
        now = self._monotonic()
        if self._sent is None and now < self._refresh_at:
            return
        self._refresh_at = -math.inf
        self._send_all(Register.SHUTDOWN, 0)
        self._set_up()
        for digit in range(8):
            self._send_all(Register.DIGIT_0 + digit, 0)
        self._sent = None
        self._refresh_at = now + self.spec.refresh_s

    def dim(self, brightness: int) -> None:
        """Change the brightness, at once where something is lit."""
        if brightness == self._brightness:
            return
        self._brightness = brightness
        if self._sent is not None:
            refresh_at, self._refresh_at = self._refresh_at, -math.inf
            self._send_all(Register.INTENSITY, brightness)
            self._refresh_at = refresh_at

    def close(self) -> None:
        """Go dark and let the bus go."""
        try:
            self._refresh_at = -math.inf
            self.dark()
        finally:
            self._serial.cleanup()

    def _frame(self, image: Image.Image) -> Frame:
        return tuple(module.digits(image) for module in self._modules)

    def _set_up(self) -> None:
        self._send_all(Register.DISPLAY_TEST, 0)  # first: the test mode lights everything, even in shutdown
        self._send_all(Register.SCAN_LIMIT, 7)
        self._send_all(Register.DECODE_MODE, 0)
        self._send_all(Register.INTENSITY, self._brightness)

    def _send_all(self, register: int, value: int) -> None:
        self._send(register, [value] * len(self._modules))

    def _send(self, register: int, values: Sequence[int]) -> None:
        self._serial.data([byte for value in reversed(values) for byte in (register, value)])
