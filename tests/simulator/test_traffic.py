"""The simulated cars: what the loops see comes out of geometry, and the truth is who is inside."""

import itertools
import random
from collections.abc import Callable

import pytest

from controller.domain import lot as domain
from controller.domain.events import BayChanged, DetectorChanged, Tick
from controller.domain.lot import LotState
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import (
    BaySpec,
    DetectorSpec,
    Direction,
    LaneSpec,
    LotSpec,
    Output,
    Role,
    ZoneSpec,
)
from controller.simulator.sensors import Level
from controller.simulator.traffic import Demand, Lot, NoVehicleError


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  traffic, not a secret


def two_loops(
    name: str = "main",
    zone: str = "customers",
    *,
    output: Output = Output.PRESENCE,
    barrier: DetectorSpec | None = None,
    from_zone: str | None = None,
) -> LaneSpec:
    outer, inner = (DetectorSpec(f"{name}.{role}", name, role, output) for role in (Role.OUTER, Role.INNER))
    return LaneSpec(name, zone, Direction.BOTH, outer=outer, inner=inner, barrier=barrier, from_zone=from_zone)


OPEN_LANE = two_loops()
BARRIER_LANE = two_loops(barrier=DetectorSpec("main.barrier", "main", Role.BARRIER))


def spec(lane: LaneSpec = OPEN_LANE, *, capacity: int = 12, inside: int = 5, bays: int = 2) -> LotSpec:
    return LotSpec(
        "test",
        zones=(ZoneSpec("customers", capacity, initial_occupied=inside),),
        lanes=(lane,),
        bays=tuple(BaySpec(f"A{i}", "customers") for i in range(1, bays + 1)),
    )


def quiet(site: LotSpec, *, seed: int = 1, inside: int = 5) -> Lot:
    lot = Lot(site, rng=chance(seed), inside={"customers": inside})
    lot.set_traffic(on=False)
    return lot


def edges(said: list[Level], *, skip_first: int = 0) -> str:
    """Spell what the loops said: A and B for outer and inner, + and - for covered and clear."""
    letters = {"main.outer": "A", "main.inner": "B"}
    changes = [level for level in said if level.name in letters][skip_first:]
    return " ".join(letters[level.name] + ("+" if level.occupied else "-") for level in changes)


def fold(site: LotSpec, said: list[Level], end_s: float) -> tuple[LotState, list[Passage]]:
    state = domain.initial(site)
    passages: list[Passage] = []
    detectors = {d.name for lane in site.lanes for d in lane.detectors}
    for level in said:
        kind = DetectorChanged if level.name in detectors else BayChanged
        state = domain.apply(site, state, kind(level.name, level.occupied, level.at_s))
        passages += state.passed
    state = domain.apply(site, state, Tick(end_s))
    return state, [*passages, *state.passed]


def test_at_first_every_sensor_says_its_level() -> None:
    lot = quiet(spec(BARRIER_LANE))
    said = lot.step(0.02)
    assert [level.name for level in said] == ["main.outer", "main.inner", "main.barrier", "A1", "A2"]
    assert {level.name for level in lot.levels()} == {level.name for level in said}


def test_a_car_that_drives_in_covers_outer_then_both_then_inner_and_is_inside() -> None:
    lot = quiet(spec())
    lot.drive_in()
    said = lot.step(20.0)
    assert edges(said, skip_first=2) == "A+ B+ A- B-"
    on, off = [level.at_s for level in said if level.name.startswith("main")][2::3]
    assert 2.0 <= off - on <= 4.0
    assert lot.truth.inside == {"customers": 6}
    assert lot.truth.waiting == {"main": 0}


def test_a_car_counts_as_inside_when_it_leaves_the_inner_loop_and_not_before() -> None:
    lot = quiet(spec())
    lot.drive_in()
    while not (said := lot.step(lot.now_s + 0.03)) or edges(said) != "B-" or lot.now_s < 1.0:
        assert lot.truth.inside == {"customers": 5}
        assert lot.now_s < 20.0
    lot.step(lot.now_s + 0.06)
    assert lot.truth.inside == {"customers": 6}


def test_a_car_that_drives_out_goes_the_other_way() -> None:
    lot = quiet(spec())
    lot.drive_out()
    assert edges(lot.step(20.0), skip_first=2) == "B+ A+ B- A-"
    assert lot.truth.inside == {"customers": 4}


def test_nobody_drives_out_of_an_empty_lot() -> None:
    lot = quiet(spec(), inside=0)
    with pytest.raises(NoVehicleError, match="customers"):
        lot.drive_out()


def test_a_tailgater_is_on_the_outer_loop_before_the_leader_is_off_the_inner() -> None:
    lot = quiet(spec())
    lot.tailgate()
    assert edges(lot.step(20.0), skip_first=2) == "A+ B+ A- A+ B- B+ A- B-"
    assert lot.truth.inside == {"customers": 7}


def test_a_car_that_backs_out_covers_inner_and_leaves_by_outer() -> None:
    lot = quiet(spec())
    lot.back_out()
    assert edges(lot.step(20.0), skip_first=2) == "A+ B+ B- A-"
    assert lot.truth.inside == {"customers": 5}


def test_two_cars_take_turns_on_a_two_way_lane() -> None:
    lot = quiet(spec())
    lot.drive_in()
    lot.drive_out()
    assert lot.truth.waiting == {"main": 2}
    assert edges(lot.step(30.0), skip_first=2) == "A+ B+ A- B- B+ A+ B- A-"


def test_the_arm_goes_up_for_a_car_before_it_reaches_the_inner_loop_and_falls_behind_it() -> None:
    lot = quiet(spec(BARRIER_LANE))
    lot.drive_in()
    said = [level for level in lot.step(30.0) if level.name.startswith("main")][3:]
    order = [(level.name.removeprefix("main."), level.occupied) for level in said]
    assert order.index(("barrier", True)) < order.index(("inner", True))
    assert order[-1] == ("barrier", False)


def test_a_jammed_loop_sticks_until_it_is_mended() -> None:
    lot = quiet(spec())
    lot.step(1.0)
    lot.jam("main.outer", stuck=True)
    assert edges(lot.step(2.0)) == "A+"
    assert lot.truth.stuck == {"main.outer": True}
    lot.drive_in()
    assert edges(lot.step(20.0)) == "B+ B-"
    lot.jam("main.outer", stuck=None)
    assert edges(lot.step(21.0)) == "A-"
    assert lot.truth.stuck == {}


def test_a_bay_flips_when_a_car_takes_it_and_a_dead_one_says_nothing() -> None:
    site = spec(capacity=2, bays=2)
    lot = quiet(site, inside=0)
    lot.kill_bay("A2", dead=True)
    lot.step(1.0)
    lot.drive_in()
    lot.drive_in()
    said = [level for level in lot.step(60.0) if not level.name.startswith("main")]
    assert {level.name for level in said} == {"A1"}
    assert said[-1].occupied
    assert lot.truth.dead == ("A2",)
    lot.kill_bay("A2", dead=False)
    assert [level.occupied for level in lot.step(60.1) if level.name == "A2"] == [True]


def test_a_living_bay_sensor_gives_a_sign_of_life() -> None:
    lot = quiet(spec(bays=1))
    times = [level.at_s for level in lot.step(31.0) if level.name == "A1"]
    assert len(times) == 7
    assert max(b - a for a, b in itertools.pairwise(times)) <= 5.1


def test_a_pulsing_loop_speaks_once_for_a_vehicle() -> None:
    lane = two_loops(output=Output.PULSE)
    lot = quiet(spec(lane))
    lot.drive_in()
    said = [level for level in lot.step(20.0) if level.name.startswith("main")][2:]
    assert edges(said) == "A+ A- B+ B-"
    assert said[1].at_s - said[0].at_s == pytest.approx(0.15, abs=0.03)


def test_an_inner_zone_takes_its_cars_from_the_zone_before_it() -> None:
    site = LotSpec(
        "nested",
        zones=(ZoneSpec("front", 10), ZoneSpec("back", 5)),
        lanes=(
            two_loops("main", "front"),
            two_loops("ramp", "back", from_zone="front"),
        ),
    )
    lot = Lot(site, rng=chance(3), inside={"front": 4})
    lot.set_traffic(on=False)
    lot.drive_in("ramp")
    lot.step(20.0)
    assert lot.truth.inside == {"front": 3, "back": 1}
    lot.back_out("ramp")
    lot.step(40.0)
    assert lot.truth.inside == {"front": 3, "back": 1}
    lot.drive_out("ramp")
    lot.step(60.0)
    assert lot.truth.inside == {"front": 4, "back": 0}
    with pytest.raises(KeyError, match="side"):
        lot.drive_in("side")


def test_a_full_lot_turns_cars_away_and_a_seed_repeats_a_run_however_it_is_stepped() -> None:
    def run(step_s: float) -> tuple[list[Level], Lot]:
        lot = Lot(spec(capacity=6), rng=chance(7), inside={"customers": 5}, demand=Demand(load=2.0))
        said, now_s = [], 0.0
        while now_s < 600.0:
            now_s += step_s
            said += lot.step(now_s)
        return said, lot

    coarse, lot = run(60.0)
    fine, _ = run(0.5)
    assert coarse == fine
    assert lot.truth.turned_away > 0
    assert lot.truth.inside["customers"] <= 6


@pytest.mark.parametrize("lane", [OPEN_LANE, BARRIER_LANE], ids=["open", "barrier"])
@pytest.mark.parametrize("seed", range(3))
def test_the_domain_counts_half_an_hour_of_this_traffic_exactly(lane: LaneSpec, seed: int) -> None:
    site = spec(lane, inside=8)
    lot = Lot(site, rng=chance(seed), inside={"customers": 8})
    said = lot.step(1800.0)
    lot.set_traffic(on=False)
    said += lot.step(1900.0)
    state, passages = fold(site, said, 1910.0)
    assert len(passages) > 75
    assert state.zones["customers"].counted == lot.truth.inside["customers"]


MANOEUVRES: dict[str, tuple[Callable[[Lot], None], list[PassageKind]]] = {
    "in": (Lot.drive_in, [PassageKind.ENTRY]),
    "out": (Lot.drive_out, [PassageKind.EXIT]),
    "tailgate": (Lot.tailgate, [PassageKind.ENTRY, PassageKind.ENTRY]),
    "back out": (Lot.back_out, [PassageKind.BACK_OUT]),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lane", [OPEN_LANE, BARRIER_LANE], ids=["open", "barrier"])
@pytest.mark.parametrize("name", MANOEUVRES)
def test_the_domain_understands_each_manoeuvre(name: str, lane: LaneSpec, seed: int) -> None:
    manoeuvre, expected = MANOEUVRES[name]
    lot = quiet(spec(lane), seed=seed)
    said = lot.step(5.0)
    manoeuvre(lot)
    said += lot.step(40.0)
    _, passages = fold(spec(lane), said, 60.0)
    assert [passage.kind for passage in passages] == expected
