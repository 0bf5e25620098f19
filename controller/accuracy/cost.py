"""``python -m controller.accuracy.cost``: how long the fold takes for each event, on lots of several sizes.

An ordinary day of made-up traffic goes through ``lot.apply`` as replay does it: two lanes of two loops each, as many
vehicles as spaces in a morning's and an evening's peak, and hours at noon during which the lot is nearly full, where
the belief weighs each passage on its own. Every few minutes the time that passed is weighed; that is told by itself.
Nothing is read or written, and all events are made before the clock starts. It is the processor's time that is taken,
so that other programs do not count.

Limits: 200 µs an event at 500 spaces, 2 ms at 10,000, on an ordinary core. Machines differ; the ratio to the lot of 80
spaces in the same run does so less.
"""

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import click
import numpy as np

from controller.domain import lot
from controller.domain.belief import GRID_S
from controller.domain.events import ClockSet, DetectorChanged, Event, Tick
from controller.domain.specs import DetectorSpec, Direction, LaneSpec, LotSpec, Role, ZoneSpec

SIZES = (20, 80, 500, 2_000, 10_000)
BASE = 80
"""The lot that others are compared with."""
LIMITS_US = {500: 200.0, 10_000: 2000.0}
MOST_VEHICLES = 3000
"""So many come on a day at most: a bigger lot is nearly full from the morning on."""

MONDAY = 1_699_833_600.0
"""Unix time of a Monday, 00:00 UTC."""
HOUR_S = 3600.0
CROSSING_S = 6.0
"""Time between two vehicles in one lane."""
STEPS_S = (0.0, 1.0, 2.2, 3.2)
"""A vehicle of 4.5 m at 3 m/s over two loops of 2 m, 1 m apart: first on, second on, first off, second off."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a day cost. Times in microseconds."""

    capacity: int
    events: int
    """Changes of level."""
    passages: int
    mean_us: float
    """For each event ..."""
    slow_us: float
    """... of which one in a hundred takes longer than this."""
    weighing_us: float
    """For each stretch of time that is weighed."""


def site(capacity: int) -> LotSpec:
    """Return a lot of one zone with a way in and a way out, half full at first."""
    lanes = tuple(_lane(name, way) for name, way in (("in", Direction.ENTRY), ("out", Direction.EXIT)))
    return LotSpec("cost", (ZoneSpec("cars", capacity, initial_occupied=_at_first(capacity)),), lanes)


def _lane(name: str, direction: Direction) -> LaneSpec:
    outer, inner = (DetectorSpec(f"{name}.{role}", name, role) for role in (Role.OUTER, Role.INNER))
    return LaneSpec(name, "cars", direction, outer=outer, inner=inner)


def _at_first(capacity: int) -> int:
    return max(capacity // 2, capacity - MOST_VEHICLES // 2)


def day(capacity: int, seed: int = 1) -> list[Event]:
    """Return a day's levels: the lot fills until 10, stays nearly full until 15, and is as it was by 20; with ticks."""
    chance = random.Random(seed)  # noqa: S311  traffic, no secrets
    fills = capacity - 1 - _at_first(capacity)
    entries = [chance.uniform(6, 10) for _ in range(fills)]
    exits = [chance.uniform(15, 20) for _ in range(fills)]
    for _ in range(min(capacity, MOST_VEHICLES) // 4):  # one leaves, and the next takes its space
        at = chance.uniform(10, 14.9)
        exits.append(at)
        entries.append(at + 0.05)
    said = [*_crossings("in", entries), *_crossings("out", exits)]
    said += [DetectorChanged(f"{name}.{role}", False, 0.0) for name in ("in", "out") for role in ("outer", "inner")]
    end = max(24 * HOUR_S, max(event.at for event in said) + GRID_S)
    ticks = [Tick(number * GRID_S) for number in range(1, int(end / GRID_S) + 1)]
    events: list[Event] = [*said, *ticks]
    return [ClockSet(MONDAY, 0.0), *sorted(events, key=lambda event: event.at)]


def _crossings(lane: str, hours: list[float]) -> Iterator[DetectorChanged]:
    """Let a vehicle go through the lane at each of these hours, or as soon after it as there is room."""
    roles = ("outer", "inner") if lane == "in" else ("inner", "outer")
    free_at = 0.0
    for hour in sorted(hours):
        at = max(hour * HOUR_S, free_at)
        free_at = at + CROSSING_S
        for number, after_s in enumerate(STEPS_S):
            yield DetectorChanged(f"{lane}.{roles[number % 2]}", number < 2, at + after_s)  # noqa: PLR2004  on, then off


def measured(capacity: int) -> Cost:
    """Fold the day and time each event."""
    spec, state, passages = site(capacity), lot.initial(site(capacity)), 0
    levels: list[float] = []
    weighings: list[float] = []
    for event in day(capacity):
        begun = time.process_time_ns()
        state = lot.apply(spec, state, event)
        took_us = (time.process_time_ns() - begun) / 1000
        (levels if isinstance(event, DetectorChanged) else weighings).append(took_us)
        passages += len(state.passed)
    slow = float(np.percentile(levels, 99))
    return Cost(capacity, len(levels), passages, float(np.mean(levels)), slow, float(np.mean(weighings)))


def table(costs: list[Cost]) -> str:
    """Say it in columns: one line for each lot, beside its limit and its ratio to the lot of ``BASE`` spaces."""
    base = next((cost.mean_us for cost in costs if cost.capacity == BASE), math.nan)
    names = ("spaces", "events", "a passage", "mean µs", "limit µs", "slow 1 % µs", "ratio", "weighing µs")
    lines = [" ".join(f"{name:>11}" for name in names)]
    for cost in costs:
        limit = f"{LIMITS_US[cost.capacity]:.0f}" if cost.capacity in LIMITS_US else "-"
        ratio = "-" if math.isnan(base) else f"{cost.mean_us / base:.2f}"
        per_passage = "-" if cost.passages == 0 else f"{cost.events / cost.passages:.1f}"
        cells = (
            f"{cost.capacity}",
            f"{cost.events}",
            per_passage,
            f"{cost.mean_us:.0f}",
            limit,
            f"{cost.slow_us:.0f}",
            ratio,
            f"{cost.weighing_us:.0f}",
        )
        lines.append(" ".join(f"{cell:>11}" for cell in cells))
    return "\n".join(lines)


@click.command()
@click.option(
    "--spaces",
    type=click.IntRange(2, 100_000),
    multiple=True,
    default=SIZES,
    show_default=True,
    help="Sizes of the lots; may be repeated.",
)
def main(spaces: tuple[int, ...]) -> None:
    r"""Fold a day of traffic on lots of several sizes; print what an event costs.

    \b
    Example:  python -m controller.accuracy.cost --spaces 80 --spaces 500
    """
    click.echo(table([measured(capacity) for capacity in spaces]))


if __name__ == "__main__":
    main()
