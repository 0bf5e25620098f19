"""What of a lot's life is kept for its history: stories of events, and what is written of them."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from domain_lots import fold, levels, site, tell, two_loops

from controller.domain import chronicle, lot
from controller.domain.chronicle import GRID_S, BayLevel, Kept, Level, TakenBack, Told
from controller.domain.events import (
    BayChanged,
    ClosureChanged,
    Corrected,
    Event,
    RecountBegan,
    Recounted,
    Tick,
    Undone,
    WentDown,
)
from controller.domain.report import PassageKind, Status
from controller.domain.specs import Direction, LotSpec
from controller.domain.state import LotState

LANE = two_loops()
IN, BACKED_OUT = "A+0 B+1 A-1.4 B-2.4", "A+0 B+1 B-4 A-6"


def told(spec: LotSpec, events: Iterable[Event], state: LotState | None = None) -> tuple[list[Kept], list[Level]]:
    """Return what the events add to the history, looked at after each, as the owner of the state does."""
    state = lot.initial(spec) if state is None else state
    kept: list[Kept] = []
    said: list[Level] = []
    last: dict[str, Level] = {}
    for event in events:
        before, state = state, lot.apply(spec, state, event)
        kept += chronicle.changes(spec, before, state, event)
        new = chronicle.levels(spec, state, last)
        last |= {level.zone: level for level in new}
        said += new
    return kept, said


def test_a_level_is_kept_on_a_grid_and_when_the_status_changes() -> None:
    ticks = [Tick(float(at)) for at in range(0, 700, 10)]
    _, said = told(site(LANE), [*ticks, ClosureChanged("customers", True, 725.0), Tick(730.0)])
    assert [(level.at, level.status) for level in said] == [
        (0.0, Status.OPEN),
        (GRID_S, Status.OPEN),
        (2 * GRID_S, Status.OPEN),
        (725.0, Status.CLOSED),
    ]
    assert (said[0].occupied, said[0].free, said[0].capacity) == (10, 30, 40)


def test_a_change_of_status_is_kept_at_its_own_time_however_late_it_is_looked_at() -> None:
    spec = site(LANE, capacity=11)
    first = chronicle.levels(spec, lot.initial(spec), {})
    full = tell(spec, IN).state
    assert full.zones["customers"].status is Status.FULL
    (level,) = chronicle.levels(spec, full, {level.zone: level for level in first})
    assert (level.status, level.at) == (Status.FULL, full.zones["customers"].since)
    assert level.at < full.at


def test_a_bays_changes_are_kept_and_so_is_its_becoming_unknown() -> None:
    spec = site(LANE, bays=1)
    events = [BayChanged("b0", True, 10.0), BayChanged("b0", True, 20.0), BayChanged("b0", False, 30.0)]
    kept, _ = told(spec, [*events, WentDown(500.0, 40.0)])
    assert kept == [BayLevel("b0", 10.0, True), BayLevel("b0", 30.0, False), BayLevel("b0", 40.0, None)]


def test_a_correction_is_kept_with_what_was_believed_before_it() -> None:
    after: list[Event] = [*levels(IN), Tick(60.0), Corrected("customers", 14, 70.0)]
    kept, _ = told(site(LANE), after)
    (one,) = kept
    assert isinstance(one, Told)
    assert (one.told, one.believed, one.counted) == (14, 11, 11)
    assert one.low is not None
    assert one.high is not None
    assert one.low <= 11 <= one.high


def test_a_recount_is_kept_as_what_it_came_to_and_a_given_up_one_is_not() -> None:
    events: list[Event] = [RecountBegan("customers", 0.0), Recounted("customers", 14, 600.0)]
    kept, _ = told(site(LANE), events)
    assert [(one.told, one.believed) for one in kept if isinstance(one, Told)] == [(14, 10)]
    for event in (Recounted("customers", None, 600.0), Recounted("nowhere", 14, 600.0)):
        assert told(site(LANE), [events[0], event])[0] == []


def test_what_was_taken_back_is_named_by_its_time() -> None:
    events: list[Event] = [Corrected("customers", 14, 5.0), Undone("customers", 60.0), Undone("customers", 61.0)]
    kept, _ = told(site(LANE), events)
    assert [one for one in kept if isinstance(one, TakenBack)] == [TakenBack("customers", 5.0)]


@pytest.mark.parametrize(
    ("direction", "story", "turned"),
    [
        (Direction.BOTH, BACKED_OUT, 1.0),
        (Direction.ENTRY, BACKED_OUT, 1.0),
        (Direction.EXIT, BACKED_OUT, 0.0),
        (Direction.BOTH, "B+0 A+1 A-4 B-6", 0.0),  # it began to leave, and came back
        (Direction.BOTH, IN, 0.0),
    ],
)
def test_who_backs_out_of_a_way_in_was_turned_away(direction: Direction, story: str, turned: float) -> None:
    passed = tell(site(two_loops(direction=direction)), story).passages
    assert sum(one.turned for one in passed) == pytest.approx(turned, abs=0.1)


def test_who_stops_on_the_outer_loop_alone_and_leaves_was_perhaps_turned_away() -> None:
    (touch,) = tell(site(LANE), "A+0 A-9").passages
    assert touch.kind is PassageKind.TOUCH
    assert touch.turned == pytest.approx(1 - touch.chance_in - touch.chance_out)
    (quick,) = tell(site(LANE), "A+0 A-0.7").passages
    assert quick.turned < touch.turned, "a person with a trolley, perhaps"
    (other,) = tell(site(LANE), "B+0 B-9").passages
    assert other.turned == 0.0


def test_the_same_events_add_the_same_wherever_one_begins() -> None:
    spec = site(LANE, bays=1)
    events: list[Event] = [*levels(IN), BayChanged("b0", True, 50.0), Corrected("customers", 9, 70.0), Tick(400.0)]
    whole, _ = told(spec, events)
    middle = fold(spec, events[:3]).state
    assert [*told(spec, events[:3])[0], *told(spec, events[3:], replace(middle, passed=()))[0]] == whole
