"""Rows of the past -> what an owner asks: how full, how many came, how long FULL, who turned away. Pure.

A level holds until the next one, and for ``HOLDS_S`` at most: what is longer is time in which nobody watched, and
counts for nothing. A driver was turned away by a full lot when the zone was FULL at the moment he came.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, median

from controller.api.past.rows import Corrected, Counts, Level
from controller.domain.chronicle import HOLDS_S
from controller.domain.report import Status
from controller.domain.specs import LaneSpec


@dataclass(slots=True)
class Bucket:
    """An hour or a day of one zone; ``begin`` and ``end`` in Unix seconds."""

    begin: float
    end: float
    entries: int = 0
    exits: int = 0
    turned_away: float = 0.0
    """Vehicles that came while FULL and left again: a sum of chances."""
    seconds: dict[Status, float] = field(default_factory=dict)
    """How long the zone had each status; what is missing to its length was not watched."""
    occupied_max: int | None = None
    occupied_s: float = 0.0
    """Vehicles inside x seconds, over ``known_s``."""
    known_s: float = 0.0
    """For how long the number inside was known."""
    free_min: int | None = None

    @property
    def occupied_mean(self) -> float | None:
        """Vehicles inside, averaged over time."""
        return self.occupied_s / self.known_s if self.known_s else None

    @property
    def full_s(self) -> float:
        """For how long it was FULL."""
        return self.seconds.get(Status.FULL, 0.0)

    @property
    def full_share(self) -> float | None:
        """Share (0-1) of the time in which it was open or full and known to be."""
        told = sum(s for status, s in self.seconds.items() if status not in {Status.UNKNOWN, Status.CLOSED})
        return self.full_s / told if told else None


@dataclass(frozen=True, slots=True)
class Past:
    """One zone over a span."""

    zone: str
    capacity: int
    buckets: tuple[Bucket, ...]
    levels: tuple[Level, ...]
    peak: Level | None
    """Where most vehicles were inside."""
    whole: Bucket
    """All of it."""


def past(
    zone: str,
    capacity: int,
    lanes: Sequence[LaneSpec],
    edges: Sequence[float],
    *,
    levels: Sequence[Level],
    passages: Counts,
    turned: Sequence[tuple[float, str, float]],
) -> Past:
    """Put the rows of one zone into buckets between ``edges``; ``capacity`` is today's, for when no row tells."""
    buckets = [Bucket(a, b) for a, b in pairwise(edges)]
    until = edges[-1] if edges else 0.0
    for begin, end, level in held(levels, until):
        _stay(buckets, edges, begin, end, level)
    ways = {s.name: (1 if s.zone == zone else -1) for s in lanes if zone in {s.zone, s.from_zone}}
    for (slot, lane, kind), number in passages.items():
        if lane in ways and (place := _place(edges, slot)) is not None:
            if (kind == "entry") is (ways[lane] > 0):
                buckets[place].entries += number
            else:
                buckets[place].exits += number
    into = {s.name for s in lanes if s.zone == zone}
    walls = [level.wall for level in levels]
    for at, lane, chance in turned:
        place = _place(edges, at)
        if lane in into and place is not None and _status_at(levels, walls, at) is Status.FULL:
            buckets[place].turned_away += chance
    known = [level for level in levels if level.occupied is not None and edges and level.wall >= edges[0]]
    return Past(
        zone=zone,
        capacity=levels[-1].capacity if levels else capacity,
        buckets=tuple(buckets),
        levels=tuple(levels),
        peak=max(known, key=lambda level: level.occupied or 0, default=None),
        whole=_sum(buckets),
    )


def held(levels: Sequence[Level], until: float) -> Iterator[tuple[float, float, Level]]:
    """Yield each level with when it began to hold and when it ended."""
    for number, level in enumerate(levels):
        following = levels[number + 1].wall if number + 1 < len(levels) else until
        yield level.wall, min(following, level.wall + HOLDS_S, until), level


def _stay(buckets: list[Bucket], edges: Sequence[float], begin: float, end: float, level: Level) -> None:
    begin = max(begin, edges[0]) if edges else end
    while begin < end:
        place = bisect_right(edges, begin) - 1
        bucket = buckets[place]
        cut = min(end, bucket.end)
        lasted = cut - begin
        bucket.seconds[level.status] = bucket.seconds.get(level.status, 0.0) + lasted
        if level.occupied is not None:
            bucket.occupied_s += level.occupied * lasted
            bucket.known_s += lasted
            bucket.occupied_max = max(level.occupied, bucket.occupied_max or 0)
        if level.free is not None:
            bucket.free_min = level.free if bucket.free_min is None else min(level.free, bucket.free_min)
        begin = cut


def _place(edges: Sequence[float], at: float) -> int | None:
    place = bisect_right(edges, at) - 1
    return place if 0 <= place < len(edges) - 1 else None


def _status_at(levels: Sequence[Level], walls: Sequence[float], at: float) -> Status | None:
    """Return what the zone was when somebody came: what his own coming may have made of it does not count."""
    place = bisect_left(walls, at) - 1
    return levels[place].status if place >= 0 and at - walls[place] <= HOLDS_S else None


def _sum(buckets: Sequence[Bucket]) -> Bucket:
    whole = Bucket(buckets[0].begin if buckets else 0.0, buckets[-1].end if buckets else 0.0)
    for one in buckets:
        whole.entries += one.entries
        whole.exits += one.exits
        whole.turned_away += one.turned_away
        whole.occupied_s += one.occupied_s
        whole.known_s += one.known_s
        for status, seconds in one.seconds.items():
            whole.seconds[status] = whole.seconds.get(status, 0.0) + seconds
    whole.occupied_max = max((b.occupied_max for b in buckets if b.occupied_max is not None), default=None)
    whole.free_min = min((b.free_min for b in buckets if b.free_min is not None), default=None)
    return whole


# Bays


@dataclass(frozen=True, slots=True)
class BayUse:
    """How one bay was used; times in seconds."""

    bay: str
    zone: str
    arrivals: int
    """Times that it became taken."""
    stays: tuple[float, ...]
    """Lengths of the stays that ended in the span and were seen from begin to end."""
    taken_s: float
    known_s: float

    @property
    def taken_share(self) -> float | None:
        """Share (0-1) of the known time in which it was taken."""
        return self.taken_s / self.known_s if self.known_s else None

    @property
    def mean_s(self) -> float | None:
        """Mean stay."""
        return fmean(self.stays) if self.stays else None

    @property
    def median_s(self) -> float | None:
        """Median stay."""
        return median(self.stays) if self.stays else None


def bay_use(bay: str, zone: str, changes: Sequence[tuple[float, bool | None]], begin: float, end: float) -> BayUse:
    """Make of a bay's changes (with the last one before ``begin``) how it was used until ``end``."""
    arrivals, taken_s, known_s = 0, 0.0, 0.0
    stays: list[float] = []
    came: float | None = None
    before: bool | None = None
    for number, (at, taken) in enumerate(changes):
        following = changes[number + 1][0] if number + 1 < len(changes) else end
        lasted = max(0.0, min(following, end) - max(at, begin))
        known_s += lasted if taken is not None else 0.0
        taken_s += lasted if taken else 0.0
        if taken and not before:
            arrivals += at >= begin
            came = at if before is False else None  # where nobody saw it free before, it may have stood there for long
        if taken is False and before and came is not None:
            stays.append(at - came)
        before = taken
    return BayUse(bay, zone, arrivals, tuple(stays), taken_s, known_s)


# Accuracy


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How far a zone's number was off when somebody counted. Errors: shown less counted, in vehicles."""

    zone: str
    corrections: int
    compared: int
    """Of these, how many times a number was known before."""
    bias: float | None
    mean_abs_error: float | None
    worst: int | None
    inside_interval: int
    """How many times the truth was between ``low`` and ``high``, which should be nine times of ten."""
    by_passages: float | None
    """Mean absolute error of passages alone ..."""
    passages: int
    """... and how many passages there were in the span."""


def accuracy(zone: str, told: Sequence[Corrected], passages: int) -> Accuracy:
    """Compare what was believed with what people counted."""
    errors = [one.believed - one.told for one in told if one.believed is not None]
    alone = [abs(one.counted - one.told) for one in told if one.counted is not None]
    inside = sum(one.low is not None and one.high is not None and one.low <= one.told <= one.high for one in told)
    return Accuracy(
        zone=zone,
        corrections=len(told),
        compared=len(errors),
        bias=fmean(errors) if errors else None,
        mean_abs_error=fmean(abs(e) for e in errors) if errors else None,
        worst=max(errors, key=abs, default=None),
        inside_interval=inside,
        by_passages=fmean(alone) if alone else None,
        passages=passages,
    )
