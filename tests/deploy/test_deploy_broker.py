"""The shipped Mosquitto configuration, in a real Mosquitto."""

import queue
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto"
PASSWORDS = {"parking-controller": "a", "lane-main": "b", "reader": "c"}

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Start Mosquitto as shipped, only its paths and its port are others."""
    folder = tmp_path_factory.mktemp("mosquitto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    text = (SHIPPED / "parking.conf").read_text()
    text = text.replace("/etc/mosquitto/", f"{folder}/").replace("listener 1883", f"listener {port}")
    (folder / "parking.conf").write_text(text + "\nuser root\n")
    shutil.copy(SHIPPED / "parking.acl", folder)
    passwords = folder / "parking.passwd"
    passwords.write_text("".join(f"{user}:{password}\n" for user, password in PASSWORDS.items()))
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
    with subprocess.Popen(["mosquitto", "-c", str(folder / "parking.conf")], stderr=subprocess.DEVNULL) as broker:
        try:
            wait_for(port)
            yield port
        finally:
            broker.terminate()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "Mosquitto does not start with the shipped configuration"
            time.sleep(0.02)
        else:
            return


class Client:
    """A connected client; what it hears is in ``heard``, the broker's answer to its connect in ``answer``."""

    def __init__(self, port: int, user: str | None) -> None:
        self.heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        if user is not None:
            self.client.username_pw_set(user, PASSWORDS.get(user, "wrong"))
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.said.put(str(reason))
        self.client.on_subscribe = lambda *_: self.said.put("subscribed")
        self.client.on_message = lambda _c, _u, message: self.heard.put((message.topic, bytes(message.payload)))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.answer = self.said.get(timeout=5)

    def subscribe(self, topic: str) -> None:
        self.client.subscribe(topic, qos=1)
        assert self.said.get(timeout=5) == "subscribed"

    def publish(self, topic: str, payload: str) -> None:
        self.client.publish(topic, payload, qos=1).wait_for_publish(timeout=5)


@contextmanager
def connected(port: int, user: str | None) -> Iterator[Client]:
    client = Client(port, user)
    try:
        yield client
    finally:
        client.client.disconnect()
        client.client.loop_stop()


@pytest.mark.parametrize("user", [None, "stranger"])
def test_nobody_gets_in_without_a_name_and_its_password(port: int, user: str | None) -> None:
    with connected(port, user) as stranger:
        assert stranger.answer == "Not authorized"


def test_a_lanes_node_writes_its_own_topics_and_no_others(port: int) -> None:
    with connected(port, "parking-controller") as controller:
        controller.subscribe("#")
        for topic in ("lot/other/outer", "parking/zone/customers/state", "application/1/device/2/event/up"):
            forge(port, "lane-main", topic)
        with connected(port, "lane-main") as node:
            node.publish("lot/main/outer", "ON")
        assert controller.heard.get(timeout=5) == ("lot/main/outer", b"ON")


def test_a_reader_hears_the_state_and_cannot_write_it(port: int) -> None:
    with connected(port, "parking-controller") as controller, connected(port, "reader") as reader:
        reader.subscribe("#")
        forge(port, "reader", "parking/zone/customers/state")
        controller.publish("parking/zone/customers/state", "true")
        assert reader.heard.get(timeout=5) == ("parking/zone/customers/state", b"true")


def forge(port: int, user: str, topic: str) -> None:
    """Publish where this user may not; Mosquitto acknowledges it, drops it, and closes the connection."""
    with connected(port, user) as forger:
        forger.publish(topic, "forged")
