"""``python -m controller.accuracy``: run the whole table, print it, and write it into the documentation."""

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from controller.accuracy import report
from controller.accuracy.matrix import DRIFT_DAYS, ROWS, Case, cases, chosen, drift_cases
from controller.accuracy.runner import CaseError, Outcome, outcomes

KEPT = Path("build/accuracy")
"""Where simulated traffic is kept between calls."""
PICTURES = Path("img")
"""Where the plots go, below the folder of the page."""


@click.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write accuracy.md and its plots here, too."
)
@click.option("--only", multiple=True, metavar="GLOB", help="Only these scenarios, like 'shop80-*'; may be repeated.")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Runs of each scenario.")
@click.option(
    "--days", type=click.FloatRange(0.05, 3650), help="Length of each run.  [default: 30; the perfect lots 14]"
)
@click.option(
    "--drift-days",
    type=click.FloatRange(0, 3650),
    default=DRIFT_DAYS,
    show_default=True,
    help="Length of the long runs; 0: none.",
)
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes.  [default: all cores]")
@click.option(
    "--kept",
    type=click.Path(file_okay=False, path_type=Path),
    default=KEPT,
    show_default=True,
    help="Keep simulated traffic here.",
)
def main(
    *,
    out: Path | None,
    only: tuple[str, ...],
    seeds: int,
    days: float | None,
    drift_days: float,
    jobs: int,
    kept: Path,
) -> None:
    r"""Simulate, replay and score every scenario beside what the industry does; print the table.

    \b
    Example:  python -m controller.accuracy --only 'shop80-*' --seeds 1 --days 10 --drift-days 0
    """
    rows = chosen(ROWS, only)
    if not rows:
        known = ", ".join(row.scenario for row in ROWS)
        raise click.UsageError(f"no scenario matches {', '.join(only)}. There are: {known}")
    usual = cases(rows, seeds, days)
    long = drift_cases(rows, drift_days) if drift_days else ()
    try:
        done = _run({*usual, *long}, kept, jobs)
    except CaseError as error:
        raise click.ClickException(str(error)) from None
    found = report.lines(rows, [done[case] for case in usual])
    drift = [done[case] for case in long]
    click.echo(report.table(found))
    for miss in (*report.unmet(found), *report.drifting(drift)):
        click.echo(f"not reached: {miss}")
    if out is not None:
        command = shlex.join(["python", "-m", "controller.accuracy", *sys.argv[1:]])
        _write(out, found, drift, command, usual)


def _run(wanted: Iterable[Case], kept: Path, jobs: int) -> dict[Case, Outcome]:
    """Run the cases, the longest first, with a bar on a terminal."""
    order = sorted(wanted, key=lambda case: (-case.days, case.scenario, case.seed))
    done: dict[Case, Outcome] = {}
    label = f"{len(order)} runs, {jobs} at a time"
    with click.progressbar(length=len(order), label=label, file=sys.stderr, show_pos=True) as bar:
        for one in outcomes(order, kept, jobs):
            done[one.case] = one
            bar.update(1)
    return done


def _write(out: Path, found: list[report.Line], drift: list[Outcome], command: str, usual: tuple[Case, ...]) -> None:
    try:
        from controller.accuracy import plots  # noqa: PLC0415  a table needs no matplotlib
    except ImportError:
        why = "The plots need matplotlib. Install it, or leave out --out: pip install matplotlib"
        raise click.ClickException(why) from None
    pictures = {}
    (out / PICTURES).mkdir(parents=True, exist_ok=True)
    shown = drift or [line.outcomes[0] for line in found[:3]]
    for name, about, draw in (
        ("accuracy-week.png", "A week: the free spaces, what was shown, and the interval low-high", plots.week),
        ("accuracy-drift.png", "The error of a long run, day by day", plots.drift),
    ):
        draw(shown, out / PICTURES / name)
        pictures[about] = (PICTURES / name).as_posix()
    (out / "accuracy.md").write_text(report.page(found, drift, command, pictures, usual), "utf-8")
    click.echo(f"{out / 'accuracy.md'} is written", err=True)


if __name__ == "__main__":
    main()
