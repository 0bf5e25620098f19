"""How good was what a sign showed? Exact time integrals of what was shown against what was true.

Truth and sign are step functions. ``Timeline`` cuts the run at every step of either and at every midnight, so that
between two cuts nothing changes; each measure is then a sum over the pieces, weighted by their lengths. Nothing is
sampled, so a wrong sign of half a second counts for half a second.

What is measured
----------------
* *true free* = capacity - inside, clamped to 0..capacity; *truly full* is inside >= capacity.
* *error* = free as shown - true free, over the time when there is a number. A FULL sign shows words, but the count
  behind it has a number (the column ``free``), and that is what is compared.
* *false free*: truly full, and the sign offers spaces (OPEN or NEARLY_FULL, and not dark). *False full*: FULL is shown,
  and a space is free. *Large* ones are those of 5 % of the capacity or more; an offer without a number is a large one.
* *near full*: 5 % of the capacity or 3 spaces are free, whichever is more, or fewer.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller.score_files import DAY_S, Flags, Floats, Run, ScoreError, Shown, Truth, read_run, read_shown, read_truth

LARGE = 0.05
"""An error of this share of the capacity is a large one."""
NEAR_FULL = 3
"""So many free spaces (or 5 %) are near full, even in a small lot."""
WINDOW_DAYS = 10
"""The length of the windows in which drift would be seen."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The pieces of a run in which nothing changes; all arrays of one length. NaN: no number was shown."""

    start: Floats
    """When each piece begins (s)."""
    length: Floats
    """How long it is (s), above 0."""
    true_free: Floats
    full: Flags
    """Truly full."""
    free: Floats
    low: Floats
    high: Floats
    says_full: Flags
    closed: Flags
    dark: Flags
    offers: Flags
    capacity: int

    @property
    def error(self) -> Floats:
        """Shown minus true free spaces."""
        return self.free - self.true_free

    @property
    def numbered(self) -> Flags:
        """Where there is a number to compare."""
        return ~np.isnan(self.free)

    def only(self, where: Flags) -> "Timeline":
        """Return the pieces of which ``where`` is true."""
        arrays = {f.name: getattr(self, f.name)[where] for f in dataclasses.fields(self) if f.name != "capacity"}
        return dataclasses.replace(self, **arrays)


@dataclass(frozen=True, slots=True)
class Score:
    """How good a sign was. Errors are in spaces, shares are 0-1 of all time unless they say otherwise.

    None: there was no time at all over which it could be measured.
    """

    days: float
    capacity: int
    mae: float | None
    """Mean absolute error."""
    bias: float | None
    """Mean error; above 0, more was offered than there was."""
    p95: float | None
    p99: float | None
    """For this share of the time, the absolute error was no more than that."""
    worst_day_mae: float | None
    worst_day: int | None
    """Which day that was; the first is 1."""
    near_full_mae: float | None
    truly_full: float
    false_free: float
    false_free_of_full: float | None
    """As a share of the time in which the lot was truly full."""
    false_free_large: float
    false_full: float
    false_full_large: float
    numbered: float
    """Share of the time with a number (shown, or behind the word FULL); the errors above are over this time alone."""
    no_number: float
    """Share of the time in which the sign was lit but told neither a number nor FULL nor that it is closed."""
    dark: float
    coverage: float | None
    """Share of the time with an interval in which the truth lay in low..high, the limits included."""
    width: float | None
    """Mean of high - low."""
    flips_per_day: float
    """Changes between FULL and anything else."""
    mae_by_window: tuple[float | None, ...]
    """``mae`` of each ten days, in order: what was learned shows in it ..."""
    p99_by_window: tuple[float | None, ...]
    """... and ``p99`` of each: without drift it does not grow."""


def score_files(folder: Path, shown: Path) -> Score:
    """Score a replay of the recording in ``folder``; raises ScoreError when a file can't be used."""
    run = read_run(folder / "run.json")
    return score(timeline(read_truth(folder / "truth.csv"), read_shown(shown, run.zone), run))


def timeline(truth: Truth, shown: Shown, run: Run) -> Timeline:
    """Cut the run into pieces in which nothing changes. Before its first row a sign is dark."""
    start = max(0.0, float(truth.t[0]))
    end = float(truth.t[-1]) if run.days is None else run.days * DAY_S
    if end <= start:
        raise ScoreError(
            f'the run has no length: the truth begins at t = {start} and ends at {end}. Write "days" in run.json'
        )
    midnights = np.arange(np.floor(start / DAY_S) + 1, np.ceil(end / DAY_S)) * DAY_S
    cuts = np.unique(np.concatenate(([start, end], truth.t, shown.t, midnights)))
    cuts = cuts[(cuts >= start) & (cuts <= end)]
    begin = cuts[:-1]
    inside = truth.inside[np.searchsorted(truth.t, begin, side="right") - 1]
    row = np.searchsorted(shown.t, begin, side="right") - 1
    began = row >= 0

    def number(values: Floats) -> Floats:
        return np.where(began, values[row], np.nan)

    return Timeline(
        start=begin,
        length=np.diff(cuts),
        true_free=np.clip(run.capacity - inside, 0, run.capacity),
        full=inside >= run.capacity,
        free=number(shown.free),
        low=number(shown.low),
        high=number(shown.high),
        says_full=shown.full[row] & began,
        closed=shown.closed[row] & began,
        dark=shown.dark[row] | ~began,
        offers=shown.offers[row] & began,
        capacity=run.capacity,
    )


def score(line: Timeline) -> Score:
    """Measure everything there is to measure."""
    total = float(line.length.sum())
    large = LARGE * line.capacity
    known, bounded = line.only(line.numbered), line.only(~np.isnan(line.low) & ~np.isnan(line.high))
    near = known.only(known.true_free <= max(large, NEAR_FULL))
    false_free = line.full & line.offers
    false_full = line.says_full & ~line.full
    no_number = ~line.numbered & ~line.says_full & ~line.closed & ~line.dark
    by_day = daily_mae(line)
    measured = [(mae, number) for number, mae in enumerate(by_day, 1) if mae is not None]
    worst, worst_day = max(measured, key=lambda one: one[0], default=(None, None))

    def share(where: Flags) -> float:
        return float(line.length[where].sum()) / total

    return Score(
        days=total / DAY_S,
        capacity=line.capacity,
        mae=mae_of(known),
        bias=_mean(known, known.error),
        p95=percentile(known, 0.95),
        p99=percentile(known, 0.99),
        worst_day_mae=worst,
        worst_day=worst_day,
        near_full_mae=mae_of(near),
        truly_full=share(line.full),
        false_free=share(false_free),
        false_free_of_full=_mean(line.only(line.full), line.offers[line.full]),
        false_free_large=share(false_free & ~(line.free < large)),
        false_full=share(false_full),
        false_full_large=share(false_full & (line.true_free >= large)),
        numbered=share(line.numbered),
        no_number=share(no_number),
        dark=share(line.dark),
        coverage=_mean(bounded, (bounded.low <= bounded.true_free) & (bounded.true_free <= bounded.high)),
        width=_mean(bounded, bounded.high - bounded.low),
        flips_per_day=float(np.count_nonzero(np.diff(line.says_full))) / (total / DAY_S),
        mae_by_window=tuple(mae_of(window) for window in _windows(line, WINDOW_DAYS)),
        p99_by_window=tuple(percentile(window, 0.99) for window in _windows(line, WINDOW_DAYS)),
    )


def percentile(line: Timeline, share: float) -> float | None:
    """Return the least absolute error that is not exceeded for this share (0-1) of the time with a number."""
    known = line.only(line.numbered)
    if not known.length.size:
        return None
    size = np.abs(known.error)
    order = np.argsort(size)
    elapsed = np.cumsum(known.length[order])
    # Rounding must not push a share that is reached exactly to the next error.
    place = np.searchsorted(elapsed, share * elapsed[-1] * (1 - 1e-12))
    return float(size[order][place])


def daily_mae(line: Timeline) -> list[float | None]:
    """Return the mean absolute error of each day; None for a day without a number."""
    return [mae_of(day) for day in _windows(line, 1)]


def _windows(line: Timeline, days: int) -> list[Timeline]:
    """Cut the run into windows of so many days, the last one perhaps shorter. Pieces never cross a midnight."""
    number = (line.start // (days * DAY_S)).astype(int)
    return [line.only(number == one) for one in range(int(number[0]), int(number[-1]) + 1)]


def mae_of(line: Timeline) -> float | None:
    """Return the mean absolute error over the time with a number."""
    known = line.only(line.numbered)
    return _mean(known, np.abs(known.error))


def _mean(line: Timeline, values: Floats | Flags) -> float | None:
    total = line.length.sum()
    return float((values * line.length).sum() / total) if total else None


_TABLE: tuple[tuple[str, Callable[[Score], str]], ...] = (
    ("time", lambda s: f"{s.days:.2f} days, {s.capacity} spaces, truly full {_percent(s.truly_full)}"),
    ("mean absolute error", lambda s: f"{_spaces(s.mae)} (bias {_spaces(s.bias, '+')})"),
    ("p95, p99", lambda s: f"{_spaces(s.p95)}, {_spaces(s.p99)}"),
    ("worst day", lambda s: f"{_spaces(s.worst_day_mae)} (day {'-' if s.worst_day is None else s.worst_day})"),
    ("error near full", lambda s: _spaces(s.near_full_mae)),
    (
        "false free",
        lambda s: (
            f"{_percent(s.false_free)} of all time, {_percent(s.false_free_of_full)} of the truly full; "
            f"by 5 % or more {_percent(s.false_free_large)}"
        ),
    ),
    ("false full", lambda s: f"{_percent(s.false_full)} of all time; by 5 % or more {_percent(s.false_full_large)}"),
    ("low to high", lambda s: f"holds the truth {_percent(s.coverage)} of the time, {_spaces(s.width)} wide"),
    ("a number for", lambda s: f"{_percent(s.numbered)}; lit without one {_percent(s.no_number)}"),
    ("dark for", lambda s: _percent(s.dark)),
    ("FULL and back", lambda s: f"{s.flips_per_day:.2f} changes a day"),
    ("MAE of each 10 days", lambda s: ", ".join(_spaces(one) for one in s.mae_by_window)),
    ("p99 of each 10 days", lambda s: ", ".join(_spaces(one) for one in s.p99_by_window)),
)


def table(result: Score) -> str:
    """Return the score as lines for people."""
    width = max(len(label) for label, _ in _TABLE)
    return "\n".join(f"{label:<{width}}  {text(result)}" for label, text in _TABLE)


def _spaces(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.2f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"
