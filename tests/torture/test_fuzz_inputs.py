"""Malformed input: a small cut (``make torture`` sends a million)."""

from torture import fuzz


def test_whatever_comes_is_taken_or_refused_and_counted() -> None:
    rows = fuzz.run(inputs=10_000, seed=20261125)
    assert {row.experiment.removeprefix("malformed: ") for row in rows} == fuzz.PARTS.keys()
    for row in rows:
        assert (row.lost, row.doubled) == (0, 0), row
        assert " accepted" in row.note, row
        assert " malformed" in row.note, row
