"""The comparison of two site files: what differs in them, what each counted of the same vehicles, and the net cost."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fixtures_site import FULL_SITE, LANE_SITE, WriteSite, edited

from controller.cli_recordings import replay
from controller.compare import Difference, Side, differences, expected_change, replayed, settings, text, write_csv
from controller.domain.report import LotReport, Passage, PassageKind
from controller.recording import Reader
from controller.site import Site, load

SHORT_GAP = edited(LANE_SITE, 'zone = "customers"\nouter', 'zone = "customers"\nmax_gap_s = 2\nouter')


def lines(*cars: tuple[float, str, str, float]) -> str:
    """Return a recording of cars: when, first and second loop, seconds between clearing the first and the second on."""
    levels = [
        (round(t + later, 3), loop, level)
        for t, first, second, gap in cars
        for loop, level, later in (
            (first, True, 0.0),
            (first, False, 0.6),
            (second, True, 0.6 + gap),
            (second, False, 1.3 + gap),
        )
    ]
    entries = [{"t": t, "detector": f"main.{loop}", "occupied": level} for t, loop, level in sorted(levels)]
    return "".join(json.dumps(entry) + "\n" for entry in [{"t": 0, "epoch": 1764576000}, *entries])


SLOW_CAR = lines((10.0, "outer", "inner", 0.1), (30.0, "outer", "inner", 3.0), (50.0, "inner", "outer", 0.1))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "day.jsonl"
    path.write_text(SLOW_CAR, "utf-8")
    return path


def passage(
    kind: PassageKind, at: float, *, chance: float = 1.0, lane: str = "main", doubt: str | None = None
) -> Passage:
    chances = {PassageKind.ENTRY: (chance, 0.0), PassageKind.EXIT: (0.0, chance)}.get(kind, (0.0, 0.0))
    return Passage(lane, kind, at, at - 1.0, False, False, doubt, *chances)


def entry(at: float, **more: float) -> Passage:
    return passage(PassageKind.ENTRY, at, **more)  # type: ignore[arg-type]


def side(site: Site, *passages: Passage) -> Side:
    return Side(site, passages, LotReport(site.lot.name, 0.0, (), (), (), (), (), ()), None)


# What differs in the settings


def test_the_names_of_differing_settings_are_those_of_the_site_file(write_site: WriteSite) -> None:
    one = load(write_site(FULL_SITE))
    changed = edited(FULL_SITE, "capacity = 40", "capacity = 41")
    changed = edited(changed, 'direction = "both" ', 'direction = "entry"\nmax_gap_s = 2 ')
    changed = edited(changed, "bays/A2", "bays/a2") + "[health]\nstuck_after_s = 100\n"
    changed = edited(changed, r"barrier = \{ gpio = 22 \}", "")
    assert settings(one, load(write_site(changed, "other.toml"))) == [
        "zone.customers.capacity 40 → 41",
        "lane.main.direction both → entry",
        "lane.main.barrier.output presence → (none)",
        "lane.main.max_gap_s 5 → 2",
        "health.stuck_after_s 900 → 100",
        "bay.A2.mqtt bays/A2 → bays/a2",
    ]


def test_a_lane_that_only_one_has_is_all_different(write_site: WriteSite) -> None:
    one = load(write_site(LANE_SITE))
    other = load(write_site(edited(LANE_SITE, 'name = "main"', 'name = "side"'), "other.toml"))
    said = settings(one, other)
    assert "lane.main.zone customers → (none)" in said
    assert "lane.side.zone (none) → customers" in said


def test_the_same_file_has_no_differing_settings(lane_site: Site) -> None:
    assert settings(lane_site, lane_site) == []


# What was counted differently


def test_what_both_counted_alike_is_left_out(lane_site: Site) -> None:
    both = (entry(10.0), entry(20.0), entry(20.0), passage(PassageKind.EXIT, 30.0))
    assert differences(side(lane_site, *both), side(lane_site, *both)) == []


def test_each_vehicle_that_only_one_counted_is_a_difference(lane_site: Site) -> None:
    one, other = side(lane_site, entry(10.0), entry(20.0)), side(lane_site, entry(20.0), entry(30.0))
    assert differences(one, other) == [Difference("main", (entry(10.0),), ()), Difference("main", (), (entry(30.0),))]
    assert [d.cost for d in differences(one, other)] == [-1, 1]


def test_passages_at_one_time_are_of_the_same_vehicles(lane_site: Site) -> None:
    back_out, later = passage(PassageKind.BACK_OUT, 20.5), entry(22.0)
    found = differences(side(lane_site, entry(20.0)), side(lane_site, back_out, later))
    assert found == [Difference("main", (entry(20.0),), (back_out, later))]
    assert (found[0].at, found[0].cost) == (20.0, 0)


def test_another_lanes_vehicles_are_others(lane_site: Site) -> None:
    one = side(lane_site, passage(PassageKind.ENTRY, 20.0, lane="a"))
    other = side(lane_site, passage(PassageKind.ENTRY, 20.0, lane="b"))
    assert [d.lane for d in differences(one, other)] == ["a", "b"]


def test_a_small_difference_of_chances_is_none(lane_site: Site) -> None:
    one = side(lane_site, entry(10.0, chance=0.80))
    assert differences(one, side(lane_site, entry(10.0, chance=0.82))) == []
    (found,) = differences(one, side(lane_site, entry(10.0, chance=0.3)))
    assert found.cost == pytest.approx(-0.5)


def test_a_touch_of_nobody_is_no_difference(lane_site: Site) -> None:
    assert differences(side(lane_site), side(lane_site, passage(PassageKind.TOUCH, 10.0))) == []


@pytest.mark.parametrize(
    ("one", "change"),
    [
        (Passage("main", PassageKind.ENTRY, 1.0, 0.0), 1),
        (Passage("main", PassageKind.EXIT, 1.0, 0.0), -1),
        (Passage("main", PassageKind.BACK_OUT, 1.0, 0.0), 0),
        (Passage("main", PassageKind.ENTRY, 1.0, 0.0, chance_in=0.75, chance_out=0.25), 0.5),
        (Passage("main", PassageKind.EXIT, 1.0, 0.0, chance_out=1.0, another=0.125), -1.125),
    ],
)
def test_the_expected_change_is_that_of_the_chances(one: Passage, change: float) -> None:
    assert expected_change(one) == change


# From a recording


def test_a_car_that_takes_its_time_is_lost_to_a_short_gap(write_site: WriteSite, recording: Path) -> None:
    one = replayed(load(write_site(LANE_SITE)), Reader(recording))
    other = replayed(load(write_site(SHORT_GAP, "short.toml")), Reader(recording))
    (found,) = [d for d in differences(one, other) if d.one]
    assert [(p.kind, p.at) for p in found.one] == [(PassageKind.ENTRY, 34.3)]
    assert found.cost < 0
    said = text(one, other, [found]).splitlines()
    assert said[0].endswith("site.toml → " + str(other.site.path))
    assert said[1] == "lane.main.max_gap_s 5 → 2"
    assert said[3].startswith("2025-12-01 09:00:3"), "in the site's own time"
    assert any(line.startswith("lane main: 2 in, 1 out, 0 back-outs → 1 in, 1 out") for line in said)
    assert any(line.startswith("zone customers at the end: 29 of 40 free → ") for line in said)


def test_the_doubts_of_a_difference_are_told(lane_site: Site) -> None:
    doubtful = passage(PassageKind.ENTRY, 20.0, chance=0.5, doubt="one or two vehicles")
    one, other = side(lane_site, entry(20.0)), side(lane_site, doubtful)
    said = text(one, other, differences(one, other)).splitlines()
    assert said[1] == "The two site files set nothing of the count differently."
    assert said[3] == "t = 20.0  main  entry  →  entry +0.50  (-0.50 inside)"
    assert said[4] == f"    in doubt in {lane_site.path}: one or two vehicles"
    assert said[-1] == "1 difference; net -0.50 vehicles inside under the other settings"


def test_the_csv_has_a_row_for_each_difference(lane_site: Site) -> None:
    doubtful = passage(PassageKind.BACK_OUT, 20.0, doubt="or passed")
    found = differences(side(lane_site, entry(20.0)), side(lane_site, doubtful, entry(20.5, chance=0.4)))
    file = io.StringIO()
    write_csv(found, file)
    heading, *rows = csv.reader(io.StringIO(file.getvalue()))
    assert heading == ["t", "lane", "counted", "doubt", "change", "other_counted", "other_doubt", "other_change"]
    assert rows == [["20.000", "main", "entry", "", "1.000", "back-out + entry +0.40", "or passed", "0.400"]]


# The command


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(replay, [str(one) for one in arguments])


def test_replay_compare_prints_the_comparison(write_site: WriteSite, recording: Path) -> None:
    one, other = write_site(LANE_SITE), write_site(SHORT_GAP, "short.toml")
    done = run(recording, "--site", one, "--compare", other)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{one} → {other}\nlane.main.max_gap_s 5 → 2\n\n2025-12-01 09:00:3")
    assert "inside under the other settings\n" in done.stdout


def test_replay_compare_writes_csv(write_site: WriteSite, recording: Path, tmp_path: Path) -> None:
    one, other = write_site(LANE_SITE), write_site(SHORT_GAP, "short.toml")
    done = run(recording, "--site", one, "--compare", other, "--out", tmp_path / "difference.csv")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "inside under the other settings\n" in done.stderr
    assert (tmp_path / "difference.csv").read_text("utf-8").startswith("t,lane,counted,doubt,change,other_counted")


def test_replay_compare_of_two_alike(write_site: WriteSite, recording: Path) -> None:
    done = run(recording, "--site", write_site(), "--compare", write_site())
    assert "set nothing of the count differently" in done.stdout
    assert "0 differences; net +0.00 vehicles" in done.stdout


def test_replay_compare_says_what_is_wrong_with_the_other_file(write_site: WriteSite, recording: Path) -> None:
    done = run(recording, "--site", write_site(), "--compare", write_site("[lot]\n", "bad.toml"))
    assert done.exit_code == 2
    assert "bad.toml: lot.name: missing. Add it." in done.stderr


def test_bad_lines_are_told_once(write_site: WriteSite, recording: Path) -> None:
    recording.write_text(SLOW_CAR + "nonsense\n", "utf-8")
    done = run(recording, "--site", write_site(), "--compare", write_site())
    assert (done.exit_code, "not JSON" in done.stderr) == (2, True)
    done = run(recording, "--site", write_site(), "--compare", write_site(), "--lenient")
    assert (done.exit_code, done.stderr.count("1 refused")) == (0, 1)
