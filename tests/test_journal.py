"""The journal on a real disk: what was written is there after anything, and what can't be used says what to do."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from controller.domain import lot
from controller.domain.chronicle import BayLevel, Kept, Level, TakenBack, Told
from controller.domain.events import Corrected, DetectorChanged, Event, Tick, WentDown
from controller.domain.report import Passage, PassageKind, Status
from controller.domain.state import LotState
from controller.journal import (
    LOST_PAST_S,
    SNAPSHOTS_KEPT,
    Audit,
    Clock,
    DamagedError,
    Journal,
    JournalError,
    Record,
    export,
    open_reader,
    passages,
)
from controller.recording import Entry, read_line, write_line
from controller.site import Site

CLOCK = Clock(1.0, 1_700_000_000.0, 100.0, "boot")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as opened:
        yield opened


def record(entry: Entry, wall: float = 1_700_000_000.0) -> Record:
    return Record(entry, wall)


def down(*times: float) -> list[Record]:
    return [record(WentDown(0.0, t)) for t in times]


def restored(journal: Journal) -> tuple[LotState | None, list[Entry]]:
    state, entries = journal.restore()
    return state, list(entries)


def times(entries: list[Entry]) -> list[float]:
    return [entry.at for entry in entries]


def car(start: float, detectors: tuple[str, str] = ("main.outer", "main.inner")) -> list[Event]:
    first, second = detectors
    steps = ((first, True, 0.0), (second, True, 0.4), (first, False, 0.6), (second, False, 1.0))
    return [DetectorChanged(name, occupied, round(start + later, 6)) for name, occupied, later in steps]


def fold(site: Site, state: LotState, *events: Event) -> LotState:
    for event in events:
        state = lot.apply(site.lot, state, event)
    return state


# There and back


def test_a_new_journal_is_empty(journal: Journal) -> None:
    assert restored(journal) == (None, [])
    assert journal.last_clock() is None
    assert journal.size()["inputs"] == 0


def test_it_is_written_ahead_and_fully_synchronous(journal: Journal, path: Path) -> None:
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)  # noqa: SLF001  FULL, of this connection alone
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_was_written_is_there_in_order(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.append(down(1.0, 2.0), CLOCK)
        journal.append([record(Corrected("customers", 7, 3.0))], replace(CLOCK, t=3.0))
    with closing(Journal(path)) as again:
        assert restored(again) == (None, [WentDown(0.0, 1.0), WentDown(0.0, 2.0), Corrected("customers", 7, 3.0)])
        assert again.last_clock() == replace(CLOCK, t=3.0)
        assert again.size() == {"path": str(path), "inputs": 3, "bytes": path.stat().st_size}


def test_a_batch_is_written_whole_or_not_at_all(journal: Journal) -> None:
    journal.append(down(1.0), CLOCK)
    unwritable = Record(WentDown(0.0, 3.0), 0.0, Audit("\ud800", "", "", ""))
    with pytest.raises(UnicodeEncodeError):
        journal.append([*down(2.0), unwritable], replace(CLOCK, t=3.0))
    assert times(restored(journal)[1]) == [1.0]
    assert journal.last_clock() == CLOCK
    journal.append(down(4.0), CLOCK)
    assert times(restored(journal)[1]) == [1.0, 4.0]


def test_the_disk_is_full(journal: Journal) -> None:
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]  # noqa: SLF001  SQLite's own stand-in for a full disk
    journal._db.execute(f"PRAGMA max_page_count = {pages + 4}")  # noqa: SLF001

    def fill() -> None:
        for number in range(100):
            journal.append(down(*range(number * 100, number * 100 + 100)), replace(CLOCK, t=float(number)))

    with pytest.raises(sqlite3.OperationalError, match="full"):
        fill()
    entries, clock = restored(journal)[1], journal.last_clock()
    assert clock is not None
    assert times(entries) == [float(t) for t in range(int(clock.t) * 100 + 100)]


def test_an_audit_stands_with_its_input(journal: Journal, path: Path) -> None:
    audit = Audit("Ala", "customers: occupied = 7", "counted by eye", "None")
    journal.append([*down(1.0), Record(Corrected("customers", 7, 2.0), 5.0, audit)], CLOCK)
    with closing(open_reader(path)) as db:
        line = write_line(Corrected("customers", 7, 2.0))
        rows = db.execute(
            "SELECT audit.wall, line, who, what, reason, before FROM audit JOIN input ON input.id = input_id"
        )
        assert rows.fetchall() == [(5.0, line, "Ala", "customers: occupied = 7", "counted by eye", "None")]


def test_a_sign_of_life_moves_the_clock_alone(journal: Journal) -> None:
    journal.append(down(1.0), CLOCK)
    journal.mark_alive(replace(CLOCK, t=60.0, monotonic=159.0))
    assert journal.last_clock() == replace(CLOCK, t=60.0, monotonic=159.0)
    assert times(restored(journal)[1]) == [1.0]


# Passages


ENTRY = Passage("main", PassageKind.ENTRY, 12.0, 11.0, tailgating=True, doubt="close follower")


def test_passages_have_their_wall_time_and_come_newest_first(journal: Journal, path: Path) -> None:
    other = Passage("main", PassageKind.EXIT, 20.0, 19.0, wrong_way=True)
    journal.append([], replace(CLOCK, t=21.0), [ENTRY, other], 1000.0)
    with closing(open_reader(path)) as db:
        newest, oldest = passages(db, 10)
        assert len(list(passages(db, 1))) == 1
    assert newest == {
        "id": 2, "wall": 1020.0, "began": 1019.0, "lane": "main", "kind": "exit", "tailgating": 0, "wrong_way": 1,
        "doubt": None,
    }  # fmt: skip
    assert oldest == {
        "id": 1, "wall": 1012.0, "began": 1011.0, "lane": "main", "kind": "entry", "tailgating": 1, "wrong_way": 0,
        "doubt": "close follower",
    }  # fmt: skip
    clock = journal.last_clock()
    assert clock is not None
    assert clock.t == 21.0, "or a restart would forget what was decided after the last input"


def test_two_passages_of_one_moment_are_two_and_stay_two_when_a_restart_finds_them_again(
    journal: Journal, path: Path
) -> None:
    both = [Passage("main", PassageKind.ENTRY, at, 1.0, doubt=doubt) for at, doubt in ((9.0, None), (9.0, "hidden"))]
    for _ in range(2):
        journal.append([], CLOCK, both)
    with closing(open_reader(path)) as db:
        assert [row["doubt"] for row in passages(db, 10)] == ["hidden", None]


def test_a_touch_that_is_counted_late_as_a_vehicle_of_the_same_moment_is_kept(journal: Journal, path: Path) -> None:
    touch = Passage("main", PassageKind.TOUCH, 9.0, 8.0, doubt="somebody who turned away")
    late = replace(touch, kind=PassageKind.ENTRY, doubt="counted late: the inner loop did not see it")
    for one in (touch, late, touch, late):
        journal.append([], CLOCK, [one])
    with closing(open_reader(path)) as db:
        assert [row["kind"] for row in passages(db, 10)] == ["entry", "touch"]


def test_a_passage_that_a_restart_finds_again_is_not_added_twice(journal: Journal, path: Path) -> None:
    journal.append([], CLOCK, [ENTRY], 1000.0)
    journal.append([], CLOCK, [ENTRY, replace(ENTRY, lane="other")], 1000.5)
    with closing(open_reader(path)) as db:
        assert [row["lane"] for row in passages(db, 10)] == ["other", "main"]


# History


LEVEL = Level("customers", 12.0, 30, 9, 11, 10, 40, Status.OPEN, "counted")


def test_the_history_has_its_wall_time_and_a_gap_where_nothing_is_known(journal: Journal, path: Path) -> None:
    unknown = Level("customers", 20.0, None, 0, 40, None, 40, Status.UNKNOWN, "was_down")
    kept: list[Kept] = [LEVEL, unknown, BayLevel("A1", 13.0, occupied=True), BayLevel("A1", 14.0, None)]
    journal.append([], CLOCK, [], 1000.0, [*kept, Told("customers", 15.0, 28, 30, 31, 29, 31)])
    with closing(open_reader(path)) as db:
        assert db.execute("SELECT wall, occupied, free, status FROM level ORDER BY t").fetchall() == [
            (1012.0, 30, 10, "OPEN"),
            (1020.0, None, None, "UNKNOWN"),
        ]
        assert db.execute("SELECT wall, bay, occupied FROM bay_level").fetchall() == [
            (1013.0, "A1", 1),
            (1014.0, "A1", None),
        ]
        rows = db.execute("SELECT wall, zone, told, believed, counted, low, high FROM correction")
        assert rows.fetchall() == [(1015.0, "customers", 28, 30, 31, 29, 31)]
    journal.append([], CLOCK, [], 1000.0, [replace(LEVEL, occupied=31)])
    journal.forget_before(14.5)
    with closing(open_reader(path)) as db:
        assert db.execute("SELECT t FROM level").fetchall() == [(20.0,)]
        assert db.execute("SELECT t FROM bay_level").fetchall() == []
        assert db.execute("SELECT t FROM correction").fetchall() == [(15.0,)]
    journal.append([], CLOCK, [], 1000.0, [TakenBack("customers", 15.0), TakenBack("customers", 15.5)])
    with closing(open_reader(path)) as db:
        assert db.execute("SELECT t FROM correction").fetchall() == []


# Snapshots


def test_a_restart_has_the_same_state_from_a_snapshot_and_the_tail(lane_site: Site, journal: Journal) -> None:
    start = lot.initial(lane_site.lot)
    events = [*car(1.0), *car(10.0), Corrected("customers", 30, 12.0), *car(20.0, ("main.inner", "main.outer"))]
    events += car(30.0)[:3]
    for cut in range(len(events) + 1):
        state = fold(lane_site, start, *events[:cut])
        journal.append([record(e) for e in events[:cut] if not isinstance(e, Tick)], CLOCK)
        journal.snapshot(state)
        journal.append([record(e) for e in events[cut:] if not isinstance(e, Tick)], CLOCK)
        kept, tail = restored(journal)
        assert kept is not None
        again = fold(lane_site, lot.adapted(lane_site.lot, kept), *[e for e in tail if isinstance(e, Event)])
        assert again == fold(lane_site, state, *events[cut:])
        assert again.zones["customers"].counted == 29


def test_a_snapshot_stands_for_the_inputs_before_it(lane_site: Site, journal: Journal) -> None:
    state = lot.initial(lane_site.lot)
    journal.append(down(1.0, 2.0), CLOCK)
    journal.snapshot(replace(state, at=2.0))
    journal.append(down(3.0), CLOCK)
    kept, tail = restored(journal)
    assert kept is not None
    assert (kept.at, times(tail)) == (2.0, [3.0])


def snapshots_at(journal: Journal, site: Site, *at: float) -> None:
    for t in at:
        journal.append(down(t), CLOCK)
        journal.snapshot(replace(lot.initial(site.lot), at=t))


def test_only_a_few_snapshots_are_kept(lane_site: Site, journal: Journal, path: Path) -> None:
    snapshots_at(journal, lane_site, 1.0, 2.0, 3.0, 4.0, 5.0)
    journal.snapshot(replace(lot.initial(lane_site.lot), at=5.5))
    with closing(open_reader(path)) as db:
        assert db.execute("SELECT input_id, t FROM snapshot ORDER BY t").fetchall() == [(3, 3.0), (4, 4.0), (5, 5.5)]
    assert SNAPSHOTS_KEPT == 3


def spoil(path: Path, where: str, text: str) -> None:
    """Put a state of another shape in the place of a snapshot, as another version would have."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE snapshot SET state = ? WHERE {where}", (text,))  # noqa: S608  a test's own words


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"at": "soon"}'])
def test_a_snapshot_of_another_version_is_passed_over(
    lane_site: Site, journal: Journal, path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    snapshots_at(journal, lane_site, 1.0, 2.0)
    journal.append(down(3.0), CLOCK)
    spoil(path, "input_id = 2", text)
    kept, tail = restored(journal)
    assert kept is not None
    assert (kept.at, times(tail)) == (1.0, [2.0, 3.0])
    assert "snapshot 2 is of another version" in caplog.text


def test_without_any_readable_snapshot_all_inputs_are_folded(lane_site: Site, journal: Journal, path: Path) -> None:
    snapshots_at(journal, lane_site, 1.0, 2.0)
    spoil(path, "true", "{}")
    assert restored(journal) == (None, [WentDown(0.0, 1.0), WentDown(0.0, 2.0)])


def test_without_snapshots_nor_the_first_inputs_no_count_is_trusted(
    lane_site: Site, journal: Journal, path: Path
) -> None:
    snapshots_at(journal, lane_site, 1.0, 2.0, 3.0, 4.0)
    journal.forget_before(2_000_000_000.0)
    spoil(path, "true", "{}")
    assert restored(journal) == (None, [WentDown(LOST_PAST_S, 3.0), WentDown(0.0, 3.0), WentDown(0.0, 4.0)])
    assert lane_site.lot.health.down_trust_s < LOST_PAST_S


# Forgetting


def test_the_old_is_forgotten_but_never_what_a_restart_needs(lane_site: Site, journal: Journal, path: Path) -> None:
    for t, wall in ((1.0, 10.0), (2.0, 20.0), (3.0, 30.0), (4.0, 15.0)):
        journal.append([record(WentDown(0.0, t), wall)], CLOCK)
        journal.snapshot(replace(lot.initial(lane_site.lot), at=t))
    journal.append([], CLOCK, [ENTRY, replace(ENTRY, at=30.0)], 0.0)
    journal.forget_before(25.0)
    with closing(open_reader(path)) as db:
        assert db.execute("SELECT t FROM input ORDER BY id").fetchall() == [(3.0,), (4.0,)]
        assert [row["wall"] for row in passages(db, 10)] == [30.0]
    assert journal.size()["inputs"] == 2
    kept, tail = restored(journal)
    assert kept is not None
    assert (kept.at, tail) == (4.0, [])


def test_inputs_after_everything_was_forgotten_still_follow_the_snapshot(lane_site: Site, journal: Journal) -> None:
    journal.append(down(1.0, 2.0), CLOCK)
    journal.snapshot(replace(lot.initial(lane_site.lot), at=2.0))
    journal.forget_before(2_000_000_000.0)
    assert journal.size()["inputs"] == 0
    journal.append(down(3.0), CLOCK)
    kept, tail = restored(journal)
    assert kept is not None
    assert (kept.at, times(tail)) == (2.0, [3.0])


# Others who read


def test_a_reader_sees_what_is_committed_while_it_is_written(journal: Journal, path: Path) -> None:
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        with closing(open_reader(path)) as db:
            while not done.is_set():
                seen.append(db.execute("SELECT count(*) FROM input").fetchone()[0])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        journal.append(down(*(number + n / 10 for n in range(10))), CLOCK)
    done.set()
    reader.join()
    assert seen == sorted(seen)
    assert all(count % 10 == 0 for count in seen), "never half a batch"
    assert len(set(seen)) > 1


def test_a_reader_cannot_write(journal: Journal, path: Path) -> None:
    journal.append(down(1.0), CLOCK)
    with closing(open_reader(path)) as db, pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM input")


def test_an_export_is_a_recording_and_may_begin_late(journal: Journal, path: Path) -> None:
    journal.append([record(WentDown(0.0, 1.0), 10.0), record(Corrected("customers", 5, 2.0), 20.0)], CLOCK)
    lines = export(path)
    assert next(lines) == '{"t": 1.0, "down": 0.0}'
    journal.append([record(WentDown(0.0, 3.0), 30.0)], CLOCK)
    assert [read_line(line).at for line in lines] == [2.0], "what came after it began is not in it"
    assert [read_line(line).at for line in export(path, since=15.0)] == [2.0, 3.0]


# What cannot be used


@pytest.mark.parametrize("content", [b"this is no database " * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DamagedError) as caught:
        Journal(path)
    assert str(caught.value).startswith(f"{path}: not usable as a journal (")
    assert path.read_bytes() == content
    with pytest.raises(JournalError, match="no journal to be read here"):
        open_reader(path)


def test_a_journal_of_another_version(path: Path) -> None:
    Journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    with pytest.raises(JournalError, match=r"another version \(schema 7, not 3\). Install that version again"):
        Journal(path)
    with pytest.raises(JournalError, match="schema 7, not 3"):
        open_reader(path)


def test_a_journal_of_the_first_version_is_made_one_of_today(journal: Journal, path: Path) -> None:
    journal.append(down(1.0), CLOCK)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("ALTER TABLE input DROP COLUMN packet")
        db.execute("ALTER TABLE passage DROP COLUMN turned")
        for table in ("level", "bay_level", "correction"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 1")
    with closing(Journal(path)) as again:
        again.append([], CLOCK, [ENTRY], 1000.0, [LEVEL])
        assert again._db.execute("SELECT wall FROM level").fetchall() == [(1012.0,)]  # noqa: SLF001
        again.append([replace(down(2.0)[0], packet=9)], CLOCK)
        assert times(restored(again)[1]) == [1.0, 2.0]
        assert [number for number, _ in again.packets(10)] == [9]


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(JournalError, match="no journal"):
        Journal(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


def test_a_journal_damaged_within(journal: Journal, path: Path) -> None:
    journal.append(down(*range(5000)), CLOCK)
    journal.close()
    content = bytearray(path.read_bytes())
    assert len(content) > 200_000
    content[32768:-8192] = b"\x55" * (len(content) - 40960)
    path.write_bytes(content)
    with closing(Journal(path)) as damaged, pytest.raises(DamagedError, match="damaged"):
        damaged.check()


def test_an_input_that_cannot_be_read(journal: Journal, path: Path) -> None:
    journal.append(down(1.0, 2.0), CLOCK)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE input SET line = '{}' WHERE id = 2")
    with pytest.raises(
        JournalError, match=r'input 2 can\'t be read \("t" is missing.*Install the version that wrote it'
    ):
        restored(journal)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Journal(tmp_path / "file" / "journal.sqlite")
    (tmp_path / "journal.sqlite").mkdir()
    with pytest.raises(OSError, match=r"journal.sqlite: can't be opened .*Check the folder"):
        Journal(tmp_path / "journal.sqlite")


def test_no_journal_to_read(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no journal to be read here"):
        open_reader(tmp_path / "journal.sqlite")
    assert not (tmp_path / "journal.sqlite").exists()


def test_another_program_holds_the_file(journal: Journal, path: Path) -> None:
    journal._db.execute("PRAGMA busy_timeout = 50")  # noqa: SLF001  as patient as a test
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            journal.append(down(1.0), CLOCK)
        other.execute("ROLLBACK")
    journal.append(down(2.0), CLOCK)
    assert times(restored(journal)[1]) == [2.0]
