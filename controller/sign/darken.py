"""Darken MAX7219 chips at once, whatever state everything else is in: ``sign dark``, the unit's ExecStopPost.

The chips keep their last picture for ever, so this runs when the sign process has died: it needs nothing but Python,
reads of the site file no more than where the chains are, and remembers those that the sign process had opened, because
the file may have been broken since. On spidev a ``write`` is one transfer, latched at its end.
"""

import json
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # nothing of ours is loaded here
    from controller.site import PanelSpec

CHAINED = ("max7219", "max7219-digits")
"""Drivers whose panels are chains of MAX7219."""

MEMORY = "sign-chains.json"
"""Where, in the state directory, the sign process keeps which chains it drives."""

_SPI_HZ = 1_000_000
_WR_MODE, _WR_MAX_SPEED_HZ = 0x40016B01, 0x40046B04
"""SPI_IOC_WR_MODE and SPI_IOC_WR_MAX_SPEED_HZ of linux/spi/spidev.h."""

_DISPLAY_TEST, _SHUTDOWN, _DIGITS = 0xF, 0xC, range(1, 9)
_TIMES = 3
"""A transfer that noise spoils is sent again."""

_MOST_CHIPS = 512 * 128 // 64


@dataclass(frozen=True, slots=True)
class Chain:
    """Chips on one chip select of one bus."""

    port: int
    device: int
    chips: int

    @property
    def path(self) -> str:
        """The device file."""
        return f"/dev/spidev{self.port}.{self.device}"


class Wire(Protocol):
    """An open bus."""

    def write(self, data: bytes) -> object:
        """Send one transfer; OSError when that fails."""

    def close(self) -> None:
        """Let the bus go."""


class Spidev:
    """The bus as Linux offers it: mode 0, 1 MHz."""

    def __init__(self, path: str) -> None:
        import fcntl  # noqa: PLC0415  there is none on Windows, where this module is imported, too

        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(self._file, _WR_MODE, bytes([0]))
            fcntl.ioctl(self._file, _WR_MAX_SPEED_HZ, _SPI_HZ.to_bytes(4, "little"))
        except OSError:
            self.close()
            raise

    def write(self, data: bytes) -> object:
        """Send one transfer."""
        return os.write(self._file, data)

    def close(self) -> None:
        """Let the bus go."""
        os.close(self._file)


def transfers(chips: int) -> Iterator[bytes]:
    """Yield what makes a chain dark: out of test mode, into shutdown, and nothing to show should noise wake a chip."""
    for _ in range(_TIMES):
        for register, value in ((_DISPLAY_TEST, 0), (_SHUTDOWN, 0), *((digit, 0) for digit in _DIGITS)):
            yield bytes((register, value)) * chips


def chains(site: Path, memory: Path, name: str | None = None) -> tuple[set[Chain], str | None]:
    """Return the chains that the site file tells of, and those last opened; and what is wrong with the file, if so.

    With a ``name`` only that sign's, by the file alone.
    """
    try:
        signs = tomllib.loads(site.read_bytes().decode("utf-8-sig")).get("sign", [])
        found = {_chain(sign) for sign in signs if sign.get("driver") in CHAINED and name in {None, sign.get("name")}}
        why = None
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        found, why = set(), f"{site}: {error}"
    return found if name is not None else found | _remembered(memory), why


def driven(panels: Iterable["PanelSpec"]) -> list[Chain]:
    """Return the chains among these panels."""
    return [
        Chain(each.spi_port, each.spi_device, 1 if each.digits else each.width * each.height // 64)
        for each in panels
        if each.driver in CHAINED
    ]


def remember(memory: Path, opened: Iterable[Chain]) -> None:
    """Keep which chains are driven; OSError when that is not possible."""
    memory.write_text(json.dumps([asdict(chain) for chain in opened]), "ascii")


def darken(opened: Iterable[Chain], wire: Callable[[str], Wire] = Spidev) -> list[str]:
    """Darken these chains, all of them, whatever happens with one; return what went wrong."""
    wrong = []
    for chain in sorted(opened, key=lambda each: each.path):
        try:
            bus = wire(chain.path)
            try:
                for transfer in transfers(chain.chips):
                    bus.write(transfer)
            finally:
                bus.close()
        except (OSError, ImportError) as error:
            wrong.append(f"{chain.path}: {error}")
    return wrong


def _chain(sign: dict[str, object]) -> Chain:
    port, device = sign.get("spi_port", 0), sign.get("spi_device", 0)
    width, height = (8, 8) if "digits" in sign else (sign["width"], sign["height"])  # eight digits hang on one chip
    if not (isinstance(port, int) and isinstance(device, int) and isinstance(width, int) and isinstance(height, int)):
        raise TypeError("spi_port, spi_device, width and height must be whole numbers")
    return Chain(port, device, min(max(1, width * height // 64), _MOST_CHIPS))


def _remembered(memory: Path) -> set[Chain]:
    try:
        return {Chain(int(c["port"]), int(c["device"]), int(c["chips"])) for c in json.loads(memory.read_bytes())}
    except (OSError, ValueError, TypeError, KeyError):
        return set()
