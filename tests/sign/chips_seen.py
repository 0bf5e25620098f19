"""A child process with a panel on a model of its chips, and when these became lit and dark."""

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
        self._changes: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                at, _, what = line.strip().partition(" ")
                self._changes.put((float(at), what))

    def next(self, what: str, within_s: float = 30.0) -> float:
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
        """Whether nothing has changed since the last change that was taken."""
        return self._changes.empty()
