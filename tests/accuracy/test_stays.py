"""What the age of vehicles is worth: nothing where all is seen, and much where it tells who is due to leave."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from small_lots import QUIET_SHOP, write_scenario

from controller.accuracy import stays
from controller.accuracy.matrix import Case
from controller.accuracy.runner import simulated
from controller.accuracy.stays import A_DAY, OLDEST, Counted, Law
from controller.simulator.scenario import load

STAY = 18
"""Half-hours: everybody who comes in the morning leaves nine hours later."""


def commuters() -> Law:
    leaves = np.zeros((7, A_DAY, OLDEST + 1))
    leaves[:, :, STAY] = 1.0
    inside = np.zeros(OLDEST + 1)
    inside[OLDEST] = 1.0
    share = np.zeros(7 * A_DAY)
    share[16 + STAY :: A_DAY] = 1.0
    return Law(leaves, inside, share)


def week(lost: float) -> Counted:
    """Return a week of 40 commuters, and 10 vehicles that stay; of the exits a share is lost."""
    entries, exits = np.zeros(7 * A_DAY), np.zeros(7 * A_DAY)
    entries[16::A_DAY], exits[16 + STAY :: A_DAY] = 40, 40 - round(40 * lost)
    inside = 10 + np.cumsum(entries) - 40 * np.cumsum(exits > 0)
    return Counted(entries, exits, 10.0, inside, 0.0, lost / 4)  # nobody knows how much is really lost


def test_who_is_due_to_leave_and_does_not_was_missed() -> None:
    reckoned, _, by_age = stays.errors(commuters(), week(lost=0.1))
    assert reckoned > 5
    assert by_age < 1


def test_with_every_passage_seen_all_ways_are_exact() -> None:
    assert stays.errors(commuters(), week(lost=0.0)) == pytest.approx((0, 0, 0), abs=1e-9)


def test_the_law_is_that_of_the_demand(tmp_path: Path) -> None:
    scenario = load(write_scenario(tmp_path, QUIET_SHOP))
    known = stays.law(scenario, days=70)
    assert known.leaves.min() >= 0
    assert known.leaves.max() <= 1
    run = stays.counted(simulated(Case(write_scenario(tmp_path, QUIET_SHOP), 1, 7.0), tmp_path / "kept"), 7.0)
    left = (known.share * np.concatenate(([run.first], run.inside[:-1]))).sum()
    assert left == pytest.approx(run.exits.sum(), rel=0.5)
    assert len(run.entries) == 7 * A_DAY
    assert run.first + run.entries.sum() - run.exits.sum() == pytest.approx(run.inside[-1], abs=10)


def test_the_command_prints_a_row_for_each_lot(tmp_path: Path) -> None:
    path = write_scenario(tmp_path, QUIET_SHOP)
    result = CliRunner().invoke(stays.main, [path, "--seeds", "1", "--days", "1", "--kept", str(tmp_path / "kept")])
    assert result.exit_code == 0, result.output
    heading, _, row = result.output.strip().splitlines()
    assert "by age" in heading
    assert len(row.split("|")) == len(heading.split("|"))
