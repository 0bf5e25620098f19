"""kill -9 at any moment: short (``make torture`` kills a thousand times)."""

from pathlib import Path

import pytest

from controller.salvage import open_journal
from torture import kills
from torture.lot import BEFORE, Counting, Hands, written


@pytest.mark.broker
def test_what_was_acknowledged_survives_any_kill_and_is_there_once() -> None:
    row = kills.run(kills=6, seed=20261124)
    assert (row.tries, row.lost, row.doubled) == (6, 0, 0), row


@pytest.mark.parametrize("covered", [["outer"], ["outer", "inner"]])
def test_a_vehicle_that_stands_on_loops_meanwhile_is_counted_when_it_drives_on(
    tmp_path: Path, covered: list[str]
) -> None:
    hands, site = Hands(), written(tmp_path)

    def told(*levels: tuple[str, bool]) -> None:
        for loop, occupied in levels:
            counting.level(f"main.{loop}", occupied=occupied)
            counting.settle()
            hands.advance(0.5)
        counting.settle()

    def begun() -> Counting:
        return Counting(site, lambda: open_journal(tmp_path / "journal.sqlite"), hands)

    counting = begun()
    try:
        counting.car()
        told(*((loop, True) for loop in covered))
        counting.stop()
        hands.advance(1.0)
        counting = begun()
        told(("outer", True), ("inner", "inner" in covered))  # as the pins are read at the start
        told(("inner", True), ("outer", False), ("inner", False))
        assert counting.counted == BEFORE + 2
    finally:
        counting.stop()
