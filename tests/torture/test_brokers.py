"""What a broker does: short (``make torture`` waits for the longest pauses)."""

import pytest

from torture import brokers


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore:.*unclosed <ssl.SSLSocket")  # paho leaves a failed one to the garbage collector
def test_whatever_the_broker_does_readings_come_once_and_all_is_well_within_30_s() -> None:
    rows = brokers.run(long=False)
    assert len(rows) == 6
    for row in rows:
        assert (row.lost, row.doubled) == (0, 0), row
        assert row.recovered_s is not None
        assert row.recovered_s < brokers.WITHIN_S, row
