"""The sign process on a model of its chips; tells after each transfer that changed it what is lit.

Lines are ``<monotonic seconds> lit <picture>`` and ``<monotonic seconds> dark``; a picture is mode "1" in hexadecimal.
"""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from sign_chips import Chain, seen, wall

from controller.sign import guardian
from controller.sign.max7219 import Max7219
from controller.sign.panel import Panel
from controller.site import PanelSpec


class Watched(Chain):
    """Chips on a wall that tell what is to be seen."""

    wall = wall(64, 16, "top-left", "rows", (0, 0), mirrored=False)
    before: str | None = None

    def data(self, data: Sequence[int]) -> None:
        self.transfers.clear()
        super().data(data)
        picture = seen(self, self.wall, 64, 16).tobytes()
        now = f"lit {picture.hex()}" if any(picture) else "dark"
        if now != self.before:
            self.before = now
            sys.stdout.write(f"{time.monotonic()} {now}\n")
            sys.stdout.flush()


def main(link: str, run_dir: str) -> None:
    """Guard a MAX7219 panel of 64x16 until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def opener(spec: PanelSpec) -> Panel:
        chips = Watched(16)
        chips.ever_lit = None
        return Max7219(spec, serial=chips)

    spec = PanelSpec("entrance", "max7219", 64, 16)
    guardian.run([spec], link, Path(run_dir), stop, lambda _text: None, opener=opener)


if __name__ == "__main__":
    main(*sys.argv[1:])
