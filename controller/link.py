"""The local link: newest state out with a time to live, commands in.

One JSON object a line over a local stream socket. The server (in the count process) sends to everyone

    {"type": "state", "sent": <monotonic s>, "ttl_s": 3.0, "epoch": <Unix s of lot time 0>, "lot": {...}, ...}

at every change and at least once a second. ``sent`` is the machine's monotonic clock, so that a receiver that was
stopped, or that reads from a full buffer, knows a stale state. A client that may command sends, with the key that only
the web process can read beside the journal,

    {"type": "command", "id": "7", "key": "...", "by": "...", "reason": "...",
     "do": "correct", "zone": "customers", "occupied": 37}
    {"type": "command", "id": "8", "key": "...", "by": "...", "reason": "...",
     "do": "close", "zone": "customers", "closed": true}
    {"type": "command", "id": "9", "key": "...", "by": "...", "reason": "...",
     "do": "message", "sign": "entrance", "text": "Wjazd B", "seconds": 3600}      text null: take it off
    {... "do": "adjust", "zone": "customers", "change": -1}
    {... "do": "recount", "zone": "customers"}
    {... "do": "recounted", "zone": "customers", "seen": 31}                       null: given up
    {... "do": "undo", "zone": "customers"}                                        the last of these or of "correct"
    {... "do": "service", "bay": "A1", "out": true}
    {... "do": "test", "sign": "entrance"}

and hears, after the commit, ``{"type": "reply", "id": "7", "ok": true, "error": null}``.

Nobody who listens can slow the count: one thread serves all, each listener has one slot for the newest state, and a
listener that does not read misses states rather than making a queue.
"""

import contextlib
import hmac
import json
import logging
import os
import secrets
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

TTL_S = 3.0
"""How long a state may be shown; nothing fresher within it: the sign goes dark."""

MAX_LINE = 64 * 1024
"""Longest line (bytes) that the server takes from a client."""

MAX_REPLIES = 64
"""A client with so many replies that it did not take is not listened to before it takes some."""

CONNECT_S = 2.0

Json = dict[str, Any]
Reply = Callable[[str | None], None]
"""Called once with None when the command is done and durable, or with what was wrong."""


def default_address(run_dir: Path) -> str:
    """Where the link is, for a run directory: a Unix socket, or a local port where the system has none."""
    if hasattr(socket, "AF_UNIX"):
        return f"unix:{run_dir / 'link.sock'}"
    return "tcp:127.0.0.1:8471"


def connect(address: str) -> socket.socket:
    """Connect to ``unix:PATH`` or ``tcp:HOST:PORT``; OSError when nobody answers, ValueError for another form."""
    kind, target = _parse(address)
    if kind == "tcp":
        return socket.create_connection(_host_port(target), timeout=CONNECT_S)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(CONNECT_S)  # a hung server's backlog may be full
    try:
        sock.connect(target)
    except OSError:
        sock.close()
        raise
    return sock


def load_or_create_key(path: Path) -> str:
    """Return the command key kept at ``path``, readable by owner and group only; make one where there is none."""
    try:
        key = path.read_text("ascii").strip()
    except FileNotFoundError:
        key = ""
    except UnicodeDecodeError as error:
        raise OSError(
            f"{path}: no key, but other bytes. Delete the file; a new key is made at the next start"
        ) from error
    if key:
        return key
    key = secrets.token_urlsafe(32)
    fresh = path.with_name(path.name + ".new")  # whole or not at all: an empty key would let everybody command
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="ascii") as file:
        file.write(key + "\n")
    fresh.replace(path)
    return key


def is_fresh(envelope: Json, now: float) -> bool:
    """Whether a state may still be shown at the monotonic time ``now``."""
    sent, ttl_s = envelope.get("sent"), envelope.get("ttl_s")
    return isinstance(sent, int | float) and isinstance(ttl_s, int | float) and 0 <= now - sent <= ttl_s


class LinkServer:
    """Serves the link from a thread of its own; ``publish`` and replies may be called from any thread."""

    def __init__(self, *, address: str, key: str, submit: Callable[[Json, Reply], None]) -> None:
        if not key:
            raise ValueError("the link needs a key: an empty one would let everybody command")
        self._listener = _listen(address)
        self._address = address
        self._key = key
        self._submit = submit
        self._newest: bytes | None = None
        self._lock = threading.Lock()
        self._outbox: deque[tuple[_Client, bytes]] = deque()
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._clients: set[_Client] = set()
        self._closing = False
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="link", daemon=True)
        self._thread.start()

    @property
    def listeners(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def publish(self, envelope: Json) -> None:
        """Send this state to everyone; whoever has not taken the last one yet gets only this one."""
        line = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        with self._lock:
            self._newest = line
        self._wake()

    def close(self) -> None:
        """Stop serving and disconnect everyone, which darkens the signs at once."""
        self._closing = True
        self._wake()
        self._thread.join(timeout=2.0)
        self._wake_out.close()
        kind, target = _parse(self._address)
        if kind == "unix":
            Path(target).unlink(missing_ok=True)

    def _wake(self) -> None:
        # A full pipe (BlockingIOError) means that the thread will wake anyway.
        with contextlib.suppress(BlockingIOError, OSError):
            self._wake_out.send(b"x")

    def _serve(self) -> None:
        while not self._closing:
            for ready, mask in self._selector.select():
                if ready.fileobj is self._listener:
                    self._accept()
                elif ready.fileobj is self._wake_in:
                    # Once, not until it is empty: whoever publishes without a pause would keep us here for ever.
                    with contextlib.suppress(BlockingIOError):
                        self._wake_in.recv(4096)
                    self._spread()
                else:
                    self._attend(ready.data, mask)
        for client in tuple(self._clients):
            self._drop(client)
        self._selector.close()
        self._listener.close()
        self._wake_in.close()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError as error:
            log.warning("link: a client could not connect: %s", error)
            return
        sock.setblocking(False)
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or a reply after a state waits for 40 ms
        client = _Client(sock)
        with self._lock:
            client.state = client.last_queued = self._newest
        self._clients.add(client)
        self._selector.register(sock, client.interest, client)

    def _spread(self) -> None:
        with self._lock:
            newest = self._newest
            replies = tuple(self._outbox)
            self._outbox.clear()
        for client, line in replies:
            client.replies.append(line)
        for client in tuple(self._clients):
            if newest is not None and client.last_queued is not newest:
                client.state = client.last_queued = newest
            self._refresh(client)

    def _attend(self, client: "_Client", mask: int) -> None:
        try:
            if mask & selectors.EVENT_READ:
                for line in client.read():
                    self._take(client, line)
            if mask & selectors.EVENT_WRITE:
                client.write()
        except (OSError, ValueError) as error:
            log.debug("link: a client left: %s", error)
            self._drop(client)
            return
        self._refresh(client)

    def _refresh(self, client: "_Client") -> None:
        if client in self._clients:
            self._selector.modify(client.sock, client.interest, client)

    def _drop(self, client: "_Client") -> None:
        self._clients.discard(client)
        self._selector.unregister(client.sock)
        client.sock.close()

    def _take(self, client: "_Client", line: bytes) -> None:
        try:
            command = json.loads(line)
        except (ValueError, RecursionError):
            command = None
        if not isinstance(command, dict) or command.get("type") != "command":
            raise ValueError("not a command")
        number = str(command.get("id"))

        def reply(error: str | None) -> None:
            answer = {"type": "reply", "id": number, "ok": error is None, "error": error}
            with self._lock:
                self._outbox.append((client, json.dumps(answer).encode() + b"\n"))
            self._wake()

        if not hmac.compare_digest(str(command.pop("key", "")).encode(), self._key.encode()):
            reply("the key is wrong: commands need the one in command.key beside the journal")
            return
        self._submit(command, reply)


class _Client:
    """One listener: at most one state waiting, its replies in order.

    A state goes before the replies that came with it, so that who asked for a change has seen it; but never two in a
    row, so that a slow listener gets its replies, too.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.state: bytes | None = None
        self.last_queued: bytes | None = None
        self.replies: deque[bytes] = deque()
        self._state_was_last = False
        self._out = b""
        self._in = bytearray()

    @property
    def interest(self) -> int:
        waiting = bool(self._out or self.replies or self.state)
        listening = len(self.replies) < MAX_REPLIES
        return (selectors.EVENT_READ if listening else 0) | (selectors.EVENT_WRITE if waiting else 0)

    def write(self) -> None:
        if not self._out:
            if self.state is not None and not (self.replies and self._state_was_last):
                self._out, self.state, self._state_was_last = self.state, None, True
            elif self.replies:
                self._out, self._state_was_last = self.replies.popleft(), False
        if self._out:
            self._out = self._out[self.sock.send(self._out) :]

    def read(self) -> list[bytes]:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("closed by the other side")
        self._in += data
        *lines, rest = self._in.split(b"\n")
        if max(map(len, (*lines, rest))) > MAX_LINE:
            raise ValueError("line too long")
        self._in = bytearray(rest)
        return [bytes(line) for line in lines if line.strip()]


def _parse(address: str) -> tuple[str, str]:
    kind, _, target = address.partition(":")
    if kind not in {"unix", "tcp"} or not target:
        raise ValueError(f"link address {address!r}: write unix:PATH or tcp:HOST:PORT")
    return kind, target


def _host_port(target: str) -> tuple[str, int]:
    host, _, port = target.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()):
        raise ValueError(f"link address tcp:{target}: write tcp:HOST:PORT")
    return host, int(port)


def _listen(address: str) -> socket.socket:
    kind, target = _parse(address)
    sock = _listen_unix(Path(target)) if kind == "unix" else socket.create_server(_host_port(target))
    sock.setblocking(False)
    return sock


def _listen_unix(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_socket():
        try:
            connect(f"unix:{path}").close()
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)  # left by a process that was killed
        except OSError as error:
            raise OSError(
                f"{path}: another count process is here, but does not answer ({error}); stop it first"
            ) from error
        else:
            raise OSError(f"{path}: another count process is already running here; stop it first")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(0o660)
        sock.listen(64)
    except OSError as error:
        sock.close()
        raise OSError(
            f"{path}: the link can't be opened ({error.strerror or error}). Choose another --run-dir"
        ) from error
    return sock
