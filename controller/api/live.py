"""The newest picture of everything, and who waits for the next one.

One task looks at the link and at the signs' read-back files, and makes each event once for all. Whoever follows holds
no queue: it waits for the next version and takes the newest, so a stalled listener costs what is already in its socket
and nothing more. A ``state`` goes out at every change, a ``beat`` each second, which says how old the state is.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi.sse import format_sse_event

from controller.api.content import AGES, tag_of
from controller.api.cut import cut
from controller.api.envelope import Envelope
from controller.api.models import Picture
from controller.api.status import freshness, is_alive, picture
from controller.api.uplink import Uplink
from controller.notify import notify
from controller.sign import readback
from controller.sign.readback import Shown
from controller.site import Site

log = logging.getLogger(__name__)

POLL_S = 0.1
"""How often read-back files are looked at, and freshness is judged."""
BREATH_S = 0.02
"""A burst of states becomes at most 50 pictures a second."""
BEAT_S = 1.0
RETRY_MS = 1000
"""How long a browser waits before it connects again."""


class Live:
    """Keeps what the stream sends; ``run`` must run. Everything happens on one event loop."""

    def __init__(self, *, site: Site, run_dir: Path, uplink: Uplink) -> None:
        self._site = site
        self._run_dir = run_dir
        self._uplink = uplink
        self._news = asyncio.Event()
        self._closed = False
        self._seen: tuple[Envelope | None, object] | None = None
        self._json = ""
        self._state = self._public = b""
        self._tag = self._public_tag = ""
        self._beat, self._beats, self._beat_at = b"", 0, float("-inf")
        self.streams = 0
        """How many follow now; counted by the route."""

    def picture(self) -> Picture:
        """Return everything as of this moment."""
        return picture(self._site, self._uplink.newest, self._shown(), time.monotonic())

    def shown(self, sign: str) -> Shown | None:
        """Return the fresh read-back of this sign, or None."""
        shown = readback.read(self._run_dir, sign)
        return shown if is_alive(shown, time.monotonic()) else None

    async def run(self) -> None:
        """Look, tell and beat until cancelled. Feeds the watchdog: when this stops, systemd starts us again."""
        while True:
            try:
                self._look()
            except Exception:
                log.exception("the live picture failed; trying again")
                await asyncio.sleep(BEAT_S)
            seen = self._uplink.newest
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._uplink.wait_for_other(seen)
            await asyncio.sleep(BREATH_S)

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._wake()

    async def follow(self, last_seen: str | None = None, *, whole: bool = True) -> AsyncIterator[bytes]:
        """Yield server-sent events: the newest state at once and at every change, beats in between, until closed.

        Whoever saw the newest one already, by its event id, hears a beat first instead. Not ``whole``: only what the
        site file makes public.
        """
        state, tag = (self._state, self._tag) if whole else (self._public, self._public_tag)
        seen = state if last_seen and last_seen == tag else None
        beats = -1
        while not self._closed:
            newest = self._state if whole else self._public
            if seen is not newest:
                seen, beats = newest, self._beats
                yield newest
            elif beats != self._beats:
                beats = self._beats
                yield self._beat
            else:
                await self._news.wait()

    def _shown(self) -> dict[str, Shown | None]:
        return {sign.name: readback.read(self._run_dir, sign.name) for sign in self._site.lot.signs}

    def _look(self) -> None:
        now = time.monotonic()
        envelope, shown = self._uplink.newest, self._shown()
        live = envelope is not None and envelope.is_fresh(now)
        seen = (live, [(name, s, is_alive(s, now)) for name, s in shown.items()])
        if self._seen is None or self._seen[0] is not envelope or self._seen[1] != seen:
            self._seen = (envelope, seen)
            self._tell(picture(self._site, envelope, shown, now))
        if now - self._beat_at >= BEAT_S:
            self._beat_at = now
            self._breathe(envelope, now)

    def _tell(self, everything: Picture) -> None:
        state = everything.model_dump_json(exclude=AGES)
        if state != self._json:
            self._json = state
            self._tag = tag_of(state)
            self._state = format_sse_event(event="state", data_str=state, id=self._tag, retry=RETRY_MS)
            public = cut(everything, self._site.api.public)
            known = state if public is everything else public.model_dump_json(exclude=AGES)
            if (tag := tag_of(known)) != self._public_tag:
                self._public_tag = tag
                self._public = format_sse_event(event="state", data_str=known, id=tag, retry=RETRY_MS)
            self._wake()

    def _breathe(self, envelope: Envelope | None, now: float) -> None:
        fresh = freshness(self._site, envelope, now)
        self._beat = format_sse_event(event="beat", data_str=fresh.model_dump_json())
        self._beats += 1
        self._wake()
        notify("WATCHDOG=1")

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
