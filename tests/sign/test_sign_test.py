"""The test that staff ask for on a page: what it shows of a panel, for how long, and that it ends."""

import math

import pytest

from controller.domain.message import TEST
from controller.domain.report import Message, MessageKind, Reason
from controller.sign.layout import TEST_S, compose

MESSAGE = Message(MessageKind.TEST, TEST, None, Reason.SIGN_TEST)


@pytest.mark.parametrize("size", [(8, 8), (32, 8), (64, 16), (128, 32)])
def test_every_led_is_seen_lit_and_seen_dark_before_the_test_is_over(size: tuple[int, int]) -> None:
    show = compose(MESSAGE, *size)
    lasts_s = 12.0  # ``commands.TEST_S``
    shown, at = [], 0.0
    while at < lasts_s:
        picture, until = show.at(at)
        shown.append(picture.lit.tobytes())
        assert picture.lit.size == size
        assert until == pytest.approx(at + TEST_S)
        at = until
    every_lit = bytes(math.prod(size) // 8 * [0xFF])
    assert shown[0] == every_lit
    assert bytes(map(any_of, *shown)) == every_lit
    assert not any(map(all_of, *shown))


def any_of(*parts: int) -> int:
    together = 0
    for part in parts:
        together |= part
    return together


def all_of(*parts: int) -> int:
    together = 0xFF
    for part in parts:
        together &= part
    return together
