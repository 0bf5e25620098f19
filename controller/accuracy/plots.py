"""Plots, as small PNGs: truth against belief with its band over a week, and the error over a long run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from controller.accuracy.runner import SHOWN, Outcome
from controller.score import Timeline, daily_mae, timeline
from controller.score_files import DAY_S, read_run, read_shown, read_truth

WIDTH_IN = 9.0
HEIGHT_IN = 2.4
"""Of each panel."""
DPI = 80
TRUTH, BELIEF, BAND = "#222222", "#c2410c", "#fdba74"


def timeline_of(folder: Path) -> Timeline:
    """Return truth and replay of a case that was run."""
    run = read_run(folder / "run.json")
    return timeline(read_truth(folder / "truth.csv"), read_shown(folder / SHOWN, run.zone), run)


def week(outcomes: Sequence[Outcome], path: Path, first_day: int = 7) -> None:
    """Draw free spaces over the week from ``first_day`` on (0: the first): truth, belief, and its band."""
    figure, panels = _panels(outcomes)
    for one, axes in panels:
        line = timeline_of(one.folder)
        first = min(first_day, max(0.0, one.case.days - 7))
        line = line.only((line.start >= first * DAY_S) & (line.start < (first + 7) * DAY_S))
        day = np.append(line.start, line.start[-1] + line.length[-1]) / DAY_S - first + 1
        low, high, free, true = (np.append(v, v[-1]) for v in (line.low, line.high, line.free, line.true_free))
        axes.fill_between(day, low, high, step="post", color=BAND, alpha=0.7, lw=0, label="low-high")
        axes.step(day, free, where="post", color=BELIEF, lw=0.9, label="shown")
        axes.step(day, true, where="post", color=TRUTH, lw=0.7, label="true")
        axes.set(ylabel="free", xlim=(1, 8), ylim=(0, None), xlabel="day of the week")
        _legend(axes)
    figure.savefig(path)


def drift(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw the error over a long run: where it was for 95 % of each day, and each day's mean absolute error."""
    figure, panels = _panels(outcomes)
    for one, axes in panels:
        line = timeline_of(one.folder)
        means = [np.nan if mae is None else mae for mae in daily_mae(line)]
        days = np.arange(1, len(means) + 1)
        low, high = daily_range(line)
        axes.fill_between(days, low, high, step="mid", color=BAND, alpha=0.7, lw=0, label="error for 95 % of the day")
        axes.step(days, means, where="mid", color=BELIEF, lw=1.2, label="mean absolute error of the day")
        axes.axhline(0, color=TRUTH, lw=0.7)
        axes.set(ylabel="spaces", xlim=(0.5, len(days) + 0.5), xlabel="day")
        _legend(axes)
    figure.savefig(path)


def _panels(outcomes: Sequence[Outcome]) -> tuple[Figure, list[tuple[Outcome, Axes]]]:
    """Return a picture with a titled panel for each outcome, one below the other."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN * len(outcomes)), dpi=DPI, layout="constrained")
    panels = list(zip(outcomes, figure.subplots(len(outcomes), squeeze=False)[:, 0], strict=True))
    for one, axes in panels:
        axes.set_title(f"{one.case.scenario}, seed {one.case.seed}", fontsize="medium", loc="left")
    return figure, panels


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, fontsize="x-small", ncols=3, frameon=False)


def daily_range(line: Timeline, share: float = 0.95) -> tuple[list[float], list[float]]:
    """Return, for each day, between which errors the middle ``share`` (0-1) of the time was; NaN without numbers."""
    number = (line.start // DAY_S).astype(int)
    ranges = [_middle(line.only(number == day), share) for day in range(number[0], number[-1] + 1)]
    return [low for low, _ in ranges], [high for _, high in ranges]


def _middle(day: Timeline, share: float) -> tuple[float, float]:
    known = day.only(day.numbered)
    if not known.length.size:
        return np.nan, np.nan
    order = np.argsort(known.error)
    elapsed = np.cumsum(known.length[order]) / known.length.sum()
    low, high = np.searchsorted(elapsed, ((1 - share) / 2, (1 + share) / 2))
    return float(known.error[order][low]), float(known.error[order][high])
