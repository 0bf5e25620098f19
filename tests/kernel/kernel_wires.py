"""The far end of the guest's wires: levels on the simulated GPIO lines, and what came over the SPI bus."""

import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "sign"))

from sign_chips import Chain, seen, wall

from controller.domain.report import Message, MessageKind, Reason
from controller.sign.layout import render

CONFIG = Path("/sys/kernel/config/gpio-sim/pi")
TAPE = Path("/sys/kernel/debug/spi-tape")
_MARK = struct.Struct("=QII")

_WORDS = {
    "full": Message(MessageKind.FULL, "brak wolnych miejsc", None, Reason.COUNTED),
    **{str(n): Message(MessageKind.NUMBER, str(n), n, Reason.COUNTED) for n in range(41)},
}
PICTURES = {render(message, 64, 16).tobytes(): word for word, message in _WORDS.items()} | {bytes(64 * 16 // 8): "dark"}
"""Pixels -> what a driver reads in them."""


def _pull(gpio: int) -> Path:
    device = (CONFIG / "dev_name").read_text().strip()
    chip = (CONFIG / "bank0" / "chip_name").read_text().strip()
    return Path(f"/sys/devices/platform/{device}/{chip}/sim_gpio{gpio}/pull")


class Wires:
    """Moves lines as a detector's contact does."""

    def __init__(self) -> None:
        self._pulls: dict[int, Path] = {}

    def set(self, gpio: int, high: bool) -> None:  # noqa: FBT001  as MockPinClient's
        pull = self._pulls.setdefault(gpio, _pull(gpio))
        pull.write_text("pull-up" if high else "pull-down")

    def unplug(self) -> None:
        """Let the whole chip vanish."""
        (CONFIG / "live").write_text("0")

    def plug(self) -> None:
        (CONFIG / "live").write_text("1")
        self._pulls.clear()


@dataclass(frozen=True)
class Transfer:
    at: float
    speed_hz: int
    data: bytes


class Tape:
    """What came over the bus since it was rewound; each transfer is told once."""

    def __init__(self) -> None:
        self._at = 0

    def rewind(self) -> None:
        (TAPE / "rewind").write_text("1")
        self._at = 0

    def transfers(self) -> Iterator[Transfer]:
        """Yield what is new."""
        with (TAPE / "tape").open("rb") as file:
            file.seek(self._at)
            tape = file.read()
        at = 0
        while at < len(tape):
            time_ns, speed_hz, length = _MARK.unpack_from(tape, at)
            at += _MARK.size
            yield Transfer(time_ns / 1e9, speed_hz, tape[at : at + length])
            at += length
        self._at += at


class Panel:
    """The modules at the end of the bus: the register model, fed with the tape."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._tape = Tape()
        self.rewind()

    def rewind(self) -> None:
        """Forget what was; the chips are as running ones are left behind, until they are told otherwise."""
        self._tape.rewind()
        self._chain = Chain(self._size[0] * self._size[1] // 64)
        self._chain.ever_lit = None
        self._hung = wall(*self._size, "top-left", "rows", (0, 0), mirrored=False)
        self._registers: list[tuple[int, ...]] = []
        self._history: list[tuple[float, bytes]] = []
        self.speeds: set[int] = set()
        """Of the bus (Hz)."""

    def history(self) -> list[tuple[float, bytes]]:
        """Return each picture that was lit, with the time of the transfer that completed it."""
        for transfer in self._tape.transfers():
            self.speeds.add(transfer.speed_hz)
            self._chain.data(list(transfer.data))
            registers = [tuple(chip.registers.values()) for chip in self._chain.chips]
            if registers == self._registers:
                continue  # said again, as it is every second
            self._registers = registers
            now = seen(self._chain, self._hung, *self._size).tobytes()
            if not self._history or now != self._history[-1][1]:
                self._history.append((transfer.at, now))
        return self._history

    def reads(self) -> str:
        """Read what is lit now as a driver would."""
        history = self.history()
        return PICTURES.get(history[-1][1], "something else") if history else "nothing yet"

    def dark_since(self, moment: float) -> float | None:
        """When it first became dark after this moment (s, CLOCK_MONOTONIC); None: it did not."""
        return next((at for at, picture in self.history() if at > moment and PICTURES.get(picture) == "dark"), None)


def wait_until(condition: Callable[[], object], what: str, within_s: float) -> None:
    """Wait for a condition, looking seldom: what looks costs the guest's only core more than what is looked at."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        time.sleep(0.2)


def pause(seconds: float) -> None:
    """Let a car take its time: that is no waiting for something to be ready."""
    time.sleep(seconds)


def drive(wires: Wires, first: int, second: int) -> None:
    """Drive a car over two loops."""
    for gpio, high, then_s in ((first, False, 0.3), (second, False, 0.2), (first, True, 0.4), (second, True, 0.0)):
        wires.set(gpio, high)
        pause(then_s)
