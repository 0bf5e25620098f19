"""The display contract, the drivers by name, and a panel that comes back after it failed.

A panel shows a picture or is dark, and may be asked for either as often as one likes: asking again for what it shows
costs nothing but the refresh that repairs what noise did. Every failure of the hardware is an OSError. This module
stays light to import: a driver's libraries are loaded when a panel with that driver is opened.
"""

import math
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from PIL import Image

from controller.site import PanelSpec

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 10.0


class PanelError(OSError):
    """A panel cannot be opened or written: names the panel, the cause and the mend."""


class Unreachable(PanelError):  # noqa: N818  it says what the panel is
    """A panel elsewhere that is dark because it is not reached; to open it anew would mend nothing."""


class Panel(Protocol):
    """What every driver offers. All but ``close`` raise OSError when the hardware fails."""

    @property
    def spec(self) -> PanelSpec:
        """What the panel is made of."""

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        """Light exactly these LEDs: mode "1", on a panel with colours "RGB", of its size (ValueError for another).

        ``until`` (monotonic s) is how long that holds. A panel that another process drives must be dark after it by
        itself; the others need not look at it: whoever calls ``show`` will call ``dark``.
        """

    def dark(self) -> None:
        """Light nothing."""

    def dim(self, brightness: int) -> None:
        """Take this brightness from now on: 0 (dim, but lit) to 15. It begins with the spec's."""

    def close(self) -> None:
        """Go dark and let the hardware go; the panel is not used again."""


class Emulator:
    """A panel without hardware: it keeps the last picture."""

    def __init__(self, spec: PanelSpec) -> None:
        self.spec = spec
        self.image: Image.Image | None = None
        """What is lit; None when dark."""
        self.brightness = spec.brightness

    def show(self, image: Image.Image, until: float = math.inf) -> None:  # noqa: ARG002  see Panel
        """Keep the picture."""
        check(image, self.spec)
        self.image = image.copy()

    def dark(self) -> None:
        """Forget the picture."""
        self.image = None

    def dim(self, brightness: int) -> None:
        """Keep the brightness."""
        self.brightness = brightness

    def close(self) -> None:
        """Go dark."""
        self.dark()


def check(image: Image.Image, spec: PanelSpec) -> None:
    """Raise ValueError unless ``image`` is a picture as the panel takes it: mode "1", or "RGB" with colours."""
    mode = "RGB" if spec.colours == "states" else "1"
    if image.mode != mode or image.size != spec.size:
        raise ValueError(
            f'panel {spec.name} takes a {spec.width}x{spec.height} picture in mode "{mode}", '
            f"not {image.width}x{image.height} in {image.mode!r}"
        )


def _max7219(spec: PanelSpec) -> Panel:
    from controller.sign.max7219 import Max7219  # noqa: PLC0415  only where there is such a panel

    return Max7219(spec)


def _digits(spec: PanelSpec) -> Panel:
    from controller.sign.digits import digits  # noqa: PLC0415  only where there is such a panel
    from controller.sign.max7219 import Max7219  # noqa: PLC0415  the same

    return Max7219(spec, parts=(digits(spec),))


def _ws2812(spec: PanelSpec) -> Panel:
    from controller.sign.ws2812 import Ws2812  # noqa: PLC0415  only where there is such a panel

    return Ws2812(spec)


def _hub75(spec: PanelSpec) -> Panel:
    from controller.sign.hub75 import Hub75  # noqa: PLC0415  only where there is such a panel

    return Hub75(spec)


def _mqtt(spec: PanelSpec) -> Panel:
    from controller.sign.elsewhere import Elsewhere  # noqa: PLC0415  only where there is such a panel

    return Elsewhere(spec)


DRIVERS: Mapping[str, Callable[[PanelSpec], Panel]] = MappingProxyType(
    {
        "max7219": _max7219,
        "max7219-digits": _digits,
        "ws2812": _ws2812,
        "hub75": _hub75,
        "mqtt": _mqtt,
        "emulator": Emulator,
    }
)
"""How to open a panel, by the name of its driver."""


def open_panel(spec: PanelSpec) -> Panel:
    """Open the panel, dark; OSError when the hardware is not there, ValueError for an unknown driver."""
    if spec.driver not in DRIVERS:
        raise ValueError(f"panel {spec.name}: no driver {spec.driver!r}; there are {', '.join(DRIVERS)}")
    return DRIVERS[spec.driver](spec)


class Reopening:
    """A panel that is opened when it is first used, and again after it failed: soon at first, then every 10 s."""

    def __init__(
        self,
        spec: PanelSpec,
        *,
        opener: Callable[[PanelSpec], Panel] = open_panel,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spec = spec
        self._opener = opener
        self._monotonic = monotonic
        self._panel: Panel | None = None
        self._brightness: int | None = None
        self._wait_s = _FIRST_WAIT_S
        self._not_before: float | None = None
        self._why = ""

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        """Light exactly these LEDs."""
        self._try(lambda panel: panel.show(image, until))

    def dark(self) -> None:
        """Light nothing."""
        self._try(lambda panel: panel.dark())

    def dim(self, brightness: int) -> None:
        """Take this brightness from now on; a panel that is opened again gets it, too."""
        self._brightness = brightness
        if self._panel is not None:
            self._try(lambda panel: panel.dim(brightness))

    def close(self) -> None:
        """Go dark and let the hardware go."""
        if self._panel is not None:
            self._panel.close()
            self._panel = None

    def _try(self, act: Callable[[Panel], None]) -> None:
        if self._not_before is not None and self._monotonic() < self._not_before:
            raise PanelError(self._why)
        try:
            if self._panel is None:
                self._panel = self._opener(self.spec)
                if self._brightness is not None:
                    self._panel.dim(self._brightness)
            act(self._panel)
        except Unreachable:
            raise
        except OSError as error:
            self._put_off(error)
            raise
        self._not_before, self._wait_s = None, _FIRST_WAIT_S

    def _put_off(self, error: OSError) -> None:
        self._why = str(error)
        self._not_before = self._monotonic() + self._wait_s
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
        failed, self._panel = self._panel, None
        if failed is not None:
            try:
                failed.close()
            except OSError:
                self._why += " (and it could not be closed)"
