"""A journal that can't be read is set aside, never deleted, and counting goes on: uncertain, with what was learned."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from controller.domain import lot
from controller.domain.events import WentDown
from controller.domain.state import LotState
from controller.journal import LOST_PAST_S, Clock, Journal, Record, last_good
from controller.salvage import newest_state, open_journal, renewed
from controller.site import Site

CLOCK = Clock(50.0, 1_795_000_000.0, 5000.0, "a boot")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def state(lane_site: Site) -> LotState:
    return replace(lot.initial(lane_site.lot), at=40.0)


@pytest.fixture
def content(path: Path, state: LotState) -> bytearray:
    """A journal with two snapshots and inputs beyond them."""
    with closing(Journal(path)) as journal:
        journal.append([Record(WentDown(0.0, 1.0), 0.0)], CLOCK)
        journal.snapshot(replace(state, at=10.0))
        journal.append([Record(WentDown(0.0, 20.0), 0.0)], CLOCK)
        journal.snapshot(state)
        journal.append([Record(WentDown(0.0, 50.0 + n), 0.0) for n in range(1000)], CLOCK)
    return bytearray(path.read_bytes())


def begun_from(path: Path) -> float:
    """Open what is there; return the lot time of the state that counting goes on from."""
    with closing(open_journal(path)) as journal:
        kept, tail = journal.restore()
        assert kept is not None
        assert [*tail] == [WentDown(LOST_PAST_S, kept.at)], "whoever goes on is told that much may have happened"
        return kept.at


def spoiled(content: bytearray, start: int, end: int) -> bytes:
    return bytes(content[:start] + b"\x55" * (end - start) + content[end:])


def test_a_file_that_can_be_read_is_left_as_it_is(path: Path, content: bytearray) -> None:
    with closing(open_journal(path)) as journal:
        kept, tail = journal.restore()
        assert kept is not None
        assert (kept.at, len([*tail])) == (40.0, 1000)
    assert path.read_bytes() == bytes(content)


def test_where_only_inputs_are_damaged_the_newest_snapshot_is_found(path: Path, content: bytearray) -> None:
    last_good(path).unlink()
    path.write_bytes(spoiled(content, len(content) - 16384, len(content) - 4096))
    assert begun_from(path) == 40.0
    assert path.with_name("journal.sqlite.damaged-1").stat().st_size == len(content)


def test_a_damaged_head_leaves_the_copy_beside_the_file(path: Path, content: bytearray) -> None:
    path.write_bytes(spoiled(content, 0, len(content)))
    assert begun_from(path) == 10.0, "it is renewed once an hour only"


def test_nothing_to_go_on_from_is_a_new_beginning(path: Path, content: bytearray) -> None:
    last_good(path).write_text("{}")
    path.write_bytes(spoiled(content, 0, len(content)))
    with closing(open_journal(path)) as journal:
        assert journal.restore()[0] is None
        assert journal.last_clock() is None


def test_what_was_set_aside_before_is_kept(path: Path, content: bytearray) -> None:
    for number in (1, 2, 3):
        path.write_bytes(spoiled(content, 0, len(content)) + b"%d" % number)
        begun_from(path)
        assert path.with_name(f"journal.sqlite.damaged-{number}").read_bytes()[-1:] == b"%d" % number


@pytest.mark.parametrize("done", ["nothing", "log", "all", "new file"])
def test_a_cut_while_it_is_set_aside_ends_in_the_same(path: Path, content: bytearray, done: str) -> None:
    aside = path.with_name("journal.sqlite.damaged-1")
    path.write_bytes(spoiled(content, 0, len(content)))
    path.with_name("journal.sqlite-wal").write_bytes(b"what the log held")
    if done != "nothing":
        path.with_name("journal.sqlite-wal").rename(aside.with_name(aside.name + "-wal"))
    if done in {"all", "new file"}:
        path.rename(aside)
    if done == "new file":
        Journal(path).close()
    assert begun_from(path) == 10.0


def test_a_file_found_damaged_while_the_state_is_known_costs_nothing(path: Path, state: LotState) -> None:
    with closing(renewed(Journal(path), state, CLOCK)) as journal:
        kept, tail = journal.restore()
        assert kept is not None
        assert (kept.at, [*tail], journal.last_clock()) == (40.0, [], CLOCK)
    assert path.with_name("journal.sqlite.damaged-1").exists()


def test_a_file_that_is_locked_is_not_damaged(path: Path, content: bytearray) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OSError, match="locked"):
            open_journal(path)
    assert path.read_bytes()[:100] == content[:100]
    assert newest_state(path) is not None
