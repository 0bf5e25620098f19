"""A chain of MAX7219 chips as their datasheet tells it: bytes in, lit LEDs out. It knows nothing of our driver."""

from collections.abc import Sequence

from PIL import Image

NOOP, DECODE_MODE, INTENSITY, SCAN_LIMIT, SHUTDOWN, DISPLAY_TEST = 0x0, 0x9, 0xA, 0xB, 0xC, 0xF

# Where LED (digit d, bit b) of a module is in the picture's 8x8 block, by how the module is turned.
PLACES = {
    0: lambda d, b: (d, b),
    90: lambda d, b: (7 - b, d),
    -90: lambda d, b: (b, 7 - d),
    180: lambda d, b: (7 - d, 7 - b),
}


class Chip:
    """One chip's registers. It starts as a running chip is left behind: lit, with an old picture."""

    def __init__(self) -> None:
        self.registers = dict.fromkeys(range(1, 9), 0b10101010)
        self.registers |= {DECODE_MODE: 0xFF, INTENSITY: 15, SCAN_LIMIT: 3, SHUTDOWN: 1, DISPLAY_TEST: 1}

    def latch(self, register: int, value: int) -> None:
        if register != NOOP:
            self.registers[register & 0xF] = value

    def is_lit(self, digit: int, bit: int) -> bool:
        if self.registers[DISPLAY_TEST] & 1:
            return True
        if not self.registers[SHUTDOWN] & 1 or digit > self.registers[SCAN_LIMIT] & 7:
            return False
        if self.registers[DECODE_MODE] >> digit & 1:
            return True  # a code font's segments: garbage on a matrix
        return bool(self.registers[digit + 1] >> bit & 1)


class Chain:
    """Chips in a row, as a serial interface that luma would have opened. Chip 0 is nearest to the Pi."""

    def __init__(self, count: int) -> None:
        self.chips = [Chip() for _ in range(count)]
        self.transfers: list[list[int]] = []
        self.ever_lit: list[set[tuple[int, int, int]]] = []
        """The LEDs that were lit after each transfer, as (chip, digit, bit)."""
        self.broken = False
        self.closed = False

    def data(self, data: Sequence[int]) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        assert len(data) == 2 * len(self.chips), "each transfer must reach every chip, and none twice"
        self.transfers.append(list(data))
        pairs = list(zip(data[::2], data[1::2], strict=True))
        for chip, (register, value) in zip(self.chips, reversed(pairs), strict=True):
            chip.latch(register, value)
        self.ever_lit.append(self.lit())

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

    def picture(self, width: int, height: int, turn: int = 0) -> Image.Image:
        """Return what a driver sees on modules that hang row by row from the top left, each turned like this."""
        image = Image.new("1", (width, height))
        for n, digit, bit in self.lit():
            x, y = PLACES[turn](digit, bit)
            image.putpixel((n % (width // 8) * 8 + x, n // (width // 8) * 8 + y), 1)
        return image
