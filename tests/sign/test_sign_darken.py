"""What is left to do when the sign process died: darken the chips, with little to rely on."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures_site import LANE_SITE, ROOT, command_line
from sign_chips import DISPLAY_TEST, SHUTDOWN, NoisyChain
from sign_chips import Chain as Chips

from controller.sign import darken
from controller.sign.darken import Chain
from controller.site import PanelSpec

SITE = LANE_SITE.replace('driver = "emulator"', 'driver = "max7219"\narrows = "right"\nspi_port = 5\nspi_device = 1')


class Wires:
    """Buses by the path of their device, as if they were there."""

    def __init__(self, **chips: Chips) -> None:
        self.chips = {f"/dev/{name}": each for name, each in chips.items()}
        self.open = 0

    def __call__(self, path: str) -> "Wires":
        if path not in self.chips:
            raise FileNotFoundError(2, "No such file or directory", path)
        self.open += 1
        self._now = self.chips[path]
        return self

    def write(self, data: bytes) -> int:
        self._now.data(list(data))
        return len(data)

    def close(self) -> None:
        self.open -= 1


def test_lit_chips_are_dark_from_the_second_transfer_on() -> None:
    chips = Chips(16)
    assert chips.lit()
    wires = Wires(**{"spidev0.0": chips})
    assert darken.darken([Chain(0, 0, 16)], wires) == []
    assert chips.ever_lit is not None
    assert not any(chips.ever_lit[1:])
    assert {(c.registers[SHUTDOWN], c.registers[DISPLAY_TEST]) for c in chips.chips} == {(0, 0)}
    assert not any(chip.registers[digit] for chip in chips.chips for digit in range(1, 9))
    assert wires.open == 0


def test_most_of_the_time_chips_on_a_bad_wire_are_dark_too() -> None:
    dark = 0
    for seed in range(50):
        chips = NoisyChain(8, one_in=10, seed=seed)
        chips.ever_lit = None
        darken.darken([Chain(0, 0, 8)], Wires(**{"spidev0.0": chips}))
        dark += not chips.lit()
    assert dark > 45


def test_one_chain_that_fails_does_not_keep_the_others_lit() -> None:
    good, broken = Chips(4), Chips(4)
    broken.broken = True
    wires = Wires(**{"spidev0.0": broken, "spidev1.2": good})
    wrong = darken.darken([Chain(0, 0, 4), Chain(0, 1, 4), Chain(1, 2, 4)], wires)
    assert [each.partition(":")[0] for each in wrong] == ["/dev/spidev0.0", "/dev/spidev0.1"]
    assert not good.lit()
    assert wires.open == 0


def test_chains_are_read_from_the_site_file_though_the_rest_of_it_is_wrong(tmp_path: Path) -> None:
    site, memory = tmp_path / "site.toml", tmp_path / "memory"
    site.write_text(SITE + "\n[nonsense]\nx = 1\n")
    assert darken.chains(site, memory) == ({Chain(5, 1, 16)}, None)
    assert darken.chains(site, memory, "entrance") == ({Chain(5, 1, 16)}, None)
    assert darken.chains(site, memory, "exit") == (set(), None)


@pytest.mark.parametrize(
    "text", ["[lot", "sign = 3", "[[sign]]\ndriver = 'max7219'", "[[sign]]\ndriver = 'max7219'\nwidth = ''\nheight = 8"]
)
def test_what_the_sign_process_drove_is_darkened_though_the_file_is_broken(tmp_path: Path, text: str) -> None:
    site, memory = tmp_path / "site.toml", tmp_path / "memory"
    site.write_text(text)
    darken.remember(memory, darken.driven([PanelSpec("a", "max7219", 64, 16), PanelSpec("b", "emulator", 64, 16)]))
    found, why = darken.chains(site, memory)
    assert found == {Chain(0, 0, 16)}
    assert why is not None
    assert str(site) in why
    memory.write_text(json.dumps([{"port": 0}]))
    assert darken.chains(site, memory)[0] == set()


def test_the_command_darkens_what_is_remembered_and_says_what_it_could_not(
    write_site: Callable[..., Path], tmp_path: Path
) -> None:
    darken.remember(tmp_path / darken.MEMORY, [Chain(4, 2, 8)])
    done = command_line("sign", "dark", write_site(SITE), "--state-dir", tmp_path)
    assert done.returncode == 1
    assert "/dev/spidev5.1: " in done.stderr
    assert "/dev/spidev4.2: " in done.stderr
    done = command_line("sign", "dark", write_site("[lot"), "--state-dir", tmp_path)
    assert done.returncode == 2
    assert "/dev/spidev4.2: " in done.stderr
    assert "site.toml: " in done.stderr


def test_it_loads_next_to_nothing_before_the_chips_are_dark() -> None:
    heavy = "[name for name in ('PIL', 'pydantic', 'luma', 'click') if name in sys.modules]"
    script = f"import controller.sign.darken, sys; print({heavy})"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_numbers_of_the_system_calls_are_linuxs() -> None:
    def iow(number: int, size: int) -> int:  # _IOW('k', number, size) of asm-generic/ioctl.h
        return 1 << 30 | size << 16 | ord("k") << 8 | number

    assert iow(1, 1) == darken._WR_MODE  # noqa: SLF001
    assert iow(4, 4) == darken._WR_MAX_SPEED_HZ  # noqa: SLF001
