"""The fold as a whole: order, time, Ticks, snapshots, and that the count is the truth whatever happens in between."""

import math
from dataclasses import replace
from typing import Any

import pytest
from domain_lots import QUIET_S, Told, fold, levels, one_loop, site, tell, two_loops, zone
from domain_traffic import Geometry, drive, vehicles
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pydantic import TypeAdapter

from controller.domain import lot, view
from controller.domain.crossing import Phase
from controller.domain.events import (
    BayChanged,
    ClockSet,
    ClosureChanged,
    Corrected,
    DetectorChanged,
    Event,
    NeighbourHeard,
    SignOverridden,
    Stamp,
    Tick,
    WentDown,
)
from controller.domain.report import LotReport
from controller.domain.specs import BaySpec, Direction, HealthSpec, LotSpec, Output, RedirectSpec, SignSpec, ZoneSpec
from controller.domain.state import LotState

SNAPSHOT: TypeAdapter[LotState] = TypeAdapter(LotState)
REPORT: TypeAdapter[LotReport] = TypeAdapter(LotReport)

BIG = LotSpec(
    "big",
    zones=(
        ZoneSpec("customers", 40, full_at=1, reopen_at=3, nearly_full_at=5, initial_occupied=10),
        ZoneSpec("staff", 3),
        ZoneSpec("roof", 2),
    ),
    lanes=(
        two_loops("main", barrier=True),
        two_loops("out", direction=Direction.EXIT, inner=Output.PULSE),
        two_loops("ramp", "staff", from_zone="customers"),
    ),
    bays=(*(BaySpec(f"s{i}", "staff", 500.0) for i in range(3)), *(BaySpec(f"r{i}", "roof") for i in range(2))),
    signs=(SignSpec("entrance", "customers", redirect=RedirectSpec("P2", "→", "p2")), SignSpec("top", "roof")),
    health=HealthSpec(stuck_after_s=60.0, chatter_changes=6, chatter_window_s=3.0, down_trust_s=30.0),
)

# Steps of time that fall on time-outs, as well as just beside them.
STEPS_S = st.sampled_from(
    [0.0, 0.0, 0.01, 0.03, 0.1, 0.12, 0.25, 0.3, 0.5, 1.0, 1.5, 3.0, 5.0, 60.0, 499.97, 500.0, 4000.0]
)
NAMES = [d.name for s in BIG.lanes for d in s.detectors]
STAMPS = st.none() | st.builds(Stamp, st.none() | st.integers(0, 20), st.none() | st.floats(0, 100))


def _at(kind: Any, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for functions from time to an event."""
    return st.tuples(*arguments).map(lambda drawn: lambda at: kind(*drawn, at=at))


SOMETHING = st.one_of(
    st.tuples(st.sampled_from([*NAMES, "x"]), st.booleans(), STAMPS).map(
        lambda drawn: lambda at: DetectorChanged(drawn[0], drawn[1], at, drawn[2])
    ),
    _at(DetectorChanged, st.sampled_from(["main.outer", "main.inner"]), st.booleans()),
    st.tuples(st.sampled_from([*(b.name for b in BIG.bays), "x"]), st.booleans(), STAMPS).map(
        lambda drawn: lambda at: BayChanged(drawn[0], drawn[1], at, drawn[2])
    ),
    _at(Corrected, st.sampled_from(["customers", "staff", "roof", "x"]), st.integers(0, 50)),
    _at(ClosureChanged, st.sampled_from(["customers", "roof", "x"]), st.booleans()),
    _at(
        SignOverridden,
        st.sampled_from(["entrance", "x"]),
        st.sampled_from([None, "Wjazd B"]),
        st.sampled_from([0.0, 100.0, 1e9]),
    ),
    _at(NeighbourHeard, st.sampled_from(["p2", "x"]), st.none() | st.integers(0, 9), st.booleans()),
    _at(WentDown, st.sampled_from([0.0, 5.0, 31.0, 1e6])),
    _at(ClockSet, st.sampled_from([0.0, 1e9])),
    _at(Tick),
)
HISTORIES = st.lists(st.tuples(STEPS_S, SOMETHING), max_size=60)


def history(drawn: list[tuple[float, Any]]) -> list[Event]:
    events: list[Event] = []
    now = 0.0
    for step, make in drawn:
        now += step
        events.append(make(now))
    return events


def kept(state: LotState) -> LotState:
    """Return what comes back from a snapshot in JSON, which has no infinity."""
    text = SNAPSHOT.dump_json(replace(state, due=0.0, bays_due=0.0))
    return SNAPSHOT.validate_json(text)


def comparable(state: LotState) -> LotState:
    """Return the state without what belongs to the last call alone, or is only a bound."""
    return replace(state, passed=(), bays_due=0.0)


def quiet(events: list[Event]) -> list[Event]:
    """Return the events, then every detector clear, then enough time for everything to be decided."""
    end = events[-1].at if events else 0.0
    clear = [DetectorChanged(name, False, end + 10_000.0) for name in NAMES]
    return [*events, *clear, Tick(end + 20_000.0)]


def test_time_does_not_go_back() -> None:
    state = fold(BIG, [Tick(10.0)]).state
    assert lot.apply(BIG, state, Tick(10.0)).at == 10.0
    with pytest.raises(ValueError, match=r"before lot time 10\.0"):
        lot.apply(BIG, state, Tick(9.999))


@pytest.mark.parametrize("at", [math.nan, math.inf])
def test_an_event_has_a_time(at: float) -> None:
    with pytest.raises(ValueError, match="no time"):
        lot.apply(BIG, lot.initial(BIG), Tick(at))


def test_the_next_time_out_is_known_beforehand() -> None:
    spec = site(two_loops())
    told = fold(spec, levels("A+1 B+2 A-3 A+4 B-5"))
    assert lot.next_due(told.state) == pytest.approx(5.03)
    told = fold(spec, [Tick(5.03)], told.state)
    assert lot.next_due(told.state) == pytest.approx(10.0), "nobody came: the leader has passed"
    told = fold(spec, [Tick(10.0)], told.state)
    assert told.kinds == ["entry"]
    assert lot.next_due(told.state) == pytest.approx(300.0), "what passed until then will be weighed"
    assert lot.next_due(lot.initial(replace(BIG, lanes=(), bays=()))) == math.inf
    assert lot.next_due(lot.initial(replace(BIG, lanes=()))) == 500.0, "bays that were never heard"


def test_a_time_out_happens_at_its_own_time_however_late_somebody_looks() -> None:
    spec = site(one_loop(Direction.ENTRY))
    told = tell(spec, "L+0 L-1 L+2.5", quiet_s=100_000.0)
    assert [p.at for p in told.passages] == [1.0]
    assert zone(spec, told.state).since == 902.5


@given(HISTORIES)
@settings(max_examples=150, deadline=None)
def test_any_order_of_any_events_can_be_folded_and_told(drawn: list[tuple[float, Any]]) -> None:
    state = lot.initial(BIG)
    for event in quiet(history(drawn)):
        state = lot.apply(BIG, state, event)
        assert lot.next_due(state) > state.at, "nothing that is due is left over"
        report = view.report(BIG, state)
        for now in report.zones:
            assert now.free is None or 0 <= now.free <= now.capacity
            assert (now.free is None) or now.status.value != "UNKNOWN"
        for sign in report.signs:
            assert (sign.message.kind.value == "number") is (sign.message.free is not None)
    assert all(watched.phase is Phase.IDLE for watched in state.lanes.values()), "no lane is left in a phase"
    assert all(d.fault is None for d in state.detectors.values())
    REPORT.dump_json(view.report(BIG, state))


@given(HISTORIES, st.lists(st.floats(0, 2000)))
@settings(max_examples=150, deadline=None)
def test_it_does_not_matter_how_often_somebody_says_what_time_it_is(
    drawn: list[tuple[float, Any]], ticks: list[float]
) -> None:
    events = history(drawn)
    end = Tick((events[-1].at if events else 0.0) + QUIET_S)
    # A Tick at the very time of an event may come before or after it.
    between = [Tick(at) for at in ticks if at <= end.at] + [Tick(e.at) for e in events]
    merged = sorted([*events, *between], key=lambda event: event.at)
    plain, ticked = fold(BIG, [*events, end]), fold(BIG, [*merged, end])
    assert comparable(ticked.state) == comparable(plain.state)
    assert ticked.passages == plain.passages


@given(HISTORIES, st.data())
@settings(max_examples=150, deadline=None)
def test_after_a_snapshot_everything_goes_on_as_if_nothing_had_been(
    drawn: list[tuple[float, Any]], data: st.DataObject
) -> None:
    events = quiet(history(drawn))
    cut = data.draw(st.integers(0, len(events)))
    before = fold(BIG, events[:cut])
    resumed = fold(BIG, events[cut:], lot.adapted(BIG, kept(before.state)))
    straight = fold(BIG, events[cut:], before.state)
    assert comparable(resumed.state) == comparable(straight.state)
    assert resumed.passages == straight.passages


def test_a_kept_state_fits_the_site_file_of_today() -> None:
    told = fold(BIG, [*levels("A+0 B+1 A-2 B-3"), BayChanged("r0", True, 4.0), Tick(60.0)])
    without_roof = replace(BIG, zones=BIG.zones[:1], lanes=BIG.lanes[:1], bays=(), signs=BIG.signs[:1])
    state = lot.adapted(without_roof, kept(told.state))
    assert (list(state.zones), list(state.lanes), list(state.bays)) == (["customers"], ["main"], [])
    assert state.zones["customers"].counted == 11
    again = lot.adapted(BIG, state)
    assert again.zones["customers"].counted == 11
    assert again.zones["staff"].counted is None
    view.report(BIG, lot.apply(BIG, again, BayChanged("r0", True, 70.0)))


def test_bays_that_moved_to_another_zone_count_there() -> None:
    told = fold(BIG, [BayChanged("r0", False, 1.0), BayChanged("r1", False, 1.0)])
    moved = replace(BIG, bays=(*BIG.bays[:-1], replace(BIG.bays[-1], zone="staff")))
    assert lot.adapted(moved, kept(told.state)).zones["roof"].bays_free == 1


def is_clear(vehicle: Any) -> bool:
    """Whether it is clear what a vehicle did: one that backs out when its tail has left a loop may have been two."""
    return vehicle.turns_at is None or bool(vehicle.turns_at < 0.45)


CLEAR = 0.98
"""A passage of which the decoder is surer than this is clear."""


class Truth(RuleBasedStateMachine):
    """Whole vehicles in a lot of two zones, with whatever people, sensors and time do in between."""

    SPEC = LotSpec(
        "truth",
        zones=(ZoneSpec("customers", 20, initial_occupied=5), ZoneSpec("staff", 4, initial_occupied=1)),
        lanes=(two_loops("main"), two_loops("side"), two_loops("ramp", "staff", from_zone="customers")),
    )

    def __init__(self) -> None:
        super().__init__()
        self.told = Told(lot.initial(self.SPEC), ())
        self.truth = {"customers": 5, "staff": 1}
        self.possible = dict.fromkeys(self.truth, True)
        """Whether as many vehicles left as had come, at most: else the lanes count on, but nobody can believe it."""
        self.unclear = 0
        """How many were not clear to the decoder: by so much may the interval be beside the truth."""

    def fold(self, events: list[Event]) -> None:
        self.told = fold(self.SPEC, events, self.told.state)

    @property
    def now(self) -> float:
        return self.told.state.at

    @rule(
        traffic=st.lists(vehicles().filter(is_clear), min_size=1, max_size=3),
        lane=st.sampled_from(["main", "side", "ramp"]),
        loop_m=st.floats(1.5, 2.5),
        gap_m=st.floats(0.5, 1.5),
    )
    def vehicles_come(self, traffic: list[Any], lane: str, loop_m: float, gap_m: float) -> None:
        said = drive(lane, Geometry(loop_m, gap_m), traffic)
        start = self.now + 6.0
        self.fold([*(replace(e, at=e.at + start) for e in said), Tick(start + said[-1].at + 6.0)])
        self.unclear += sum(
            max(p.chance_in, p.chance_out, 1 - p.chance_in - p.chance_out) < CLEAR for p in self.told.passages
        )
        by = sum((1 if v.inward else -1) for v in traffic if v.turns_at is None)
        ways = [v.inward for v in traffic if v.turns_at is None]
        leaving = {"customers": ways.count(lane == "ramp"), "staff": ways.count(False) if lane == "ramp" else 0}
        for name, number in leaving.items():
            self.possible[name] &= self.truth[name] >= number
        if lane == "ramp":
            self.truth["staff"] += by
            by = -by
        self.truth["customers"] += by

    @rule(occupied=st.integers(0, 20), name=st.sampled_from(["customers", "staff"]))
    def somebody_looks(self, occupied: int, name: str) -> None:
        self.truth[name] = occupied
        self.possible[name] = True
        self.fold([Corrected(name, occupied, self.now)])

    @rule(closed=st.booleans())
    def staff_close_or_open(self, *, closed: bool) -> None:
        self.fold([ClosureChanged("customers", closed, self.now)])

    @rule(seconds=st.floats(0.0, 10.0))
    def a_short_absence(self, seconds: float) -> None:
        self.fold([WentDown(seconds, self.now), Tick(self.now + seconds)])

    @rule(seconds=st.floats(0.0, 7_000.0))
    def time_passes(self, seconds: float) -> None:
        self.fold([Tick(self.now + seconds)])

    @rule(epoch=st.floats(0.0, 2e9))
    def the_wall_clock_steps(self, epoch: float) -> None:
        self.fold([ClockSet(epoch, self.now)])

    @precondition(lambda self: self.now > 0)
    @rule()
    def the_controller_restarts(self) -> None:
        self.told = replace(self.told, state=lot.adapted(self.SPEC, kept(self.told.state)))

    @invariant()
    def the_count_is_the_truth(self) -> None:
        counted = {name: now.counted for name, now in self.told.state.zones.items()}
        assert counted == self.truth
        for name, now in view.zone_reports(self.SPEC, self.told.state).items():
            if not self.possible[name]:
                continue
            assert now.low is not None
            assert now.high is not None
            free = min(max(now.capacity - self.truth[name], 0), now.capacity)
            assert now.low - self.unclear <= free <= now.high + self.unclear


TestTruth = Truth.TestCase
TestTruth.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
