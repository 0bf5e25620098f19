"""The recording: each shape there and back, and whatever else stands in a file is told by its line, or skipped."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.events import (
    Adjusted,
    BayChanged,
    BayServiceChanged,
    ChangesLost,
    ClockSet,
    ClosureChanged,
    Corrected,
    DetectorChanged,
    Interrupted,
    NeighbourHeard,
    OutageTold,
    RecountBegan,
    Recounted,
    SignOverridden,
    SignTested,
    Undone,
    WentDown,
    WentUnreadable,
)
from controller.recording import (
    MAX_COUNT,
    MAX_LINE,
    MAX_S,
    MOST_BY,
    Entry,
    Message,
    Reader,
    RecordingError,
    read_line,
    write_line,
)

# The shapes, as the format says them


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ('{"t": 12.345, "detector": "main.outer", "occupied": true}', DetectorChanged("main.outer", True, 12.345)),
        ('{"t": 13.0, "bay": "A1", "occupied": false}', BayChanged("A1", False, 13.0)),
        ('{"t": 14.0, "topic": "a/b", "payload": "ż{}"}', Message("a/b", "ż{}".encode(), 14.0)),
        ('{"t": 15.0, "correction": {"zone": "customers", "occupied": 37}}', Corrected("customers", 37, 15.0)),
        ('{"t": 15.5, "closure": {"zone": "customers", "closed": true}}', ClosureChanged("customers", True, 15.5)),
        (
            '{"t": 15.7, "override": {"sign": "entrance", "text": "Wjazd B", "until": 3615.7}}',
            SignOverridden("entrance", "Wjazd B", 3615.7, 15.7),
        ),
        (
            '{"t": 15.7, "override": {"sign": "entrance", "text": null, "until": 15.7}}',
            SignOverridden("entrance", None, 15.7, 15.7),
        ),
        ('{"t": 15.1, "adjustment": {"zone": "customers", "by": -1}}', Adjusted("customers", -1, 15.1)),
        ('{"t": 15.2, "recount": "customers"}', RecountBegan("customers", 15.2)),
        ('{"t": 15.3, "recounted": {"zone": "customers", "seen": 31}}', Recounted("customers", 31, 15.3)),
        ('{"t": 15.3, "recounted": {"zone": "customers", "seen": null}}', Recounted("customers", None, 15.3)),
        ('{"t": 15.4, "undo": "customers"}', Undone("customers", 15.4)),
        ('{"t": 15.5, "service": {"bay": "A1", "out": true}}', BayServiceChanged("A1", True, 15.5)),
        ('{"t": 15.6, "sign_test": {"sign": "entrance", "until": 27.6}}', SignTested("entrance", 27.6, 15.6)),
        (
            '{"t": 15.8, "neighbour": {"lot": "p2/all/state", "free": 12, "open": true, "sent_at": 1764576015.8}}',
            NeighbourHeard("p2/all/state", 12, True, 15.8, 1764576015.8),
        ),
        (
            '{"t": 15.8, "neighbour": {"lot": "p2", "free": null, "open": false, "sent_at": null}}',
            NeighbourHeard("p2", None, False, 15.8),
        ),
        ('{"t": 16.0, "down": 42.5}', WentDown(42.5, 16.0)),
        ('{"t": 16.0, "down": 42.5, "kept": ["a.loop", "b.loop"]}', WentDown(42.5, 16.0, ("a.loop", "b.loop"))),
        ('{"t": 17.0, "detector": "main.outer", "lost": 3}', ChangesLost("main.outer", 3, 17.0)),
        ('{"t": 18.0, "unreadable": "main.outer"}', WentUnreadable("main.outer", 18.0)),
        ('{"t": 16.0, "down": null}', Interrupted(16.0)),
        ('{"t": 16.5, "was_down": 3600.0}', OutageTold(3600.0, 16.5)),
        ('{"t": 17.0, "detector": "main.barrier", "occupied": true}', DetectorChanged("main.barrier", True, 17.0)),
        ('{"t": 0, "epoch": 1764576000}', ClockSet(1764576000.0, 0.0)),
        ('{"occupied": true, "detector": "x", "t": -1e-3}\r\n', DetectorChanged("x", True, -0.001)),
    ],
)
def test_a_line_says_its_entry(line: str, entry: Entry) -> None:
    assert read_line(line) == entry
    assert read_line(write_line(entry)) == entry


TIMES = st.floats(-MAX_S, MAX_S).map(lambda t: round(t, 6))
NAMES = st.text()
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(DetectorChanged, NAMES, st.booleans(), TIMES),
    st.builds(BayChanged, NAMES, st.booleans(), TIMES),
    st.builds(Message, NAMES, st.binary(), TIMES),
    st.builds(Corrected, NAMES, st.integers(0, MAX_COUNT), TIMES),
    st.builds(ClosureChanged, NAMES, st.booleans(), TIMES),
    st.builds(WentDown, st.floats(0, MAX_S), TIMES, st.lists(NAMES).map(tuple)),
    st.builds(ChangesLost, NAMES, st.integers(1, 2**32 - 1), TIMES),
    st.builds(WentUnreadable, NAMES, TIMES),
    st.builds(SignOverridden, NAMES, st.none() | NAMES, TIMES, TIMES),
    st.builds(Adjusted, NAMES, st.integers(1, MOST_BY) | st.integers(-MOST_BY, -1), TIMES),
    st.builds(RecountBegan, NAMES, TIMES),
    st.builds(Recounted, NAMES, st.none() | st.integers(0, MAX_COUNT), TIMES),
    st.builds(Undone, NAMES, TIMES),
    st.builds(BayServiceChanged, NAMES, st.booleans(), TIMES),
    st.builds(SignTested, NAMES, TIMES, TIMES),
    st.builds(NeighbourHeard, NAMES, st.none() | st.integers(0, MAX_COUNT), st.booleans(), TIMES, st.none() | TIMES),
    st.builds(Interrupted, TIMES),
    st.builds(OutageTold, st.floats(0, MAX_S), TIMES),
    st.builds(ClockSet, TIMES, TIMES),
)


@given(ENTRIES)
def test_every_entry_survives_being_written_and_read(entry: Entry) -> None:
    line = write_line(entry)
    assert "\n" not in line
    assert line.isascii()
    assert read_line(line) == entry


def test_a_payload_that_is_no_text_keeps_its_bytes() -> None:
    every = bytes(range(256)) + b"\xed\xb2\x80" + "żółć".encode()
    line = write_line(Message("t", every, 0.0))
    assert r"\udcff" in line
    assert read_line(line) == Message("t", every, 0.0)


@given(st.text(max_size=200))
def test_whatever_a_line_holds_it_is_an_entry_or_refused(line: str) -> None:
    with pytest.raises(RecordingError):
        read_line(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["zone", "occupied", "closed"]), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from(
    [
        "detector",
        "bay",
        "occupied",
        "topic",
        "payload",
        "correction",
        "closure",
        "override",
        "adjustment",
        "recount",
        "recounted",
        "undo",
        "service",
        "sign_test",
        "neighbour",
        "down",
        "epoch",
    ]
)


@given(st.dictionaries(KEYS, JSON, max_size=3), JSON)
def test_whatever_the_values_are_it_is_an_entry_or_refused(fields: dict[str, Any], t: Any) -> None:
    try:
        entry = read_line(json.dumps({"t": t, **fields}))
    except RecordingError:
        return
    assert type(read_line(write_line(entry))) is type(entry)


# Bad lines


BAD = [
    ("", "not JSON at character 1"),
    ("{", "not JSON at character 2"),
    ('{"t": 1, "down": NaN}', "not JSON: NaN is no number"),
    ('{"t": -Infinity, "down": 1}', "not JSON: -Infinity is no number"),
    ("[" * 100_000, "not JSON"),
    ("[1, 2]", '[1, 2] is not an object like {"t": 1.0'),
    ('{"down": 1}', '"t" is missing: the time in seconds'),
    ('{"t": "1", "down": 1}', '"t" is "1"; it must be a number of seconds, at most 10000000000'),
    ('{"t": true, "down": 1}', '"t" is true; it must be a number'),
    ('{"t": 1e999, "down": 1}', '"t" is Infinity; it must be a number'),
    ('{"t": 2e10, "down": 1}', '"t" is 20000000000.0; it must be a number of seconds, at most'),
    ('{"t": 1' + "0" * 400 + ', "down": 1}', '"t" is 1000000000000000'),
    ('{"t": 1' + "0" * 5000 + ', "down": 1}', "not JSON: Exceeds the limit"),
    ('{"t": 1}', "the keys (none) beside t are no known shape. Known: detector + occupied; bay + occupied; topic"),
    ('{"t": 1, "detector": "a"}', "the keys detector beside t are no known shape"),
    ('{"t": 1, "detector": "a", "occupied": true, "x": 1}', "the keys detector, occupied, x beside t"),
    ('{"t": 1, "detector": 7, "occupied": true}', '"detector" is 7; it must be a text in quotes'),
    ('{"t": 1, "bay": "A", "occupied": 1}', '"occupied" is 1; it must be true or false'),
    ('{"t": 1, "bay": "A", "occupied": "free"}', '"occupied" is "free"; it must be true or false'),
    ('{"t": 1, "topic": "a", "payload": {"a": 1}}', '"payload" is {"a": 1}; it must be a text in quotes'),
    ('{"t": 1, "topic": "a", "payload": "\\ud800"}', '"payload" is not text at character 0'),
    ('{"t": 1, "correction": 7}', '"correction" is 7; it must have zone and occupied'),
    ('{"t": 1, "correction": {"zone": "a", "occupied": 1.5}}', '"occupied" is 1.5; it must be a whole number from 0'),
    ('{"t": 1, "correction": {"zone": "a", "occupied": -1}}', '"occupied" is -1; it must be a whole number from 0'),
    ('{"t": 1, "correction": {"zone": "a", "occupied": 1000001}}', "whole number from 0 to 1000000"),
    ('{"t": 1, "correction": {"zone": "a", "occupied": true}}', '"occupied" is true; it must be a whole number'),
    ('{"t": 1, "closure": {"zone": "a", "closed": 1}}', '"closed" is 1; it must be true or false'),
    ('{"t": 1, "closure": {"zone": 1, "closed": true}}', '"zone" is 1; it must be a text in quotes'),
    ('{"t": 1, "adjustment": {"zone": "a", "by": 0}}', '"by" is 0; it must be a whole number from -100 to 100, not 0'),
    ('{"t": 1, "adjustment": {"zone": "a", "by": 101}}', '"by" is 101'),
    ('{"t": 1, "adjustment": {"zone": "a", "by": true}}', '"by" is true'),
    ('{"t": 1, "recount": 5}', '"recount" is 5; it must be a text in quotes'),
    ('{"t": 1, "recounted": {"zone": "a", "seen": -1}}', '"seen" is -1; it must be a whole number'),
    ('{"t": 1, "service": {"bay": "a"}}', "it must have bay and out"),
    ('{"t": 1, "service": {"bay": "a", "out": 1}}', '"out" is 1; it must be true or false'),
    ('{"t": 1, "sign_test": {"sign": "a", "until": null}}', '"until" is null; it must be a number of seconds'),
    ('{"t": 1, "override": {"sign": "a", "until": 2}}', "it must have sign, text and until"),
    ('{"t": 1, "override": {"sign": "a", "text": 5, "until": 2}}', '"text" is 5; it must be a text in quotes'),
    (
        '{"t": 1, "neighbour": {"lot": "a", "free": -1, "open": true, "sent_at": null}}',
        '"free" is -1; it must be a whole',
    ),
    ('{"t": 1, "down": -0.5}', '"down" is -0.5; it must not be negative'),
    ('{"t": 1, "down": 1, "kept": "main.outer"}', '"kept" is "main.outer"; it must be a list of detectors'),
    ('{"t": 1, "down": 1, "kept": [3]}', '"kept" is 3; it must be a text'),
    ('{"t": 1, "detector": "x", "lost": 0}', '"lost" is 0; it must be a whole number from 1 on'),
    ('{"t": 1, "detector": "x", "lost": true}', '"lost" is true; it must be a whole number'),
    ('{"t": 1, "unreadable": 7}', '"unreadable" is 7; it must be a text'),
    ('{"t": 1, "was_down": null}', '"was_down" is null; it must be a number'),
    ('{"t": 1, "epoch": "2026-11-22"}', '"epoch" is "2026-11-22"; it must be a number'),
]


@pytest.mark.parametrize(("line", "why"), BAD, ids=[b[0][:50] for b in BAD])
def test_a_bad_line_says_what_is_wrong(line: str, why: str) -> None:
    with pytest.raises(RecordingError) as caught:
        read_line(line)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 300


# Files


GOOD = b'{"t": 1, "down": 1}\n'
LATER = b'{"t": 2, "down": 2}\n'


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_file_is_read_in_order_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\n  \n" + LATER.strip())
    reader = Reader(path)
    assert list(reader) == [WentDown(1.0, 1.0), WentDown(2.0, 2.0)]
    assert (reader.bad, reader.lines) == (0, 4)


def test_a_packed_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", gzip.compress(GOOD) + gzip.compress(LATER))
    assert list(Reader(path)) == [WentDown(1.0, 1.0), WentDown(2.0, 2.0)]


def test_an_empty_file_has_no_entries(tmp_path: Path) -> None:
    assert list(Reader(written(tmp_path / "r", b""))) == []
    assert list(Reader(written(tmp_path / "g", gzip.compress(b"")))) == []


CUT = [
    (GOOD + b"{}\n" + LATER, 2, '"t" is missing', [1.0, 2.0], 1),
    (LATER + GOOD, 2, "t = 1.0 is before 2.0, the line above: put the lines in time order", [2.0], 1),
    (GOOD + b"\xff\xfe\n" + LATER, 2, "not UTF-8 at byte 1 of the line", [1.0, 2.0], 1),
    (GOOD + b'{"t": 1, "bay": "\xff", "occupied": true}\n', 2, "not UTF-8 at byte 18 of the line", [1.0], 1),
    (GOOD + b"x" * (3 * MAX_LINE) + b"\n" + LATER, 2, f"the line is longer than {MAX_LINE} bytes", [1.0, 2.0], 1),
    (GOOD + b" " * MAX_LINE + b"\n", 2, "the line is longer", [1.0], 1),
    (gzip.compress(GOOD + b"x\n" + LATER), 2, "not JSON", [1.0, 2.0], 1),
    (gzip.compress(GOOD) + b"\x1f\x8b\x08\x00garbage", 2, "can't be read any further", [1.0], 1),
]


@pytest.mark.parametrize(("content", "line", "why", "times", "bad"), CUT, ids=[c[2] for c in CUT])
def test_a_bad_line_in_a_file(
    tmp_path: Path, content: bytes, line: int, why: str, times: list[float], bad: int
) -> None:
    path = written(tmp_path / "r.jsonl", content)
    with pytest.raises(RecordingError) as caught:
        list(Reader(path))
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert why in str(caught.value)
    lenient = Reader(path, lenient=True)
    assert [entry.at for entry in lenient] == times
    assert lenient.bad == bad
    assert f"line {line}: " in lenient.last_bad


def packed(lines: int) -> bytes:
    noise = random.Random(1)  # noqa: S311  no secret
    text = "".join(f'{{"t": {t}, "topic": "{noise.random()}", "payload": ""}}\n' for t in range(lines))
    return gzip.compress(text.encode())


def test_a_packed_file_that_was_cut_off_gives_what_is_whole(tmp_path: Path) -> None:
    whole = packed(5000)
    path = written(tmp_path / "r.jsonl.gz", whole[: len(whole) // 2])
    lenient = Reader(path, lenient=True)
    assert [entry.at for entry in lenient] == [float(t) for t in range(lenient.lines - 1)]
    assert 1000 < lenient.lines < 4000
    assert "can't be read any further: Compressed file ended" in lenient.last_bad
    with pytest.raises(RecordingError, match=f"line {lenient.lines}: can't be read any further"):
        list(Reader(path))


def test_a_packed_file_that_was_damaged_gives_what_is_whole(tmp_path: Path) -> None:
    content = bytearray(packed(5000))
    middle = len(content) // 2
    content[middle : middle + 100] = b"\xff" * 100
    lenient = Reader(written(tmp_path / "r.jsonl.gz", bytes(content)), lenient=True)
    assert [entry.at for entry in lenient][:1000] == [float(t) for t in range(1000)]
    assert lenient.bad >= 1


def test_a_packed_file_whose_code_makes_no_sense_is_not_read_on(tmp_path: Path) -> None:
    whole = gzip.compress(GOOD)
    path = written(tmp_path / "r.jsonl.gz", whole + whole[:10] + b"\xff" * 100)
    lenient = Reader(path, lenient=True)
    assert [entry.at for entry in lenient] == [1.0]
    assert "can't be read any further: Error -3 while decompressing data" in lenient.last_bad


def test_garbage_is_refused_and_never_crashes(tmp_path: Path) -> None:
    noise = random.Random(2)  # noqa: S311  no secret
    for number in range(30):
        path = written(tmp_path / f"{number}", noise.randbytes(4000))
        with pytest.raises(RecordingError):
            list(Reader(path))
        assert list(Reader(path, lenient=True)) == []


def test_the_position_grows_up_to_the_files_size(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", GOOD * 50_000)
    reader = Reader(path)
    positions = [reader.position() for _ in reader]
    assert positions == sorted(positions)
    assert 0 < positions[0] < positions[-1] == path.stat().st_size
    assert reader.position() == 0


def test_a_missing_file_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(Reader(tmp_path / "none"))
