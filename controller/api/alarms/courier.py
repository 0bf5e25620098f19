"""Takes alarms to people, from a thread of its own: a slow or dead service delays the next alarm and nothing else.

Addresses (apprise's URLs, which hold passwords) are in a TOML file beside the site file, a list under each name:

    duty = ["ntfys://ntfy.example/lot", "mailto://..."]

It is read at each use, so that a mended one needs no restart. No error and no log line has an address in it.
"""

import json
import logging
import queue
import subprocess
import sys
import threading
import tomllib
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

SEND_S = 60.0
MAX_WAITING = 100
PAUSES_S = (0.0, 30.0, 300.0)
"""Before each try to send the same alarm."""


class NotSentError(Exception):
    """The message did not go out; says why and the mend, without an address."""


class Courier:
    """Sends to the names of one file of addresses."""

    def __init__(self, addresses: Path | None, *, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._file = addresses
        self._pauses_s = pauses_s
        self._waiting: queue.Queue[tuple[str, str, str] | None] = queue.Queue(MAX_WAITING)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="alarms", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, without waiting for what is on its way."""
        self._closed.set()

    def put(self, to: str, title: str, body: str) -> None:
        """Send soon, with retries; returns at once."""
        try:
            self._waiting.put_nowait((to, title, body))
        except queue.Full:
            log.warning("alarm to %s dropped, %d wait already: %s", to, MAX_WAITING, title)

    def send(self, to: str, title: str, body: str) -> None:
        """Send now and once; raises NotSentError."""
        message = json.dumps({"to": self._addresses(to), "title": title, "body": body})
        try:
            done = subprocess.run(
                [sys.executable, "-m", "controller.api.alarms.sender"],
                input=message.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SEND_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotSentError(f"{to}: not sent within {SEND_S:.0f} s; check that the service can be reached") from None
        if done.returncode:
            bad = "an address is not one that apprise knows" if done.returncode == 2 else "the service did not take it"  # noqa: PLR2004  see ``sender``
            raise NotSentError(f"{to}: {bad}; check the addresses in {self._file} and the network")

    def _addresses(self, to: str) -> list[str]:
        if self._file is None:
            raise NotSentError("the site file names no addresses; add [alarms] with addresses_file")
        try:
            names = tomllib.loads(self._file.read_text("utf-8"))
        except OSError as error:
            raise NotSentError(f"{self._file}: can't be read ({error.strerror}); let the web process read it") from None
        except ValueError:  # its text would quote the line
            raise NotSentError(f'{self._file}: not TOML; write lines like duty = ["..."]') from None
        found = names.get(to)
        if not isinstance(found, list) or not found or not all(isinstance(address, str) for address in found):
            known = ", ".join(names) or "none"
            raise NotSentError(f"{to}: no list of addresses has this name in {self._file}; names there: {known}")
        return found

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                item = self._waiting.get(timeout=1.0)
            except queue.Empty:
                continue
            if item is not None:
                self._deliver(*item)

    def _deliver(self, to: str, title: str, body: str) -> None:
        for pause_s in self._pauses_s:
            if self._closed.wait(pause_s):
                return
            try:
                self.send(to, title, body)
            except NotSentError as error:
                log.warning("alarm not sent: %s", error)
            else:
                log.info("alarm sent to %s: %s", to, title)
                return
