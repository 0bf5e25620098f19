"""Rows of the past and what is made of them: small stories whose figures can be reckoned by hand."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from written_past import WARSAW

from controller.api.past.figures import BayUse, Past, accuracy, bay_use, past
from controller.api.past.rows import Corrected, Level
from controller.api.past.span import span_of
from controller.api.past.telling import Telling
from controller.domain.chronicle import HOLDS_S
from controller.domain.report import Status
from controller.domain.specs import Direction, LaneSpec

LANES = (
    LaneSpec("main", "customers", Direction.BOTH),
    LaneSpec("gate", "staff", Direction.ENTRY, from_zone="customers"),
)
FULL, OPEN = Status.FULL, Status.OPEN


def level(wall: float, occupied: int | None, status: Status = OPEN) -> Level:
    free = None if occupied is None else 40 - occupied
    return Level(wall, occupied, free, free, free, 40, status, "counted")


def whole(levels: list[Level], edges: tuple[float, ...] = (0.0, 3600.0, 7200.0), **more: object) -> Past:
    given: dict[str, object] = {"passages": {}, "turned": [], **more}
    return past("customers", 40, LANES, edges, levels=levels, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "on", "first", "after", "hours"),
    [
        ("day", date(2026, 11, 25), date(2026, 11, 25), date(2026, 11, 26), 24),
        ("day", date(2026, 10, 25), date(2026, 10, 25), date(2026, 10, 26), 25),  # the clock is turned back
        ("day", date(2026, 3, 29), date(2026, 3, 29), date(2026, 3, 30), 23),
        ("week", date(2026, 11, 25), date(2026, 11, 23), date(2026, 11, 30), 168),
        ("month", date(2026, 2, 14), date(2026, 2, 1), date(2026, 3, 1), 28 * 24),
        ("month", date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1), 31 * 24),
    ],
)
def test_a_span_is_made_of_local_days(kind: str, on: date, first: date, after: date, hours: int) -> None:
    span = span_of(kind, on, WARSAW)  # type: ignore[arg-type]
    assert (span.first, span.after) == (first, after)
    edges = span.edges("hour", span.end)
    assert len(edges) == hours + 1
    assert (edges[0], edges[-1]) == (span.begin, span.end)
    assert len(span.edges("day", span.end)) == (after - first).days + 1
    assert span.edges("hour", span.begin) == []
    assert len(span.edges("hour", span.begin + 5400)) == 3, "two hours have begun"


def test_spans_follow_one_another() -> None:
    for kind in ("day", "week", "month"):
        span = span_of(kind, date(2026, 12, 31), WARSAW)
        assert span_of(kind, span.shifted(1), WARSAW).first == span.after
        assert span_of(kind, span.shifted(-1), WARSAW).after == span.first
    assert span_of("month", date.max, ZoneInfo("Asia/Kathmandu")).first == date(2099, 12, 1)


def test_times_are_shared_out_to_the_hours_that_they_fall_into() -> None:
    told = whole([level(at, 20) for at in range(0, 3300, 300)] + [level(3300.0, 40, FULL), level(3900.0, 38)])
    first, second = told.buckets
    assert first.seconds == {OPEN: 3300.0, FULL: 300.0}
    assert second.seconds == {FULL: 300.0, OPEN: HOLDS_S}, "and then nobody watched"
    assert (first.full_share, second.full_share) == (300 / 3600, 300 / 900)
    assert (first.occupied_max, first.free_min) == (40, 0)
    assert first.occupied_mean == pytest.approx((3300 * 20 + 300 * 40) / 3600)
    assert told.whole.full_s == 600.0
    assert told.peak is not None
    assert (told.peak.wall, told.peak.occupied) == (3300.0, 40)


def test_what_was_before_the_span_holds_into_it_and_makes_no_peak() -> None:
    told = whole([level(-200.0, 40, FULL), level(100.0, 5)])
    assert told.buckets[0].seconds == {FULL: 100.0, OPEN: HOLDS_S}
    assert told.peak is not None
    assert told.peak.occupied == 5


def test_an_unknown_number_is_no_number() -> None:
    told = whole([level(0.0, None, Status.UNKNOWN)])
    assert told.peak is None
    assert told.whole.occupied_mean is None
    assert told.whole.full_share is None
    assert told.whole.seconds == {Status.UNKNOWN: HOLDS_S}


def test_entries_of_a_zone_are_exits_of_the_one_that_a_lane_leads_from() -> None:
    counts = {(0, "main", "entry"): 5, (2700, "main", "exit"): 2, (3600, "gate", "entry"): 3, (3600, "gate", "exit"): 1}
    told = whole([], passages=counts)
    assert [(b.entries, b.exits) for b in told.buckets] == [(5, 2), (1, 3)]
    other = past("staff", 12, LANES, (0.0, 3600.0, 7200.0), levels=[], passages=counts, turned=[])
    assert [(b.entries, b.exits) for b in other.buckets] == [(0, 0), (3, 1)]


def test_who_comes_while_it_is_full_and_leaves_was_turned_away_and_nobody_else() -> None:
    levels = [level(0.0, 40, FULL), level(300.0, 40, FULL), level(500.0, 30), level(800.0, 40, FULL)]
    came = [(100.0, "main", 0.9), (400.0, "main", 0.5), (600.0, "main", 0.9), (350.0, "gate", 0.9)]
    told = whole(levels, turned=[*came, (800.0, "main", 1.0), (800.0 + HOLDS_S + 1, "main", 1.0)])
    assert told.whole.turned_away == pytest.approx(1.4), "at 800 it only became full; later nobody knows"


def test_without_an_hour_that_has_begun_there_is_nothing() -> None:
    told = whole([], ())
    assert (told.buckets, told.peak, told.whole.entries) == ((), None, 0)


# Bays


def test_a_stay_counts_when_it_was_seen_from_begin_to_end() -> None:
    changes = [(-100.0, False), (50.0, True), (650.0, False), (700.0, True), (900.0, False), (950.0, True)]
    use = bay_use("A1", "customers", changes, 0.0, 1000.0)
    assert use == BayUse("A1", "customers", 3, (600.0, 200.0), 850.0, 1000.0)
    assert (use.mean_s, use.median_s, use.taken_share) == (400.0, 400.0, 0.85)


@pytest.mark.parametrize(
    ("changes", "arrivals", "stays", "known_s"),
    [
        ([(-50.0, True), (100.0, False)], 0, (), 1000.0),  # nobody saw it come
        ([(100.0, True), (200.0, False)], 1, (), 900.0),  # it was first heard of when it stood there
        ([(0.0, False), (100.0, True), (300.0, None), (400.0, False)], 1, (), 900.0),  # its sensor was silent meanwhile
        ([], 0, (), 0.0),
    ],
)
def test_what_was_not_seen_whole_is_no_stay(
    changes: list[tuple[float, bool | None]], arrivals: int, stays: tuple[float, ...], known_s: float
) -> None:
    use = bay_use("A1", "customers", changes, 0.0, 1000.0)
    assert (use.arrivals, use.stays, use.known_s) == (arrivals, stays, known_s)


# Accuracy


def test_errors_are_what_was_shown_less_what_was_counted() -> None:
    told = [
        Corrected(1, 0.0, "customers", 30, 31, 33, 29, 32),
        Corrected(2, 0.0, "customers", 30, 27, 27, 26, 29),
        Corrected(3, 0.0, "customers", 30, None, None, None, None),
    ]
    found = accuracy("customers", told, 500)
    assert (found.corrections, found.compared, found.inside_interval) == (3, 2, 1)
    assert (found.bias, found.mean_abs_error, found.worst, found.by_passages) == (-1.0, 2.0, -3, 3.0)
    nothing = accuracy("customers", [], 0)
    assert (nothing.bias, nothing.mean_abs_error, nothing.worst) == (None, None, None)


def test_it_is_said_in_both_languages() -> None:
    at = datetime(2026, 11, 25, 9, 5, tzinfo=WARSAW).astimezone(UTC).timestamp()
    told = whole([level(0.0, 40, FULL), level(600.0, 12)], turned=[(100.0, "main", 1.0), (200.0, "main", 1.0)])
    polish, english = Telling("pl", WARSAW), Telling("en", WARSAW)
    assert (polish.at(at), english.at(at)) == ("śr 25.11 09:05", "Wed 25.11 09:05")
    assert polish.occupancy(told).startswith("Strefa customers: najwięcej 40 z 40")
    assert "10 min" in english.occupancy(told)
    assert english.turned(told).startswith("About 2 turned away, at most 2")
    assert polish.flow(told) == "Żadnych wjazdów w tym okresie."
    assert (polish.number(1.25, 1), english.number(1.25, 1)) == ("1,2", "1.2")
    assert polish.lasting(timedelta(hours=2, minutes=5).total_seconds()) == "2 h 05 min"
