"""Chains of MAX7219 chips as the datasheet (19-4452) tells it: bytes in, lit LEDs out. It knows nothing of our driver.

A chip shifts 16 bits in, takes the last 16 at the rising edge of LOAD, and passes on what falls out: register in bits
D11-D8, value in D7-D0, D15-D12 are ignored (table 1). ``Chip`` decodes what its registers light: shutdown, display
test, scan limit, Code B, intensity (tables 2 to 10).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from PIL import Image

NOOP, DECODE_MODE, INTENSITY, SCAN_LIMIT, SHUTDOWN, DISPLAY_TEST = 0x0, 0x9, 0xA, 0xB, 0xC, 0xF

CODE_B = (0x7E, 0x30, 0x6D, 0x79, 0x33, 0x5B, 0x5F, 0x70, 0x7F, 0x7B, 0x01, 0x4F, 0x37, 0x0E, 0x67, 0x00)
"""Segments A (bit 6) to G (bit 0) of the sixteen characters 0-9 - E H L P blank (table 5)."""


class Chip:
    """One chip's registers. It starts as a running chip is left behind: lit, with an old picture."""

    def __init__(self) -> None:
        self.registers = dict.fromkeys(range(1, 9), 0b10101010)
        self.registers |= {DECODE_MODE: 0xFF, INTENSITY: 15, SCAN_LIMIT: 3, SHUTDOWN: 1, DISPLAY_TEST: 1}

    def power_up(self) -> None:
        """Become as after power-on: control registers reset, display blanked, shutdown, one digit scanned."""
        self.registers = dict.fromkeys(range(1, 9), 0)
        self.registers |= {DECODE_MODE: 0, INTENSITY: 0, SCAN_LIMIT: 0, SHUTDOWN: 0, DISPLAY_TEST: 0}

    def latch(self, word: int) -> None:
        """Take 16 bits; addresses that no register has (0, D, E) do nothing."""
        register = word >> 8 & 0xF
        if register in self.registers:
            self.registers[register] = word & 0xFF

    @property
    def testing(self) -> bool:
        """Test mode overrides everything, shutdown too, and is at full intensity."""
        return bool(self.registers[DISPLAY_TEST] & 1)

    @property
    def duty(self) -> Fraction:
        """Return for which part of its time a scanned LED gets current (table 7: 1/32 to 31/32)."""
        return Fraction(31 if self.testing else 2 * (self.registers[INTENSITY] & 0xF) + 1, 32)

    def segments(self, digit: int) -> int:
        """Return what one digit lights, bit 7 the decimal point (a matrix wires it like any LED)."""
        if self.testing:
            return 0xFF
        if not self.registers[SHUTDOWN] & 1 or digit > self.registers[SCAN_LIMIT] & 7:
            return 0
        value = self.registers[digit + 1]
        if self.registers[DECODE_MODE] >> digit & 1:
            return value & 0x80 | CODE_B[value & 0xF]
        return value

    def is_lit(self, digit: int, bit: int) -> bool:
        return bool(self.segments(digit) >> bit & 1)


class Chain:
    """Chips in a row, as a serial interface that luma would have opened. Chip 0 is nearest to the Pi."""

    def __init__(self, count: int) -> None:
        self.chips = [Chip() for _ in range(count)]
        self.shifted = [0] * count
        """The 16 bits that each chip holds."""
        self.transfers: list[list[int]] = []
        self.ever_lit: list[set[tuple[int, int, int]]] | None = []
        """The LEDs that were lit after each transfer, as (chip, digit, bit); None: not kept."""
        self.broken = False
        self.closed = False

    def data(self, data: Sequence[int]) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        assert len(data) == 2 * len(self.chips), "each transfer must reach every chip, and none twice"
        assert all(0 <= byte <= 0xFF for byte in data)
        self.transfers.append(list(data))
        self.clock_in([byte >> bit & 1 for byte in data for bit in range(7, -1, -1)])
        self.load()
        if self.ever_lit is not None:
            self.ever_lit.append(self.lit())

    def clock_in(self, bits: Sequence[int]) -> None:
        """Shift these bits through the chain."""
        chain = 0
        for word in reversed(self.shifted):  # the farthest chip holds the oldest bits
            chain = chain << 16 | word
        for bit in bits:
            chain = chain << 1 | bit
        self.shifted = [chain >> 16 * n & 0xFFFF for n in range(len(self.chips))]

    def load(self) -> None:
        """Let every chip take the 16 bits that it holds."""
        for chip, word in zip(self.chips, self.shifted, strict=True):
            chip.latch(word)

    def cleanup(self) -> None:
        self.closed = True

    def lit(self) -> set[tuple[int, int, int]]:
        return {
            (n, digit, bit)
            for n, chip in enumerate(self.chips)
            for digit in range(8)
            for bit in range(8)
            if chip.is_lit(digit, bit)
        }


class NoisyChain(Chain):
    """A chain on a bad wire: one in so many transfers is corrupted, in each of the ways in which wires do that."""

    def __init__(self, count: int, *, one_in: int, seed: int) -> None:
        super().__init__(count)
        self.one_in = one_in
        self.corrupted = 0
        self._random = random.Random(seed)  # noqa: S311  no secret

    def data(self, data: Sequence[int]) -> None:
        if self.one_in == 0 or self._random.randrange(self.one_in):
            super().data(data)
            return
        self.corrupted += 1
        self.transfers.append(list(data))
        bits = [byte >> bit & 1 for byte in data for bit in range(7, -1, -1)]
        place = self._random.randrange(len(bits))
        match self._random.choice(("flip", "burst", "lost clock", "extra clock", "lost load")):
            case "flip":
                bits[place] ^= 1
            case "burst":
                for n in range(place, min(place + 12, len(bits))):
                    bits[n] = self._random.getrandbits(1)
            case "lost clock":
                del bits[place]
            case "extra clock":
                bits.insert(place, bits[place])
            case "lost load":
                self.clock_in(bits)
                return
        self.clock_in(bits)
        self.load()


@dataclass(frozen=True)
class Hung:
    """How one module hangs, seen from the front: its left top LED, quarter turns clockwise, another make of board.

    Unturned is an FC-16 board whose printed arrow points right: digit 0 drives its lowest row, bit 0 its left column.
    """

    x: int
    y: int
    turns: int
    mirrored: bool = False

    def led(self, digit: int, bit: int) -> tuple[int, int]:
        """Return where on the panel an LED is."""
        x, y = (7 - bit if self.mirrored else bit), 7 - digit
        for _ in range(self.turns % 4):
            x, y = 7 - y, x  # a quarter turn clockwise, y grows downwards
        return self.x + x, self.y + y


def wall(width: int, height: int, first: str, run: str, turns: tuple[int, int], mirrored: bool) -> list[Hung]:  # noqa: FBT001
    """Hang modules on a wall as an electrician would: from the first corner, along ``run``, and say how each hangs.

    ``turns`` of the modules in the first row (or column), and in every second one.
    """
    across, down = width // 8, height // 8
    step = (1 if first.endswith("left") else -1), (1 if first.startswith("top") else -1)
    x, y = (0 if step[0] > 0 else across - 1), (0 if step[1] > 0 else down - 1)
    hung: list[Hung] = []
    along_rows = run in {"rows", "rows-snake"}
    length, lines = (across, down) if along_rows else (down, across)
    way = 1
    for line in range(lines):
        for n in range(length):
            hung.append(Hung(8 * x, 8 * y, turns[line % 2], mirrored))
            if n < length - 1:
                x, y = (x + way * step[0], y) if along_rows else (x, y + way * step[1])
        if run.endswith("snake"):
            way = -way
        elif along_rows:
            x = 0 if step[0] > 0 else across - 1
        else:
            y = 0 if step[1] > 0 else down - 1
        x, y = (x, y + step[1]) if along_rows else (x + step[0], y)
    return hung


def seen(chain: Chain, hung: Sequence[Hung], width: int, height: int) -> Image.Image:
    """Return what a driver sees of a chain whose modules hang like this."""
    image = Image.new("1", (width, height))
    for n, digit, bit in chain.lit():
        image.putpixel(hung[n].led(digit, bit), 1)
    return image
