"""What a broker and the network to it do: down, back with and without its memory, hung, slow, refusing, flooding.

The broker is a real Mosquitto, our side is the product's own connection, service and journal. Readings carry numbers;
whatever the broker took from a sensor (QoS 1) must be in the journal, once.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from fixtures_broker import Mosquitto
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from controller.clocks import Clocks
from controller.inputs.mqtt import MqttInputs
from controller.journal import open_reader
from controller.salvage import open_journal
from controller.site import MqttSpec, load
from torture.kills import MORE
from torture.lot import SITE, Counting
from torture.power import ROOT
from torture.row import Row

SHIPPED = ROOT / "deploy" / "mosquitto" / "parking.conf"
WITHIN_S = 30.0
"""In such a time all must be well again after the broker is back."""


@dataclass
class Now:
    """The machine's own clocks, as ``Counting`` wants them."""

    synchronised: bool = True

    @property
    def monotonic(self) -> float:
        """Now (s)."""
        return time.monotonic()

    def clocks(self) -> Clocks:
        """Return them."""
        return Clocks()


def waited(condition: Callable[[], object], what: str, within_s: float = WITHIN_S) -> float:
    """Wait for a condition; return for how long (s)."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"{what}: not within {within_s} s"
        time.sleep(0.01)
    return time.monotonic() - began


def readings(journal: Path) -> Counter[int]:
    """Return how often each reading is in the journal."""
    with closing(open_reader(journal)) as db:
        lines = [json.loads(line) for (line,) in db.execute("SELECT line FROM input WHERE line LIKE '%reading%'")]
    return Counter(json.loads(line["payload"])["reading"] for line in lines)


class Sensor:
    """Publishes numbered readings with QoS 1; ``taken`` are those that the broker acknowledged."""

    def __init__(self, port: int) -> None:
        self.taken: set[int] = set()
        self._number = 0
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(1000)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, times: int) -> None:
        """Publish so many readings, and wait until the broker has them."""
        sent = []
        for _ in range(times):
            payload = json.dumps({"reading": self._number, "taken": self._number % 2})
            sent.append((self._number, self._client.publish("bays/R1", payload, 1)))
            self._number += 1
        for number, message in sent:
            message.wait_for_publish(60)
            self.taken.add(number)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


@dataclass
class Trial:
    """A broker, our side, and what came of it."""

    folder: Path
    broker: Mosquitto
    spec: MqttSpec
    password: str | None = None
    recovered_s: float = 0.0
    sent: set[int] = field(default_factory=set)

    @property
    def journal(self) -> Path:
        """Where the journal is."""
        return self.folder / "journal.sqlite"

    @contextmanager
    def counting(self, *, wait: bool = True) -> Iterator[MqttInputs]:
        """Count, with a connection to the broker."""
        path = self.folder / "site.toml"
        path.write_text(SITE + MORE.format(port=self.broker.port), "utf-8")
        site = load(path)
        service = Counting(site, lambda: open_journal(self.journal), Now())  # type: ignore[arg-type]
        inputs = MqttInputs(self.spec, site.sensors, put=service.service.put, password=self.password)
        inputs.start()
        try:
            if wait:
                waited(lambda: inputs.report()["connected"], "connected")
                waited(lambda: "Received SUBSCRIBE" in self.broker.log or "SUBACK" in self.broker.log, "subscribed")
            yield inputs
        finally:
            inputs.close()
            service.stop()

    def arrive(self, sent: set[int]) -> None:
        """Wait until all of these are in the journal."""
        self.recovered_s = max(
            self.recovered_s, waited(lambda: readings(self.journal).keys() >= sent, "all arrived", 60.0)
        )


class Relay:
    """A network between us and the broker that can be slow, or carry nothing while connections stay open."""

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self.dead = threading.Event()
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(("127.0.0.1", self._to))
                for one, other in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._carry, args=(one, other, self.dead), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, dead: threading.Event) -> None:
        with suppress(OSError), one, other:
            while data := one.recv(65536):
                if dead.is_set():  # this connection is half open for ever; a new one is another
                    threading.Event().wait(60)
                    return
                time.sleep(self.delay_s)
                other.sendall(data)


def down(trial: Trial, *, keeps: bool, down_s: float) -> None:
    """Stop the broker, and start it again: with its memory, queued readings come; without, whatever comes from then."""
    sensor = Sensor(trial.broker.port)
    with trial.counting():
        sensor.publish(20)
        trial.arrive(sensor.taken)
    if keeps:
        sensor.publish(100)  # they wait at the broker
    sensor.close()
    trial.broker.stop()
    with trial.counting(wait=False) as inputs:
        waited(lambda: inputs.report()["last_error"], "it says that there is no broker")
        time.sleep(down_s)  # the time that a broker is down is no waiting for anything
        before = trial.broker.log.count("SUBACK")
        trial.broker.start()
        trial.recovered_s = waited(lambda: inputs.report()["connected"], "connected again")
        waited(lambda: trial.broker.log.count("SUBACK") > before, "subscribed again")
        again = Sensor(trial.broker.port)
        again._number = len(sensor.taken)  # noqa: SLF001
        again.publish(20)
        again.close()
        trial.sent = sensor.taken | again.taken
        trial.arrive(trial.sent)


def half_open(trial: Trial) -> None:
    """Carry nothing any more, while the connection stays open; a new one is carried."""
    relay = Relay(trial.broker.port)
    trial.spec = MqttSpec(host="127.0.0.1", port=relay.port)
    with trial.counting() as inputs:
        dead, relay.dead = relay.dead, threading.Event()
        dead.set()
        sensor = Sensor(trial.broker.port)
        sensor.publish(50)
        trial.sent = sensor.taken
        began = time.monotonic()
        trial.arrive(sensor.taken)
        trial.recovered_s = time.monotonic() - began
        assert inputs.report()["reconnects"] >= 1
        sensor.close()
    relay.close()


def slow(trial: Trial, *, delay_s: float) -> None:
    """Carry every packet late."""
    relay = Relay(trial.broker.port)
    relay.delay_s = delay_s
    trial.spec = MqttSpec(host="127.0.0.1", port=relay.port)
    with trial.counting() as inputs:
        sensor = Sensor(trial.broker.port)
        sensor.publish(100)
        trial.sent = sensor.taken
        trial.arrive(sensor.taken)
        assert inputs.report()["reconnects"] == 0, "slow is not gone"
        sensor.close()
    relay.close()


def wrong_password(folder: Path) -> Trial:
    """Refuse us, until the broker learns our password."""
    passwords = folder / "passwords"

    def allowed(word: str) -> None:
        passwords.write_text(f"count:{word}\n")
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)

    allowed("another")
    broker = Mosquitto(folder, "allow_anonymous false", f"password_file {passwords}")
    trial = Trial(folder, broker, MqttSpec(host="127.0.0.1", port=broker.port, username="count"), "s3cret-w0rd")
    with trial.counting(wait=False) as inputs:
        waited(lambda: "refuses the user 'count'" in str(inputs.report()["last_error"]), "it says so")
        allowed("s3cret-w0rd")
        broker.stop()
        broker.start()
        trial.recovered_s = waited(lambda: inputs.report()["connected"], "connected")
    return trial


def untrusted(folder: Path, *, expired: bool) -> Trial:
    """Show a certificate that is expired, or that nobody we know signed; then a good one."""
    good, bad = folder / "good", folder / "bad"
    for directory, days in ((good, 2), (bad, -1 if expired else 2)):
        directory.mkdir()
        certificate(directory, days)
    ca = folder / "ca.pem"
    ca.write_bytes((good / "cert.pem").read_bytes() + ((bad / "cert.pem").read_bytes() if expired else b""))
    served = folder / "served"
    shutil.copytree(bad, served)
    broker = Mosquitto(folder, f"certfile {served / 'cert.pem'}", f"keyfile {served / 'key.pem'}")
    trial = Trial(folder, broker, MqttSpec(host="127.0.0.1", port=broker.port, tls=True, ca_file=ca))
    with trial.counting(wait=False) as inputs:
        waited(lambda: "certificate is not trusted" in str(inputs.report()["last_error"]), "it says so")
        assert not inputs.report()["connected"]
        broker.stop()
        shutil.rmtree(served)
        shutil.copytree(good, served)
        broker.start()
        trial.recovered_s = waited(lambda: inputs.report()["connected"], "connected")
    return trial


def certificate(folder: Path, days: int) -> None:
    """Make a key and a certificate for this machine that signs itself, for so many days from now."""
    key = "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
    key += " -keyout key.pem -out csr.pem"
    subprocess.run(["openssl", *key.split()], cwd=folder, check=True, capture_output=True)
    (folder / "more").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:true\n")
    sign = f"x509 -req -in csr.pem -signkey key.pem -days {days} -extfile more -out cert.pem"
    subprocess.run(["openssl", *sign.split()], cwd=folder, check=True, capture_output=True)


def burst(trial: Trial, *, messages: int) -> None:
    """Let so many readings wait at the broker while nobody counts."""
    with trial.counting():
        pass
    sensor = Sensor(trial.broker.port)
    sensor.publish(messages)
    sensor.close()
    trial.sent = sensor.taken
    with trial.counting():
        trial.arrive(sensor.taken)


def shipped(folder: Path) -> Mosquitto:
    """Start Mosquitto with the limits of our configuration."""
    limits = ("max_", "autosave", "persistent_client", "set_tcp")
    return Mosquitto(folder, *(line for line in SHIPPED.read_text().splitlines() if line.startswith(limits)))


def run(*, long: bool) -> list[Row]:
    """Make all trials; those that take their time only when ``long``."""
    rows = []

    def trial(name: str, make: Callable[[Path], Trial]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            done = make(Path(folder))
            done.broker.stop()
            found = readings(done.journal) if done.sent else Counter[int]()
            lost, doubled = len(done.sent - found.keys()), sum(n - 1 for n in found.values())
            rows.append(Row(f"MQTT: {name}", max(1, len(done.sent)), lost, doubled, done.recovered_s))

    def plain(what: Callable[..., None], *lines: str, **options: object) -> Callable[[Path], Trial]:
        def make(folder: Path) -> Trial:
            if "persistence true" in lines:
                lines_here: tuple[str, ...] = (*lines, f"persistence_location {folder}/")
            else:
                lines_here = lines
            broker = Mosquitto(folder, "max_queued_messages 0", *lines_here)
            made = Trial(folder, broker, MqttSpec(host="127.0.0.1", port=broker.port))
            what(made, **options)
            return made

        return make

    def burst_of(messages: int) -> Callable[[Path], Trial]:
        def make(folder: Path) -> Trial:
            broker = shipped(folder)
            made = Trial(folder, broker, MqttSpec(host="127.0.0.1", port=broker.port))
            burst(made, messages=messages)
            return made

        return make

    down_s = 25.0 if long else 1.0  # then the pause between attempts is at its longest, as after a day
    trial("broker back with its memory", plain(down, "persistence true", keeps=True, down_s=down_s))
    trial("broker back without it", plain(down, keeps=False, down_s=down_s))
    trial("wrong password, then the right one", wrong_password)
    trial("certificate expired, then a good one", lambda folder: untrusted(folder, expired=True))
    trial("certificate unknown, then a good one", lambda folder: untrusted(folder, expired=False))
    trial("burst, with our broker configuration", burst_of(5000 if long else 1500))
    if long:
        trial("half-open connection", plain(half_open))
        trial("slow network (0.3 s a packet)", plain(slow, delay_s=0.3))
    return rows
