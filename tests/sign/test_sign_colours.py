"""The colours of a sign as people with each kind of colour blindness see them.

Simulated by the matrices of Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color
vision deficiency", IEEE TVCG 15 (2009), severity 1.0, on linear RGB; difference is CIE76 in CIELAB (D65), contrast the
ratio of WCAG 2.1.
"""

from itertools import combinations

import pytest
from PIL import Image

from controller.domain.report import Tone
from controller.sign.colours import STATES, Rgb, painted
from controller.sign.layout import Picture, Tint, compose, message_for

Vector = tuple[float, float, float]
SEES: dict[str, tuple[Vector, Vector, Vector]] = {
    "everything": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red (protan)": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green (deutan)": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue (tritan)": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
LEAST_CONTRAST = 4.5
"""To the dark panel: WCAG 2.1, 1.4.3."""
LEAST_DIFFERENCE = 25.0
"""Of two tones; 2.3 can just be told apart side by side."""


def linear(colour: Rgb) -> Vector:
    r, g, b = (c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return r, g, b


def seen(colour: Rgb, by: str) -> Vector:
    light = linear(colour)
    r, g, b = (min(1.0, max(0.0, sum(k * c for k, c in zip(row, light, strict=True)))) for row in SEES[by])
    return r, g, b


def luminance(light: Vector) -> float:
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def lab(light: Vector) -> Vector:
    r, g, b = light
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, luminance(light), z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def difference(one: Rgb, other: Rgb, by: str) -> float:
    pairs = zip(lab(seen(one, by)), lab(seen(other, by)), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


@pytest.mark.parametrize("by", SEES)
@pytest.mark.parametrize("tone", STATES)
def test_every_tone_stands_out_from_the_dark_panel(tone: Tone, by: str) -> None:
    contrast = (luminance(seen(STATES[tone], by)) + 0.05) / 0.05
    assert contrast >= LEAST_CONTRAST, (tone, by, round(contrast, 1))


@pytest.mark.parametrize("by", SEES)
@pytest.mark.parametrize(("one", "other"), [*combinations(STATES, 2)])
def test_no_two_tones_look_alike(one: Tone, other: Tone, by: str) -> None:
    apart = difference(STATES[one], STATES[other], by)
    assert apart >= LEAST_DIFFERENCE, (one, other, by, round(apart, 1))


def test_a_red_and_an_olive_of_like_lightness_would_not_pass() -> None:
    assert difference((255, 0, 0), (110, 100, 0), "no green (deutan)") < LEAST_DIFFERENCE


def test_every_tone_has_a_colour_and_each_led_the_one_of_its_box() -> None:
    assert STATES.keys() == set(Tone)
    lit = Image.new("1", (3, 1))
    lit.putpixel((0, 0), 1)
    lit.putpixel((2, 0), 1)
    image = painted(Picture(lit, (Tint((0, 0, 1, 1), Tone.FREE), Tint((1, 0, 3, 1), Tone.FULL))))
    assert [image.getpixel((x, 0)) for x in range(3)] == [STATES[Tone.FREE], (0, 0, 0), STATES[Tone.FULL]]


@pytest.mark.parametrize("typed", ["7", "P", "full", "closed", "Wjazd B"])
def test_a_colour_says_nothing_that_the_leds_do_not(typed: str) -> None:
    """A panel of one colour lights the very same LEDs; nothing is told by a colour alone."""
    picture = compose(message_for(typed), 64, 16).pictures[0]
    colours = painted(picture).convert("L").point(lambda value: 255 if value else 0).convert("1")
    assert colours.tobytes() == picture.lit.tobytes()
