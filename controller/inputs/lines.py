"""GPIO lines as the Linux kernel gives them (uapi/linux/gpio.h, version 2: since 5.10), and what outlives us of them.

The kernel stamps each change of a line with CLOCK_MONOTONIC and a sequence number, and keeps up to ``KERNEL_CHANGES``
of them for whoever holds the line's file descriptor; when there are more, the oldest go, which the numbers tell. A
descriptor that somebody else holds as well (systemd's file-descriptor store) lives on when we die, with the changes.

What was read from the kernel and is not yet in the journal would die with us. So the kernel writes it right into
memory (``Notes``: a memfd, held by the same store) from which it goes only after the commit: ``taken``. Whoever comes
next finds it there, first what was read, then what the kernel kept.
"""

import contextlib
import errno
import fcntl
import mmap
import os
import select
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KERNEL_CHANGES = 1024
"""Changes of one line that the kernel keeps: the most that it takes (GPIO_V2_LINES_MAX * 16)."""
_NOTED_CHANGES = 2048
"""What is remembered of a line until it is in the journal."""
_LINES = 64

_EVENT = struct.Struct("=QIIII24x")  # struct gpio_v2_line_event: time (ns), id, offset, seqno, line_seqno
_REQUEST = struct.Struct("=256s32sQI20x240xII20xi")  # struct gpio_v2_line_request, of one line, without attributes
_VALUES = struct.Struct("=QQ")  # struct gpio_v2_line_values: bits, mask
_CHIP = struct.Struct("=32s32sI")  # struct gpiochip_info: name, label, lines
_HEAD = struct.Struct("=I")
_SLOT = _EVENT.size * (1 + _NOTED_CHANGES)  # the head takes an event's room

_GET_CHIP, _GET_LINE, _GET_VALUES = 0x8044B401, 0xC250B407, 0xC010B40E
_RISING = 1
_INPUT, _BOTH_EDGES = 1 << 2, 1 << 4 | 1 << 5
_BIAS = {"up": 1 << 8, "down": 1 << 9, "floating": 1 << 10}

HEADERS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""Labels of the chips behind a Raspberry Pi's header. Their numbers differ from kernel to kernel."""

Pull = Literal["up", "down", "floating"]


@dataclass(frozen=True, slots=True)
class Change:
    """A line is high or low since ``monotonic`` (s); ``lost`` changes before it are known to be gone."""

    high: bool
    monotonic: float
    lost: int


class Notes:
    """Memory that the next process finds again as long as somebody holds ``fd``: a place for each line."""

    NAME = "changes"

    def __init__(self, fd: int | None = None) -> None:
        """Make it, or find it again in this descriptor."""
        size = _LINES * _SLOT
        self.fresh = fd is None or os.fstat(fd).st_size != size
        if fd is None or self.fresh:
            fd = os.memfd_create("parking-changes", os.MFD_CLOEXEC)
            os.ftruncate(fd, size)
        self.fd = fd
        self._memory = mmap.mmap(fd, size)

    def of(self, gpio: int) -> memoryview:
        """Return the place of one line."""
        return memoryview(self._memory)[gpio * _SLOT : (gpio + 1) * _SLOT]


class Line:
    """One line, claimed as an input that tells of both edges. Used by one thread at a time, but for ``behind``."""

    def __init__(self, gpio: int, fd: int, notes: memoryview) -> None:
        self.gpio = gpio
        self.fd = fd
        self._notes = notes
        self._read_to = _EVENT.size
        self._told_to = _EVENT.size
        self._told = self._taken = _HEAD.unpack_from(notes)[0]
        """Sequence numbers: the last change that was told of, and the last that needs no telling any more."""
        os.set_blocking(fd, False)
        while self._read_to < _SLOT and _EVENT.unpack_from(notes, self._read_to)[0]:
            self._read_to += _EVENT.size

    @property
    def behind(self) -> bool:
        """Whether changes wait to be read: then the present level is not the one that comes next."""
        return self._told_to < self._read_to or bool(select_in(self.fd))

    def changes(self) -> list[Change]:
        """Return what changed since the last time; raises OSError when the chip is gone."""
        if self._told_to == _SLOT:
            # The journal has taken nothing for long. We go on from memory; if we die, what it had not is lost, and the
            # gap in the numbers tells how much.
            self._empty()
        if self._read_to < _SLOT:
            with contextlib.suppress(BlockingIOError):
                # Straight from the kernel into what outlives us: there is no moment at which only we know.
                self._read_to += os.readv(self.fd, [self._notes[self._read_to :]])
        found = []
        while self._told_to < self._read_to:
            time_ns, kind, _, _, number = _EVENT.unpack_from(self._notes, self._told_to)
            self._told_to += _EVENT.size
            new = (number - self._told) & 0xFFFFFFFF
            if 0 < new < 1 << 31:  # else it was taken, and its taker died before it could forget it
                found.append(Change(kind == _RISING, time_ns / 1e9, new - 1))
                self._told = number
        return found

    def taken(self, monotonic: float) -> None:
        """Forget the changes up to this one, which are safe elsewhere."""
        at = _EVENT.size
        while at < self._told_to:
            time_ns, _, _, _, number = _EVENT.unpack_from(self._notes, at)
            if time_ns / 1e9 > monotonic:
                break
            at += _EVENT.size
            self._taken = max(self._taken, number)
        _HEAD.pack_into(self._notes, 0, self._taken)
        if at == self._read_to and at > _EVENT.size:
            self._empty()

    def _empty(self) -> None:
        self._notes[_EVENT.size : self._read_to] = bytes(self._read_to - _EVENT.size)
        self._read_to = self._told_to = _EVENT.size

    def high(self) -> bool:
        """Return the present level; raises OSError when the chip is gone."""
        answer = fcntl.ioctl(self.fd, _GET_VALUES, _VALUES.pack(0, 1))
        return bool(_VALUES.unpack(answer)[0] & 1)

    def close(self) -> None:
        """Let our descriptor go."""
        os.close(self.fd)


def claim(chip: Path, gpio: int, pull: Pull, notes: Notes) -> Line:
    """Claim a line; raises OSError (EBUSY: somebody else has it)."""
    request = _REQUEST.pack(
        gpio.to_bytes(4, "little").ljust(256, b"\0"),
        b"parking",
        _INPUT | _BOTH_EDGES | _BIAS[pull],
        0,
        1,
        KERNEL_CHANGES,
        -1,
    )
    device = os.open(chip, os.O_RDWR | os.O_CLOEXEC)
    try:
        fd = _REQUEST.unpack(fcntl.ioctl(device, _GET_LINE, request))[-1]
    finally:
        os.close(device)
    place = notes.of(gpio)
    place[:] = bytes(_SLOT)
    return Line(gpio, fd, place)


def name(gpio: int, pull: Pull, chip: str | None) -> str:
    """Name a line's descriptor by all that it was claimed with; letters that systemd refuses are replaced."""
    place = "".join(c if c.isalnum() or c in "-_." else "_" for c in chip or "header")
    return f"gpio{gpio}-{pull}-{place}"[:200]


def adopted(gpio: int, fd: int, notes: Notes) -> Line | None:
    """Take over a line that another process claimed; None when its chip is gone."""
    line = Line(gpio, fd, notes.of(gpio))
    try:
        line.high()
    except OSError:
        line.close()
        return None
    return line


def find_chip(chip: str | None) -> Path:
    """Find a chip by its label (``pinctrl-rp1``) or name (``gpiochip0``), None: the header's; raises OSError."""
    found: dict[str, Path] = {}
    known: list[str] = []
    for path in sorted(Path("/dev").glob("gpiochip[0-9]*")):
        try:
            chip_name, label = _chip_info(path)
        except OSError as error:
            known.append(f"{path.name} ({error.strerror})")
            continue
        known.append(f"{chip_name} ({label})")
        found.setdefault(chip_name, path)
        found.setdefault(label, path)
    for wanted in HEADERS if chip is None else (chip,):
        if wanted in found:
            return found[wanted]
    what = "no GPIO chip of a Raspberry Pi's header" if chip is None else "no GPIO chip has this label"
    raise OSError(errno.ENODEV, f"{what}; here are: {', '.join(known) or 'none'}")


def _chip_info(path: Path) -> tuple[str, str]:
    device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        chip_name, label, _ = _CHIP.unpack(fcntl.ioctl(device, _GET_CHIP, bytes(_CHIP.size)))
    finally:
        os.close(device)
    return chip_name.rstrip(b"\0").decode("ascii", "replace"), label.rstrip(b"\0").decode("ascii", "replace")


def select_in(fd: int) -> bool:
    """Whether something can be read."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(mask & select.POLLIN for _, mask in poll.poll(0))
