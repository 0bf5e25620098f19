"""What a run tells, in time order, and the agenda of what is still to come."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Level:
    """A detector, or a bay sensor, says so at this simulated time."""

    name: str
    occupied: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class Inside:
    """So many vehicles are inside from now on."""

    number: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Off:
    """The controller is off for ``seconds`` from now on: nothing is reported until then."""

    seconds: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Done:
    """What somebody did in a lane, when it is over: one row of ``passages.csv``."""

    at_s: float
    lane: str
    vehicle: int | None
    """None: no vehicle."""
    did: str
    change: int
    """What it did to the number inside."""
    trace: str
    """What the sensors made of it; see ``instruments.trace_of``."""


Happening = Level | Inside | Off | Done
"""A ``Level`` is of a detector or of a bay, by its name."""


class Agenda:
    """What is to come, and what has been told. What comes at the same time happens in the order of putting."""

    def __init__(self, begin_s: float = 0.0) -> None:
        self.now_s = begin_s
        self.told: list[Happening] = []
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []

    def put(self, at_s: float, action: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Let this happen at that time, or at once if it has passed."""

        def call() -> None:
            action(*args, **kwargs)

        heapq.heappush(self._heap, (max(at_s, self.now_s), next(self._order), call))

    def tell(self, happening: Happening) -> None:
        """Tell something that happens now."""
        self.told.append(happening)

    def step(self, until_s: float) -> list[Happening] | None:
        """Let the next thing happen and return what it told; None when nothing is to come by ``until_s``."""
        if self.told:  # from between two calls
            return self._told()
        if not self._heap or self._heap[0][0] > until_s:
            self.now_s = max(self.now_s, until_s)
            return None
        self.now_s, _, call = heapq.heappop(self._heap)
        call()
        return self._told()

    def _told(self) -> list[Happening]:
        told, self.told = self.told, []
        return told
