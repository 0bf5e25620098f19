"""``parking-controller simulate``: weeks of traffic with all its errors, as a recording with the truth beside it."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli_shared import fail, many

if TYPE_CHECKING:
    from controller.simulator.simulated import Summary


@click.command()
@click.argument("scenario", required=False)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another seed, other weeks.")
@click.option("--days", type=click.FloatRange(0.01, 3660), default=30.0, show_default=True, help="How long.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write into this folder.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a setting; may be repeated.")
@click.option("--list", "listed", is_flag=True, help="List the scenarios that come along.")
def simulate(
    scenario: str | None, seed: int, days: float, out: Path | None, settings: tuple[str, ...], *, listed: bool
) -> None:
    """Simulate a lot: SCENARIO is one that comes along (--list), or the path of a .toml file of your own.

    Writes a recording that replay reads, the site file for it, and the truth: how many were inside, and every passage
    with what the sensors made of it. The same seed writes the same files.

    \b
    Example:  parking-controller simulate shop80-1 --seed 1 --days 30 --out build/shop
              parking-controller replay build/shop/recording.jsonl.gz --site build/shop/site.toml --out shown.csv
    """
    from controller.simulator import scenario as scenarios
    from controller.simulator import simulated

    if listed:
        for name, about in scenarios.shipped().items():
            click.echo(f"{name:22}  {about}")
        return
    if scenario is None:
        fail("Which scenario? Give a name that --list lists, or the path of a .toml file")
    if out is None:
        fail("Where to? Give a folder with --out")
    try:
        loaded = scenarios.load(scenario, settings)
        with _progress(days) as tick:
            summary = simulated.simulate(
                Path(scenario).stem if scenario.endswith(".toml") else scenario,
                loaded,
                seed=seed,
                days=days,
                out=out,
                progress=tick,
            )
    except scenarios.ScenarioError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or out}: {error.strerror or error}. Check the path", 1)
    click.echo(_told(summary, days, loaded.lot.capacity), err=True)


@contextlib.contextmanager
def _progress(days: float) -> Iterator[Callable[[float], None]]:
    """Show how far the run is, on a terminal."""
    if not _is_terminal():
        yield lambda _days: None
        return
    with click.progressbar(length=round(days * 100), label="simulate", file=sys.stderr) as bar:
        yield lambda done: bar.update(round(done * 100) - bar.pos)


def _is_terminal() -> bool:
    return sys.stderr.isatty()


def _told(summary: "Summary", days: float, capacity: int) -> str:
    """Say in a few lines what the run was made of."""
    did = ", ".join(f"{number} {word}" for word, number in sorted(summary.did.items()))
    passages = sum(summary.traces.values()) or 1
    seen = ", ".join(f"{100 * number / passages:.2f} % {word}" for word, number in summary.traces.most_common())
    return "\n".join(
        [
            f"{many(summary.vehicles, 'vehicle')} came, {summary.vehicles / days:.0f} a day",
            f"found it full: {summary.balked} turned away, {summary.circled} went in all the same",
            f"{summary.least_inside} to {summary.most_inside} inside, room for {capacity}",
            f"truly full {summary.full_share:.2%} of the time, empty {summary.empty_share:.2%}",
            f"in the lanes: {did or 'nothing'}",
            f"what the sensors made of entries and exits: {seen or 'nothing'}",
            f"{many(summary.lines, 'line')} recorded",
        ]
    )
