"""Whole runs: a seed reproduces them, what goes in comes out, and faults do what they are to do."""

import bisect
import itertools
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.simulator.happenings import Done, Happening, Inside, Level, Off
from controller.simulator.manoeuvres import Style
from controller.simulator.relays import BOUNCE_S
from controller.simulator.scenario import load
from controller.simulator.season import Season

DAY_S = 86_400.0
SILENT = ["errors.miss=0", "errors.lost_edge=0", "errors.no_trace=0", "errors.bounce=0"]


def run(name: str, *settings: str, days: float = 3.0, seed: int = 1) -> list[Happening]:
    return list(Season(load(name, settings), seed).advance(days * DAY_S))


def levels(happenings: Iterable[Happening], name: str) -> list[Level]:
    return [h for h in happenings if isinstance(h, Level) and h.name == name]


def done(happenings: Iterable[Happening]) -> list[Done]:
    return [h for h in happenings if isinstance(h, Done)]


def full_share(name: str, days: float, seed: int) -> float:
    scenario = load(name)
    inside, since, full = 0, 0.0, 0.0
    for happening in Season(scenario, seed).advance(days * DAY_S):
        if isinstance(happening, Inside):
            full += (happening.at_s - since) * (inside >= scenario.lot.capacity)
            inside, since = happening.number, happening.at_s
    return full / (days * DAY_S)


def test_time_goes_on_and_the_truth_adds_up() -> None:
    for name in ("shop20", "office80-barrier-3", "residents80-bays100", "office80-restarts"):
        told = run(name)
        assert [h.at_s for h in told] == sorted(h.at_s for h in told)
        truth = [h.number for h in told if isinstance(h, Inside)]
        changes = [d.change for d in done(told) if d.change]
        assert [b - a for a, b in itertools.pairwise(truth)] == changes
        assert min(truth) >= 0


@settings(max_examples=8, deadline=None)  # a day of traffic each
@given(st.lists(st.floats(0.0, DAY_S), max_size=6), st.sampled_from(["shop20", "office80-barrier-3"]))
def test_it_does_not_matter_in_which_steps_time_goes(stops: list[float], name: str) -> None:
    season = Season(load(name), 5)
    told = [happening for stop in [*sorted(stops), DAY_S] for happening in season.advance(stop)]
    assert told == run(name, days=1.0, seed=5)
    assert season.now_s == DAY_S


def test_another_seed_is_another_run() -> None:
    assert run("shop20", days=1.0, seed=1) != run("shop20", days=1.0, seed=2)


def test_what_sensors_do_wrong_changes_nothing_of_the_traffic() -> None:
    def doings(name: str, *settings: str) -> list[tuple[float, str, int | None, str]]:
        return [(d.at_s, d.lane, d.vehicle, d.did) for d in done(run(name, *settings))]

    perfect = doings("office80-1", *SILENT)
    assert perfect == doings("office80-3") == doings("office80-stuck") == doings("office80-restarts")


@pytest.mark.parametrize(("low", "high"), [(0.045, 0.07)])
def test_the_office_is_full_some_of_the_time(low: float, high: float) -> None:
    shares = [full_share("office80-1", 28, seed) for seed in (1, 2, 3)]
    assert low < sum(shares) / len(shares) < high


def test_the_shop_has_some_620_vehicles_a_day_and_empties_at_night() -> None:
    season = Season(load("shop80-1"), 2)
    told = list(season.advance(14 * DAY_S))
    assert 560 < season.counts["visits"] / 14 < 680
    assert min(h.number for h in told if isinstance(h, Inside)) == 0


@pytest.mark.parametrize(("name", "least"), [("residents80", 8), ("station400", 20), ("hospital400", 30)])
def test_some_lots_are_never_empty(name: str, least: int) -> None:
    assert min(h.number for h in run(name, days=10.0) if isinstance(h, Inside)) > least


def test_drivers_turn_away_from_a_full_lot() -> None:
    told = run("office80-1", "lot.capacity=30", days=5.0)
    season = Season(load("office80-1", ["lot.capacity=30"]), 1)
    season_told = list(season.advance(5 * DAY_S))
    assert season_told == told
    did = Counter(d.did for d in done(told))
    assert season.counts["balked"] > did["touch"] > 0.3 * season.counts["balked"]
    assert season.counts["circled"] > 0
    assert 30 < max(h.number for h in told if isinstance(h, Inside)) < 36


def test_perfect_sensors_see_everything() -> None:
    told = run("perfect-shop80", days=3.0)
    assert {d.trace for d in done(told)} == {"full", "outer_only", "inner_only"}
    # one loop alone only where a vehicle touched one loop alone
    assert {d.trace for d in done(told) if d.change} == {"full"}
    for name in ("entry.outer", "entry.inner", "exit.outer", "exit.inner"):
        said = [level.occupied for level in levels(told, name)]
        assert said == [bool(number % 2) for number in range(len(said))]


def test_errors_are_as_frequent_as_asked() -> None:
    told = run("shop80-1", "errors.miss=0.03", "errors.no_trace=0.02", "errors.lost_edge=0", days=8.0)
    traces = Counter(d.trace for d in done(told) if d.change)
    total = sum(traces.values())
    assert total > 7000
    # half of the motorcycles' 1.5 % x 30 % comes on top of each loop's misses
    assert traces["outer_only"] / total == pytest.approx(0.034, rel=0.25)
    assert traces["inner_only"] / total == pytest.approx(0.034, rel=0.25)
    assert traces["none"] / total == pytest.approx(0.02 + 0.03**2 + 0.015 * 0.09, rel=0.25)


def test_lost_edges_repeat_a_level_unless_repeats_are_left_out() -> None:
    told = run("shop80-1", *SILENT, "errors.lost_edge=0.02", "people.per_hour=0", days=4.0)
    said = [level.occupied for level in levels(told, "entry.outer")]
    repeats = sum(a is b for a, b in itertools.pairwise(said))
    assert repeats / len(said) == pytest.approx(0.02, rel=0.4)
    lost = sum(d.trace == "lost_edge" for d in done(told) if d.change)
    assert lost / sum(d.change != 0 for d in done(told)) == pytest.approx(1 - 0.98**4, rel=0.3)
    without = run("shop80-1", *SILENT, "errors.lost_edge=0.02", "errors.repeats=false", days=4.0)
    said = [level.occupied for level in levels(without, "entry.outer")]
    assert all(a is not b for a, b in itertools.pairwise(said))


def test_reading_the_levels_anew_mends_lost_edges() -> None:
    def wrong_s(told: list[Happening]) -> float:
        """How long the outer loop was said to be covered."""
        said = levels(told, "entry.outer")
        return sum(b.at_s - a.at_s for a, b in itertools.pairwise(said) if a.occupied)

    errors = [*SILENT, "errors.lost_edge=0.05"]
    bare, mended = run("shop80-1", *errors), run("shop80-1", *errors, "errors.reread_s=1")
    perfect = run("shop80-1", *SILENT)
    assert wrong_s(bare) > 1.3 * wrong_s(perfect)
    assert wrong_s(mended) == pytest.approx(wrong_s(perfect), rel=0.1)
    assert any(h.at_s % 1 == 0 for h in levels(mended, "entry.outer")[1:])


def test_a_bounce_settles_at_the_level_that_was_reached() -> None:
    told = run("shop20", *SILENT, "errors.bounce=1", days=2.0)
    smooth = run("shop20", *SILENT, days=2.0)
    for name in ("main.outer", "main.inner"):
        rough = levels(told, name)
        assert len(rough) > 3 * len(levels(smooth, name))
        true = levels(smooth, name)
        for last, after in itertools.pairwise(rough):
            if after.at_s - last.at_s > BOUNCE_S[1]:
                at_rest = bisect.bisect_right(true, last.at_s + BOUNCE_S[1], key=lambda level: level.at_s)
                assert last.occupied is true[at_rest - 1].occupied


def test_while_the_controller_is_off_nothing_is_told_and_then_every_level() -> None:
    told = run("office80-restarts", days=10.0)
    offs = [h for h in told if isinstance(h, Off)]
    assert 6 < len(offs) < 24
    for off in offs:
        assert 20 <= off.seconds <= 300
        assert 7 <= off.at_s % DAY_S / 3600 <= 19.1
        back_s = off.at_s + off.seconds
        within = [h for h in told if isinstance(h, Level) and off.at_s < h.at_s < back_s - 0.001]
        at_return = [h.name for h in told if isinstance(h, Level) and abs(h.at_s - back_s) < 0.001]
        assert within == []
        assert set(at_return) == {"entry.outer", "entry.inner", "exit.outer", "exit.inner"}
    assert any(d.trace == "off" for d in done(run("office80-restarts", "restarts.per_30_days=900", days=3.0)))


def test_a_stuck_loop_is_on_for_hours() -> None:
    fault = "fault.stuck={kind='stuck', detectors=['exit.inner'], at_days=[1.5], lasts_h=[3, 3]}"
    season = Season(load("office80-1", [*SILENT, fault, "people.per_hour=0"]), 1)
    told = list(season.advance(3 * DAY_S))
    (episode,) = season.instruments.episodes
    assert (episode.detector, episode.kind) == ("exit.inner", "stuck")
    assert (episode.from_s, episode.until_s) == (1.5 * DAY_S, 1.5 * DAY_S + 3 * 3600)
    on, off = [h for h in levels(told, "exit.inner") if episode.from_s <= h.at_s <= episode.until_s]
    assert (on.at_s, on.occupied) == (episode.from_s, True)
    assert (off.at_s, off.occupied) == (episode.until_s, False)
    struck = {d.trace for d in done(told) if d.lane == "exit" and episode.from_s < d.at_s < episode.until_s}
    assert struck <= {"stuck", "outer_only", "none"}
    assert "stuck" in struck


def test_a_dead_lane_says_nothing_for_hours() -> None:
    fault = "fault.dead={kind='dead', detectors=['entry.*'], whole_lane=true, at_days=[1.3], lasts_h=[4, 4]}"
    told = run("office80-1", fault)
    from_s, until_s = 1.3 * DAY_S, 1.3 * DAY_S + 4 * 3600
    said = [h for name in ("entry.outer", "entry.inner") for h in levels(told, name)]
    assert [h for h in said if from_s <= h.at_s < until_s] == []
    assert [h for h in said if h.at_s >= until_s]


def test_a_chattering_loop_changes_all_the_time_and_then_has_its_level() -> None:
    fault = "fault.loose={kind='chatter', detectors=['entry.outer'], at_days=[1.1], lasts_h=[0.1, 0.1]}"
    told = run("office80-1", *SILENT, fault)
    said = [h for h in levels(told, "entry.outer") if 1.1 * DAY_S <= h.at_s <= 1.1 * DAY_S + 361]
    assert len(said) > 1000
    assert not said[-1].occupied


def test_faults_can_be_injected_on_the_way() -> None:
    season = Season(load("shop20", SILENT), 1)
    list(season.advance(12 * 3600))
    season.instruments.stick("main.outer", level=True)
    season.instruments.kill("main.inner", dead=True)
    said = [h for h in season.advance(14 * 3600) if isinstance(h, Level)]
    assert [(h.name, h.occupied) for h in said] == [("main.outer", True)]
    season.instruments.stick("main.outer", level=None)
    season.instruments.kill("main.inner", dead=False)
    assert len([h for h in season.advance(16 * 3600) if isinstance(h, Level)]) > 20
    with pytest.raises(KeyError):
        season.instruments.stick("side.outer", level=True)


def test_somebody_can_be_sent_in_or_out() -> None:
    season = Season(load("office80-1", SILENT), 1)
    list(season.advance(2 * 3600))
    before = season.inside
    season.drive_in()
    season.drive_in(Style.TURN_AT_BOTH)
    assert [(d.did, d.trace) for d in done(season.advance(2.1 * 3600))] == [("entry", "full"), ("back_out", "full")]
    assert season.inside == before + 1
    for _ in range(season.inside):
        season.drive_out()
    with pytest.raises(LookupError, match="nobody is parked"):
        season.drive_out()
    list(season.advance(2.5 * 3600))
    assert season.inside == 0


def test_who_is_sent_out_goes_though_all_others_turn_back() -> None:
    season = Season(load("office80-1", [*SILENT, "behaviour.exit_back_out=1", "behaviour.turn_inside=1"]), 1)
    list(season.advance(2 * 3600))
    season.drive_out()
    assert [(d.did, d.trace) for d in done(season.advance(2.1 * 3600))] == [("exit", "full")]


def test_bay_sensors_follow_the_vehicles() -> None:
    season = Season(load("residents80-bays100", ["bays.wrong=0", "bays.lost=0", "bays.flaps_per_30_days=0"]), 1)
    assert len(season.instruments.field.names) == 80
    assert {level.name for level in season.instruments.levels()} >= set(season.instruments.field.names)
    told = list(season.advance(5 * DAY_S))
    said: dict[str, bool] = {}
    for happening in told:
        if isinstance(happening, Level) and happening.name.startswith("B"):
            said[happening.name] = happening.occupied
    # who is just driving to or from a space makes the difference
    assert abs(sum(said.values()) - season.inside) <= 3


def test_sensors_sit_in_the_best_rows_or_anywhere() -> None:
    best = Season(load("residents80-bays20"), 1).instruments.field.names
    assert best == [f"B{number}" for number in range(1, 17)]
    anywhere = Season(load("residents80-bays20", ["bays.placed=anywhere"]), 1).instruments.field.names
    assert len(anywhere) == 16
    assert anywhere != best


def test_the_best_rows_fill_first() -> None:
    season = Season(load("residents80-bays100", ["bays.wrong=0"]), 1)
    best, all_of_them = 0, 0
    for hour in range(6, 240, 6):
        list(season.advance(hour * 3600))
        taken = [season.instruments.field.is_taken(space) for space in range(80)]
        best, all_of_them = best + sum(taken[:16]), all_of_them + sum(taken)
    assert best / 16 > 1.05 * all_of_them / 80


def test_a_dead_bay_is_silent() -> None:
    season = Season(load("residents80-bays100"), 1)
    list(season.advance(1.0))
    season.instruments.kill_bay("B3", dead=True)
    told = list(season.advance(3 * DAY_S))
    assert levels(told, "B3") == []
    assert len(levels(told, "B4")) > 3
    assert "B3" not in {level.name for level in season.instruments.levels()}


def test_wrong_bays_stay_wrong_until_the_next_change() -> None:
    def wrong(share: float) -> int:
        season = Season(load("residents80-bays100", [f"bays.wrong={share}", "bays.flaps_per_30_days=0"]), 1)
        list(season.advance(9.5 * DAY_S))
        field = season.instruments.field
        return sum(bay.believes is not field.is_taken(space) for space, bay in field.bays.items())

    assert wrong(0.0) == 0
    assert 4 < wrong(0.3) < 45


def test_a_season_may_begin_at_any_time_with_any_number_inside() -> None:
    nine = 9 * 3600.0
    begun = Season(load("office80-1"), 1, begin_s=nine)
    assert (begun.now_s, begun.inside > 10) == (nine, True), "who came before nine is there"
    told = list(begun.advance(nine + 3600))
    assert all(nine <= h.at_s <= nine + 3600 for h in told)
    for inside in (0, 33, 80):
        assert Season(load("office80-1"), 1, begin_s=nine, inside=inside).inside_at_start == inside


def test_faults_and_restarts_that_are_over_at_the_beginning_do_not_happen() -> None:
    for name in ("office80-stuck", "office80-restarts"):
        season = Season(load(name), 1, begin_s=20 * DAY_S)
        list(season.advance(20 * DAY_S + 1))
        assert not season.instruments.is_off
        assert season.instruments.episodes == []
    told = list(Season(load("office80-restarts"), 1, begin_s=20 * DAY_S).advance(30 * DAY_S))
    assert 4 <= sum(isinstance(h, Off) for h in told) <= 25, "forty a month, for ten days"


def test_without_traffic_nobody_comes_or_goes_until_there_is_some_again() -> None:
    begin = 10 * 3600.0
    season = Season(load("shop20"), 1, begin_s=begin, inside=15)
    season.traffic = False
    told = list(season.advance(begin + 4 * 3600))
    assert done(told) == []
    assert season.inside == 15
    season.traffic = True
    assert len(done(season.advance(begin + 5 * 3600))) > 15


def test_what_happens_between_two_steps_is_told_at_once() -> None:
    season = Season(load("shop20"), 1)
    list(season.advance(100.0))
    season.instruments.stick("main.outer", level=True)
    assert list(season.advance(100.0)) == [Level("main.outer", occupied=True, at_s=100.0)]


def test_a_contact_chatters_until_it_is_mended() -> None:
    season = Season(load("shop20"), 1)
    list(season.advance(100.0))
    season.instruments.chatter("main.outer", on=True)
    assert len(levels(season.advance(160.0), "main.outer")) > 100
    season.instruments.chatter("main.outer", on=False)
    after = levels(season.advance(400.0), "main.outer")
    assert len(after) <= 1
    assert season.instruments.relays["main.outer"].said is False


def test_a_detector_loses_the_share_of_edges_that_it_is_told_to() -> None:
    def edges(share: float | None) -> int:
        season = Season(load("shop20", SILENT), 1, begin_s=10 * 3600.0)
        season.instruments.lose_edges("main.outer", share)
        return len(levels(season.advance(14 * 3600.0), "main.outer"))

    every = edges(None)
    assert edges(1.0) <= 1, "its level at the start"
    assert 0.4 * every < edges(0.5) < 0.6 * every


@pytest.mark.parametrize("close", [True, False])
def test_somebody_close_follows_through_the_open_barrier(*, close: bool) -> None:
    scenario = load("demo36", ["errors.bounce=0", "behaviour.tailgate=0"])
    for seed in range(5):
        season = Season(scenario, seed, begin_s=3600.0, inside=10)
        season.traffic = False
        season.drive_in()
        season.drive_in(close=close)
        told = list(season.advance(3600.0 + 120))
        assert season.inside == 12
        ups = [level for level in levels(told, "entry.barrier") if level.occupied]
        assert len(ups) == (1 if close else 2)
