"""A lane: what its loops sense is geometry, nobody drives into anybody, and a barrier opens for each or for two."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.simulator.carriageway import FALL_S, Carriageway, Crossing, covered
from controller.simulator.manoeuvres import Style, way_of
from controller.simulator.motion import Course, behind
from controller.simulator.scenario import load
from controller.simulator.scenario_tables import GeometryTable, Scenario
from controller.simulator.vehicles import Kind, Vehicle, draw

WAY = way_of(GeometryTable())
CAR = Vehicle(1, Kind.CAR, ((0.0, 4.4),))
TRAILER = Vehicle(2, Kind.TRAILER, ((0.0, 4.4), (6.2, 9.0)))


def lane(*settings: str, barrier: bool = False, seed: int = 1) -> Carriageway:
    scenario = load("office80-barrier-3" if barrier else "office80-1", settings)
    return Carriageway("entry", scenario.lane["entry"], scenario, random.Random(seed))  # noqa: S311  traffic


def ends(crossing: Crossing) -> tuple[float, float]:
    return crossing.first[-1][1], crossing.second[-1][1]


def test_a_loop_senses_a_little_less_than_its_wire() -> None:
    assert WAY.first == pytest.approx((0.3, 1.7))
    assert WAY.second == pytest.approx((3.3, 4.7))


def test_the_edges_of_a_car_at_a_known_speed() -> None:
    path = Course(0.0, -5.0).drive(20.0, 2.0).path()
    assert covered(path, CAR, WAY.first)[0] == pytest.approx((5.3 / 2, (5.0 + 1.7 + 4.4) / 2))
    assert covered(path, CAR, WAY.second)[0] == pytest.approx((8.3 / 2, (5.0 + 4.7 + 4.4) / 2))


def test_a_trailer_is_two_bumps_with_the_drawbar_between() -> None:
    path = Course(0.0, -5.0).drive(20.0, 2.0).path()
    for loop in (WAY.first, WAY.second):
        car, trailer = covered(path, TRAILER, loop)
        assert trailer[0] - car[1] == pytest.approx((1.8 - 1.4) / 2)
        assert trailer[1] - trailer[0] == pytest.approx((2.8 + 1.4) / 2)


def test_a_drawbar_shorter_than_the_loop_senses_is_no_gap() -> None:
    path = Course(0.0, -5.0).drive(20.0, 2.0).path()
    assert len(covered(path, Vehicle(1, Kind.TRAILER, ((0.0, 4.4), (5.7, 9.0))), WAY.first)) == 1


@pytest.mark.parametrize(("gap_m", "released"), [(0.8, False), (1.35, False), (1.45, True), (3.0, True)])
def test_bumper_to_bumper_a_loop_releases_only_above_1_4_m(gap_m: float, *, released: bool) -> None:
    leader = Course(0.0, -5.0).drive(30.0, 2.0).path()
    limit = leader.shifted(0.0, CAR.length_m + gap_m)
    follower = behind(Course(3.0, limit.at(3.0)).drive(30.0, 8.0).path(), limit)
    for loop in (WAY.first, WAY.second):
        gone, comes = covered(leader, CAR, loop)[0][1], covered(follower, CAR, loop)[0][0]
        assert comes - gone == pytest.approx((gap_m - 1.4) / 2)
        assert (comes > gone) is released


@given(
    seed=st.integers(0, 10**6),
    styles=st.lists(st.sampled_from(Style), min_size=2, max_size=8),
    barrier=st.booleans(),
)
def test_nobody_drives_into_anybody(*, seed: int, styles: list[Style], barrier: bool) -> None:
    here = lane("behaviour.tailgate=0.5", barrier=barrier, seed=seed)
    rng, now = random.Random(seed), 0.0  # noqa: S311  traffic
    table = load("office80-1").vehicles
    last: tuple[Vehicle, Crossing, bool, Style] | None = None
    for number, style in enumerate(styles):
        inward = rng.random() < 0.8
        now = max(now + rng.expovariate(0.3), here.ready_s(now, inward=inward, style=style))
        now = here.ready_s(now, inward=inward, style=style)
        vehicle = draw(number, table, rng)
        crossing = here.go(now, vehicle, inward=inward, style=style)
        assert crossing.starts_s == pytest.approx(now)
        if last is not None and now < last[1].clear_s:
            leader, ahead, its_way, its_style = last
            assert its_way is inward
            assert not style.reverses
            assert not its_style.reverses
            for share in range(41):
                time = now + share / 40 * (crossing.clear_s - now)
                assert crossing.path.at(time) <= ahead.path.at(time) - leader.length_m - 0.8 + 1e-6
        last = vehicle, crossing, inward, style


@given(seed=st.integers(0, 10**6), style=st.sampled_from(Style), inward=st.booleans(), barrier=st.booleans())
def test_who_passes_leaves_by_the_second_loop_and_who_turns_back_by_the_first(
    *, seed: int, style: Style, inward: bool, barrier: bool
) -> None:
    here = lane(barrier=barrier, seed=seed)
    vehicle = draw(1, load("office80-1").vehicles, random.Random(seed))  # noqa: S311  traffic
    crossing = here.go(5.0, vehicle, inward=inward, style=style)
    assert crossing.first
    assert bool(crossing.second) is (style is not Style.TURN_AT_ONE)
    if style.passes:
        assert ends(crossing)[0] < ends(crossing)[1] == crossing.passed_s < crossing.clear_s
    else:
        assert crossing.first[-1][1] == crossing.passed_s < crossing.clear_s
        assert crossing.path.places[-1] == crossing.path.places[0]
    for spans in (crossing.first, crossing.second):
        assert all(start < end for start, end in spans)
        assert all(end < start for (_, end), (start, _) in itertools.pairwise(spans))


def test_one_that_turns_back_has_the_lane_to_itself() -> None:
    here = lane()
    first = here.go(0.0, CAR, inward=True, style=Style.TURN_AT_BOTH)
    for style in (Style.PASS, Style.TURN_AT_ONE):
        assert here.ready_s(1.0, inward=True, style=style) > first.clear_s
    assert here.ready_s(first.clear_s, inward=True, style=Style.PASS) == first.clear_s


def test_the_other_direction_waits_until_the_lane_is_clear() -> None:
    here = lane()
    first = here.go(0.0, CAR, inward=True, style=Style.PASS)
    assert here.ready_s(1.0, inward=False, style=Style.PASS) > first.clear_s
    assert here.ready_s(1.0, inward=True, style=Style.PASS) < first.passed_s


def two_through_a_barrier(tailgate: float, seed: int) -> tuple[Crossing, Crossing]:
    here = lane(f"behaviour.tailgate={tailgate}", barrier=True, seed=seed)
    leader = here.go(0.0, CAR, inward=True, style=Style.PASS)
    start = here.ready_s(0.5, inward=True, style=Style.PASS)
    return leader, here.go(start, Vehicle(2, Kind.CAR, ((0.0, 4.4),)), inward=True, style=Style.PASS)


@given(st.integers(0, 10**6))
def test_a_barrier_opens_for_each_vehicle(seed: int) -> None:
    leader, follower = two_through_a_barrier(0.0, seed)
    for crossing in (leader, follower):
        assert crossing.arm is not None
        # it waits on the first loop, reaches the second after the arm is up, and the arm falls behind it
        assert crossing.first[0][0] < crossing.arm[0] < crossing.second[0][0] < crossing.second[-1][1]
        assert crossing.arm[1] == pytest.approx(crossing.second[-1][1] + FALL_S)
    assert leader.arm is not None
    assert follower.arm is not None
    assert follower.arm[0] > leader.arm[1]


@given(st.integers(0, 10**6))
def test_a_tailgater_passes_with_its_leader(seed: int) -> None:
    leader, follower = two_through_a_barrier(1.0, seed)
    assert leader.arm is not None
    assert follower.arm is not None
    assert follower.arm[0] < leader.arm[1] < follower.arm[1]


def test_who_turns_back_at_once_does_not_open_the_barrier() -> None:
    assert lane(barrier=True).go(0.0, CAR, inward=True, style=Style.TURN_AT_ONE).arm is None


def test_a_lane_names_its_loops_by_the_way_through() -> None:
    here = lane(barrier=True)
    assert here.detectors == ["entry.outer", "entry.inner", "entry.barrier"]
    assert here.loops(inward=True) == ("entry.outer", "entry.inner")
    assert here.loops(inward=False) == ("entry.inner", "entry.outer")


def test_other_loops_other_ways() -> None:
    scenario: Scenario = load("office80-1", ["geometry.loop_m=1.0", "geometry.gap_m=2.5", "geometry.field_m=0.1"])
    way = way_of(scenario.geometry)
    assert way.first == pytest.approx((-0.1, 1.1))
    assert way.second == pytest.approx((3.4, 4.6))
