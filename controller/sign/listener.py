"""The sign's end of the local link: lines from the count, as they come, over a connection that is made again.

No line and no silence holds the caller up for longer than it asked for.
"""

import contextlib
import logging
import random
import socket
import time
from types import TracebackType
from typing import Self

from controller.link import connect

log = logging.getLogger(__name__)

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes; a longer line is no state of a car park. The connection is given up."""
_CHUNK = 64 * 1024
_RETRY_S = (0.2, 1.0)
"""Wait this long before a new attempt, at random, so that several signs do not come at once."""


class Listener:
    """Reads lines from the link at ``address``; a context manager."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._retry_at = 0.0
        self._buffer = bytearray()
        self._searched = 0
        self._refused = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def lines(self, timeout_s: float) -> list[bytes]:
        """Return the lines that came, after at most ``timeout_s``; OSError when the connection was lost just now."""
        if self._socket is None:
            self._dial(timeout_s)
            return []
        try:
            self._socket.settimeout(max(timeout_s, 0.001))  # 0 would mean: never wait
            chunk = self._socket.recv(_CHUNK)
            if not chunk:
                raise ConnectionError("count has closed the link")
            return self._split(chunk)
        except TimeoutError:
            return []
        except OSError:
            self._hang_up()
            raise

    def _split(self, chunk: bytes) -> list[bytes]:
        self._buffer += chunk
        end = self._buffer.rfind(b"\n", self._searched) + 1
        self._searched = len(self._buffer)
        if end:
            whole = bytes(self._buffer[: end - 1])
            del self._buffer[:end]
            self._searched = len(self._buffer)
            return whole.split(b"\n")
        if len(self._buffer) > LONGEST_LINE:
            raise ConnectionError(f"count sent a line longer than {LONGEST_LINE} bytes")
        return []

    def _dial(self, timeout_s: float) -> None:
        wait_s = self._retry_at - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            return
        try:
            self._socket = connect(self._address)
        except OSError as error:
            if not self._refused:
                log.info("nobody answers at %s (%s); trying on", self._address, error)
            self._refused = True
            self._put_off()
        else:
            log.info("connected to count at %s", self._address)
            self._refused = False

    def _hang_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None
        self._buffer.clear()
        self._searched = 0
        self._put_off()

    def _put_off(self) -> None:
        self._retry_at = time.monotonic() + random.uniform(*_RETRY_S)  # noqa: S311  no secret
