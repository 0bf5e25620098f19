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


@pytest.mark.parametrize(
    ("kills_", "entries", "corrections", "repeated", "why"),
    [
        (6, (5, 10), (10, 10), 3, "only 5 entries of 10 cars"),
        (6, (0, 0), (10, 10), 3, "only 0 entries of 0 cars"),
        (6, (10, 10), (4, 10), 3, "only 4 of 10 done"),
        (100, (10, 10), (10, 10), 0, "nothing was sent again in 100 kills"),
    ],
)
def test_a_storm_in_which_hardly_anything_happened_proves_nothing(
    kills_: int, entries: tuple[int, int], corrections: tuple[int, int], repeated: int, why: str
) -> None:
    with pytest.raises(AssertionError, match=why):
        kills.happened(kills_, entries, corrections, repeated)


def test_what_came_through_in_a_thousand_kills_is_enough() -> None:
    kills.happened(1000, (1577, 2018), (800, 1000), 1)
    kills.happened(6, (6, 10), (5, 10), 0)


def test_what_a_thread_fails_with_is_raised_where_it_is_waited_for() -> None:
    class Failing(kills._Worker):  # noqa: SLF001  no other way in
        def _work(self) -> None:
            raise AssertionError("500")

    thread = Failing()
    thread.start()
    with pytest.raises(AssertionError, match="500"):
        thread.join()


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
