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
"""

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from controller.domain import level as levels
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
from controller.domain.level import Level
from controller.domain.rhythm import UNLEARNED, Rates, Rhythm, learn, rates

GRID_S = 300.0
"""A stretch of time that is weighed at once."""

WELCOME = 0.2
"""Chance that a vehicle still goes in when exactly the last space is taken ..."""
WELCOME_BEYOND = 0.8
"""... and how it falls with each vehicle more."""
TURNED_WEIGHT = 0.8
"""What those who turn away tell counts a little less: they come in groups, and see what others do."""
CIRCLING_S = 400.0
"""How long a vehicle that found no space drives around."""
EXIT_FADES_S = 24 * 3600.0
"""How soon the share that leaves differs from its rhythm in another way ..."""
SCALE = 0.03
"""How far (standard deviation of a factor) the rhythm of departures may be off for good."""
HEARD, UNHEARD = 0.15, 0.1
"""Of what departures say, a number that is sure hears HEARD / (HEARD + UNHEARD), one that may be off by some vehicles
nearly all (both are variances, vehicles squared): that few stay for long is likelier than that a clear count errs."""
STAYERS = 0.25
"""Variance, as a share of the capacity, of how many stay for long: when few are left, who knows whether they leave."""
ENTRY_FADES_S = 3 * 3600.0
"""... and the rate of those who come."""
WIDEST_SPREAD = 1.2

BALANCE_FADE = 0.5 ** (1 / 6000)
"""How much less a passage counts, in what is learned of the lanes' balance, with each one after it."""
MOST_UNSEEN = 0.2
"""No lane is taken to miss more than this share of its vehicles."""
BALANCE_WEIGHT = 8.0
"""Passages, times the share that is not seen, before the balance of entries and exits is believed to be off."""
BALANCE_SPREAD = 0.2
"""How far (standard deviation, share of what is not seen) one side misses more than the other, before it is known."""
NEAR_FULL = 1e-4
"""From this chance of being full on, each passage is weighed on its own."""
JUST = 0.01
"""Variance (vehicles squared) below which nobody would notice that it was overstated."""
ANCHORED = 0.12
"""Standard deviation, as a share of the capacity, beyond which nothing is learned."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What was learned of those who touch a lane's outer loop and turn away. All in expected numbers."""

    touches: float = 0.0
    """While there was room ..."""
    arrivals: float = 0.0
    """... of so many who came."""
    touches_full: float = 0.0
    """While there was none ..."""
    arrivals_full: float = 0.0
    """... of so many who went away."""

    @property
    def usual(self) -> float:
        """How many touch the loop, for each who comes, whatever the reason."""
        return (self.touches + 1.0) / (self.arrivals + 20.0)

    @property
    def refused(self) -> float:
        """Share of those who find no room that touches the loop first."""
        return (self.touches_full + 1.2) / (self.arrivals_full + 4.0)


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of one zone at lot time ``at``. Arrays are bytes of float64, one for each number inside."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}

    capacity: int
    at: float
    chances: bytes
    exit_strength: bytes
    exit_rate: bytes
    """Gamma parameters of the factor on departures, for each number inside; mean factor = strength / rate."""
    entry_rate: bytes
    entry_strength: float
    entry_prior: float
    """Strength (= rate) of the prior that ``entry_strength`` contains."""
    expected: Rates
    rhythm: Rhythm = field(default_factory=Rhythm)
    level: Level = field(default_factory=Level)
    entries: float = 0.0
    """Vehicles (expected number) that came since the rhythm was last taught ..."""
    exits: float = 0.0
    """... and that left."""
    net: float = 0.0
    """Change inside since ``at``, by passages."""
    room_s: float = 0.0
    """Time with room since the rhythm was last taught ..."""
    vehicle_s: float = 0.0
    """... and vehicle-seconds."""
    taught_at: float = 0.0
    turned: Turned = field(default_factory=Turned)
    passages: float = 0.0
    """Vehicles that passed, older ones fading ..."""
    surplus: float = 0.0
    """... and how many more of them seemed to come in, net, than all other evidence would have."""
    claims: Claims = field(default_factory=Claims)
    """How far evidence moves the number, against how far it should."""


@dataclass(frozen=True, slots=True)
class Passing:
    """What a passage means for one zone."""

    chance_in: float
    chance_out: float
    unseen: float = 0.0
    """Chance that another vehicle went the same way and left no trace."""
    undirected: bool = False
    """Which way it went is not known: the rhythm says what is likely."""
    seen_in: float = 1.0
    """Which share of the entries the lanes see now ..."""
    seen_out: float = 1.0
    """... and of the exits."""
    obeyed: bool = False
    """Drivers are told that the lot is full."""
    another: float = 0.0
    """Chance that another vehicle went the same way, and loops did not tell it from this one."""


def start(capacity: int, occupied: int | None, at: float, unix: float) -> Belief:
    """Begin with a known number inside, or (None) with every number up to the capacity alike."""
    prior = np.ones(size(capacity)).tobytes()
    nothing = Rates(0.0, 0.0, 0.0, 0.0)
    strength = _exit_prior(capacity, nothing).tobytes()
    belief = Belief(capacity, at, b"", strength, strength, prior, 1.0, 1.0, nothing, taught_at=at)
    return _reckoned(replace(belief, chances=first(capacity, occupied).tobytes()), unix)


def corrected(belief: Belief, occupied: int, at: float, unix: float) -> Belief:
    """Somebody counted: so many are inside. What was learned stays, and how far the number was off is learned from."""
    middle, spread = moments(belief)
    off = (middle - occupied) * _trust(belief, spread)
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
    entering, leaving = _directed(belief, chances, passing)
    entry_rate, exit_rate = np.frombuffer(belief.entry_rate), np.frombuffer(belief.exit_rate)
    exit_strength = np.frombuffer(belief.exit_strength)
    coming = fit(chances, _welcome(belief) / entry_rate, 1 / float(entry_rate[0]))
    going = (_leave_rate(belief) * exit_strength / exit_rate) ** _temper(belief)
    going = fit(chances, going, float(going[1]))
    exit_strength = exit_strength + leaving
    rows = np.stack((chances, chances * exit_rate, chances * entry_rate, chances * exit_strength))
    unseen_in, unseen_out = (min(n + passing.another, 1.0) for n in _unseen(belief, passing.unseen))
    moved = (1 - entering - leaving) * rows
    for change, chance, fits, unseen in ((1, entering, coming, unseen_in), (-1, leaving, going, unseen_out)):
        if chance > 0:
            move(moved, change, (chance * (1 - unseen)) * fits * rows)
            move(moved, 2 * change, (chance * unseen) * fits * rows)
    total = float(moved[0].sum())
    if total <= 0:  # all that was likely is impossible now: keep what was
        return belief
    middle, spread = moments(belief)
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
        surplus=belief.surplus * BALANCE_FADE + seemed * _trust(belief, spread),
    )


def turned_away(belief: Belief, at: float, chance: float) -> Belief:
    """Somebody touched the outer loop of a way in and, with this chance, did not come in: the lot may be full."""
    belief = waited(belief, at, 1.0, 1.0)
    turned = belief.turned
    because_full = turned.refused * (1 - _welcome(belief))
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
    leave, welcome = _leave_rate(belief, between), _welcome(belief, between)
    exits = leave * (lasted_s * seen_out)
    entries = welcome * (belief.expected.entry * lasted_s * seen_in)
    exit_strength = np.frombuffer(belief.exit_strength)
    weight = -_temper(belief) * exit_strength * np.log1p(exits / exit_rate)
    weight -= belief.entry_strength * np.log1p(entries / entry_rate)
    arrivals = belief.expected.entry * belief.entry_strength / entry_rate * (lasted_s * seen_in)
    refused = arrivals * (1 - welcome)
    if not obeyed:
        weight = weight - TURNED_WEIGHT * belief.turned.refused * refused
    was, chances = chances, chances * np.exp(np.minimum(weight - weight[chances > 0].max(), 0.0))
    chances = flushed(chances / chances.sum())
    claims = _heard(belief, _moments(was), chances)
    if seen_in < 1 or seen_out < 1:
        chances = _unwatched(belief, chances, 1 - seen_in, 1 - seen_out, lasted_s)
    prior_out, prior_in = _exit_prior(belief.capacity, belief.expected), belief.entry_prior
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
        surplus=belief.surplus - _trust(belief, moments(belief)[1]) * mean(chances - was, all_numbers(belief.capacity)),
        turned=turned,
        room_s=belief.room_s + mean(chances, welcome) * lasted_s * seen_in,
        vehicle_s=belief.vehicle_s + mean(chances, np.minimum(between, belief.capacity)) * lasted_s * seen_out,
    )


def taught(belief: Belief, unix: float) -> Belief:
    """Teach the rhythm what was seen since the last time, and reckon with the next stretch's rates; ``unix`` is now."""
    lasted_s = belief.at - belief.taught_at
    middle, spread = moments(belief)
    trust = _trust(belief, spread)
    seen = (belief.entries, belief.room_s, belief.exits, belief.vehicle_s)
    entries, room_s, exits, vehicle_s = (trust * n for n in seen)
    usual = levels.weights(belief.level, unix, lasted_s, all_numbers(belief.capacity), belief.capacity)
    level = levels.learned(belief.level, unix - lasted_s / 2, lasted_s, middle, spread**2, trust)
    if usual is not None:
        after = weighed(belief, usual)
        belief = replace(after, surplus=after.surplus - trust * (moments(after)[0] - middle))
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
    return replace(belief, chances=chances.tobytes(), claims=_heard(belief, _moments(was), chances))


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


def expectation(belief: Belief) -> tuple[float, float, float, float]:
    """Return entries and exits that are expected per second, and how well each is known (gamma strengths)."""
    middle, _ = moments(belief)
    leaving = belief.expected.exit * min(middle, belief.capacity)
    strength = float(_exit_prior(belief.capacity, belief.expected)[min(round(middle), belief.capacity)])
    return belief.expected.entry, leaving, belief.entry_prior, strength


def moments(belief: Belief) -> tuple[float, float]:
    """Return mean and standard deviation of the number inside."""
    middle, variance = _moments(np.frombuffer(belief.chances))
    return middle, math.sqrt(variance)


def at_most(belief: Belief) -> Array:
    """Return for each number the chance that so many or fewer are inside."""
    cumulated: Array = np.cumsum(np.frombuffer(belief.chances))
    return cumulated


def honest(belief: Belief, least: float) -> Array:
    """Return for each number the chance that it is inside, made as unsure as the belief's claims were found to be.

    ``least``: no less variance (vehicles squared) than this.
    """
    chances = np.frombuffer(belief.chances)
    variance = _moments(chances)[1]
    more = max(belief.claims.overstated(belief.capacity) * variance, least) - variance
    if more < JUST:
        return chances
    return blurred(chances, more)


def _moments(chances: Array) -> tuple[float, float]:
    numbers = np.arange(float(len(chances)))
    middle = mean(chances, numbers)
    return middle, max(0.0, mean(chances, (numbers - middle) ** 2))


def _heard(belief: Belief, was: tuple[float, float], now: Array) -> Claims:
    """Keep count of evidence that moved mean and variance from ``was``; of an unknown number it says nothing."""
    middle, variance = _moments(now)
    trust = _trust(belief, math.sqrt(was[1]))
    return belief.claims.heard(trust * (middle - was[0]), trust * (was[1] - variance))


def _reckoned(belief: Belief, unix: float) -> Belief:
    """Take the rates of this time; what is known of the factors stays, their priors become those of these rates."""
    expected = rates(belief.rhythm, unix, belief.capacity)
    entry_prior = _prior(expected.entry_variance, expected.entries_seen)
    prior, was = _exit_prior(belief.capacity, expected), _exit_prior(belief.capacity, belief.expected)
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
    exit_prior = _exit_prior(belief.capacity, belief.expected).tobytes()
    entry_rate = np.full(size(belief.capacity), belief.entry_prior).tobytes()
    return replace(
        belief,
        exit_strength=exit_prior,
        exit_rate=exit_prior,
        entry_strength=belief.entry_prior,
        entry_rate=entry_rate,
    )


def _prior(variance: float, seen: float) -> float:
    return 1 / min(WIDEST_SPREAD**2, variance + UNLEARNED / (seen + 0.05))


def _exit_prior(capacity: int, expected: Rates) -> Array:
    """Return strength (= rate) of the factor on departures before anything is seen, for each number inside."""
    numbers = np.maximum(all_numbers(capacity), 1.0)
    stay = STAYERS * capacity / numbers**2
    return np.asarray(
        1 / np.minimum(WIDEST_SPREAD**2, expected.exit_variance + stay + UNLEARNED / (expected.exits_seen + 0.05))
    )


def _leave_rate(belief: Belief, numbers: Array | None = None) -> Array:
    """Return for each number inside how many leave per second: those parked by the rhythm, those circling soon."""
    numbers = all_numbers(belief.capacity) if numbers is None else numbers
    circling = np.maximum(numbers - belief.capacity, 0.0)
    return belief.expected.exit * np.minimum(numbers, belief.capacity) + circling / CIRCLING_S


def _welcome(belief: Belief, numbers: Array | None = None) -> Array:
    """Return for each number inside the chance that a vehicle that comes goes in."""
    numbers = all_numbers(belief.capacity) if numbers is None else numbers
    beyond = numbers - belief.capacity
    full = WELCOME * WELCOME_BEYOND ** np.maximum(beyond, 0.0)
    return np.where(beyond >= 0, full, np.where(beyond > -1, 1 + (beyond + 1) * (WELCOME - 1), 1.0))


def _directed(belief: Belief, chances: Array, passing: Passing) -> tuple[float, float]:
    """Split a vehicle of unknown direction by what the rhythm makes of each."""
    if not passing.undirected:
        return passing.chance_in, passing.chance_out
    any_way = passing.chance_in + passing.chance_out
    entering = belief.expected.entry * mean(chances, _welcome(belief)) * passing.chance_in
    leaving = mean(chances, _leave_rate(belief)) * passing.chance_out
    if entering + leaving <= 0:
        return passing.chance_in, passing.chance_out
    share = entering / (entering + leaving)
    return any_way * share, any_way * (1 - share)


def _temper(belief: Belief) -> float:
    """Return how much of what departures say is news (0-1): their rate was learned from the very numbers it tells."""
    middle, spread = moments(belief)
    hears = spread**2 + HEARD
    return hears / (hears + UNHEARD + (SCALE * min(middle, belief.capacity)) ** 2)


def _trust(belief: Belief, spread: float) -> float:
    """Return how much may be learned from a belief of this standard deviation (0-1): of an unknown number nothing."""
    return max(0.0, 1.0 - (spread / (ANCHORED * belief.capacity + 1)) ** 2)


def _unseen(belief: Belief, unseen: float) -> tuple[float, float]:
    """Return the chance that another vehicle came in, or went out, unseen; the lanes' balance tells them apart."""
    if unseen <= 0:
        return 0.0, 0.0
    # The number itself may be off by SCALE, so that a few passages of a large lot prove nothing of its lanes.
    doubt = (SCALE * belief.capacity / BALANCE_SPREAD) ** 2
    noise = belief.passages * (belief.passages * unseen + BALANCE_WEIGHT) * unseen + doubt
    bias = belief.surplus * belief.passages * unseen**2 / noise
    less = max(0.0, abs(bias) - unseen)  # what one side cannot have less than nothing of, the other has more of
    coming, going = max(0.0, unseen - bias), max(0.0, unseen + bias)
    coming, going = (coming + less, going) if bias < 0 else (coming, going + less)
    return min(coming, MOST_UNSEEN), min(going, MOST_UNSEEN)


def _unwatched(belief: Belief, chances: Array, unseen_in: float, unseen_out: float, lasted_s: float) -> Array:
    """Let these shares of entries and exits happen unseen. Their rates are not known: a few stand for all."""
    entering = unseen_in * belief.expected.entry * _welcome(belief)
    entering *= belief.entry_strength / np.frombuffer(belief.entry_rate)
    exit_strength = np.frombuffer(belief.exit_strength)
    leaving = unseen_out * _leave_rate(belief) * (exit_strength / np.frombuffer(belief.exit_rate))
    more_in = math.exp(math.sqrt(math.log1p(1 / belief.entry_strength)))
    more_out = np.exp(np.sqrt(np.log1p(1 / exit_strength)))
    ways = ((1, 1), (1 / more_in, 1), (more_in, 1), (1, 1 / more_out), (1, more_out))
    runs = [born_and_died(chances, entering * more, leaving * less, lasted_s) for more, less in ways]
    return flushed(np.asarray(sum(runs) / len(runs)))
