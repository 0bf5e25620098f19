"""The belief: how likely each number of vehicles inside a zone is, and how every sort of evidence changes it.

Theory of operation
-------------------
An exact Bayes filter over 0 .. capacity and somewhat beyond (vehicles do circulate in a full lot). What it hears:

* **Passages** move the distribution, each by its chances. Nobody leaves an empty lot: what would be below zero is not
  moved there but dropped, so a sure exit disproves zero and an unsure one becomes less likely. A vehicle that left no
  trace at all went with each passage with the small chance ``unseen`` of its lane.
* **Departures.** Vehicles inside leave at a rate proportional to how many they are, so both an exit and a time without
  one tell something about the number. By how much depends on how well the rate is known: it is the rhythm's (see
  ``rhythm``) times a factor of the day that nobody knows. For every number inside, the factor has a gamma distribution
  (``strength`` / ``rate``; mean 1 and the spread of days to begin with), updated in closed form: the gamma is the
  conjugate prior of Poisson counts (Gelman et al., Bayesian Data Analysis, 2.6). What was learned of a factor
  fades within a day. So evidence tempers itself: in a lot of whims it says little, and the times without an exit have
  the same weight as the exits.
* **Balance.** In the long run as many vehicles leave as come. Where departures, bounds and corrections keep pulling the
  number the same way, the lanes miss more of one kind than of the other, and are believed to (``surplus``).
* **Arrivals** in the same way, but they say only whether there is room: where the lot is full, most turn away
  (``WELCOME``). That makes a ceiling visible: a full lot takes one vehicle for each that leaves, and no more.
* **Turning away.** Who drives onto the outer loop and leaves backwards may have seen that the lot is full. How many do
  so anyway, and how many when it is full, is learned. While the sign says FULL, they tell only what the sign said, and
  are not heard.
* **Time without sight** (the controller was off, a lane was blind) is the birth and death process of these two rates.
* **Itself.** Whether evidence moves the number further than the belief claims it may is kept count of (see ``claims``).
* **A correction** is believed, but for a trace: whoever counted may have erred, and may be disproved by bounds.

Soft bounds need nothing more: they are what impossible or unlikely passages do to a distribution. There are no clamps
and no resets.

Near the capacity every passage is weighed on its own, for there the order of exits and entries is the evidence;
elsewhere a stretch of ``GRID_S`` is weighed at once. All in expected numbers: a passage of chance 0.6 counts 0.6.

What a belief is made of, and what it makes one expect, is in ``believed``.
"""

import math
from dataclasses import replace

import numpy as np

from controller.domain import believed
from controller.domain import level as levels
from controller.domain.believed import Belief, Passing
from controller.domain.chances import (
    NEGLIGIBLE,
    Array,
    all_numbers,
    blurred,
    born_and_died,
    first,
    fit,
    flushed,
    mean,
    move,
    size,
)
from controller.domain.claims import Claims
from controller.domain.rhythm import Rates, learn, rates

GRID_S = 300.0
"""A stretch of time that is weighed at once."""

TURNED_WEIGHT = 0.8
"""What those who turn away tell counts a little less: they come in groups, and see what others do."""
EXIT_FADES_S = 24 * 3600.0
"""How soon the share that leaves differs from its rhythm in another way ..."""
ENTRY_FADES_S = 3 * 3600.0
"""... and the rate of those who come."""

BALANCE_FADE = 0.5 ** (1 / 6000)
"""How much less a passage counts, in what is learned of the lanes' balance, with each one after it."""
NEAR_FULL = 1e-4
"""From this chance of being full on, each passage is weighed on its own."""
JUST = 0.01
"""Variance (vehicles squared) below which nobody would notice that it was overstated."""


def start(capacity: int, occupied: int | None, at: float, unix: float) -> Belief:
    """Begin with a known number inside, or (None) with every number up to the capacity alike."""
    prior = np.ones(size(capacity)).tobytes()
    nothing = Rates(0.0, 0.0, 0.0, 0.0)
    strength = believed.exit_prior(capacity, nothing).tobytes()
    belief = Belief(capacity, at, b"", strength, strength, prior, 1.0, 1.0, nothing, taught_at=at)
    return _reckoned(replace(belief, chances=first(capacity, occupied).tobytes()), unix)


def corrected(belief: Belief, occupied: int, at: float, unix: float) -> Belief:
    """Somebody counted: so many are inside. What was learned stays, and how far the number was off is learned from."""
    middle, spread = believed.moments(belief)
    off = (middle - occupied) * believed.trust(belief, spread)
    return replace(resized(belief, belief.capacity, occupied, at, unix), surplus=belief.surplus + off)


def resized(belief: Belief, capacity: int, occupied: int | None, at: float, unix: float) -> Belief:
    """Begin anew with this capacity and number inside (None: unknown). What was learned stays."""
    fresh = start(capacity, occupied, max(at, belief.at), unix)
    kept = replace(
        fresh,
        rhythm=belief.rhythm,
        level=belief.level,
        turned=belief.turned,
        passages=belief.passages,
        surplus=belief.surplus,
        claims=belief.claims,
    )
    return _reckoned(kept, unix)


def passed(belief: Belief, passing: Passing, at: float) -> Belief:
    """Fold a passage."""
    if np.frombuffer(belief.chances)[max(0, belief.capacity - 2) :].sum() > NEAR_FULL:
        belief = waited(belief, at, passing.seen_in, passing.seen_out, obeyed=passing.obeyed)
    chances, numbers = np.frombuffer(belief.chances), all_numbers(belief.capacity)
    entering, leaving = believed.directed(belief, chances, passing)
    entry_rate, exit_rate = np.frombuffer(belief.entry_rate), np.frombuffer(belief.exit_rate)
    exit_strength = np.frombuffer(belief.exit_strength)
    coming = fit(chances, believed.welcome(belief) / entry_rate, 1 / float(entry_rate[0]))
    going = (believed.leave_rate(belief) * exit_strength / exit_rate) ** believed.temper(belief)
    going = fit(chances, going, float(going[1]))
    exit_strength = exit_strength + leaving
    rows = np.stack((chances, chances * exit_rate, chances * entry_rate, chances * exit_strength))
    unseen_in, unseen_out = (min(n + passing.another, 1.0) for n in believed.unseen_each_way(belief, passing.unseen))
    moved = (1 - entering - leaving) * rows
    for change, chance, fits, unseen in ((1, entering, coming, unseen_in), (-1, leaving, going, unseen_out)):
        if chance > 0:
            move(moved, change, (chance * (1 - unseen)) * fits * rows)
            move(moved, 2 * change, (chance * unseen) * fits * rows)
    total = float(moved[0].sum())
    if total <= 0:  # all that was likely is impossible now: keep what was
        return belief
    middle, spread = believed.moments(belief)
    seemed = entering - leaving - (mean(moved[0], numbers) / total - middle)
    likely = moved[0] > NEGLIGIBLE * total
    safe = np.where(likely, moved[0], 1.0)
    after = np.where(likely, moved[0], 0.0) / total
    # What the passage alone would have made of mean and variance; the rest is what it told of who is inside.
    more_in, more_out = entering * unseen_in, leaving * unseen_out
    spreads = max(entering + leaving - (entering - leaving) ** 2, 0.0) + more_in + more_out
    alone = middle + entering - leaving + more_in - more_out, spread**2 + spreads
    return replace(
        belief,
        claims=_heard(belief, alone, after),
        chances=after.tobytes(),
        exit_rate=np.where(likely, moved[1] / safe, exit_rate).tobytes(),
        entry_rate=np.where(likely, moved[2] / safe, entry_rate).tobytes(),
        exit_strength=np.where(likely, moved[3] / safe, exit_strength).tobytes(),
        entry_strength=belief.entry_strength + entering,
        entries=belief.entries + entering,
        exits=belief.exits + leaving,
        net=belief.net + entering - leaving,
        passages=belief.passages * BALANCE_FADE + entering + leaving,
        surplus=belief.surplus * BALANCE_FADE + seemed * believed.trust(belief, spread),
    )


def turned_away(belief: Belief, at: float, chance: float) -> Belief:
    """Somebody touched the outer loop of a way in and, with this chance, did not come in: the lot may be full."""
    belief = waited(belief, at, 1.0, 1.0)
    turned = belief.turned
    because_full = turned.refused * (1 - believed.welcome(belief))
    weights = (turned.usual + because_full) / turned.usual
    after = weighed(belief, np.log(weights) * (chance * TURNED_WEIGHT))
    full = chance * mean(np.frombuffer(after.chances), because_full / (turned.usual + because_full))
    learned = replace(turned, touches=turned.touches + chance - full, touches_full=turned.touches_full + full)
    return replace(after, turned=learned)


def waited(belief: Belief, at: float, seen_in: float, seen_out: float, *, obeyed: bool = False) -> Belief:
    """Let time pass until ``at``, in which the lanes saw these shares (0-1) of entries and exits.

    ``obeyed``: drivers were told that the lot is full, so that who turned away says nothing.
    """
    lasted_s = at - belief.at
    if lasted_s <= 0:
        return belief
    chances, exit_rate, entry_rate = (np.frombuffer(b) for b in (belief.chances, belief.exit_rate, belief.entry_rate))
    between = np.maximum(all_numbers(belief.capacity) - belief.net / 2, 0.25)
    leave, welcome = believed.leave_rate(belief, between), believed.welcome(belief, between)
    exits = leave * (lasted_s * seen_out)
    entries = welcome * (belief.expected.entry * lasted_s * seen_in)
    exit_strength = np.frombuffer(belief.exit_strength)
    weight = -believed.temper(belief) * exit_strength * np.log1p(exits / exit_rate)
    weight -= belief.entry_strength * np.log1p(entries / entry_rate)
    arrivals = belief.expected.entry * belief.entry_strength / entry_rate * (lasted_s * seen_in)
    refused = arrivals * (1 - welcome)
    if not obeyed:
        weight = weight - TURNED_WEIGHT * belief.turned.refused * refused
    was, chances = chances, chances * np.exp(np.minimum(weight - weight[chances > 0].max(), 0.0))
    chances = flushed(chances / chances.sum())
    claims = _heard(belief, believed.moments_of(was), chances)
    if seen_in < 1 or seen_out < 1:
        chances = _unwatched(belief, chances, 1 - seen_in, 1 - seen_out, lasted_s)
    prior_out, prior_in = believed.exit_prior(belief.capacity, belief.expected), belief.entry_prior
    # Only the share of the spread that differs from day to day fades; what was never learned is no other tomorrow.
    kept_out = np.exp(-lasted_s / EXIT_FADES_S * belief.expected.exit_variance * prior_out)
    turned = belief.turned
    if not obeyed:
        gone = mean(chances, refused)
        turned = replace(
            turned,
            arrivals=turned.arrivals + mean(chances, arrivals),
            arrivals_full=turned.arrivals_full + gone,
        )
    kept_in = math.exp(-lasted_s / ENTRY_FADES_S * belief.expected.entry_variance * prior_in)
    trust = believed.trust(belief, believed.moments(belief)[1])
    corrected_by = trust * mean(chances - was, all_numbers(belief.capacity))
    return replace(
        belief,
        at=at,
        chances=chances.tobytes(),
        exit_rate=(prior_out + (exit_rate + exits - prior_out) * kept_out).tobytes(),
        entry_rate=(prior_in + (entry_rate + entries - prior_in) * kept_in).tobytes(),
        exit_strength=(prior_out + (exit_strength - prior_out) * kept_out).tobytes(),
        entry_strength=prior_in + (belief.entry_strength - prior_in) * kept_in,
        net=0.0,
        claims=claims,
        surplus=belief.surplus - corrected_by,
        turned=turned,
        room_s=belief.room_s + mean(chances, welcome) * lasted_s * seen_in,
        vehicle_s=belief.vehicle_s + mean(chances, np.minimum(between, belief.capacity)) * lasted_s * seen_out,
    )


def taught(belief: Belief, unix: float) -> Belief:
    """Teach the rhythm what was seen since the last time, and reckon with the next stretch's rates; ``unix`` is now."""
    lasted_s = belief.at - belief.taught_at
    middle, spread = believed.moments(belief)
    trust = believed.trust(belief, spread)
    seen = (belief.entries, belief.room_s, belief.exits, belief.vehicle_s)
    entries, room_s, exits, vehicle_s = (trust * n for n in seen)
    usual = levels.weights(belief.level, unix, lasted_s, all_numbers(belief.capacity), belief.capacity)
    level = levels.learned(belief.level, unix - lasted_s / 2, lasted_s, middle, spread**2, trust)
    if usual is not None:
        after = weighed(belief, usual)
        belief = replace(after, surplus=after.surplus - trust * (believed.moments(after)[0] - middle))
    rhythm = learn(belief.rhythm, unix - lasted_s / 2, lasted_s, (entries, room_s, exits, vehicle_s), belief.expected)
    belief = replace(
        belief,
        rhythm=rhythm,
        level=level,
        entries=0.0,
        exits=0.0,
        room_s=0.0,
        vehicle_s=0.0,
        taught_at=belief.at,
        claims=belief.claims.waited(unix, lasted_s),
    )
    return _reckoned(belief, unix)


def weighed(belief: Belief, weights: Array) -> Belief:
    """Fold evidence of another kind: the logarithm of how well each number inside fits it."""
    was = np.frombuffer(belief.chances)
    chances = was * np.exp(weights)
    total = chances.sum()
    if total <= 0:
        return belief
    chances = flushed(chances / total)
    return replace(belief, chances=chances.tobytes(), claims=_heard(belief, believed.moments_of(was), chances))


def numbers(belief: Belief) -> Array:
    """Return the numbers inside that are considered."""
    return all_numbers(belief.capacity)


def missed(belief: Belief, lasted_s: float, share_in: float, share_out: float) -> Belief:
    """Allow for what happened unseen during the last so many seconds, when these shares of it were taken for seen."""
    belief = _afresh(belief)
    chances = _unwatched(belief, np.frombuffer(belief.chances), share_in, share_out, lasted_s)
    return replace(belief, chances=chances.tobytes())


def may_have_passed(belief: Belief, most_in: int, most_out: int) -> Belief:
    """Allow for up to so many vehicles that came in or left unseen, any number of them alike."""
    chances = np.frombuffer(belief.chances)
    last = len(chances) - 1
    most_in, most_out = min(most_in, last), min(most_out, last)
    wide = np.convolve(chances, np.full(most_out + 1 + most_in, 1 / (most_out + 1 + most_in)))
    moved = wide[most_out : most_out + last + 1].copy()
    moved[0] += wide[:most_out].sum()
    moved[last] += wide[most_out + last + 1 :].sum()
    return replace(belief, chances=flushed(moved).tobytes())


def at_most(belief: Belief) -> Array:
    """Return for each number the chance that so many or fewer are inside."""
    cumulated: Array = np.cumsum(np.frombuffer(belief.chances))
    return cumulated


def honest(belief: Belief, least: float) -> Array:
    """Return for each number the chance that it is inside, made as unsure as the belief's claims were found to be.

    ``least``: no less variance (vehicles squared) than this.
    """
    chances = np.frombuffer(belief.chances)
    variance = believed.moments_of(chances)[1]
    more = max(belief.claims.overstated(belief.capacity) * variance, least) - variance
    if more < JUST:
        return chances
    return blurred(chances, more)


def _heard(belief: Belief, was: tuple[float, float], now: Array) -> Claims:
    """Keep count of evidence that moved mean and variance from ``was``; of an unknown number it says nothing."""
    middle, variance = believed.moments_of(now)
    trust = believed.trust(belief, math.sqrt(was[1]))
    return belief.claims.heard(trust * (middle - was[0]), trust * (was[1] - variance))


def _reckoned(belief: Belief, unix: float) -> Belief:
    """Take the rates of this time; what is known of the factors stays, their priors become those of these rates."""
    expected = rates(belief.rhythm, unix, belief.capacity)
    entry_prior = believed.prior(expected.entry_variance, expected.entries_seen)
    prior, was = believed.exit_prior(belief.capacity, expected), believed.exit_prior(belief.capacity, belief.expected)
    more_in = entry_prior - belief.entry_prior
    return replace(
        belief,
        expected=expected,
        exit_rate=_with_prior(belief.exit_rate, prior, was).tobytes(),
        entry_rate=(np.frombuffer(belief.entry_rate) + more_in).tobytes(),
        exit_strength=_with_prior(belief.exit_strength, prior, was).tobytes(),
        entry_strength=belief.entry_strength + more_in,
        entry_prior=entry_prior,
    )


def _with_prior(parameter: bytes, prior: Array, was: Array) -> Array:
    """Put another prior under what was learned; what moved along with vehicles may stand on one that was less."""
    return np.asarray(prior + np.maximum(np.frombuffer(parameter) - was, 0.0))


def _afresh(belief: Belief) -> Belief:
    """Forget what was learned of the factors."""
    exit_prior = believed.exit_prior(belief.capacity, belief.expected).tobytes()
    entry_rate = np.full(size(belief.capacity), belief.entry_prior).tobytes()
    return replace(
        belief,
        exit_strength=exit_prior,
        exit_rate=exit_prior,
        entry_strength=belief.entry_prior,
        entry_rate=entry_rate,
    )


def _unwatched(belief: Belief, chances: Array, unseen_in: float, unseen_out: float, lasted_s: float) -> Array:
    """Let these shares of entries and exits happen unseen. Their rates are not known: a few stand for all."""
    entering = unseen_in * belief.expected.entry * believed.welcome(belief)
    entering *= belief.entry_strength / np.frombuffer(belief.entry_rate)
    exit_strength = np.frombuffer(belief.exit_strength)
    leaving = unseen_out * believed.leave_rate(belief) * (exit_strength / np.frombuffer(belief.exit_rate))
    more_in = math.exp(math.sqrt(math.log1p(1 / belief.entry_strength)))
    more_out = np.exp(np.sqrt(np.log1p(1 / exit_strength)))
    ways = ((1, 1), (1 / more_in, 1), (more_in, 1), (1, 1 / more_out), (1, more_out))
    runs = [born_and_died(chances, entering * more, leaving * less, lasted_s) for more, less in ways]
    return flushed(np.asarray(sum(runs) / len(runs)))
