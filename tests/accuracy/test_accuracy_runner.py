"""A case from the traffic to its scores, and simulated traffic that is kept for as long as it is the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from small_lots import QUIET_SHOP, write_scenario

from controller.accuracy import runner
from controller.accuracy.matrix import Case
from controller.accuracy.runner import CaseError, outcome, outcomes, simulated
from controller.score import score_files
from controller.simulator.simulated import simulate


def test_a_case_goes_from_the_traffic_to_its_scores(tmp_path: Path) -> None:
    case = Case(write_scenario(tmp_path), 1, 1.0)
    done = outcome(case, tmp_path / "kept")
    assert done.case == case
    assert done.ours == score_files(done.folder, done.folder / "shown.csv")
    assert done.ours.days == 1
    assert set(done.baselines) == {"pulses", "quadrature", "timing"}
    assert all(one.mae is not None and one.numbered == 1 for one in done.baselines.values())
    assert done.replay_s > 0


def test_what_was_simulated_is_kept_and_used_again(tmp_path: Path) -> None:
    case, kept = Case(write_scenario(tmp_path), 1, 0.5), tmp_path / "kept"
    folder = simulated(case, kept)
    (folder / "recording.jsonl.gz").write_bytes(b"still here")
    assert simulated(case, kept) == folder
    assert (folder / "recording.jsonl.gz").read_bytes() == b"still here"
    assert [path.name for path in kept.iterdir()] == [folder.name], "nothing unfinished is left"


def test_two_that_simulate_the_same_at_once_share_what_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, kept = Case(write_scenario(tmp_path), 1, 0.25), tmp_path / "kept"
    others: list[Path] = []

    def overtaken(*args: Any, **settings: Any) -> object:
        monkeypatch.setattr(runner, "simulate", simulate)
        others.append(simulated(case, kept))
        return simulate(*args, **settings)

    monkeypatch.setattr(runner, "simulate", overtaken)
    assert simulated(case, kept) == others[0]
    assert [path.name for path in kept.iterdir()] == [others[0].name], "nothing unfinished is left"


def test_another_run_is_kept_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, kept = Case(write_scenario(tmp_path), 1, 0.25), tmp_path / "kept"
    folders = {simulated(case, kept), simulated(Case(case.scenario, 2, 0.25), kept)}
    folders.add(simulated(Case(case.scenario, 1, 0.5), kept))
    write_scenario(tmp_path, QUIET_SHOP.replace("per_day = 60", "per_day = 61"))
    folders.add(simulated(case, kept))
    monkeypatch.setattr(runner, "_simulator", lambda: "another simulator")
    folders.add(simulated(case, kept))
    assert len(folders) == 5


def test_a_case_that_fails_is_named(tmp_path: Path) -> None:
    path = write_scenario(tmp_path, QUIET_SHOP.replace("capacity = 20", "capacity = 0"))
    with pytest.raises(CaseError, match=r"quiet.toml, seed 1, 1 days: ScenarioError: .*capacity"):
        outcome(Case(path, 1, 1.0), tmp_path / "kept")


def test_cases_run_in_processes_of_their_own(tmp_path: Path) -> None:
    path = write_scenario(tmp_path)
    cases = [Case(path, seed, 0.5) for seed in (1, 2)]
    alone = {one.case: one.ours for one in outcomes(cases, tmp_path / "kept", 1)}
    together = {one.case: one.ours for one in outcomes(cases, tmp_path / "others", 2)}
    assert alone == together
    assert set(alone) == set(cases)


def test_a_start_that_nobody_knows_is_the_usual_one_to_the_baselines(tmp_path: Path) -> None:
    """At 03:00 the shop is empty: a vendor who knows nothing begins with that."""
    text = QUIET_SHOP.replace("capacity = 20", "capacity = 20\nstart_known = false")
    done = outcome(Case(write_scenario(tmp_path, text), 1, 0.25), tmp_path / "kept")
    assert json.loads((done.folder / "run.json").read_text("utf-8"))["capacity"] == 20
    assert done.usual == 0
    assert all(one.numbered == 1 for one in done.baselines.values())
