"""The wall clock does what it likes: short."""

from torture import clock


def test_no_step_of_the_wall_clock_costs_a_car() -> None:
    row = clock.run(cars=20, seed=20261124)
    assert (row.tries, row.lost, row.doubled) == (200, 0, 0), row
