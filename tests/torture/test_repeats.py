"""Messages repeated, late, out of order, or of last week: short."""

from torture import repeats


def test_messages_that_come_often_and_out_of_order_give_the_exact_count() -> None:
    row = repeats.run(rounds=30, seed=20261124)
    assert row.tries > 30 * 20
    assert (row.lost, row.doubled) == (0, 0), row


def test_what_lay_at_a_broker_for_days_is_not_believed() -> None:
    assert repeats.stale().lost == 0
