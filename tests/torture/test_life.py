"""A long life: a few days, and a few seconds."""

import pytest

from torture import life


def test_the_journal_forgets_what_is_old_and_grows_no_more() -> None:
    row = life.days(number=8, cars_a_day=10)
    assert (row.lost, row.doubled) == (0, 0), row


@pytest.mark.broker
def test_two_hundred_events_a_second_cost_no_more_after_a_while() -> None:
    row = life.minutes(0.15)
    assert row.tries > 1000
    assert (row.lost, row.doubled) == (0, 0), row
