"""The replay: exactly the rows that the format says, at the times when the sign would have changed."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from fixtures_site import FULL_SITE, LANE_SITE, WriteSite, edited

from controller.domain.events import Corrected
from controller.recording import Entry, Reader, read_line
from controller.replay import Replay
from controller.site import Site, load

ROOT = Path(__file__).parent.parent


def entries(*lines: dict[str, object]) -> list[Entry]:
    return [read_line(json.dumps(line)) for line in lines]


def car(t: float, first: str = "main.outer", second: str = "main.inner") -> list[dict[str, object]]:
    """A car that is through at t + 1."""
    steps = ((first, True, 0.0), (second, True, 0.4), (first, False, 0.6), (second, False, 1.0))
    return [{"t": round(t + later, 3), "detector": name, "occupied": level} for name, level, later in steps]


def out(t: float) -> list[dict[str, object]]:
    return car(t, "main.inner", "main.outer")


def replayed(site: Site, recording: Iterable[Entry]) -> tuple[list[list[str]], Replay]:
    """Return the CSV's rows without the heading, and the replay."""
    file = io.StringIO()
    replay = Replay(site, file)
    replay.run(recording)
    heading, *rows = csv.reader(io.StringIO(file.getvalue()))
    assert heading == ["t", "zone", "free", "low", "high", "status", "message"]
    return rows, replay


@pytest.fixture
def unknown_start(write_site: WriteSite) -> Site:
    return load(write_site(edited(LANE_SITE, "initial_occupied = 10\n", "").replace("capacity = 40", "capacity = 3")))


def test_a_row_at_every_change_and_only_then(unknown_start: Site) -> None:
    recording = entries(
        {"t": 0.0, "epoch": 1764576000},
        {"t": 5.0, "correction": {"zone": "customers", "occupied": 1}},
        *car(10.0),
        *car(20.0),
        *out(30.0),
        *out(40.0),
        {"t": 50.0, "correction": {"zone": "customers", "occupied": 1}},
        {"t": 60.0, "closure": {"zone": "customers", "closed": True}},
        {"t": 70.0, "down": 172800.0},
        {"t": 172880.0, "closure": {"zone": "customers", "closed": False}},
    )
    rows, replay = replayed(unknown_start, recording)
    assert rows == [
        ["0.000", "customers", "", "0", "3", "UNKNOWN", "P"],
        ["5.000", "customers", "2", "2", "2", "OPEN", "2"],
        ["11.030", "customers", "1", "1", "1", "OPEN", "1"],
        ["21.030", "customers", "0", "0", "0", "FULL", "brak wolnych miejsc"],
        ["31.030", "customers", "1", "1", "1", "FULL", "brak wolnych miejsc"],
        ["41.030", "customers", "2", "2", "2", "OPEN", "2"],
        ["60.000", "customers", "2", "2", "2", "CLOSED", "nieczynne"],
        ["70.000", "customers", "", "0", "3", "CLOSED", "nieczynne"],
        ["172880.000", "customers", "", "0", "3", "UNKNOWN", "P"],
    ]
    assert replay.tally.rows == len(rows)


def test_the_csv_is_plain_text_with_plain_line_ends(unknown_start: Site) -> None:
    file = io.StringIO(newline="")
    Replay(unknown_start, file).run([])
    assert file.getvalue() == "t,zone,free,low,high,status,message\n0.000,customers,,0,3,UNKNOWN,P\n"


def test_the_last_car_is_counted_though_nothing_comes_after_it(lane_site: Site) -> None:
    rows, replay = replayed(lane_site, entries(*car(0.0)))
    assert [row[2] for row in rows] == ["30", "29"]
    assert replay.state.zones["customers"].counted == 11


def test_a_recording_may_begin_before_its_zero(lane_site: Site) -> None:
    rows, _ = replayed(lane_site, entries(*car(-100.0)))
    assert [row[0] for row in rows] == ["-100.000", "-98.970"]


def test_every_zone_has_rows_and_one_without_a_sign_has_the_usual_words(write_site: WriteSite) -> None:
    text = edited(LANE_SITE, 'driver = "emulator"', 'driver = "emulator"\nfull_text = "FULL, sorry"')
    text += '[[zone]]\nname = "roof"\ncapacity = 1\n[[bay]]\nname = "R1"\nzone = "roof"\nmqtt = "roof/1"\n'
    text = edited(text, "initial_occupied = 10", "initial_occupied = 39")
    recording = entries(
        {"t": 1.0, "topic": "roof/1", "payload": "1"}, *car(2.0), {"t": 9.0, "bay": "R1", "occupied": False}
    )
    rows, _ = replayed(load(write_site(text)), recording)
    assert rows == [
        ["0.000", "customers", "1", "1", "1", "OPEN", "1"],
        ["0.000", "roof", "", "", "", "UNKNOWN", "P"],
        ["1.000", "roof", "0", "0", "0", "FULL", "brak wolnych miejsc"],
        ["3.030", "customers", "0", "0", "0", "FULL", "FULL, sorry"],
        ["9.000", "roof", "1", "1", "1", "OPEN", "1"],
    ]


def test_what_time_alone_changes_has_its_own_time(write_site: WriteSite) -> None:
    text = LANE_SITE + "[health]\nstuck_after_s = 100\n"
    recording = entries(
        {"t": 1.0, "detector": "main.outer", "occupied": True},
        {"t": 2.0, "detector": "main.inner", "occupied": True},
        {"t": 500.0, "detector": "main.outer", "occupied": False},
    )
    rows, replay = replayed(load(write_site(text)), recording)
    assert [row[0] for row in rows][:2] == ["0.000", "402.000"]
    assert rows[1][5:] == ["UNKNOWN", ""], "the one lane is at fault: the sign is dark"
    assert "fault main.outer: stuck since t = 401.0" in replay.summary()


def test_the_summary_tells_everything_that_happened(write_site: WriteSite) -> None:
    site = load(write_site(FULL_SITE))
    recording = entries(
        {"t": 0.0, "correction": {"zone": "customers", "occupied": 20}},
        *car(10.0),
        *car(20.0),
        *out(30.0),
        *[
            {"t": 40.0 + later, "detector": name, "occupied": level}
            for name, level, later in (
                ("main.outer", True, 0.0),
                ("main.inner", True, 0.5),
                ("main.inner", False, 1.5),
                ("main.outer", False, 2.5),
            )
        ],
        {"t": 50.0, "topic": "bays/A2", "payload": "perhaps"},
        {"t": 51.0, "topic": "bays/A9", "payload": "1"},
        {"t": 52.0, "topic": "bays/A2", "payload": "1"},
        {"t": 53.0, "detector": "side.loop", "occupied": True},
        {"t": 60.0, "down": 42.5},
        {"t": 110.0, "down": 1.0},
    )
    _, replay = replayed(site, recording)
    lines = replay.summary().splitlines()
    assert lines[0].startswith("23 lines, ")
    assert "lane main: 2 in, 1 out, 1 back-outs, 0 ambiguous" in lines
    assert "down for 43.5 s in all" in lines
    assert "malformed messages on bays/A2: 1" in lines
    assert "unknown messages on bays/A9: 1" in lines
    assert "1 lines name a detector, bay or zone that the site file does not have" in lines
    assert lines[-1] == "zone customers: OPEN (counted), 19 of 40 free"


def test_a_count_that_is_not_known_is_said_so(unknown_start: Site) -> None:
    _, replay = replayed(unknown_start, [])
    assert replay.summary().splitlines()[-1] == "zone customers: UNKNOWN (never_counted), unknown of 3 free"


def test_progress_is_told_for_every_entry(lane_site: Site) -> None:
    told: list[float] = []
    Replay(lane_site, io.StringIO()).run(entries(*car(0.0)), told.append)
    assert told == [0.0, 0.4, 0.6, 1.0]


def test_the_count_may_run_over_and_under_but_what_is_shown_may_not(lane_site: Site) -> None:
    rows, replay = replayed(lane_site, [Corrected("customers", 41, 1.0)])
    assert rows[-1][1:] == ["customers", "0", "0", "0", "FULL", "brak wolnych miejsc"]
    assert "0 of 40 free" in replay.summary()
    under = [Corrected("customers", 0, 1.0), *entries(*out(10.0))]
    rows, replay = replayed(lane_site, under)
    assert rows[-1][2] == "40"
    assert replay.state.zones["customers"].counted == -1


def test_real_one_way_traffic_goes_one_way() -> None:
    """A cut of real loop edges: nearly every passage goes with the traffic, and none against it."""
    folder = ROOT / "tests" / "data" / "loops"
    site = load(folder / "signal_1136.toml")
    replay = Replay(site, io.StringIO())
    replay.run(Reader(folder / "signal_1136.jsonl.gz"))
    lanes = replay.state.lanes.values()
    with_it, against = sum(lane.entries for lane in lanes), sum(lane.exits for lane in lanes)
    assert with_it > 1000
    assert against <= with_it / 1000
