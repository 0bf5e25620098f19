"""The model itself, against the datasheet's own tables; everything else about MAX7219 panels is asserted through it."""

from fractions import Fraction

import pytest
from sign_chips import (
    CODE_B,
    DECODE_MODE,
    DISPLAY_TEST,
    INTENSITY,
    SCAN_LIMIT,
    SHUTDOWN,
    Chain,
    Chip,
    Hung,
    NoisyChain,
    wall,
)


def awake() -> Chip:
    chip = Chip()
    chip.power_up()
    chip.latch(SHUTDOWN << 8 | 1)
    chip.latch(SCAN_LIMIT << 8 | 7)
    return chip


def test_power_on_is_dark_and_one_digit_is_scanned() -> None:
    chip = Chip()
    chip.power_up()
    chip.latch(0x01FF)
    chip.latch(0x08FF)
    assert not any(chip.segments(digit) for digit in range(8))
    chip.latch(SHUTDOWN << 8 | 1)
    assert [chip.segments(digit) for digit in range(8)] == [0xFF, 0, 0, 0, 0, 0, 0, 0]


def test_display_test_lights_everything_in_shutdown_too_and_keeps_the_registers() -> None:
    chip = awake()
    chip.latch(0x0142)
    chip.latch(SHUTDOWN << 8)
    chip.latch(DISPLAY_TEST << 8 | 1)
    assert all(chip.segments(digit) == 0xFF for digit in range(8))
    assert chip.duty == Fraction(31, 32)
    chip.latch(DISPLAY_TEST << 8)
    chip.latch(SHUTDOWN << 8 | 1)
    assert chip.segments(0) == 0x42


def test_decode_mode_turns_chosen_digits_into_characters() -> None:
    chip = awake()
    chip.latch(DECODE_MODE << 8 | 0b10)
    chip.latch(0x0105)
    chip.latch(0x0285)
    assert chip.segments(0) == 0x05
    assert chip.segments(1) == 0x80 | 0b1011011  # a 5: A, C, D, F, G
    assert CODE_B[8] == 0x7F
    assert CODE_B[15] == 0


@pytest.mark.parametrize(("step", "duty"), [(0, Fraction(1, 32)), (7, Fraction(15, 32)), (15, Fraction(31, 32))])
def test_intensity_has_sixteen_steps(step: int, duty: Fraction) -> None:
    chip = awake()
    chip.latch(INTENSITY << 8 | step)
    assert chip.duty == duty


def test_the_high_bits_and_addresses_without_a_register_do_nothing() -> None:
    chip = awake()
    before = dict(chip.registers)
    for word in (0x0000, 0x00FF, 0x0DFF, 0xEEFF):
        chip.latch(word)
    assert chip.registers == before
    chip.latch(0xF1A5)
    assert chip.registers[1] == 0xA5


def test_what_goes_into_a_chain_first_reaches_the_farthest_chip() -> None:
    chain = Chain(3)
    chain.data([1, 0x11, 2, 0x22, 3, 0x33])
    assert [chain.chips[n].registers[3 - n] for n in range(3)] == [0x33, 0x22, 0x11]


def test_bits_that_are_missing_are_made_up_by_what_the_chain_still_holds() -> None:
    chain = Chain(2)
    chain.data([1, 0x0F, 2, 0xF0])
    chain.clock_in([0, 0, 0, 0, 0, 0, 1, 1] + [1] * 8)  # 0x03FF: one word for two chips
    chain.load()
    assert chain.chips[0].registers[3] == 0xFF
    assert chain.chips[1].registers[2] == 0xF0  # had been chip 0's


def test_noise_comes_as_often_as_it_is_asked_for() -> None:
    chain = NoisyChain(4, one_in=10, seed=3)
    for _ in range(2000):
        chain.data([0] * 8)
    assert 150 < chain.corrupted < 250


def test_a_turned_module_turns_its_leds_clockwise() -> None:
    corner = [Hung(0, 0, turns).led(7, 0) for turns in range(4)]  # left top, right top, right bottom, left bottom
    assert corner == [(0, 0), (7, 0), (7, 7), (0, 7)]
    assert Hung(8, 8, 0, mirrored=True).led(7, 0) == (15, 8)


def test_a_wall_is_hung_in_the_order_of_its_cable() -> None:
    def order(first: str, run: str) -> list[tuple[int, int]]:
        return [(each.x // 8, each.y // 8) for each in wall(24, 16, first, run, (0, 0), mirrored=False)]

    assert order("top-left", "rows") == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    assert order("bottom-right", "rows-snake") == [(2, 1), (1, 1), (0, 1), (0, 0), (1, 0), (2, 0)]
    assert order("top-right", "columns-snake") == [(2, 0), (2, 1), (1, 1), (1, 0), (0, 0), (0, 1)]
    assert order("bottom-left", "columns") == [(0, 1), (0, 0), (1, 1), (1, 0), (2, 1), (2, 0)]
