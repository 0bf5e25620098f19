"""What systemd hears, on a socket of the test's own: signs of life only while all goes on, and descriptors to keep."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures_broker import Mosquitto
from fixtures_site import wait_until

from controller import notify
from controller.broker import Broker
from controller.count import _Watchdog
from controller.site import MqttSpec

ROOT = Path(__file__).parents[1]


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


def heard(systemd: socket.socket) -> list[str]:
    """Take what was said so far: a last word of our own ends it."""
    notify.notify("END")
    said = []
    while (word := systemd.recv(4096).decode()) != "END":
        said.append(word)
    return said


def test_the_watchdog_is_fed_while_everything_goes_on(systemd: socket.socket) -> None:
    _Watchdog([lambda: True, lambda: True]).feed()
    assert heard(systemd) == ["WATCHDOG=1"]


def test_one_stuck_part_starves_the_watchdog_silences_the_state_and_the_log_says_why(
    systemd: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[object] = []
    watchdog = _Watchdog([lambda: True, lambda: False])
    publish = watchdog.while_fed(said.append)
    publish({"number": 1})
    watchdog.feed()
    publish({"number": 2})
    assert heard(systemd) == []
    assert said == [{"number": 1}]
    assert "stuck or dead" in caplog.text


def test_the_brokers_thread_goes_on_until_it_is_gone() -> None:
    broker = Broker(MqttSpec("127.0.0.1", 1), client_id="goes-on", password=None)
    assert not broker.goes_on()
    broker.start()
    assert broker.goes_on()
    broker.close()
    broker.client.loop_stop()
    assert not broker.goes_on()


@pytest.mark.broker
def test_the_brokers_thread_does_not_go_on_when_a_message_holds_it(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.broker.STUCK_S", 1.5)
    stuck, free = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        stuck.set()
        free.wait(30)

    connection = Broker(
        MqttSpec("127.0.0.1", broker.port),
        client_id="held",
        password=None,
        joined=lambda: connection.client.subscribe("held", 1),  # type: ignore[arg-type]
    )
    connection.client.on_message = hold
    connection.client.on_subscribe = lambda *_: stuck.set()
    connection.start()
    try:
        assert stuck.wait(10)
        stuck.clear()
        broker.publish("held", "a message")
        assert stuck.wait(10)
        assert connection.goes_on()
        wait_until(lambda: not connection.goes_on(), "the stuck thread is noticed", 10)
        free.set()
        wait_until(connection.goes_on, "it turns again", 10)
    finally:
        free.set()
        connection.close()


def test_a_descriptor_is_left_with_its_name_and_taken_out_again(systemd: socket.socket, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("here")
    with path.open() as file:
        notify.keep("a-file", file.fileno())
        notify.keep("a-file", -1)
    text, fds, _, _ = socket.recv_fds(systemd, 4096, 4)
    assert text == b"FDSTORE=1\nFDNAME=a-file"
    with os.fdopen(fds[0]) as same:
        assert same.read() == "here"
    assert systemd.recv(4096) == b"FDSTOREREMOVE=1\nFDNAME=a-file"


def test_descriptors_come_back_by_name_to_the_process_they_are_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("kept")
    script = "import os; from controller.notify import kept; k = kept(); print(sorted(k), os.read(k['b'], 9), kept())"
    launch = str(ROOT / "tests" / "kernel" / "guest" / "with_descriptors.py")
    with path.open() as one, path.open() as two:
        fds = (one.fileno(), two.fileno())
        run = subprocess.run(
            [sys.executable, launch, "a:b", *map(str, fds), "--", sys.executable, "-c", script],
            pass_fds=fds,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert run.stdout.strip() == "['a', 'b'] b'kept' {}"


def test_another_process_descriptors_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert notify.kept() == {}
