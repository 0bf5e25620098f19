"""Sensors that fail: all of it, in virtual time."""

from torture import sensors


def test_what_goes_wrong_with_a_sensor_is_named_allowed_for_and_over_when_it_is_mended() -> None:
    row, wrong = sensors.run()
    assert wrong == []
    assert row.tries == len(sensors.CASES) == 14
