"""Detectors on GPIO lines -> levels in the inbox, through gpiozero's pin factories (lgpio on a Pi, mock elsewhere).

- Levels, not edges: ``reread`` puts the present level of every pin, so that an edge which the kernel dropped (it keeps
  16 a line) is repaired within a second.
- An edge carries the kernel's own time (lgpio's ticks are CLOCK_MONOTONIC), so order survives a busy machine.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


def open_factory(kind: Literal["auto", "lgpio", "mock"], chip: str | None) -> Factory:
    """Open the pin factory; ``chip`` is the label or name of a GPIO chip, None: the Pi's header. Raises GpioError."""
    if kind == "auto":
        if not _on_raspberry_pi():
            log.warning("gpio: this is no Raspberry Pi, so the pins are mock: nothing on a wire is counted")
            return MockFactory()
        kind = "lgpio"
    return MockFactory() if kind == "mock" else _open_lgpio(chip)


class GpioInputs:
    """The pins of a site, claimed on construction; every change is put as a ``PinLevel`` from the factory's thread."""

    errors: int
    """Callbacks that failed."""

    def __init__(self, pins: Sequence[PinInput], *, factory: Factory, put: Callable[[PinLevel], None]) -> None:
        self.errors = 0
        self._put = put
        self._unreadable: tuple[str, ...] = ()
        # An edge that comes while a level is being read is put after it, never before: the newest level stays the last.
        self._lock = threading.Lock()
        self._lines: list[_Line] = []
        try:
            for pin in pins:
                self._lines.append(_Line(pin, factory, self._changed))
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
            now = time.monotonic()
            try:
                occupied = line.occupied
            except Exception:  # lgpio.error is no OSError, and lgpio can't be imported everywhere to name it
                log.debug("gpio: can't read %s", line.detector, exc_info=True)
                return False
            self._put(PinLevel(line.detector, occupied, now))
        return True

    def _changed(self, detector: str, occupied: bool, ticks: float) -> None:  # noqa: FBT001  a level is what it is about
        try:
            with self._lock:
                now = time.monotonic()
                self._put(PinLevel(detector, occupied, ticks if 0 <= now - ticks < _OLDEST_EDGE_S else now))
        except Exception:  # one let out would end the factory's only thread
            self.errors += 1
            if self.errors == 1:
                log.exception("gpio: an edge of %s was lost", detector)


class _Line:
    """One claimed line. gpiozero keeps only a weak reference to its callback; this object keeps it alive."""

    def __init__(self, spec: PinInput, factory: Factory, changed: Callable[[str, bool, float], None]) -> None:
        self.detector = spec.detector
        self._active_high = spec.active == "high"
        self._report = changed
        try:
            self._pin = factory.pin(spec.gpio)
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

    def close(self) -> None:
        self._pin.when_changed = None
        self._pin.close()

    def _changed(self, ticks: float, state: int) -> None:
        self._report(self.detector, bool(state) == self._active_high, ticks)


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


def _open_lgpio(chip: str | None) -> Factory:
    try:
        lgpio = _import_lgpio()
        # Imported late: it imports lgpio, which is Linux's alone.
        factory_class = importlib.import_module("gpiozero.pins.lgpio").LGPIOFactory
    except (ImportError, OSError) as error:
        mend = 'install the "pi" extra (lgpio), or write pin_factory = "mock" in [gpio]'
        raise GpioError(f'pin_factory = "lgpio": {error}; {mend}') from error
    number = None if chip is None else _chip_number(lgpio, chip)
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


def _chip_number(lgpio: Any, chip: str) -> int:
    """Find a chip by its label (``pinctrl-rp1``) or name (``gpiochip0``): numbers moved on the Pi 5."""
    found: list[str] = []
    for path in sorted(Path("/dev").glob("gpiochip[0-9]*")):
        number = int(path.name.removeprefix("gpiochip"))
        try:
            handle = lgpio.gpiochip_open(number)
            _, _, name, label = lgpio.gpio_get_chip_info(handle)
            lgpio.gpiochip_close(handle)
        except lgpio.error as error:
            found.append(f"{path.name} ({error})")
            continue
        if chip in {name, label}:
            return number
        found.append(f"{name} ({label})")
    raise GpioError(f"[gpio] chip = {chip!r}: no GPIO chip has this label; here are: {', '.join(found) or 'none'}")
