"""The sign in the terminal: drawn in place on one, a plain line a change elsewhere."""

import io
import os
import pty
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
from PIL import Image

from controller.demo_terminal import TerminalSign, half_blocks
from controller.domain.report import Message, MessageKind, Reason
from controller.sign import readback
from controller.sign.layout import preview
from controller.sign.readback import Shown


def shown(free: int, *, alive: float) -> Shown:
    image = preview(str(free), 64, 16)
    message = Message(MessageKind.NUMBER, str(free), free, Reason.COUNTED)
    return Shown("entrance", "emulator", 64, 16, readback.rows(image), True, message, None, 0.0, alive)


def dark(why: str, *, alive: float) -> Shown:
    rows = readback.rows(Image.new("1", (64, 16)))
    return Shown("entrance", "emulator", 64, 16, rows, False, None, why, 0.0, alive)


def test_two_rows_of_pixels_make_one_line_of_half_blocks() -> None:
    image = Image.new("1", (4, 3))
    for pixel in ((1, 0), (2, 1), (3, 0), (3, 1), (0, 2)):
        image.putpixel(pixel, 1)
    assert half_blocks(image) == (" ▀▄█", "▀   ")


def test_a_pipe_gets_a_line_at_each_change_and_none_before_the_first_picture(tmp_path: Path) -> None:
    out = io.StringIO()
    terminal = TerminalSign(tmp_path, "entrance", out=out)
    terminal.look(100.0)
    assert out.getvalue() == ""
    readback.write(tmp_path, shown(4, alive=100.0))
    terminal.look(100.0)
    terminal.look(101.0)
    terminal.say("count: hello")
    readback.write(tmp_path, dark("no state from count", alive=102.0))
    terminal.look(102.0)
    terminal.look(110.0)
    assert out.getvalue().splitlines() == [
        "sign entrance: 4 (counted)",
        "count: hello",
        "sign entrance: dark (no state from count)",
        "sign entrance: no picture",
    ]


@pytest.fixture
def screen() -> Iterator[tuple[TextIO, int]]:
    leader, follower = pty.openpty()
    with open(follower, "w", encoding="utf-8") as out:  # noqa: PTH123  a file descriptor
        yield out, leader
    os.close(leader)


def test_a_terminal_gets_the_picture_in_place_with_lines_above_it(
    screen: tuple[TextIO, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    out, leader = screen
    terminal = TerminalSign(tmp_path, "entrance", out=out)

    def written() -> str:
        out.write("\0")
        out.flush()
        text = ""
        deadline = time.monotonic() + 5
        while not text.endswith("\0"):
            assert time.monotonic() < deadline
            text += os.read(leader, 65536).decode()
        return text

    readback.write(tmp_path, shown(4, alive=100.0))
    terminal.look(100.0)
    four = written()
    assert four.count("\r\n") == 8
    assert half_blocks(preview("4", 64, 16))[3] in four
    terminal.look(100.5)
    assert written() == "\0", "the same picture is not drawn again"

    terminal.say("web: something")
    text = written()
    assert text.startswith("\x1b[8A\r\x1b[Jweb: something\r\n")
    assert half_blocks(preview("4", 64, 16))[3] in text

    readback.write(tmp_path, shown(3, alive=101.0))
    terminal.look(101.0)
    text = written()
    assert text.startswith("\x1b[8A\r\x1b[J")
    assert half_blocks(preview("3", 64, 16))[3] in text

    monkeypatch.setenv("COLUMNS", "40")
    readback.write(tmp_path, shown(2, alive=102.0))
    terminal.look(102.0)
    assert written().endswith("sign entrance: 2 (counted)\r\n\0"), "too narrow: in words"
