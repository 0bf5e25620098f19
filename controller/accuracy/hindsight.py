"""A count that knows more than any controller can: what could be made of the same sensors at best.

A smoother over the whole run, past and future. It is told what no controller knows:

* of every passage that both loops saw, or of which a single edge was lost, exactly what it was;
* of what one loop alone saw, whether it was a vehicle or a person, and how often in this very run such a vehicle went
  in, out, or turned round, while the lot was full and while it was not; and of the passages without a trace, how many
  there were in each direction;
* the start, the most that were ever inside, and which share of those inside left in each half hour of this very run's
  average week; and of a few weights for that evidence, the one that turns out best.

What it does not know: when a detector was at fault, when the controller was off, and what bay sensors said. A lot with
faults, restarts or bay sensors has no hindsight, therefore.

The model is a chain over the number inside. Each event that was sensed moves it by a kernel (in, out, unchanged; and
sometimes an unseen vehicle with it). Time without an exit, and each exit, weigh the numbers by the departure rate: n
vehicles leave n times as often as one. Who arrives goes in or turns away as people do before a lot that is full or not.
"""

import csv
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller.score import mae_of, timeline
from controller.score_files import DAY_S, Flags, Floats, Run, Shown, Truth

EXACT = {"full", "lost_edge", "merged"}
"""Traces of which it is told what they were."""
NO_TRACE = "none"
TOUCH = "touch"
"""Somebody who turned away from a full lot."""
PEOPLE = "ghost"
HALF_HOURS = 7 * 48
WEIGHTS = (0.0, 0.3, 1.0)
"""On the evidence of departures: 0 is none, 1 all that it would tell if vehicles left independently of one another."""
ROOM = 3
"""Numbers above the most that were ever inside."""
FLOOR = 1e-12
"""Every number is possible, a little: a contradiction must not end it. (And denormal numbers would make numpy slow.)"""


MOST = 200.0
"""No quiet time says more than this (natural logarithm of odds), so that nothing overflows."""


@dataclass(frozen=True, slots=True)
class Chances:
    """What something sensed may have been, and the chance of an unseen vehicle beside it.

    The first three are the chances (0-1) that just this is sensed and did that, given that somebody arrives. For what
    has nothing to do with arriving they are given that it is sensed, and sum to 1.
    """

    came: float
    stayed: float
    left: float
    unseen_in: float = 0.0
    unseen_out: float = 0.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be told from everything else by its trace: its chances while a space is free, and while none is."""

    free: Chances
    full: Chances


@dataclass(frozen=True, slots=True)
class Sensed:
    """All that was sensed, in the order of time; both of one length."""

    t: Floats
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    t: float
    lane: str
    did: str
    change: int
    trace: str

    @property
    def kind(self) -> tuple[object, ...]:
        """What it can be told from: an exact trace from everything, another one by loop, and as a vehicle or not."""
        exact = self.trace in EXACT
        return (self.lane, self.trace, self.change if exact else None, self.did == PEOPLE)


def _rows(passages: Path) -> list[_Row]:
    with passages.open(encoding="utf-8", newline="") as file:
        return [
            _Row(float(row["t"]), row["lane"], row["did"], int(row["change"]), row["trace"])
            for row in csv.DictReader(file)
        ]


def sensed(passages: Path, truth: Truth, run: Run) -> Sensed:
    """Read ``passages.csv`` as one who knows how often each kind of trace was what."""
    rows = _rows(passages)
    seen = [row for row in rows if row.trace != NO_TRACE]
    before = truth.inside[np.clip(np.searchsorted(truth.t, [row.t for row in seen], side="left") - 1, 0, None)]
    is_full = before >= run.capacity
    changes: dict[object, tuple[Counter[int], Counter[int]]] = {}
    for row, full in zip(seen, is_full, strict=True):
        changes.setdefault(row.kind, (Counter(), Counter()))[int(full)][row.change] += 1
    unseen = Counter(row.change for row in rows if row.trace == NO_TRACE)
    passed = Counter(row.change for row in seen)
    beside = {change: min(1.0, unseen[change] / max(passed[change], 1)) for change in (1, -1)}
    # Of those who arrive, more turn away from a full lot. What does not depend on that says nothing of it.
    arriving = {row.kind for row in seen if row.change > 0 or row.did == TOUCH}
    arrivals = [sum(changes[kind][full].total() for kind in arriving) for full in (0, 1)]
    known = {
        kind: Kind(*(_chances(counted, arrivals, full, beside, arrives=kind in arriving) for full in (0, 1)))
        for kind, counted in changes.items()
    }
    return Sensed(np.array([row.t for row in seen]), tuple(known[row.kind] for row in seen))


def _chances(
    counted: tuple[Counter[int], Counter[int]],
    arrivals: Sequence[int],
    full: int,
    beside: Mapping[int, float],
    *,
    arrives: bool,
) -> Chances:
    """Return the chances of a kind while the lot is full (1) or not (0); what is rare there borrows from all times."""
    number = counted[0].total() + counted[1].total()
    shares = {change: (counted[0][change] + counted[1][change]) / number for change in (1, 0, -1)}
    likely = 1.0
    if arrives:
        here = counted[full].total()
        shares = {change: (counted[full][change] + shares[change]) / (here + 1) for change in shares}
        likely = (here + number / sum(arrivals)) / (arrivals[full] + 1)
    came, stayed, left = (likely * shares[change] for change in (1, 0, -1))
    return Chances(came, stayed, left, shares[1] * beside[1], shares[-1] * beside[-1])


def best(passages: Path, truth: Truth, run: Run, *, future: bool = True) -> tuple[float, float]:
    """Return the mean absolute error (spaces) with the best weight of all, and that weight.

    ``future``: what comes later is known, too; else each moment is judged by what came before it.
    """
    events, rate = sensed(passages, truth, run), departures(passages, truth, run)
    errors = [
        (
            mae_of(timeline(truth, smoothed(events, weight * rate, weight, truth, run, future=future), run)) or 0.0,
            weight,
        )
        for weight in WEIGHTS
    ]
    return min(errors)


def departures(passages: Path, truth: Truth, run: Run) -> Floats:
    """Return how often one vehicle inside is seen to leave (1/s), for each half hour of the week; shape (336,)."""
    end = (run.days or 0.0) * DAY_S or float(truth.t[-1])
    grid = np.arange(0.0, end + 1800.0, 1800.0)
    inside_s = np.diff(_integral(truth, grid))
    left = [row.t for row in _rows(passages) if row.change < 0 and row.trace != NO_TRACE]
    number = np.histogram(left, bins=grid)[0]
    of_week = np.arange(len(number)) % HALF_HOURS
    seconds = np.bincount(of_week, weights=inside_s, minlength=HALF_HOURS)
    exits = np.bincount(of_week, weights=number, minlength=HALF_HOURS)
    rate: Floats = exits / np.maximum(seconds, 1800.0)  # for one vehicle at least
    return rate


def _integral(truth: Truth, at: Floats) -> Floats:
    """Return the time integral of the number inside from 0 to each time."""
    total = np.concatenate(([0.0], np.cumsum(truth.inside[:-1] * np.diff(truth.t))))
    place = np.clip(np.searchsorted(truth.t, at, side="right") - 1, 0, None)
    return total[place] + truth.inside[place] * np.maximum(at - truth.t[place], 0.0)


def smoothed(events: Sensed, rate: Floats, weight: float, truth: Truth, run: Run, *, future: bool = True) -> Shown:
    """Run the chain forwards and (``future``) backwards; show the median of what is believed after each event."""
    numbers = np.arange(int(truth.inside.max()) + ROOM + 1, dtype=float)
    quiet = _quiet(events.t, rate)
    known = {kind: Step.of(kind, numbers >= run.capacity) for kind in set(events.kinds)}
    steps = [known[kind] for kind in events.kinds]
    forward = np.zeros((len(steps) + 1, len(numbers)), dtype=np.float32)
    middles = np.empty(len(steps))
    now = _clean((numbers == truth.inside[0]).astype(float))
    for number, step in enumerate(steps):
        forward[number] = now
        middles[number] = middle = max(float(now @ numbers) / float(now.sum()), 1.0)
        now = now * _stay(numbers - middle, quiet[number])
        now = _clean(step.moved(now, (numbers / middle) ** weight))
    forward[-1] = now
    inside = np.empty(len(steps) + 1)
    later = np.ones(len(numbers))
    for number in range(len(steps), 0, -1):
        inside[number] = _median(forward[number] * later)
        if not future:
            continue
        middle = middles[number - 1]
        later = steps[number - 1].moved_back(later, (numbers / middle) ** weight)
        later = _clean(later * _stay(numbers - middle, quiet[number - 1]))
    inside[0] = _median(forward[0] * later)
    free = np.clip(run.capacity - inside, 0, run.capacity)
    full, never, unknown = free <= 0, np.zeros(len(free), dtype=bool), np.full(len(free), np.nan)
    t = np.concatenate(([0.0], events.t))
    return Shown(t, free, unknown, unknown, full=full, closed=never, dark=never, offers=~full)


def _quiet(t: Sequence[float] | Floats, rate: Floats) -> Floats:
    """Return, for each event, how much of the departure rate has gone by since the one before."""
    grid = np.arange(0.0, (t[-1] if len(t) else 0.0) + 3600.0, 1800.0)
    total = np.concatenate(([0.0], np.cumsum(rate[np.arange(len(grid) - 1) % HALF_HOURS] * 1800.0)))
    return np.diff(np.interp(np.concatenate(([0.0], t)), grid, total))


def _stay(more: Floats, quiet: float) -> Floats:
    """Return how likely it is that nobody left, with so many more inside than the middle, relative to that."""
    likely: Floats = np.exp(np.clip(-quiet * more, -MOST, MOST))
    return likely


@dataclass(frozen=True, slots=True)
class Step:
    """How an event moves the chain, for each number inside before it."""

    came: Floats
    stayed: Floats
    left: Floats
    unseen_in: Floats
    unseen_out: Floats

    @classmethod
    def of(cls, kind: Kind, full: Flags) -> "Step":
        """Return the step of such an event; ``full`` says which numbers inside leave no space."""
        return cls(
            *(
                np.where(full, getattr(kind.full, field.name), getattr(kind.free, field.name))
                for field in dataclasses.fields(Chances)
            )
        )

    def moved(self, now: Floats, pull: Floats) -> Floats:
        """Return what is believed after the event; ``pull`` is how much more likely an exit is, for each number."""
        now = _up(self.came * now) + self.stayed * now + _down(self.left * pull * now)
        now = (1 - self.unseen_in) * now + _up(self.unseen_in * now)
        return (1 - self.unseen_out) * now + _down(self.unseen_out * now)

    def moved_back(self, later: Floats, pull: Floats) -> Floats:
        """Return the transpose of ``moved``: what comes later, as seen from before the event."""
        later = (1 - self.unseen_out) * later + self.unseen_out * _down_back(later)
        later = (1 - self.unseen_in) * later + self.unseen_in * _up_back(later)
        return self.came * _up_back(later) + self.stayed * later + self.left * pull * _down_back(later)


def _up(values: Floats) -> Floats:
    """Move everything one number up; what would be above the last is gone."""
    return np.concatenate(([0.0], values[:-1]))


def _down(values: Floats) -> Floats:
    return np.concatenate((values[1:], [0.0]))


_up_back, _down_back = _down, _up
"""Their transposes."""


def _clean(values: Floats) -> Floats:
    made: Floats = values / values.sum() + FLOOR
    return made


def _median(weights: Floats) -> float:
    total = np.cumsum(weights)
    return float(np.searchsorted(total, total[-1] / 2))
