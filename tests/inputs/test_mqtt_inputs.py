"""Messages on a real Mosquitto come in once they are published, and stay the broker's until they are acknowledged."""

import contextlib
import itertools
import logging
import os
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures_broker import Mosquitto, program, until

from controller.broker import Broker, BrokerError, password
from controller.inputs.mqtt import MqttInputs, MqttMessage
from controller.site import MqttSpec, SensorInput

pytestmark = pytest.mark.broker

_NUMBERS = itertools.count()


@pytest.fixture
def spec(broker: Mosquitto) -> MqttSpec:
    return spec_of(broker)


def spec_of(broker: Mosquitto, **more: object) -> MqttSpec:
    return MqttSpec(host=broker.host, port=broker.port, client_id=f"test-{next(_NUMBERS)}", **more)  # type: ignore[arg-type]


def bays(*topics: str) -> list[SensorInput]:
    return [SensorInput(topic, "plain", bay=f"A{number}") for number, topic in enumerate(topics)]


class Inbox(queue.SimpleQueue[MqttMessage]):
    def next(self) -> MqttMessage:
        return self.get(timeout=20)


@contextlib.contextmanager
def listening(
    spec: MqttSpec, *topics: str, secret: str | None = None, ready: bool = True
) -> Iterator[tuple[MqttInputs, Inbox]]:
    inbox = Inbox()
    with MqttInputs(spec, bays(*topics), put=inbox.put, password=secret) as inputs:
        if ready:
            until(lambda: inputs.report()["connected"])
        yield inputs, inbox


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    until(lambda: not any(thread.name.startswith("paho-mqtt-client-test") for thread in threading.enumerate()))


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = [record for record in caplog.records if record.name.startswith("controller.")]
    return [record.getMessage() for record in records if record.levelno >= logging.WARNING]


def topic(name: str) -> str:
    """Give a topic of one's own on the shared broker."""
    return f"{name}-{next(_NUMBERS)}"


def subscribed(broker: Mosquitto, spec: MqttSpec) -> int:
    return broker.log.count(f"Sending SUBACK to {spec.client_id}")


def test_a_message_comes_in_with_its_time(broker: Mosquitto, spec: MqttSpec) -> None:
    bay = topic("bays/A1")
    with listening(spec, bay) as (inputs, inbox):
        until(lambda: subscribed(broker, spec))
        before = time.monotonic()
        broker.publish(bay, b"\x00\xff")
        message = inbox.next()

        assert (message.topic, message.payload, message.retained) == (bay, b"\x00\xff", False)
        assert before <= message.monotonic <= time.monotonic()
        report = inputs.report()
        assert report["broker"] == f"127.0.0.1:{broker.port}"
        assert (report["messages"], report["reconnects"], report["errors"], report["last_error"]) == (1, 0, 0, None)
        assert report["since"] <= before


def test_sensors_on_one_topic_share_one_subscription(broker: Mosquitto, spec: MqttSpec) -> None:
    bay = topic("bays")
    with listening(spec, f"{bay}/+", f"{bay}/+", f"{bay}/x/#") as (_, inbox):
        until(lambda: subscribed(broker, spec))
        broker.publish(f"{bay}/A1", "1")
        broker.publish(f"{bay}/x/y/z", "2")
        assert [inbox.next().payload, inbox.next().payload] == [b"1", b"2"]
    assert broker.log.count(f"{spec.client_id} 1 {bay}/+") == 1


def test_a_thousand_topics_are_all_subscribed(broker: Mosquitto, spec: MqttSpec) -> None:
    bay = topic("many")
    with listening(spec, *(f"{bay}/{number}" for number in range(1000))) as (_, inbox):
        until(lambda: subscribed(broker, spec) == 10)
        for number in (0, 99, 100, 999):
            broker.publish(f"{bay}/{number}", "1")
        assert [inbox.next().topic for _ in range(4)] == [f"{bay}/{number}" for number in (0, 99, 100, 999)]


def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(broker: Mosquitto, spec: MqttSpec) -> None:
    bay = topic("bays/A1")
    with listening(spec, bay) as (_, inbox):
        until(lambda: subscribed(broker, spec))
        for payload in ("acknowledged", "not acknowledged"):
            broker.publish(bay, payload)
        inbox.next().ack()
        assert inbox.next().payload == b"not acknowledged"
        until(lambda: f"Received PUBACK from {spec.client_id}" in broker.log)

    with listening(spec, bay) as (_, inbox):
        again = inbox.next()
        assert (again.payload, again.retained) == (b"not acknowledged", False)
        again.ack()
        broker.publish(bay, "later")
        assert inbox.next().payload == b"later"


def test_what_comes_while_we_are_down_waits_at_the_broker(broker: Mosquitto, spec: MqttSpec) -> None:
    bay = topic("bays/A1")
    with listening(spec, bay):
        until(lambda: subscribed(broker, spec))
    for payload in ("1", "0", "1"):
        broker.publish(bay, payload)

    with listening(spec, bay) as (_, inbox):
        assert [inbox.next().payload for _ in range(3)] == [b"1", b"0", b"1"]


def test_a_retained_message_is_marked_and_a_live_one_is_not(broker: Mosquitto, spec: MqttSpec) -> None:
    bay = topic("bays/A1")
    broker.publish(bay, "old", retain=True)
    with listening(spec, bay) as (_, inbox):
        first = inbox.next()
        broker.publish(bay, "new", retain=True)
        second = inbox.next()

    assert (first.payload, first.retained) == (b"old", True)
    assert (second.payload, second.retained) == (b"new", False)


def test_after_the_broker_restarted_with_an_empty_memory_messages_come_again(
    new_broker: Callable[..., Mosquitto],
) -> None:
    broker = new_broker()
    spec = spec_of(broker)
    with listening(spec, "bays/A1") as (inputs, inbox):
        until(lambda: subscribed(broker, spec) == 1)
        broker.stop()
        until(lambda: not inputs.report()["connected"])
        assert inputs.report()["last_error"]
        broker.start()
        until(lambda: subscribed(broker, spec) == 2, within_s=30)
        broker.publish("bays/A1", "1")

        assert inbox.next().payload == b"1"
        assert inputs.report()["reconnects"] == 1
        assert inputs.report()["last_error"] is None


def test_an_acknowledgement_of_a_former_connection_acknowledges_nothing_in_this_one(
    new_broker: Callable[..., Mosquitto],
) -> None:
    broker = new_broker()
    spec = spec_of(broker)
    with listening(spec, "bays/A1") as (_, inbox):
        until(lambda: subscribed(broker, spec) == 1)
        broker.publish("bays/A1", "before")
        former = inbox.next()
        broker.stop(signal.SIGKILL)
        former.ack()  # harmless while there is no connection
        broker.start()
        until(lambda: subscribed(broker, spec) == 2, within_s=30)
        broker.publish("bays/A1", "after")  # the broker's first message again, so it has the same packet id
        assert inbox.next().payload == b"after"
        former.ack()

    with listening(spec, "bays/A1") as (_, inbox):
        assert inbox.next().payload == b"after"


def test_acknowledging_from_many_threads_acknowledges_each_once(broker: Mosquitto, spec: MqttSpec) -> None:
    bay = topic("bays/A1")
    with listening(spec, bay) as (_, inbox):
        until(lambda: subscribed(broker, spec))
        for number in range(12):
            broker.publish(bay, str(number))
        threads = [threading.Thread(target=inbox.next().ack) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: broker.log.count(f"Received PUBACK from {spec.client_id}") == 12)


def test_a_missing_broker_delays_nothing_and_is_found_when_it_comes(
    new_broker: Callable[..., Mosquitto], caplog: pytest.LogCaptureFixture
) -> None:
    broker = new_broker()
    broker.stop()
    spec = spec_of(broker)
    started = time.monotonic()
    with listening(spec, "bays/A1", ready=False) as (inputs, inbox):
        assert time.monotonic() - started < 0.5
        until(lambda: inputs.report()["last_error"])
        assert "start the broker, or mend [mqtt] host and port" in inputs.report()["last_error"]
        assert not inputs.report()["connected"]
        broker.start()
        until(lambda: subscribed(broker, spec), within_s=30)
        broker.publish("bays/A1", "1")
        assert inbox.next().payload == b"1"
        assert inputs.report()["last_error"] is None
    assert len(warnings_of(caplog)) == 1


def test_closing_takes_no_more_than_a_second_whatever_the_broker_does(new_broker: Callable[..., Mosquitto]) -> None:
    broker = new_broker()
    with listening(spec_of(broker), "bays/A1") as (inputs, _):
        broker.freeze()
        started = time.monotonic()
        inputs.close()
        assert time.monotonic() - started < 1.0


@pytest.mark.filterwarnings("ignore:.*unclosed <ssl.SSLSocket")  # paho leaves a failed one to the garbage collector
def test_closing_takes_no_more_than_a_second_while_connecting_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        spec = MqttSpec(host="127.0.0.1", port=silent.getsockname()[1], tls=True, client_id="test")
        with listening(spec, "bays/A1", ready=False) as (inputs, _):
            caller, _ = silent.accept()
            with caller:
                caller.recv(1)  # it greets, and waits for an answer
                started = time.monotonic()
                inputs.close()
                assert time.monotonic() - started < 1.0


def test_an_inbox_that_fails_never_ends_the_thread(
    broker: Mosquitto, spec: MqttSpec, caplog: pytest.LogCaptureFixture
) -> None:
    bay = topic("bays/A1")
    inbox = Inbox()

    def put(message: MqttMessage) -> None:
        if message.payload == b"bad":
            raise RuntimeError("full")
        inbox.put(message)

    with MqttInputs(spec, bays(bay), put=put, password=None) as inputs:
        until(lambda: subscribed(broker, spec))
        for payload in ("bad", "bad", "good"):
            broker.publish(bay, payload)
        assert inbox.next().payload == b"good"
        assert inputs.report()["errors"] == 2
    assert warnings_of(caplog) == [f"MQTT broker 127.0.0.1:{broker.port}: a message was lost"]


def test_an_acknowledgement_is_not_held_back_by_nagle(spec: MqttSpec) -> None:
    connection = Broker(spec, client_id=spec.client_id, password=None)
    connection.start()
    try:
        until(lambda: connection.connected)
        sock = connection.client.socket()
        assert isinstance(sock, socket.socket)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        connection.close()


# What is wrong, in words


@pytest.fixture
def guarded(new_broker: Callable[..., Mosquitto], tmp_path: Path) -> Mosquitto:
    """Start a broker that knows one user, count, with the password "right"."""
    users = tmp_path / "users"
    subprocess.run([program("mosquitto_passwd"), "-b", "-c", users, "count", "right"], check=True, timeout=30)
    return new_broker("allow_anonymous false", f"password_file {users}")


def test_a_wrong_password_is_told_once_and_never_shown(guarded: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    spec = spec_of(guarded, username="count")
    with listening(spec, "bays/A1", secret="hunter2", ready=False) as (inputs, _):  # noqa: S106  it is wrong
        until(lambda: guarded.log.count("disconnected, not authorised") >= 2)
        error = inputs.report()["last_error"]

    assert "'count'" in error
    assert "[mqtt] username" in error
    assert "password_file" in error
    assert len(warnings_of(caplog)) == 1
    assert "hunter2" not in caplog.text + error


def test_the_right_password_is_taken(guarded: Mosquitto) -> None:
    with listening(spec_of(guarded, username="count"), "bays/A1", secret="right") as (inputs, _):  # noqa: S106
        assert inputs.report()["last_error"] is None


def test_a_broker_that_wants_a_user_says_what_to_set(guarded: Mosquitto) -> None:
    with listening(spec_of(guarded), "bays/A1", ready=False) as (inputs, _):
        until(lambda: inputs.report()["last_error"])
        assert "set [mqtt] username and password_file" in inputs.report()["last_error"]


@contextlib.contextmanager
def impostor(*answers: bytes, hold: bool = True) -> Iterator[MqttSpec]:
    """Serve one connection with these bytes, one after each packet that comes; then hold or close it."""

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock, _ = listener.accept()
            with sock:
                for answer in answers:
                    sock.recv(4096)
                    sock.sendall(answer)
                if hold:
                    closed.wait(10)

    closed = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield MqttSpec(host="127.0.0.1", port=listener.getsockname()[1], client_id="test")
        closed.set()
        thread.join()


def test_a_topic_that_the_broker_refuses_is_named() -> None:
    accepted, second_refused = b"\x20\x02\x00\x00", b"\x90\x04\x00\x01\x01\x80"
    with (
        impostor(accepted, second_refused) as spec,
        listening(spec, "bays/A1", "bays/A2", ready=False) as (inputs, _),
    ):
        until(lambda: inputs.report()["last_error"])
        assert inputs.report()["connected"]
        assert "bays/A2" in inputs.report()["last_error"]
        assert "bays/A1" not in inputs.report()["last_error"]


def test_a_server_that_is_no_broker_is_told_as_such() -> None:
    with (
        impostor(b"HTTP/1.1 400 Bad Request\r\n\r\n", hold=False) as spec,
        listening(spec, "bays/A1", ready=False) as (inputs, _),
    ):
        until(lambda: inputs.report()["last_error"])
        assert "does not answer in MQTT" in inputs.report()["last_error"]


def test_a_host_that_nobody_knows_is_told_as_such() -> None:
    with listening(MqttSpec(host="broker.invalid"), "bays/A1", ready=False) as (inputs, _):
        until(lambda: inputs.report()["last_error"], within_s=30)
        assert "host name is not known" in inputs.report()["last_error"]


def test_a_host_that_is_no_name_at_all_is_refused_at_once() -> None:
    with pytest.raises(BrokerError, match=r"\[mqtt\] host = 'a\.\.b'"):
        MqttInputs(MqttSpec(host="a..b"), [], put=Inbox().put, password=None)


# TLS


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """Make a certificate for localhost, its own authority, as an installer would; ca.pem and key.pem."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing, which makes the certificate")
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        ["openssl", *make.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "ca.pem"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return tmp_path


def test_tls_with_the_authoritys_file_connects(authority: Path, new_broker: Callable[..., Mosquitto]) -> None:
    broker = new_broker(f"certfile {authority / 'ca.pem'}", f"keyfile {authority / 'key.pem'}")
    with listening(spec_of(broker, tls=True, ca_file=authority / "ca.pem"), "bays/A1") as (inputs, _):
        assert inputs.report()["last_error"] is None


@pytest.mark.filterwarnings("ignore:.*unclosed <ssl.SSLSocket")  # paho leaves a failed one to the garbage collector
def test_tls_without_it_says_what_to_set(authority: Path, new_broker: Callable[..., Mosquitto]) -> None:
    broker = new_broker(f"certfile {authority / 'ca.pem'}", f"keyfile {authority / 'key.pem'}")
    with listening(spec_of(broker, tls=True), "bays/A1", ready=False) as (inputs, _):
        until(lambda: inputs.report()["last_error"])
        assert "certificate is not trusted" in inputs.report()["last_error"]
        assert "ca_file" in inputs.report()["last_error"]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BrokerError, match=r"\[mqtt\] ca_file = '.*ca\.pem'.*PEM"):
        MqttInputs(MqttSpec(tls=True, ca_file=path), [], put=Inbox().put, password=None)


# The password's file


def test_the_password_is_the_files_line(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("zażółć  \n", "utf-8")
    assert password(MqttSpec(password_file=tmp_path / "password")) == "zażółć  "


def test_systemds_credential_serves_when_the_site_names_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert password(MqttSpec()) is None
    (tmp_path / "mqtt-password").write_text("from systemd")
    assert password(MqttSpec()) == "from systemd"
    (tmp_path / "own").write_text("from the site")
    assert password(MqttSpec(password_file=tmp_path / "own")) == "from the site"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert password(MqttSpec()) is None


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"\n", "empty"), (b"\xff", "UTF-8")])
def test_a_password_file_that_cannot_be_used_is_named_with_the_mend(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BrokerError, match=why) as error:
        password(MqttSpec(password_file=path))
    assert f"[mqtt] password_file = {os.fspath(path)!r}" in str(error.value)
    assert "write the password alone into it" in str(error.value)
