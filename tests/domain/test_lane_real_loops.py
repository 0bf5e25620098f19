"""Four lanes of real one-way traffic (tests/data/loops): how often do we claim that somebody drove against it?

    python -m pytest tests/domain/test_lane_real_loops.py -s -k figures

prints the figures of each lane. A vehicle group is a maximal span in which any loop of the pair is covered; a passage
belongs to the group in which its vehicle began.
"""

from bisect import bisect_right
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from domain_lanes import Watched, watch
from domain_lots import QUIET_S

from controller.domain.events import DetectorChanged
from controller.domain.report import PassageKind
from controller.recording import Reader
from controller.site import load

DATA = Path(__file__).parent.parent / "data" / "loops"
GROUPS = {"d4_d3": 667, "d37_d19": 675, "d57_d20": 835, "d4_d42": 774}
PASSAGES = {"d4_d3": 642, "d37_d19": 640, "d57_d20": 786, "d4_d42": 631}
"""What the decoder makes of them: a change here is a change of the decoder, and wants a reason."""


@cache
def edges() -> tuple[DetectorChanged, ...]:
    return tuple(entry for entry in Reader(DATA / "signal_1136.jsonl.gz") if isinstance(entry, DetectorChanged))


@cache
def watched() -> dict[str, Watched]:
    told = {}
    for lane in load(DATA / "signal_1136.toml").lot.lanes:
        said = [edge for edge in edges() if edge.detector.startswith(f"{lane.name}.")]
        told[lane.name] = watch(lane, said, until=edges()[-1].at + QUIET_S)
    return told


def groups(lane: str) -> list[float]:
    """Return when each vehicle group of the lane began."""
    began: list[float] = []
    covered: set[str] = set()
    for edge in edges():
        if not edge.detector.startswith(f"{lane}."):
            continue
        if edge.occupied:
            if not covered:
                began.append(edge.at)
            covered.add(edge.detector)
        else:
            covered.discard(edge.detector)
    return began


def starts(lane: str) -> Counter[int]:
    """Say how many passages began in each vehicle group of the lane."""
    began = groups(lane)
    through = [p for p in watched()[lane].passages if p.kind in {PassageKind.ENTRY, PassageKind.EXIT}]
    return Counter(bisect_right(began, p.began) - 1 for p in through)


def test_the_recording_is_what_the_readme_says() -> None:
    assert {lane: len(groups(lane)) for lane in GROUPS} == GROUPS


def test_nobody_drives_against_one_way_traffic() -> None:
    assert list(watched()) == list(GROUPS)
    assert {lane: told.state.entries for lane, told in watched().items()} == PASSAGES
    assert sum(told.state.exits for told in watched().values()) == 0
    assert {p.chance_out for told in watched().values() for p in told.passages if p.seen_by is None} == {0.0}


def test_every_passage_is_certain_and_the_rest_touched_one_loop_only() -> None:
    for told in watched().values():
        assert {p.chance_in for p in told.passages if p.kind is PassageKind.ENTRY} == {1.0}
        assert all(p.seen_by is not None and p.chance_in < 0.5 for p in told.passages if p.kind is PassageKind.TOUCH)
        assert told.state.faults == ()


@pytest.mark.parametrize("lane", GROUPS)
def test_no_vehicle_group_starts_more_than_one_passage(lane: str) -> None:
    begun = starts(lane)
    assert begun.total() == PASSAGES[lane]
    assert min(begun) >= 0
    assert max(begun.values()) == 1


def test_figures_of_each_lane() -> None:
    print(f"\n{'lane':8} {'groups':>7} {'in':>5} {'out':>5} {'back-outs':>10} {'touches':>8} {'ambiguous':>10}")  # noqa: T201  asked for with -s
    for lane, count in GROUPS.items():
        now = watched()[lane].state
        print(  # noqa: T201
            f"{lane:8} {count:7} {now.entries:5} {now.exits:5} {now.back_outs:10} {now.touches:8} {now.ambiguous:10}"
        )
    assert sum(told.expected for told in watched().values()) == pytest.approx(sum(PASSAGES.values()), abs=15)
