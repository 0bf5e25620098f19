"""How soon a fault is named: measured from its beginning, only while it lasts, and with mistakes counted."""

import json
from dataclasses import replace
from pathlib import Path

from scored_runs import number, write_run, write_shown
from small_lots import an_outcome

from controller.accuracy import report
from controller.accuracy.episodes import Episode, Named, Naming, naming, read_episodes, read_vehicles
from controller.accuracy.matrix import ROWS
from controller.accuracy.plots import timeline_of
from controller.accuracy.runner import SHOWN
from controller.domain.report import Fault, FaultKind
from controller.score import Timeline
from controller.score_files import DAY_S

HOUR = 3600.0
STUCK = Episode("entry.outer", "stuck", 10 * HOUR, 12 * HOUR)


def named(*times: float, subject: str = "entry.outer") -> list[tuple[float, Fault]]:
    return [(at, Fault(subject, FaultKind.STUCK, at)) for at in times]


def line(folder: Path) -> Timeline:
    """Three days: an error of 2 from 10:00 of the first day to 12:00 of the next, and none else."""
    write_run(folder, [(0.0, 5), (10 * HOUR, 5), (DAY_S + 12 * HOUR, 5)], days=3)
    write_shown(folder / SHOWN, [number(0.0, 5), number(10 * HOUR, 7), number(DAY_S + 12 * HOUR, 5)])
    return timeline_of(folder)


def test_a_fault_is_named_after_some_time(tmp_path: Path) -> None:
    vehicles = {"entry": (9 * HOUR, 10 * HOUR + 60, 10 * HOUR + 200, 11 * HOUR), "exit": (10 * HOUR + 5,)}
    found = naming([STUCK], named(10 * HOUR + 300, 11 * HOUR), vehicles, line(tmp_path))
    assert found == Naming(1, 0, (Named(300.0, 240.0, 2),), 0, mae_meanwhile=2.0, mae_else=0.0)


def test_a_fault_in_a_lane_without_vehicles_is_told_apart(tmp_path: Path) -> None:
    found = naming([STUCK], named(10 * HOUR + 300), {"exit": (10 * HOUR + 5,)}, line(tmp_path))
    assert (found.quiet, found.named) == (1, (Named(300.0, 0.0, 0),))


def test_vehicles_are_those_that_changed_the_number_inside(tmp_path: Path) -> None:
    path = tmp_path / "passages.csv"
    rows = ["t,lane,vehicle,did,change,trace", "5.0,entry,1,entry,1,full", "6.0,entry,,ghost,0,full"]
    path.write_text("\n".join([*rows, "7.5,exit,2,exit,-1,stuck", ""]), "utf-8")
    assert read_vehicles(path) == {"entry": (5.0,), "exit": (7.5,)}


def test_a_fault_that_is_named_when_it_is_over_was_not_named_but_is_no_mistake(tmp_path: Path) -> None:
    found = naming([STUCK], named(13 * HOUR), {}, line(tmp_path))
    assert (found.named, found.mistaken) == ((), 0)


def test_a_fault_of_a_healthy_detector_is_a_mistake(tmp_path: Path) -> None:
    told = [*named(9 * HOUR), *named(11 * HOUR, subject="exit.outer"), *named(2 * DAY_S)]
    found = naming([STUCK], told, {}, line(tmp_path))
    assert (found.named, found.mistaken) == ((), 3)


def test_without_faults_all_times_are_usual(tmp_path: Path) -> None:
    found = naming([], [], {}, line(tmp_path))
    assert (found.episodes, found.mae_meanwhile) == (0, None)
    assert found.mae_else is not None


def test_episodes_are_those_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    told = {"detector": "entry.outer", "kind": "stuck", "from": 36_000, "until": 43_200.0}
    path.write_text(json.dumps({"faults": [told]}), "utf-8")
    assert read_episodes(path) == (STUCK,)
    path.write_text("{}", "utf-8")
    assert read_episodes(path) == ()


def test_the_table_has_the_lots_with_faults_alone() -> None:
    quiet = an_outcome("office80-1")
    told = (Named(120.0, 0.0, 0), Named(240.0, 60.0, 2), Named(600.0, 180.0, 3))
    ill = replace(an_outcome("office80-stuck"), naming=Naming(4, 1, told, 1, 1.5, 0.5))
    _, _, row = report.fault_table(report.lines(ROWS, [quiet, ill])).splitlines()
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["office80-stuck", "4", "1", "3", "4, 10 min", "1, 3 min", "2, 3", "1", "1.50", "0.50"]
    assert report.fault_table(report.lines(ROWS, [quiet])) == ""
