"""The barrier's contact as a witness, told as stories: R+ is the arm up, R- the arm down."""

import pytest
from domain_lanes import one_way, seasoned, story
from hypothesis import given
from hypothesis import strategies as st

from controller.domain import barrier
from controller.domain.barrier import HELD_S, SETTLES_S, Opening
from controller.domain.learned import NOTHING_LEARNED
from controller.domain.report import PassageKind
from controller.domain.specs import Direction, Role

ENTRY = one_way(Direction.ENTRY, barrier=True)
EXIT = one_way(Direction.EXIT, barrier=True)


def test_a_vehicle_claims_its_opening_and_is_certain() -> None:
    told = story(ENTRY, "A+0 R+4 B+5 A-6 B-7 R-9", state=seasoned(ENTRY))
    assert (told.kinds, told.expected, told.state.openings) == (["entry"], 1.0, ())
    assert told.passages[0].tailgating is False


def test_who_has_no_opening_of_his_own_tailgates() -> None:
    told = story(ENTRY, "A+0 R+4 B+5 A-6 A+6.5 B-7 B+7.5 A-8.5 B-9.5 R-12", state=seasoned(ENTRY))
    assert told.kinds == ["entry", "entry"]
    assert told.passages[1].tailgating


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("A+0 R+2 A-4 R-7", 0.8, 1.0),
        ("A+0 A-4", 0.0, 0.1),
        ("R+0 B+2 B-4 R-7", 0.95, 1.0),
        ("B+0 B-2", 0.0, 0.6),
        ("R+0 R-6", 0.7, 0.95),
    ],
    ids=["outer and opening", "outer without", "inner after opening", "inner without", "opening alone"],
)
def test_the_barrier_tells_a_vehicle_from_somebody_else(text: str, least: float, most: float) -> None:
    told = story(ENTRY, text, state=seasoned(ENTRY))
    assert least <= told.expected <= most


def test_a_vehicle_that_no_loop_saw_is_told_when_every_passage_through_the_opening_would_have_been() -> None:
    told = story(ENTRY, "R+0 R-6", state=seasoned(ENTRY))
    (passage,) = told.passages
    assert (passage.seen_by, passage.kind) == (Role.BARRIER, PassageKind.ENTRY)
    assert (passage.began, passage.at) == (0.0, 6.0)
    assert story(EXIT, "R+0 R-6", state=seasoned(EXIT)).kinds == ["exit"]


def test_the_more_openings_nobody_claims_the_less_each_says() -> None:
    text = " ".join(f"R+{60 * i} R-{60 * i + 6}" for i in range(60))
    told = story(ENTRY, text, state=seasoned(ENTRY))
    assert told.passages[0].chance_in > 0.7
    assert told.passages[-1].chance_in < 0.4


def test_two_openings_tell_that_bumper_to_bumper_were_two_and_one_that_it_was_one() -> None:
    before = seasoned(ENTRY)
    two = story(ENTRY, "A+0 R+2 B+3 B-5 R-6 R+7 B+8 A-9 B-10 R-12", state=before)
    assert two.expected == pytest.approx(2, abs=0.15)
    one = story(ENTRY, "A+0 R+2 B+3 B-5 B+8 A-9 B-10 R-12", state=before)
    assert one.expected == pytest.approx(1, abs=0.15)


def test_a_back_out_uses_its_opening() -> None:
    told = story(ENTRY, "A+0 R+2 B+3 B-7 A-9 R-12", state=seasoned(ENTRY))
    assert [p.kind for p in told.passages] == [PassageKind.BACK_OUT]


def test_a_barrier_that_fell_behind_a_vehicle_tells_that_it_is_through() -> None:
    told = story(ENTRY, "A+0 R+2 B+3 A-4 R-7", state=seasoned(ENTRY))
    assert (told.kinds, told.expected) == (["entry"], 1.0)
    told = story(ENTRY, "A+0 R+2 B+3 A-4 R-7 A+60 R+63 B+64 A-65 B-66 R-68", state=seasoned(ENTRY))
    assert told.kinds == ["entry", "entry"]


def test_a_barrier_that_stands_open_says_nothing() -> None:
    before = seasoned(ENTRY)
    text = "R+0 " + " ".join(f"A+{i} B+{i + 1} A-{i + 2} B-{i + 3}" for i in range(60, 3000, 60))
    told = story(ENTRY, text, state=before)
    assert told.expected == 49
    assert {p.seen_by for p in told.passages} == {None}


def test_a_repeated_rise_gives_away_that_the_fall_was_lost() -> None:
    told = story(ENTRY, "A+0 R+4 B+5 A-6 B-7 R+64 R-70", state=seasoned(ENTRY))
    assert told.expected == pytest.approx(1.9, abs=0.15)


def test_openings_settle_some_time_after_their_fall_or_when_somebody_holds_them() -> None:
    up = barrier.changed((), up=True, at=10.0, repeated=False)
    assert barrier.due(up) == 10 + HELD_S + SETTLES_S
    down = barrier.changed(up, up=False, at=20.0, repeated=False)
    assert barrier.due(down) == 20 + SETTLES_S
    assert barrier.settled(down, 20 + SETTLES_S) == ((), (Opening(10.0, 20.0),))
    assert barrier.settled(up, 10 + HELD_S + SETTLES_S) == ((), ())
    assert barrier.due(()) is None


def test_a_fall_that_was_not_preceded_by_a_rise_is_nothing() -> None:
    assert barrier.changed((), up=False, at=1.0, repeated=False) == ()


@given(
    began=st.floats(0, 100),
    lasts=st.floats(0, 30),
    rise=st.floats(0, 100),
    up_s=st.floats(0, 30),
    chance=st.floats(0, 1),
)
def test_a_claim_takes_one_opening_or_none(
    *, began: float, lasts: float, rise: float, up_s: float, chance: float
) -> None:
    openings = (Opening(rise, rise + up_s), Opening(rise + up_s + 1))
    before = barrier.unclaimed(openings, began, began + lasts)
    left, found = barrier.claim(openings, began, began + lasts, chance)
    assert found is (before > 0)
    assert barrier.unclaimed(left, began, began + lasts) == before - (found and chance >= 0.5)


def test_odds_favour_as_many_vehicles_as_openings() -> None:
    for vehicles in (1, 2):
        assert barrier.odds(NOTHING_LEARNED, vehicles, vehicles=vehicles) > 10
        assert barrier.odds(NOTHING_LEARNED, vehicles - 1, vehicles=vehicles) < 0.2
