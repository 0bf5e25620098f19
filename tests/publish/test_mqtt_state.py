"""What others hear of the lot on a real Mosquitto, in good days and bad."""

import dataclasses
import itertools
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_broker import Mosquitto, until
from paho.mqtt.client import MQTTMessage

from controller.domain.report import (
    LotReport,
    Message,
    MessageKind,
    Reason,
    SignReport,
    Status,
    ZoneReport,
)
from controller.inputs import neighbours
from controller.publish.mqtt import MqttState
from controller.site import MqttSpec

pytestmark = pytest.mark.broker

EPOCH = 1_795_383_600.25  # 2026-11-22T21:40:00.250Z
_NUMBERS = itertools.count()


@pytest.fixture
def spec(broker: Mosquitto) -> MqttSpec:
    return spec_of(broker)


def spec_of(broker: Mosquitto) -> MqttSpec:
    name = f"state-{next(_NUMBERS)}"
    return MqttSpec(host=broker.host, port=broker.port, client_id=name, prefix=f"{name}/lot")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    until(lambda: not any(thread.name.startswith("paho-mqtt-client-state") for thread in threading.enumerate()))


def envelope(free: int | None, *, at: float = 3.0, staff: int = 5) -> dict[str, Any]:
    """Make a state as the count process sends it: 40 spaces for customers with a sign, 10 for staff without."""
    status = Status.UNKNOWN if free is None else Status.FULL if free == 0 else Status.OPEN
    text = {None: "P", 0: "brak wolnych miejsc"}.get(free, str(free))
    kind = MessageKind.UNCERTAIN if free is None else MessageKind.NUMBER
    reason = Reason.NEVER_COUNTED if free is None else Reason.COUNTED
    occupied = None if free is None else 40 - free
    customers = ZoneReport("customers", 40, "lanes", occupied, occupied, free, free, free, 1.0, status, reason, at)
    others = ZoneReport(
        "staff", 10, "bays", 10 - staff, None, staff, staff - 1, staff + 1, None, Status.OPEN, Reason.BAYS, 1.0
    )
    sign = SignReport("entrance", "customers", Message(kind, text, free, reason), at, ("a car came",))
    lot = LotReport("Test", at, (customers, others), (), (), (sign,), (), ())
    state = {"type": "state", "sent": time.monotonic(), "ttl_s": 3.0, "epoch": EPOCH, "lot": dataclasses.asdict(lot)}
    return dict(json.loads(json.dumps(state)))


def ready(state: MqttState) -> None:
    until(lambda: state.report()["connected"], within_s=30)


def value(message: MQTTMessage) -> Any:
    return json.loads(message.payload)


def test_a_newcomer_hears_the_state_of_each_zone_at_once(broker: Mosquitto, spec: MqttSpec) -> None:
    with MqttState(spec, password=None) as state:
        state.publish(envelope(3))
        ready(state)

        assert json.loads(broker.retained(f"{spec.prefix}/customers/state")) == {
            "free": 3,
            "capacity": 40,
            "occupied": 37,
            "low": 3,
            "high": 3,
            "status": "OPEN",
            "reason": "counted",
            "message": "3",
            "time": "2026-11-22T21:40:03.250Z",
        }
        staff = json.loads(broker.retained(f"{spec.prefix}/staff/state"))
        assert (staff["free"], staff["low"], staff["high"], staff["message"]) == (5, 4, 6, None)
        assert broker.retained(f"{spec.prefix}/status") == b"online"


@pytest.mark.parametrize(("free", "told", "is_open"), [(3, 3, True), (0, None, False), (None, None, True)])
def test_another_lots_sign_understands_it(
    broker: Mosquitto,
    spec: MqttSpec,
    free: int | None,
    told: int | None,
    is_open: bool,  # noqa: FBT001  a column of the table
) -> None:
    with MqttState(spec, password=None) as state:
        state.publish(envelope(free))
        ready(state)
        heard = neighbours.decode("p2", broker.retained(f"{spec.prefix}/customers/state"), 5.0)
    assert (heard.free, heard.open, heard.sent_at) == (told, is_open, EPOCH + 3.0)


def test_a_count_that_is_not_trusted_is_null(broker: Mosquitto, spec: MqttSpec) -> None:
    with MqttState(spec, password=None) as state:
        state.publish(envelope(None))
        ready(state)
        heard = json.loads(broker.retained(f"{spec.prefix}/customers/state"))

    assert (heard["free"], heard["occupied"], heard["low"], heard["high"]) == (None, None, None, None)
    assert (heard["status"], heard["message"]) == ("UNKNOWN", "P")


def test_what_did_not_change_is_said_again_every_minute(broker: Mosquitto, spec: MqttSpec) -> None:
    with MqttState(spec, password=None) as state:
        first = envelope(3)
        state.publish(first)
        ready(state)
        for later, at in ((59.0, 4.0), (61.0, 5.0)):
            state.publish({**envelope(3, at=at), "sent": first["sent"] + later})
        topic = f"{spec.prefix}/customers/state"
        until(lambda: json.loads(broker.retained(topic))["time"] == "2026-11-22T21:40:05.250Z")


def test_only_what_changed_is_sent(broker: Mosquitto, spec: MqttSpec) -> None:
    with MqttState(spec, password=None) as state, broker.listen(f"{spec.prefix}/+/state") as heard:
        ready(state)
        for moment, (free, staff) in enumerate([(3, 5), (3, 5), (2, 5), (2, 5), (2, 4), (0, 4)]):
            state.publish(envelope(free, staff=staff, at=float(moment)))
        messages = [heard.get(timeout=10) for _ in range(5)]

        assert [(message.topic.split("/")[-2], value(message)["free"]) for message in messages] == [
            ("customers", 3),
            ("staff", 5),
            ("customers", 2),
            ("staff", 4),
            ("customers", 0),
        ]
        assert value(messages[4])["message"] == "brak wolnych miejsc"
        assert value(messages[4])["time"] == "2026-11-22T21:40:05.250Z"
        assert heard.empty()


def test_the_state_is_sent_with_acknowledgement(broker: Mosquitto, spec: MqttSpec) -> None:
    with MqttState(spec, password=None) as state:
        state.publish(envelope(3))
        ready(state)
        sent = re.compile(rf"d0, q1, r1, m\d+, '{re.escape(spec.prefix)}/customers/state'")
        until(lambda: sent.search(broker.log))


def test_closing_says_offline(broker: Mosquitto, spec: MqttSpec) -> None:
    with MqttState(spec, password=None) as state, broker.listen(f"{spec.prefix}/status") as heard:
        ready(state)
        assert heard.get(timeout=10).payload == b"online"
        started = time.monotonic()
        state.close()
        assert time.monotonic() - started < 1.0
        assert heard.get(timeout=10).payload == b"offline"
    assert broker.retained(f"{spec.prefix}/status") == b"offline"


def test_killing_the_process_says_offline_by_its_last_will(broker: Mosquitto, spec: MqttSpec) -> None:
    script = f"""
from controller.publish.mqtt import MqttState
from controller.site import MqttSpec
import time
spec = MqttSpec(host={spec.host!r}, port={spec.port}, client_id="killed", prefix={spec.prefix!r})
state = MqttState(spec, password=None)
time.sleep(60)
"""
    with (
        broker.listen(f"{spec.prefix}/status") as heard,
        subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2]) as process,
    ):
        assert heard.get(timeout=30).payload == b"online"
        process.send_signal(signal.SIGKILL)
        assert heard.get(timeout=10).payload == b"offline"
    assert broker.retained(f"{spec.prefix}/status") == b"offline"


def test_everything_current_is_sent_again_when_the_broker_comes_back_with_an_empty_memory(
    new_broker: Callable[..., Mosquitto],
) -> None:
    broker = new_broker()
    spec = spec_of(broker)
    with MqttState(spec, password=None) as state:
        ready(state)
        state.publish(envelope(3))
        broker.stop()
        until(lambda: not state.report()["connected"])
        for free in (2, 1):
            state.publish(envelope(free))
        broker.start()
        ready(state)

        assert json.loads(broker.retained(f"{spec.prefix}/customers/state"))["free"] == 1
        assert json.loads(broker.retained(f"{spec.prefix}/staff/state"))["free"] == 5
        assert broker.retained(f"{spec.prefix}/status") == b"online"


def test_a_state_that_a_dying_broker_did_not_acknowledge_never_replaces_a_newer_one(
    new_broker: Callable[..., Mosquitto],
) -> None:
    broker = new_broker()
    spec = spec_of(broker)
    with MqttState(spec, password=None) as state:
        state.publish(envelope(9))
        ready(state)
        broker.retained(f"{spec.prefix}/customers/state")
        broker.freeze()
        state.publish(envelope(3))  # sent, and never acknowledged
        broker.stop(signal.SIGKILL)
        until(lambda: not state.report()["connected"])
        state.publish(envelope(2))
        broker.start()
        ready(state)
        state.publish(envelope(1))

        topic = f"{spec.prefix}/customers/state"
        until(lambda: json.loads(broker.retained(topic))["free"] == 1)
        received = [line for line in broker.log.splitlines() if "Received PUBLISH" in line and topic in line]
        assert len(received) == 3  # 9; then, in the new one, 2 and 1: the 3 is news to nobody


def test_a_broker_that_hangs_delays_nobody(new_broker: Callable[..., Mosquitto]) -> None:
    broker = new_broker()
    with MqttState(spec_of(broker), password=None) as state:
        ready(state)
        broker.freeze()
        started = time.monotonic()
        for free in range(40):
            state.publish(envelope(free))
        assert time.monotonic() - started < 0.5
        started = time.monotonic()
        state.close()
        assert time.monotonic() - started < 1.0


def test_a_missing_broker_delays_nobody_and_is_told(new_broker: Callable[..., Mosquitto]) -> None:
    broker = new_broker()
    broker.stop()
    started = time.monotonic()
    with MqttState(spec_of(broker), password=None) as state:
        state.publish(envelope(3))
        assert time.monotonic() - started < 0.5
        until(lambda: "start the broker" in (state.report()["last_error"] or ""))
        started = time.monotonic()
    assert time.monotonic() - started < 1.0


def test_publishing_after_closing_is_harmless(spec: MqttSpec) -> None:
    state = MqttState(spec, password=None)
    state.close()
    state.close()
    state.publish(envelope(3))
