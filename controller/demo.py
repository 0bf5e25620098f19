"""The demo: the product itself, its site file saying mock pins and an emulated sign, and simulated cars on its wires.

This process has the embedded broker, the simulated cars, and the sign in the terminal; count, sign and web are its
children, started as ``run`` starts them. Only the site file, and the clock that the count follows, know that this is a
demo, and the web process serves one page more (``demo_page``). Another scenario is another site: the children start
anew. Ctrl-C ends everything; the exit code is then 0.
"""

import contextlib
import logging
import secrets
import socket
import tempfile
import threading
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from controller.demo_show import DEFAULT, Outcome, Plan, in_thread, perform
from controller.demo_terminal import TerminalSign
from controller.run import stop_on_signals
from controller.simulator.embedded_broker import HOST, EmbeddedBrokerError, free_port
from controller.simulator.scenario import ScenarioError
from controller.site import MqttSpec

if TYPE_CHECKING:
    from controller.api.server import WebConfig

log = logging.getLogger(__name__)

PREFERRED_PORT = 8080
USER = "demo"
"""Who may log in to the demo's staff pages, with a password that each start makes anew and its page tells."""


def run(
    *,
    state_dir: Path | None,
    port: int | None,
    speed: float,
    seed: int,
    no_traffic: bool,
    open_browser: bool = False,
    scenario: str = DEFAULT,
) -> int:
    """Run the demo until Ctrl-C; return its exit code: 0, 1 when it can't go on, 2 for a port or scenario that is none.

    Without ``state_dir`` nothing is kept. ``port`` None: 8080 or, if that is taken, any; 0: any. ``scenario`` is the
    name of a shipped one.
    """
    stop = threading.Event()
    stop_on_signals(stop)
    with contextlib.ExitStack() as stack:
        run_dir = _temporary(stack)
        state_dir = _temporary(stack) if state_dir is None else state_dir.absolute()
        try:
            web_port = _web_port(port)
        except EmbeddedBrokerError as error:
            log.error("%s", error)  # noqa: TRY400  its words say all
            return 2
        terminal = TerminalSign(run_dir, "entrance")
        _log_through(terminal, stack)
        in_thread("terminal", terminal.run, stop, stack, at_failure=stop.set)
        address = f"http://{HOST}:{web_port}/demo"
        in_thread(
            "address", lambda stop: _announce(address, terminal, stop, open_browser=open_browser), stop, stack,
            at_failure=stop.set,
        )  # fmt: skip
        stack.callback(stop.set)
        plan: Plan | None = Plan(scenario, seed, speed, traffic=not no_traffic)
        code = 0
        while plan is not None:
            outcome = _performed(plan, state_dir, run_dir, web_port, stop, terminal)
            code, plan = outcome.code, outcome.wanted
        return code


def _performed(
    plan: Plan, state_dir: Path, run_dir: Path, web_port: int, stop: threading.Event, terminal: TerminalSign
) -> Outcome:
    try:
        return perform(
            plan,
            state_dir=state_dir / plan.scenario,
            run_dir=run_dir,
            web_port=web_port,
            stop=stop,
            say=lambda name, line: _overhear(terminal, name, line),
        )
    except (EmbeddedBrokerError, ScenarioError) as error:
        log.error("%s", error)  # noqa: TRY400  its words say all
        return Outcome(2)


def web(config: "WebConfig") -> None:
    """Serve the product's pages and the demo's own: the child process that ``run`` starts."""
    from controller.api import server  # noqa: PLC0415  the demo's parent needs no web server
    from controller.api.accounts import Accounts, Role  # noqa: PLC0415  the same
    from controller.demo_page import router  # noqa: PLC0415  the same
    from controller.demo_stage import Stage  # noqa: PLC0415  the same

    with Stage(config.site.mqtt or MqttSpec()) as stage:
        with Accounts(config.token_dir) as accounts:
            accounts.set_user(USER, password := secrets.token_urlsafe(9), Role.MANAGER, time.time())
        server.run(config, extra=[router(config.site, stage, (USER, password))], lobby="/demo")


def _temporary(stack: contextlib.ExitStack) -> Path:
    # Short, since a Unix socket's path may have 104 characters only.
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parking-", ignore_cleanup_errors=True)))


def _web_port(wanted: int | None) -> int:
    if wanted is None:
        return free_port(PREFERRED_PORT)
    port = free_port(wanted)
    if wanted not in {0, port}:
        raise EmbeddedBrokerError(f"port {wanted} is taken; choose another one with --port, or 0 for any")
    return port


def _announce(address: str, terminal: TerminalSign, stop: threading.Event, *, open_browser: bool) -> None:
    """Say where the page is, once it is there."""
    host, _, port = address.removeprefix("http://").partition("/")[0].partition(":")
    while not stop.wait(0.1):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1.0):
            terminal.say(f"The demo: {address}  (Ctrl-C ends it)")
            if open_browser:
                webbrowser.open(address)
            return


def _overhear(terminal: TerminalSign, name: str, line: str) -> None:
    """Pass on what a child says, without its small talk."""
    if log.isEnabledFor(logging.DEBUG) or not line.startswith(("INFO", "DEBUG")):
        terminal.say(f"{name}: {line}")


def _log_through(terminal: TerminalSign, stack: contextlib.ExitStack) -> None:
    """Let our own log lines pass above the sign, without small talk."""

    class Above(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            terminal.say(self.format(record))

    root = logging.getLogger()
    handler = Above(logging.DEBUG if log.isEnabledFor(logging.DEBUG) else logging.WARNING)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    before, root.handlers = root.handlers, [handler]
    stack.callback(setattr, root, "handlers", before)
