"""The three processes as children of one: for a laptop, or a small site without systemd.

Each child is restarted when it ends, after a pause that grows while it keeps ending soon. Exit code 2 (a bad site file,
a wrong option) would only come again, so it ends everything. Stopping closes each child's standard input (see
``lifeline``) and, where the system has it, sends SIGTERM; who is still there 1.5 s later is killed.

Children have a process group of their own, so that Ctrl-C reaches the parent alone and ends them in one way only.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from controller.lifeline import ENVIRONMENT

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
ALIVE_S = 10.0
"""A child that lived for this long starts afresh with the first pause."""
GRACE_S = 1.5
"""How long a child may take to end before it is killed."""
LOOK_S = 0.05
BAD_USAGE = 2

Output = Callable[[str, str], None]
"""Takes a child's name and one line that it wrote; called from that child's own thread."""


@dataclass(frozen=True, slots=True)
class Child:
    """A program to keep running."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment."""


def to_stderr(name: str, line: str) -> None:
    """Print a child's line with its name before it."""
    sys.stderr.write(f"{name:<5} | {line}\n")
    sys.stderr.flush()


class Supervisor:
    """Keeps children running; used from one thread, but for ``switch`` and ``end``."""

    def __init__(self, children: Sequence[Child], *, output: Output = to_stderr) -> None:
        self._running = [_Running(child, output) for child in children]
        self._off: frozenset[str] = frozenset()
        self._ended = False

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the children that run now."""
        return {r.child.name: r.process.pid for r in self._running if r.process is not None}

    def switch(self, name: str, *, on: bool) -> None:
        """Take a child's power away at once, as a mains failure would, or give it back. From any thread."""
        self._off = self._off - {name} if on else self._off | {name}

    def end(self) -> None:
        """Let ``run_until`` return. From any thread."""
        self._ended = True

    def start(self) -> None:
        """Start every child."""
        for running in self._running:
            running.start()

    def run_until(self, stop: threading.Event) -> int:
        """Restart children until ``stop`` is set, or ``end`` called; return 0, or 2 when a child's usage is wrong."""
        while not self._ended and not stop.wait(LOOK_S):
            for running in self._running:
                if running.child.name in self._off:
                    running.cut_off()
                elif running.look(time.monotonic()) == BAD_USAGE:
                    log.error("%s cannot run like this (exit code 2); ending", running.child.name)
                    return BAD_USAGE
        return 0

    def stop(self) -> None:
        """End every child within about 1.5 s; nothing is left when this returns."""
        for running in self._running:
            running.ask_to_end()
        deadline = time.monotonic() + GRACE_S
        for running in self._running:
            running.end_by(deadline)


class _Running:
    """One child, its process and when it is started again."""

    def __init__(self, child: Child, output: Output) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self._output = output
        self._reader: threading.Thread | None = None
        self._pause_s = FIRST_PAUSE_S
        self._started_at = 0.0
        self._restart_at = 0.0

    def start(self) -> None:
        own_group: dict[str, Any] = {"process_group": 0}
        if sys.platform == "win32":
            own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603  our own programs
            self.child.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "PYTHONIOENCODING": "utf-8",
                **self.child.env,
                ENVIRONMENT: "1",
            },
            **own_group,
        )
        log.debug("%s: started as process %d", self.child.name, self.process.pid)
        self._reader = threading.Thread(
            target=self._pass_on, args=(self.process.stdout,), name=f"{self.child.name} output", daemon=True
        )
        self._reader.start()

    def look(self, now: float) -> int | None:
        """Notice the child's end, or that its pause is over and start it; return the exit code it just ended with."""
        if self.process is None:
            if now >= self._restart_at:
                self.start()
            return None
        code = self.process.poll()
        if code is None:
            return None
        self._reap()
        if now - self._started_at >= ALIVE_S:
            self._pause_s = FIRST_PAUSE_S
        if code != BAD_USAGE:
            log.warning("%s ended (%s); starting it again in %.1f s", self.child.name, _how(code), self._pause_s)
        self._restart_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return code

    def cut_off(self) -> None:
        """Kill the child if it runs; ``look`` starts it again at once."""
        if self.process is None:
            return
        log.debug("%s: switched off", self.child.name)
        self.process.kill()
        self.process.wait()
        self._reap()
        self._restart_at, self._pause_s = 0.0, FIRST_PAUSE_S

    def ask_to_end(self) -> None:
        if self.process is None:
            return
        self._close_input(self.process)
        if sys.platform != "win32":
            self.process.terminate()

    def end_by(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s did not end in time; killed", self.child.name)
            self.process.kill()
            self.process.wait()
        self._reap()

    def _reap(self) -> None:
        """Let go of a process that has ended."""
        if self.process is None or self._reader is None:
            return
        self._close_input(self.process)
        # A grandchild may hold the pipe open: its reader is then left behind as a daemon.
        self._reader.join(timeout=0.2)
        self.process = None

    @staticmethod
    def _close_input(process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _pass_on(self, lines: IO[bytes]) -> None:
        with lines:
            for line in lines:
                self._output(self.child.name, line.decode("utf-8", "replace").rstrip())


def _how(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        return f"signal {signal.Signals(-code).name}" if -code in set(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"


def program(*arguments: str | Path) -> tuple[str, ...]:
    """Return the command line of our own program with these arguments."""
    return (sys.executable, "-m", "controller", *map(str, arguments))


def product(
    site: Path, state_dir: Path, run_dir: Path, *, web: str = "web", count_env: Mapping[str, str] | None = None
) -> tuple[Child, ...]:
    """Return the processes of a site, count first; ``web`` is the command that serves its pages."""
    folders = ("--state-dir", state_dir, "--run-dir", run_dir)
    return (
        Child("count", program("count", site, *folders), count_env or {}),
        Child("sign", program("sign", "run", site, *folders)),
        Child("web", program(web, site, *folders)),
    )


def stop_on_signals(stop: threading.Event) -> None:
    """Let Ctrl-C and SIGTERM (a closed terminal too) set the event; twice is the same as once."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, lambda *_: stop.set())


def supervise(children: Sequence[Child]) -> int:
    """Run children until Ctrl-C or SIGTERM; return the exit code: 0 when asked to end, 2 when one's usage is wrong."""
    stop = threading.Event()
    stop_on_signals(stop)
    supervisor = Supervisor(children)
    try:
        supervisor.start()
        return supervisor.run_until(stop)
    finally:
        supervisor.stop()
