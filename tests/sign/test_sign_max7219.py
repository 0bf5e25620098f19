"""The bytes that reach each chip, decoded by a model of the chips."""

import random
from typing import Any

import pytest
from PIL import Image
from sign_chips import DISPLAY_TEST, INTENSITY, SCAN_LIMIT, SHUTDOWN, Chain
from sign_envelopes import Clock

from controller.sign import layout
from controller.sign.max7219 import Max7219, open_spi
from controller.sign.panel import PanelError
from controller.site import PanelSpec

PANELS = [(32, 8), (64, 8), (64, 16), (96, 16), (64, 32), (128, 32)]
TURNS = [0, 90, -90, 180]


def spec(width: int = 64, height: int = 16, turn: int = 0) -> PanelSpec:
    return PanelSpec("entrance", "max7219", width, height, brightness=5, block_orientation=turn)


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    return Image.frombytes("1", (width, height), random.Random(seed).randbytes(width * height // 8))  # noqa: S311


class Bench:
    """A panel with its chips and a clock."""

    def __init__(self, width: int = 64, height: int = 16, turn: int = 0) -> None:
        self.size, self.turn = (width, height), turn
        self.chain = Chain(width * height // 64)
        self.clock = Clock()
        self.panel = Max7219(spec(width, height, turn), serial=self.chain, monotonic=self.clock)

    def seen(self) -> bytes:
        return self.chain.picture(*self.size, self.turn).tobytes()

    def transfers(self) -> int:
        count = len(self.chain.transfers)
        self.chain.transfers.clear()
        return count


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("width", "height"), PANELS)
def test_the_chips_light_the_picture_on_every_panel_however_the_modules_are_turned(
    width: int, height: int, turn: int
) -> None:
    bench = Bench(width, height, turn)
    for seed in range(3):
        image = noise(width, height, seed)
        bench.panel.show(image)
        assert bench.seen() == image.tobytes()


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("width", "height"), [(32, 8), (64, 16)])
@pytest.mark.filterwarnings("ignore:Image.Image.getdata")  # luma calls it
def test_the_chips_hold_what_lumas_own_driver_would_send_them(width: int, height: int, turn: int) -> None:
    from luma.led_matrix.device import max7219  # noqa: PLC0415  the filter must be there before

    ours, theirs = Bench(width, height, turn), Chain(width * height // 64)
    image = noise(width, height)
    device: Any = max7219(theirs, width=width, height=height, block_orientation=turn)
    device.display(image)
    ours.panel.show(image)
    assert ours.chain.lit() == theirs.lit()


def test_nothing_of_an_old_picture_is_lit_from_the_second_transfer_of_a_start_until_the_first_picture() -> None:
    bench = Bench()
    lit = bench.chain.ever_lit
    first_dark = next(n for n, leds in enumerate(lit) if not leds)
    assert first_dark <= 1  # test mode and shutdown are two registers, thus two transfers
    assert not any(lit[first_dark:])
    image = layout.preview("38", 64, 16)
    bench.panel.show(image)
    shown = [leds for leds in lit if leds][-1]
    assert all(leds <= shown for leds in lit[first_dark:])  # no LED that is not in the picture was lit on the way


def test_a_repeated_picture_costs_no_traffic_and_a_change_only_the_rows_that_changed() -> None:
    bench = Bench()
    image = layout.preview("38", 64, 16)
    bench.panel.show(image)
    bench.transfers()
    for _ in range(20):
        bench.clock.now += 0.2
        bench.panel.show(image.copy())
    assert bench.transfers() == 0
    one_more = image.copy()
    one_more.putpixel((0, 0), 1)
    bench.panel.show(one_more)
    assert bench.transfers() == 1
    assert bench.seen() == one_more.tobytes()


def test_chips_that_noise_upset_show_the_right_picture_again_after_the_refresh() -> None:
    bench = Bench()
    image = layout.preview("188", 64, 16)
    bench.panel.show(image)
    bench.chain.chips[0].latch(DISPLAY_TEST, 1)
    bench.chain.chips[3].latch(SHUTDOWN, 0)
    bench.chain.chips[5].latch(SCAN_LIMIT, 1)
    bench.chain.chips[6].latch(3, 0xFF)
    bench.chain.chips[7].latch(INTENSITY, 15)
    assert bench.seen() != image.tobytes()
    bench.clock.now += 4.9
    bench.panel.show(image)
    assert bench.seen() != image.tobytes()
    bench.clock.now += 0.2
    bench.panel.show(image)
    assert bench.seen() == image.tobytes()
    assert {chip.registers[INTENSITY] for chip in bench.chain.chips} == {5}


def test_a_change_does_not_put_the_refresh_off() -> None:
    bench = Bench()
    bench.panel.show(layout.preview("1", 64, 16))
    bench.chain.chips[0].latch(DISPLAY_TEST, 1)
    for free in range(2, 30):
        bench.clock.now += 0.2
        image = layout.preview(str(free), 64, 16)
        bench.panel.show(image)
    assert bench.seen() == image.tobytes()


def test_dark_is_shutdown_of_every_chip_and_is_kept_up() -> None:
    bench = Bench()
    bench.panel.show(noise(64, 16))
    bench.panel.dark()
    assert not bench.chain.lit()
    assert {chip.registers[SHUTDOWN] for chip in bench.chain.chips} == {0}
    bench.transfers()
    bench.panel.dark()
    assert bench.transfers() == 0
    bench.chain.chips[2].latch(SHUTDOWN, 1)  # a chip that wakes up has nothing to show
    assert not bench.chain.lit()
    bench.chain.chips[2].latch(DISPLAY_TEST, 1)
    bench.clock.now += 5.1
    bench.panel.dark()
    assert not bench.chain.lit()


def test_what_failed_half_way_is_sent_again_as_a_whole() -> None:
    bench = Bench()
    first, second = noise(64, 16, 1), noise(64, 16, 2)
    bench.panel.show(first)
    bench.chain.broken = True
    with pytest.raises(OSError, match="Input/output error"):
        bench.panel.show(second)
    bench.chain.broken = False
    for chip in bench.chain.chips:
        chip.registers[4] = 0xAA
    bench.panel.show(first)
    assert bench.seen() == first.tobytes()
    bench.chain.broken = True
    with pytest.raises(OSError, match="Input/output error"):
        bench.panel.dark()
    bench.chain.broken = False
    bench.panel.dark()
    assert not bench.chain.lit()


def test_closing_is_dark_and_lets_the_bus_go_even_when_it_fails() -> None:
    bench = Bench()
    bench.panel.show(noise(64, 16))
    bench.panel.close()
    assert not bench.chain.lit()
    assert bench.chain.closed
    broken = Bench()
    broken.chain.broken = True
    with pytest.raises(OSError, match="Input/output error"):
        broken.panel.close()
    assert broken.chain.closed


def test_a_picture_of_another_size_or_mode_is_refused() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="panel entrance takes a 64x16 picture"):
        bench.panel.show(Image.new("1", (64, 8)))
    with pytest.raises(ValueError, match="not 64x16 in 'RGB'"):
        bench.panel.show(Image.new("RGB", (64, 16)))


def test_an_orientation_that_is_no_quarter_turn_is_refused() -> None:
    with pytest.raises(ValueError, match="block_orientation 45 must be"):
        Max7219(spec(turn=45), serial=Chain(16))


def test_a_missing_spi_device_or_library_is_an_error_of_the_panel() -> None:
    with pytest.raises(PanelError, match=r"panel entrance: /dev/spidev99\.0"):
        open_spi(PanelSpec("entrance", "max7219", 64, 16, spi_port=99))
