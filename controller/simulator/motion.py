"""Where vehicles are, exactly: paths of straight lines, the moments at which they cover loops, and following.

Theory of operation. A path says where a vehicle's nose is at any time: straight lines between points (t, x), x growing
in the direction in which it drives through the lane, 0 at the edge of the first loop on its way. Acceleration is a
short phase of half the speed. A body that reaches from ``a`` to ``b`` behind the nose is over a loop from ``p`` to
``q`` while ``p + a < x < q + b``: the edges of a detector are where a path crosses two heights, and no grid of time is
needed.

A follower obeys Newell's rule (G. F. Newell, *A simplified car-following theory: a lower order model*, Transportation
Research B 36, 2002): it drives as it likes, but never beyond its leader's own path shifted by its reaction time and by
the leader's length and the gap that it keeps while standing. The lower one of two such paths is again such a path.
"""

import bisect
import itertools
import math
from dataclasses import dataclass
from typing import Self

RAMP_M = 1.2
"""Over this distance before and after a stop a vehicle goes at half its speed."""

END_M_S = 3.0
"""How fast a vehicle drives on where its path ends."""


@dataclass(frozen=True, slots=True)
class Path:
    """A nose's way through a lane: ``times`` (s) rise, ``places`` (m) are where it is then, straight between them."""

    times: tuple[float, ...]
    places: tuple[float, ...]

    def at(self, time_s: float) -> float:
        """Return where the nose is; before the path it stands at its beginning, beyond it drives on."""
        if time_s >= self.times[-1]:
            return self.places[-1] + (time_s - self.times[-1]) * END_M_S
        after = bisect.bisect_right(self.times, time_s)
        if after == 0:
            return self.places[0]
        t0, t1, x0, x1 = self.times[after - 1], self.times[after], self.places[after - 1], self.places[after]
        return x0 + (x1 - x0) * (time_s - t0) / (t1 - t0)

    def when(self, place_m: float) -> float:
        """Return when the nose is there for the first time, driving on beyond the end if need be."""
        if self.places[0] >= place_m:
            return self.times[0]
        for (t0, t1), (x0, x1) in zip(itertools.pairwise(self.times), itertools.pairwise(self.places), strict=True):
            if x0 < place_m <= x1:
                return t0 + (t1 - t0) * (place_m - x0) / (x1 - x0)
        return self.times[-1] + (place_m - self.places[-1]) / END_M_S

    def shifted(self, later_s: float, back_m: float) -> "Path":
        """Return the same path, later and further back."""
        return Path(tuple(t + later_s for t in self.times), tuple(x - back_m for x in self.places))

    def spans(self, low_m: float, high_m: float) -> list[tuple[float, float]]:
        """Return from when to when (s) the nose is strictly between two places, for a path that ends outside them."""
        spans, since = [], math.nan
        for (t0, t1), (x0, x1) in zip(itertools.pairwise(self.times), itertools.pairwise(self.places), strict=True):
            if x0 == x1:
                continue
            per_m = (t1 - t0) / (x1 - x0)
            enter, leave = (low_m, high_m) if x1 > x0 else (high_m, low_m)
            if min(x0, x1) <= enter <= max(x0, x1) and enter != x1:
                since = t0 + (enter - x0) * per_m
            if min(x0, x1) <= leave <= max(x0, x1) and leave != x0 and not math.isnan(since):
                spans.append((since, t0 + (leave - x0) * per_m))
                since = math.nan
        return spans


class Course:
    """Draws a path, move by move: ``Course(0, -5).drive(3, 2).wait(4).drive(12, 2).path()``."""

    def __init__(self, start_s: float, start_m: float) -> None:
        self._times, self._places = [start_s], [start_m]

    @property
    def now_s(self) -> float:
        """When the last move ends."""
        return self._times[-1]

    @property
    def start_m(self) -> float:
        """Where the course begins ..."""
        return self._places[0]

    @property
    def place_m(self) -> float:
        """... and where the last move ends."""
        return self._places[-1]

    def drive(self, to_m: float, speed_m_s: float) -> Self:
        """Go there, forward or back."""
        if (distance := abs(to_m - self._places[-1])) > 0:
            self._times.append(self.now_s + distance / speed_m_s)
            self._places.append(to_m)
        return self

    def wait(self, seconds: float) -> Self:
        """Stand still."""
        if seconds > 0:
            self._times.append(self.now_s + seconds)
            self._places.append(self._places[-1])
        return self

    def halt(self, at_m: float, speed_m_s: float, seconds: float) -> Self:
        """Go there, slow down, stand, and start slowly again; a wait of no time is none."""
        self.drive(max(self._places[-1], at_m - RAMP_M), speed_m_s).drive(at_m, speed_m_s / 2)
        return self.wait(seconds).drive(at_m + RAMP_M, speed_m_s / 2)

    def path(self) -> Path:
        """Return what was drawn."""
        return Path(tuple(self._times), tuple(self._places))


def behind(own: Path, limit: Path) -> Path:
    """Return the lower one of two paths at every time from ``own``'s start until both have reached ``own``'s end.

    ``limit`` is the leader's path, shifted; both paths never go back. It must be at or beyond ``own``'s beginning then.
    """
    start_s, end_s = own.times[0], max(own.times[-1], limit.when(own.places[-1]))
    marks = {t for t in (*own.times, *limit.times, end_s) if start_s <= t <= end_s}
    times: list[float] = []
    places: list[float] = []
    last: tuple[float, float, float] | None = None
    for time in sorted(marks):
        x, y = own.at(time), limit.at(time)
        if last is not None:
            before, x0, y0 = last
            if (x0 - y0) * (x - y) < 0:  # they cross in between
                share = (y0 - x0) / ((y0 - x0) + (x - y))
                times.append(before + share * (time - before))
                places.append(x0 + share * (x - x0))
        times.append(time)
        places.append(min(x, y))
        last = time, x, y
    return Path(tuple(times), tuple(places))
