"""Charts of the past as SVG, drawn by pygal on the server: no script, and a size each for a phone and for a desk.

A chart is an image of its own (``<img>``), so it brings its style along, and is light or dark as its reader likes. What
it shows is also said beside it, in words and as a table.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pygal
from pygal.style import Style

from controller.api.past.figures import BayUse, Bucket, Past, held
from controller.api.past.span import HOUR_S, Span
from controller.api.past.telling import Telling
from controller.domain.report import Status

# pygal looks for its map plugins by a way to import that Python 3.11 warns of and 3.12 no longer knows; none are used.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != pygal.__name__]

POINTS = 240
"""More points than this across a chart are no longer seen apart."""
DWELL_S = (900, 1800, 3600, 7200, 14_400, 28_800)
"""Where the bars of the stays' lengths end; the last one has no end."""

_CSS = """
svg { --quiet: #565e6c; --line: #dde1e7; --c0: #1257b8; --c1: #c2410c; --c2: #b3261e; --c3: #6b7280; }
@media (prefers-color-scheme: dark) {
  svg { --quiet: #a3acba; --line: #2b313a; --c0: #84b4ff; --c1: #ffb37a; --c2: #ff9d95; --c3: #9aa3af; }
}
.axis text, .legends text { font-size: SIZEpx; fill: var(--quiet); }
.axis.x text { text-anchor: middle; }
.axis.y text { text-anchor: end; }
.axis .line, .axis .guide.line { stroke: var(--line); fill: none; }
.axis.x .guide.line { stroke: none; }
.background, .nofill { fill: none; }
.tooltip { display: none; }
.color-0.reactive, .color-0 .reactive, rect.color-0 { COLOUR0 }
.color-1.reactive, .color-1 .reactive, rect.color-1 { COLOUR1 }
.color-2.reactive, .color-2 .reactive, rect.color-2 { COLOUR2 }
.color-3.reactive, .color-3 .reactive, rect.color-3 { COLOUR3 }
"""
_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
_BAND = "fill: var(--{}); fill-opacity: .28; stroke: none;"
_BAR = "fill: var(--{}); stroke: none;"
_LINE = "fill: none; stroke: var(--{}); stroke-width: 2;"
_DASHED = "fill: none; stroke: var(--{}); stroke-width: 1.5; stroke-dasharray: 6 4;"


@dataclass(frozen=True, slots=True)
class Paper:
    """How large a chart is drawn (px)."""

    width: int
    height: int
    text: int
    every: int
    """Of the bars' labels, each so many-th is written."""

    @classmethod
    def of(cls, *, wide: bool) -> "Paper":
        """Return the size for a desk or for a phone."""
        return cls(1000, 320, 13, 1) if wide else cls(350, 300, 12, 3)


def occupancy(past: Past, span: Span, telling: Telling, paper: Paper) -> str:
    """Draw how full the zone was against its capacity, with bands where it was FULL, closed, or not known."""
    w = telling.w
    top = max(past.capacity, past.peak.occupied or 0 if past.peak else 0)
    chart = pygal.XY(
        **_shared(paper, (_BAND.format("c2"), _BAND.format("c3"), _DASHED.format("c1"), _LINE.format("c0"))),
        xrange=(span.begin, span.end),
        range=(0, top),
        stroke=True,
        show_dots=False,
        allow_interruptions=True,
        show_x_guides=False,
    )
    chart.x_labels = [{"value": at, "label": text} for at, text in _ticks(span, telling, paper)]
    chart.y_labels = _steps(top)
    until = past.buckets[-1].end if past.buckets else span.begin
    stretches = [*held(past.levels, until)]
    full = [(a, b) for a, b, level in stretches if level.status is Status.FULL]
    other = [(a, b) for a, b, level in stretches if level.status in {Status.CLOSED, Status.UNKNOWN}]
    chart.add(w["chart_full"], _band(full, span, top), fill=True)
    chart.add(w["chart_unknown"], _band(other, span, top), fill=True)
    chart.add(w["chart_capacity"], [(span.begin, past.capacity), (span.end, past.capacity)])
    chart.add(w["chart_inside"], _line(past, span, until))
    return _drawn(chart)


def flow(buckets: Sequence[Bucket], labels: Sequence[str], telling: Telling, paper: Paper) -> str:
    """Draw entries and exits of each hour or day."""
    w = telling.w
    chart = _bars(labels, paper, max((max(b.entries, b.exits) for b in buckets), default=0), 2)
    chart.add(w["entries"], [b.entries for b in buckets])
    chart.add(w["exits"], [b.exits for b in buckets])
    return _drawn(chart)


def usual(past: Past, telling: Telling, paper: Paper) -> str:
    """Draw entries and exits of a usual day: the mean of each hour of the day."""
    hours: list[list[Bucket]] = [[] for _ in range(24)]
    for one in past.buckets:
        hours[datetime.fromtimestamp(one.begin, telling.zone).hour].append(one)
    entries = [sum(b.entries for b in hour) / max(1, len(hour)) for hour in hours]
    exits = [sum(b.exits for b in hour) / max(1, len(hour)) for hour in hours]
    chart = _bars([str(hour) for hour in range(24)], paper, max(*entries, *exits), 2)
    chart.add(telling.w["entries"], entries)
    chart.add(telling.w["exits"], exits)
    return _drawn(chart)


def turned(buckets: Sequence[Bucket], labels: Sequence[str], telling: Telling, paper: Paper) -> str:
    """Draw how many turned away in each hour or day."""
    chart = _bars(labels, paper, max((b.turned_away for b in buckets), default=0), 1, colour="c2")
    chart.add(telling.w["chart_turned"], [round(b.turned_away, 1) for b in buckets])
    return _drawn(chart)


def full(buckets: Sequence[Bucket], labels: Sequence[str], telling: Telling, paper: Paper) -> str:
    """Draw which share of each hour or day the zone was FULL, in per cent."""
    shares = [None if b.full_share is None else 100 * b.full_share for b in buckets]
    top = 10 * math.ceil(max((s for s in shares if s is not None), default=0) / 10) or 10
    chart = _bars(labels, paper, top, 1, colour="c2")
    chart.y_labels = [{"value": n, "label": f"{n} %"} for n in _steps(top)]
    chart.add(telling.w["chart_share"], shares)
    return _drawn(chart)


def dwell(bays: Iterable[BayUse], telling: Telling, paper: Paper) -> str:
    """Draw how many stays were how long."""
    counts = [0] * (len(DWELL_S) + 1)
    for bay in bays:
        for stay in bay.stays:
            counts[sum(stay >= end for end in DWELL_S)] += 1
    chart = _bars([telling.w["dwell"][str(n)] for n in range(len(counts))], paper, max(counts), 1, every=1)
    chart.add(telling.w["chart_stays"], counts)
    return _drawn(chart)


def labels_of(buckets: Sequence[Bucket], telling: Telling) -> list[str]:
    """Return what is written below the bars: the hour, or day and month."""
    times = [datetime.fromtimestamp(b.begin, telling.zone) for b in buckets]
    days = any(b.end - b.begin > 2 * HOUR_S for b in buckets) or len(buckets) > 25  # noqa: PLR2004  hours of a day
    return [f"{t.day}.{t.month:02}" if days else str(t.hour) for t in times]


def _shared(paper: Paper, colours: Sequence[str]) -> dict[str, Any]:
    css = _CSS.replace("SIZE", str(paper.text))
    for number in range(4):
        css = css.replace(f"COLOUR{number}", colours[number] if number < len(colours) else "")
    size = paper.text
    return {
        "css": [f"inline:{css}"],
        "js": [],
        "no_data_text": "-",
        "style": Style(
            label_font_family=_FONT,
            legend_font_family=_FONT,
            label_font_size=size,
            major_label_font_size=size,
            legend_font_size=size,
        ),
        "width": paper.width,
        "height": paper.height,
        "margin": 6,
        "spacing": 8,
        "no_prefix": True,
        "pretty_print": False,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": min(len(colours), 4 if paper.every == 1 else 2),
        "legend_box_size": size - 2,
        "truncate_legend": -1,
    }


def _bars(
    labels: Sequence[str], paper: Paper, top: float, series: int, *, colour: str = "c0", every: int | None = None
) -> Any:
    colours = (_BAR.format(colour), _BAR.format("c1"))[:series]
    chart = pygal.Bar(**_shared(paper, colours), range=(0, max(top, 1)), show_legend=series > 1)
    if every is None:
        every = max(1, -(-len(labels) // (24 if paper.every == 1 else 8)))
    chart.x_labels = [text if n % every == 0 else "" for n, text in enumerate(labels)]
    chart.y_labels = _steps(max(top, 1))
    chart.truncate_label = -1
    return chart


def _drawn(chart: Any) -> str:
    chart.add_xml_filter(_without_script)
    return str(chart.render(is_unicode=True))


def _without_script(root: Any) -> Any:
    """Drop the script that pygal leaves for tooltips: nothing runs in an image."""
    for part in root:
        for child in [c for c in part if str(c.tag).endswith("script")]:
            part.remove(child)
    return root


def _steps(top: float) -> list[int]:
    """Return round numbers from 0 to ``top``, six of them at most."""
    step = 1
    while top / step > 5:  # noqa: PLR2004  and 0
        step = step * 2 if str(step)[0] in "15" else step * 5 // 2
    return [*range(0, int(top) + 1, step)]


def _ticks(span: Span, telling: Telling, paper: Paper) -> list[tuple[float, str]]:
    """Return where the axis of time has a mark, and what is written there."""
    if span.kind == "day":
        hours = span.edges("hour", span.end)
        times = [datetime.fromtimestamp(at, telling.zone) for at in hours]
        each = 2 if paper.every == 1 else 4
        return [(at, f"{t.hour}:00") for at, t in zip(hours[:-1], times[:-1], strict=True) if t.hour % each == 0]
    days = span.edges("day", span.end)[:-1]
    each = 1 if span.kind == "week" else 2 if paper.every == 1 else 7
    texts = [datetime.fromtimestamp(at, telling.zone) for at in days]
    names = telling.w["weekday"]
    return [
        (at, names[str(t.weekday())] if span.kind == "week" and paper.every > 1 else f"{t.day}.{t.month:02}")
        for n, (at, t) in enumerate(zip(days, texts, strict=True))
        if n % each == 0
    ]


def _band(stretches: Iterable[tuple[float, float]], span: Span, top: float) -> list[tuple[float, float | None]]:
    """Return boxes from 0 to ``top``, those that touch as one; a gap is a point without a height."""
    joined: list[list[float]] = []
    for begin, end in stretches:
        begin = max(begin, span.begin)  # noqa: PLW2901  cut to the chart
        if joined and begin - joined[-1][1] < 1:
            joined[-1][1] = end
        elif end > begin:
            joined.append([begin, end])
    least = (span.end - span.begin) / 1000  # or it would not be seen
    points: list[tuple[float, float | None]] = []
    for begin, end in joined:
        last = max(end, begin + least)
        points += [(begin, 0), (begin, top), (last, top), (last, 0), (last, None)]
    return points


def _line(past: Past, span: Span, until: float) -> list[tuple[float, float | None]]:
    """Return the most that was inside in each of ``POINTS`` stretches of the span; None where nothing was known."""
    width = (span.end - span.begin) / POINTS
    most: dict[int, int] = {}
    for begin, end, level in held(past.levels, until):
        if level.occupied is not None and end > max(begin, span.begin):
            first, last = (int((at - span.begin) / width) for at in (max(begin, span.begin), end - 1e-3))
            for column in range(first, last + 1):
                most[column] = max(level.occupied, most.get(column, 0))
    return [(span.begin + (column + 0.5) * width, most.get(column)) for column in range(POINTS)]
