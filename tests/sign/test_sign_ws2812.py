"""What reaches each LED of a matrix, through luma's driver and a binding that keeps what it is told."""

import importlib.util
import traceback
from typing import Any

import pytest
from PIL import Image
from sign_envelopes import Clock

from controller.sign.panel import PanelError
from controller.sign.ws2812 import AMBER, Ws2812
from controller.site import PanelSpec

pytestmark = pytest.mark.filterwarnings("ignore:Image.Image.getdata")  # luma calls it


class Binding:
    """Speaks as _rpi_ws281x does, and complains where the real one would follow a null pointer."""

    WS2811_STRIP_GRB = 0x00081000

    def __init__(self, *, init: int = 0) -> None:
        self.init = init
        self.outcome = 0
        self.pins: list[int] = []
        self.brightness = -1
        self.colours: dict[int, int] = {}
        self.lit: list[dict[int, int]] = []
        """What the LEDs showed after each rendering."""
        self.freed = 0
        self.rendered_after_end = False

    def new_ws2811_t(self) -> str:
        return "leds"

    def ws2811_channel_get(self, _leds: str, number: int) -> str:
        return f"channel {number}"

    def ws2811_channel_t_gpionum_set(self, _channel: str, pin: int) -> None:
        self.pins.append(pin)

    def ws2811_channel_t_brightness_set(self, channel: str | None, value: int) -> None:
        if channel == "channel 0":
            self.brightness = value

    def ws2811_channel_t_count_set(self, *_: Any) -> None: ...
    def ws2811_channel_t_invert_set(self, *_: Any) -> None: ...
    def ws2811_channel_t_strip_type_set(self, *_: Any) -> None: ...
    def ws2811_t_freq_set(self, *_: Any) -> None: ...
    def ws2811_t_dmanum_set(self, *_: Any) -> None: ...

    def ws2811_init(self, _leds: str) -> int:
        return self.init

    def ws2811_led_set(self, channel: str | None, place: int, colour: int) -> None:
        self.rendered_after_end |= channel is None
        self.colours[place] = colour

    def ws2811_render(self, leds: str | None) -> int:
        self.rendered_after_end |= leds is None or self.init != 0
        self.lit.append({place: colour for place, colour in self.colours.items() if colour})
        return self.outcome

    def ws2811_fini(self, _leds: str) -> None: ...

    def delete_ws2811_t(self, _leds: str) -> None:
        self.freed += 1


def spec(**more: Any) -> PanelSpec:
    return PanelSpec("entrance", "ws2812", 16, 8, **{"gpio": 21, "brightness": 3, "chain": "rows-snake", **more})


def dots(*places: tuple[int, int]) -> Image.Image:
    image = Image.new("1", (16, 8))
    for place in places:
        image.putpixel(place, 1)
    return image


COLOUR = AMBER[0] << 16 | AMBER[1] << 8 | AMBER[2]


def test_each_led_of_a_serpentine_matrix_gets_its_colour() -> None:
    binding = Binding()
    panel = Ws2812(spec(), binding=binding, monotonic=Clock())
    panel.show(dots((0, 0), (15, 0), (15, 1), (0, 1), (3, 2)))
    assert binding.lit[-1] == dict.fromkeys([0, 15, 16, 31, 35], COLOUR)
    panel.close()


def test_a_matrix_wired_row_by_row_runs_always_from_the_left() -> None:
    binding = Binding()
    panel = Ws2812(spec(chain="rows"), binding=binding, monotonic=Clock())
    panel.show(dots((0, 1), (15, 1)))
    assert binding.lit[-1] == dict.fromkeys([16, 31], COLOUR)
    panel.close()


def test_the_strip_is_on_the_sites_pin_with_the_sites_brightness_and_starts_black() -> None:
    binding = Binding()
    panel = Ws2812(spec(), binding=binding, monotonic=Clock())
    assert 21 in binding.pins
    assert 18 not in binding.pins
    assert binding.brightness == 3 * 16 + 15
    assert not any(binding.lit)
    panel.close()


def test_a_repeated_picture_is_sent_again_only_at_the_refresh() -> None:
    binding, clock = Binding(), Clock()
    panel = Ws2812(spec(), binding=binding, monotonic=clock)
    panel.show(dots((1, 1)))
    count = len(binding.lit)
    clock.now += 0.9
    panel.show(dots((1, 1)))
    assert len(binding.lit) == count
    clock.now += 0.2
    panel.show(dots((1, 1)))
    assert len(binding.lit) == count + 1
    panel.close()


def test_a_matrix_that_runs_up_and_down_its_columns_from_the_right_gets_each_led_its_colour() -> None:
    binding = Binding()
    panel = Ws2812(spec(chain="columns-snake", data_enters="bottom-right"), binding=binding, monotonic=Clock())
    panel.show(dots((15, 7), (15, 0), (14, 0), (14, 7), (13, 7)))
    assert binding.lit[-1] == dict.fromkeys([0, 7, 8, 15, 16], COLOUR)
    panel.close()


def test_the_brightness_changes_at_once_and_luma_renders_the_picture_again() -> None:
    binding = Binding()
    panel = Ws2812(spec(), binding=binding, monotonic=Clock())
    panel.show(dots((1, 1)))
    rendered = len(binding.lit)
    panel.dim(0)
    panel.dim(0)
    assert binding.brightness == 15
    assert len(binding.lit) == rendered + 1
    assert binding.lit[-1]
    binding.outcome = -10
    with pytest.raises(PanelError, match="ws2811_render failed with code -10"):
        panel.dim(1)
    binding.outcome = 0
    panel.close()


def test_dark_and_closed_are_black_and_a_freed_strip_is_touched_no_more() -> None:
    binding = Binding()
    panel = Ws2812(spec(), binding=binding, monotonic=Clock())
    panel.show(dots((1, 1)))
    panel.dark()
    assert binding.lit[-1] == {}
    panel.show(dots((1, 1)))
    panel.close()
    assert binding.lit[-1] == {}
    panel._device.cleanup()  # noqa: SLF001  as luma does at exit
    assert binding.freed == 1
    assert not binding.rendered_after_end


def test_a_failing_strip_is_an_error_of_the_panel() -> None:
    binding = Binding(init=-5)
    with pytest.raises(PanelError, match="panel entrance, pin 21: ws2811_init failed with code -5") as refused:
        Ws2812(spec(), binding=binding, monotonic=Clock())
    cause = refused.value.__cause__
    assert cause is not None
    *_, (frame, _) = traceback.walk_tb(cause.__traceback__)
    frame.f_locals["self"].cleanup()  # luma's device, as luma does at exit
    assert not binding.rendered_after_end
    binding = Binding()
    panel = Ws2812(spec(), binding=binding, monotonic=Clock())
    panel.show(dots((1, 1)))
    binding.outcome = -10
    with pytest.raises(PanelError, match="ws2811_render failed with code -10"):
        panel.show(dots((2, 2)))
    binding.outcome = 0
    panel.show(dots((1, 1)))
    assert binding.lit[-1] == {30: COLOUR}
    panel.close()


@pytest.mark.skipif(importlib.util.find_spec("_rpi_ws281x") is not None, reason="the binding is installed")
def test_without_the_binding_the_error_says_how_to_get_it() -> None:
    with pytest.raises(PanelError, match=r"panel entrance: No module named '_rpi_ws281x'; install"):
        Ws2812(spec())
