"""kill -9 at any moment: short (``make torture`` kills a thousand times)."""

import pytest

from torture import kills


@pytest.mark.broker
def test_what_was_acknowledged_survives_any_kill_and_is_there_once() -> None:
    row = kills.run(kills=6, seed=20261124)
    assert (row.tries, row.lost, row.doubled) == (6, 0, 0), row
