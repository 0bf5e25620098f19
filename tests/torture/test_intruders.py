"""Intruders: all that ``make torture`` tries."""

import pytest

from torture import intruders


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore:.*unclosed <ssl.SSLSocket")  # paho leaves a failed one to the garbage collector
def test_nobody_speaks_for_another_ones_sensor() -> None:
    row = intruders.forged()
    assert row.tries > 30
    assert row.lost == 0, row
    assert row.note == "0 got in; 4 of their own arrived"


@pytest.mark.broker
def test_no_secret_reaches_a_log_an_answer_or_a_backup_and_impossible_rates_are_alarmed() -> None:
    secrets, flood = intruders.given_away()
    assert secrets.lost == 0, secrets
    assert flood.lost == 0, flood
