import math

import pytest
from PIL import Image

from controller.sign import seen


def test_a_letter_is_read_from_36_cm_for_each_millimetre_and_told_from_69() -> None:
    assert seen.read_from_m(7, 4.0) == pytest.approx(28 * 0.36)
    assert pytest.approx(0.6875, abs=0.001) == seen.LIMIT_M_PER_MM
    assert seen.in_view_s(11.11) == pytest.approx(2.0, abs=0.01)


def two_leds(apart: int) -> Image.Image:
    lights = Image.new("RGB", (apart + 1, 1))
    lights.putpixel((0, 0), (255, 255, 255))
    lights.putpixel((apart, 0), (255, 255, 255))
    return lights


def dip(apart_arcmin: float) -> float:
    """How much darker it is between two LEDs so far apart than at the brighter of them (0-1)."""
    distance_m = 0.004 / (apart_arcmin * seen.ARCMIN) * 4
    image = seen.driver_sees(two_leds(4), 4.0, distance_m).convert("L")
    levels = list(image.crop((0, image.height // 2, image.width, image.height // 2 + 1)).tobytes())
    return 1 - min(levels[len(levels) // 2 - 1 : len(levels) // 2 + 2]) / max(levels)


def test_two_leds_are_told_apart_when_they_are_more_than_an_eyes_acuity_apart() -> None:
    assert dip(3.0) > 0.9
    assert dip(1.5) > 0.2
    assert dip(0.5) < 0.02


def test_a_dark_sign_stays_dark_and_nonsense_is_refused() -> None:
    assert seen.driver_sees(Image.new("RGB", (8, 8)), 4.0, 25.0).getbbox() is None
    with pytest.raises(ValueError, match="both must be above 0"):
        seen.driver_sees(two_leds(1), 4.0, 0.0)


def test_the_picture_is_twelve_pixels_to_a_minute_of_arc() -> None:
    image = seen.driver_sees(Image.new("RGB", (64, 16)), 4.0, 25.0)
    minutes = math.degrees(math.atan(0.256 / 25.0)) * 60
    assert image.width == pytest.approx(minutes * 12 + 2 * 48, abs=2)
