"""The demo's own MQTT broker: amqtt on an event loop in a thread, for this machine alone.

It speaks MQTT 3.1.1 and carries what a demo needs; a real site runs Mosquitto. amqtt is imported when it is started,
since only the demo has it, and its chatter is kept out of the log.
"""

import asyncio
import contextlib
import logging
import socket
import threading

log = logging.getLogger(__name__)

START_S = 10.0
STOP_S = 1.0
HOST = "127.0.0.1"


class EmbeddedBrokerError(RuntimeError):
    """The broker could not be started: why, and the mend."""


def free_port(preferred: int = 0) -> int:
    """Return ``preferred`` if nobody listens on it here, else any free port."""
    for port in (preferred, 0):
        with contextlib.suppress(OSError), socket.create_server((HOST, port)) as server:
            found: int = server.getsockname()[1]
            return found
    raise EmbeddedBrokerError(f"no free port on {HOST}; close some programs")


class EmbeddedBroker:
    """A broker on ``port``; it listens once ``start`` has returned, and is gone once ``close`` has."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self) -> None:
        """Start it; EmbeddedBrokerError when that fails."""
        self._thread.start()
        if not self._ready.wait(START_S):
            raise EmbeddedBrokerError(f"the embedded broker did not start within {START_S:.0f} s")
        if self._error is not None:
            raise EmbeddedBrokerError(f"the embedded broker on port {self.port}: {self._error}") from self._error

    def close(self) -> None:
        """Disconnect everyone and stop; more than once is harmless."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(STOP_S + 0.5)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # told by the thread that waits in start
            self._error = error
            log.debug("embedded broker", exc_info=True)
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        for name in ("amqtt", "transitions", "websockets"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        from amqtt.broker import Broker  # noqa: PLC0415  only the demo has it
        from amqtt.contexts import BrokerConfig, ListenerConfig  # noqa: PLC0415  the same

        broker = Broker(
            BrokerConfig(
                listeners={"default": ListenerConfig(bind=f"{HOST}:{self.port}")},
                plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            )
        )
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await broker.start()
        self._ready.set()
        await self._stop.wait()
        try:
            async with asyncio.timeout(STOP_S):
                await broker.shutdown()
        except TimeoutError:
            log.debug("embedded broker: did not shut down in %.1f s; dropped", STOP_S)
