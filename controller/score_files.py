"""The files that a score is made from: the truth (``truth.csv``), what was shown (a replay's CSV), and ``run.json``.

All are read into step functions: a value holds from its time until the next one. Where two rows have the same time, the
later one holds. Times are in seconds of lot time.
"""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TRUTH_COLUMNS = ("t", "inside")
SHOWN_COLUMNS = ("t", "zone", "free", "low", "high", "status", "message")
STATUSES = ("OPEN", "NEARLY_FULL", "FULL", "CLOSED", "UNKNOWN")
DAY_S = 86_400.0


class ScoreError(ValueError):
    """A file that can't be scored: says which, where, what stands there, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Truth:
    """How many vehicles were inside, from each time on; both of one length (at least 1), times ascending."""

    t: Floats
    inside: Floats


@dataclass(frozen=True, slots=True)
class Shown:
    """What a zone's sign showed, from each time on; all of one length (at least 1), times ascending.

    ``free``, ``low`` and ``high`` are NaN where there was no number. ``offers``: drivers are told that there are spaces
    (OPEN or NEARLY_FULL, and the sign is not dark).
    """

    t: Floats
    free: Floats
    low: Floats
    high: Floats
    full: Flags
    closed: Flags
    dark: Flags
    offers: Flags


@dataclass(frozen=True, slots=True)
class Run:
    """What a recording's folder says of itself."""

    zone: str
    capacity: int
    days: float | None
    """How long the run was; None: until the truth's last row."""


def read_run(path: Path) -> Run:
    """Read ``run.json``; raises ScoreError when it can't be used."""
    try:
        raw = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ScoreError(
            f"{path}: not there. Give the folder that simulate wrote, or write the file: "
            '{"zone": "customers", "capacity": 80, "days": 30}'
        ) from None
    except OSError as error:
        raise ScoreError(f"{path}: can't be read ({error.strerror}). Check the path") from None
    except ValueError as error:
        raise ScoreError(f"{path}: not JSON ({error}). Mend it") from None
    if not isinstance(raw, dict):
        raise ScoreError(f'{path}: not an object. Write {{"zone": "customers", "capacity": 80, "days": 30}}')
    zone, capacity, days = raw.get("zone"), raw.get("capacity"), raw.get("days")
    if not isinstance(zone, str) or not zone:
        raise _bad_key(path, "zone", zone, "the name of the zone that truth.csv tells of")
    if not _is_number(capacity) or capacity < 1 or capacity != int(capacity):
        raise _bad_key(path, "capacity", capacity, "a whole number of spaces, at least 1")
    if days is not None and (not _is_number(days) or days <= 0):
        raise _bad_key(path, "days", days, "the length of the run in days, above 0")
    return Run(zone, int(capacity), None if days is None else float(days))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _bad_key(path: Path, key: str, value: object, mend: str) -> ScoreError:
    said = "missing" if value is None else f"{json.dumps(value)[:60]}, which can't be"
    return ScoreError(f'{path}: "{key}" is {said}. Write {mend}')


def read_truth(path: Path) -> Truth:
    """Read ``truth.csv``; raises ScoreError with the line that is wrong."""
    times: list[float] = []
    inside: list[float] = []
    for where, (t, number) in _rows(path, TRUTH_COLUMNS):
        times.append(_time(where, t, times))
        inside.append(_count(where, "inside", number))
    if not times:
        raise ScoreError(f"{path}: no rows. Write the number inside at t = 0, and a row at every change")
    return Truth(np.array(times), np.array(inside))


def read_shown(path: Path, zone: str) -> Shown:
    """Read what a replay says of a zone; raises ScoreError with the line that is wrong."""
    times: list[float] = []
    numbers: list[list[float]] = []
    words: list[tuple[bool, ...]] = []
    zones: set[str] = set()
    for where, (t, name, *levels, status, message) in _rows(path, SHOWN_COLUMNS):
        zones.add(name)
        if name != zone:
            continue
        if status not in STATUSES:
            raise ScoreError(f"{where}: status is {status!r}. It must be one of {', '.join(STATUSES)}")
        times.append(_time(where, t, times))
        labelled = zip(("free", "low", "high"), levels, strict=True)
        numbers.append([_count(where, key, text) if text else math.nan for key, text in labelled])
        words.append((status == "FULL", status == "CLOSED", not message, status in {"OPEN", "NEARLY_FULL"}))
    if not times:
        raise ScoreError(
            f'{path}: no row of zone "{zone}"; its zones: {", ".join(sorted(zones)) or "none"}. '
            "Replay the recording with the site file of its own folder"
        )
    free, low, high = np.array(numbers).T
    full, closed, dark, is_open = np.array(words, dtype=bool).T
    return Shown(np.array(times), free, low, high, full, closed, dark, is_open & ~dark)


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (file and line, the columns' values in order) for each row."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            heading = next(reader, [])
            missing = [name for name in columns if name not in heading]
            if missing:
                raise ScoreError(
                    f"{path}, line 1: no column {', '.join(missing)} among {', '.join(heading) or 'none'}. "
                    f"The heading must be {','.join(columns)}"
                )
            places = [heading.index(name) for name in columns]
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if len(row) != len(heading):
                    raise ScoreError(
                        f"{where}: {len(row)} values under {len(heading)} columns. Was the file cut off? Write it anew"
                    )
                yield where, [row[place] for place in places]
    except FileNotFoundError:
        raise ScoreError(f"{path}: not there. Check the path") from None
    except OSError as error:
        raise ScoreError(f"{path}: can't be read ({error.strerror}). Check the path") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScoreError(f"{path}: not a CSV file ({error}). Write it anew") from None


def _time(where: str, text: str, before: list[float]) -> float:
    t = _number(where, "t", text, "seconds")
    if before and t < before[-1]:
        raise ScoreError(f"{where}: t = {text} is before {before[-1]}, the row above. Put the rows in time order")
    return t


def _count(where: str, key: str, text: str) -> float:
    return _number(where, key, text, "a number of vehicles")


def _number(where: str, key: str, text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ScoreError(f"{where}: {key} is {text!r}. It must be {what}")
    return value
