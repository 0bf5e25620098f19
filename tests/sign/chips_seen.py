"""A child process with a panel on a model of its chips: when these became lit and dark, and what was to be seen."""

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

from fixtures_site import ROOT


class Chips:
    """Starts a script of this folder, which tells what its chips do (see ``sign_child``)."""

    def __init__(self, script: str, *arguments: str) -> None:
        here = Path(__file__).parent
        self.process = subprocess.Popen(
            [sys.executable, str(here / script), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(ROOT)])},
        )
        self.pictures: list[bytes] = []
        """What was to be seen after each transfer that changed it, mode "1"; empty bytes: nothing."""
        self._changes: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        was = "lit"
        with self.process.stdout as lines:
            for line in lines:
                at, now, picture = f"{line.strip()} ".split(" ", 2)
                self.pictures.append(bytes.fromhex(picture))
                if now != was:
                    was = now
                    self._changes.put((float(at), now))

    def next(self, what: str, within_s: float = 60.0) -> float:
        """Return when the chips became lit or dark; they must do that next."""
        at, became = self._changes.get(timeout=within_s)
        assert became == what
        return at

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def still(self) -> bool:
        """Whether they neither lit up nor went dark since the last time that was taken."""
        return self._changes.empty()
