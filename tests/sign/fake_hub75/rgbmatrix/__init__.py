"""A stand-in for the binding of rpi-rgb-led-matrix: it drives nothing, and is as strict about its use as the real one.

Names, types and rules are those of bindings/python/rgbmatrix/core.pyx: which options there are, how wide their C types
are, that a canvas comes from its matrix and is not drawn on while it is displayed. What would be a wrong use is said on
standard output as ``wrong ...``; when LEDs light up or go out, as ``<monotonic s> lit`` or ``dark``.
"""

import os
import sys
import time
from typing import Any, NoReturn

_UINT8, _UINT32 = 2**8 - 1, 2**32 - 1
_OPTIONS: dict[str, Any] = {
    **dict.fromkeys(
        (
            "rows",
            "chain_length",
            "parallel",
            "pwm_bits",
            "brightness",
            "scan_mode",
            "multiplexing",
            "row_address_type",
            "pwm_dither_bits",
            "gpio_slowdown",
            "daemon",
            "drop_privileges",
        ),
        _UINT8,
    ),
    **dict.fromkeys(("cols", "pwm_lsb_nanoseconds"), _UINT32),
    **dict.fromkeys(("hardware_mapping", "led_rgb_sequence", "pixel_mapper_config", "panel_type"), str),
    **dict.fromkeys(("disable_hardware_pulsing", "show_refresh_rate", "inverse_colors"), bool),
    "limit_refresh_rate_hz": _UINT32,
}
_MAPPINGS = ("regular", "regular-pi1", "adafruit-hat", "adafruit-hat-pwm", "classic", "classic-pi1", "compute-module")


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _wrong(what: str) -> NoReturn:
    _tell(f"wrong {what}")
    raise TypeError(what)


def _is(what: str, value: object, kind: Any) -> None:
    if isinstance(kind, int):
        if not isinstance(value, int) or not 0 <= value <= kind:
            _wrong(f"{what} = {value!r}, not 0 to {kind}")
    elif not isinstance(value, kind):
        _wrong(f"{what} = {value!r}, not {kind.__name__}")


class RGBMatrixOptions:
    def __init__(self) -> None:
        defaults = {"rows": 32, "cols": 32, "chain_length": 1, "parallel": 1, "brightness": 100, "drop_privileges": 1}
        self.__dict__.update({"hardware_mapping": "regular", "pixel_mapper_config": "", **defaults})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _OPTIONS:
            _wrong(f"option {name}")
        _is(name, value, _OPTIONS[name])
        self.__dict__[name] = value


class FrameCanvas:
    def __init__(self, owner: "RGBMatrix | None" = None) -> None:
        if owner is None:
            _wrong("FrameCanvas(): it comes from CreateFrameCanvas")
        self.owner = owner
        self.pixels: dict[tuple[int, int], tuple[int, int, int]] = {}

    def _drawable(self) -> None:
        if self.owner.displayed is self:
            _wrong("drawing on the canvas that is displayed")

    def Clear(self) -> None:  # noqa: N802  the binding's name
        self._drawable()
        self.pixels.clear()

    def SetPixel(self, x: int, y: int, red: int, green: int, blue: int) -> None:  # noqa: N802
        self._drawable()
        if not (0 <= x < self.owner.width and 0 <= y < self.owner.height):
            _wrong(f"pixel {x}, {y}")
        for value in (red, green, blue):
            _is("a colour", value, _UINT8)
        self.pixels[x, y] = (red, green, blue)


class RGBMatrix:
    def __init__(self, *, options: RGBMatrixOptions) -> None:
        if os.environ.get("FAKE_HUB75_FAILS"):
            raise Exception("RGBMatrix creation failed")  # noqa: TRY002  as the binding does
        if options.hardware_mapping not in _MAPPINGS:
            _wrong(f"mapping {options.hardware_mapping}")
        if options.drop_privileges:
            _wrong("dropping privileges: the socket could not be removed")
        self.width: int = options.cols * options.chain_length
        self.height: int = options.rows * options.parallel
        self.displayed: FrameCanvas | None = None
        self._brightness: int = options.brightness
        self._lit = False

    @property
    def brightness(self) -> int:
        return self._brightness

    @brightness.setter
    def brightness(self, value: int) -> None:
        if not 1 <= value <= 100:
            _wrong(f"brightness {value}")
        self._brightness = value

    def CreateFrameCanvas(self) -> FrameCanvas:  # noqa: N802
        return FrameCanvas(self)

    def SwapOnVSync(self, canvas: FrameCanvas, framerate_fraction: int = 1) -> FrameCanvas:  # noqa: N802
        _is("framerate_fraction", framerate_fraction, _UINT8)
        if canvas.owner is not self:
            _wrong("a canvas of another matrix")
        before, self.displayed = self.displayed or FrameCanvas(self), canvas
        lit = bool(canvas.pixels)
        _tell(f"picture {self._brightness} {len(canvas.pixels)} {sorted(set(canvas.pixels.values()))}")
        if lit != self._lit:
            self._lit = lit
            _tell(f"{time.monotonic()} {'lit' if lit else 'dark'}")
        return before
