"""``kill -9`` at random moments of a storm, restart, compare: nothing that was acknowledged is lost, or there twice.

The counting process is real, and so are the broker, the pins' socket and the link. About 20 events a second come: cars
over the pins, readings by MQTT (QoS 1), and corrections. Every other kill comes from the disk under the journal, right
after an fsync: what was written is durable, and nobody has been told yet.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

from fixtures_broker import Mosquitto
from link_client import LinkClient
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from controller.inputs.mock_pins import MockPinClient
from controller.inputs.mock_pins import default_address as pins_address
from controller.journal import open_reader
from controller.link import Json, default_address
from torture import disk
from torture.lot import SITE
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
chatter_changes = 1000  # a car each half second looks like a loose contact, which would count nothing
"""
PINS = (("outer", 17, False), ("inner", 27, False), ("outer", 17, True), ("inner", 27, True))
STEP_S = 0.11
READING_S = 0.1
SPEAKS_S = 30.0


class _Readings(threading.Thread):
    """Publishes a bay's level ten times a second, each message with a number of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self._ended = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def run(self) -> None:
        while not self._ended.wait(READING_S):
            payload = json.dumps({"reading": self.sent, "taken": self.sent % 2})
            self._client.publish("bays/R1", payload, 1).wait_for_publish(10)
            self.sent += 1

    def end(self) -> None:
        """Stop, when all that was sent is the broker's."""
        self._ended.set()
        self.join()
        self._client.disconnect()
        self._client.loop_stop()


class _Said(threading.Thread):
    """Listens to one counting process until its end; ``entries`` is what it said last."""

    def __init__(self, address: str, entries: int) -> None:
        super().__init__(daemon=True)
        self.entries = entries
        self._address = address
        self.start()

    def run(self) -> None:
        with suppress(OSError), LinkClient(self._address) as link:
            while True:
                self.entries = max(self.entries, _entries(link.state()))


def _entries(state: Json) -> int:
    return next(int(lane["entries"]) for lane in state["lot"]["lanes"] if lane["name"] == "main")


class _Storm:
    """One counting process, again and again; what was acknowledged, and what was found afterwards."""

    def __init__(self, folder: Path, port: int, seed: int) -> None:
        self.state_dir, self.run_dir = folder / "state", folder / "run"
        self.state_dir.mkdir()
        self._site = folder / "site.toml"
        self._site.write_text(SITE + MORE.format(port=port), "utf-8")
        self._log = folder / "log"
        self._library = disk.built(folder)
        self._chance = random.Random(seed)
        self.corrected: set[str] = set()
        self._corrections = 0
        self._undecided = self.cars = 0
        self.entries = self.lost = self.doubled = 0
        self.slowest_s = 0.0
        self.findings: list[str] = []

    def start(self, dies_after: int | None) -> tuple[subprocess.Popen[bytes], Json]:
        """Start the process; return it with the first state it tells, once it has looked at its pins."""
        environment = disk.environment(self._library, self.state_dir, None)
        if dies_after is not None:
            environment["DISK_DIES"] = str(dies_after)
        folders = ("--state-dir", str(self.state_dir), "--run-dir", str(self.run_dir))
        began = time.monotonic()
        with self._log.open("ab") as log:
            argv = [sys.executable, "-m", "controller", "count", str(self._site), *folders]
            process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)
        while True:
            with suppress(OSError), self._link() as link:
                state = link.state()
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                return process, state
            if process.poll() is not None:
                return process, {}
            assert time.monotonic() - began < SPEAKS_S, self._log.read_text()[-2000:]
            time.sleep(0.005)

    def storm(self) -> None:
        """Let traffic come until the process is killed, at a random moment."""
        by_disk = self._chance.random() < 0.5
        process, state = self.start(self._chance.randrange(4, 40) if by_disk else None)
        base = _entries(state) if state else self.entries
        self._compare(base)
        begun = 0
        said = _Said(default_address(self.run_dir), base)
        kill_at = time.monotonic() + (10.0 if by_disk else self._chance.uniform(0.0, 1.5))
        with suppress(OSError), MockPinClient(pins_address(self.run_dir)) as pins:
            while process.poll() is None and time.monotonic() < kill_at:
                begun += 1
                self.cars += 1
                for _, gpio, high in PINS:
                    pins.set(gpio, high)
                    time.sleep(max(0.0, min(STEP_S, kill_at - time.monotonic())))
                self._correct()
        process.send_signal(signal.SIGKILL)
        process.wait()
        said.join()
        self._said, self._most = said.entries, base + self._undecided + begun
        # Cars on the loops at the kill, or just off them: the next start may count them yet, while what this one
        # counted may have been such a car of before.
        self._undecided = min(2, max(0, self._most - said.entries))

    def _compare(self, found: int) -> None:
        """See whether the entries of before the kill are there, and no others."""
        if not hasattr(self, "_said"):
            return
        if not self._said <= found <= self._most:
            self.findings.append(f"{found} entries, not {self._said} to {self._most}")
        self.lost += max(0, self._said - found)
        self.doubled += max(0, found - self._most)
        self.entries = found

    def _correct(self) -> None:
        self._corrections += 1
        who = f"c{self._corrections}"
        with self._link() as link:
            if link.command(do="correct", zone="customers", occupied=100 + self._corrections % 50, by=who) is None:
                self.corrected.add(who)

    def finish(self, sent: int) -> None:
        """Start for a last time, let everything come that waits, and examine the journal."""
        process, state = self.start(None)
        self._compare(_entries(state))
        began = time.monotonic()
        while (readings := self._readings()).keys() != set(range(sent)) and time.monotonic() - began < SPEAKS_S:
            time.sleep(0.05)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        with self._link() as link:
            bays = {bay["name"]: bay["occupied"] for bay in link.state()["lot"]["bays"]}
        process.terminate()
        process.wait()
        with closing(open_reader(self.state_dir / "journal.sqlite")) as db:
            who = Counter(name for (name,) in db.execute("SELECT who FROM audit"))
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert bays["R1"] is bool((sent - 1) % 2), "the last reading stands"
        self.findings += [f"reading {number}: {times} times" for number, times in readings.items() if times > 1]
        self.lost += len(set(range(sent)) - readings.keys()) + len(self.corrected - who.keys())
        self.doubled += sum(n - 1 for n in readings.values()) + sum(n - 1 for n in who.values())

    def _readings(self) -> Counter[int]:
        with closing(open_reader(self.state_dir / "journal.sqlite")) as db:
            lines = [json.loads(line) for (line,) in db.execute("SELECT line FROM input WHERE line LIKE '%reading%'")]
        return Counter(json.loads(line["payload"])["reading"] for line in lines)

    def _link(self) -> LinkClient:
        key = self.state_dir / "command.key"
        address = default_address(self.run_dir)
        return LinkClient(address, key=key.read_text("ascii").strip() if key.exists() else "")


def run(kills: int, seed: int) -> Row:
    """Kill the counting process so many times."""
    with tempfile.TemporaryDirectory() as name:
        broker = Mosquitto(Path(name), "max_queued_messages 0")
        readings = _Readings(broker.port)
        storm = _Storm(Path(name), broker.port, seed)
        try:
            storm.storm()  # it is subscribed from here on
            readings.start()
            for _ in range(kills - 1):
                storm.storm()
            readings.end()
            storm.finish(readings.sent)
        finally:
            broker.stop()
    for finding in storm.findings:
        sys.stderr.write(f"kills, seed {seed}: {finding}\n")
    assert storm.entries <= storm.cars, f"{storm.entries} passages of {storm.cars} cars"
    counts = f"{storm.entries:,} passages of {storm.cars:,} cars, {readings.sent:,} readings"
    note = f"seed {seed}; {counts}, {len(storm.corrected):,} corrections"
    return Row("kill -9 in a storm", kills, storm.lost, storm.doubled, storm.slowest_s, note)
