"""The web process: puts the API, the live stream and the pages together, and serves them.

It holds no state of its own but the newest that came over the link, and may be killed at any time. The interactive
documentation pages of FastAPI are off, because they load scripts from elsewhere; /api/v1/openapi.json is there.
"""

import asyncio
import contextlib
import logging
import mimetypes
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from controller.api import audit, conditional, login, metrics, pages, problems, reading, staff
from controller.api.access import LEGACY_TOKEN, Gate, readable
from controller.api.accounts import FILE_NAME, Accounts
from controller.api.alarms import routes as alarms
from controller.api.alarms.courier import Courier
from controller.api.door import Answers, BodyLimit, Counted, SecurityHeaders
from controller.api.feeds import routes as feeds
from controller.api.incidents import page as incidents_page
from controller.api.incidents import poster
from controller.api.incidents import routes as incidents
from controller.api.incidents.book import Book
from controller.api.incidents.desk import Desk
from controller.api.live import Live
from controller.api.openapi import DocumentedApp
from controller.api.past import page as past_page
from controller.api.past import routes as past
from controller.api.uplink import Uplink
from controller.api.webhooks import routes as webhooks
from controller.api.webhooks.outbox import Outbox
from controller.notify import notify
from controller.places import Places
from controller.site import Site

log = logging.getLogger(__name__)

CANNOT_START = 2
"""The exit code when the port is taken or the accounts can't be used."""


_STOP = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
"""What ends the process; Windows sends SIGBREAK to children."""


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the web process needs to know."""

    site: Site
    link_address: str
    run_dir: Path
    """Where the signs' read-back files are."""
    state_dir: Path
    """Where the count process keeps ``command.key``."""
    token_dir: Path
    """Where the accounts, incidents and the webhooks' outbox are kept, readable by this process alone."""


def create_app(config: WebConfig, *, extra: Sequence[APIRouter] = (), lobby: str | None = None) -> FastAPI:
    """Build the application; ``extra`` routers join it, and ``/`` links to the path ``lobby``.

    Raises OSError or ValueError when the accounts can't be used.
    """
    places = Places(config.state_dir, config.run_dir)
    uplink = Uplink(address=config.link_address, key_file=places.key)
    live = Live(site=config.site, run_dir=config.run_dir, uplink=uplink)
    app = DocumentedApp(
        title="parking-controller",
        version=_version(),
        summary="How many spaces are free, what the sign says, and why.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.site, app.state.live, app.state.uplink = config.site, live, uplink
    app.state.courier = Courier(config.site.alarm_addresses)
    app.state.gate = Gate(_accounts(config.token_dir))
    app.state.desk = webhooks.Desk(config.site, live, Outbox(config.token_dir, [w.name for w in config.site.webhooks]))
    app.state.incidents = Desk(Book(config.token_dir), config.site)
    app.state.unheeded = app.state.incidents.unheeded  # what else is worth an alarm: see ``alarms.routes.Unheeded``
    app.state.lobby, app.state.journal = lobby, places.journal
    app.state.answers = Answers()
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)  # outside: a refusal has them too
    app.add_middleware(Counted, answers=app.state.answers)
    problems.install(app)
    conditional.install(app)
    app.include_router(feeds.router, dependencies=[Depends(readable("feeds"))], responses=problems.WRONG_TOKEN)
    api = (reading, staff, past, incidents, poster, audit, alarms, webhooks, metrics)
    ours = (*api, pages, past_page, incidents_page, login)
    for router in (*(part.router for part in ours), *extra):
        app.include_router(router, responses=problems.WRONG_TOKEN)
    mimetypes.add_type("text/javascript", ".js")  # Windows may have another in its registry, and nosniff refuses that
    app.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    return app


def _accounts(directory: Path) -> Accounts:
    accounts = Accounts(directory)
    if accounts.take_over(directory / LEGACY_TOKEN, time.time()):
        log.info("the token in %s goes on working, as a manager's", directory / LEGACY_TOKEN)
    if not any(account.revoked is None for account in accounts.accounts()):
        log.warning(
            "nobody can log in yet: parking-controller access user NAME --role manager (%s)", directory / FILE_NAME
        )
    return accounts


def run(
    config: WebConfig,
    *,
    extra: Sequence[APIRouter] = (),
    lobby: str | None = None,
    ready: Callable[[str], None] = lambda _address: None,
) -> None:
    """Serve until SIGINT or SIGTERM, which ends it within 2 s; ``ready`` hears the address once it answers.

    Exits with code 2 when the port is taken or the accounts can't be used.
    """
    host, port = config.site.api.host, config.site.api.port
    try:
        app = create_app(config, extra=extra, lobby=lobby)
        listener = _listen(host, port)
    except (OSError, ValueError) as error:
        log.error("the web process cannot start: %s", error)  # noqa: TRY400  a mend, not a traceback, is wanted
        raise SystemExit(CANNOT_START) from error
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    with listener:
        _Server(settings, live=app.state.live, ready=ready).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends event streams when it stops, and returns then: uvicorn would wait for them, and raise the signal again."""

    def __init__(self, config: uvicorn.Config, *, live: Live, ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._live = live
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and sockets:
            address = _address(sockets[0])
            log.info("listening on %s", address)
            notify(f"READY=1\nSTATUS=listening on {address}")
            self._ready(address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify("STOPPING=1")
        self._live.close()
        impatient = asyncio.get_running_loop().call_later(0.5, self._drop_stalled)
        await super().shutdown(sockets=sockets)
        impatient.cancel()

    def _drop_stalled(self) -> None:
        """Cut off whoever does not read: such a stream can't end by itself."""
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _STOP}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(app.state.uplink.run()), asyncio.create_task(app.state.live.run())]
    also = app.state.unheeded
    tasks.append(asyncio.create_task(alarms.watch(app.state.site, app.state.live, app.state.courier, also)))
    tasks.append(asyncio.create_task(app.state.desk.run()))
    for task in tasks:
        task.add_done_callback(_mourn)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        app.state.courier.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        app.state.desk.close()
        app.state.incidents.book.close()


def _mourn(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical("a task that must never end has ended; restart the web process", exc_info=task.exception())


def _listen(host: str, port: int) -> socket.socket:
    """Bind before anything else starts, for an error that a person understands."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        mend = "stop what listens there, or choose another port in [api] of the site file"
        raise OSError(f"can't listen on {host}:{port}: {error.strerror or error}; {mend}") from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  for a person to click on, not to bind
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _version() -> str:
    try:
        return version("parking-controller")
    except PackageNotFoundError:
        return "0"
