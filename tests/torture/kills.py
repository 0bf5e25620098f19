"""``kill -9`` at random moments of a storm, restart, compare: nothing that was acknowledged is lost, or there twice.

The counting process is real, and so are the broker, the pins' socket, the link and the web process. About 20 events a
second come: cars over the pins, readings by MQTT (QoS 1), and corrections through the API. Every other kill comes from
the disk under the journal, right after an fsync: what was written is durable, and nobody has been told yet, neither by
a PUBACK nor by HTTP.

A passage was acknowledged when the state told of it: then it is in the journal ever after. It is there twice when a
counted entry has no car of its own (see ``cars``), or the tally is not what the journal holds.
"""

import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
from fixtures_broker import Mosquitto
from link_client import LinkClient
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from controller.api.accounts import Accounts, Role
from controller.inputs.mock_pins import MockPinClient
from controller.inputs.mock_pins import default_address as pins_address
from controller.journal import open_reader
from controller.link import default_address
from torture import disk
from torture.cars import Car, Entry, without_one
from torture.lot import SITE
from torture.nursery import Life, Nursery
from torture.power import ROOT
from torture.row import Row

MORE = """
[[zone]]
name = "roof"
capacity = 1

[[bay]]
name = "R1"
zone = "roof"
mqtt = "bays/R1"
format = "json"
pointer = "/taken"

[mqtt]
host = "127.0.0.1"
port = {port}

[health]
chatter_changes = 10_000  # a car each half second looks like a loose contact, and no lane carries so many
"""
API = "\n[api]\nport = {port}\n"
PINS = (("outer", 17, False), ("inner", 27, False), ("outer", 17, True), ("inner", 27, True))
STEP_S = 0.11
READING_S = 0.1
CORRECTION_S = 0.45
SPEAKS_S = 30.0
SAME = 700
"""So many readings in a row say the same: a bay that changed more often than once a minute would not be believed."""


LEAST_COUNTED = 0.6
"""Of the cars: a kill cuts some off on the first loop, which is no passage. A thousand kills left 1,577 of 2,018."""
LEAST_CORRECTED = 0.5
"""Of the corrections sent: the others were answered with 503 or 504, or not at all, while nobody counted."""
LONG = 100
"""So many kills hit the moment between a journal's fsync and its PUBACK, surely."""


class _Worker(threading.Thread):
    """A thread whose exception is no secret: ``join`` raises it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._failed: BaseException | None = None

    def run(self) -> None:
        """Work, and keep what it fails with."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  raised where somebody sees it
            self._failed = error

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end; raises what it failed with."""
        super().join(timeout)
        if self._failed is not None:
            raise self._failed

    def _work(self) -> None:
        raise NotImplementedError


class _Readings(_Worker):
    """Publishes a bay's level ten times a second, each message with a number of its own."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.sent = 0
        self._ended = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _work(self) -> None:
        while not self._ended.wait(READING_S):
            payload = json.dumps({"reading": self.sent, "taken": self.sent // SAME % 2})
            self._client.publish("bays/R1", payload, 1).wait_for_publish(10)
            self.sent += 1

    def end(self) -> None:
        """Stop, when all that was sent is the broker's."""
        self._ended.set()
        self.join()
        self._client.disconnect()
        self._client.loop_stop()


class _Corrections(_Worker):
    """Corrects the count twice a second through the API; ``done`` are those that it answered with 200."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__()
        self.done: set[str] = set()
        self.sent = 0
        self._ended = threading.Event()
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=10.0
        )

    def _work(self) -> None:
        while not self._ended.wait(CORRECTION_S):
            self.sent += 1
            what = {"occupied": 100 + self.sent % 50, "reason": f"c{self.sent}"}
            with suppress(httpx.TransportError):
                answer = self._client.post("/api/v1/zones/customers/correction", json=what)
                assert answer.status_code in {200, 503, 504}, answer.text
                if answer.status_code == 200:
                    self.done.add(f"c{self.sent}")

    def end(self) -> None:
        """Stop, when the last answer is there."""
        self._ended.set()
        self.join()
        self._client.close()


class _Said(_Worker):
    """Listens to one counting process until its end; into ``told`` goes each passage that it tells of."""

    def __init__(self, address: str, told: set[tuple[float, str]]) -> None:
        super().__init__()
        self.repeated = 0
        """Messages that came again and were known to be the same."""
        self._address = address
        self._told = told
        self.start()

    def _work(self) -> None:
        with suppress(OSError), LinkClient(self._address) as link:
            while True:
                state = link.state()
                self._told |= {(p["at"], p["kind"]) for p in state["lot"]["passages"] if p["lane"] == "main"}
                self.repeated = int(state["inputs"]["repeated"])


class _Storm:
    """One counting process after the other; what was acknowledged, and what was found afterwards."""

    def __init__(self, folder: Path, site: Path, seed: int) -> None:
        self.state_dir, self.run_dir = folder / "state", folder / "run"
        self.state_dir.mkdir()
        self._log = folder / "log"
        self._nursery = Nursery(disk.built(folder), site, self.state_dir, self.run_dir, self._log)
        self._chance = random.Random(seed)
        self._lives = 0
        self._told: set[tuple[float, str]] = set()
        self.cars: list[Car] = []
        self.by_disk = self.repeated = self.entries = self.lost = self.doubled = 0
        self.slowest_s = 0.0
        self.findings: list[str] = []

    def close(self) -> None:
        """End whoever still lives."""
        self._nursery.close()

    def _start(self, dies_after: int | None) -> Life:
        """Start the process; return when it speaks, having looked at its pins, or is dead again."""
        self._lives += 1
        began = time.monotonic()
        life = self._nursery.start(dies_after)
        while not life.ended():
            with suppress(OSError), self._link() as link:
                link.state()
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                break
            assert time.monotonic() - began < SPEAKS_S, self._log.read_text()[-2000:]
            time.sleep(0.005)
        return life

    def storm(self) -> None:
        """Let traffic come until the process is killed, at a random moment."""
        by_disk = self._chance.random() < 0.5
        self.by_disk += by_disk
        life = self._start(self._chance.randrange(4, 30) if by_disk else None)
        said = _Said(default_address(self.run_dir), self._told)
        kill_at = time.monotonic() + (10.0 if by_disk else self._chance.uniform(0.0, 1.5))
        with suppress(OSError), MockPinClient(pins_address(self.run_dir)) as pins:
            while not life.ended() and time.monotonic() < kill_at:
                self._drive(pins, kill_at)
        life.end(signal.SIGKILL)
        said.join()
        self.repeated += said.repeated

    def _drive(self, pins: MockPinClient, kill_at: float) -> None:
        """Drive a car over the loops, if it gets that far."""
        if self.cars and self.cars[-1].life < self._lives:
            self.cars[-1].until = time.time()  # whatever it left behind was read as clear before
        car = Car(self._lives)
        self.cars.append(car)
        for loop, gpio, high in PINS:
            car.edges.append((time.time(), f"{loop} {'on' if high else 'off'}"))
            pins.set(gpio, high)
            car.until = time.time()
            time.sleep(max(0.0, min(STEP_S, kill_at - time.monotonic())))

    def finish(self, sent: int, corrected: set[str]) -> None:
        """Start for a last time, let everything come that waits, and examine the journal."""
        life = self._start(None)
        began = time.monotonic()
        while (readings := self._readings()).keys() != set(range(sent)) and time.monotonic() - began < SPEAKS_S:
            time.sleep(0.05)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        with self._link() as link:
            lot = link.state()["lot"]
        life.end(signal.SIGTERM)
        with closing(open_reader(self.state_dir / "journal.sqlite")) as db:
            reasons = Counter(reason for (reason,) in db.execute("SELECT reason FROM audit"))
            passed = [*db.execute("SELECT t, kind, began, wall, doubt FROM passage WHERE lane = 'main' ORDER BY id")]
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert next(b for b in lot["bays"] if b["name"] == "R1")["occupied"] is bool((sent - 1) // SAME % 2), (
            "the last stands"
        )
        self.findings += [f"reading {number}: {times} times" for number, times in readings.items() if times > 1]
        self.lost += len(set(range(sent)) - readings.keys()) + len(corrected - reasons.keys())
        self.doubled += sum(n - 1 for n in readings.values()) + sum(n - 1 for n in reasons.values())
        self._examine(passed, next(lane for lane in lot["lanes"] if lane["name"] == "main")["entries"])

    def _examine(self, passed: list[tuple[float, str, float, float, str | None]], tally: int) -> None:
        """Compare the journal's passages with what was told, with the cars, and with the tally."""
        gone = self._told - {(at, kind) for at, kind, *_ in passed}
        self.lost += len(gone)
        self.findings += [f"told, and not in the journal: {one}" for one in sorted(gone)]
        entries = [Entry(began, wall, doubt) for _, kind, began, wall, doubt in passed if kind == "entry"]
        self.entries = len(entries)
        for entry in (extra := without_one(entries, self.cars)):
            near = [car.describe() for car in self.cars if abs(car.edges[0][0] - entry.began) < 2.0]
            self.findings.append("\n  ".join((f"an entry without a car: {entry}", *near)))
        if tally != len(entries):
            self.findings.append(f"{tally} entries in the tally, {len(entries)} in the journal")
        self.doubled += len(extra) + max(0, tally - len(entries))
        self.lost += max(0, len(entries) - tally)

    def _readings(self) -> Counter[int]:
        with closing(open_reader(self.state_dir / "journal.sqlite")) as db:
            lines = [json.loads(line) for (line,) in db.execute("SELECT line FROM input WHERE line LIKE '%reading%'")]
        return Counter(json.loads(line["payload"])["reading"] for line in lines)

    def _link(self) -> LinkClient:
        return LinkClient(default_address(self.run_dir))


@contextmanager
def _web(folder: Path, site: Path) -> Iterator[str]:
    """Run the web process; yields a token that may correct."""
    tokens = folder / "web"
    with Accounts(tokens) as accounts:
        token = accounts.make_token("storm", Role.ATTENDANT, time.time())
    places = ("--state-dir", folder / "state", "--run-dir", folder / "run", "--token-dir", tokens)
    argv = [sys.executable, "-m", "controller", "web", str(site), *map(str, places)]
    with (folder / "web.log").open("ab") as log, subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log) as process:
        try:
            yield token
        finally:
            process.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def happened(kills: int, entries: tuple[int, int], corrections: tuple[int, int], repeated: int) -> None:
    """Fail unless so much came through that losing nothing means something; pairs are (what came through, of how many).

    AssertionError says what did not.
    """
    assert entries[0] >= LEAST_COUNTED * max(1, entries[1]), f"only {entries[0]} entries of {entries[1]} cars"
    assert corrections[0] >= LEAST_CORRECTED * max(1, corrections[1]), f"only {corrections[0]} of {corrections[1]} done"
    assert repeated or kills < LONG, f"nothing was sent again in {kills} kills: no PUBACK was ever missing"


def run(kills: int, seed: int) -> Row:
    """Kill the counting process so many times."""
    with tempfile.TemporaryDirectory() as name:
        folder, web = Path(name), _free_port()
        broker = Mosquitto(folder, "max_queued_messages 0")
        site = folder / "site.toml"
        site.write_text(SITE + MORE.format(port=broker.port) + API.format(port=web), "utf-8")
        storm = _Storm(folder, site, seed)
        readings = _Readings(broker.port)
        try:
            with _web(folder, site) as token:
                corrections = _Corrections(web, token)
                storm.storm()  # it is subscribed from here on
                readings.start()
                corrections.start()
                for number in range(1, kills):
                    storm.storm()
                    if number % 50 == 0:
                        sys.stderr.write(f"kills: {number}\n")
                readings.end()
                corrections.end()
            storm.finish(readings.sent, corrections.done)
            happened(kills, (storm.entries, len(storm.cars)), (len(corrections.done), corrections.sent), storm.repeated)
        finally:
            storm.close()
            broker.stop()
    for finding in storm.findings:
        sys.stderr.write(f"kills, seed {seed}: {finding}\n")
    told = f"{storm.entries:,} entries of {len(storm.cars):,} cars, {readings.sent:,} readings"
    told += f" ({storm.repeated:,} sent again after a kill before the PUBACK), {len(corrections.done):,} corrections"
    note = f"seed {seed}; {storm.by_disk} right after an fsync; {told}"
    return Row("kill -9 in a storm", kills, storm.lost, storm.doubled, storm.slowest_s, note)
