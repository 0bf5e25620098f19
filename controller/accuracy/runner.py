"""One case, from the traffic to its scores: simulate (or take it from the cache), replay, count by baselines, score.

The replay is the product's own, in this process: what ``parking-controller replay`` would have written stands in
``shown.csv`` beside the recording. Only simulated traffic is kept between calls; the key is the whole scenario, the
seed, the days and the simulator's sources, so that a change of any of them simulates anew.
"""

import hashlib
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from controller import simulator
from controller.accuracy import baselines, hindsight
from controller.accuracy.baselines import Step
from controller.accuracy.episodes import Naming, naming, read_episodes, read_vehicles
from controller.accuracy.matrix import Case
from controller.domain.report import Fault, Passage
from controller.recording import Reader
from controller.replay import Replay
from controller.score import Score, score, timeline
from controller.score_files import Run, Shown, Truth, read_run, read_shown, read_truth
from controller.simulator.scenario import as_text, load
from controller.simulator.simulated import simulate
from controller.site import load as load_site

SHOWN = "shown.csv"
HINDSIGHT_DAYS = 31.0
"""Longer runs are there to show drift, which hindsight has none of."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case."""

    case: Case
    folder: Path
    """Where the recording, the truth and what was shown are."""
    ours: Score
    baselines: Mapping[str, Score]
    usual: int
    """The number inside that the baselines are set to every night."""
    hindsight: float | None
    """The mean absolute error of a count that knows more; None where it would know less."""
    naming: Naming
    """How the detectors' faults were noticed."""
    replay_s: float
    """How much of one processor's time the replay took (s): what else ran meanwhile does not count."""


class CaseError(RuntimeError):
    """A case that could not be run: says which, and why."""


def outcomes(cases: Iterable[Case], kept: Path, jobs: int) -> Iterator[Outcome]:
    """Run the cases in so many processes and yield each outcome when it is there, in any order.

    Raises CaseError when one fails; the others are given up.
    """
    if jobs == 1:
        yield from map(partial(outcome, kept=kept), cases)
        return
    # Started afresh: a fork of a process that has threads may hang, and Python warns of it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        waiting = [pool.submit(outcome, case, kept) for case in cases]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def outcome(case: Case, kept: Path) -> Outcome:
    """Run one case; raises CaseError with the case and the cause."""
    try:
        return _outcome(case, kept)
    except Exception as error:
        raise CaseError(f"{case}: {type(error).__name__}: {error}") from error


def _outcome(case: Case, kept: Path) -> Outcome:
    folder = simulated(case, kept)
    run, truth = read_run(folder / "run.json"), read_truth(folder / "truth.csv")
    began = time.process_time()
    decided, faults = replayed(folder)
    replay_s = time.process_time() - began
    line = timeline(truth, read_shown(folder / SHOWN, run.zone), run)
    usual = baselines.usual_at_reset(truth, case.days)
    start = _start(folder, usual)
    return Outcome(
        case,
        folder,
        ours=score(line),
        baselines={name: _scored(steps, truth, run, start, usual) for name, steps in _counted(folder, decided).items()},
        usual=usual,
        hindsight=_hindsight(case, folder, truth, run),
        naming=naming(read_episodes(folder / "run.json"), faults, read_vehicles(folder / "passages.csv"), line),
        replay_s=replay_s,
    )


def simulated(case: Case, kept: Path) -> Path:
    """Return the folder with the simulated run, which is made now if it is not kept."""
    scenario = load(case.scenario)
    key = hashlib.sha256("\0".join((as_text(scenario), _simulator())).encode()).hexdigest()[:12]
    name = Path(case.scenario).stem if case.scenario.endswith(".toml") else case.scenario
    folder = kept / f"{name}-seed{case.seed}-{case.days:g}d-{key}"
    if not folder.exists():
        kept.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=kept))
        try:
            simulate(name, scenario, seed=case.seed, days=case.days, out=unfinished)
            try:
                unfinished.replace(folder)
            except OSError:
                if not folder.exists():  # else another process was quicker, and its run is as good
                    raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


@cache
def _simulator() -> str:
    """Return a digest of the simulator's sources."""
    root = Path(str(simulator.__file__)).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def replayed(folder: Path) -> tuple[list[tuple[float, Passage]], list[tuple[float, Fault]]]:
    """Let the product replay the recording; return its passages and the faults it named, each with when it knew."""
    decided: list[tuple[float, Passage]] = []
    with (folder / SHOWN).open("w", encoding="utf-8", newline="") as file:
        replay = Replay(load_site(folder / "site.toml"), file, lambda p: decided.append((replay.state.at, p)))
        replay.run(Reader(folder / "recording.jsonl.gz"))
    return decided, replay.tally.faults


def _counted(folder: Path, decided: Iterable[tuple[float, Passage]]) -> dict[str, list[Step]]:
    """Return what each baseline makes of the recording."""
    lanes = load_site(folder / "site.toml").lot.lanes
    entries = list(Reader(folder / "recording.jsonl.gz"))
    steps = {
        "pulses": baselines.pulses(lanes, entries),
        "quadrature": baselines.quadrature(lanes, entries),
        "timing": baselines.timing(decided),
    }
    return {name: list(made) for name, made in steps.items()}


def _hindsight(case: Case, folder: Path, truth: Truth, run: Run) -> float | None:
    scenario = load(case.scenario)
    ill = bool(scenario.fault) or scenario.restarts.per_30_days > 0
    if ill or scenario.bays.coverage > 0 or case.days > HINDSIGHT_DAYS:
        return None
    return hindsight.best(folder / "passages.csv", truth, run)[0]


def _start(folder: Path, usual: int) -> int:
    """Return what a vendor would begin with: the start that the site file tells, or the usual number at night."""
    (zone,) = load_site(folder / "site.toml").lot.zones
    return usual if zone.initial_occupied is None else zone.initial_occupied


def _scored(steps: Iterable[Step], truth: Truth, run: Run, start: int, usual: int) -> Score:
    days = run.days or float(truth.t[-1]) / 86_400
    shown: Shown = baselines.counted(steps, capacity=run.capacity, start=start, usual=usual, days=days)
    return score(timeline(truth, shown, run))
