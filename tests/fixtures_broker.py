"""A real Mosquitto for the tests: ``broker`` is shared by a whole run, ``new_broker`` starts one that may be hurt."""

import contextlib
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

START_S = 10.0
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"
"""A client without a name (MQTT 3.1.1, section 3.1). What accepts a connection may not yet hear that it is to end: only
who answers this, be it by hanging up (a TLS listener), is in its loop."""


def until(condition: Callable[[], Any], within_s: float = 15.0) -> Any:
    """Wait for a condition; return what made it true."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s} s: {condition}")
        time.sleep(0.005)
    return found


class Mosquitto:
    """One broker in a child process on a free port of this machine; ``lines`` go into its configuration."""

    def __init__(self, directory: Path, *lines: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.host = "127.0.0.1"
        self._directory = directory
        self._log = directory / "mosquitto.log"
        self._config = directory / "mosquitto.conf"
        auth = () if any(line.startswith("allow_anonymous") for line in lines) else ("allow_anonymous true",)
        common = (f"listener {self.port} {self.host}", "user root", "persistence false", "log_type all")
        self._config.write_text("\n".join((*common, *auth, *lines, "")))
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program("mosquitto"), "-c", self._config], cwd=self._directory, stdout=log, stderr=log
            )
        until(self._answers, START_S)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)  # in case it is frozen: it hears the first one first
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Let it hang: connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def publish(self, topic: str, payload: str | bytes, *, qos: int = 1, retain: bool = False) -> None:
        publish.single(topic, payload, qos, retain, self.host, self.port)

    @contextlib.contextmanager
    def listen(self, *filters: str) -> Iterator["queue.SimpleQueue[MQTTMessage]"]:
        """Collect what comes on these topics; subscribed when it returns."""
        heard: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        subscribed = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2)

        def subscribe(*_: object) -> None:
            client.subscribe([(name, 1) for name in filters])

        client.on_connect = subscribe
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _client, _userdata, message: heard.put(message)
        client.connect(self.host, self.port)
        client.loop_start()
        try:
            assert subscribed.wait(START_S)
            yield heard
        finally:
            client.disconnect()
            client.loop_stop()

    def retained(self, topic: str) -> bytes:
        """What a newcomer hears first on a topic."""
        with self.listen(topic) as heard:
            payload = heard.get(timeout=START_S).payload
            return bytes(payload)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"mosquitto ended at once:\n{self.log}")
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1) as connection:
            connection.sendall(CONNECT)
            with contextlib.suppress(ConnectionResetError):
                connection.recv(1)
            return True
        return False


def program(name: str) -> str:
    """Find a program; Debian keeps mosquitto where only root looks."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if found is None:
        pytest.fail(f"{name} is missing: `make test` installs it, or `apt-get install mosquitto`")
    return found


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    running = Mosquitto(tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture
def new_broker(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    started: list[Mosquitto] = []

    def start(*lines: str) -> Mosquitto:
        directory = tmp_path / f"broker-{len(started)}"
        directory.mkdir()
        started.append(Mosquitto(directory, *lines))
        return started[-1]

    yield start
    for running in started:
        running.stop()
