"""Asks the journal for a span and makes figures of it; what the routes, the charts and the spreadsheets share."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from controller.api.past import rows
from controller.api.past.drift import Drift, by_hand, drift, intervals
from controller.api.past.figures import Accuracy, BayUse, Past, accuracy, bay_use, past
from controller.api.past.rows import Corrected, Level
from controller.api.past.span import Kind, Per, Span, span_of
from controller.site import Site


@dataclass(frozen=True, slots=True)
class Reader:
    """The past of one site, up to ``now`` (Unix seconds). Every method raises JournalError."""

    path: Path
    site: Site
    now: float

    def span(self, kind: Kind, on: date | None) -> Span:
        """Return the span that a day is in; None: today."""
        zone = ZoneInfo(self.site.timezone)
        return span_of(kind, on or datetime.fromtimestamp(self.now, zone).date(), zone)

    def past(self, zone: str, span: Span, per: Per) -> Past:
        """Return one zone over the span, in hours or days."""
        end = min(span.end, self.now)
        with rows.opened(self.path) as db:
            found = rows.levels(db, zone, span.begin, end)
            passages, turned = rows.passages(db, span.begin, end), rows.turned(db, span.begin, end)
        edges = span.edges(per, self.now)
        capacity = next(z.capacity for z in self.site.lot.zones if z.name == zone)
        lanes = self.site.lot.lanes
        if edges:
            edges = [*edges[:-1], min(edges[-1], max(self.now, edges[-2]))]
        return past(zone, capacity, lanes, edges, levels=found, passages=passages, turned=turned)

    def levels(self, zone: str, span: Span, after: float | None, limit: int) -> tuple[list[Level], float | None]:
        """Return a page of a zone's levels, and after which time the next one begins."""
        with rows.opened(self.path) as db:
            begin = span.begin - 1e-6 if after is None else max(after, span.begin - 1e-6)
            found = rows.levels_after(db, zone, begin, span.end, limit + 1)
        return found[:limit], found[limit - 1].wall if len(found) > limit else None

    def bays(self, span: Span) -> list[BayUse]:
        """Return how the bays were used."""
        bays = {bay.name: bay.zone for bay in self.site.lot.bays}
        end = min(span.end, self.now)
        with rows.opened(self.path) as db:
            changes = rows.bays(db, [*bays], span.begin, end)
        return [bay_use(bay, zone, changes[bay], span.begin, end) for bay, zone in bays.items()]

    def corrections(self, span: Span) -> list[Corrected]:
        """Return the corrections of the span."""
        with rows.opened(self.path) as db:
            return rows.corrections(db, span.begin, span.end)

    def last_corrections(self, limit: int, before: int | None) -> tuple[list[Corrected], int | None]:
        """Return a page of corrections, newest first, and before which row the next one is."""
        with rows.opened(self.path) as db:
            found = rows.last_corrections(db, limit + 1, before)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def accuracy(self, span: Span) -> list[Accuracy]:
        """Return how right each zone's number was."""
        with rows.opened(self.path) as db:
            told = rows.corrections(db, span.begin, span.end)
            passages = rows.passages(db, span.begin, span.end)
        found = []
        for zone in self.site.lot.zones:
            lanes = lanes_of(self.site, zone.name)
            number = sum(n for (_, lane, _), n in passages.items() if lane in lanes)
            found.append(accuracy(zone.name, [one for one in told if one.zone == zone.name], number))
        return found

    def drifts(self, span: Span) -> dict[str, Drift]:
        """Return what the counts of the span show of each zone's passages, since the last count before it."""
        found: dict[str, Drift] = {}
        with rows.opened(self.path) as db:
            told = rows.corrections(db, span.begin, span.end)
            for zone in self.site.lot.zones:
                counts = rows.correction_before(db, zone.name, span.begin) + [c for c in told if c.zone == zone.name]
                if len(counts) < 2:  # noqa: PLR2004  one after another
                    continue
                lanes = lanes_of(self.site, zone.name)
                between = [rows.number(db, lanes, begin, end) for begin, end in intervals(counts)]
                added = by_hand(rows.changes_of(db, zone.name, counts[0].wall, counts[-1].wall))
                if (one := drift(counts, between, added)) is not None:
                    found[zone.name] = one
        return found


def lanes_of(site: Site, zone: str) -> set[str]:
    """Return the lanes through a zone's boundary."""
    return {lane.name for lane in site.lot.lanes if zone in {lane.zone, lane.from_zone}}
