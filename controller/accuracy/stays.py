"""``python -m controller.accuracy.stays``: what it would be worth to know how long vehicles have been inside.

The belief takes departures as proportional to the number inside, whoever they are. But who came for a train leaves in a
quarter of an hour, who commutes in the evening, who travels in days. Here each half-hour's arrivals are followed as a
cohort of their own, by one who knows what nobody does: what every trace was, which share of entries and of exits left
none, and how long the vehicles of each half-hour of the week stay (of years of the same demand, with other draws).

The filter is a Kalman filter over the cohorts (Kalman 1960, with the noise of the departures in both of its equations):
of a cohort of x vehicles, each leaves within the next half-hour with the chance that the law gives its age, and of all
those who left, the sum is seen. How far days differ is one factor on all departures; the spread of it that turns out
best is taken. Neither a ceiling nor a floor is known to it. Beside it stands the same filter with one cohort, whose
share that leaves is known for each half-hour of the week, and dead reckoning.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import click
import numpy as np

from controller.accuracy.__main__ import KEPT
from controller.accuracy.hindsight import HALF_HOURS, NO_TRACE
from controller.accuracy.matrix import Case
from controller.accuracy.report import aligned
from controller.accuracy.runner import simulated
from controller.score_files import DAY_S, Floats, read_truth
from controller.simulator.demand import visits
from controller.simulator.scenario import load
from controller.simulator.scenario_tables import Scenario

STEP_S = 1800.0
A_DAY = 48
OLDEST = HALF_HOURS
"""Who has been inside for a week is of one cohort with all who have been so for longer."""
LAW_DAYS, LAW_SEED = 1400, 777
BORROWED = 8.0
"""So many vehicles' worth of a half-hour's stays comes from the same half-hour of all weekdays."""
SPREADS = (0.0, 0.1, 0.2, 0.4)
"""Standard deviations of the factor on departures, of which the best is taken."""
LEAST_VARIANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Law:
    """How a lot is used."""

    leaves: Floats
    """Chance to leave within the next half-hour, by weekday, half-hour of arrival, and age in half-hours."""
    inside: Floats
    """Mean number inside on a Sunday, 24:00, by age; the youngest are those that come next."""
    share: Floats
    """Which share of those inside leaves, for each half-hour of the week."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A run by half-hours, as far as anything left a trace."""

    entries: Floats
    exits: Floats
    first: float
    """Inside at the beginning ..."""
    inside: Floats
    """... and at the end of each half-hour."""
    unseen_in: float
    """Vehicles that left no trace on their way in, for each that did ..."""
    unseen_out: float
    """... and on their way out."""


def law(scenario: Scenario, days: int = LAW_DAYS) -> Law:
    """Learn how a lot is used from so many days of it."""
    number = np.zeros((7, A_DAY, OLDEST + 1))
    for day in range(days):
        for visit in visits(scenario, LAW_SEED, day):
            slot = min(int((visit.at_s - day * DAY_S) // STEP_S), A_DAY - 1)
            age = int(visit.until_s // STEP_S) - int(visit.at_s // STEP_S)
            number[day % 7, slot, min(max(age, 0), OLDEST)] += 1
    of_all = number.sum(axis=0, keepdims=True)
    shared = number + of_all * (BORROWED / np.maximum(of_all.sum(axis=2, keepdims=True), 1.0))
    staying = shared[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    leaves = np.clip(shared / np.maximum(staying, 1e-9), 0.0, 1.0)
    leaves[:, :, OLDEST] = leaves[:, :, OLDEST - A_DAY : OLDEST].mean(axis=2)
    return _used(leaves, number.sum(axis=2).reshape(-1) * 7 / days)


def _used(leaves: Floats, arrivals: Floats) -> Law:
    inside, weeks = np.zeros(OLDEST + 1), 4
    left, were = np.zeros(HALF_HOURS), np.zeros(HALF_HOURS)
    for step in range(HALF_HOURS * weeks):
        inside[0] += arrivals[step % HALF_HOURS]
        going = _going(leaves, step) * inside
        left[step % HALF_HOURS], were[step % HALF_HOURS] = going.sum(), inside.sum() - going.sum() / 2
        inside = _older(inside - going)
    return Law(leaves, inside, left / np.maximum(were, 0.5))


def _going(leaves: Floats, step: int) -> Floats:
    """Return the chance to leave in this half-hour for each age; the run begins on a Monday, 00:00."""
    age = np.arange(OLDEST + 1)
    came = step - age
    chances: Floats = leaves[came // A_DAY % 7, came % A_DAY, age]
    return chances


def _older(values: Floats) -> Floats:
    """Move every cohort (along the first axis) on by half an hour."""
    moved = np.concatenate((np.zeros_like(values[:1]), values[:-1]))
    moved[-1] += values[-1]
    return moved


def counted(folder: Path, days: float) -> Counted:
    """Read a simulated run."""
    steps, truth = int(days * A_DAY), read_truth(folder / "truth.csv")
    entries, exits, unseen = np.zeros(steps), np.zeros(steps), {1: 0, -1: 0}
    with (folder / "passages.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            change, step = int(row["change"]), int(float(row["t"]) // STEP_S)
            if not change or step >= steps:
                continue
            if row["trace"] == NO_TRACE:
                unseen[change] += 1
            elif change > 0:
                entries[step] += 1
            else:
                exits[step] += 1
    ends = np.searchsorted(truth.t, (np.arange(steps) + 1) * STEP_S, side="right") - 1
    shares = unseen[1] / max(entries.sum(), 1.0), unseen[-1] / max(exits.sum(), 1.0)
    return Counted(entries, exits, float(truth.inside[0]), truth.inside[ends], *shares)


def reckoned(run: Counted) -> Floats:
    """Return the number inside after each half-hour by entries and exits alone."""
    more = run.entries * (1 + run.unseen_in) - run.exits * (1 + run.unseen_out)
    number: Floats = run.first + np.cumsum(more)
    return number


def by_number(share: Floats, run: Counted, spread: float) -> Floats:
    """Return the number inside after each half-hour, of those inside this ``share`` leaving, whoever they are."""
    inside, variance, found = run.first, 0.0, np.empty(len(run.exits))
    for step, (came, left) in enumerate(zip(run.entries, run.exits, strict=True)):
        rate = float(share[step % HALF_HOURS])
        expected = rate * max(inside + (came - left) / 2, 1.0)
        gain = rate * variance / (rate**2 * variance + expected + (spread * expected) ** 2 + LEAST_VARIANCE)
        seen = left * (1 + run.unseen_out)
        inside += came * (1 + run.unseen_in) - seen + gain * (seen - expected)
        variance += run.unseen_in * came + run.unseen_out * left - gain * rate * variance
        found[step] = inside
    return found


def by_age(known: Law, run: Counted, spread: float) -> Floats:
    """Return the number inside after each half-hour, by the cohorts of those who came."""
    cohorts = known.inside * (run.first / known.inside.sum())
    # So many are inside for sure; of which age they are is not known.
    doubt = np.diag(cohorts) - np.outer(cohorts, cohorts) / max(run.first, 1.0)
    found = np.empty(len(run.exits))
    for step, (came, left) in enumerate(zip(run.entries, run.exits, strict=True)):
        chance = _going(known.leaves, step)
        cohorts[0] += came * (1 + run.unseen_in)
        doubt[0, 0] += came * run.unseen_in
        going = np.maximum(cohorts, 0.0) * chance
        by_chance, expected = going * (1 - chance), float(going.sum())
        shared = doubt @ chance
        # Whatever makes more leave leaves fewer inside: noise of both what is seen and what stays.
        both = (1 - chance) * shared - by_chance - spread**2 * expected * going
        seen = left * (1 + run.unseen_out)
        variance = float(chance @ shared + by_chance.sum()) + left * run.unseen_out
        variance += (spread * expected) ** 2 + LEAST_VARIANCE
        more = (seen - float(chance @ cohorts)) / variance
        cohorts = (1 - chance) * cohorts + both * more
        doubt = np.outer(1 - chance, 1 - chance) * doubt + np.diag(by_chance) + spread**2 * np.outer(going, going)
        doubt -= np.outer(both, both) / variance
        found[step] = cohorts.sum()
        cohorts, doubt = _older(cohorts), _older(_older(doubt).T).T
    return found


def errors(known: Law, run: Counted) -> tuple[float, float, float]:
    """Return mean absolute errors (spaces): dead reckoning, by the number inside, by age; each with its best spread."""

    def off(found: Floats) -> float:
        return float(np.abs(np.round(np.maximum(found, 0.0)) - run.inside).mean())

    def best(of: Callable[[float], Floats]) -> float:
        return min(off(of(spread)) for spread in SPREADS)

    return (
        off(reckoned(run)),
        best(lambda spread: by_number(known.share, run, spread)),
        best(lambda spread: by_age(known, run, spread)),
    )


@click.command()
@click.argument("scenarios", nargs=-1, required=True)
@click.option("--seeds", type=click.IntRange(1, 100), default=2, show_default=True, help="Runs of each scenario.")
@click.option("--days", type=click.FloatRange(1, 3650), default=30.0, show_default=True, help="Length of each run.")
@click.option("--kept", type=click.Path(file_okay=False, path_type=Path), default=KEPT, show_default=True)
def main(*, scenarios: tuple[str, ...], seeds: int, days: float, kept: Path) -> None:
    """Print how far off a count is that knows how long vehicles stay."""
    rows = [["scenario", "dead reckoning", "by the number inside", "by age", "by age, each seed"]]
    for name in scenarios:
        known = law(load(name))
        runs = [errors(known, counted(simulated(Case(name, seed, days), kept), days)) for seed in range(1, seeds + 1)]
        each = ", ".join(f"{run[2]:.2f}" for run in runs)
        rows.append([name, *(f"{fmean(column):.2f}" for column in zip(*runs, strict=True)), each])
    click.echo(aligned(rows))


if __name__ == "__main__":
    main()
