"""One scenario on the demo's stage: its broker, its site, its season on the wires, and the product as children.

What it keeps is in the folder of its own that it is given: the product's state, how simulated time stood, and how many
vehicles were inside, so that a demo whose state is kept goes on where it was.
"""

import contextlib
import json
import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from controller import clocks, demo_site
from controller.clocks import Pace
from controller.inputs.mock_pins import default_address
from controller.run import Supervisor, product
from controller.simulator import scenario as scenarios
from controller.simulator.embedded_broker import EmbeddedBroker, free_port
from controller.simulator.live import LiveLot, Show
from controller.simulator.season import Season
from controller.site import MqttSpec

log = logging.getLogger(__name__)

DEFAULT = "demo36"
"""Begins at the present time; the others on this week's Monday ..."""
BEGIN_H = 8.0
"""... at this hour."""
JOIN_S = 1.0

Say = Callable[[str, str], None]
"""Takes a child's name and a line that it wrote."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be shown."""

    scenario: str = DEFAULT
    seed: int = 1
    speed: float = 1.0
    traffic: bool = True
    fresh: bool = False
    """Whether to forget what was kept."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a show ended."""

    code: int
    """Exit code."""
    wanted: Plan | None = None
    """What somebody wants to see instead."""


def perform(plan: Plan, *, state_dir: Path, run_dir: Path, web_port: int, stop: threading.Event, say: Say) -> Outcome:
    """Run the product on a scenario until ``stop`` is set or another one is wanted.

    Raises ScenarioError, EmbeddedBrokerError, or OSError when it can't begin.
    """
    scenario = scenarios.load(plan.scenario)
    kept = _Kept(state_dir)
    epoch, begin_s, inside = kept.resume(plan)
    season = Season(scenario, plan.seed, begin_s=begin_s, inside=inside)
    season.traffic = plan.traffic
    wanted: list[str] = []
    with contextlib.ExitStack() as stack:
        broker = EmbeddedBroker(free_port())
        stack.callback(broker.close)
        broker.start()
        path = state_dir / "demo.toml"
        site = demo_site.write(path, plan.scenario, season, broker_port=broker.port, web_port=web_port)
        follow = {clocks.ENVIRONMENT: str(kept.pace)}
        children = product(path, state_dir, run_dir, web="demo-web", count_env=follow)
        over = threading.Event()
        supervisor = Supervisor(children, output=lambda name, line: None if over.is_set() else say(name, line))
        stack.callback(supervisor.stop)

        def want(name: str) -> None:
            if name not in scenarios.shipped():
                raise KeyError(name)
            wanted.append(name)
            supervisor.end()

        show = Show(
            name=f"{plan.scenario} {time.time():.3f}",
            scenario=plan.scenario,
            epoch=epoch,
            pace_file=kept.pace,
            power=lambda on: supervisor.switch("count", on=on),
            wants=want,
            told=kept.remember,
        )
        broker_spec = site.mqtt or MqttSpec()
        live = LiveLot(site, season, show, pins_address=default_address(run_dir), broker=broker_spec, speed=plan.speed)
        failed = in_thread("simulator", live.run, over, stack, at_failure=supervisor.end)
        stack.callback(over.set)
        supervisor.start()
        code = supervisor.run_until(stop)
        if failed.is_set():
            return Outcome(1)
        if wanted and not code and not stop.is_set():
            return Outcome(0, Plan(wanted[-1], plan.seed, live.speed, fresh=True))
        return Outcome(code)


def in_thread(
    name: str,
    work: Callable[[threading.Event], None],
    stop: threading.Event,
    stack: contextlib.ExitStack,
    *,
    at_failure: Callable[[], None],
) -> threading.Event:
    """Run ``work`` in a thread until ``stop`` is set; return what is set when it fails."""
    failed = threading.Event()

    def guarded() -> None:
        try:
            work(stop)
        except Exception:
            log.exception("the demo's %s failed", name)
            failed.set()
            at_failure()

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    stack.callback(thread.join, JOIN_S)
    return failed


class _Kept:
    """What the demo itself keeps in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.pace = folder / "demo-pace.json"
        self._inside = folder / "demo-inside.json"

    def resume(self, plan: Plan) -> tuple[float, float, int | None]:
        """Return the Unix time of the season's t = 0, when to begin (s), and how many are inside, None: as usual."""
        if not plan.fresh and self._inside.is_file():
            try:
                pace, inside = Pace.read(self.pace), int(json.loads(self._inside.read_text("ascii")))
                return pace.epoch, pace.time_at(pace.settled), inside
            except (OSError, ValueError, TypeError) as error:
                log.warning("%s: can't go on where it was (%s); beginning afresh", self._folder, error)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(ZoneInfo(demo_site.TIMEZONE))
        monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
        epoch = monday.timestamp()
        return epoch, (now.timestamp() - epoch if plan.scenario == DEFAULT else BEGIN_H * 3600), None

    def remember(self, inside: int) -> None:
        """Keep how many vehicles are inside."""
        draft = self._inside.with_suffix(".new")
        draft.write_text(json.dumps(inside), "ascii")
        draft.replace(self._inside)
