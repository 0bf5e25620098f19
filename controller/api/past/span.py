"""A day, a week or a month of local time, and the hours and days that it is made of. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["day", "week", "month"]
Per = Literal["hour", "day"]
HOUR_S = 3600.0
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Span:
    """From local midnight to local midnight; ``begin`` and ``end`` in Unix seconds."""

    kind: Kind
    first: date
    after: date
    """The first day that is not in it."""
    zone: ZoneInfo

    @property
    def begin(self) -> float:
        """Where it begins."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> float:
        """Where it ends; this moment is not in it."""
        return midnight(self.after, self.zone)

    def edges(self, per: Per, until: float) -> list[float]:
        """Return where its hours or days begin, as far as they have begun by ``until``, and where the last one ends.

        A day that the clock is turned back on has 25 hours.
        """
        if per == "day":
            days = (self.after - self.first).days
            edges = [midnight(self.first + timedelta(days=n), self.zone) for n in range(days + 1)]
        else:
            edges = [self.begin + HOUR_S * n for n in range(round((self.end - self.begin) / HOUR_S) + 1)]
        begun = sum(edge < until for edge in edges[:-1])
        return edges[: begun + 1] if begun else []

    def shifted(self, by: int) -> date:
        """Return the first day of the span of its kind that comes so many after it (or, below 0, before)."""
        if self.kind == "month":
            months = self.first.year * 12 + self.first.month - 1 + by
            day = date(months // 12, months % 12 + 1, 1) if 1 <= months // 12 <= LATEST.year else self.first
        else:
            day = self.first + by * (self.after - self.first)
        return min(max(day, EARLIEST), LATEST)


def span_of(kind: Kind, on: date, zone: ZoneInfo) -> Span:
    """Return the day, the week (from Monday) or the calendar month that ``on`` is in."""
    on = min(max(on, EARLIEST), LATEST)
    if kind == "day":
        return Span(kind, on, on + timedelta(days=1), zone)
    if kind == "week":
        monday = on - timedelta(days=on.weekday())
        return Span(kind, monday, monday + timedelta(days=7), zone)
    first = on.replace(day=1)
    return Span(kind, first, (first + timedelta(days=31)).replace(day=1), zone)


def midnight(day: date, zone: ZoneInfo) -> float:
    """Return when a local day begins, in Unix seconds."""
    return datetime.combine(day, time(), zone).astimezone(UTC).timestamp()
