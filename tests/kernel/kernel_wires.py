"""The far end of the guest's wires: levels on the simulated GPIO lines, and what came over the SPI bus."""

import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "sign"))

from sign_chips import Chain, seen, wall

CONFIG = Path("/sys/kernel/config/gpio-sim/pi")
TAPE = Path("/sys/kernel/debug/spi-tape")
_MARK = struct.Struct("=QII")


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


def rewind() -> None:
    (TAPE / "rewind").write_text("1")


def transfers() -> Iterator[Transfer]:
    """Yield what came over the bus since the tape was rewound."""
    tape, at = (TAPE / "tape").read_bytes(), 0
    while at < len(tape):
        time_ns, speed_hz, length = _MARK.unpack_from(tape, at)
        at += _MARK.size
        yield Transfer(time_ns / 1e9, speed_hz, tape[at : at + length])
        at += length


class Panel:
    """The modules at the end of the bus: the register model, fed with the tape."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height

    def history(self) -> Iterator[tuple[float, bytes]]:
        """Yield each picture that was lit, with the time of the transfer that completed it."""
        chain, before = Chain(self.width * self.height // 64), None
        chain.ever_lit = None
        hung = wall(self.width, self.height, "top-left", "rows", (0, 0), mirrored=False)
        for transfer in transfers():
            chain.data(list(transfer.data))
            now = seen(chain, hung, self.width, self.height).tobytes()
            if now != before:
                before = now
                yield transfer.at, now

    def lit(self) -> bytes:
        """Return what is lit now, as a 1-bit picture's bytes."""
        return max(self.history(), default=(0.0, b""))[1]


def pause(seconds: float) -> None:
    """Let a car take its time: that is no waiting for something to be ready."""
    time.sleep(seconds)


def drive(wires: Wires, first: int, second: int) -> None:
    """Drive a car over two loops."""
    for gpio, high, then_s in ((first, False, 0.3), (second, False, 0.2), (first, True, 0.4), (second, True, 0.0)):
        wires.set(gpio, high)
        pause(then_s)
