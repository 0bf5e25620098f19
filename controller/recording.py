"""A recording: what happened, one JSON object a line (JSON Lines), in time order; read and written here.

``t`` is in seconds from the recording's own zero, kept to the microsecond. The shapes are

    {"t": 12.345, "detector": "main.outer", "occupied": true}
    {"t": 13.0, "bay": "A1", "occupied": false}
    {"t": 14.0, "topic": "...", "payload": "..."}            a raw MQTT message
    {"t": 15.0, "correction": {"zone": "customers", "occupied": 37}}
    {"t": 15.1, "adjustment": {"zone": "customers", "by": -1}}                  so many went in (out) unnoticed
    {"t": 15.2, "recount": "customers"}                                         somebody begins to walk and count
    {"t": 15.3, "recounted": {"zone": "customers", "seen": 31}}                 the walk is over; null: given up
    {"t": 15.4, "undo": "customers"}                                            the last correction is taken back
    {"t": 15.5, "service": {"bay": "A1", "out": true}}                          nobody may park there
    {"t": 15.6, "sign_test": {"sign": "entrance", "until": 27.6}}
    {"t": 15.65, "closure": {"zone": "customers", "closed": true}}
    {"t": 15.7, "override": {"sign": "entrance", "text": "Wjazd B", "until": 3615.7}}   text null: taken off
    {"t": 15.8, "neighbour": {"lot": "p2/all/state", "free": 12, "open": true, "sent_at": 1764576015.8}}
    {"t": 16.0, "down": 42.5}                                the controller was off for that long from t
    {"t": 16.0, "down": 42.5, "kept": ["main.outer"]}        ... but these detectors' changes were kept, and follow
    {"t": 17.0, "detector": "main.outer", "lost": 3}         so many changes of it were lost before t
    {"t": 18.0, "unreadable": "main.outer"}                  what it is wired to can't be read from t on
    {"t": 16.0, "down": null}                                ... nobody knows yet for how long, and lot time stood still
    {"t": 76.0, "was_down": 3600.0}                          that outage lasted for so long
    {"t": 0, "epoch": 1764576000}                            wall time of t = 0

A payload that is not UTF-8 text is written with its bytes 0x80-0xFF as the lone surrogates U+DC80-U+DCFF (Python's
``surrogateescape``), which JSON carries as escapes. Files that begin as gzip does are read as such.
"""

import codecs
import contextlib
import gzip
import json
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

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

MAX_LINE = 2 * 1024 * 1024
"""Longest line (bytes) that is read; a sensor's message never needs more."""

MAX_S = 1e10
"""No time is further from its zero than this (s, three centuries): beyond it lies what somebody mistyped."""

MAX_COUNT = 1_000_000

MOST_BY = 100
"""Vehicles of one adjustment, either way; who saw more should count."""


@dataclass(frozen=True, slots=True)
class Message:
    """A raw MQTT message, as received."""

    topic: str
    payload: bytes
    at: float


Entry = (
    DetectorChanged
    | ChangesLost
    | WentUnreadable
    | BayChanged
    | Message
    | Corrected
    | Adjusted
    | RecountBegan
    | Recounted
    | Undone
    | ClosureChanged
    | BayServiceChanged
    | SignOverridden
    | SignTested
    | NeighbourHeard
    | WentDown
    | Interrupted
    | OutageTold
    | ClockSet
)
"""One line of a recording; all but ``Message`` are domain events as they stand."""


class RecordingError(ValueError):
    """A line that is no part of a recording: says which, and why."""


def write_line(entry: Entry) -> str:
    """Return the line, without the line break, for one entry."""
    return json.dumps({"t": round(entry.at, 6), **_fields(entry)})


def _fields(entry: Entry) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912  one return a shape
    match entry:
        case DetectorChanged():
            return {"detector": entry.detector, "occupied": entry.occupied}
        case ChangesLost():
            return {"detector": entry.detector, "lost": entry.changes}
        case WentUnreadable():
            return {"unreadable": entry.detector}
        case BayChanged():
            return {"bay": entry.bay, "occupied": entry.occupied}
        case Message():
            return {"topic": entry.topic, "payload": entry.payload.decode("utf-8", "surrogateescape")}
        case Corrected():
            return {"correction": {"zone": entry.zone, "occupied": entry.occupied}}
        case Adjusted():
            return {"adjustment": {"zone": entry.zone, "by": entry.by}}
        case RecountBegan():
            return {"recount": entry.zone}
        case Recounted():
            return {"recounted": {"zone": entry.zone, "seen": entry.seen}}
        case Undone():
            return {"undo": entry.zone}
        case BayServiceChanged():
            return {"service": {"bay": entry.bay, "out": entry.out}}
        case SignTested():
            return {"sign_test": {"sign": entry.sign, "until": round(entry.until, 6)}}
        case ClosureChanged():
            return {"closure": {"zone": entry.zone, "closed": entry.closed}}
        case SignOverridden():
            return {"override": {"sign": entry.sign, "text": entry.text, "until": round(entry.until, 6)}}
        case NeighbourHeard():
            told = {"lot": entry.lot, "free": entry.free, "open": entry.open, "sent_at": entry.sent_at}
            return {"neighbour": told}
        case WentDown():
            return {"down": entry.seconds, **({"kept": [*entry.kept]} if entry.kept else {})}
        case Interrupted():
            return {"down": None}
        case OutageTold():
            return {"was_down": entry.seconds}
        case ClockSet():
            return {"epoch": entry.epoch}


def read_line(line: str) -> Entry:
    """Return the entry that the line says; raises RecordingError when it says none."""
    try:
        raw = json.loads(line, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise RecordingError(f"not JSON at character {error.pos + 1}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise RecordingError(f'{_short(raw)} is not an object like {{"t": 1.0, "detector": "main.outer", ...}}')
    if "t" not in raw:
        raise RecordingError('"t" is missing: the time in seconds')
    at = _seconds(raw.pop("t"), "t")
    for keys, build in _SHAPES.items():
        if raw.keys() == set(keys):
            return build(raw, at)
    raise RecordingError(_unknown_shape(raw))


def _unknown_shape(raw: dict[str, Any]) -> str:
    known = "; ".join(" + ".join(keys) for keys in _SHAPES)
    return f"the keys {_cut(', '.join(sorted(raw))) or '(none)'} beside t are no known shape. Known: {known}"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _short(value: object) -> str:
    try:
        return _cut(json.dumps(value))
    except RecursionError:
        return "brackets within brackets"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004  what fits on a line with the rest


def _seconds(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MAX_S <= value <= MAX_S:
        raise RecordingError(f'"{key}" is {_short(value)}; it must be a number of seconds, at most {MAX_S:.0f}')
    return float(value)


def _flag(value: object, key: str) -> bool:
    if not isinstance(value, bool):
        raise RecordingError(f'"{key}" is {_short(value)}; it must be true or false')
    return value


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise RecordingError(f'"{key}" is {_short(value)}; it must be a text in quotes')
    return value


def _whole(value: object, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise RecordingError(f'"{key}" is {_short(value)}; it must be a whole number from 0 to {MAX_COUNT}')
    return value


def _detector(raw: dict[str, Any], at: float) -> Entry:
    return DetectorChanged(_text(raw["detector"], "detector"), _flag(raw["occupied"], "occupied"), at)


def _lost(raw: dict[str, Any], at: float) -> Entry:
    changes = raw["lost"]
    if isinstance(changes, bool) or not isinstance(changes, int) or not 1 <= changes < 1 << 32:
        raise RecordingError(f'"lost" is {_short(changes)}; it must be a whole number from 1 on')
    return ChangesLost(_text(raw["detector"], "detector"), changes, at)


def _unreadable(raw: dict[str, Any], at: float) -> Entry:
    return WentUnreadable(_text(raw["unreadable"], "unreadable"), at)


def _bay(raw: dict[str, Any], at: float) -> Entry:
    return BayChanged(_text(raw["bay"], "bay"), _flag(raw["occupied"], "occupied"), at)


def _message(raw: dict[str, Any], at: float) -> Entry:
    payload = _text(raw["payload"], "payload")
    try:
        return Message(_text(raw["topic"], "topic"), payload.encode("utf-8", "surrogateescape"), at)
    except UnicodeEncodeError as error:
        raise RecordingError(f'"payload" is not text at character {error.start}') from None


def _part(raw: dict[str, Any], key: str, *others: str) -> dict[str, Any]:
    part = raw[key]
    if not isinstance(part, dict) or part.keys() != set(others):
        *most, last = others
        raise RecordingError(f'"{key}" is {_short(part)}; it must have {", ".join(most)} and {last}')
    return part


def _correction(raw: dict[str, Any], at: float) -> Entry:
    part = _part(raw, "correction", "zone", "occupied")
    return Corrected(_text(part["zone"], "zone"), _whole(part["occupied"], "occupied"), at)


def _closure(raw: dict[str, Any], at: float) -> Entry:
    part = _part(raw, "closure", "zone", "closed")
    return ClosureChanged(_text(part["zone"], "zone"), _flag(part["closed"], "closed"), at)


def _adjustment(raw: dict[str, Any], at: float) -> Entry:
    part = _part(raw, "adjustment", "zone", "by")
    by = part["by"]
    if isinstance(by, bool) or not isinstance(by, int) or not 0 < abs(by) <= MOST_BY:
        raise RecordingError(f'"by" is {_short(by)}; it must be a whole number from -{MOST_BY} to {MOST_BY}, not 0')
    return Adjusted(_text(part["zone"], "zone"), by, at)


def _recount(raw: dict[str, Any], at: float) -> Entry:
    return RecountBegan(_text(raw["recount"], "recount"), at)


def _recounted(raw: dict[str, Any], at: float) -> Entry:
    part = _part(raw, "recounted", "zone", "seen")
    seen = None if part["seen"] is None else _whole(part["seen"], "seen")
    return Recounted(_text(part["zone"], "zone"), seen, at)


def _undo(raw: dict[str, Any], at: float) -> Entry:
    return Undone(_text(raw["undo"], "undo"), at)


def _service(raw: dict[str, Any], at: float) -> Entry:
    part = _part(raw, "service", "bay", "out")
    return BayServiceChanged(_text(part["bay"], "bay"), _flag(part["out"], "out"), at)


def _sign_test(raw: dict[str, Any], at: float) -> Entry:
    part = _part(raw, "sign_test", "sign", "until")
    return SignTested(_text(part["sign"], "sign"), _seconds(part["until"], "until"), at)


def _override(raw: dict[str, Any], at: float) -> Entry:
    part = _part(raw, "override", "sign", "text", "until")
    text = None if part["text"] is None else _text(part["text"], "text")
    return SignOverridden(_text(part["sign"], "sign"), text, _seconds(part["until"], "until"), at)


def _neighbour(raw: dict[str, Any], at: float) -> Entry:
    part = _part(raw, "neighbour", "lot", "free", "open", "sent_at")
    free = None if part["free"] is None else _whole(part["free"], "free")
    sent_at = None if part["sent_at"] is None else _seconds(part["sent_at"], "sent_at")
    return NeighbourHeard(_text(part["lot"], "lot"), free, _flag(part["open"], "open"), at, sent_at)


def _down(raw: dict[str, Any], at: float) -> Entry:
    if raw["down"] is None and "kept" not in raw:
        return Interrupted(at)
    kept = raw.get("kept", [])
    if not isinstance(kept, list):
        raise RecordingError(f'"kept" is {_short(kept)}; it must be a list of detectors')
    return WentDown(_lasted(raw, "down"), at, tuple(_text(detector, "kept") for detector in kept))


def _was_down(raw: dict[str, Any], at: float) -> Entry:
    return OutageTold(_lasted(raw, "was_down"), at)


def _lasted(raw: dict[str, Any], key: str) -> float:
    seconds = _seconds(raw[key], key)
    if seconds < 0:
        raise RecordingError(f'"{key}" is {seconds}; it must not be negative')
    return seconds


def _epoch(raw: dict[str, Any], at: float) -> Entry:
    return ClockSet(_seconds(raw["epoch"], "epoch"), at)


_SHAPES: dict[tuple[str, ...], Callable[[dict[str, Any], float], Entry]] = {
    ("detector", "occupied"): _detector,
    ("bay", "occupied"): _bay,
    ("topic", "payload"): _message,
    ("correction",): _correction,
    ("closure",): _closure,
    ("adjustment",): _adjustment,
    ("recount",): _recount,
    ("recounted",): _recounted,
    ("undo",): _undo,
    ("service",): _service,
    ("sign_test",): _sign_test,
    ("override",): _override,
    ("neighbour",): _neighbour,
    ("down",): _down,
    ("down", "kept"): _down,
    ("was_down",): _was_down,
    ("epoch",): _epoch,
    ("detector", "lost"): _lost,
    ("unreadable",): _unreadable,
}


def _in_order(entry: Entry, last: float) -> Entry:
    if entry.at < last:
        raise RecordingError(f"t = {entry.at} is before {last}, the line above: put the lines in time order")
    return entry


@dataclass(slots=True)
class Reader:
    """Reads a recording, entry by entry. Every line is in one of ``read``, ``bad`` and ``empty``."""

    path: Path
    lenient: bool = False
    lines: int = 0
    read: int = 0
    bad: int = 0
    """Lines that ``lenient`` skipped; the first and the last of them, with why:"""
    first_bad: str = ""
    last_bad: str = ""
    empty: int = 0
    _raw: BinaryIO | None = None

    def position(self) -> int:
        """Return how many bytes of the file were taken so far."""
        return 0 if self._raw is None or self._raw.closed else self._raw.tell()

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries; raises RecordingError with file, line number and why, unless lenient."""
        last = -math.inf
        with self.path.open("rb") as self._raw:
            for line in self._lines(self._raw):
                if not line.strip():
                    self.empty += 1
                    continue
                try:
                    entry = _in_order(read_line(_decoded(line)), last)
                except RecordingError as error:
                    self._refuse(str(error))
                    continue
                last = entry.at
                self.read += 1
                yield entry

    def _lines(self, raw: BinaryIO) -> Iterator[bytes]:
        """Yield and count the lines, unpacking gzip. Never more than one line is in memory, and none too long."""
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.GzipFile(fileobj=raw) if packed else contextlib.nullcontext(raw) as file:
            try:
                while line := file.readline(MAX_LINE + 1):
                    self.lines += 1
                    if len(line) <= MAX_LINE:
                        yield line.removeprefix(codecs.BOM_UTF8) if self.lines == 1 else line
                        continue
                    self._refuse(f"the line is longer than {MAX_LINE} bytes")
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MAX_LINE)
            except (EOFError, OSError, zlib.error) as error:  # a gzip file that was cut off, or is damaged
                self.lines += 1
                self._refuse(f"can't be read any further: {error}")

    def _refuse(self, why: str) -> None:
        message = f"{self.path}, line {self.lines}: {why}"
        if not self.lenient:
            raise RecordingError(message)
        self.bad += 1
        self.first_bad = self.first_bad or message
        self.last_bad = message


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordingError(f"not UTF-8 at byte {error.start + 1} of the line") from None
