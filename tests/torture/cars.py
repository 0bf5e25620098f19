"""Which vehicle each counted entry is: every entry must have one of its own, or something was counted twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field

SLACK_S = 0.05
"""Between the moment an edge is sent and the one at which it is stamped."""


@dataclass
class Car:
    """A vehicle that was driven over the loops. Times in Unix seconds."""

    life: int
    """Of which counting process, the first being 1."""
    edges: list[tuple[float, str]] = field(default_factory=list)
    """When a level was sent, and what, or that it was not taken any more."""
    until: float = 0.0
    """When it was off the loops; where a kill came before, when the next one came."""

    def describe(self) -> str:
        """Say when it did what."""
        return f"life {self.life}: " + ", ".join(f"{at:.3f} {what}" for at, what in self.edges)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the journal: a vehicle that came in. Times in Unix seconds."""

    began: float
    at: float
    doubt: str | None

    def may_be(self, car: Car) -> bool:
        """Whether most of it lies within the time of this car."""
        return car.edges[0][0] - SLACK_S <= (self.began + self.at) / 2 <= car.until + SLACK_S


def without_one(entries: Sequence[Entry], cars: Sequence[Car]) -> list[Entry]:
    """Return the entries that no car is left for when every other has one of its own (a maximum matching, by Kuhn)."""
    may = [[number for number, car in enumerate(cars) if entry.may_be(car)] for entry in entries]
    taken: dict[int, int] = {}

    def placed(entry: int, seen: set[int]) -> bool:
        for car in may[entry]:
            if car not in seen:
                seen.add(car)
                if car not in taken or placed(taken[car], seen):
                    taken[car] = entry
                    return True
        return False

    return [entry for number, entry in enumerate(entries) if not placed(number, set())]
