"""Folders as simulate writes them, small enough to reckon by hand."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

HEADING = "t,zone,free,low,high,status,message"
Row = tuple[float, str, str, str, str, str]
"""t, free, low, high, status, message."""


def write_run(
    folder: Path, inside: Iterable[tuple[float, int]], *, capacity: int = 10, days: float | None = 1.0
) -> Path:
    """Write the truth and what the run says of itself; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["t,inside", *(f"{t:.3f},{number}" for t, number in inside)]
    (folder / "truth.csv").write_text("\n".join(lines) + "\n", "utf-8")
    run = {"scenario": "by hand", "zone": "customers", "capacity": capacity, "days": days}
    (folder / "run.json").write_text(json.dumps(run), "utf-8")
    return folder


def write_shown(path: Path, rows: Sequence[Row], zone: str = "customers") -> Path:
    """Write what a replay would have; return the path."""
    lines = [HEADING, *(",".join((f"{t:.3f}", zone, *words)) for t, *words in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def number(t: float, free: int, low: int | None = None, high: int | None = None) -> Row:
    """Return a row of a sign that shows a number, or FULL at 0."""
    status, message = ("FULL", "brak wolnych miejsc") if free == 0 else ("OPEN", str(free))
    return t, str(free), str(free if low is None else low), str(free if high is None else high), status, message
