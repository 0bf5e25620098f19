"""Paths: when a nose is where, which spans it covers, and how a follower keeps behind its leader."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.simulator.motion import END_M_S, Course, Path, behind

speeds = st.floats(0.3, 8.0)
stops = st.floats(0.0, 30.0)


@st.composite
def forward(draw: st.DrawFn) -> Path:
    """A path that never goes back, from -5 m to 15 m."""
    course = Course(draw(st.floats(0, 20)), -5.0)
    for place in [*sorted(draw(st.lists(st.floats(-4.9, 14.9), max_size=4))), 15.0]:
        course.drive(place, draw(speeds)).wait(draw(stops))
    return course.path()


@st.composite
def to_and_fro(draw: st.DrawFn) -> Path:
    """A path with turns that ends outside of 0 to 10 m."""
    course = Course(0.0, -5.0)
    for place in draw(st.lists(st.floats(-4.0, 14.0), max_size=5)):
        course.drive(place, draw(speeds)).wait(draw(stops))
    return course.drive(draw(st.sampled_from([-5.0, 15.0])), draw(speeds)).path()


def test_a_course_is_where_it_was_driven_to() -> None:
    path = Course(10.0, -5.0).drive(3.0, 2.0).wait(4.0).drive(1.0, 0.5).path()
    assert path.times == (10.0, 14.0, 18.0, 22.0)
    assert path.places == (-5.0, 3.0, 3.0, 1.0)
    assert path.at(0.0) == -5.0
    assert path.at(12.0) == pytest.approx(-1.0)
    assert path.at(16.0) == 3.0
    assert path.at(20.0) == pytest.approx(2.0)
    assert path.at(23.0) == pytest.approx(1.0 + END_M_S)
    assert path.when(-9.0) == 10.0
    assert path.when(1.0) == pytest.approx(13.0)
    assert path.when(4.0) == pytest.approx(22.0 + 3.0 / END_M_S)


def test_a_halt_is_slow_before_and_after() -> None:
    path = Course(0.0, 0.0).halt(5.0, 2.0, 10.0).drive(10.0, 2.0).path()
    assert path.when(5.0) == pytest.approx(3.8 / 2 + 1.2)
    assert path.at(path.when(5.0) + 9.9) == 5.0
    assert path.when(6.2) == pytest.approx(path.when(5.0) + 10.0 + 1.2)


def test_spans_of_one_that_turns_back_twice() -> None:
    path = Course(0.0, -1.0).drive(3.0, 1.0).drive(1.0, 1.0).drive(5.0, 1.0).path()
    assert path.spans(0.0, 2.0) == [(1.0, 3.0), (5.0, 7.0)]
    assert path.spans(0.0, 3.5) == [(1.0, 8.5)]


@given(to_and_fro(), st.floats(0.0, 5.0), st.floats(0.5, 5.0), st.floats(0.0, 1.0))
def test_spans_are_when_the_nose_is_between(path: Path, low: float, size: float, share: float) -> None:
    spans = path.spans(low, low + size)
    assert all(start <= end for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    time = share * path.times[-1]
    place = path.at(time)
    if min(abs(place - low), abs(place - low - size)) > 1e-6:
        assert any(start < time < end for start, end in spans) is (low < place < low + size)


@given(forward(), forward(), st.floats(0.0, 2.0), st.floats(5.0, 8.0), st.floats(0.0, 1.0))
def test_a_follower_drives_as_it_likes_but_never_beyond_its_limit(
    own: Path, leader: Path, later_s: float, back_m: float, share: float
) -> None:
    limit = leader.shifted(later_s, back_m)
    begins = max(own.times[0], limit.when(own.places[0]))
    own = own.shifted(begins - own.times[0], 0.0)
    path = behind(own, limit)
    assert path.times[0] == own.times[0]
    assert path.places[-1] >= own.places[-1] - 1e-6
    assert all(a <= b for a, b in itertools.pairwise(path.times))
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(path.places))
    time = path.times[0] + share * (path.times[-1] - path.times[0])
    assert path.at(time) == pytest.approx(min(own.at(time), limit.at(time)), abs=1e-6)
