"""The web process's end of the local link, on asyncio: the newest state in, commands out.

Connects for ever, with a short back-off. It never judges freshness itself: a state that came long ago stays ``newest``
until another comes, and whoever shows it asks ``controller.link.is_fresh`` first.
"""

import asyncio
import itertools
import json
import logging
from pathlib import Path

from pydantic import ValidationError

from controller.api.envelope import Envelope
from controller.link import Json

log = logging.getLogger(__name__)

MAX_LINE = 16 * 1024 * 1024
"""Longest line (bytes) from the count process: a lot of 10,000 bays takes about 2 MB."""
REPLY_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0


class CommandError(Exception):
    """A command was not carried out, or nobody knows whether it was."""


class KeyUnreadableError(CommandError):
    """The command key is missing or not for our eyes."""


class LinkDownError(CommandError):
    """The count process is not there."""


class NoReplyError(CommandError):
    """The command was sent and nothing came back: it may have been carried out."""


class RefusedError(CommandError):
    """The count process said no, and why."""


class Uplink:
    """Follows one count process; everything happens on one event loop."""

    def __init__(self, *, address: str, key_file: Path, reply_s: float = REPLY_S) -> None:
        self._kind, _, self._target = address.partition(":")
        if self._kind not in {"unix", "tcp"} or not self._target:
            raise ValueError(f"link address {address!r}: write unix:PATH or tcp:HOST:PORT")
        self._key_file = key_file
        self._reply_s = reply_s
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[str, asyncio.Future[str | None]] = {}
        self._numbers = itertools.count(1)
        self._came = asyncio.Event()
        self.newest: Envelope | None = None

    async def run(self) -> None:
        """Follow the count process until cancelled."""
        pause_s, told = FIRST_PAUSE_S, False
        while True:
            before = self.newest
            try:
                await self._follow()
            except (OSError, ValueError) as error:  # TimeoutError is an OSError, ValidationError a ValueError
                if self.newest is not before:
                    pause_s, told = FIRST_PAUSE_S, False
                log.log(logging.DEBUG if told else logging.WARNING, "link %s: %s", self._target, error)
                told = True
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def wait_for_other(self, than: Envelope | None) -> None:
        """Return when ``newest`` is another one."""
        while self.newest is than:
            self._came.clear()
            await self._came.wait()

    async def command(self, **command: object) -> None:
        """Send a command and return when it is durable; raises CommandError."""
        key = self._key()
        writer = self._writer
        if writer is None:
            raise LinkDownError("the counting process is not running")
        number = str(next(self._numbers))
        reply = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            writer.write(json.dumps({"type": "command", "id": number, "key": key, **command}).encode() + b"\n")
            async with asyncio.timeout(self._reply_s):
                await writer.drain()
                error = await reply
        except TimeoutError:
            raise NoReplyError(f"the counting process did not answer within {self._reply_s:.0f} s") from None
        except OSError as failure:
            raise NoReplyError("the connection to the counting process broke before it answered") from failure
        finally:
            del self._waiting[number]
        if error is not None:
            raise RefusedError(error)

    def _key(self) -> str:
        """Read it on each use: the count process makes it, perhaps after we started."""
        try:
            return self._key_file.read_text("ascii").strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not text"
            raise KeyUnreadableError(f"the command key {self._key_file} can't be read: {why}") from error

    async def _follow(self) -> None:
        reader, writer = await self._open()
        log.info("link %s: connected", self._target)
        self._writer = writer
        try:
            while line := await reader.readline():
                message = json.loads(line)
                if not isinstance(message, dict):
                    raise ValueError(f"not a message: {line[:80]!r}")  # noqa: TRY004  a broken line, as others are
                self._take(message)
            raise ConnectionError("the count process closed the link")
        finally:
            self._writer = None
            for reply in self._waiting.values():
                if not reply.done():
                    reply.set_exception(ConnectionResetError("link lost"))
            writer.transport.abort()  # what is still unsent was for a process that is gone

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(2.0):
            if self._kind == "unix":
                return await asyncio.open_unix_connection(self._target, limit=MAX_LINE)
            host, _, port = self._target.rpartition(":")
            return await asyncio.open_connection(host, int(port), limit=MAX_LINE)

    def _take(self, message: Json) -> None:
        kind = message.get("type")
        if kind == "state":
            try:
                self.newest = Envelope.model_validate(message)
            except ValidationError as error:
                # Another version of the count process, perhaps for the moment of an upgrade: not live until it fits.
                log.error("link %s: a state that this version does not understand: %s", self._target, error)  # noqa: TRY400  pydantic's words suffice
                return
            self._came.set()
        elif kind == "reply":
            reply = self._waiting.get(str(message.get("id")))
            if reply is not None and not reply.done():
                reply.set_result(None if message.get("ok") is True else str(message.get("error")))
