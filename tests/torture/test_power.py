"""The power goes: short (``make torture`` does it 500 times)."""

from torture import power


def test_a_power_cut_loses_nothing_that_was_acknowledged_and_would_without_syncing() -> None:
    full, off = power.run(cuts=25, seed=20261124, cars=12)
    assert (full.tries, full.lost, full.doubled) == (25, 0, 0), full
    assert off.lost > 0, "the control run must lose, or this proves nothing"
