"""Scenario files: what they may say, what they take over from others, and what is said of a wrong one."""

from pathlib import Path

import pytest

from controller.simulator.scenario import ScenarioError, as_text, load, shipped

SMALL = """
about = "a small one"

[lot]
capacity = 5

[lane.main]
direction = "both"

[group.all]
per_day = 30
arrive = [[8, 0], [12, 1], [18, 0]]
stay = [{ minutes = 30 }]
"""

WANTED = (
    "demo36 shop20 office80-0.2 office80-1 office80-3 shop80-0.2 shop80-1 shop80-3 residents80 residents80-bays20 "
    "residents80-bays100 office80-barrier-3 station400 hospital400 shop80-irregular residents80-irregular "
    "office80-stuck office80-dead office80-loops office80-restarts office80-exits5 residents80-unknown "
    "perfect-office80 perfect-shop80"
)


def written(folder: Path, text: str, name: str = "mine.toml") -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def faults(name: str, *settings: str) -> tuple[str, ...]:
    with pytest.raises(ScenarioError) as caught:
        load(name, settings)
    return caught.value.faults


def test_all_that_is_wanted_is_shipped() -> None:
    assert set(shipped()) == set(WANTED.split())


@pytest.mark.parametrize("name", WANTED.split())
def test_a_shipped_scenario_loads_and_says_what_it_is_about(name: str) -> None:
    scenario = load(name)
    assert scenario.about == shipped()[name]
    assert str(scenario.lot.capacity) in name


@pytest.mark.parametrize("name", WANTED.split())
def test_a_scenario_written_out_in_full_reads_back_the_same(name: str, tmp_path: Path) -> None:
    assert load(written(tmp_path, as_text(load(name)))) == load(name)


@pytest.mark.parametrize("name", [name for name in WANTED.split() if name.startswith("perfect")])
def test_perfect_sensors_do_nothing_wrong(name: str) -> None:
    scenario = load(name)
    errors = scenario.errors
    assert errors.miss == errors.lost_edge == errors.no_trace == errors.bounce == 0
    assert scenario.vehicles.motorcycle_unseen == scenario.people.per_hour == 0
    assert not scenario.fault
    releases_above = scenario.geometry.loop_m + 2 * scenario.geometry.field_m
    assert scenario.driving.jam_gap_m[0] > releases_above


def test_the_levels_of_error_are_those_of_their_names() -> None:
    for lot in ("office80", "shop80"):
        for level in (0.2, 1.0, 3.0):
            errors = load(f"{lot}-{level:g}").errors
            assert errors.miss == errors.no_trace == pytest.approx(level / 100)
            assert errors.lost_edge == pytest.approx(level / 200)


def test_extending_merges_tables_and_replaces_arrays(tmp_path: Path) -> None:
    base = written(tmp_path, SMALL, "base.toml")
    child = 'extends = "base.toml"\n[lot]\nfull_at = 1\n[group.all]\nstay = [{ until = 17 }]'
    scenario = load(written(tmp_path, child))
    assert (scenario.lot.capacity, scenario.lot.full_at) == (5, 1)
    assert [stay.until for stay in scenario.group["all"].stay] == [17.0]
    assert scenario.group["all"].per_day == load(base).group["all"].per_day


def test_a_file_of_ones_own_extends_a_shipped_scenario(tmp_path: Path) -> None:
    scenario = load(written(tmp_path, 'extends = "shop80-1"\n[lot]\ncapacity = 60'))
    assert scenario.lot.capacity == 60
    assert scenario.group == load("shop80-1").group


def test_settings_win_over_the_file() -> None:
    scenario = load(
        "shop80-1",
        ["errors.miss=0.2", "lot.zone=visitors", "lane.exit.worse = 3", "fault.x={kind='dead', at_days=[1.5]}"],
    )
    assert scenario.errors.miss == 0.2
    assert scenario.lot.zone == "visitors"
    assert scenario.lane["exit"].worse == 3
    assert scenario.fault["x"].at_days == (1.5,)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    assert faults("ofice80-1") == ('no scenario of that name. Did you mean "office80-1"?',)
    assert "There are: demo36, hospital400" in faults("zzz")[0]
    assert "no scenario of that name" in faults("../office80-1")[0]


def test_a_file_that_is_not_there_or_no_toml(tmp_path: Path) -> None:
    assert "there is no file" in faults(str(tmp_path / "none.toml"))[0]
    assert "not TOML" in faults(written(tmp_path, "a = "))[0]
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert "not TOML" in faults(str(tmp_path / "bytes.toml"))[0]


def test_extends_in_a_circle(tmp_path: Path) -> None:
    written(tmp_path, 'extends = "b.toml"', "a.toml")
    written(tmp_path, 'extends = "a.toml"', "b.toml")
    assert "extends runs in a circle, or too deep: a -> b -> a" in faults(str(tmp_path / "a.toml"))[0]
    assert "must be the name of one scenario" in faults(written(tmp_path, "extends = 3"))[0]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("errors.mis=0.1", "errors.mis = 0.1: unknown key; did you mean miss?"),
        ("zzz=1", "zzz = 1: unknown key; known here: about, balk, bays,"),
        ("lane.exit.barier=true", "lane.exit.barier = true: unknown key; did you mean barrier?"),
        ("errors.miss=1.5", "errors.miss = 1.5: must be at most 1"),
        ("errors.miss=-0.1", "errors.miss = -0.1: must be at least 0"),
        ("errors.miss=few", 'errors.miss = "few": must be a number, without quotes'),
        ("errors.miss=inf", "errors.miss = inf: must be a finite number"),
        ("lot.capacity=1.5", "lot.capacity = 1.5: must be a whole number"),
        ("lot.capacity=2001-01-01", "lot.capacity = 2001-01-01: must be a number, text in quotes, true or false"),
        ("lot.full_at=90", "lot: full_at = 90 must be below capacity = 80"),
        ("lot.zone=a b", 'lot.zone = "a b": must be made of letters A-Z, digits, - and _'),
        ("lot=1", "lot = 1: must be a table"),
        ("lane.exit.direction=out", "lane.exit.direction = \"out\": must be 'entry', 'exit' or 'both'"),
        ("lane.exit.direction=entry", 'no lane lets vehicles exit; add one with direction = "exit"'),
        ("driving.jam_gap_m=[3, 1]", "driving.jam_gap_m = [3, 1]: [3, 1] runs backwards; write [low, high]"),
        ("driving.jam_gap_m=3", "driving.jam_gap_m = 3: must be an array, like [1, 2]"),
        ("driving.jam_gap_m=[1]", "driving.jam_gap_m: has too few entries; write one for each"),
        ("driving.speed_m_s=[0, 1]", "driving.speed_m_s = [0, 1]: 0 m/s is no driving; write 0.2 or more"),
        ("people.hours=[9, 9]", "people.hours = [9, 9]: [9, 9] is no part of a day; write [from, to] within 0 to 24"),
        ("group.staff.stay=[{share=1}]", "a stay has one length; write either minutes or until"),
        ("group.staff.arrive=[[9, 1], [8, 1]]", "the hours [9.0, 8.0] must rise within 0 to 24"),
        ("group.staff.arrive=[[8, 0], [9, 0]]", "no hour has any weight; write at least one that is above 0"),
        ("group.staff.weekdays=[1, 1]", "group.staff.weekdays: has too few entries; write one for each"),
        ("group.staff.stay=[{share=0,until=9}]", "no way to stay has any share; write at least one that is above 0"),
        ("geometry.field_m=-1", "geometry: field_m = -1.0 leaves nothing of a loop of 2.0 m that senses"),
        ("vehicles={car=0,van=0,trailer=0,motorcycle=0}", "vehicles: no kind of vehicle has any weight; write car = 1"),
        ("demand={special=0.5,special_factors=[]}", "demand: special days need special_factors; write [0.2, 1.6]"),
        ("fault.x.kind=sad", "fault.x.kind = \"sad\": must be 'stuck', 'dead' or 'chatter'"),
        (
            "fault.x={kind='dead', detectors=['side.*']}",
            "fault.x.detectors = side.* match none of entry.outer, entry.inner,",
        ),
        ("errors.miss", '"errors.miss" is no setting; write KEY=VALUE, like errors.miss=0.02'),
        (".=1", '".=1" is no setting; write KEY=VALUE, like errors.miss=0.02'),
        ("about.x=1", "about.x: about is a value, and has no keys below it"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(setting: str, said: str) -> None:
    (fault,) = faults("office80-1", setting)
    assert said in fault
    assert "pydantic" not in fault


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("capacity = 5", "capacity = 0").replace('"both"', '"in"')
    told = faults(written(tmp_path, text))
    assert len(told) == 2
    assert told[0].startswith("lot.capacity = 0: must be at least 1")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert "lot: is missing; add it" in faults(written(tmp_path, SMALL.replace("[lot]\ncapacity = 5\n", "")))
