"""The colours in which a panel that has them repeats what its words and digits say.

The word or the digit carries the meaning; a driver who does not see a colour loses nothing. The colours are told apart
by lightness as well as by hue, so that the difference is left to the one man in twelve who confuses red and green:
free is a bluish green, few a light yellow, full an orange red, and what claims nothing is white.
``tests/sign/test_sign_colours.py`` simulates the three kinds of colour blindness and measures what is left.

No colour stands alone, blinks, or takes the shape of a signal: traffic lights, red crosses and green arrows over lanes
bind drivers by law (Vienna Convention on Road Signs and Signals, article 23), and a car park's sign is none.
"""

from collections.abc import Mapping
from types import MappingProxyType

from PIL import Image

from controller.domain.report import Tone
from controller.sign.layout import Picture

Rgb = tuple[int, int, int]

STATES: Mapping[Tone, Rgb] = MappingProxyType(
    {
        Tone.FREE: (0, 180, 150),
        Tone.FEW: (255, 205, 40),
        Tone.FULL: (255, 80, 60),
        Tone.NEUTRAL: (255, 255, 255),
    }
)
"""What an eye sees (sRGB)."""


def painted(picture: Picture, palette: Mapping[Tone, Rgb] = STATES) -> Image.Image:
    """Return the picture in mode "RGB": each lit LED in the colour of its tone, the rest black."""
    light = Image.new("RGB", picture.lit.size, palette[Tone.NEUTRAL])
    for tint in picture.tints:
        light.paste(palette[tint.tone], tint.box)
    return Image.composite(light, Image.new("RGB", picture.lit.size), picture.lit)
