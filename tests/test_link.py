"""The local link over real sockets: fresh states to everybody, commands from those who may, and nobody holds it up."""

import contextlib
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_site import wait_until
from link_client import LinkClient

from controller.link import (
    MAX_LINE,
    TTL_S,
    LinkServer,
    Reply,
    connect,
    default_address,
    is_fresh,
    load_or_create_key,
)

KEY = "a-key-for-tests"
Taken = queue.SimpleQueue[tuple[dict[str, Any], Reply]]


def state(number: int = 0, *, sent: float | None = None, **more: object) -> dict[str, Any]:
    return {"type": "state", "sent": time.monotonic() if sent is None else sent, "ttl_s": TTL_S, "n": number, **more}


class Link:
    """A server, and what it was asked for."""

    def __init__(self, address: str) -> None:
        self.taken: Taken = queue.SimpleQueue()
        self.address = address
        self.server = LinkServer(
            address=address, key=KEY, submit=lambda command, reply: self.taken.put((command, reply))
        )

    def client(self, key: str = KEY) -> LinkClient:
        return LinkClient(self.address, key=key)


@pytest.fixture(params=["unix", "tcp"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "unix":
        return f"unix:{tmp_path / 'run' / 'link.sock'}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"tcp:127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def link(address: str) -> Iterator[Link]:
    made = Link(address)
    yield made
    made.server.close()


@pytest.fixture
def raw(link: Link) -> Iterator[Callable[[], socket.socket]]:
    """Connect as something that is no client of ours."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(connect(link.address))


# States


def test_every_listener_hears_every_state_it_waits_for(link: Link) -> None:
    with link.client() as one, link.client() as two:
        wait_until(lambda: link.server.listeners == 2, "both are there")
        for number in range(3):
            link.server.publish(state(number))
            assert one.state()["n"] == two.state()["n"] == number


def test_a_newcomer_hears_the_newest_state_at_once(link: Link) -> None:
    link.server.publish(state(1))
    link.server.publish(state(2, name="Parking dla klientów"))
    with link.client() as client:
        assert client.state()["name"] == "Parking dla klientów"


def test_a_stale_state_is_not_fresh() -> None:
    now = 1000.0
    assert is_fresh(state(sent=now), now)
    assert is_fresh(state(sent=now - TTL_S), now)
    assert not is_fresh(state(sent=now - TTL_S - 0.001), now)
    assert not is_fresh(state(sent=now + 1), now), "from another boot of the machine"
    for wrong in (
        {},
        {"sent": "0", "ttl_s": 3},
        {"sent": now},
        {"sent": None, "ttl_s": 3},
        {"sent": now, "ttl_s": [3]},
    ):
        assert not is_fresh(wrong, now)
    assert not is_fresh({"sent": float("nan"), "ttl_s": 3.0}, now)


def test_a_client_waits_for_a_fresh_state(link: Link) -> None:
    link.server.publish(state(1, sent=time.monotonic() - 60))
    with link.client() as client:
        wait_until(lambda: link.server.listeners == 1, "it is there")
        link.server.publish(state(2))
        assert client.state()["n"] == 2


def test_a_listener_that_does_not_read_neither_blocks_nor_queues(link: Link, raw: Callable[[], socket.socket]) -> None:
    big = "x" * 200_000
    stalled = raw()
    wait_until(lambda: link.server.listeners == 1, "it is there")
    with link.client() as lively:
        slowest = 0.0
        for number in range(300):
            began = time.monotonic()
            link.server.publish(state(number, pad=big))
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 0.5
        while lively.state()["n"] != 299:
            pass
    stalled.settimeout(5.0)
    with stalled.makefile("rb") as lines:
        heard: list[int] = []
        while not heard or heard[-1] != 299:
            heard.append(json.loads(lines.readline())["n"])
    assert len(heard) < 150, "of 300 states it gets those that were on their way, and the newest"


def test_a_client_that_is_stopped_knows_a_stale_state(link: Link) -> None:
    script = f"""
import sys, time
sys.path.append({str(Path(__file__).parent)!r})
from controller.link import is_fresh
from link_client import LinkClient
with LinkClient({link.address!r}, timeout_s=30) as client:
    while True:
        message = client.receive()
        print(message["n"], is_fresh(message, time.monotonic()), flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        wait_until(lambda: link.server.listeners == 1, "it is there")
        link.server.publish(state(1))
        assert process.stdout.readline() == "1 True\n"
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: stopped(process.pid), "it stands still")
        link.server.publish(state(2, sent=time.monotonic() - TTL_S + 0.2))
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 0.3, "the state is stale now")
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline() == "2 False\n"
    finally:
        process.kill()
        process.communicate()


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_many_clients_come_and_go(link: Link) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(link.client()) for _ in range(60)]
        wait_until(lambda: link.server.listeners == 60, "all are there")
        for client in clients[::2]:
            client.close()
        link.server.publish(state(7))
        assert [client.state()["n"] for client in clients[1::2]] == [7] * 30
        wait_until(lambda: link.server.listeners == 30, "half of them left")


def test_closing_disconnects_everybody(link: Link) -> None:
    with link.client() as client:
        wait_until(lambda: link.server.listeners == 1, "it is there")
        link.server.close()
        with pytest.raises(OSError, match="closed the link"):
            client.receive()
    with pytest.raises(OSError, match=r"refused|No such file"):
        connect(link.address)
    link.server.publish(state())


# Commands


def answer_one(link: Link, error: str | None) -> threading.Thread:
    def answer() -> None:
        _, reply = link.taken.get(timeout=5)
        reply(error)

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


@pytest.mark.parametrize("error", [None, "zone 'x': no zone has this name"])
def test_a_command_is_answered_once_it_is_done(link: Link, error: str | None) -> None:
    with link.client() as client:
        thread = answer_one(link, error)
        assert client.command(do="correct", zone="x", occupied=3) == error
        thread.join()


def test_no_reply_comes_before_the_command_is_done(link: Link, raw: Callable[[], socket.socket]) -> None:
    sock = raw()
    sock.sendall(json.dumps({"type": "command", "id": "7", "key": KEY, "do": "x"}).encode() + b"\n")
    command, reply = link.taken.get(timeout=5)
    assert command == {"type": "command", "id": "7", "do": "x"}, "the key is not passed on"
    link.server.publish(state(1))
    with sock.makefile("rb") as lines:
        assert json.loads(lines.readline())["type"] == "state"
        reply(None)
        assert json.loads(lines.readline()) == {"type": "reply", "id": "7", "ok": True, "error": None}


def test_replies_go_to_who_asked(link: Link) -> None:
    with link.client() as one, link.client() as two:
        answers: dict[str, str | None] = {}

        def ask(client: LinkClient, name: str) -> None:
            answers[name] = client.command(name=name)

        threads = [threading.Thread(target=ask, args=pair) for pair in ((one, "one"), (two, "two"))]
        for thread in threads:
            thread.start()
        for command, reply in sorted((link.taken.get(timeout=5) for _ in threads), key=lambda t: str(t[0]["name"])):
            for number in range(20):
                link.server.publish(state(number))
            reply(f"not {command['name']}")
        for thread in threads:
            thread.join()
    assert answers == {"one": "not one", "two": "not two"}


def test_who_is_answered_has_seen_the_state_that_came_of_it(link: Link, raw: Callable[[], socket.socket]) -> None:
    sock = raw()
    with sock.makefile("rb") as lines:
        for number in range(50):
            sock.sendall(json.dumps({"type": "command", "id": number, "key": KEY}).encode() + b"\n")
            _, reply = link.taken.get(timeout=5)
            link.server.publish(state(number))
            reply(None)
            heard = [json.loads(lines.readline()) for _ in range(2)]
            assert [message["type"] for message in heard] == ["state", "reply"]
            assert heard[0]["n"] == number


def test_a_stream_of_states_does_not_hold_up_a_reply(link: Link, raw: Callable[[], socket.socket]) -> None:
    sock, pad = raw(), "x" * 1_000_000  # no state fits into the socket whole, so that a newer one always waits
    sock.sendall(json.dumps({"type": "command", "id": 1, "key": KEY}).encode() + b"\n")
    _, reply = link.taken.get(timeout=5)
    for number in range(20):
        link.server.publish(state(number, pad=pad))
    reply(None)
    with sock.makefile("rb") as lines:
        for _ in range(40):
            if json.loads(lines.readline())["type"] == "reply":
                return
            link.server.publish(state(0, pad=pad))
    pytest.fail("always a newer state, never the reply")


@pytest.mark.parametrize("key", ["", "another", KEY + "x", KEY[:-1], "ż"])
def test_a_wrong_key_is_refused_and_nothing_is_passed_on(link: Link, key: str) -> None:
    with link.client(key) as client:
        error = client.command(do="correct", zone="customers", occupied=3)
    assert error is not None
    assert "the key is wrong" in error
    assert link.taken.empty()


def test_a_key_that_is_no_text_or_missing_is_wrong(link: Link, raw: Callable[[], socket.socket]) -> None:
    sock = raw()
    sock.sendall(b'{"type": "command", "id": 1}\n{"type": "command", "id": 2, "key": null}\n')
    with sock.makefile("rb") as lines:
        replies = [json.loads(lines.readline()) for _ in range(2)]
    assert [(r["id"], r["ok"]) for r in replies] == [("1", False), ("2", False)]
    assert link.taken.empty()


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b"[]\n",
        b'{"type": "state"}\n',
        b"\xff\xfe\n",
        b"[" * 60_000 + b"\n",
        b'{"type": "command", "id": "1", "key": "\\ud800"}\n',
        b'{"type": "command", "pad": "' + b"x" * MAX_LINE + b'"}\n',
        b"x" * (MAX_LINE + 1),
    ],
    ids=lambda line: line[:40].decode("latin-1"),
)
def test_who_talks_nonsense_is_disconnected_and_others_do_not_notice(
    link: Link, raw: Callable[[], socket.socket], line: bytes
) -> None:
    with link.client() as other:
        sock = raw()
        wait_until(lambda: link.server.listeners == 2, "both are there")
        sock.sendall(line)
        wait_until(lambda: link.server.listeners == 1, "it was disconnected")
        link.server.publish(state(1))
        assert other.state()["n"] == 1
    assert link.taken.empty()


def test_a_command_in_pieces_and_two_in_one(link: Link, raw: Callable[[], socket.socket]) -> None:
    line = json.dumps({"type": "command", "id": "1", "key": KEY}).encode() + b"\n"
    sock = raw()
    for byte in line:
        sock.sendall(bytes([byte]))
    assert link.taken.get(timeout=5)[0]["id"] == "1"
    sock.sendall(line + b"\n" + line)
    assert [link.taken.get(timeout=5)[0]["id"] for _ in range(2)] == ["1", "1"]


def test_who_does_not_read_its_replies_is_not_listened_to_for_ever(
    link: Link, raw: Callable[[], socket.socket]
) -> None:
    sock = raw()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(0.5)
    line = json.dumps({"type": "command", "id": "x" * 1000, "key": "wrong"}).encode() + b"\n"

    def send_on() -> None:
        for _ in range(40_000):
            sock.send(line)

    with pytest.raises(TimeoutError):
        send_on()
    link.server.publish(state(1))
    with link.client() as other:
        assert other.state()["n"] == 1


def test_a_reply_to_somebody_who_left_harms_nobody(link: Link) -> None:
    with link.client() as client:
        client._sock.sendall(json.dumps({"type": "command", "id": "1", "key": KEY}).encode() + b"\n")  # noqa: SLF001
        _, reply = link.taken.get(timeout=5)
    wait_until(lambda: link.server.listeners == 0, "it left")
    reply(None)
    link.server.publish(state(1))
    with link.client() as other:
        assert other.state()["n"] == 1


# The address


def test_a_second_server_is_refused_and_the_first_goes_on(link: Link) -> None:
    with pytest.raises(OSError, match=r"already running here; stop it first|in use"):
        Link(link.address)
    link.server.publish(state(1))
    with link.client() as client:
        assert client.state()["n"] == 1


def test_a_second_server_is_refused_while_the_first_hangs(tmp_path: Path) -> None:
    path = tmp_path / "link.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hanging, contextlib.ExitStack() as stack:
        hanging.bind(str(path))
        hanging.listen(0)
        stack.enter_context(connect(f"unix:{path}"))
        with pytest.raises(OSError, match=r"another count process is here, but does not answer .*; stop it first"):
            Link(f"unix:{path}")
        assert path.is_socket()


def test_the_socket_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "link.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    link = Link(f"unix:{path}")
    link.server.publish(state(1))
    with link.client() as client:
        assert client.state()["n"] == 1
    link.server.close()
    assert not path.exists()


def test_the_socket_is_for_owner_and_group_only(tmp_path: Path) -> None:
    link = Link(f"unix:{tmp_path / 'link.sock'}")
    assert (tmp_path / "link.sock").stat().st_mode & 0o777 == 0o660
    link.server.close()


@pytest.mark.parametrize(
    "address", ["", "unix:", "/run/link.sock", "tcp:8471", "tcp:localhost:http", "udp:localhost:1"]
)
def test_an_address_of_another_form(address: str) -> None:
    with pytest.raises(ValueError, match=r"link address .*: write "):
        connect(address)
    with pytest.raises(ValueError, match=r"link address .*: write "):
        Link(address)


def test_a_path_that_is_too_long_says_what_to_do(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    with pytest.raises(OSError, match=r"the link can't be opened .*Choose another --run-dir"):
        Link(default_address(deep))


def test_no_socket_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "link.sock").write_text("mine")
    with pytest.raises(OSError, match="the link can't be opened"):
        Link(default_address(tmp_path))
    assert (tmp_path / "link.sock").read_text() == "mine"


# The key


def test_the_key_is_made_once_and_only_for_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "command.key"
    key = load_or_create_key(path)
    assert len(key) >= 40
    assert load_or_create_key(path) == key
    assert path.stat().st_mode & 0o007 == 0
    assert [p.name for p in tmp_path.iterdir()] == ["command.key"]
    assert load_or_create_key(tmp_path / "other") != key


def test_a_key_file_without_a_key_does_not_let_everybody_in(tmp_path: Path) -> None:
    path = tmp_path / "command.key"
    path.write_text("\n")
    assert len(load_or_create_key(path)) >= 40
    with pytest.raises(ValueError, match="an empty one would let everybody command"):
        LinkServer(address=f"unix:{tmp_path / 'l'}", key="", submit=lambda *_: None)
    assert not (tmp_path / "l").exists()


def test_a_key_file_with_other_bytes_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "command.key"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(OSError, match="no key, but other bytes"):
        load_or_create_key(path)
    assert path.read_bytes() == b"\xff\xfe"


def test_a_key_that_was_half_written_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "command.key.new").write_text("half")
    assert len(load_or_create_key(tmp_path / "command.key")) >= 40
    assert [p.name for p in tmp_path.iterdir()] == ["command.key"]
