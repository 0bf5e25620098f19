"""A simulator in another process moves the mock pins of a count process, over a real socket."""

import json
import queue
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from controller.inputs.gpio import GpioInputs, PinLevel
from controller.inputs.mock_pins import DatedPin, MockPinClient, MockPinError, MockPinServer, default_address
from controller.link import connect
from controller.site import PinInput

PINS = [PinInput("main.outer", 17, pull="up", active="low"), PinInput("main.inner", 27, pull="up", active="low")]


@dataclass
class Site:
    address: str
    inbox: "queue.SimpleQueue[PinLevel]"

    def levels(self) -> list[tuple[str, bool]]:
        levels = [self.inbox.get_nowait() for _ in range(self.inbox.qsize())]
        return [(level.detector, level.occupied) for level in levels]


@pytest.fixture(params=["unix", "tcp"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    address = f"unix:{tmp_path / 'pins.sock'}"
    if request.param == "tcp":
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"tcp:127.0.0.1:{free.getsockname()[1]}"
    inbox: queue.SimpleQueue[PinLevel] = queue.SimpleQueue()
    with (
        MockFactory() as factory,
        GpioInputs(PINS, factory=factory, put=inbox.put),
        MockPinServer(factory, address),
    ):
        yield Site(address, inbox)


def test_a_level_is_in_the_inbox_when_the_answer_comes(site: Site) -> None:
    with MockPinClient(site.address) as wire:
        wire.set(17, high=False)
        assert site.levels() == [("main.outer", True)]
        wire.set(27, high=False)
        wire.set(17, high=False)
        wire.set(17, high=True)
        assert site.levels() == [("main.inner", True), ("main.outer", False)]


def test_another_process_moves_the_pins(site: Site) -> None:
    script = f"""
from controller.inputs.mock_pins import MockPinClient
with MockPinClient({site.address!r}) as wire:
    wire.set(17, False)
    wire.set(17, True)
"""
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], timeout=60, check=True)

    assert site.levels() == [("main.outer", True), ("main.outer", False)]


@pytest.mark.parametrize("gpio", [22, 99, -1, 10**40])
def test_a_pin_that_the_site_does_not_use_is_refused_by_name(site: Site, gpio: int) -> None:
    with MockPinClient(site.address) as wire:
        with pytest.raises(MockPinError, match=rf"gpio {gpio}: .*it uses 17, 27"):
            wire.set(gpio, high=True)
        wire.set(17, high=False)
    assert site.levels() == [("main.outer", True)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"drive 17",
        b"\xff\xfe",
        b"[17, true]",
        b'{"gpio": "17", "high": true}',
        b'{"gpio": true, "high": true}',
        b'{"gpio": 17, "high": 1}',
        b'{"gpio": 17}',
        b"[" * 1000,
    ],
)
def test_a_line_that_is_no_order_gets_an_error_line_and_the_next_one_works(site: Site, line: bytes) -> None:
    with connect(site.address) as sock, sock.makefile("rb") as lines:
        sock.sendall(line + b'\n{"gpio": 17, "high": false}\n')
        refused, done = json.loads(lines.readline()), json.loads(lines.readline())

    assert refused["ok"] is False
    assert '{"gpio": 17, "high": false}' in refused["error"]
    assert done == {"ok": True}
    assert site.levels() == [("main.outer", True)]


def test_an_order_that_comes_in_pieces_is_one_order(site: Site) -> None:
    with connect(site.address) as sock, sock.makefile("rb") as lines:
        for byte in b'{"gpio": 17, "high": false}\n':
            sock.sendall(bytes([byte]))
        assert json.loads(lines.readline()) == {"ok": True}


def test_a_line_without_an_end_ends_the_connection_and_nobody_elses(site: Site) -> None:
    with MockPinClient(site.address) as wire, connect(site.address) as flood:
        flood.settimeout(5)
        flood.sendall(b"x" * 5000)
        assert flood.recv(1) == b""
        wire.set(17, high=False)
    assert site.levels() == [("main.outer", True)]


def test_a_client_that_leaves_in_the_middle_of_a_line_moves_nothing(site: Site) -> None:
    with connect(site.address) as sock:
        sock.sendall(b'{"gpio": 17, "high": fal')
    with MockPinClient(site.address) as wire:
        wire.set(27, high=False)
    assert site.levels() == [("main.inner", True)]


def test_a_socket_left_by_a_killed_process_is_in_nobodys_way(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "pins.sock"))
    left.close()
    address = default_address(tmp_path)
    with (
        MockFactory() as factory,
        MockPinServer(factory, address),
        MockPinClient(address) as wire,
        pytest.raises(MockPinError, match="it uses none"),
    ):
        wire.set(17, high=True)


def test_closing_disconnects_everyone_and_removes_the_socket(tmp_path: Path) -> None:
    address = default_address(tmp_path)
    with MockFactory() as factory:
        server = MockPinServer(factory, address)
        with MockPinClient(address) as wire:
            server.close()
            server.close()
            with pytest.raises(OSError, match=r"closed|pipe|reset"):
                wire.set(17, high=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        connect(address)


def test_real_pins_are_never_moved_by_hand(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="only mock pins"):
        MockPinServer(object(), default_address(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["pins.sock", "unix:", "http://127.0.0.1:80"])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    with MockFactory() as factory, pytest.raises(ValueError, match="unix:PATH or tcp:HOST:PORT"):
        MockPinServer(factory, address)


@pytest.fixture
def dated(tmp_path: Path) -> Iterator[Site]:
    """The same with pins that take a time."""
    address = f"unix:{tmp_path / 'pins.sock'}"
    inbox: queue.SimpleQueue[PinLevel] = queue.SimpleQueue()
    with (
        MockFactory(pin_class=DatedPin) as factory,
        GpioInputs(PINS, factory=factory, put=inbox.put),
        MockPinServer(factory, address),
    ):
        yield Site(address, inbox)


def test_a_level_carries_the_time_at_which_it_happened(dated: Site) -> None:
    before = time.monotonic() - 0.25
    with MockPinClient(dated.address) as wire:
        wire.set(17, high=False, at=before)
        wire.set(17, high=True)
    first, second = dated.inbox.get_nowait(), dated.inbox.get_nowait()
    assert (first.occupied, first.monotonic) == (True, before)
    assert second.monotonic > before + 0.25


def test_a_time_that_is_none_is_refused(dated: Site) -> None:
    with connect(dated.address) as sock:
        sock.sendall(b'{"gpio": 17, "high": false, "at": "noon"}\n')
        assert "at = 'noon'" in json.loads(sock.makefile().readline())["error"]
    assert dated.levels() == []
