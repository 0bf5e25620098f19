"""A small local line server that moves mock pins, so that a simulator in another process can drive a count process.

It moves what a wire would move, nothing else, and is only ever opened on gpiozero's MockFactory. One JSON object a
line, one answer a line, in order:

    {"gpio": 17, "high": false}    ->    {"ok": true}
    {"gpio": 99, "high": false}    ->    {"ok": false, "error": "gpio 99: this site has no such pin; it uses 17, 27"}
    {"gpio": 17, "high": true, "at": 5012.25}    the same, stamped with a time (monotonic clock, s) as a kernel would

The answer comes after the level is in the inbox; a line that is no order gets an error line. One thread serves all.
"""

import contextlib
import json
import logging
import selectors
import socket
import threading
from pathlib import Path
from typing import Any, Self

from gpiozero.pins.mock import MockFactory, MockPin

from controller.link import connect

log = logging.getLogger(__name__)

MAX_LINE = 1024
"""Longest line (bytes) that the server takes; a client that sends more is disconnected."""


class DatedPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A mock pin whose changes may have happened a moment ago, as a kernel stamps them."""

    def drive(self, *, high: bool, at: float) -> None:
        """Move it, as at this time of the monotonic clock (s)."""
        self._at: float | None = at
        try:
            if high:
                self.drive_high()
            else:
                self.drive_low()
        finally:
            self._at = None

    def _change_state(self, value: bool) -> bool:  # noqa: FBT001  gpiozero's own
        changed = bool(super()._change_state(value))
        if changed and (at := getattr(self, "_at", None)) is not None:
            self._last_change = at
        return changed


class MockPinError(ValueError):
    """An order that can't be carried out: what is wrong with it, and what would do."""


def default_address(run_dir: Path) -> str:
    """Where the mock pins are, for a run directory: a Unix socket, or a local port where the system has none."""
    if hasattr(socket, "AF_UNIX"):
        return f"unix:{run_dir / 'pins.sock'}"
    return "tcp:127.0.0.1:8472"


class MockPinServer:
    """Moves the pins of ``factory`` that are in use, on orders that come to ``address``, until closed."""

    def __init__(self, factory: MockFactory, address: str) -> None:
        if not isinstance(factory, MockFactory):
            raise TypeError(f"{type(factory).__name__}: only mock pins can be moved by hand; a real pin has a wire")
        self._factory = factory
        self._listener, self._socket_file = _listen(address)
        self._listener.setblocking(False)
        self._wake_out, self._wake_in = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._clients: set[socket.socket] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="mock-pins", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and disconnect everyone; more than once is harmless."""
        if self._closing:
            return
        self._closing = True
        self._wake_out.close()
        self._thread.join(timeout=2.0)
        if self._socket_file is not None:
            self._socket_file.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._closing:
            for ready, _ in self._selector.select():
                if ready.fileobj is self._listener:
                    self._accept()
                elif ready.fileobj is not self._wake_in:
                    self._attend(ready.data)
        for sock in (self._listener, self._wake_in, *self._clients):
            sock.close()
        self._selector.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the client is gone already
            sock, _ = self._listener.accept()
            sock.settimeout(1.0)  # for a client that never reads its answers
            self._clients.add(sock)
            self._selector.register(sock, selectors.EVENT_READ, _Client(sock))

    def _attend(self, client: "_Client") -> None:
        try:
            for line in client.read():
                client.sock.sendall(json.dumps(self._answer(line)).encode() + b"\n")
        except OSError as error:
            log.debug("mock pins: a client left: %s", error)
            self._selector.unregister(client.sock)
            self._clients.discard(client.sock)
            client.sock.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            gpio, high, at = _order(line)
            self._move(gpio, high=high, at=at)
        except MockPinError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True}

    def _move(self, gpio: int, *, high: bool, at: float | None) -> None:
        used = {pin.info.name: pin for pin in self._factory.pins.values() if pin.when_changed is not None}
        pin = used.get(f"GPIO{gpio}")
        if pin is None:
            numbers = sorted(int(name.removeprefix("GPIO")) for name in used)
            known = f"it uses {', '.join(map(str, numbers))}" if numbers else "it uses none"
            raise MockPinError(f"gpio {gpio}: this site has no such pin; {known}")
        if at is not None and isinstance(pin, DatedPin):
            pin.drive(high=high, at=at)
        elif high:
            pin.drive_high()
        else:
            pin.drive_low()


class MockPinClient:
    """Moves mock pins from another process. Reconnecting is the caller's."""

    def __init__(self, address: str, *, timeout_s: float = 5.0) -> None:
        self._sock = connect(address)
        self._sock.settimeout(timeout_s)
        self._lines = self._sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._lines.close()
        self._sock.close()

    def set(self, gpio: int, high: bool, *, at: float | None = None) -> None:  # noqa: FBT001  a level
        """Drive a pin (BCM number), as of ``at`` (monotonic clock, s) or now.

        Raises MockPinError when refused, OSError when the server is gone.
        """
        order = {"gpio": gpio, "high": high} | ({} if at is None else {"at": at})
        self._sock.sendall(json.dumps(order).encode() + b"\n")
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the count process closed the mock pins")
        answer = json.loads(line)
        if not answer["ok"]:
            raise MockPinError(answer["error"])


class _Client:
    """One connection and the line that is not whole yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._rest = b""

    def read(self) -> list[bytes]:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("closed by the other side")
        *lines, self._rest = (self._rest + data).split(b"\n")
        if any(len(line) > MAX_LINE for line in (*lines, self._rest)):
            raise ConnectionError("line too long")
        return lines


def _order(line: bytes) -> tuple[int, bool, float | None]:
    mend = 'write {"gpio": 17, "high": false}'
    try:
        order = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MockPinError(f"no JSON: {error}; {mend}") from error
    if not isinstance(order, dict):
        raise MockPinError(f"no JSON object; {mend}")
    gpio, high, at = order.get("gpio"), order.get("high"), order.get("at")
    if not isinstance(gpio, int) or isinstance(gpio, bool):
        raise MockPinError(f"gpio = {gpio!r}: not a BCM number; {mend}")
    if not isinstance(high, bool):
        raise MockPinError(f"high = {high!r}: neither true nor false; {mend}")
    if at is not None and (not isinstance(at, int | float) or isinstance(at, bool)):
        raise MockPinError(f"at = {at!r}: no time of the monotonic clock; leave it out, or write seconds")
    return gpio, high, at


def _listen(address: str) -> tuple[socket.socket, Path | None]:
    """Return the listening socket and, for ``unix:PATH``, its file. The link's socket guards the run directory."""
    kind, _, target = address.partition(":")
    if kind == "tcp":
        host, _, port = target.rpartition(":")
        return socket.create_server((host, int(port))), None
    if kind != "unix" or not target:
        raise ValueError(f"mock pins' address {address!r}: write unix:PATH or tcp:HOST:PORT")
    path = Path(target)
    path.unlink(missing_ok=True)  # left by a process that was killed
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(target)
        path.chmod(0o600)
        sock.listen()
    except OSError:
        sock.close()
        raise
    return sock, path
