"""``python -m controller.accuracy.bounds``: why a lot's target is not reached: what its sensors lack, and what we do.

Each lot of the table is counted again with one trouble taken away at a time (``told``), and by chains that know more
than any controller can (``hindsight``), with and without the future. See ``bounds.md`` for how to read it.
"""

import json
import math
import multiprocessing
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from statistics import fmean

import click

from controller.accuracy import hindsight, told
from controller.accuracy.__main__ import KEPT
from controller.accuracy.matrix import ROWS, Case, Row, chosen
from controller.accuracy.report import aligned
from controller.accuracy.runner import replayed, simulated
from controller.domain.believed import Belief
from controller.score import mae_of, timeline
from controller.score_files import read_run, read_shown, read_truth
from controller.simulator.scenario import load
from controller.site import load as load_site

OTHERS = (1001, 1002)
"""Seeds of the runs in which a lot is learned beforehand."""
COLUMNS = ("ours", "rhythm told", "passages told", "both told", "chain", "hindsight")


@dataclass(frozen=True, slots=True)
class Bound:
    """Mean absolute errors (spaces) of one run; None where the way of counting does not fit the lot."""

    case: Case
    errors: dict[str, float | None]


def bound(case: Case, kept: Path) -> Bound:
    """Count a run in every way."""
    folder = simulated(case, kept)
    site, run, truth = load_site(folder / "site.toml"), read_run(folder / "run.json"), read_truth(folder / "truth.csv")
    (spec,) = site.lot.zones
    decided, _ = replayed(folder)
    passages, epoch = folder / "passages.csv", float(json.loads((folder / "run.json").read_text("utf-8"))["epoch"])
    share, of_bays = told.unseen(passages), told.bays(site, folder / "recording.jsonl.gz")
    ours, truly = told.decoded(site.lot, decided), told.truly(passages, site.lot)
    known = _experience(case, kept)

    def off(heard: Sequence[told.Heard], experience: Belief | None = None) -> float | None:
        found = told.shown(spec, heard, of_bays, run, epoch, share, experience)
        return mae_of(timeline(truth, found, run))

    has_bays = bool(of_bays)
    errors = {
        "ours": mae_of(timeline(truth, read_shown(folder / "shown.csv", run.zone), run)),
        "rhythm told": off(ours, known),
        "passages told": off(truly),
        "both told": off(truly, known),
        "chain": None if has_bays else hindsight.best(passages, truth, run, future=False)[0],
        "hindsight": None if has_bays else hindsight.best(passages, truth, run)[0],
    }
    return Bound(case, errors)


def _experience(case: Case, kept: Path) -> Belief | None:
    """Return a belief that learned the lot from other seeds, told every passage."""
    runs = []
    for seed in OTHERS:
        folder = simulated(Case(case.scenario, seed, case.days), kept)
        site, truth = load_site(folder / "site.toml"), read_truth(folder / "truth.csv")
        runs.append((told.truly(folder / "passages.csv", site.lot, all_of_them=True), int(truth.inside[0])))
    epoch = float(json.loads((folder / "run.json").read_text("utf-8"))["epoch"])
    return told.experienced(site.lot.zones[0], runs, epoch, case.days)


def bounds(cases: Sequence[Case], kept: Path, jobs: int) -> Iterator[Bound]:
    """Yield what became of each case, in any order."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        for done in as_completed([pool.submit(bound, case, kept) for case in cases]):
            yield done.result()


def fits(row: Row) -> bool:
    """Whether a lot's sensors err only as sensors do: with faults and restarts, more than passages is missing."""
    scenario = load(row.scenario)
    return not scenario.fault and not scenario.restarts.per_30_days


def table(found: Sequence[Bound], rows: Sequence[Row]) -> str:
    """Return the means over the seeds, in Markdown."""
    body = [["scenario", *COLUMNS, "reach", "what is in the way"]]
    for row in rows:
        errors = [one.errors for one in found if one.case.scenario == row.scenario]
        if errors:
            means = {name: _mean([e[name] for e in errors]) for name in COLUMNS}
            cells = ("-" if mean is None else f"{mean:.2f}" for mean in means.values())
            body.append([row.scenario, *cells, f"{row.reach.mae:g}", in_the_way(means, row.reach.mae)])
    return aligned(body)


def in_the_way(means: Mapping[str, float | None], reach: float) -> str:
    """Say which of the troubles keeps a lot from its target; ``means`` has a mean absolute error for each column."""
    known = {name: math.inf if means[name] is None else round(means[name] or 0.0, 2) for name in COLUMNS}
    chain = means["chain"]
    ways = (
        ("nothing: reached here", known["ours"] <= reach),
        ("learning: the rhythm told is enough", known["rhythm told"] <= reach < known["passages told"]),
        ("the decoder: passages told are enough", known["passages told"] <= reach < known["rhythm told"]),
        ("learning or the decoder: either told is enough", known["passages told"] <= reach),
        ("learning and the decoder together", known["both told"] <= reach),
        ("what leaves no trace: the chain misses it, too", chain is not None and chain > reach),
    )
    return next((says for says, true in ways if true), "the belief: it misses it with both told, too")


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def page(found: Sequence[Bound], rows: Sequence[Row], command: str) -> str:
    """Return the page."""
    template = resources.files("controller.accuracy").joinpath("bounds.md").read_text("utf-8")
    return template.format(command=command, seeds=len({one.case.seed for one in found}), table=table(found, rows))


@click.command()
@click.option("--only", multiple=True, metavar="GLOB", help="Only these scenarios, like 'shop80-*'; may be repeated.")
@click.option("--seeds", type=click.IntRange(1, 100), default=1, show_default=True, help="Runs of each scenario.")
@click.option("--days", type=click.FloatRange(1, 3650), help="Length of each run.  [default: 30; the perfect lots 14]")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--kept", type=click.Path(file_okay=False, path_type=Path), default=KEPT, show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write bounds.md here, too.")
def main(*, only: tuple[str, ...], seeds: int, days: float | None, jobs: int, kept: Path, out: Path | None) -> None:
    """Print what each lot's error is with one trouble taken away at a time."""
    rows = [row for row in chosen(ROWS, only) if fits(row)]
    if not rows:
        raise click.UsageError(f"no lot without faults matches {', '.join(only)}")
    cases = [Case(row.scenario, seed, days or row.days) for row in rows for seed in range(1, seeds + 1)]
    found = []
    with click.progressbar(length=len(cases), label=f"{len(cases)} runs", file=sys.stderr, show_pos=True) as bar:
        for one in bounds(cases, kept, jobs):
            found.append(one)
            bar.update(1)
    click.echo(table(found, rows))
    if out is not None:
        command = shlex.join(["python", "-m", "controller.accuracy.bounds", *sys.argv[1:]])
        (out / "bounds.md").write_text(page(found, rows, command), "utf-8")


if __name__ == "__main__":
    main()
