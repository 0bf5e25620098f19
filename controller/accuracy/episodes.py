"""Faults that the simulator gave the detectors: how soon the product named each, and when its error was usual again."""

import json
from collections.abc import Iterable, Sequence
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
class Naming:
    """How a run's faults were noticed. Errors are in spaces; None: there was no such time."""

    episodes: int
    named_after_s: tuple[float, ...]
    """For each episode that was named before it ended: how long after it began."""
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


def naming(episodes: Sequence[Episode], named: Iterable[tuple[float, Fault]], line: Timeline) -> Naming:
    """Set what was named beside what was at fault; ``named`` has (when, what)."""
    told = [(at, fault.subject) for at, fault in named]
    after = (_named_after(episode, told) for episode in episodes)
    mistaken = [1 for at, subject in told if not any(_explains(e, at, subject) for e in episodes)]
    disturbed = np.zeros(len(line.start), dtype=bool)
    for episode in episodes:
        disturbed |= (line.start >= episode.begin) & (line.start < episode.end + DAY_S)
    return Naming(
        episodes=len(episodes),
        named_after_s=tuple(seconds for seconds in after if seconds is not None),
        mistaken=len(mistaken),
        mae_meanwhile=mae_of(line.only(disturbed)),
        mae_else=mae_of(line.only(~disturbed)),
    )


def _named_after(episode: Episode, told: Iterable[tuple[float, str]]) -> float | None:
    times = [at for at, subject in told if subject == episode.detector and episode.begin <= at <= episode.end]
    return min(times) - episode.begin if times else None


def _explains(episode: Episode, at: float, subject: str) -> bool:
    return episode.detector == subject and episode.begin <= at <= episode.end + DAY_S
