"""The belief over what it is told: exact where all is told; of the rest it knows what bays and experience say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from controller.accuracy import told
from controller.accuracy.told import BayHeard, Heard
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Direction, LaneSpec, LotSpec, Role, ZoneSpec
from controller.score import mae_of, timeline
from controller.score_files import Run, Truth

HOUR = 3600.0
ZONE = ZoneSpec("customers", 20, initial_occupied=3)
ONE_DAY = Run("customers", 20, 1.0)
LOT = LotSpec(
    "lot",
    (ZONE,),
    (
        LaneSpec("in", "customers", direction=Direction.ENTRY),
        LaneSpec("out", "customers", direction=Direction.EXIT),
    ),
)
MONDAY = 1_764_547_200.0


def write_passages(path: Path) -> Path:
    rows = [
        "t,lane,vehicle,did,change,trace",
        "10,in,1,entry,1,full",
        "20,in,2,entry,1,none",
        "30,in,3,touch,0,outer_only",
        "40,out,4,back_out,0,inner_only",
        "50,in,,ghost,0,outer_only",
        "60,out,1,exit,-1,lost_edge",
    ]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def day(by: list[int]) -> tuple[list[Heard], Truth]:
    """Return one passage an hour, and what is then truly inside."""
    heard = [Heard(HOUR * (n + 1), float(b > 0), float(b < 0), b) for n, b in enumerate(by)]
    inside = 3 + np.cumsum([0, *by])
    return heard, Truth(np.array([0.0, *(h.at for h in heard)]), inside.astype(float))


def test_what_left_a_trace_is_told_and_what_left_none_is_not(tmp_path: Path) -> None:
    path = write_passages(tmp_path / "passages.csv")
    seen = told.truly(path, LOT)
    assert [(h.at, h.by, h.turned) for h in seen] == [(10, 1, 0), (30, 0, 1), (60, -1, 0)]
    assert [h.at for h in told.truly(path, LOT, all_of_them=True)] == [10, 20, 30, 60]
    assert told.unseen(path) == pytest.approx(1 / 2)


def test_what_the_decoder_made_of_it_keeps_its_chances() -> None:
    sure = Passage("in", PassageKind.ENTRY, 4.0, 1.0, chance_in=1.0)
    soft = Passage("in", PassageKind.TOUCH, 9.0, 8.0, chance_in=0.3, seen_by=Role.OUTER)
    away = Passage("out", PassageKind.TOUCH, 19.0, 18.0, chance_out=0.2, seen_by=Role.OUTER)
    found = told.decoded(LOT, [(4.5, sure), (9.5, soft), (19.5, away)])
    assert [(h.at, h.by) for h in found] == [(4.5, 1), (9.5, 0), (19.5, 0)]
    assert [h.turned for h in found] == pytest.approx([0, 0.7, 0]), "nobody turns away on the way out"


def test_another_one_that_may_have_gone_along_counts_by_its_chance() -> None:
    pair = Passage("in", PassageKind.ENTRY, 4.0, 1.0, chance_in=1.0, another=0.7)
    heard = told.decoded(LOT, [(4.5, pair)])
    assert heard[0].another == 0.7
    found = told.shown(ZONE, heard, [], ONE_DAY, MONDAY, 0.0)
    alone = told.shown(ZONE, [replace(heard[0], another=0.0)], [], ONE_DAY, MONDAY, 0.0)
    assert found.low.min() == alone.low.min() - 1


def test_it_is_exact_where_every_passage_is_told() -> None:
    heard, truth = day([1, 1, -1, 1, -1, -1, -1, 1])
    found = told.shown(ZONE, heard, [], ONE_DAY, MONDAY, 0.0)
    assert mae_of(timeline(truth, found, ONE_DAY)) == 0


def test_a_vehicle_that_nobody_told_is_missing() -> None:
    heard, truth = day([1, 1, -1, 1])
    found = told.shown(ZONE, heard[:-1], [], ONE_DAY, MONDAY, 0.0)
    assert mae_of(timeline(truth, found, ONE_DAY)) == pytest.approx(20 / 24)


def test_bays_tell_what_passages_do_not() -> None:
    heard, truth = day([1] * 8)
    blind = told.shown(ZONE, heard[:4], [], ONE_DAY, MONDAY, 0.1)
    first = [BayHeard(1.0, None, n < 3) for n in range(20)]
    taken = [BayHeard(h.at, was=False, now=True) for h in heard]
    seeing = told.shown(ZONE, heard[:4], [*first, *taken], ONE_DAY, MONDAY, 0.1)
    off = [mae_of(timeline(truth, found, ONE_DAY)) for found in (blind, seeing)]
    assert off[0] is not None
    assert off[1] is not None
    assert off[1] < off[0] / 2


def test_experience_is_the_rhythm_of_other_runs_and_nothing_of_their_number() -> None:
    heard, truth = day([1, 1, -1, 1, -1, -1, -1, 1])
    known = told.experienced(ZONE, [(heard, 3), (heard, 3)], MONDAY, 1.0)
    assert known is not None
    found = told.shown(replace(ZONE, initial_occupied=3), heard, [], ONE_DAY, MONDAY, 0.01, known)
    assert found.free[0] == 17
    once = told.experienced(ZONE, [(heard, 3)], MONDAY, 1.0)
    assert once is not None
    assert known.rhythm != once.rhythm
    assert mae_of(timeline(truth, found, ONE_DAY)) == pytest.approx(0, abs=0.2)
