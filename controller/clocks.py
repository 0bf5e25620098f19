"""The clocks: what a span took, what time it is for people, which run of the machine this is, and how lot time passes.

Lot time passes as the monotonic clock does, but in a demo: there it may run many times as fast, and a simulator says
how (``Pace``). Its word is a small file, replaced as a whole about fifty times a second. It says, too, until when every
input has been handed over: no time-out may come before that, or a busy machine would tear traffic apart at high speed.
So lot time stands still when the simulator does.
"""

import contextlib
import ctypes
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from controller.domain.specs import Moment

ENVIRONMENT = "PARKING_CLOCK"
"""Names the file with the pace of lot time; not set: it passes as the monotonic clock does."""

POLL_S = 0.02
"""How often a pace that another process sets is looked at."""


def boot_id() -> str:
    """Return what names this run of the machine, while which the monotonic clock goes on; empty if nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""There once systemd-timesyncd has set the clock; it is what a Raspberry Pi runs, which has no clock of its own."""

_TIME_ERROR = 5
"""What adjtimex(2) returns while nobody keeps the clock right."""


def synchronised(timesyncd: Path = _TIMESYNCD) -> bool:
    """Whether the wall clock is known to be right: a Pi that boots without a network believes an hour long gone.

    Asked of Linux, or, where that is forbidden, of timesyncd's mark. Another system's clock is as good as it is.
    """
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError, TypeError):
        return True
    state: int = adjtimex(ctypes.create_string_buffer(512))  # struct timex is 208 bytes; modes = 0 changes nothing
    return state != _TIME_ERROR if state >= 0 else timesyncd.exists()


def moment(unix: float, zone: ZoneInfo) -> Moment:
    """Return what time of the week it is in this zone."""
    local = datetime.fromtimestamp(unix, zone)
    return Moment(local.weekday(), local.hour * 60 + local.minute)


def as_it_is(monotonic: float) -> float:
    """Return the very same moment."""
    return monotonic


@dataclass(frozen=True, slots=True)
class Clocks:
    """The machine's clocks (s): durations run on the monotonic one, the wall clock is for people and for reboots."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    boot: str = field(default_factory=boot_id)
    """While this stays the same, so does the monotonic clock's zero; empty: nobody knows."""
    lot: Callable[[float], float] = as_it_is
    """What lot time passes by: a moment of the monotonic clock, as seconds that grow as lot time does."""
    settled: Callable[[], float] = lambda: math.inf
    """The moment until which all inputs have been handed over; they carry their own time. Infinite: as they come."""
    patience_s: float = math.inf
    """Look at them at least this often."""
    synchronised: Callable[[], bool] = synchronised
    """Whether the wall clock is known to be right."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``since`` (monotonic clock, s) on, simulated time is ``at`` (s) and runs ``rate`` times as fast."""

    since: float
    at: float
    rate: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How simulated time passes: the present stretch and the one before."""

    epoch: float
    """Unix time at simulated time 0."""
    before: Stretch
    present: Stretch
    settled: float
    """Until this moment of the monotonic clock every input has been handed over."""

    def time_at(self, monotonic: float) -> float:
        """Return the simulated time (s) at a moment of the monotonic clock."""
        stretch = self.before if monotonic < self.present.since else self.present
        return stretch.at + (monotonic - stretch.since) * stretch.rate

    def moment_of(self, time_s: float) -> float:
        """Return when it is this simulated time, in the present stretch or at its ends."""
        now = self.present
        return now.since + (time_s - now.at) / now.rate if now.rate else now.since

    def write(self, path: Path) -> None:
        """Replace the file; raises OSError."""
        draft = path.with_suffix(".new")
        stretches = [[s.since, s.at, s.rate] for s in (self.before, self.present)]
        draft.write_text(json.dumps([self.epoch, *stretches, self.settled]), "ascii")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Pace":
        """Read the file; raises OSError, or ValueError when it is something else."""
        try:
            epoch, before, present, settled = json.loads(path.read_text("ascii"))
            return cls(float(epoch), Stretch(*map(float, before)), Stretch(*map(float, present)), float(settled))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a pace of time ({error}); the simulator writes one") from error


class _Paced:
    """The clocks of a process that follows the pace in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _identity(path)
        self._pace = Pace.read(path)
        self._settled = self._pace.settled

    def _look(self) -> Pace:
        """Return the newest pace; the last one when the simulator is gone, whose last word still stands."""
        with contextlib.suppress(OSError):
            if (now := _identity(self._path)) != self._file:
                self._pace, self._file = Pace.read(self._path), now
        return self._pace

    def lot(self, monotonic: float) -> float:
        return self._look().time_at(monotonic)

    def settled(self) -> float:
        self._settled = self._look().settled
        return self._settled

    def wall(self) -> float:
        """Return the wall clock's time at the moment that ``settled`` said last: the two are read together."""
        pace = self._look()
        return pace.epoch + pace.time_at(self._settled)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def paced(path: Path) -> Clocks:
    """Return clocks that follow the pace in this file; raises OSError or ValueError when it can't be read."""
    hands = _Paced(path)
    return Clocks(
        wall=hands.wall,
        boot="",
        lot=hands.lot,
        settled=hands.settled,
        patience_s=POLL_S,
        synchronised=lambda: True,  # what the simulator says is what time it is
    )


def of_this_process() -> Clocks:
    """Return the machine's clocks, or those that the environment names; raises OSError or ValueError."""
    path = os.environ.get(ENVIRONMENT)
    return paced(Path(path)) if path else Clocks()
