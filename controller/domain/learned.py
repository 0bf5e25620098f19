"""What a lane has learned: how long its vehicles cover the loops, and how often its loops and drivers do odd things.

Everything is an expected number that fades: after ``HALF_LIFE`` passages, half of what was seen counts no more. Each
figure begins with a prior that works on day one, worth as many passages as it says. Times are taken as logarithms of
seconds, since speeds vary by factors.
"""

import math
from dataclasses import dataclass

from controller.domain.frozen import changed
from controller.domain.report import LaneQuality
from controller.domain.specs import Role

ALIKE = 400.0
"""What the two loops of a lane miss together tells of each of them as much as so many passages of its own."""
GOOD, FAIR = 0.2, 1.0
"""So many vehicles are taken to be missed of the first 125 by loops of which nothing is known, and by fair ones ..."""
BAD = 0.4
"""... and so many more than by good ones for each change that was lost."""
HALF_LIFE = 2000.0
"""Passages after which what was learned counts half."""
FADE = 0.5 ** (1 / HALF_LIFE)

CLOSER = 0.25
"""For each vehicle that has another one just so far behind it that the loops clear, so many have one even closer ..."""
CLOSER_WAITING = 0.7
"""... and of those who wait: who stands behind closes up, who drives keeps a distance."""
WAITED = 0.3
"""Who covers both loops for longer than those who drive on, by so much (logarithm) at least, has waited there."""

BELL_LIMIT = 400.0
"""A bell goes on learning as if it had seen so many passages at most."""
OUTLIER = 2.5
"""A time is learned as if it were no further from the middle than so many standard deviations: somebody stopped."""


@dataclass(frozen=True, slots=True)
class Bell:
    """A log-normal time (or ratio): mean and variance of its natural logarithm, and from how many passages."""

    mean: float
    variance: float
    seen: float = 4.0

    def learn(self, value: float) -> "Bell":
        """Take one more value (s, or a ratio; above 0)."""
        spread = OUTLIER * math.sqrt(self.variance)
        off = min(max(math.log(max(value, 1e-3)) - self.mean, -spread), spread)
        share = 1 / (self.seen + 1)
        return Bell(
            self.mean + off * share,
            max((1 - share) * (self.variance + share * off * off), LEAST_VARIANCE),
            min(self.seen + 1, BELL_LIMIT),
        )

    def learn_moving(self, value: float) -> "Bell":
        """Take one more value, unless it is so far above the others that somebody must have stopped."""
        return self if math.log(max(value, 1e-3)) > self.most else self.learn(value)

    @property
    def most(self) -> float:
        """The logarithm of what those have at most who do not stop."""
        return self.mean + max(OUTLIER * math.sqrt(self.variance), WAITED)

    def fits(self, value: float) -> float:
        """Return how well the value (s; above 0) fits: the density of its logarithm, with a shoulder for who stops."""
        off = math.log(max(value, 1e-3)) - self.mean
        return (1 - STOPS) * _normal(off, self.variance) + STOPS * _normal(off - 1.2, 1.0 + self.variance)

    def fits_closely(self, value: float) -> float:
        """Return the same for those who have nothing to stop for."""
        return _normal(math.log(max(value, 1e-3)) - self.mean, self.variance) + UNLIKELY


LEAST_VARIANCE = 0.0025
STOPS = 0.1
"""Share of vehicles that are taken to stop, or creep, on a loop."""
UNLIKELY = 0.002
"""No time is impossible."""


def _normal(off: float, variance: float) -> float:
    return math.exp(-off * off / (2 * variance)) / math.sqrt(2 * math.pi * variance)


PERSON = Bell(math.log(0.6), 0.3, 40.0)
"""How long something small (a person with a trolley, a bicycle, noise) covers a loop."""
VISITOR_SPREAD = 0.3
"""Least variance of the logarithm of the time on a loop of those who turn away; clear cases alone are more alike."""
VISITOR = Bell(math.log(5.0), VISITOR_SPREAD, 60.0)
"""How long somebody covers a loop who drives onto it, thinks better of it, and leaves backwards."""
VEHICLE = Bell(math.log(2.2), 0.25)
"""How long a vehicle covers a loop, before one was seen."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long vehicles cover a loop: a histogram over the logarithm, since some roll on and others stop there."""

    counts: tuple[float, ...]
    """For the times around ``SHORTEST_S * BIN ** i``; the last for all that are longer."""

    def learn(self, seconds: float) -> "Times":
        """Take one more time."""
        at = _bin(seconds)
        kept = 1 - 1 / BELL_LIMIT
        return Times(tuple(n * kept + 1 if i == at else n * kept for i, n in enumerate(self.counts)))

    def fits(self, seconds: float) -> float:
        """Return how well a time fits: the density of its logarithm, straight between the middles of bins."""
        place = min(max(math.log(max(seconds, 1e-3) / SHORTEST_S) / LOG_BIN, 0.0), len(self.counts) - 1.0)
        low = min(int(place), len(self.counts) - 2)
        part = place - low
        count = (1 - part) * self.counts[low] + part * self.counts[low + 1]
        return count / (sum(self.counts) * LOG_BIN) + UNLIKELY

    @property
    def median_s(self) -> float:
        """The time that half of the vehicles are below."""
        left = sum(self.counts) / 2
        for i, count in enumerate(self.counts):
            left -= count
            if left <= 0:
                return float(SHORTEST_S * math.exp(LOG_BIN * (i + 0.5 + left / max(count, 1e-9))))
        return SHORTEST_S


SHORTEST_S = 0.2
LOG_BIN = 0.3
BINS = 20


def _bin(seconds: float) -> int:
    return min(max(round(math.log(max(seconds, 1e-3) / SHORTEST_S) / LOG_BIN), 0), BINS - 1)


def times(bell: Bell, worth: float) -> Times:
    """Return the histogram of a bell, worth so many passages."""
    middles = [SHORTEST_S * math.exp(LOG_BIN * i) for i in range(BINS)]
    return Times(tuple(worth * LOG_BIN * bell.fits(middle) for middle in middles))


USUAL = times(VEHICLE, 15.0)
STRETCH = Bell(math.log(2.1), 0.1)
BODY = Bell(math.log(2.0), 0.1)
TAIL = Bell(math.log(1.2), 0.3)
EVEN = Bell(0.0, 0.15)


@dataclass(frozen=True, slots=True)
class Pace:
    """How vehicles that go one way cover the two loops."""

    outer: Times = USUAL
    """How long the outer loop is covered."""
    inner: Times = USUAL
    stretch: Bell = STRETCH
    """How many times longer a vehicle covers a loop than it needs from one loop to the other: tells its length."""
    body: Bell = BODY
    """The same of those alone who did not stop on the loops: tells the length better."""
    tail: Bell = TAIL
    """How long after the first loop on its way it leaves the second ..."""
    even: Bell = EVEN
    """... and how many times longer that is than from reaching the first to reaching the second: about once."""


@dataclass(frozen=True)  # no slots: see ``frozen``
class Learned:
    """What one lane has learned. Numbers are expected numbers, faded."""

    inward: Pace = Pace()
    outward: Pace = Pace()
    person: Bell = PERSON
    visitor: Bell = VISITOR
    passages: float = 0.0
    gaps: float = 0.0
    """Passages that left the one loop before they reached the other."""
    wrong_way: float = 0.0
    back_outs: float = 0.0
    missed_outer: float = 0.0
    missed_inner: float = 0.0
    lost_edges: float = 0.0
    people_outer: float = 0.0
    """What touched the outer loop only and was no vehicle: people, trolleys, noise."""
    people_inner: float = 0.0
    visitors_outer: float = 0.0
    """Who drove onto the outer loop only, and turned away."""
    visitors_inner: float = 0.0
    busy_passages: float = 0.0
    """Of the passages, those soon after somebody had turned away, or under a sign that says FULL ..."""
    busy_visitors: float = 0.0
    """... and of the visitors of the outer loop."""
    told_edges: float = 0.0
    """Of the lost ones, those that a repeated level gave away."""
    tight: float = 0.0
    """Vehicles that had another one so close behind them that the loops only just cleared ..."""
    tight_waits: float = 0.0
    """... and those of them that had waited on the loops."""
    waits: float = 0.0
    """Vehicles that waited on both loops, for the street or for others."""
    followed: float = 0.0
    """Vehicles whose follower was on the first loop before they had left the second."""
    trailers: float = 0.0
    opened: float = 0.0
    """Clear passages for which the barrier opened ..."""
    not_opened: float = 0.0
    """... and for which it did not: tailgating, or it stood open."""
    left: float = 0.0
    """Openings that nobody claimed."""
    repeats: float = 0.0
    """Levels that were heard again for no reason: somebody reads them from time to time."""

    def missed(self, role: Role) -> float:
        """Return the chance that this loop misses a vehicle altogether; the two of a lane are mostly alike.

        Most loops miss next to nothing. Those that lose changes are not of that kind.
        """
        first = GOOD + min(BAD * self.lost_edges, FAIR - GOOD)
        both = (first + self.missed_outer + self.missed_inner) / (125.0 + 2 * self.passages)
        count = self.missed_outer if role is Role.OUTER else self.missed_inner
        return (ALIKE * both + count) / (ALIKE + self.passages)

    def people(self, role: Role) -> float:
        """Return how many people and the like touch this loop only, for each passage."""
        count = self.people_outer if role is Role.OUTER else self.people_inner
        return (1.0 + count) / (100.0 + self.passages)

    def visitors(self, role: Role, *, street: bool, turning: bool, full: bool) -> float:
        """Return how many drivers touch this loop only, for each passage.

        ``street``: vehicles may come in here, so that some turn away; ``turning``: others have just done so; ``full``:
        the sign tells them to.
        """
        if role is Role.INNER or not street:
            count = self.visitors_inner if role is Role.INNER else self.visitors_outer
            return (0.4 + count) / (150.0 + self.passages)
        if full:
            return (3.0 + self.busy_visitors) / (3.0 + self.busy_passages)
        if turning:
            return (0.5 + self.busy_visitors) / (8.0 + self.busy_passages)
        return (2.0 + self.visitors_outer - self.busy_visitors) / (150.0 + self.passages - self.busy_passages)

    def without_visitors(self, role: Role, number: float) -> "Learned":
        """Forget so many (expected number) who seemed to turn away on this loop, but drove on over the other unseen."""
        if role is Role.OUTER:
            outer, busy = (max(0.0, seen - number) for seen in (self.visitors_outer, self.busy_visitors))
            return changed(self, visitors_outer=outer, busy_visitors=busy)
        return changed(self, visitors_inner=max(0.0, self.visitors_inner - number))

    @property
    def lost(self) -> float:
        """The chance that a single change of a loop is never heard."""
        return (1.0 + self.lost_edges / 4) / (400.0 + self.passages)

    @property
    def lost_untold(self) -> float:
        """The same, where no repeated level gives it away: some systems repeat levels, others never do."""
        return self.lost * 2.0 / (2.0 + self.told_edges)

    def merged(self, *, waited: bool) -> float:
        """Return how many have another one so close behind them that no loop clears, of those who waited or drove on.

        Some of as many as it just clears for.
        """
        if waited:
            return (0.02 + CLOSER_WAITING * self.tight_waits) / (30.0 + self.waits)
        return (0.03 + CLOSER * (self.tight - self.tight_waits)) / (300.0 + self.passages - self.waits)

    @property
    def followed_on(self) -> float:
        """How many have another one on the first loop before they have left the second."""
        return (2.0 + self.followed) / (20.0 + self.passages)

    @property
    def closed_up(self) -> tuple[float, float]:
        """How many drove on, and how many waited, with another one so close behind them, for each passage."""
        driving = (1 - self.waiting) * self.merged(waited=False)
        return driving, self.waiting * self.merged(waited=True)

    @property
    def waiting(self) -> float:
        """The chance that a vehicle waits on both loops."""
        return (4.0 + self.waits) / (100.0 + self.passages)

    @property
    def trailer_rate(self) -> float:
        """How many have a trailer that the loops tell from its car."""
        return (1.5 + self.trailers) / (200.0 + self.passages)

    @property
    def opens(self) -> float:
        """The chance that the barrier opens for a vehicle."""
        return (9.0 + self.opened) / (10.0 + self.opened + self.not_opened)

    @property
    def left_open(self) -> float:
        """How many openings nobody claims, for each passage."""
        return (1.0 + self.left) / (50.0 + self.passages)

    @property
    def against(self) -> float:
        """The chance that a vehicle drives against a one-way lane."""
        return (0.5 + self.wrong_way) / (250.0 + self.passages)

    @property
    def backed(self) -> float:
        """How many back out after both loops, for each passage."""
        return (2.0 + self.back_outs) / (400.0 + self.passages)

    @property
    def read_again(self) -> float:
        """The chance that a level is heard again for no reason in any one second; passages are some minutes apart."""
        return (0.2 + self.repeats) / (200.0 + self.passages) / 60.0

    @property
    def apart(self) -> float:
        """The chance that a vehicle leaves the one loop before it reaches the other."""
        return (0.5 + self.gaps) / (50.0 + self.passages)

    def pace(self, *, inward: bool) -> Pace:
        """How vehicles go this way."""
        return self.inward if inward else self.outward

    def faded(self, *, turning: bool) -> "Learned":
        """Count one more passage; what is older counts a little less."""
        return changed(
            self,
            passages=self.passages * FADE + 1.0,
            gaps=self.gaps * FADE,
            wrong_way=self.wrong_way * FADE,
            back_outs=self.back_outs * FADE,
            missed_outer=self.missed_outer * FADE,
            missed_inner=self.missed_inner * FADE,
            lost_edges=self.lost_edges * FADE,
            told_edges=self.told_edges * FADE,
            people_outer=self.people_outer * FADE,
            people_inner=self.people_inner * FADE,
            visitors_outer=self.visitors_outer * FADE,
            visitors_inner=self.visitors_inner * FADE,
            busy_passages=self.busy_passages * FADE + turning,
            busy_visitors=self.busy_visitors * FADE,
            tight=self.tight * FADE,
            tight_waits=self.tight_waits * FADE,
            waits=self.waits * FADE,
            followed=self.followed * FADE,
            trailers=self.trailers * FADE,
            opened=self.opened * FADE,
            not_opened=self.not_opened * FADE,
            left=self.left * FADE,
            repeats=self.repeats * FADE,
        )

    @property
    def quality(self) -> LaneQuality:
        """What an owner wants to know of the loops."""
        return LaneQuality(
            passages=self.passages,
            missed_outer=self.missed_outer,
            missed_inner=self.missed_inner,
            lost_edges=self.lost_edges,
            ghosts=self.people_outer + self.people_inner + self.visitors_outer + self.visitors_inner,
        )


NOTHING_LEARNED = Learned()
"""The first day."""
