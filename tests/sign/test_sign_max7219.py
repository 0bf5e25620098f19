"""The bytes that reach each chip, decoded by a model of the chips."""

import random
from itertools import product
from typing import Any

import pytest
from PIL import Image
from sign_chips import DECODE_MODE, DISPLAY_TEST, INTENSITY, SCAN_LIMIT, SHUTDOWN, Chain, NoisyChain, seen, wall
from sign_envelopes import Clock

from controller.sign import layout
from controller.sign.max7219 import Max7219, open_spi
from controller.sign.panel import PanelError
from controller.site import PanelSpec

PANELS = [(32, 8), (64, 8), (64, 16), (96, 16), (64, 32), (128, 32), (8, 8), (16, 24), (24, 40)]
CORNERS = ["top-left", "top-right", "bottom-left", "bottom-right"]
CHAINS = ["rows", "rows-snake", "columns", "columns-snake"]
ARROWS = {
    "right": (0, 0),
    "down": (1, 1),
    "left": (2, 2),
    "up": (3, 3),
    "right-left": (0, 2),
    "left-right": (2, 0),
    "up-down": (3, 1),
    "down-up": (1, 3),
}
"""What the site file calls it, and how many quarter turns the modules of the wall have."""


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    return Image.frombytes("1", (width, height), random.Random(seed).randbytes(width * height // 8))  # noqa: S311


class Bench:
    """A panel with its chips on a wall, and a clock."""

    def __init__(
        self, width: int = 64, height: int = 16, *, chips: Chain | None = None, dark: bool = False, **how: Any
    ) -> None:
        self.size = (width, height)
        self.spec = PanelSpec("entrance", "max7219", width, height, brightness=5, **how)
        self.wall = wall(
            width, height, self.spec.data_enters, self.spec.chain, ARROWS[self.spec.arrows], self.spec.mirrored
        )
        self.chain = Chain(width * height // 64) if chips is None else chips
        if dark:
            for chip in self.chain.chips:
                chip.power_up()
        self.clock = Clock()
        self.panel = Max7219(self.spec, serial=self.chain, monotonic=self.clock)

    def seen(self) -> bytes:
        return seen(self.chain, self.wall, *self.size).tobytes()

    def transfers(self) -> int:
        count = len(self.chain.transfers)
        self.chain.transfers.clear()
        return count


@pytest.mark.parametrize(("width", "height"), PANELS)
def test_every_arrangement_lights_the_picture_by_the_bytes_that_reach_each_chip(width: int, height: int) -> None:
    image = noise(width, height)
    ways = list(product(CORNERS, CHAINS, ARROWS, [False, True]))
    for data_enters, chain, arrows, mirrored in ways:
        keys: dict[str, Any] = {"data_enters": data_enters, "chain": chain, "arrows": arrows, "mirrored": mirrored}
        chips = Chain(width * height // 64)
        chips.ever_lit = None
        bench = Bench(width, height, chips=chips, **keys)
        bench.panel.show(image)
        assert bench.seen() == image.tobytes(), keys
    assert len(ways) == 256


@pytest.mark.parametrize(("arrows", "turn"), [("down", 0), ("left", 90), ("right", -90), ("up", 180)])
@pytest.mark.parametrize(("width", "height"), [(32, 8), (64, 16)])
@pytest.mark.filterwarnings("ignore:Image.Image.getdata")  # luma calls it
def test_the_chips_hold_what_lumas_own_driver_would_send_them(width: int, height: int, arrows: str, turn: int) -> None:
    from luma.led_matrix.device import max7219  # noqa: PLC0415  the filter must be there before

    ours, theirs = Bench(width, height, arrows=arrows), Chain(width * height // 64)
    image = noise(width, height)
    device: Any = max7219(theirs, width=width, height=height, block_orientation=turn)
    device.display(image)
    ours.panel.show(image)
    assert ours.chain.lit() == theirs.lit()


def test_nothing_of_an_old_picture_is_lit_from_the_second_transfer_of_a_start_until_the_first_picture() -> None:
    bench = Bench()
    lit = bench.chain.ever_lit
    assert lit is not None
    first_dark = next(n for n, leds in enumerate(lit) if not leds)
    assert first_dark <= 1  # test mode and shutdown are two registers, thus two transfers
    assert not any(lit[first_dark:])
    image = layout.preview("38", 64, 16)
    bench.panel.show(image)
    shown = [leds for leds in lit if leds][-1]
    assert all(leds <= shown for leds in lit[first_dark:])  # no LED that is not in the picture was lit on the way


def test_after_power_on_nothing_lights_before_the_first_picture() -> None:
    bench = Bench(dark=True)
    assert not any(bench.chain.ever_lit or ())
    assert {chip.registers[INTENSITY] for chip in bench.chain.chips} == {5}


def test_a_repeated_picture_costs_no_traffic_and_a_change_only_the_rows_that_changed() -> None:
    bench = Bench()
    image = layout.preview("38", 64, 16)
    bench.panel.show(image)
    bench.transfers()
    for _ in range(4):
        bench.clock.now += 0.2
        bench.panel.show(image.copy())
    assert bench.transfers() == 0
    bench.clock.now += 0.3
    bench.panel.show(image.copy())
    assert bench.transfers() == 13  # the refresh: eight digits, and five registers that make a chip what it is
    one_more = image.copy()
    one_more.putpixel((0, 0), 1)
    bench.panel.show(one_more)
    assert bench.transfers() == 1
    assert bench.seen() == one_more.tobytes()


def test_chips_that_noise_upset_show_the_right_picture_again_after_the_refresh() -> None:
    bench = Bench()
    image = layout.preview("188", 64, 16)
    bench.panel.show(image)
    bench.chain.chips[0].latch(DISPLAY_TEST << 8 | 1)
    bench.chain.chips[3].latch(SHUTDOWN << 8)
    bench.chain.chips[5].latch(SCAN_LIMIT << 8 | 1)
    bench.chain.chips[6].latch(0x03FF)
    bench.chain.chips[7].latch(INTENSITY << 8 | 15)
    bench.chain.chips[8].latch(DECODE_MODE << 8 | 0xFF)
    assert bench.seen() != image.tobytes()
    bench.clock.now += 0.9
    bench.panel.show(image)
    assert bench.seen() != image.tobytes()
    bench.clock.now += 0.2
    bench.panel.show(image)
    assert bench.seen() == image.tobytes()
    assert {chip.registers[INTENSITY] for chip in bench.chain.chips} == {5}


def test_a_change_does_not_put_the_refresh_off() -> None:
    bench = Bench()
    bench.panel.show(layout.preview("1", 64, 16))
    bench.chain.chips[0].latch(DISPLAY_TEST << 8 | 1)
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
    bench.chain.chips[2].latch(SHUTDOWN << 8 | 1)  # a chip that wakes up has nothing to show
    assert not bench.chain.lit()
    bench.chain.chips[2].latch(DISPLAY_TEST << 8 | 1)
    bench.clock.now += 1.1
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


def test_the_brightness_reaches_every_chip_at_once_and_with_the_next_picture() -> None:
    bench = Bench()
    bench.panel.dim(9)  # while dark: nothing to dim
    image = noise(64, 16)
    bench.panel.show(image)
    assert {chip.registers[INTENSITY] for chip in bench.chain.chips} == {9}
    bench.transfers()
    bench.panel.dim(2)
    bench.panel.dim(2)
    assert bench.transfers() == 1
    assert {chip.registers[INTENSITY] for chip in bench.chain.chips} == {2}
    assert bench.seen() == image.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_with_one_in_ten_transfers_corrupted_the_picture_comes_right_again_and_again(seed: int) -> None:
    chain = NoisyChain(16, one_in=10, seed=seed)
    chain.ever_lit = None
    bench = Bench(chips=chain)
    right, wrong_since, longest = 0, bench.clock.now, 0.0
    beats = 3000
    for beat in range(beats):
        image = layout.preview(str(beat // 150), 64, 16)  # another number every 30 s
        bench.panel.show(image)
        if bench.seen() == image.tobytes():
            right += 1
            wrong_since = bench.clock.now
        longest = max(longest, bench.clock.now - wrong_since)
        bench.clock.now += 0.2
    assert chain.corrupted > beats / 5 * 13 / 20
    assert longest <= 10.0
    assert right > beats / 4
    chain.one_in = 0  # the noise is over: the next refresh mends all
    bench.clock.now += 1.0
    bench.panel.show(image)
    assert bench.seen() == image.tobytes()
    assert {chip.registers[INTENSITY] for chip in chain.chips} == {5}


@pytest.mark.parametrize("seed", range(3))
def test_with_one_in_ten_transfers_corrupted_dark_becomes_dark(seed: int) -> None:
    chain = NoisyChain(16, one_in=10, seed=seed)
    chain.ever_lit = None
    bench = Bench(chips=chain)
    bench.panel.show(noise(64, 16))
    lit = []
    for _ in range(500):
        bench.panel.dark()
        lit.append(bool(chain.lit()))
        bench.clock.now += 0.2
    chain.one_in = 0
    bench.clock.now += 1.0
    bench.panel.dark()
    assert not chain.lit()
    assert sum(lit) < len(lit) / 4


def test_a_missing_spi_device_or_library_is_an_error_of_the_panel() -> None:
    with pytest.raises(PanelError, match=r"panel entrance: /dev/spidev99\.0"):
        open_spi(PanelSpec("entrance", "max7219", 64, 16, spi_port=99))
