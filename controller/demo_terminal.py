"""The demo's sign in the terminal: what the panel's read-back says, two pixels a character.

On a terminal that is wide enough the sign is drawn in place at the bottom and everything else scrolls above it;
elsewhere (a pipe, a narrow window, an old code page) each change is one plain line.
"""

import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from PIL import Image

from controller.link import TTL_S
from controller.sign import readback
from controller.sign.readback import Shown

DRAW_S = 0.2

_AMBER_ON_BLACK = "\x1b[38;5;214;48;5;232m"
_PLAIN = "\x1b[0m"
_ERASE_BELOW = "\x1b[J"
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


class TerminalSign:
    """Shows one sign on ``out``; ``say`` prints a line beside it. Both may be called from any thread."""

    def __init__(self, run_dir: Path, sign: str, *, out: TextIO = sys.stdout) -> None:
        self._run_dir = run_dir
        self._sign = sign
        self._out = out
        self._lock = threading.Lock()
        self._drawn: tuple[str, ...] = ()
        self._told: str | None = None
        if os.name == "nt":
            os.system("")  # noqa: S605, S607  makes a Windows console understand ANSI sequences

    def run(self, stop: threading.Event) -> None:
        """Keep the sign up to date until ``stop`` is set."""
        while not stop.wait(DRAW_S):
            self.look(time.monotonic())
        with self._lock:
            self._erase()
            self._out.flush()

    def look(self, now: float) -> None:
        """Show what the sign shows at this moment of the monotonic clock."""
        shown = readback.read(self._run_dir, self._sign)
        if shown is not None and now - shown.alive > TTL_S:
            shown = None
        with self._lock:
            if shown is not None and self._can_draw(shown.width):
                self._draw(half_blocks(shown.image()))
            elif (line := in_words(self._sign, shown)) != self._told and (shown or self._told):
                self._told = line
                self._print(line)

    def say(self, line: str) -> None:
        """Print a line; the sign stays below it."""
        with self._lock:
            below = self._drawn
            self._erase()
            self._print(line)
            self._draw(below)

    def _can_draw(self, width: int) -> bool:
        utf8 = (self._out.encoding or "").lower().replace("-", "") == "utf8"
        return utf8 and self._out.isatty() and shutil.get_terminal_size().columns > width

    def _draw(self, lines: tuple[str, ...]) -> None:
        if lines and lines != self._drawn:
            self._erase()
            self._out.write("".join(f"{_AMBER_ON_BLACK}{line}{_PLAIN}\n" for line in lines))
            self._out.flush()
            self._drawn = lines

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{len(self._drawn)}A\r{_ERASE_BELOW}")
            self._drawn = ()

    def _print(self, line: str) -> None:
        encoding = self._out.encoding or "ascii"
        self._out.write(line.encode(encoding, "replace").decode(encoding) + "\n")
        self._out.flush()


def half_blocks(image: Image.Image) -> tuple[str, ...]:
    """Return a mode "1" picture as lines of half blocks, two rows of pixels a line."""
    lit = [[bool(image.getpixel((x, y))) for x in range(image.width)] for y in range(image.height)]
    lit += [[False] * image.width] * (image.height % 2)
    return tuple(
        "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(lit[::2], lit[1::2], strict=True)
    )


def in_words(sign: str, shown: Shown | None) -> str:
    """Say in one line what the sign shows, and why."""
    if shown is None:
        return f"sign {sign}: no picture"
    if not shown.lit or shown.message is None:
        return f"sign {sign}: dark ({shown.why_dark or 'nothing to show'})"
    return f"sign {sign}: {shown.message.text} ({shown.message.reason})"
