"""Talks to a counting process over its link, as the web process does, but blocking."""

import json
import time
from typing import Self

from controller.link import Json, connect, is_fresh


class LinkClient:
    """A blocking client of the local link."""

    def __init__(self, address: str, *, key: str = "", timeout_s: float = 5.0) -> None:
        self._sock = connect(address)
        self._sock.settimeout(timeout_s)
        self._lines = self._sock.makefile("rb")
        self._key = key
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._lines.close()
        self._sock.close()

    def receive(self) -> Json:
        """Return the next message; raises OSError (a TimeoutError too) when none comes."""
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the count process closed the link")
        message: Json = json.loads(line)
        return message

    def state(self) -> Json:
        """Return the next fresh state."""
        while True:
            message = self.receive()
            if message.get("type") == "state" and is_fresh(message, time.monotonic()):
                return message

    def command(self, **command: object) -> str | None:
        """Send a command and wait until it is durable; return what was wrong, or None."""
        self._number += 1
        number = str(self._number)
        line = json.dumps({"type": "command", "id": number, "key": self._key, **command})
        self._sock.sendall(line.encode() + b"\n")
        while True:
            message = self.receive()
            if message.get("type") == "reply" and message.get("id") == number:
                error: str | None = message["error"]
                return error
