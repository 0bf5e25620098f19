"""Perfect sensors and ordinary traffic: the product counts exactly, from the first day on."""

from pathlib import Path

import pytest

from controller.accuracy.matrix import Case
from controller.accuracy.runner import replayed, simulated
from controller.score import score_files


@pytest.mark.parametrize(
    ("scenario", "seed", "days"),
    [("perfect-office80", 2, 6.0), ("perfect-office80", 5, 8.0), ("perfect-shop80", 1, 1.0)],
)
def test_the_first_days_of_perfect_loops_are_exact(tmp_path: Path, scenario: str, seed: int, days: float) -> None:
    """With drivers who turn back on one loop before the lane knows its loops, few who stay overnight, and queues."""
    folder = simulated(Case(scenario, seed, days), tmp_path)
    replayed(folder)
    mae = score_files(folder, folder / "shown.csv").mae
    assert mae is not None
    assert mae <= 0.02
