"""Faults that the simulator gave the detectors: how soon the product named each, and when its error was usual again.

A fault shows when vehicles pass: before the first one, a loop that is stuck or dead is like any other at night. So its
naming is measured from its beginning, from the first vehicle in its lane, and in vehicles.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller.domain.report import Fault
from controller.score import Timeline, mae_of
from controller.score_files import DAY_S


@dataclass(frozen=True, slots=True)
class Episode:
    """One detector at fault, from when to when (lot time, s)."""

    detector: str
    kind: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Named:
    """An episode that was named before it ended."""

    after_s: float
    """How long after it began ..."""
    after_first_s: float
    """... after the first vehicle had passed since; 0 where none had ..."""
    vehicles: int
    """... and after how many."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How a run's faults were noticed. Errors are in spaces; None: there was no such time."""

    episodes: int
    quiet: int
    """Episodes during which no vehicle passed the lane."""
    named: tuple[Named, ...]
    mistaken: int
    """Faults that were named of detectors which had none, nor had had one in the day before."""
    mae_meanwhile: float | None
    """Mean absolute error from the beginning of each episode until a day after its end ..."""
    mae_else: float | None
    """... and at all other times."""


def read_episodes(run: Path) -> tuple[Episode, ...]:
    """Return the episodes that ``run.json`` tells of."""
    told = json.loads(run.read_text("utf-8")).get("faults", [])
    return tuple(Episode(e["detector"], e["kind"], float(e["from"]), float(e["until"])) for e in told)


def read_vehicles(passages: Path) -> dict[str, tuple[float, ...]]:
    """Return from ``passages.csv`` when vehicles went in or out, lane by lane."""
    times: dict[str, list[float]] = {}
    with passages.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["change"] != "0":
                times.setdefault(row["lane"], []).append(float(row["t"]))
    return {lane: tuple(sorted(passed)) for lane, passed in times.items()}


def naming(
    episodes: Sequence[Episode],
    faults: Iterable[tuple[float, Fault]],
    vehicles: Mapping[str, Sequence[float]],
    line: Timeline,
) -> Naming:
    """Set what was named beside what was at fault; ``faults`` has (when, what), ``vehicles`` times by lane."""
    told = [(at, fault.subject) for at, fault in faults]
    meanwhile = [(e, [t for t in vehicles.get(_lane(e), ()) if e.begin <= t <= e.end]) for e in episodes]
    found = (_named(episode, passed, told) for episode, passed in meanwhile)
    mistaken = [1 for at, subject in told if not any(_explains(e, at, subject) for e in episodes)]
    disturbed = np.zeros(len(line.start), dtype=bool)
    for episode in episodes:
        disturbed |= (line.start >= episode.begin) & (line.start < episode.end + DAY_S)
    return Naming(
        episodes=len(episodes),
        quiet=sum(not passed for _, passed in meanwhile),
        named=tuple(one for one in found if one is not None),
        mistaken=len(mistaken),
        mae_meanwhile=mae_of(line.only(disturbed)),
        mae_else=mae_of(line.only(~disturbed)),
    )


def _lane(episode: Episode) -> str:
    return episode.detector.rpartition(".")[0]


def _named(episode: Episode, passed: Sequence[float], told: Iterable[tuple[float, str]]) -> Named | None:
    times = [at for at, subject in told if subject == episode.detector and episode.begin <= at <= episode.end]
    if not times:
        return None
    at = min(times)
    before = [t for t in passed if t <= at]
    return Named(at - episode.begin, at - before[0] if before else 0.0, len(before))


def _explains(episode: Episode, at: float, subject: str) -> bool:
    return episode.detector == subject and episode.begin <= at <= episode.end + DAY_S
