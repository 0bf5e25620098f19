"""A sign on a machine of its own, end to end: a real Mosquitto with its rights, real processes, a model of the chips.

``make test`` hurts each part once; ``make test-sign-cycles`` more often, and prints how long the chips stayed lit.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from chips_seen import Chips
from fixtures_broker import Mosquitto, until
from fixtures_site import LANE_SITE, ROOT, Product, edited
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from controller.sign import frames, readback

CYCLES = max(1, int(os.environ.get("PARKING_SIGN_CYCLES", "1")) // 10)
PASSWORDS = {"parking-controller": "a", "sign-gate": "b", "thief": "c"}
ACL = (ROOT / "deploy" / "mosquitto" / "parking.acl").read_text("utf-8")
FRAMES, ASKS = frames.frame_topic("parking", "gate"), frames.ask_topic("parking", "gate")

pytestmark = [pytest.mark.broker, pytest.mark.timeout(90 + 120 * CYCLES)]


@dataclass
class Site:
    """Everything that runs."""

    folder: Path
    broker: Mosquitto
    product: Product
    far: Path

    def shown(self) -> readback.Shown | None:
        return readback.read(self.product.run_dir, "gate")


@pytest.fixture
def site(tmp_path: Path, new_broker: Callable[..., Mosquitto]) -> Iterator[Site]:
    passwords, acl = tmp_path / "passwd", tmp_path / "acl"
    passwords.write_text("".join(f"{user}:{word}\n" for user, word in PASSWORDS.items()))
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
    acl.write_text(ACL + "\nuser thief\ntopic readwrite #\n")
    broker = new_broker("allow_anonymous false", f"password_file {passwords}", f"acl_file {acl}")
    for user, word in PASSWORDS.items():
        (tmp_path / f"{user}.password").write_text(word)
    text = edited(LANE_SITE, 'name = "entrance"', 'name = "gate"')
    text = edited(text, 'driver = "emulator"', 'driver = "mqtt"')
    path = tmp_path / "site.toml"
    path.write_text(text + mqtt(broker, "parking-controller"))
    far = tmp_path / "far.toml"
    panel = '[[sign]]\nname = "gate"\ndriver = "max7219"\nwidth = 64\nheight = 16\narrows = "right"\n'
    far.write_text(panel + mqtt(broker, "sign-gate"))
    product = Product(tmp_path, path)
    yield Site(tmp_path, broker, product, far)
    product.end()


def mqtt(broker: Mosquitto, user: str) -> str:
    where = f'host = "{broker.host}"\nport = {broker.port}'
    return f'\n[mqtt]\n{where}\nusername = "{user}"\npassword_file = "{user}.password"\n'


class Thief:
    """Hears and says whatever it likes, as only somebody with the broker's own rights can."""

    def __init__(self, broker: Mosquitto, user: str = "thief") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.username_pw_set(user, PASSWORDS[user])
        self.client.on_message = self._keep
        self.client.on_connect = self._listen
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def _listen(self, *_: object) -> None:
        self.client.subscribe([("parking/_signs/#", 0)])

    def _keep(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))

    def wait_for(self, topic: str, more: int) -> None:
        """Wait until so many further messages came on a topic."""
        before = sum(name == topic for name, _ in self.heard)
        until(lambda: sum(name == topic for name, _ in self.heard) >= before + more)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_the_sign_is_dark_in_time_whatever_is_hurt_and_comes_back(site: Site) -> None:
    chips = Chips("far_child.py", str(site.far))
    took: dict[str, list[float]] = {}
    try:
        assert chips.next("dark")
        sender = site.product.start("sign", "run")
        count = site.product.start("count")
        chips.next("lit")
        for _ in range(CYCLES):
            said = time.monotonic()
            count.kill()
            count.wait()
            took.setdefault("count killed", []).append(chips.next("dark") - said)
            count = site.product.start("count")
            chips.next("lit")

            said = time.monotonic()
            site.broker.stop(signal.SIGKILL)
            took.setdefault("broker killed", []).append(chips.next("dark") - said)
            why = until(lambda: (s := site.shown()) is not None and not s.lit and s.why_dark)
            assert why.startswith("not reached over MQTT: broker ")
            site.broker.start()
            chips.next("lit")

            said = time.monotonic()
            count.send_signal(signal.SIGSTOP)
            took.setdefault("count stopped", []).append(chips.next("dark") - said)
            count.send_signal(signal.SIGCONT)
            chips.next("lit")
            until(lambda: (s := site.shown()) is not None and s.lit)

            said = time.monotonic()
            sender.send_signal(signal.SIGSTOP)
            took.setdefault("sign process of the controller stopped", []).append(chips.next("dark") - said)
            sender.send_signal(signal.SIGCONT)
            chips.next("lit")

            said = time.monotonic()
            site.broker.freeze()
            took.setdefault("broker frozen", []).append(chips.next("dark") - said)
            site.broker.stop(signal.SIGKILL)
            site.broker.start()
            chips.next("lit")
    finally:
        chips.end()
    for what, seconds in took.items():
        sys.stdout.write(f"far sign, {what}: dark after {max(seconds):.2f} s at most of {len(seconds)}\n")
    assert max(took.pop("count killed")) <= 1.0
    assert max(max(seconds) for seconds in took.values()) <= 3.5


def test_what_was_recorded_or_retained_never_lights_it(site: Site) -> None:
    chips = Chips("far_child.py", str(site.far))
    thief = Thief(site.broker)
    try:
        assert chips.next("dark")
        sender = site.product.start("sign", "run")
        count = site.product.start("count")
        chips.next("lit")
        thief.wait_for(FRAMES, 3)
        sender.kill()
        sender.wait()
        count.kill()
        count.wait()
        chips.next("dark")
        recorded = [payload for topic, payload in thief.heard if topic == FRAMES and b'"rows":"' in payload]
        assert len(recorded) >= 3
        for payload in recorded:
            thief.client.publish(FRAMES, payload, qos=1, retain=True).wait_for_publish(5)
        thief.wait_for(ASKS, 3)  # it has looked at them: it goes on asking in between
        assert chips.still()
        chips.end()
        chips = Chips("far_child.py", str(site.far))
        assert chips.next("dark")
        thief.wait_for(ASKS, 3)  # the retained one was the first that it heard
        assert chips.still()
        site.product.start("count")
        site.product.start("sign", "run")
        chips.next("lit")
    finally:
        thief.close()
        chips.end()


def test_a_sign_may_ask_for_itself_and_nothing_else(site: Site) -> None:
    gate, all_ears = Thief(site.broker, "sign-gate"), Thief(site.broker)
    try:
        until(lambda: gate.client.is_connected() and all_ears.client.is_connected())
        for topic in (FRAMES, "parking/_signs/exit/ask", "parking/_signs/exit/frame", "parking/customers/state"):
            gate.client.publish(topic, "x", qos=0)
        gate.client.publish(ASKS, "mine", qos=0)
        until(lambda: all_ears.heard)  # a connection's messages stay in order: the others would have come before
        assert all_ears.heard == [(ASKS, b"mine")]
    finally:
        gate.close()
        all_ears.close()
