"""Matrices of WS2812 colour LEDs on one data line, through luma and the rpi_ws281x binding (a Pi only, not a Pi 5).

The chips keep their last colour for ever, so dark is written: black to every LED.
"""

import math
import time
from collections.abc import Callable
from typing import Any

from PIL import Image

from controller.sign.arrangement import leds
from controller.sign.panel import PanelError, check
from controller.site import PanelSpec

AMBER = (255, 96, 0)
"""Looks amber through these LEDs, whose green is much brighter than their red."""


class _Strip:
    """The binding as luma calls it, mended in two places.

    luma's driver knows only pin 18; and at exit it darkens the strip once more, also one that was freed or never
    began, through null pointers that the binding follows. So the pin is replaced on its way, and such a strip is deaf.
    """

    def __init__(self, binding: Any, gpio: int) -> None:
        self._binding = binding
        self._gpio = gpio
        self._deaf = False

    def __getattr__(self, name: str) -> Any:
        return _nothing if self._deaf else getattr(self._binding, name)

    def ws2811_channel_t_gpionum_set(self, channel: Any, pin: int) -> None:
        self._binding.ws2811_channel_t_gpionum_set(channel, self._gpio if pin else 0)

    def ws2811_init(self, leds: Any) -> int:
        outcome: int = self._binding.ws2811_init(leds)
        self._deaf = outcome != 0
        return outcome

    def delete_ws2811_t(self, leds: Any) -> None:
        self._binding.delete_ws2811_t(leds)
        self._deaf = True


def _nothing(*_: Any) -> int:
    return 0  # WS2811_SUCCESS


def _contrast(brightness: int) -> int:
    """Return luma's 0-255 for one of 16 steps; step 0 is still lit."""
    return brightness * 16 + 15


class Ws2812:
    """A panel of WS2812 LEDs; see ``panel.Panel``."""

    def __init__(
        self, spec: PanelSpec, *, binding: Any = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.spec = spec
        self._monotonic = monotonic
        self._sent: Image.Image | None = None
        self._brightness = spec.brightness
        self._refresh_at = -math.inf
        try:
            if binding is None:
                import _rpi_ws281x as binding  # type: ignore[import-not-found,no-redef]  # noqa: PLC0415  a Pi only
            from luma.led_matrix.device import ws2812  # noqa: PLC0415  loaded only where there is such a panel

            self._device: Any = ws2812(
                _Strip(binding, spec.gpio),
                width=spec.width,
                height=spec.height,
                mapping=leds(spec),
            )
            self._device.contrast(_contrast(spec.brightness))
        except ImportError as error:
            raise PanelError(f"panel {spec.name}: {error}; install the product with its 'pi' extra") from error
        except RuntimeError as error:
            raise PanelError(
                f"panel {spec.name}, pin {spec.gpio}: {error}; it needs a Pi before the 5, and root but for pin 10"
            ) from error

    def show(self, image: Image.Image, until: float = math.inf) -> None:  # noqa: ARG002  see Panel
        """Light exactly these LEDs."""
        check(image, self.spec)
        self._display(image)

    def dark(self) -> None:
        """Make every LED black."""
        self._display(Image.new("1", self.spec.size))

    def dim(self, brightness: int) -> None:
        """Change the brightness, at once."""
        if brightness == self._brightness:
            return
        try:
            self._device.contrast(_contrast(brightness))  # luma renders what it has once more
        except RuntimeError as error:
            raise PanelError(f"panel {self.spec.name}, pin {self.spec.gpio}: {error}") from error
        self._brightness = brightness

    def close(self) -> None:
        """Go dark and let the strip go."""
        try:
            self._refresh_at = -math.inf
            self.dark()
        finally:
            try:
                self._device.cleanup()
            except RuntimeError as error:
                raise PanelError(f"panel {self.spec.name}, pin {self.spec.gpio}: {error}") from error

    def _display(self, image: Image.Image) -> None:
        now = self._monotonic()
        if image == self._sent and now < self._refresh_at:
            return
        self._refresh_at = -math.inf  # what fails half-way is sent again
        colours = image
        if image.mode == "1":
            colours = Image.new("RGB", image.size)
            colours.paste(AMBER, mask=image)
        try:
            self._device.display(colours)
        except RuntimeError as error:
            raise PanelError(f"panel {self.spec.name}, pin {self.spec.gpio}: {error}") from error
        self._sent = image.copy()
        self._refresh_at = now + self.spec.refresh_s
