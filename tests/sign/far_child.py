"""A sign on a machine of its own, on a model of its chips; see ``sign_child`` for what it tells."""

import signal
import sys
import threading
from pathlib import Path

from sign_child import Watched

from controller.sign import far
from controller.sign.max7219 import Max7219
from controller.sign.panel import Panel
from controller.site import PanelSpec
from controller.site_far import load_far


def main(file: str) -> None:
    """Drive the MAX7219 panel of 64x16 that the file has, until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    loaded = load_far(Path(file))

    def opener(spec: PanelSpec) -> Panel:
        chips = Watched(16)
        chips.ever_lit = None
        return Max7219(spec, serial=chips)

    far.run(loaded.mqtt, loaded.panels, stop, lambda _text: None, opener=opener)


if __name__ == "__main__":
    main(*sys.argv[1:])
