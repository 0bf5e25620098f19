"""Count dies, is killed, hangs; cars go on driving. What the kernel and systemd's descriptor store keep, in the guest.

The store is played by the test: it takes descriptors and hands them to the next process, as systemd does
(sd_pid_notify_with_fds(3), sd_listen_fds(3)). The real one is tried by `make test-systemd`.
"""

import contextlib
import itertools
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_site import INNER, LANE_SITE, OUTER, Product
from kernel_wires import Wires, drive, pause, wait_until

SITE = LANE_SITE.replace("mock", "kernel").replace("capacity = 40", "capacity = 400")


class Store:
    """A service manager's descriptor store."""

    def __init__(self, address: Path) -> None:
        self.address = address
        self.kept: dict[str, int] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                text, fds, _, _ = socket.recv_fds(self._socket, 4096, 8)
            except OSError:
                return
            said = dict(line.split("=", 1) for line in text.decode().splitlines())
            if said.get("FDSTORE") == "1":
                self.kept[said["FDNAME"]] = fds[0]
            elif said.get("FDSTOREREMOVE") == "1" and said["FDNAME"] in self.kept:
                os.close(self.kept.pop(said["FDNAME"]))

    def start(self, product: Product) -> subprocess.Popen[bytes]:
        """Start count with what is kept, as descriptors 3 and on."""
        names = list(self.kept)
        here = Path(__file__).with_name("guest") / "with_descriptors.py"
        before = (sys.executable, str(here), ":".join(names), *(str(self.kept[n]) for n in names), "--")
        return product.start("count", before=before, pass_fds=tuple(self.kept.values()))

    def close(self) -> None:
        self._socket.close()
        for fd in self.kept.values():
            os.close(fd)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    store = Store(tmp_path / "notify.sock")
    monkeypatch.setenv("NOTIFY_SOCKET", str(store.address))
    yield store
    store.close()


@pytest.fixture
def wires(product: Product) -> Wires:
    product.site.write_text(SITE, "utf-8")
    wires = Wires()
    for gpio in (OUTER, INNER):
        wires.set(gpio, True)
    return wires


def zone(product: Product) -> dict[str, Any]:
    with product.link() as link:
        found: dict[str, Any] = link.state()["lot"]["zones"][0]
    return found


def passages(product: Product) -> list[tuple[str, float]]:
    with contextlib.closing(sqlite3.connect(f"file:{product.state_dir / 'journal.sqlite'}?mode=ro", uri=True)) as db:
        return db.execute("SELECT kind, t FROM passage ORDER BY id").fetchall()


def test_cars_that_pass_while_count_is_dead_are_counted(product: Product, wires: Wires, store: Store) -> None:
    count = store.start(product)
    product.wait_for_state(count, 60)
    drive(wires, OUTER, INNER)
    wait_until(lambda: product.occupied() == 11, "one came in", 20)
    wires.set(OUTER, False)  # half a car: the rest comes while nobody is there
    pause(0.3)
    count.kill()
    count.wait()
    for gpio, high in ((INNER, False), (OUTER, True), (INNER, True)):
        pause(0.2)
        wires.set(gpio, high)
    for _ in range(3):
        pause(1.0)
        drive(wires, OUTER, INNER)
    pause(1.0)
    drive(wires, INNER, OUTER)
    product.wait_for_state(store.start(product), 60)
    wait_until(lambda: len(passages(product)) == 6, "all of them are in the journal", 20)
    assert [kind for kind, _ in passages(product)] == ["entry"] * 5 + ["exit"]
    times = [t for _, t in passages(product)]
    assert all(1.0 < later - sooner < 6.0 for sooner, later in itertools.pairwise(times[2:])), times
    now = zone(product)
    assert (now["occupied"], now["low"], now["high"]) == (14, 386, 386), now
    assert "were kept" in product.said()


def test_whoever_kills_count_again_and_again_loses_no_car(
    product: Product, wires: Wires, store: Store, chance: random.Random
) -> None:
    """25 cars, each of four edges, under a count process that is killed every second or so."""
    kills, done = 0, threading.Event()

    def traffic() -> None:
        for _ in range(25):
            drive(wires, OUTER, INNER)
            pause(0.8)
        done.set()

    count = store.start(product)
    product.wait_for_state(count, 60)
    driver = threading.Thread(target=traffic)
    driver.start()
    while not done.is_set():
        pause(chance.uniform(0.2, 6.0))
        count.kill()
        count.wait()
        kills += 1
        count = store.start(product)
    driver.join()
    product.wait_for_state(count, 60)
    wait_until(lambda: len(passages(product)) >= 25, "all are counted", 30)
    now = zone(product)
    print(f"{kills} kills, 25 cars: {now['occupied'] - 10} counted, low {now['low']}, high {now['high']}")
    assert [kind for kind, _ in passages(product)] == ["entry"] * 25
    assert now["occupied"] == 35
    assert kills >= 5


def test_a_burst_beyond_the_kernels_buffer_is_noticed(product: Product, wires: Wires, store: Store) -> None:
    count = store.start(product)
    product.wait_for_state(count, 60)
    assert (zone(product)["low"], zone(product)["high"]) == (390, 390)
    count.send_signal(signal.SIGSTOP)
    for _ in range(1500):
        wires.set(OUTER, False)
        wires.set(OUTER, True)
    count.send_signal(signal.SIGCONT)

    def missed() -> int:
        with product.link() as link:
            number: int = link.state()["inputs"]["gpio"]["missed"]
        return number

    wait_until(missed, "the loss is noticed", 60)
    now = zone(product)
    print(f"3000 changes while count hung: {missed()} lost; free {now['low']} to {now['high']}")
    assert 1000 < missed() <= 3000 - 1024
    assert now["status"] == "UNKNOWN"
    assert now["reason"] == "detector_fault"
    assert "changes of main.outer were lost" in product.said()


def test_a_burst_within_it_is_not_lost(product: Product, wires: Wires, store: Store) -> None:
    count = store.start(product)
    product.wait_for_state(count, 60)
    count.send_signal(signal.SIGSTOP)
    for _ in range(500):
        for high in (False, True):
            wires.set(OUTER, high)
            pause(0.003)  # faster, and the simulated chip itself makes one change of two
    count.send_signal(signal.SIGCONT)
    began = time.monotonic()

    def heard() -> int:
        with contextlib.closing(
            sqlite3.connect(f"file:{product.state_dir / 'journal.sqlite'}?mode=ro", uri=True)
        ) as db:
            return int(db.execute("SELECT count(*) FROM input WHERE line LIKE '%main.outer%'").fetchone()[0])

    wait_until(lambda: heard() >= 1000, "all are in the journal", 30)
    print(f"1000 changes while count hung: all in the journal {time.monotonic() - began:.1f} s after it went on")
    with product.link() as link:
        assert link.state()["inputs"]["gpio"]["missed"] == 0


def test_a_chip_that_vanishes_is_a_fault_with_a_name_and_ends_when_it_is_back(
    product: Product, wires: Wires, store: Store
) -> None:
    count = store.start(product)
    product.wait_for_state(count, 60)

    def faults() -> list[tuple[str, str]]:
        with product.link() as link:
            return [(f["subject"], f["kind"]) for f in link.state()["lot"]["faults"]]

    wires.unplug()
    wait_until(lambda: len(faults()) == 2, "both loops are at fault", 20)
    assert sorted(faults()) == [("main.inner", "unreadable"), ("main.outer", "unreadable")]
    assert zone(product)["status"] == "UNKNOWN"
    assert count.poll() is None
    wires.plug()
    for gpio in (OUTER, INNER):
        wires.set(gpio, True)
    wait_until(lambda: not faults(), "both work again", 20)
    before = zone(product)["counted"]
    drive(wires, OUTER, INNER)
    wait_until(lambda: zone(product)["counted"] == before + 1, "cars are counted again", 20)
    assert count.poll() is None
