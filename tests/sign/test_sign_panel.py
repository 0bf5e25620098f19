import math
from itertools import pairwise

import pytest
from PIL import Image
from sign_envelopes import Clock

from controller.sign.panel import DRIVERS, Emulator, Panel, PanelError, Reopening, open_panel
from controller.site import PanelSpec

SPEC = PanelSpec("entrance", "emulator", 64, 16)


def test_drivers_are_opened_by_name() -> None:
    assert set(DRIVERS) == {"max7219", "max7219-digits", "ws2812", "hub75", "mqtt", "emulator"}
    assert isinstance(open_panel(SPEC), Emulator)
    with pytest.raises(
        ValueError, match="panel x: no driver 'oled'; there are max7219, max7219-digits, ws2812, hub75, mqtt, emulator"
    ):
        open_panel(PanelSpec("x", "oled", 8, 8))


def test_the_emulator_keeps_a_copy_of_the_last_picture() -> None:
    panel = Emulator(SPEC)
    image = Image.new("1", SPEC.size, 1)
    panel.show(image)
    image.putpixel((0, 0), 0)
    kept = panel.image
    assert kept is not None
    assert kept.getpixel((0, 0))
    panel.close()
    assert not isinstance(panel.image, Image.Image)
    with pytest.raises(ValueError, match="takes a 64x16 picture"):
        panel.show(Image.new("1", (8, 8)))


class Frail(Emulator):
    """An emulator whose wire can be cut."""

    cut = False

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        if self.cut:
            raise OSError(5, "Input/output error")
        super().show(image, until)


def test_a_panel_that_failed_is_opened_again_later_and_later_and_then_works_as_before() -> None:
    clock = Clock()
    opened: list[Frail] = []
    there = True

    def opener(spec: PanelSpec) -> Panel:
        if not there:
            raise PanelError("no such device")
        opened.append(Frail(spec))
        return opened[-1]

    panel = Reopening(SPEC, opener=opener, monotonic=clock)
    image = Image.new("1", SPEC.size, 1)
    panel.show(image)
    opened[0].cut, there = True, False
    with pytest.raises(OSError, match="Input/output error"):
        panel.show(image)
    attempts: list[float] = []
    start = clock.now
    for _ in range(300):
        clock.now += 0.2
        before = panel._not_before  # noqa: SLF001  a new date means that it was tried
        with pytest.raises(OSError, match=r"no such device|Input/output error"):
            panel.show(image)
        if panel._not_before != before:  # noqa: SLF001
            attempts.append(clock.now - start)
    gaps = [later - earlier for earlier, later in pairwise(attempts)]
    assert attempts[0] < 1.0
    assert gaps == sorted(gaps)
    assert 9.9 < max(gaps) < 10.3
    there = True
    clock.now += 10.0
    panel.show(image)
    assert opened[1].image is not None
    opened[1].cut = True
    with pytest.raises(OSError, match="Input/output error"):
        panel.show(image)
    clock.now += 0.6  # soon again, as after the first failure
    panel.show(image)
    panel.close()
    assert opened[2].image is None
