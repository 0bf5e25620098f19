"""What `inside` and `wired` share: how systemd sees the units, and trying one promise after the other."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

COUNT, SIGN, WEB = UNITS = ("parking-count.service", "parking-sign.service", "parking-web.service")
RUN = Path("/run/parking-controller")
VERSIONS = Path("/opt/parking-controller")
DEADLOCK, STUCK_THREAD = signal.SIGRTMIN + 1, signal.SIGRTMIN + 2
"""What saboteur.py, which was put beside the installed product, answers to."""

LOOK_EVERY_S = float(os.environ.get("LOOK_EVERY_S", "0.02"))

Promise = tuple[str, Callable[[], str | None]]


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def show(unit: str, what: str) -> str:
    return run("systemctl", "show", "--value", f"--property={what}", unit)


def since(unit: str, what: str) -> float:
    """A moment of a unit's life (s, CLOCK_MONOTONIC)."""
    return int(show(unit, f"{what}TimestampMonotonic") or 0) / 1e6


def pid(unit: str) -> int:
    return int(show(unit, "MainPID"))


def runs(unit: str) -> bool:
    return show(unit, "SubState") == "running"


def ready() -> bool:
    return all(runs(unit) for unit in UNITS)


def log_of(unit: str) -> str:
    return run("journalctl", "--no-pager", "--boot", "--output=cat", f"--unit={unit}")


def watchdog_ends(unit: str) -> int:
    """How often the watchdog ended it."""
    return log_of(unit).count("Watchdog timeout")


def within(seconds: float, condition: Callable[[], object], what: str = "") -> float:
    """Wait for a condition; return how long it took (s)."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"{what or 'it came'}: not within {seconds} s")
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - began


def replaced(unit: str, before: int, limit_s: float) -> float:
    """Wait for another process in place of this one; return how long that took (s)."""
    return within(limit_s, lambda: pid(unit) not in {0, before} and runs(unit), f"{unit} has another process")


def never_gives_up(times: int) -> Callable[[], str]:
    """Kill each service as soon as there is one, faster than systemd's usual limit (5 starts in 10 s) allows."""

    def check() -> str:
        said = ", ".join(f"5 of {unit.split('.')[0]} in {5 * _killed(unit, times) / times:.1f} s" for unit in UNITS)
        within(120, ready, "all three run")
        return f"each {times} times killed, {times} times back ({said})"

    return check


def _killed(unit: str, times: int) -> float:
    before, began = int(show(unit, "NRestarts")), time.monotonic()
    for number in range(times):
        within(30, lambda: pid(unit) != 0, f"{unit} is started")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid(unit), signal.SIGKILL)
        done = before + number + 1
        within(30, lambda done=done: int(show(unit, "NRestarts")) >= done, f"{unit} is started again")  # type: ignore[misc]
    return time.monotonic() - began


def keep(promises: Sequence[Promise]) -> bool:
    """Try them all; print a line for each, and what the units said last when one was broken."""
    failed = 0
    promises = [p for number, p in enumerate(promises) if number == 0 or re.search(os.environ.get("ONLY", ""), p[0])]
    for text, check in promises:
        began = time.monotonic()
        try:
            told = check()
        except Exception as error:  # noqa: BLE001  the next one is to be tried, too
            failed += 1
            print(f"  FAILED  {text}: {error!r}", flush=True)
            print(
                run("journalctl", "--no-pager", "--boot", "--output=short-monotonic", "--unit=parking-*", "--lines=80"),
                flush=True,
            )
            if not ready():
                break  # nothing can be tried on services that don't run
        else:
            print(f"  good    {text}{f': {told}' if told else ''} [{time.monotonic() - began:.0f} s]", flush=True)
    print(f"  {len(promises) - failed} of {len(promises)} promises kept", flush=True)
    return not failed
