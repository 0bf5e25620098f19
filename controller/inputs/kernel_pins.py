"""gpiozero's pins on the kernel's own lines (``lines``): their changes survive us, and losses are noticed.

A factory like gpiozero's LGPIOFactory, with what a car park needs and lgpio does not give: the kernel's sequence
numbers, buffers of 1,024 changes instead of 16, and file descriptors that can be handed on. Inputs only.
"""

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from gpiozero.exc import PinFixedPull, PinInvalidEdges, PinInvalidFunction
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

from controller.inputs import lines
from controller.inputs.gpio import Keep
from controller.inputs.lines import Change, Line, Notes

log = logging.getLogger(__name__)


TURN_S = 1.0
STUCK_S = 5.0
"""A thread that has not turned for so long is stuck."""


class KernelFactory(LocalPiFactory):  # type: ignore[misc]  # gpiozero ships no types
    """Pins of one GPIO chip.

    ``kept``: descriptors that outlived the process before, by name. ``keep`` sees to it that ours do.
    """

    def __init__(self, chip: str | None, kept: Mapping[str, int], keep: Keep) -> None:
        super().__init__()
        self.pin_class = KernelPin
        self.chip = chip
        self._kept = dict(kept)
        self._keep = keep
        self._notes = Notes(self._kept.pop(Notes.NAME, None))
        if self._notes.fresh:
            self.drop_rest()
            keep(Notes.NAME, self._notes.fd)
        lines.find_chip(chip)
        self.lock = threading.RLock()
        self._watched: dict[int, KernelPin] = {}
        self._poll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll.register(self._wake, select.EPOLLIN)
        self._closing = False
        self._thread: threading.Thread | None = None
        self._turned_at = 0.0

    def goes_on(self) -> bool:
        """Whether the thread that tells of changes turns."""
        return self._thread is None or time.monotonic() - self._turned_at < STUCK_S

    def close(self) -> None:
        """Give the lines back; who keeps their descriptors keeps the changes to come."""
        super().close()
        if self._closing:
            return
        self._closing = True
        os.eventfd_write(self._wake, 1)
        if self._thread is not None:
            self._thread.join()
        self._poll.close()
        os.close(self._wake)

    def drop_rest(self) -> None:
        """Let go what the process before left, and nobody claimed: a line of another site file."""
        self._drop([*self._kept])

    def claim(self, gpio: int, pull: Any) -> tuple[Line, bool]:
        """Take over the line as the process before us left it, or claim it anew; say which. Raises OSError."""
        name = lines.name(gpio, pull, self.chip)
        if name in self._kept:
            line = lines.adopted(gpio, self._kept.pop(name), self._notes)
            if line is not None:
                return line, True
        # Set up in another way, it would keep the line from us.
        self._drop([n for n in self._kept if n.startswith(f"gpio{gpio}-")])
        line = lines.claim(lines.find_chip(self.chip), gpio, pull, self._notes)
        self._keep(name, line.fd)
        return line, False

    def watch(self, pin: "KernelPin", fd: int) -> None:
        """Tell the pin of the line's changes from now on."""
        with self.lock:
            self._watched[fd] = pin
            self._poll.register(fd, select.EPOLLIN)
            if self._thread is None:
                self._turned_at = time.monotonic()
                self._thread = threading.Thread(target=self._run, name="gpio", daemon=True)
                self._thread.start()

    def unwatch(self, fd: int) -> None:
        """Tell no more."""
        with self.lock, contextlib.suppress(OSError):
            self._watched.pop(fd, None)
            self._poll.unregister(fd)

    def forget(self, gpio: int, pull: Any) -> None:
        """Say that this line's descriptor is of no use any more."""
        self._keep(lines.name(gpio, pull, self.chip), -1)

    def _run(self) -> None:
        while not self._closing:
            self._turned_at = time.monotonic()
            for fd, _ in self._poll.poll(TURN_S):
                with self.lock:
                    pin = self._watched.get(fd)
                    if pin is not None:
                        pin.tell()

    def _drop(self, names: list[str]) -> None:
        for name in names:
            os.close(self._kept.pop(name))
            self._keep(name, -1)


class KernelPin(LocalPiPin):  # type: ignore[misc]  # gpiozero ships no types
    """One input. Beyond gpiozero's: ``when_lost`` hears how many changes are gone, ``taken`` forgets, ``behind``."""

    def __init__(self, factory: KernelFactory, info: Any) -> None:
        super().__init__(factory, info)
        self._pull: Any = "floating"
        self._line: Line | None = None
        self._watching = False
        self.when_lost: Callable[[int, float], None] | None = None
        self.adopted = False
        """The line was taken over, with all that changed while nobody was there."""

    @property
    def behind(self) -> bool:
        """Whether changes wait to be told: the present level is not the next."""
        with self.factory.lock:
            return self._line is not None and self._line.behind

    def taken(self, monotonic: float) -> None:
        """Forget the changes up to this moment: they are in the journal."""
        with self.factory.lock:
            if self._line is not None:
                self._line.taken(monotonic)

    def tell(self) -> None:
        """Call back for each change that waits."""
        line = self._line
        if line is None:
            return
        try:
            changes = line.changes()
        except OSError as error:
            log.debug("%r: %s", self, error)
            self._let_go(forget=True)
            return
        for change in changes:
            self._tell(change)

    def close(self) -> None:
        """Give the line back."""
        with self.factory.lock:
            self._let_go()

    def _tell(self, change: Change) -> None:
        if change.lost and self.when_lost is not None:
            self.when_lost(change.lost, change.monotonic)
        self._call_when_changed(change.monotonic, int(change.high))

    def _opened(self) -> Line:
        if self._line is None:
            self._line, self.adopted = self.factory.claim(self._number, self._pull)
            if self._watching:
                self._watch(self._line)
        return self._line

    def _watch(self, line: Line) -> None:
        while line.behind:
            self.tell()  # what waited comes before anything else does
        self.factory.watch(self, line.fd)

    def _let_go(self, *, forget: bool = False) -> None:
        if self._line is not None:
            if forget:
                self.factory.forget(self._number, self._pull)
            self.factory.unwatch(self._line.fd)
            self._line.close()
            self._line = None

    def _get_state(self) -> int:
        with self.factory.lock:
            try:
                return int(self._opened().high())
            except OSError:
                self._let_go(forget=True)  # the chip may come back, under another number even: claim the line anew
                raise

    def _get_function(self) -> str:
        return "input"

    def _set_function(self, value: str) -> None:
        if value != "input":
            raise PinInvalidFunction(f'invalid function "{value}" for pin {self!r}: these are inputs')

    def _get_pull(self) -> str:
        return str(self._pull)

    def _set_pull(self, value: str) -> None:
        if self.info.pull not in {value, ""}:
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")
        with self.factory.lock:
            if value != self._pull:
                self._let_go(forget=True)
                self._pull = value

    def _get_edges(self) -> str:
        return "both"

    def _set_edges(self, value: str) -> None:
        if value != "both":
            raise PinInvalidEdges(f'invalid edges "{value}" for pin {self!r}: always both')

    def _enable_event_detect(self) -> None:
        with self.factory.lock:
            self._watching = True
            line = self._line
            if line is None:
                self._opened()
            else:
                self._watch(line)

    def _disable_event_detect(self) -> None:
        with self.factory.lock:
            self._watching = False
            if self._line is not None:
                self.factory.unwatch(self._line.fd)
