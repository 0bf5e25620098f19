"""A simulated run as files: the recording that ``replay`` reads, its site file, and the truth to compare with.

    recording.jsonl.gz   every reported level, in the format of ``controller.recording``
    site.toml            the site file of this lot, as a user would write it
    truth.csv            t, inside: a row at t = 0 and at every change of the true number
    passages.csv         t, lane, vehicle, did, change, trace: what everybody did in a lane, and what was seen of it
    scenario.toml        the scenario with all defaults filled in
    run.json             which run this is, and what it was made of

Lot time runs on while the controller is off, as it does after a restart of the service, so that all times are of one
clock. The same scenario and seed write the same bytes, whenever and wherever that is.
"""

import contextlib
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from controller import __version__
from controller.domain.events import BayChanged, ClockSet, DetectorChanged, WentDown
from controller.recording import Entry, write_line
from controller.simulator.demand import DAY_S
from controller.simulator.happenings import Done, Happening, Inside, Level, Off
from controller.simulator.scenario import as_text
from controller.simulator.scenario_tables import Scenario
from controller.simulator.season import Season

EPOCH = 1_764_547_200
"""Unix time of t = 0: Monday, 2025-12-01, 00:00 UTC."""

CHUNK_S = DAY_S / 4
"""How often progress is told."""


@dataclass(slots=True)
class Summary:
    """What a run was made of."""

    vehicles: int = 0
    balked: int = 0
    circled: int = 0
    full_share: float = 0.0
    """Share (0-1) of the time in which no space was free."""
    empty_share: float = 0.0
    least_inside: int = 0
    most_inside: int = 0
    lines: int = 0
    did: Counter[str] = field(default_factory=Counter)
    traces: Counter[str] = field(default_factory=Counter)
    """What the sensors made of entries and exits."""


def simulate(
    name: str,
    scenario: Scenario,
    *,
    seed: int,
    days: float,
    out: Path,
    progress: Callable[[float], None] = lambda _: None,
) -> Summary:
    """Run a scenario and write its files into the folder ``out``; ``progress`` hears how many days are done."""
    out.mkdir(parents=True, exist_ok=True)
    season = Season(scenario, seed)
    bays = frozenset(season.instruments.field.names)
    with _csv(out / "truth.csv") as truth, _csv(out / "passages.csv") as passages, _packed(out) as recording:
        writer = _Writer(scenario, bays, recording, truth, passages)
        while season.now_s < days * DAY_S:
            until_s = min(days * DAY_S, season.now_s + CHUNK_S)
            for happening in season.advance(until_s):
                writer.write(happening)
            progress(season.now_s / DAY_S)
    summary = writer.summary(season)
    (out / "site.toml").write_text(site_text(name, scenario, season), "utf-8", newline="\n")
    (out / "scenario.toml").write_text(as_text(scenario), "utf-8", newline="\n")
    run = {
        "scenario": name,
        "seed": seed,
        "days": days,
        "epoch": EPOCH,
        "zone": scenario.lot.zone,
        "capacity": scenario.lot.capacity,
        "vehicles": summary.vehicles,
        "balked": summary.balked,
        "circled": summary.circled,
        "full_share": round(summary.full_share, 6),
        "did": dict(sorted(summary.did.items())),
        "traces": dict(sorted(summary.traces.items())),
        "faults": [
            {"detector": e.detector, "kind": e.kind, "from": round(e.from_s, 3), "until": round(e.until_s, 3)}
            for e in season.instruments.episodes
        ],
        "version": __version__,
    }
    (out / "run.json").write_text(json.dumps(run, indent=2) + "\n", "utf-8", newline="\n")
    return summary


@contextlib.contextmanager
def _packed(out: Path) -> Iterator[IO[str]]:
    """Open the recording for writing; its gzip header has no time and no name, so that equal runs are equal files."""
    path = out / "recording.jsonl.gz"
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
    ):
        yield text


def _csv(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8", newline="")


class _Writer:
    """Puts each happening into its file, and keeps the tally."""

    def __init__(
        self, scenario: Scenario, bays: frozenset[str], recording: IO[str], truth: IO[str], passages: IO[str]
    ) -> None:
        self._capacity = scenario.lot.capacity
        self._bays = bays
        self._recording, self._truth, self._passages = recording, truth, passages
        self._summary = Summary()
        self._inside, self._since_s, self._back_s = 0, 0.0, 0.0
        self._spent_s: dict[int, float] = {}
        truth.write("t,inside\n")
        passages.write("t,lane,vehicle,did,change,trace\n")
        self._line(ClockSet(EPOCH, 0.0))

    def write(self, happening: Happening) -> None:
        """Write what happened."""
        at_s = round(happening.at_s, 3)
        match happening:
            case Level():
                event = BayChanged if happening.name in self._bays else DetectorChanged
                self._line(event(happening.name, happening.occupied, at_s))
            case Off():
                self._line(WentDown(happening.seconds, at_s))
            case Inside():
                self._spend(at_s)
                self._inside = happening.number
                self._truth.write(f"{at_s:.3f},{happening.number}\n")
            case Done():
                self._passed(happening, at_s)

    def _line(self, entry: Entry) -> None:
        self._recording.write(write_line(entry) + "\n")
        self._summary.lines += 1

    def _passed(self, done: Done, at_s: float) -> None:
        vehicle = "" if done.vehicle is None else done.vehicle
        self._passages.write(f"{at_s:.3f},{done.lane},{vehicle},{done.did},{done.change},{done.trace}\n")
        self._summary.did[done.did] += 1
        if done.change:
            self._summary.traces[done.trace] += 1

    def _spend(self, until_s: float) -> None:
        self._spent_s[self._inside] = self._spent_s.get(self._inside, 0.0) + until_s - self._since_s
        self._since_s = until_s

    def summary(self, season: Season) -> Summary:
        """Return the tally of the whole run."""
        self._spend(season.now_s)
        spent = {number: seconds for number, seconds in self._spent_s.items() if seconds > 0}
        total_s = sum(spent.values()) or 1.0
        summary = self._summary
        summary.vehicles, summary.balked = season.counts["visits"], season.counts["balked"]
        summary.circled = season.counts["circled"]
        summary.full_share = sum(s for n, s in spent.items() if n >= self._capacity) / total_s
        summary.empty_share = spent.get(0, 0.0) / total_s
        summary.least_inside, summary.most_inside = min(spent, default=0), max(spent, default=0)
        return summary


def site_text(name: str, scenario: Scenario, season: Season) -> str:
    """Return the site file of a run's lot, as a user would write it; ``season`` has just begun, or run."""
    lot = scenario.lot
    lines = [
        f"# The lot of the simulated scenario {name}. Times are UTC.",
        "[lot]",
        f"name = {json.dumps(name, ensure_ascii=False)}",
        'timezone = "UTC"',
        "",
        "[[zone]]",
        f'name = "{lot.zone}"',
        f"capacity = {lot.capacity}",
        f"full_at = {lot.full_at}",
    ]
    if lot.start_known:
        lines.append(f"initial_occupied = {season.inside_at_start}")
    gpio = 0
    for lane, table in scenario.lane.items():
        lines += ["", "[[lane]]", f'name = "{lane}"', f'zone = "{lot.zone}"', f'direction = "{table.direction}"']
        for role in table.roles:
            lines.append(f"{role} = {{ gpio = {gpio} }}")
            gpio += 1
    for bay in season.instruments.field.names:
        lines += ["", "[[bay]]", f'name = "{bay}"', f'zone = "{lot.zone}"', f'mqtt = "bays/{bay}"']
    lines += ["", "[[sign]]", 'name = "entrance"', f'zone = "{lot.zone}"', 'driver = "emulator"']
    lines += ["width = 64", "height = 16"]
    return "\n".join(lines) + "\n"
