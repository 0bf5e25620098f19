"""Starts counting processes one after the other, fast: the interpreter and our modules are loaded once, then forked.

``python -m torture.nursery SITE STATE RUN`` takes a line for each life on standard input (after how many fsyncs its
disk kills it; 0: never), and says ``<pid>`` when it is born and ``ended`` when it is dead. It is buried with the next
line only, so that its number names nobody else meanwhile.
"""

import importlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from controller.__main__ import cli
from torture import disk
from torture.power import ROOT


class Life:
    """One counting process."""

    def __init__(self, pid: int, words: IO[bytes]) -> None:
        self._pid = pid
        self._words = words
        self._ended = False

    def ended(self) -> bool:
        """Whether it is dead."""
        if not self._ended and select.select([self._words], [], [], 0)[0]:
            self._hear()
        return self._ended

    def end(self, number: signal.Signals) -> None:
        """Send it a signal that ends it, and wait until it is dead."""
        os.kill(self._pid, number)
        if not self._ended:
            self._hear()

    def _hear(self) -> None:
        assert self._words.readline() == b"ended\n", "the nursery died"
        self._ended = True


class Nursery:
    """Bears one counting process at a time, on a disk that can kill it."""

    def __init__(self, library: Path, site: Path, state_dir: Path, run_dir: Path, log: Path) -> None:
        environment = disk.environment(library, state_dir, None) | {"OPENBLAS_NUM_THREADS": "1"}
        argv = [sys.executable, "-m", "torture.nursery", str(site), str(state_dir), str(run_dir)]
        environment["PYTHONPATH"] = os.pathsep.join((str(ROOT / "tests"), str(ROOT)))
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, bufsize=0
            )

    def start(self, dies_after: int | None) -> Life:
        """Bear one, which its disk kills after so many fsyncs."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{dies_after or 0}\n".encode())
        return Life(int(self._process.stdout.readline()), self._process.stdout)

    def close(self) -> None:
        """End it, with whoever still lives."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def _live(dies_after: int, arguments: list[str]) -> None:
    if dies_after:
        disk.dies(dies_after)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    site, state_dir, run_dir = arguments
    cli(["count", site, "--state-dir", state_dir, "--run-dir", run_dir])


def main() -> None:
    """Bear, and wait for the death, until standard input ends."""
    importlib.import_module("controller.count")  # what is loaded now is loaded for all
    orders = os.fdopen(0, "rb", buffering=0)  # nothing may be left in a buffer to fork
    while line := orders.readline():
        pid = os.fork()
        if not pid:
            _live(int(line), sys.argv[1:])
            os._exit(0)
        os.write(1, f"{pid}\n".encode())
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.write(1, b"ended\n")
        select.select([0], [], [])
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
