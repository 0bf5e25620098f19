"""What an event costs: the table's shape, and that its day is an ordinary one. No time is judged here."""

import pytest
from click.testing import CliRunner

from controller.accuracy import cost
from controller.accuracy.cost import Cost
from controller.domain import lot, view
from controller.domain.events import DetectorChanged


@pytest.mark.parametrize("capacity", [2, 20, 33])
def test_a_day_fills_the_lot_nearly_and_every_vehicle_passes(capacity: int) -> None:
    spec, events = cost.site(capacity), cost.day(capacity)
    assert [event.at for event in events] == sorted(event.at for event in events)
    state, most = lot.initial(spec), 0
    entries = exits = 0
    for event in events:
        state = lot.apply(spec, state, event)
        counted = state.zones["cars"].counted
        assert counted is not None
        most = max(most, counted)
    entries, exits = (sum(getattr(lane, way) for lane in state.lanes.values()) for way in ("entries", "exits"))
    crossings = sum(isinstance(event, DetectorChanged) and event.occupied for event in events) // 2
    assert entries == exits == crossings // 2
    assert capacity - 2 <= most <= capacity
    assert view.faults(spec, state) == ()


def test_the_same_seed_is_the_same_day() -> None:
    assert cost.day(20) == cost.day(20)
    assert cost.day(20) != cost.day(20, seed=2)


def test_a_big_lot_has_a_day_of_bounded_length() -> None:
    assert len(cost.day(10_000)) < 10 * cost.MOST_VEHICLES


def test_what_is_measured_is_told_for_each_event() -> None:
    found = cost.measured(6)
    assert found.capacity == 6
    assert found.events == 4 * found.passages + 4
    assert found.mean_us > 0
    assert found.slow_us > 0
    assert found.weighing_us > 0


def test_the_table_has_limits_and_ratios() -> None:
    lines = cost.table([Cost(80, 400, 100, 50.0, 300.0, 200.0), Cost(500, 2000, 500, 75.4, 400.0, 250.0)]).splitlines()
    assert lines[0].endswith(" weighing µs")
    assert lines[1].split() == ["80", "400", "4.0", "50", "-", "300", "1.00", "200"]
    assert lines[2].split() == ["500", "2000", "4.0", "75", "200", "400", "1.51", "250"]
    assert len({len(line) for line in lines}) == 1


def test_without_the_lot_to_compare_with_there_are_no_ratios() -> None:
    (line,) = cost.table([Cost(10_000, 4, 0, 1.0, 1.0, 1.0)]).splitlines()[1:]
    assert line.split() == ["10000", "4", "-", "1", "2000", "1", "-", "1"]


def test_the_command_prints_a_line_for_each_size() -> None:
    done = CliRunner().invoke(cost.main, ["--spaces", "4", "--spaces", "80"])
    assert done.exit_code == 0, done.output
    _, small, base = done.output.splitlines()
    assert small.split()[0] == "4"
    assert (base.split()[0], base.split()[6]) == ("80", "1.00")


def test_a_size_that_is_none_is_refused() -> None:
    done = CliRunner().invoke(cost.main, ["--spaces", "0"])
    assert done.exit_code == 2
    assert "--spaces" in done.output
