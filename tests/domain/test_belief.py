"""The belief about the number inside: always a proper distribution, exact where passages are, and moved by evidence."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from controller.domain import belief as beliefs
from controller.domain import occupancy
from controller.domain.belief import GRID_S
from controller.domain.believed import Belief, Passing, moments
from controller.domain.chances import Array, size
from controller.domain.rhythm import DAY_S
from controller.domain.specs import ZoneSpec

MONDAY = 1_699_833_600.0
"""Unix time of a Monday, 00:00 UTC: the zero of lot time here."""
ENTRY, EXIT = Passing(1.0, 0.0), Passing(0.0, 1.0)
CAPACITIES = (1, 2, 500, 10_000)


@dataclass(frozen=True)
class Zone:
    """A belief, and what time it is: passages leave their time to be weighed later."""

    belief: Belief
    now: float = 0.0
    inside: int = 0
    """How many truly are inside, after a busy time."""

    @property
    def unix(self) -> float:
        return MONDAY + self.now

    @property
    def chances(self) -> Array:
        return np.frombuffer(self.belief.chances)

    @property
    def likeliest(self) -> int:
        return int(self.chances.argmax())

    @property
    def middle(self) -> int:
        """The median: what is shown."""
        return int(beliefs.at_most(self.belief).searchsorted(0.5))

    @property
    def mean(self) -> float:
        return moments(self.belief)[0]

    @property
    def spread(self) -> float:
        return moments(self.belief)[1]

    @property
    def full(self) -> float:
        """The chance that no space is free."""
        return float(self.chances[self.belief.capacity :].sum())

    def passed(self, what: Passing, after_s: float = 0.0) -> "Zone":
        now = self.now + after_s
        return Zone(beliefs.passed(self.belief, what, now), now)

    def waited(self, lasted_s: float, seen_in: float = 1.0, seen_out: float = 1.0, *, obeyed: bool = False) -> "Zone":
        now = self.now + lasted_s
        return Zone(beliefs.waited(self.belief, now, seen_in, seen_out, obeyed=obeyed), now)

    def turned_away(self, chance: float = 1.0, after_s: float = 0.0) -> "Zone":
        now = self.now + after_s
        return Zone(beliefs.turned_away(self.belief, now, chance), now)

    def corrected(self, occupied: int) -> "Zone":
        return Zone(beliefs.corrected(self.belief, occupied, self.now, self.unix), self.now)

    def missed(self, lasted_s: float, share_in: float, share_out: float) -> "Zone":
        return Zone(beliefs.missed(self.belief, lasted_s, share_in, share_out), self.now)

    def taught(self) -> "Zone":
        """Weigh the time so far, and learn, as it happens every few minutes."""
        belief = beliefs.waited(self.belief, self.now, 1.0, 1.0)
        return Zone(beliefs.taught(belief, self.unix), self.now)

    def lived(self, lasted_s: float) -> "Zone":
        """Let time pass without a passage, weighed and taught as it is in a lot."""
        zone, end = self, self.now + lasted_s
        while zone.now < end:
            zone = zone.waited(min(end, (zone.now // GRID_S + 1) * GRID_S) - zone.now).taught()
        return zone

    def busy(self, days: float, hours: tuple[int, int] = (0, 24), stay_s: float = 7200.0, seed: int = 1) -> "Zone":
        """Let vehicles come in these hours so that about as many stay, each for so long, all by chance.

        By chance indeed: where one comes for each that leaves, strictly by turns, that is a full lot's way.
        """
        zone, end, chance = self, self.now + days * DAY_S, np.random.default_rng(seed)
        usual = inside = round(self.mean)
        while zone.now < end:
            grid = (zone.now // GRID_S + 1) * GRID_S
            if hours[0] <= zone.now % DAY_S / 3600 < hours[1]:
                left, came = chance.binomial(inside, GRID_S / stay_s), chance.poisson(usual * GRID_S / stay_s)
                came = min(came, self.belief.capacity - inside)
                for what in chance.permutation([0] * left + [1] * came):
                    zone = zone.passed(ENTRY if what else EXIT, (grid - zone.now) / (left + came + 1))
                inside += came - left
            zone = replace(zone.waited(grid - zone.now).taught(), inside=inside)
        return zone

    def learned(self, days: float, hours: tuple[int, int] = (0, 24)) -> "Zone":
        """Be busy for so many days, and then hold what there was at first."""
        return self.busy(days, hours).corrected(round(self.mean))


Step = Callable[[Zone], Zone]


def began(capacity: int, occupied: int | None) -> Zone:
    return Zone(beliefs.start(capacity, occupied, 0.0, MONDAY))


def after(zone: Zone, steps: Sequence[Step]) -> Zone:
    return reduce(lambda now, step: step(now), steps, zone)


def improper(zone: Zone) -> str | None:
    """Say what is wrong with a belief as a distribution, if anything is."""
    belief, now = zone.belief, zone.chances
    if len(now) != size(belief.capacity) or not np.isfinite(now).all() or (now < 0).any():
        return "chances are not finite, not positive, or not as many as there are numbers"
    if abs(now.sum() - 1) > 1e-9:
        return f"chances sum to {now.sum()}"
    if ((now > 0) & (now < 1e-300)).any():
        return "some chances are denormal, or nearly so"
    gammas = [np.frombuffer(part) for part in (belief.exit_strength, belief.exit_rate, belief.entry_rate)]
    gammas += [np.array([belief.entry_strength, belief.entry_prior])]
    if not all(np.isfinite(gamma).all() and (gamma > 0).all() for gamma in gammas):
        return "a gamma distribution's parameters are not finite and above zero"
    learned = (belief.entries, belief.exits, belief.room_s, belief.vehicle_s, belief.surplus, belief.passages)
    if not np.isfinite(learned).all() or not np.isfinite(np.frombuffer(belief.rhythm.learned)).all():
        return "what was learned is not finite"
    return None


def shares() -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 1.0]) | st.integers(1, 99).map(lambda percent: percent / 100)


def passings() -> st.SearchStrategy[Passing]:
    def made(any_way: float, inwards: float, **rest: Any) -> Passing:
        return Passing(any_way * inwards, any_way * (1 - inwards), **rest)

    seldom = st.just(0.0) | st.floats(0, 0.5)
    return st.builds(made, shares(), shares(), unseen=seldom, another=seldom, undirected=st.booleans())


def steps(capacity: int) -> st.SearchStrategy[Step]:
    """Return anything that may happen; what nobody saw takes long to reckon in a big lot."""
    soon = st.floats(0, 30 if capacity > 1000 else 400)
    long = st.floats(0, 50_000)
    sure = st.sampled_from([ENTRY, EXIT])
    return st.one_of(
        st.builds(lambda what, s: lambda zone: zone.passed(what, s), passings() | sure, soon),
        st.builds(lambda s, obeyed: lambda zone: zone.waited(s, obeyed=obeyed), long, st.booleans()),
        st.builds(
            lambda s, i, o, obeyed: lambda zone: zone.waited(s, i, o, obeyed=obeyed),
            soon,
            shares(),
            shares(),
            st.booleans(),
        ),
        st.builds(lambda chance, s: lambda zone: zone.turned_away(chance, s), shares(), soon),
        st.builds(lambda n: lambda zone: zone.corrected(n), st.integers(-3, capacity + capacity // 5 + 8)),
        st.builds(lambda s, i, o: lambda zone: zone.missed(s, i, o), soon, shares(), shares()),
        st.just(Zone.taught),
    )


@pytest.mark.parametrize("capacity", CAPACITIES)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_any_sequence_keeps_a_proper_distribution(capacity: int, data: st.DataObject) -> None:
    zone = began(capacity, data.draw(st.none() | st.integers(0, capacity), label="inside"))
    assert improper(zone) is None
    for step in data.draw(st.lists(steps(capacity), max_size=6 if capacity > 1000 else 20), label="steps"):
        zone = step(zone)
        assert improper(zone) is None


def test_a_point_mass_moved_unseen_leaves_no_denormal_behind() -> None:
    zone = began(10_000, 5000).missed(60, 1.0, 1.0)
    assert improper(zone) is None
    assert improper(zone.passed(EXIT, 1.0).waited(300)) is None


@pytest.mark.parametrize("occupied", [0, 500, 9000])
def test_a_great_correction_leaves_chances_chances(occupied: int) -> None:
    zone = began(10_000, None).corrected(occupied)
    for _ in range(5):
        zone = zone.passed(Passing(1.0, 0.0, 0.005), 1.0).passed(Passing(0.0, 1.0, 0.005), 1.0)
        assert improper(zone) is None


def test_a_burst_and_then_a_half_hour_that_nobody_knows_leave_gammas_gammas() -> None:
    zone = began(80, 40).busy(3, (6, 8)).corrected(0).lived(8 * 3600 - 350).taught()
    assert zone.belief.expected.exits_seen > 10, "until eight the rhythm is well known"
    zone = zone.waited(50)
    for _ in range(40):
        zone = zone.passed(ENTRY, 2.0)
    zone = zone.waited(8 * 3600 - zone.now % DAY_S).taught()
    assert zone.belief.expected.exits_seen < 1, "from eight on it is not"
    assert improper(zone) is None
    assert improper(zone.waited(300).passed(EXIT).waited(300).taught()) is None


@pytest.mark.parametrize("capacity", [1, 2, 5, 500])
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_perfect_passages_are_exact(capacity: int, data: st.DataObject) -> None:
    inside = data.draw(st.integers(0, capacity), label="inside")
    zone = began(capacity, inside)
    # Nobody parks for seconds: in the smallest lots, a space that is taken anew at once is a vehicle that circles.
    soonest_s = 60 if capacity < 5 else 0
    times = st.floats(soonest_s, soonest_s + 20)
    for inward, after_s in data.draw(st.lists(st.tuples(st.booleans(), times), max_size=60), label="traffic"):
        entry = inside == 0 or (inward and inside < capacity)
        inside += 1 if entry else -1
        zone = zone.passed(ENTRY if entry else EXIT, after_s)
        if zone.now - zone.belief.at > GRID_S:
            zone = zone.taught()
        assert (zone.likeliest, zone.middle) == (inside, inside)


@pytest.mark.parametrize("capacity", CAPACITIES[:-1])
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_a_correction_is_believed_and_counted_from(capacity: int, data: st.DataObject) -> None:
    zone = after(began(capacity, None), data.draw(st.lists(steps(capacity), max_size=10), label="before"))
    occupied = data.draw(st.integers(0, capacity), label="occupied")
    zone = zone.corrected(occupied)
    assert zone.chances[occupied] > 1 - 1e-9
    assert zone.passed(ENTRY, 1.0).middle == occupied + 1
    if occupied > 0:
        assert zone.passed(EXIT, 1.0).middle == occupied - 1


def test_a_correction_beyond_all_that_is_considered_is_the_nearest_that_is() -> None:
    assert began(40, 10).corrected(-3).likeliest == 0
    assert began(40, 10).corrected(1000).likeliest == size(40) - 1


def test_a_correction_is_not_believed_against_all_that_follows() -> None:
    zone = began(40, 20).corrected(2)
    for _ in range(6):
        zone = zone.passed(EXIT, 20.0).waited(60)
    assert improper(zone) is None
    assert zone.middle < 10, "there were six, and may be a few more"


@pytest.mark.parametrize("chance", [0.9, 0.98, 0.999, 1.0])
def test_hidden_vehicles_that_leave_an_empty_lot_do_not_fill_it(chance: float) -> None:
    zone = began(40, 20).corrected(0).lived(3600.0)
    for _ in range(4):
        zone = zone.passed(Passing(0.0, chance, unseen=0.002), 60.0).waited(60.0)
        assert zone.mean < 6


def test_the_count_of_somebody_who_knew_more_than_an_unknown_start_blames_no_lane() -> None:
    assert began(500, None).corrected(10).belief.surplus == pytest.approx(0.0, abs=1.0)
    assert began(500, 20).corrected(10).belief.surplus == pytest.approx(10.0, abs=1.0)


def test_an_exit_disproves_an_empty_lot_without_a_clamp() -> None:
    maybe_empty = began(40, 1).passed(Passing(0.0, 0.5))
    assert maybe_empty.chances[0] == pytest.approx(0.5)
    after_exit = maybe_empty.passed(EXIT)
    assert after_exit.chances[0] == pytest.approx(1.0), "it was one, so the doubtful exit was none"
    assert after_exit.passed(ENTRY).middle == 1


def test_an_unsure_exit_from_a_lot_that_is_surely_empty_was_none() -> None:
    zone = began(40, 0).waited(60).passed(Passing(0.0, 0.5))
    assert zone.mean < 0.01
    assert zone.passed(ENTRY).middle == 1


def test_where_vehicles_keep_going_in_it_was_not_full() -> None:
    """One for each that leaves is what a full lot takes; the other way round there was room."""
    unsure = began(80, 77).missed(600, 0.5, 0.5)
    room_first = room_last = unsure
    for _ in range(4):
        room_first = room_first.passed(EXIT, 30.0).passed(ENTRY, 30.0)
        room_last = room_last.passed(ENTRY, 30.0).passed(EXIT, 30.0)
    assert room_last.full < unsure.full
    assert room_last.mean < room_first.mean
    packed = began(80, 80).missed(600, 0.5, 0.5)
    for _ in range(4):
        packed = packed.passed(ENTRY, 20.0)
    assert packed.mean < 80 + 4, "who goes in again and again finds room"


def test_a_vehicle_of_unknown_direction_went_where_it_can() -> None:
    unknown = Passing(0.5, 0.5, undirected=True)
    assert began(40, 0).passed(unknown).mean == pytest.approx(1.0)
    assert began(40, 45).passed(unknown).mean < 44.5
    assert began(40, 0).passed(Passing(0.0, 0.5, undirected=False)).mean == 0.0


def test_what_left_no_trace_went_along_with_those_that_did() -> None:
    assert began(40, 10).passed(Passing(1.0, 0.0, unseen=0.02)).mean == pytest.approx(11.02)
    assert began(40, 10).passed(Passing(0.0, 1.0, unseen=0.02)).mean == pytest.approx(8.98)
    zone = began(40, 10).passed(Passing(1.0, 0.0, unseen=0.02))
    assert zone.chances[11] == pytest.approx(0.98)
    assert zone.chances[12] == pytest.approx(0.02)


def test_who_may_have_had_another_one_behind_it_counts_for_more_in_its_own_direction() -> None:
    assert began(40, 10).passed(Passing(0.0, 1.0, another=0.1)).mean == pytest.approx(8.9)
    zone = began(40, 10).passed(Passing(1.0, 0.0, unseen=0.02, another=0.1))
    assert zone.chances[12] == pytest.approx(0.12)


def test_a_number_that_is_sure_hears_far_less_of_departures() -> None:
    """A night without an exit: it is likelier that those few stay than that the count was off."""
    known = began(80, 4).learned(3)
    sure, unsure = (
        replace(known, belief=replace(known.belief, chances=chances.tobytes())) for chances in (mixed(0.02), mixed(0.3))
    )
    odds = [float(now.chances[3] / now.chances[4]) for now in (zone.lived(2 * 3600.0) for zone in (sure, unsure))]
    gained = [math.log(odd * (1 - share) / share) for odd, share in zip(odds, (0.02, 0.3), strict=True)]
    assert 0 < gained[0] < 0.1 * gained[1]


def mixed(fewer: float) -> Array:
    """Return the chances of four vehicles, or of three."""
    chances = np.zeros(size(80))
    chances[3], chances[4] = fewer, 1 - fewer
    return chances


def test_more_exits_than_the_rhythm_expects_raise_the_number_and_none_lower_it() -> None:
    known = began(80, 40).learned(3).missed(3600, 0.6, 0.6)
    lively, quiet = known.busy(1 / 24, stay_s=4800.0), known.lived(3600.0)
    assert quiet.mean < known.mean - 1
    assert lively.mean > quiet.mean + 3


def test_the_first_morning_after_a_quiet_night_proves_nothing() -> None:
    """That nobody left at night says little of the day: more exits than expected are no full lot."""
    zone = began(60, 20).lived(8 * 3600.0)
    for seed in range(8):
        zone = zone.busy(1 / 24, seed=seed)
        assert zone.middle == zone.inside
        assert zone.full < 0.001
        assert zone.spread < 2


def test_perfect_passages_stay_exact_for_a_week() -> None:
    zone = began(80, 40)
    for day in range(7):
        zone = zone.busy(1, seed=day)
        assert zone.middle == zone.inside
    assert zone.spread < 2


def test_departures_say_less_where_no_rhythm_was_learned() -> None:
    known = began(80, 40).learned(3).missed(3600, 0.6, 0.6)
    unknown = Zone(replace(began(80, 40).belief, chances=known.belief.chances))
    by_known, by_unknown = (zone.mean - zone.lived(3600.0).mean for zone in (known, unknown))
    assert by_known > 2 * by_unknown


def test_nothing_is_learned_of_the_rhythm_while_the_number_is_unknown() -> None:
    lost = began(500, None).lived(6 * 3600.0).belief.rhythm
    known = began(500, 10).lived(6 * 3600.0).belief.rhythm
    assert np.frombuffer(known.learned).sum() > 10 * np.frombuffer(lost.learned).sum()


def test_time_that_nobody_watched_widens_the_belief() -> None:
    zone = began(80, 40).learned(1)
    spreads = [zone.waited(600.0, seen, seen).spread for seen in (1.0, 0.5, 0.0)]
    assert spreads == sorted(spreads)
    assert spreads[-1] > spreads[0] + 0.5
    hours = [zone.waited(hours * 3600.0, 0.0, 0.0).spread for hours in (0.1, 1, 4)]
    assert hours == sorted(hours)
    assert zone.waited(600.0, 0.0, 1.0).mean > zone.waited(600.0, 1.0, 0.0).mean, "unseen entries add, exits take away"


def test_after_very_long_without_sight_nothing_is_known() -> None:
    zone = began(80, 40).learned(1).waited(60 * DAY_S, 0.0, 0.0)
    assert zone.spread > 20
    assert improper(zone) is None


@pytest.mark.parametrize("capacity", [500, 2000, 10_000])
def test_a_few_minutes_without_sight_do_not_lose_the_number(capacity: int) -> None:
    zone = began(capacity, capacity // 2).waited(1.0).waited(600.0, 0.0, 0.0)
    assert zone.spread < 0.05 * capacity


def test_who_turns_away_makes_full_likelier() -> None:
    unsure = began(80, 78).missed(1200, 0.5, 0.5)
    once, twice = unsure.turned_away(), unsure.turned_away().turned_away()
    assert unsure.full < once.full < twice.full
    assert once.full - unsure.full > unsure.turned_away(0.2).full - unsure.full > 0
    assert unsure.turned_away(0.0).full == pytest.approx(unsure.full)
    assert twice.full < 0.999, "who turned away may have had other reasons"


def test_how_many_turn_away_anyway_is_learned_where_there_is_room() -> None:
    zone = began(80, 20)
    for _ in range(100):
        zone = zone.passed(ENTRY, 60.0).turned_away(after_s=30.0).passed(EXIT, 30.0)
    assert zone.belief.turned.usual > 3 * began(80, 20).belief.turned.usual
    wondering = [
        Zone(replace(z.belief, chances=began(80, 79).missed(600, 1, 1).belief.chances)) for z in (zone, began(80, 20))
    ]
    used, new = (z.turned_away().full - z.full for z in wondering)
    assert 0 < used < new


def test_who_was_told_that_it_is_full_tells_nothing_by_staying_away() -> None:
    unsure = began(80, 79).missed(1200, 0.5, 0.5)
    free_choice, told = unsure.waited(1800.0), unsure.waited(1800.0, obeyed=True)
    assert told.full > free_choice.full
    assert told.belief.turned == unsure.belief.turned
    assert free_choice.belief.turned.arrivals > unsure.belief.turned.arrivals


def test_the_sign_that_said_full_is_why_they_turn_away() -> None:
    spec = ZoneSpec("customers", 80, initial_occupied=79)
    zone = occupancy.begun(spec, 0.0, MONDAY, lanes=True)
    zone = occupancy.missed(spec, zone, 600.0, 1.0, 1.0)
    assert occupancy.turned_away(spec, zone, 1.0, 60.0).middle.full > zone.middle.full
    full = replace(zone, full=True)
    assert occupancy.turned_away(spec, full, 1.0, 60.0) == full


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_a_snapshot_gives_the_very_same_belief(capacity: int) -> None:
    kept = TypeAdapter(Belief)
    zone = began(capacity, capacity // 2).passed(Passing(0.6, 0.3, 0.01), 5.0).waited(60.0, 0.9, 0.5).turned_away(0.4)
    zone = zone.passed(ENTRY).taught()
    restored = kept.validate_json(kept.dump_json(zone.belief))
    assert restored == zone.belief
    again = Zone(restored, zone.now)
    assert again.passed(EXIT, 20.0).taught().belief == zone.passed(EXIT, 20.0).taught().belief


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_lots_of_every_size_fill_and_empty(capacity: int) -> None:
    zone = began(capacity, max(0, capacity - 3))
    filling = capacity - zone.likeliest
    for _ in range(filling):
        zone = zone.passed(ENTRY, 10.0)
    assert (zone.middle, round(zone.full, 3)) == (capacity, 1.0)
    for _ in range(filling):
        zone = zone.passed(EXIT, 10.0)
    assert (zone.middle, round(zone.full, 3)) == (capacity - filling, 0.0)


def test_a_lot_of_another_size_keeps_what_was_learned() -> None:
    zone = began(80, 40).learned(1)
    now = beliefs.resized(zone.belief, 100, 40, zone.now, zone.unix)
    assert (now.capacity, now.rhythm, now.turned) == (100, zone.belief.rhythm, zone.belief.turned)
    assert improper(Zone(now)) is None
    assert Zone(now).likeliest == 40


def test_time_does_not_go_back() -> None:
    zone = began(80, 40).waited(100.0)
    assert beliefs.waited(zone.belief, 50.0, 1.0, 1.0) is zone.belief
    assert beliefs.waited(zone.belief, 100.0, 1.0, 1.0) is zone.belief


def unbalanced(missed: Passing, days: int = 20, every: int = 50) -> Belief:
    """Fill a lot of 20 and empty it again, each day, by chance; every so many passages of this kind leave no trace.

    At noon it is full, and takes one for each that leaves; at night it is empty.
    """
    zone, number = began(20, 0), 0
    for day in range(days):
        chance = np.random.default_rng(day)
        noon = [what for _ in range(12) for what in (EXIT, ENTRY)]
        for what in [ENTRY] * 20 + noon + [EXIT] * 20:
            number += what == missed
            what_is_seen = None if what == missed and number % every == 0 else replace(what, unseen=0.01)
            gap_s = chance.exponential(600.0)
            zone = zone.lived(gap_s)
            zone = zone if what_is_seen is None else zone.passed(what_is_seen)
        zone = zone.lived(DAY_S - zone.now % DAY_S)
    return zone.belief


def test_lanes_that_miss_exits_are_found_out_by_the_bounds() -> None:
    exits, entries = unbalanced(EXIT), unbalanced(ENTRY)
    assert exits.surplus > 0 > entries.surplus
    assert exits.surplus / exits.passages == pytest.approx(0.01, abs=0.008), "2 % of a half of all passages"
