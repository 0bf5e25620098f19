"""What is read of a line, remembered until it is taken, and found again by the next process; from a pipe, not a kernel.

`make test-kernel` does the same with the kernel's own lines.
"""

import os
import struct
from collections.abc import Iterator

import pytest

from controller.inputs import lines
from controller.inputs.lines import Change, Line, Notes

GPIO = 17


class Kernel:
    """The far end of a line's descriptor: it writes what the kernel would."""

    def __init__(self) -> None:
        self.fd, self._out = os.pipe()
        self.number = 0

    def change(self, high: bool, at: float) -> None:  # noqa: FBT001  a level
        self.number += 1
        os.write(self._out, struct.pack("=QIIII24x", round(at * 1e9), 1 if high else 2, GPIO, 0, self.number))

    def drop(self, changes: int) -> None:
        self.number += changes


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    os.close(kernel.fd)
    os.close(kernel._out)  # noqa: SLF001  its own end


@pytest.fixture
def notes() -> Iterator[Notes]:
    notes = Notes()
    yield notes
    os.close(notes.fd)


def died(kernel: Kernel, notes: Notes) -> Line:
    """Another process finds what the last one left."""
    again = Notes(os.dup(notes.fd))
    assert not again.fresh
    return Line(GPIO, kernel.fd, again.of(GPIO))


def test_changes_come_in_order_with_the_kernels_time(kernel: Kernel, notes: Notes) -> None:
    line = Line(GPIO, kernel.fd, notes.of(GPIO))
    assert (line.changes(), line.behind) == ([], False)
    kernel.change(False, 5.25)
    kernel.change(True, 5.5)
    assert line.behind is True
    assert line.changes() == [Change(False, 5.25, 0), Change(True, 5.5, 0)]
    assert (line.changes(), line.behind) == ([], False)


def test_a_gap_in_the_numbers_is_a_loss(kernel: Kernel, notes: Notes) -> None:
    line = Line(GPIO, kernel.fd, notes.of(GPIO))
    kernel.change(False, 1.0)
    kernel.drop(3)
    kernel.change(True, 2.0)
    assert [change.lost for change in line.changes()] == [0, 3]


def test_what_was_read_and_not_taken_is_found_again_then_what_the_kernel_kept(kernel: Kernel, notes: Notes) -> None:
    line = Line(GPIO, kernel.fd, notes.of(GPIO))
    for number in range(4):
        kernel.change(number % 2 == 1, float(number + 1))
    assert len(line.changes()) == 4
    line.taken(2.0)
    kernel.change(False, 5.0)
    again = died(kernel, notes)
    assert again.behind is True
    assert again.changes() == [Change(False, 3.0, 0), Change(True, 4.0, 0), Change(False, 5.0, 0)]
    again.taken(5.0)
    assert died(kernel, notes).changes() == []


def test_a_loss_while_nobody_was_there_is_noticed(kernel: Kernel, notes: Notes) -> None:
    line = Line(GPIO, kernel.fd, notes.of(GPIO))
    kernel.change(False, 1.0)
    line.changes()
    line.taken(1.0)
    kernel.drop(7)
    kernel.change(True, 9.0)
    assert died(kernel, notes).changes() == [Change(True, 9.0, 7)]


def test_a_journal_that_takes_nothing_does_not_stop_the_line_and_a_death_then_is_known_to_cost(
    kernel: Kernel, notes: Notes
) -> None:
    line = Line(GPIO, kernel.fd, notes.of(GPIO))
    most = (len(notes.of(GPIO)) // 48) - 1
    heard = 0
    for number in range(most + 10):
        kernel.change(number % 2 == 1, float(number + 1))
        heard += len(line.changes())
    assert heard == most + 10
    assert died(kernel, notes).changes()[0].lost == most


def test_a_line_claimed_anew_begins_with_nothing(kernel: Kernel, notes: Notes) -> None:
    kernel.change(False, 1.0)
    Line(GPIO, kernel.fd, notes.of(GPIO)).changes()
    notes.of(GPIO)[:] = bytes(len(notes.of(GPIO)))
    assert died(kernel, notes).changes() == []


def test_lines_do_not_share_a_place(kernel: Kernel, notes: Notes) -> None:
    kernel.change(False, 1.0)
    Line(GPIO, kernel.fd, notes.of(GPIO)).changes()
    other_fd, out = os.pipe()
    assert Line(27, other_fd, notes.of(27)).changes() == []
    os.close(out)
    os.close(other_fd)


def test_memory_of_another_size_is_not_taken_for_ours() -> None:
    fd = os.memfd_create("another")
    assert Notes(fd).fresh


def test_a_name_tells_lines_apart_and_holds_nothing_that_systemd_refuses() -> None:
    assert lines.name(17, "up", None) == "gpio17-up-header"
    assert lines.name(17, "up", "gpio-sim.0:node 1") == "gpio17-up-gpio-sim.0_node_1"
    assert len(lines.name(17, "up", "x" * 300)) <= 255


def test_a_chip_that_is_not_there_is_named_with_what_is() -> None:
    with pytest.raises(OSError, match="no GPIO chip has this label; here are: ") as error:
        lines.find_chip("pinctrl-of-nobody")
    assert error.value.strerror is not None
