"""The files of a run: equal for equal seeds, the truth in step with the passages, and a recording that replay takes."""

import csv
import gzip
import io
import itertools
import json
from pathlib import Path

import pytest

from controller import __version__
from controller.domain.events import ClockSet, DetectorChanged, WentDown
from controller.domain.specs import Direction
from controller.recording import Reader
from controller.replay import Replay
from controller.simulator.scenario import load
from controller.simulator.simulated import EPOCH, Summary, simulate
from controller.site import load as load_site

FILES = {"recording.jsonl.gz", "site.toml", "truth.csv", "passages.csv", "scenario.toml", "run.json"}


def simulated(out: Path, name: str, *settings: str, days: float = 1.0, seed: int = 1) -> Summary:
    return simulate(name, load(name, settings), seed=seed, days=days, out=out)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["office80-barrier-3", "residents80-bays20", "shop20"])
def test_a_seed_writes_the_same_bytes(name: str, tmp_path: Path) -> None:
    for folder in ("once", "again"):
        simulated(tmp_path / folder, name)
    assert {path.name for path in (tmp_path / "once").iterdir()} == FILES
    for file in FILES:
        assert (tmp_path / "once" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    simulated(tmp_path / "other", name, seed=2)
    changed = {f for f in FILES if (tmp_path / "other" / f).read_bytes() != (tmp_path / "once" / f).read_bytes()}
    assert changed >= FILES - {"scenario.toml", "site.toml"}


@pytest.mark.parametrize("name", ["office80-barrier-3", "residents80", "shop20", "office80-restarts"])
def test_the_truth_is_the_sum_of_the_passages(name: str, tmp_path: Path) -> None:
    simulated(tmp_path, name, days=2.0)
    truth = [(row["t"], int(row["inside"])) for row in rows(tmp_path / "truth.csv")]
    changes = [(row["t"], int(row["change"])) for row in rows(tmp_path / "passages.csv") if row["change"] != "0"]
    assert truth[0][0] == "0.000"
    assert [t for t, _ in truth[1:]] == [t for t, _ in changes]
    assert [b - a for (_, a), (_, b) in itertools.pairwise(truth)] == [change for _, change in changes]
    assert all(a <= b for a, b in itertools.pairwise(float(t) for t, _ in truth))


def test_every_row_of_the_passages_makes_sense(tmp_path: Path) -> None:
    summary = simulated(tmp_path, "shop80-3", days=2.0)
    found = rows(tmp_path / "passages.csv")
    assert list(found[0]) == ["t", "lane", "vehicle", "did", "change", "trace"]
    for row in found:
        assert row["change"] == {"entry": "1", "exit": "-1"}.get(row["did"], "0")
        assert row["did"] in {"entry", "exit", "back_out", "touch", "manoeuvre", "ghost"}
        assert row["trace"] in {"full", "outer_only", "inner_only", "lost_edge", "merged", "none"}
        assert (row["vehicle"] == "") is (row["did"] == "ghost")
        assert row["lane"] in {"entry", "exit"}
    assert sum(summary.did.values()) == len(found)
    inside: set[str] = set()
    for row in found:
        if row["did"] == "entry":
            assert row["vehicle"] not in inside
            inside.add(row["vehicle"])
        inside.discard(row["vehicle"] if row["did"] == "exit" else "")
    assert len(inside) <= 85


@pytest.mark.parametrize("name", ["perfect-shop80", "office80-barrier-3", "residents80-bays100", "office80-restarts"])
def test_replay_takes_the_recording_without_a_strange_line(name: str, tmp_path: Path) -> None:
    summary = simulated(tmp_path, name, days=1.5)
    site = load_site(tmp_path / "site.toml")
    shown = io.StringIO()
    replay = Replay(site, shown)
    replay.run(Reader(tmp_path / "recording.jsonl.gz"))
    assert replay.tally.entries == summary.lines
    assert replay.state.strange == 0
    assert replay.tally.rows > 20


def test_the_recording_begins_with_the_clock_and_every_level(tmp_path: Path) -> None:
    simulated(tmp_path, "office80-barrier-3", days=0.5)
    entries = list(Reader(tmp_path / "recording.jsonl.gz"))
    assert entries[0] == ClockSet(EPOCH, 0.0)
    assert EPOCH % 86_400 == 0
    assert (EPOCH // 86_400 + 3) % 7 == 0  # 1970-01-01 was a Thursday: a Monday
    lanes = load_site(tmp_path / "site.toml").lot.lanes
    names = [detector.name for lane in lanes for detector in lane.detectors]
    assert entries[1 : 1 + len(names)] == [DetectorChanged(name, occupied=False, at=0.0) for name in names]


def test_lot_time_runs_on_while_the_controller_is_off(tmp_path: Path) -> None:
    simulated(tmp_path, "office80-restarts", "restarts.per_30_days=600", days=2.0)
    entries = list(Reader(tmp_path / "recording.jsonl.gz"))
    downs = [number for number, entry in enumerate(entries) if isinstance(entry, WentDown)]
    assert len(downs) > 10
    for number in downs:
        down, after = entries[number], entries[number + 1 : number + 5]
        assert isinstance(down, WentDown)
        assert 20 <= down.seconds <= 300
        assert [entry.at for entry in after] == [pytest.approx(down.at + down.seconds, abs=0.0021)] * 4
        assert len({entry.detector for entry in after if isinstance(entry, DetectorChanged)}) == 4


def test_the_site_file_is_that_of_the_lot(tmp_path: Path) -> None:
    simulated(tmp_path, "office80-barrier-3", "lot.full_at=2", days=0.1)
    site = load_site(tmp_path / "site.toml")
    (zone,) = site.lot.zones
    truth = rows(tmp_path / "truth.csv")
    assert (zone.name, zone.capacity, zone.full_at) == ("customers", 80, 2)
    assert zone.initial_occupied == int(truth[0]["inside"])
    assert [lane.direction for lane in site.lot.lanes] == [Direction.ENTRY, Direction.EXIT]
    assert all(lane.barrier is not None for lane in site.lot.lanes)
    simulated(tmp_path, "residents80-unknown", days=0.1)
    site = load_site(tmp_path / "site.toml")
    assert site.lot.zones[0].initial_occupied is None
    assert all(lane.barrier is None for lane in site.lot.lanes)
    simulated(tmp_path, "residents80-bays20", days=0.1)
    assert len(load_site(tmp_path / "site.toml").lot.bays) == 16
    simulated(tmp_path, "shop20", days=0.1)
    assert [lane.direction for lane in load_site(tmp_path / "site.toml").lot.lanes] == [Direction.BOTH]


def test_the_run_says_what_it_was(tmp_path: Path) -> None:
    fault = "fault.stuck={kind='stuck', detectors=['exit.inner'], at_days=[0.5], lasts_h=[3, 3]}"
    summary = simulated(tmp_path, "office80-1", fault, days=1.0, seed=7)
    run = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert (run["scenario"], run["seed"], run["days"], run["epoch"]) == ("office80-1", 7, 1.0, EPOCH)
    assert (run["zone"], run["capacity"], run["version"]) == ("customers", 80, __version__)
    assert run["vehicles"] == summary.vehicles > 50
    assert run["full_share"] == pytest.approx(summary.full_share, abs=1e-6)
    assert run["faults"] == [{"detector": "exit.inner", "kind": "stuck", "from": 43200.0, "until": 54000.0}]
    assert sum(run["traces"].values()) == run["did"]["entry"] + run["did"]["exit"]
    assert load(str(tmp_path / "scenario.toml")).fault["stuck"].lasts_h == (3.0, 3.0)


def test_the_summary_weighs_by_time(tmp_path: Path) -> None:
    summary = simulated(tmp_path, "office80-1", days=3.0, seed=2)
    truth = [(float(row["t"]), int(row["inside"])) for row in rows(tmp_path / "truth.csv")]
    ends = [*(t for t, _ in truth[1:]), 3 * 86_400.0]
    full = sum(end - t for (t, inside), end in zip(truth, ends, strict=True) if inside >= 80)
    assert summary.full_share == pytest.approx(full / (3 * 86_400))
    assert summary.most_inside == max(inside for _, inside in truth)
    with gzip.open(tmp_path / "recording.jsonl.gz", "rt", encoding="utf-8") as file:
        assert summary.lines == sum(1 for _ in file)


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[float] = []
    simulate("shop20", load("shop20"), seed=1, days=0.6, out=tmp_path, progress=told.append)
    assert told == [0.25, 0.5, 0.6]
