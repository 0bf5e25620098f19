"""Detectors on GPIO lines -> levels in the inbox, through gpiozero's pin factories (mock ones off the Pi).

- Levels, not edges: ``reread`` puts the present level of every pin, so that an edge which was lost is repaired within a
  second. How many were lost is put, too, where the factory knows (``ChangesMissed``).
- An edge carries the kernel's own time (CLOCK_MONOTONIC), so order survives a busy machine.
- No debouncing here: ``bounce_time`` drops edges on one factory, means "stable for" on another and nothing on a third.
- A callback does nothing but build a frozen level and put it, and lets no exception out: that would end lgpio's thread.
"""

import contextlib
import importlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

from gpiozero.exc import PinFixedPull, PinInvalidPin, PinUnknownPi
from gpiozero.pins import Factory
from gpiozero.pins.mock import MockFactory

from controller.site import PinInput

log = logging.getLogger(__name__)

_OLDEST_EDGE_S = 60.0
"""An edge older than this was not stamped by the clock that we read (kernels before 5.7 used the wall clock)."""

_PULLS = {"up": "up", "down": "down", "none": "floating"}


class GpioError(OSError):
    """A GPIO chip or line that can't be used: which one, its value, and the mend."""


@dataclass(frozen=True, slots=True)
class PinLevel:
    """A detector has this level since ``monotonic`` (the machine's monotonic clock, s)."""

    detector: str
    occupied: bool
    monotonic: float
    taken: Callable[[], None] | None = field(default=None, compare=False)
    """To be called when it is in the journal; from then on nothing else remembers it."""


@dataclass(frozen=True, slots=True)
class ChangesMissed:
    """So many changes of a detector, before this moment, are gone: more came than the kernel keeps."""

    detector: str
    changes: int
    monotonic: float


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Since this moment a detector's pin can't be read; its next level says that it can."""

    detector: str
    monotonic: float


PinNews = ChangesMissed | Unreadable

Keep = Callable[[str, int], None]
"""Hands a descriptor, under a name, to somebody who outlives us; a negative one: no longer needed."""


def open_factory(
    kind: Literal["auto", "kernel", "lgpio", "mock"],
    chip: str | None,
    *,
    kept: Mapping[str, int] | None = None,
    keep: Keep = lambda _name, _fd: None,
) -> Factory:
    """Open the pin factory; ``chip`` is the label or name of a GPIO chip, None: the Pi's header. Raises GpioError.

    ``kept`` and ``keep``: see ``KernelFactory``.
    """
    if kind == "auto":
        if not _on_raspberry_pi():
            log.warning("gpio: this is no Raspberry Pi, so the pins are mock: nothing on a wire is counted")
            return MockFactory()
        kind = "kernel"
    if kind == "mock":
        return MockFactory()
    return _open_lgpio(chip) if kind == "lgpio" else _open_kernel(chip, kept or {}, keep)


class GpioInputs:
    """The pins of a site, claimed on construction; every change is put as a ``PinLevel`` from the factory's thread."""

    errors: int
    """Callbacks that failed."""

    def __init__(
        self,
        pins: Sequence[PinInput],
        *,
        factory: Factory,
        put: Callable[[PinLevel], None],
        tell: Callable[[PinNews], None] = lambda _: None,
    ) -> None:
        self.errors = 0
        self.missed = 0
        """Changes that came faster than anybody took them."""
        self._put = put
        self._tell = tell
        self._factory = factory
        self._unreadable: tuple[str, ...] = ()
        # An edge that comes while a level is being read is put after it, never before: the newest level stays the last.
        self._lock = getattr(factory, "lock", None) or threading.RLock()
        self._lines: list[_Line] = []
        try:
            for pin in pins:
                self._lines.append(_Line(pin, factory, self))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reread(self) -> tuple[str, ...]:
        """Put the present level of every pin; return the detectors whose pin could not be read."""
        unreadable = tuple(line.detector for line in self._lines if not self._reread(line))
        if unreadable != self._unreadable:
            for detector in unreadable:
                if detector not in self._unreadable:
                    self._tell(Unreadable(detector, time.monotonic()))
            self._unreadable = unreadable
            if unreadable:
                log.error(
                    "gpio: can't read %s: check the GPIO chip and the rights on /dev/gpiochip*", ", ".join(unreadable)
                )
            else:
                log.info("gpio: all pins can be read again")
        return unreadable

    def close(self) -> None:
        """Give the pins back; more than once is harmless. The factory belongs to whoever opened it."""
        lines, self._lines = self._lines, []
        for line in lines:
            with contextlib.suppress(Exception):  # a chip that vanished can't be given back
                line.close()

    def _reread(self, line: "_Line") -> bool:
        with self._lock:
            if line.behind:
                return True  # what comes next is older than the present level, and on its way
            now = time.monotonic()
            try:
                occupied = line.occupied
            except Exception:  # lgpio.error is no OSError, and lgpio can't be imported everywhere to name it
                log.debug("gpio: can't read %s", line.detector, exc_info=True)
                return False
            self._put(PinLevel(line.detector, occupied, now))
        return True

    def goes_on(self) -> bool:
        """Whether changes are still taken from the lines, as far as the factory can tell."""
        return bool(getattr(self._factory, "goes_on", lambda: True)())

    @property
    def adopted(self) -> frozenset[str]:
        """The detectors whose changes were kept while no process was there; those come first of all."""
        return frozenset(line.detector for line in self._lines if line.adopted)

    def changed(self, line: "_Line", occupied: bool, ticks: float) -> None:  # noqa: FBT001  a level is what it is about
        """Put a level; from the factory's thread."""
        try:
            with self._lock:
                now = time.monotonic()
                known = line.taken is not None or 0 <= now - ticks < _OLDEST_EDGE_S
                taken = None if line.taken is None else partial(line.taken, ticks)
                self._put(PinLevel(line.detector, occupied, ticks if known else now, taken))
        except Exception:  # one let out would end the factory's only thread
            self.errors += 1
            if self.errors == 1:
                log.exception("gpio: an edge of %s was lost", line.detector)

    def lost(self, line: "_Line", changes: int, ticks: float) -> None:
        """Put that changes are gone; from the factory's thread."""
        try:
            self.missed += changes
            log.error("gpio: %d changes of %s were lost: more came than the kernel keeps", changes, line.detector)
            self._tell(ChangesMissed(line.detector, changes, ticks))
        except Exception:
            self.errors += 1
            log.exception("gpio: that changes of %s were lost could not be said", line.detector)


class _Line:
    """One claimed line. gpiozero keeps only a weak reference to its callback; this object keeps it alive."""

    def __init__(self, spec: PinInput, factory: Factory, inputs: GpioInputs) -> None:
        self.detector = spec.detector
        self._active_high = spec.active == "high"
        self._inputs = inputs
        try:
            self._pin = factory.pin(spec.gpio)
            # Only the kernel's own pins (``kernel_pins``) know of losses, and remember until the journal does.
            self._pin.when_lost = self._lost
            self.taken: Callable[[float], None] | None = getattr(self._pin, "taken", None)
            self._pin.function = "input"
            self._pin.pull = _PULLS[spec.pull]
            self._pin.edges = "both"
            self._pin.when_changed = self._changed
        except PinFixedPull as error:
            raise GpioError(
                f'{_named(spec)} has a soldered pull-up resistor: write pull = "up", or take another'
            ) from error
        except PinInvalidPin as error:
            raise GpioError(f"{_named(spec)} is not on this board's header: choose another") from error
        except PinUnknownPi as error:
            raise GpioError(f'{_named(spec)}: this is no Raspberry Pi; write pin_factory = "mock" in [gpio]') from error
        except Exception as error:  # lgpio.error is no OSError, and lgpio can't be imported everywhere to name it
            raise GpioError(f"{_named(spec)}: {error}; see `gpioinfo` for who uses it, and end that") from error

    @property
    def occupied(self) -> bool:
        return bool(self._pin.state) == self._active_high

    @property
    def behind(self) -> bool:
        """Whether changes wait to be told."""
        return bool(getattr(self._pin, "behind", False))

    @property
    def adopted(self) -> bool:
        return bool(getattr(self._pin, "adopted", False))

    def close(self) -> None:
        self._pin.when_changed = None
        self._pin.close()

    def _changed(self, ticks: float, state: int) -> None:
        self._inputs.changed(self, bool(state) == self._active_high, ticks)

    def _lost(self, changes: int, ticks: float) -> None:
        self._inputs.lost(self, changes, ticks)


def _named(spec: PinInput) -> str:
    return f"detector {spec.detector}: gpio = {spec.gpio}"


def _on_raspberry_pi() -> bool:
    for path in ("/proc/device-tree/model", "/proc/cpuinfo"):
        try:
            if "Raspberry Pi" in Path(path).read_text("utf-8", errors="replace"):
                return True
        except OSError:
            continue
    return False


def _open_kernel(chip: str | None, kept: Mapping[str, int], keep: Keep) -> Factory:
    try:
        factory: Factory = importlib.import_module("controller.inputs.kernel_pins").KernelFactory(chip, kept, keep)
    except ImportError as error:  # fcntl is Unix's, epoll Linux's
        raise GpioError(f'pin_factory = "kernel": {error}; write pin_factory = "mock" in [gpio]') from error
    except OSError as error:
        mend = "check that /dev/gpiochip* exists and that this user is in the group gpio"
        raise GpioError(f'pin_factory = "kernel", [gpio] chip = {chip!r}: {error.strerror}; {mend}') from error
    return factory


def _open_lgpio(chip: str | None) -> Factory:
    try:
        lgpio = _import_lgpio()
        # Imported late: it imports lgpio, which is Linux's alone.
        factory_class = importlib.import_module("gpiozero.pins.lgpio").LGPIOFactory
    except (ImportError, OSError) as error:
        mend = 'install the "pi" extra (lgpio), or write pin_factory = "mock" in [gpio]'
        raise GpioError(f'pin_factory = "lgpio": {error}; {mend}') from error
    try:
        find = importlib.import_module("controller.inputs.lines").find_chip
        number = None if chip is None else int(find(chip).name.removeprefix("gpiochip"))
    except OSError as error:
        raise GpioError(f"[gpio] chip = {chip!r}: {error.strerror}") from error
    try:
        return factory_class(chip=number)
    except PinUnknownPi as error:
        raise GpioError(
            'pin_factory = "lgpio": this is no Raspberry Pi; write pin_factory = "mock" in [gpio]'
        ) from error
    except lgpio.error as error:
        mend = "check that /dev/gpiochip* exists and that this user is in the group gpio"
        raise GpioError(f'pin_factory = "lgpio", chip = {chip!r}: {error}; {mend}') from error


def _import_lgpio() -> Any:
    """Import lgpio where its litter does no harm: it makes a FIFO in the working directory (or $LG_WD) and opens it."""
    with tempfile.TemporaryDirectory(prefix="lgpio-") as scratch, contextlib.chdir(os.environ.get("LG_WD", scratch)):
        return importlib.import_module("lgpio")
