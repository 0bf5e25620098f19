"""A HUB75 panel, driven by a process of its own: our end of its socket. See ``hub75_process`` for what is said."""

import json
import math
import socket
import time
from collections.abc import Callable
from typing import Any

from PIL import Image

from controller.link import TTL_S
from controller.sign.hub75_process import LONGEST_S
from controller.sign.panel import PanelError, check
from controller.sign.ws2812 import AMBER
from controller.site import PanelSpec

_TIMEOUT_S = 0.5
_HOLD_S = 0.5
"""A picture that does not change is held on this often."""


class Hub75:
    """A HUB75 panel; see ``panel.Panel``."""

    def __init__(self, spec: PanelSpec, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if spec.hub75 is None:
            raise PanelError(f"panel {spec.name}: the site file does not say how it is built; add hub75 = {{ ... }}")
        self.spec = spec
        self._monotonic = monotonic
        self._path = spec.hub75.socket
        self._brightness = spec.brightness
        self._sent: Image.Image | None = None
        self._is_dark = False
        self._hold_at = -math.inf
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_TIMEOUT_S)
        try:
            self._socket.connect(str(self._path))
        except OSError as error:
            self._socket.close()
            why = f"nobody drives it at {self._path} ({error.strerror or error})"
            raise PanelError(f"panel {spec.name}: {why}; start parking-hub75") from error

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        """Light exactly these LEDs."""
        check(image, self.spec)
        now = self._monotonic()
        if image == self._sent and now < self._hold_at:
            return
        told: dict[str, Any] = {"until": min(until, now + min(TTL_S, LONGEST_S)), "brightness": self._brightness}
        if image != self._sent:
            told["rgb"] = _coloured(image).tobytes().hex()
        self._sent = None  # what fails half-way is sent again as a whole
        self._say(told)
        self._sent, self._hold_at = image.copy(), now + _HOLD_S

    def dark(self) -> None:
        """Light nothing."""
        self._sent = None
        now = self._monotonic()
        if now < self._hold_at and self._is_dark:
            return
        self._say({"until": None})
        self._is_dark, self._hold_at = True, now + _HOLD_S

    def dim(self, brightness: int) -> None:
        """Take this brightness with the next picture, which is at once."""
        if brightness != self._brightness:
            self._brightness, self._hold_at = brightness, -math.inf

    def close(self) -> None:
        """Go dark and hang up, which is dark, too."""
        try:
            self._say({"until": None})
        finally:
            self._socket.close()

    def _say(self, told: dict[str, Any]) -> None:
        self._is_dark = False
        try:
            self._socket.sendall(json.dumps(told).encode() + b"\n")
        except OSError as error:
            why = error.strerror or str(error)
            raise PanelError(f"panel {self.spec.name}: its driver at {self._path} is gone ({why})") from error


def _coloured(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    colours = Image.new("RGB", image.size)
    colours.paste(AMBER, mask=image)
    return colours
