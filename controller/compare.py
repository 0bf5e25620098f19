"""One recording under two site files: what other settings would have counted, passage by passage.

Both replays see the same levels. Passages that both counted alike are left out: the same kind, at the same time, with
the same expected change of the number inside. What is left of a lane is gathered into *differences*: passages whose
times overlap, so that "one entry" stands beside "a back-out and another entry" when both speak of the same vehicles.
"""

import csv
import dataclasses
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from controller.domain import view
from controller.domain.report import LotReport, Passage, PassageKind
from controller.recording import Entry
from controller.replay import Replay
from controller.site import Site

COLUMNS = ("t", "lane", "counted", "doubt", "change", "other_counted", "other_doubt", "other_change")
TOGETHER_S = 1.0
"""What two settings counted within this time of one another they counted of the same vehicles."""
ALIKE = 0.05
"""Expected changes that differ by less than this are one: what was learned before makes small differences."""

NO_NAME = {"name", "lane", "role"}
"""Fields that say which thing it is, not how it is set."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one site file made of the recording."""

    site: Site
    passages: tuple[Passage, ...]
    report: LotReport
    epoch: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Vehicles of a lane that the two settings counted differently; either may have counted none."""

    lane: str
    one: tuple[Passage, ...]
    other: tuple[Passage, ...]

    @property
    def at(self) -> float:
        """When it was first known (lot time)."""
        return min(p.at for p in (*self.one, *self.other))

    @property
    def cost(self) -> float:
        """By how much more the number inside grew under the other settings."""
        return _change(self.other) - _change(self.one)


def replayed(site: Site, entries: Iterable[Entry], progress: Callable[[float], None] = lambda _: None) -> Side:
    """Replay the entries and keep every passage."""
    passages: list[Passage] = []
    replay = Replay(site, io.StringIO(), passages.append)
    replay.run(entries, progress)
    return Side(site, tuple(passages), view.report(site.lot, replay.state), replay.state.epoch)


def differences(one: Side, other: Side) -> list[Difference]:
    """Return what the two counted differently, by time."""
    lanes = {p.lane for p in (*one.passages, *other.passages)}
    found = [difference for lane in lanes for difference in _in_lane(lane, one, other)]
    return sorted(found, key=lambda difference: (difference.at, difference.lane))


def _in_lane(lane: str, one: Side, other: Side) -> Iterator[Difference]:
    ours, theirs = _unlike(_counting(lane, one), _counting(lane, other))
    marked = sorted([(p, False) for p in ours] + [(p, True) for p in theirs], key=lambda mark: mark[0].began)
    group: list[tuple[Passage, bool]] = []
    for mark in marked:
        if group and mark[0].began > max(p.at for p, _ in group) + TOGETHER_S:
            yield _difference(lane, group)
            group = []
        group.append(mark)
    if group:
        yield _difference(lane, group)


def _difference(lane: str, group: Sequence[tuple[Passage, bool]]) -> Difference:
    return Difference(
        lane, tuple(p for p, is_other in group if not is_other), tuple(p for p, is_other in group if is_other)
    )


def _counting(lane: str, side: Side) -> list[Passage]:
    """Return the passages of a lane that say something of the number inside, or of a vehicle that thought better."""
    return [
        p
        for p in side.passages
        if p.lane == lane and (p.kind is not PassageKind.TOUCH or max(p.chance_in, p.chance_out) >= ALIKE)
    ]


def _unlike(one: Sequence[Passage], other: Sequence[Passage]) -> tuple[list[Passage], list[Passage]]:
    """Leave out what both counted alike."""
    waiting: dict[tuple[PassageKind, float], list[Passage]] = defaultdict(list)
    for passage in other:
        waiting[passage.kind, round(passage.at, 3)].append(passage)
    ours = []
    for passage in one:
        twins = waiting[passage.kind, round(passage.at, 3)]
        twin = next((p for p in twins if abs(expected_change(p) - expected_change(passage)) < ALIKE), None)
        if twin is None:
            ours.append(passage)
        else:
            twins.remove(twin)
    return ours, [p for twins in waiting.values() for p in twins]


def expected_change(passage: Passage) -> float:
    """Return by how much the number inside is expected to have grown by a passage."""
    if passage.chance_in + passage.chance_out > 0:
        return (passage.chance_in - passage.chance_out) * (1 + passage.another)
    return {PassageKind.ENTRY: 1.0, PassageKind.EXIT: -1.0}.get(passage.kind, 0.0)


def _change(passages: Iterable[Passage]) -> float:
    return sum(map(expected_change, passages))


# What differs in the settings


def settings(one: Site, other: Site) -> list[str]:
    """Say which settings of the count differ: ``lane.entry.max_gap_s 5 → 2``."""
    ours, theirs = _settings(one), _settings(other)
    return [
        f"{key} {_said(ours.get(key))} → {_said(theirs.get(key))}"
        for key in dict.fromkeys((*ours, *theirs))
        if ours.get(key) != theirs.get(key)
    ]


def _settings(site: Site) -> dict[str, Any]:
    inputs = {
        f"{'lane' if sensor.detector else 'bay'}.{sensor.target}.{key}": value
        for sensor in site.sensors
        for key, value in (("mqtt", sensor.topic), ("format", sensor.format), ("pointer", sensor.pointer))
        if value is not None
    }
    return {**_flat("", site.lot), **inputs}


def _flat(path: str, value: Any) -> dict[str, Any]:
    """Return the settings in a spec by their dotted names; what is not set has none."""
    if value is None:
        return {}
    if isinstance(value, tuple):
        return {key: one for item in value for key, one in _flat(f"{path}.{item.name}", item).items()}
    if not dataclasses.is_dataclass(value):
        return {path: value}
    flat: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        if field.name not in NO_NAME:
            inner = getattr(value, field.name)
            name = field.name.removesuffix("s") if isinstance(inner, tuple) else field.name
            flat |= _flat(f"{path}.{name}" if path else name, inner)
    return flat


def _said(value: object) -> str:
    match value:
        case None:
            return "(none)"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


# What people read


def text(one: Side, other: Side, found: Sequence[Difference]) -> str:
    """Return the whole comparison for people: settings, differences, summary."""
    changed = settings(one.site, other.site) or ["The two site files set nothing of the count differently."]
    width = max((len(_counted(d.one)) for d in found), default=0)
    rows = [line for d in found for line in _lines(one, other, d, width)]
    heading = f"{one.site.path} → {other.site.path}"
    return "\n".join([heading, *changed, "", *rows, *([""] if rows else []), summary(one, other, found)])


def _lines(one: Side, other: Side, found: Difference, width: int) -> Iterator[str]:
    counted = f"{_counted(found.one):<{width}}  →  {_counted(found.other)}"
    yield f"{_when(one, found.at)}  {found.lane}  {counted}  ({found.cost:+.2f} inside)"
    for side, passages in ((one, found.one), (other, found.other)):
        yield from (f"    in doubt in {side.site.path}: {p.doubt}" for p in passages if p.doubt)


def summary(one: Side, other: Side, found: Sequence[Difference]) -> str:
    """Say what each counted in all, and what the other settings would have cost or saved."""
    ours, theirs = ({lane.name: lane for lane in side.report.lanes} for side in (one, other))
    lines = []
    for name in dict.fromkeys((*ours, *theirs)):
        sides = (
            f"{lane.entries} in, {lane.exits} out, {lane.back_outs} back-outs" if lane else "(none)"
            for lane in (ours.get(name), theirs.get(name))
        )
        cost = sum(d.cost for d in found if d.lane == name)
        lines.append(f"lane {name}: {' → '.join(sides)} ({cost:+.2f} inside)")
    before, after = ({zone.name: zone for zone in side.report.zones} for side in (one, other))
    for name in dict.fromkeys((*before, *after)):
        sides = (
            f"{'unknown' if zone.free is None else zone.free} of {zone.capacity} free" if zone else "(none)"
            for zone in (before.get(name), after.get(name))
        )
        lines.append(f"zone {name} at the end: {' → '.join(sides)}")
    number = f"{len(found)} difference" + ("" if len(found) == 1 else "s")
    return "\n".join(
        [*lines, f"{number}; net {sum(d.cost for d in found):+.2f} vehicles inside under the other settings"]
    )


def write_csv(found: Iterable[Difference], out: IO[str]) -> None:
    """Write the differences as CSV, with ``t`` in lot time."""
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for d in found:
        sides = (cell for passages in (d.one, d.other) for cell in _cells(passages))
        rows.writerow((f"{d.at:.3f}", d.lane, *sides))


def _cells(passages: Sequence[Passage]) -> tuple[str, str, str]:
    doubts = "; ".join(p.doubt for p in passages if p.doubt)
    return _counted(passages), doubts, f"{_change(passages):.3f}"


def _counted(passages: Sequence[Passage]) -> str:
    return " + ".join(map(_named, passages)) or "nothing"


def _named(passage: Passage) -> str:
    """Name a passage; what was not quite believed says how much it counted for."""
    name, change = passage.kind.value.replace("_", "-"), expected_change(passage)
    return name if change in {-1, 0, 1} else f"{name} {change:+.2f}"


def _when(side: Side, at: float) -> str:
    """Say a lot time as people do, where the recording says what wall time it was."""
    if side.epoch is None:
        return f"t = {at:.1f}"
    local = datetime.fromtimestamp(side.epoch + at, tz=UTC).astimezone(ZoneInfo(side.site.timezone))
    return local.strftime("%Y-%m-%d %H:%M:%S")
