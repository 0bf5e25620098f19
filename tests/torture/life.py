"""A long life: a month in virtual days, and real minutes of far more than any car park says.

The virtual days show that what the journal keeps levels off, as it forgets what is older than ``keep_days``. The real
minutes show that a counting process needs no more memory, descriptors and threads after a while than at first, and
writes no log; its journal grows by what it takes until the first of its days is over.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fixtures_broker import Mosquitto
from link_client import LinkClient
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from controller.inputs.mock_pins import MockPinClient
from controller.inputs.mock_pins import default_address as pins_address
from controller.journal import open_reader
from controller.link import default_address
from controller.salvage import open_journal
from torture.brokers import waited
from torture.kills import PINS
from torture.lot import SITE, Counting, Hands, written
from torture.power import ROOT
from torture.row import Row

KEEP_DAYS = 3
KEEPS = f"\n[journal]\nkeep_days = {KEEP_DAYS}\n"
DAY_S = 86_400.0
MQTT = '\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
EVENTS_PER_S = 200
EDGE_S = 0.5
"""Between two edges on pins: a car every two seconds is what a lane carries. All else comes by MQTT."""
PIN_LEVELS = 2
SAMPLES = 40
MAY_GROW = 1.1
"""Of the memory, from a third of the time to its end."""


def days(number: int, cars_a_day: int) -> Row:
    """Let days pass, of so many cars each; the journal must keep the last ones, and grow no more after some."""
    sizes, counts = [], []
    with tempfile.TemporaryDirectory() as name:
        path, hands = Path(name) / "journal.sqlite", Hands()
        counting = Counting(written(Path(name), KEEPS), lambda: open_journal(path), hands)
        try:
            for _ in range(number):
                for _ in range(cars_a_day):
                    counting.car()
                    hands.advance(DAY_S / cars_a_day - 2.0)
                    counting.settle()
                with closing(open_reader(path)) as db:
                    (inputs, oldest, newest), (pages, free) = (
                        db.execute("SELECT count(*), min(t), max(t) FROM input").fetchone(),
                        (db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count")),
                    )
                counts.append(inputs)
                sizes.append(path.stat().st_size)
                assert 0 <= free <= pages
            entries = counting.service.state.lanes["main"].entries
        finally:
            counting.stop()
    assert newest - oldest < (KEEP_DAYS + 1.5) * DAY_S, f"kept for {(newest - oldest) / DAY_S:.1f} days"
    settled = max(KEEP_DAYS + 2, number // 3)
    assert max(sizes[settled:]) <= 1.25 * sizes[settled], f"the journal grows: {sizes}"
    assert max(counts[settled:]) <= 1.25 * counts[settled], f"the inputs grow: {counts}"
    cars = number * cars_a_day
    note = f"{number} virtual days of {cars_a_day} cars, keep_days = {KEEP_DAYS}: {sizes[settled] // 1000} kB"
    note += f" on day {settled + 1}, {sizes[-1] // 1000} kB at the end; {counts[-1]:,} inputs kept"
    return Row("long life: retention", cars, max(0, cars - entries), max(0, entries - cars), note=note)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process has, at one moment."""

    rss_kb: int
    descriptors: int
    threads: int
    journal: int
    wal: int
    log: int
    inputs: int


def minutes(number: float) -> Row:
    """Let a counting process take 200 events a second for so many minutes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder)
        site = folder / "site.toml"
        site.write_text(SITE + MQTT.format(port=broker.port), "utf-8")
        places = ("--state-dir", str(folder / "state"), "--run-dir", str(folder / "run"))
        argv = [sys.executable, "-m", "controller", "count", str(site), *places]
        with (folder / "log").open("wb") as log, subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log) as process:
            try:
                waited(lambda: "Received SUBSCRIBE" in broker.log, "subscribed", 30.0)
                waited(lambda: _taken(folder, 0) >= PIN_LEVELS, "the pins' first levels", 30.0)
                before = _newest(folder)
                sent, samples = _stormed(folder, broker.port, number * 60.0, lambda: _sampled(process.pid, folder))
                waited(lambda: _taken(folder, before) >= sent, f"all {sent} arrived", 60.0)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
                broker.stop()
        taken = _taken(folder, before)
    _examine(samples)
    first, last = samples[len(samples) // 3], samples[-1]
    note = f"{number:g} real minutes at {sent / (number * 60.0):.0f} events/s; RSS {first.rss_kb // 1024} MB after a"
    note += f" third, {last.rss_kb // 1024} MB at the end; {last.descriptors} descriptors, {last.threads} threads;"
    note += f" journal {last.journal / last.inputs:.0f} bytes an event, WAL {last.wal // 1000} kB, log {last.log} bytes"
    return Row("long life: events without end", sent, max(0, sent - taken), max(0, taken - sent), note=note)


def _examine(samples: list[Sample]) -> None:
    """See that nothing grows any more."""
    later = samples[len(samples) // 3 :]
    assert max(s.rss_kb for s in later) <= MAY_GROW * later[0].rss_kb, [s.rss_kb for s in samples]
    for what in ("descriptors", "threads", "log"):
        levels = {getattr(s, what) for s in later}
        assert max(levels) - min(levels) <= 2 or what == "log", f"{what}: {sorted(levels)}"
    assert later[-1].log - later[0].log < 10_000, f"the log grows: {[s.log for s in samples]}"
    assert max(s.wal for s in later) <= 2 * max(s.wal for s in samples[: len(samples) // 3 + 1]), "the WAL grows"


def _stormed(folder: Path, port: int, seconds: float, sample: Callable[[], Sample]) -> tuple[int, list[Sample]]:
    """Send pins' edges and messages, each at its time; return how many must be journalled, and samples."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    began = now = time.monotonic()
    messages = edges = 0
    samples: list[Sample] = []
    with MockPinClient(pins_address(folder / "run")) as pins, LinkClient(default_address(folder / "run")) as link:
        while now - began < seconds:
            if edges < (now - began) / EDGE_S:
                _, gpio, high = PINS[edges % len(PINS)]
                pins.set(gpio, high)
                edges += 1
            while messages < (now - began) * (EVENTS_PER_S - 1 / EDGE_S):
                client.publish(f"bays/B{1 + messages % 2}", str(messages // 50_000 % 2), 1)
                messages += 1
            if len(samples) < SAMPLES * (now - began) / seconds:
                link.state()
                samples.append(sample())
            time.sleep(0.004)
            now = time.monotonic()
    waited(lambda: not client.want_write(), "all sent", 30.0)
    client.disconnect()
    client.loop_stop()
    return messages + edges, samples


def _sampled(pid: int, folder: Path) -> Sample:
    proc, journal = Path("/proc") / str(pid), folder / "state" / "journal.sqlite"
    wal = journal.with_name("journal.sqlite-wal")
    return Sample(
        int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024,
        len(list((proc / "fd").iterdir())),
        len(list((proc / "task").iterdir())),
        journal.stat().st_size,
        wal.stat().st_size,
        (folder / "log").stat().st_size,
        _newest(folder),
    )


def _newest(folder: Path) -> int:
    with closing(open_reader(folder / "state" / "journal.sqlite")) as db:
        return int(db.execute("SELECT coalesce(max(id), 0) FROM input").fetchone()[0])


def _taken(folder: Path, after: int) -> int:
    """Return how many messages and edges the journal holds after this input."""
    with closing(open_reader(folder / "state" / "journal.sqlite")) as db:
        sql = "SELECT count(*) FROM input WHERE id > ? AND (line LIKE '%\"topic\"%' OR line LIKE '%\"detector\"%')"
        return int(db.execute(sql, (after,)).fetchone()[0])


def run(*, virtual_days: int, real_minutes: float) -> list[Row]:
    """Make both."""
    return [days(virtual_days, 200), minutes(real_minutes)]
