"""The disk fails: short (``make torture`` lets every operation fail)."""

from torture import storage


def test_whatever_write_fails_nothing_is_acknowledged_and_all_goes_on_by_itself() -> None:
    row = storage.run(most=12)
    assert row.tries >= 3 * 12
    assert (row.lost, row.doubled) == (0, 0), row
