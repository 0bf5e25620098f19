"""The demo: the product itself, its site file saying mock pins and an emulated sign, and simulated cars on its wires.

This process has the embedded broker, the simulated cars, and the sign in the terminal; count, sign and web are its
children, started as ``run`` starts them. Only the site file knows that this is a demo, and the web process serves one
page more (``demo_page``). Ctrl-C ends everything; the exit code is then 0.
"""

import contextlib
import json
import logging
import random
import socket
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from controller.demo_terminal import TerminalSign
from controller.inputs.mock_pins import default_address
from controller.run import Supervisor, product, stop_on_signals
from controller.simulator.embedded_broker import HOST, EmbeddedBroker, EmbeddedBrokerError, free_port
from controller.simulator.live import LiveLot
from controller.simulator.traffic import Demand, Lot, Truth
from controller.site import MqttSpec, Site, load

if TYPE_CHECKING:
    from controller.api.server import WebConfig

log = logging.getLogger(__name__)

PREFERRED_PORT = 8080
FASTEST_CARS = 2.0
"""Cars drive at most this many times as fast as real ones, however fast demand goes: a detector must see them pass."""
JOIN_S = 1.0

SITE = """\
# The demo's site: written anew at each start, and read like any other.

[lot]
name = "Parking dla klientów"
timezone = "Europe/Warsaw"

[[zone]]
name = "customers"
capacity = 12
nearly_full_at = 3
reopen_at = 2
initial_occupied = 8

[[zone]]                # two spaces at the street, before the barrier, counted by their sensors
name = "disabled"
capacity = 2

[[lane]]
name = "main"
zone = "customers"
direction = "both"
outer = {{ gpio = 17 }}
inner = {{ gpio = 27 }}
barrier = {{ gpio = 22 }}

{bays}
[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"
width = 64
height = 16

[gpio]
pin_factory = "mock"

[mqtt]
host = "{host}"
port = {broker_port}

[api]
port = {web_port}

[health]
stuck_after_s = 12          # so that a jammed loop shows while one looks
down_trust_s = 31_536_000   # the cars stand still while the demo is off, so nothing is missed
"""
CHIRPSTACK_BAY = """\
[[bay]]
name = "{name}"
zone = "{zone}"
mqtt = "application/+/device/{device:016x}/event/up"
format = "chirpstack-v4/bosch-pls"
silent_after_s = 15
"""
PLAIN_BAY = """\
[[bay]]
name = "{name}"
zone = "{zone}"
mqtt = "bays/{name}"
format = "plain"
silent_after_s = 15
"""
BAYS = (
    ("A1", "customers"),
    ("A2", "customers"),
    ("A3", "customers"),
    ("A4", "customers"),
    ("D1", "disabled"),
    ("D2", "disabled"),
)
FIRST_DEVICE = 0xA84041000181C061
INSIDE = {"customers": 8, "disabled": 1}


def run(
    *,
    state_dir: Path | None,
    port: int | None,
    speed: float,
    seed: int,
    no_traffic: bool,
    open_browser: bool = False,
) -> int:
    """Run the demo until Ctrl-C; return its exit code: 0, 1 when it can't go on, 2 for a port that is taken.

    Without ``state_dir`` nothing is kept. ``port`` None: 8080 or, if that is taken, any; 0: any.
    """
    stop = threading.Event()
    stop_on_signals(stop)
    with contextlib.ExitStack() as stack:
        run_dir = _temporary(stack)
        state_dir = _temporary(stack) if state_dir is None else state_dir.absolute()
        state_dir.mkdir(parents=True, exist_ok=True)
        try:
            web_port = _web_port(port)
            broker = EmbeddedBroker(free_port())
            stack.callback(broker.close)
            broker.start()
        except EmbeddedBrokerError as error:
            log.error("%s", error)  # noqa: TRY400  its words say all
            return 2
        site = write_site(state_dir / "demo.toml", broker_port=broker.port, web_port=web_port)
        terminal = TerminalSign(run_dir, "entrance")
        _log_through(terminal, stack)
        live = _live(site, run_dir, state_dir, speed=speed, seed=seed, traffic=not no_traffic)
        failed = threading.Event()
        for name, work in {
            "terminal": terminal.run,
            "simulator": live.run,
            "address": lambda stop: _announce(site, terminal, stop, open_browser=open_browser),
        }.items():
            _in_thread(name, work, stop, failed, stack)
        children = product(site.path, state_dir, run_dir, web="demo-web")
        supervisor = Supervisor(children, output=lambda name, line: _overhear(terminal, stop, name, line))
        stack.callback(supervisor.stop)
        stack.callback(stop.set)
        supervisor.start()
        code = supervisor.run_until(stop)
        return code or int(failed.is_set())


def write_site(path: Path, *, broker_port: int, web_port: int) -> Site:
    """Write the demo's site file, and read it."""
    bays = "\n".join(
        (CHIRPSTACK_BAY if number % 2 == 0 else PLAIN_BAY).format(name=name, zone=zone, device=FIRST_DEVICE + number)
        for number, (name, zone) in enumerate(BAYS)
    )
    text = SITE.format(bays=bays, host=HOST, broker_port=broker_port, web_port=web_port)
    path.write_text(text, "utf-8", newline="\n")
    return load(path)


def web(config: "WebConfig") -> None:
    """Serve the product's pages and the demo's own: the child process that ``run`` starts."""
    from controller.api import server  # noqa: PLC0415  the demo's parent needs no web server
    from controller.demo_page import Orders, router  # noqa: PLC0415  the same

    with Orders(config.site.mqtt or MqttSpec()) as orders:
        server.run(config, extra=[router(config.site, orders)], lobby="/demo")


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


def _live(site: Site, run_dir: Path, state_dir: Path, *, speed: float, seed: int, traffic: bool) -> LiveLot:
    """Put cars into the lot: as many as the last time, if the state was kept."""
    kept = state_dir / "demo-inside.json"
    cars_speed = min(speed, FASTEST_CARS)
    demand = Demand()
    lot = Lot(
        site.lot,
        rng=random.Random(seed),  # noqa: S311  traffic, not a secret
        inside=_remembered(kept),
        demand=Demand(dwell_s=demand.dwell_s * cars_speed / speed, wave_s=demand.wave_s * cars_speed / speed),
    )
    lot.set_traffic(on=traffic)

    def remember(truth: Truth) -> None:
        draft = kept.with_suffix(".tmp")
        draft.write_text(json.dumps(truth.inside), "utf-8")
        draft.replace(kept)

    return LiveLot(
        site,
        lot,
        pins_address=default_address(run_dir),
        broker=site.mqtt or MqttSpec(),
        speed=cars_speed,
        first_frame=int(time.time()),  # a device's frames go on counting when the demo starts again
        told=remember,
    )


def _remembered(kept: Path) -> dict[str, int]:
    try:
        inside = json.loads(kept.read_text("utf-8"))
        return {zone: int(inside[zone]) for zone in INSIDE}
    except FileNotFoundError:
        return INSIDE
    except (ValueError, KeyError, TypeError) as error:
        log.warning("%s: %s; starting with the usual cars", kept, error)
        return INSIDE


def _in_thread(
    name: str,
    work: Callable[[threading.Event], None],
    stop: threading.Event,
    failed: threading.Event,
    stack: contextlib.ExitStack,
) -> None:
    """Run ``work`` until ``stop`` is set; if it fails, the demo ends."""

    def guarded() -> None:
        try:
            work(stop)
        except Exception:
            log.exception("the demo's %s failed", name)
            failed.set()
            stop.set()

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    stack.callback(thread.join, JOIN_S)


def _announce(site: Site, terminal: TerminalSign, stop: threading.Event, *, open_browser: bool) -> None:
    """Say where the page is, once it is there."""
    address = f"http://{HOST}:{site.api.port}/demo"
    while not stop.wait(0.1):
        with contextlib.suppress(OSError), socket.create_connection((HOST, site.api.port), timeout=1.0):
            terminal.say(f"{site.lot.name}: {address}  (Ctrl-C ends the demo)")
            if open_browser:
                webbrowser.open(address)
            return


def _overhear(terminal: TerminalSign, stop: threading.Event, name: str, line: str) -> None:
    """Pass on what a child says, without its small talk, and without what it says of its brothers' end."""
    if stop.is_set():
        return
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
