"""Times, lengths and figures of the past in people's words, Polish or English. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from controller.api.past.figures import Past
from controller.api.past.span import Span
from controller.api.words import Language, words

DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Telling:
    """Says things in one language and one time zone."""

    language: Language
    zone: ZoneInfo

    @property
    def w(self) -> dict[str, Any]:
        """All phrases."""
        return words(self.language)

    def at(self, unix: float) -> str:
        """Return a moment: day of the week, date and time."""
        when = datetime.fromtimestamp(unix, self.zone)
        return f"{self.w['weekday'][str(when.weekday())]} {when.day}.{when.month:02} {when:%H:%M}"

    def day(self, unix: float) -> str:
        """Return a day: day of the week and date."""
        when = datetime.fromtimestamp(unix, self.zone)
        return f"{self.w['weekday'][str(when.weekday())]} {when.day}.{when.month:02}"

    def hour(self, unix: float) -> str:
        """Return an hour, as from and to."""
        when = datetime.fromtimestamp(unix, self.zone)
        return f"{when.hour}{DASH}{when.hour + 1}"

    def span(self, span: Span) -> str:
        """Return which days."""
        last = datetime.fromtimestamp(span.end - 1, self.zone).date()
        first = span.first
        if span.kind == "day":
            return f"{self.day(span.begin)}.{first.year}"
        if span.kind == "month":
            return f"{self.w['month'][str(first.month)]} {first.year}"
        return f"{first.day}.{first.month:02} {DASH} {last.day}.{last.month:02}.{last.year}"

    def lasting(self, seconds: float | None) -> str:
        """Return a length of time in hours and minutes."""
        if seconds is None:
            return DASH
        minutes = round(seconds / 60)
        if minutes < 60:  # noqa: PLR2004  an hour
            return f"{minutes} min"
        return f"{minutes // 60} h {minutes % 60:02} min"

    def share(self, share: float | None) -> str:
        """Return a share in per cent."""
        if share is None:
            return DASH
        return f"{self.number(100 * share, 0 if share >= 0.1 or not share else 1)} %"  # noqa: PLR2004  small ones finer

    def number(self, value: float | None, digits: int = 0) -> str:
        """Return a number as it is written here; a dash for None."""
        if value is None:
            return DASH
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language == "pl" else text

    # What charts show, for who does not see them

    def occupancy(self, past: Past) -> str:
        """Say what the chart of occupancy shows."""
        if past.peak is None:
            return str(self.w["history_nothing"])
        return str(
            self.w["alt_occupancy"].format(
                zone=past.zone,
                most=past.peak.occupied,
                capacity=past.capacity,
                at=self.at(past.peak.wall),
                full=self.lasting(past.whole.full_s),
                share=self.share(past.whole.full_share),
                mean=self.number(past.whole.occupied_mean),
            )
        )

    def flow(self, past: Past) -> str:
        """Say what the chart of entries and exits shows."""
        busiest = max(past.buckets, key=lambda b: b.entries, default=None)
        if busiest is None or not busiest.entries:
            return str(self.w["alt_no_flow"])
        when = self.day(busiest.begin) if busiest.end - busiest.begin > 2 * 3600 else self.at(busiest.begin)
        return str(
            self.w["alt_flow"].format(
                entries=past.whole.entries, exits=past.whole.exits, most=busiest.entries, when=when
            )
        )

    def turned(self, past: Past) -> str:
        """Say what the chart of who was turned away shows."""
        most = max(past.buckets, key=lambda b: b.turned_away, default=None)
        if most is None or most.turned_away < 0.5:  # noqa: PLR2004  nobody
            return str(self.w["alt_none_turned"].format(share=self.share(past.whole.full_share)))
        when = self.day(most.begin) if most.end - most.begin > 2 * 3600 else self.at(most.begin)
        number = self.number(past.whole.turned_away)
        return str(
            self.w["alt_turned"].format(
                number=number,
                most=self.number(most.turned_away),
                when=when,
                share=self.share(past.whole.full_share),
            )
        )
