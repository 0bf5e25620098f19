"""The machine's clocks: what a span took, what time it is for people; which run of it this is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def boot_id() -> str:
    """Return what names this run of the machine, while which the monotonic clock goes on; empty if nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The machine's clocks (s): durations run on the monotonic one, the wall clock is for people and for reboots."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    boot: str = field(default_factory=boot_id)
    """While this stays the same, so does the monotonic clock's zero; empty: nobody knows."""
