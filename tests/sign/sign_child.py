"""The sign process on a model of its chips; tells when the first LED lit, and when the last one went out.

Lines are ``<monotonic seconds> lit`` and ``<monotonic seconds> dark``.
"""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from sign_chips import Chain

from controller.sign import guardian
from controller.sign.max7219 import Max7219
from controller.sign.panel import Panel
from controller.site import PanelSpec


class Watched(Chain):
    """Chips that tell when they light up and go dark."""

    was_lit = True

    def data(self, data: Sequence[int]) -> None:
        self.transfers.clear()
        super().data(data)
        lit = bool(self.lit())
        if lit != self.was_lit:
            self.was_lit = lit
            sys.stdout.write(f"{time.monotonic()} {'lit' if lit else 'dark'}\n")
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
