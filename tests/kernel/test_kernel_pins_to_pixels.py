"""Wires -> /dev/gpiochip0 -> the product's own count and sign processes -> /dev/spidev0.0 -> LEDs, in the guest."""

import errno
import json
import os
import statistics
import time
from pathlib import Path

import pytest
from fixtures_site import CHIPS_SITE, INNER, OUTER, Product
from kernel_wires import PICTURES, TAPE, Panel, Wires, drive, pause, wait_until

from controller.journal import open_reader

SPEED_HZ = 10_000_000
"""What spi_tape.c says its devices can do; the product asks for less."""


@pytest.fixture
def wires() -> Wires:
    wires = Wires()
    for gpio in (OUTER, INNER):
        wires.set(gpio, True)
    return wires


@pytest.fixture
def panel() -> Panel:
    return Panel(64, 16)


@pytest.mark.parametrize("factory", ["auto", "lgpio"])
def test_cars_on_real_lines_light_the_right_leds(product: Product, wires: Wires, panel: Panel, factory: str) -> None:
    product.site.write_text(CHIPS_SITE.replace("mock", factory), "utf-8")
    count = product.start("count")
    product.start("sign")
    product.wait_for_state(count, 60)
    with product.link() as link:
        gpio = link.state()["inputs"]["gpio"]
        assert gpio == {
            "factory": "kernel" if factory == "auto" else "lgpio",
            "errors": 0,
            "missed": 0,
            "unreadable": [],
        }
    wait_until(lambda: panel.reads() == "30", "ten of forty are inside", 60)
    drive(wires, OUTER, INNER)
    wait_until(lambda: panel.reads() == "29", "one came in", 20)
    drive(wires, INNER, OUTER)
    wait_until(lambda: panel.reads() == "30", "it left", 20)
    for gpio, high in ((OUTER, False), (INNER, False), (INNER, True), (OUTER, True)):
        wires.set(gpio, high)  # looks in, and backs out again
        pause(0.3)
    drive(wires, OUTER, INNER)
    wait_until(lambda: panel.reads() == "29", "only the one that came in counts", 20)
    with product.link() as link:
        assert link.command(do="correct", zone="customers", occupied=39, by="test") is None
    wait_until(lambda: panel.reads() == "1", "somebody counted", 20)
    drive(wires, OUTER, INNER)
    wait_until(lambda: panel.reads() == "full", "the last space is taken", 20)
    assert panel.speeds == {1_000_000}
    count.kill()
    count.wait()
    wait_until(lambda: panel.reads() == "dark", "nobody counts any more", 20)


def test_edge_to_frame(product: Product, wires: Wires, panel: Panel, capsys: pytest.CaptureFixture[str]) -> None:
    """From the last edge of a passage, by the kernel's clock, to the transfer that completes the new picture."""
    product.site.write_text(CHIPS_SITE.replace("mock", "auto"), "utf-8")
    count = product.start("count")
    product.start("sign")
    product.wait_for_state(count, 60)
    wait_until(lambda: panel.reads() == "30", "it is lit", 60)
    took = []
    for number in range(10):
        way = (OUTER, INNER) if number % 2 == 0 else (INNER, OUTER)
        drive(wires, *way)
        word = "29" if number % 2 == 0 else "30"
        wait_until(lambda word=word: panel.reads() == word, f"car {number}", 20)  # type: ignore[misc]
        edge = last_edge(product)
        frame = [at for at, picture in panel.history() if PICTURES.get(picture) == word][-1]
        took.append((frame - edge) * 1000)
    with capsys.disabled():
        print(
            f"\nedge to frame (10 cars, the 30 ms for which a level must stand included, emulated): "
            f"median {statistics.median(took):.0f} ms, longest {max(took):.0f} ms"
        )
    assert min(took) > 0


def test_linux_gives_up_a_transfer_whose_end_is_never_told(
    product: Product, wires: Wires, panel: Panel, capsys: pytest.CaptureFixture[str]
) -> None:
    """After twice the time that its bytes take on the wire, and 200 ms (spi_transfer_wait in drivers/spi/spi.c)."""
    data = bytes(4096)
    bus = os.open("/dev/spidev0.1", os.O_WRONLY)
    try:
        (TAPE / "lose").write_text("1")
        began = time.monotonic()
        with pytest.raises(OSError, match=os.strerror(errno.ETIMEDOUT)):
            os.write(bus, data)
        took = time.monotonic() - began
        assert os.write(bus, data) == len(data), "the bus goes on"
    finally:
        os.close(bus)
    wire_s = len(data) * 8 / SPEED_HZ
    with capsys.disabled():
        print(f"\na transfer of {1000 * wire_s:.0f} ms whose end is never told: given up after {1000 * took:.0f} ms")
    assert 2 * wire_s + 0.2 <= took < 2 * wire_s + 0.6
    panel.rewind()  # those bytes were none for its chips

    product.site.write_text(CHIPS_SITE.replace("mock", "auto"), "utf-8")
    count = product.start("count")
    product.start("sign")
    product.wait_for_state(count, 60)
    wait_until(lambda: panel.reads() == "30", "it is lit", 60)
    (TAPE / "lose").write_text("1")
    drive(wires, OUTER, INNER)
    wait_until(lambda: panel.reads() == "29", "the sign goes on", 20)


def last_edge(product: Product) -> float:
    """The kernel's time of the newest change that count was told of (s, CLOCK_MONOTONIC)."""
    db = open_reader(product.state_dir / "journal.sqlite")
    t = db.execute("SELECT max(t) FROM input WHERE line LIKE '%detector%'").fetchone()[0]
    clock = db.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()[0]
    db.close()
    lot, _, monotonic, _ = json.loads(clock)
    return float(t + monotonic - lot)


def test_the_guest_is_what_a_pi_is() -> None:
    assert "Raspberry Pi" in Path("/proc/cpuinfo").read_text()
