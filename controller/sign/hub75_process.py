"""The process that drives a HUB75 panel: ``parking-controller sign hub75``. It shows what it is told, until it ends.

A HUB75 panel has no memory: somebody must draw it some hundred times a second, on pins that only root may touch. The
usual library for that, rpi-rgb-led-matrix, is under the GPL, and its Python binding (``rgbmatrix``) is no part of this
product: who wants such a panel installs it. So this is a program of its own, which imports nothing of the product and
may run in another Python; the sign's process, without any rights, sends it pictures over a Unix socket. A line is

    {"until": <monotonic s>, "brightness": 8, "rgb": "ff6000..."}       without "rgb": the same picture for longer
    {"until": null}                                                     be dark

It is dark when ``until`` has passed, at most 3 s later than now, and as soon as the connection is lost. One client at a
time: a new one takes the place of the last.
"""

import contextlib
import json
import math
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

LONGEST_S = 3.0
BEAT_S = 0.1
MOST_BYTES = 4 * 1024 * 1024
_CHUNK = 256 * 1024
_BRIGHTEST = 15


class Matrix:
    """The panel behind the binding. Raises ImportError without it, RuntimeError when it cannot drive the pins."""

    def __init__(self, options: dict[str, Any]) -> None:
        from rgbmatrix import RGBMatrix, RGBMatrixOptions  # noqa: PLC0415  installed by who has such a panel

        wanted = RGBMatrixOptions()
        for name, value in options.items():
            setattr(wanted, name, value)
        wanted.drop_privileges = False  # it would become "daemon", and could not remove its own socket
        try:
            self._matrix = RGBMatrix(options=wanted)
        except Exception as error:  # the binding raises nothing narrower
            raise RuntimeError(str(error)) from error
        self._canvas = self._matrix.CreateFrameCanvas()
        self.size: tuple[int, int] = (self._matrix.width, self._matrix.height)
        self.dark()

    def show(self, rgb: bytes, brightness: int) -> None:
        """Light the panel with these pixels, row by row; brightness 0 (dim, but lit) to 15."""
        self._matrix.brightness = max(1, round((brightness + 1) * 100 / (_BRIGHTEST + 1)))
        self._canvas.Clear()
        width = self.size[0]
        for place in range(len(rgb) // 3):
            red, green, blue = rgb[3 * place : 3 * place + 3]
            if red or green or blue:
                self._canvas.SetPixel(place % width, place // width, red, green, blue)
        self._canvas = self._matrix.SwapOnVSync(self._canvas)

    def dark(self) -> None:
        """Light nothing."""
        self._canvas.Clear()
        self._canvas = self._matrix.SwapOnVSync(self._canvas)


class Shown:
    """What the panel shows and until when. The rules only; driven by whoever has a clock (monotonic s)."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._until = -math.inf
        self._rgb = b""
        self._drawn: tuple[bytes, int] | None = None

    def hear(self, line: bytes, now: float) -> None:
        """Take one line; ValueError when it makes no sense."""
        try:
            told = json.loads(line)
            until = told["until"]
            if until is None:
                self.dark()
                return
            brightness = int(told["brightness"])
            rgb = bytes.fromhex(told["rgb"]) if "rgb" in told else self._rgb
            until = float(until)
        except (KeyError, TypeError, RecursionError, OverflowError) as error:
            raise ValueError(f"no picture: {error!r}") from error
        width, height = self._matrix.size
        if len(rgb) != 3 * width * height:
            raise ValueError(f"{len(rgb) // 3} pixels for {width}x{height} LEDs; the site file and the panel differ")
        if not math.isfinite(until) or not 0 <= brightness <= _BRIGHTEST:
            raise ValueError(f"until {until} or brightness {brightness} is out of range")
        self._rgb, self._until = rgb, min(until, now + LONGEST_S)
        if now <= self._until and self._drawn != (rgb, brightness):
            self._matrix.show(rgb, brightness)
            self._drawn = rgb, brightness
        self.beat(now)

    def beat(self, now: float) -> None:
        """Be dark when what is shown holds no longer."""
        if now > self._until:
            self.dark()

    def dark(self) -> None:
        """Be dark until something else is heard."""
        self._until = -math.inf
        if self._drawn is not None:
            self._matrix.dark()
            self._drawn = None


class Server:
    """The socket, and at most one client. Its file lets owner and group in."""

    def __init__(self, path: Path, shown: Shown) -> None:
        self._shown = shown
        self._client: socket.socket | None = None
        self._buffer = bytearray()
        self._path = path
        early = path.with_suffix(".new")  # takes the name only when it listens: who finds it is let in
        early.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(early))
        early.chmod(0o660)
        self._listener.listen(4)
        early.replace(path)
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)

    def turn(self, timeout_s: float) -> None:
        """Wait at most so long for what comes, and take it."""
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._listener:
                self._take_in()
            elif key.fileobj is self._client:
                self._read()

    def close(self) -> None:
        """Be dark, and let everything go."""
        self._drop()
        self._selector.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _take_in(self) -> None:
        client, _ = self._listener.accept()
        self._drop()
        client.setblocking(False)
        self._client = client
        self._selector.register(client, selectors.EVENT_READ)

    def _read(self) -> None:
        if self._client is None:
            return
        try:
            chunk = self._client.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._drop(str(error))
            return
        *lines, rest = (self._buffer + chunk).split(b"\n")
        self._buffer = bytearray(rest)
        try:
            for line in lines:
                self._shown.hear(bytes(line), time.monotonic())
        except ValueError as error:
            self._drop(str(error))
        if not chunk or len(rest) > MOST_BYTES:
            self._drop("a line without end" if chunk else "it hung up")

    def _drop(self, why: str | None = None) -> None:
        self._shown.dark()
        self._buffer.clear()
        if self._client is not None:
            if why is not None:
                _say(f"dark, the sign's process is let go: {why}")
            self._selector.unregister(self._client)
            self._client.close()
            self._client = None


def run(path: Path, options: dict[str, Any], stop: list[bool]) -> None:
    """Serve until ``stop`` has something in it; raises what ``Matrix`` does, and OSError without a socket."""
    shown = Shown(Matrix(options))
    path.parent.mkdir(parents=True, exist_ok=True)
    server = Server(path, shown)
    try:
        _notify("READY=1")
        while not stop:
            server.turn(BEAT_S)
            shown.beat(time.monotonic())
            _notify("WATCHDOG=1")
    finally:
        _notify("STOPPING=1")
        server.close()


def main(told: str) -> str | None:
    """Run with what the command line found in the site file, as JSON; return what ended it, if something did."""
    wanted = json.loads(told)
    stop: list[bool] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.append(True))
    try:
        run(Path(wanted["socket"]), wanted["options"], stop)
    except ImportError as error:
        mend = "install it for this Python (docs/sign.md), or name another one with --python"
        return f"sign hub75: the binding of rpi-rgb-led-matrix is not installed ({error}); {mend}"
    except RuntimeError as error:
        return f"sign hub75: the panel cannot be driven: {error}; it needs root, and a Pi that the library knows"
    except OSError as error:
        return f"sign hub75: {error}"
    return None


def _say(text: str) -> None:
    sys.stderr.write(f"WARNING hub75: {text}\n")
    sys.stderr.flush()


def _notify(text: str) -> None:
    """Tell systemd how we are (sd_notify(3)); a lost word is never worth an exception."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1.0)
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.send(text.encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
