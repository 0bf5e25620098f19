"""Up to eight seven-segment digits behind one MAX7219, in no-decode mode: a chain of one whose module is the digits.

Segments are on the chip's pins SEG A to SEG G as their names say, the decimal point is never lit. Which digit is DIG 0
is told by the site file: on the common eight-digit board the rightmost.
"""

from dataclasses import dataclass

from PIL import Image

from controller.sign import segments
from controller.site import PanelSpec

REGISTERS = 8


@dataclass(frozen=True, slots=True)
class Digits:
    """The digits as ``max7219.Max7219`` takes a module."""

    count: int
    from_right: bool = True

    def digits(self, image: Image.Image) -> bytes:
        """Return the eight digit registers that light what the picture has."""
        places = range(self.count - 1, -1, -1) if self.from_right else range(self.count)
        return bytes(segments.lit(image, place) for place in places) + bytes(REGISTERS - self.count)


def digits(spec: PanelSpec) -> Digits:
    """Return a panel's digits."""
    return Digits(spec.digits or REGISTERS, from_right=spec.first_digit == "right")
