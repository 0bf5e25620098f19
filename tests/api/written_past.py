"""A journal with weeks of history in it, as the counting process would have written them: the same at every run."""

import math
import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from controller.domain.chronicle import GRID_S, BayLevel, Kept, Level, Told
from controller.domain.report import Passage, PassageKind, Status
from controller.journal import Clock, Journal

WARSAW = ZoneInfo("Europe/Warsaw")
CAPACITY = 40
USUAL = (0, 0, 0, 0, 0, 1, 4, 10, 16, 20, 22, 20, 18, 20, 18, 17, 18, 16, 10, 5, 2, 1, 0, 0)
"""Entries by the hour of the day; on Saturdays more, on Sundays fewer."""


def write_past(path: Path, end: datetime, days: int, *, bays: int = 3, busy: float = 1.15) -> None:
    """Write so many whole days and the one that ends at ``end``; lot time 0 is where they begin."""
    chance = random.Random(7)  # noqa: S311  no secret
    begin = datetime.combine((end - timedelta(days=days)).date(), time(), WARSAW)
    epoch = begin.timestamp()
    journal = Journal(path)
    try:
        for day in range(days + 1):
            kept, passed = _day(day * 86_400.0, begin + timedelta(days=day), chance, busy)
            kept += [level for number in range(bays) for level in _bay(f"A{number + 1}", day * 86_400.0, chance)]
            at = (day + 1) * 86_400.0
            kept = [one for one in kept if one.at <= end.timestamp() - epoch]
            passed = [one for one in passed if one.at <= end.timestamp() - epoch]
            journal.append([], Clock(at, epoch + at, at, "boot"), passed, epoch, kept)
    finally:
        journal.close()


def _day(start: float, date: datetime, chance: random.Random, busy: float) -> tuple[list[Kept], list[Passage]]:
    much = busy * (1.25 if date.weekday() == 5 else 0.55 if date.weekday() == 6 else 1.0)
    moves = sorted(_moves(much, chance))
    kept: list[Kept] = []
    passed: list[Passage] = []
    inside, status, next_level, counted = 3, Status.OPEN, 0.0, 3
    for after, change in [*moves, (86_400.0, 0)]:
        while next_level < after:
            kept.append(_level(start + next_level, inside, status))
            next_level += GRID_S
        at = start + after
        if not change:
            break
        if change > 0 and status is Status.FULL:
            passed.append(Passage("main", PassageKind.TOUCH, at, at - 6, doubt="somebody who turned away", turned=0.9))
            continue
        if change < 0 and inside <= 0:
            continue
        inside += change
        counted += 0 if chance.random() < 0.02 else change
        kind = PassageKind.ENTRY if change > 0 else PassageKind.EXIT
        passed.append(Passage("main", kind, at, at - 2.5))
        full = inside >= CAPACITY or (status is Status.FULL and inside > CAPACITY - 3)
        now = Status.FULL if full else Status.NEARLY_FULL if inside >= CAPACITY - 4 else Status.OPEN
        if now is not status:
            status = now
            kept.append(_level(at, inside, status))
    if date.weekday() in {0, 3}:
        # Never right: which of them fall into a month depends on the day on which the tests run, and may be only two.
        off = chance.choice((-2, -1, -1, 1, 1, 1, 3))
        true = inside + (off if inside + off >= 0 else 1)
        kept.append(Told("customers", start + 86_000.0, true, inside, counted, max(0, inside - 2), inside + 2))
    return kept, passed


def _moves(much: float, chance: random.Random) -> Iterator[tuple[float, int]]:
    for hour, entries in enumerate(USUAL):
        for _ in range(round(entries * much * chance.uniform(0.8, 1.3))):
            came = hour * 3600 + chance.random() * 3600
            stayed = math.exp(chance.gauss(8.4, 0.7))
            for at, change in ((came, 1), (came + stayed, -1)):
                if at < 86_000:  # those who stay over midnight are gone by the morning
                    yield at, change


def _level(at: float, inside: int, status: Status) -> Level:
    free = max(0, CAPACITY - inside)
    return Level("customers", at, inside, max(0, free - 1), min(CAPACITY, free + 1), free, CAPACITY, status, "counted")


def _bay(name: str, start: float, chance: random.Random) -> Iterator[BayLevel]:
    at = start + chance.uniform(60, 25_000)
    while at < start + 80_000:
        yield BayLevel(name, at, occupied=True)
        at += math.exp(chance.gauss(8.2, 0.8))
        yield BayLevel(name, min(at, start + 86_300), occupied=False)
        at += chance.uniform(300, 4000)
