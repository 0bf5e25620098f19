"""All that watches a simulated lot: loops and contacts with their errors and faults, bay sensors, the controller.

What is reported while the controller is off is lost; when it is back, it reads every detector's level, as ``service``
does. Each detector draws from a stream of its own: what one does wrong changes nothing of the others, nor of the
traffic.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from controller.simulator.bay_field import Bay, BayField
from controller.simulator.carriageway import Carriageway, Crossing
from controller.simulator.chance import active_time, stream
from controller.simulator.happenings import Agenda, Done, Level, Off
from controller.simulator.relays import Glimpse, Relay
from controller.simulator.scenario_tables import FaultTable, Scenario
from controller.simulator.vehicles import Kind, Span, Vehicle

MONTH_S = 30 * 86_400.0
CHATTER_S = (0.05, 0.4)
"""A chattering contact changes after this long."""
FLAP_S = (5.0, 60.0)
FLAP_CHANGES = (3, 9)


def trace_of(outer: Glimpse, inner: Glimpse) -> str:
    """Say in one word what a lane's loops made of a vehicle or person.

    none: nothing. outer_only, inner_only: one of them missed it. off: the controller was. stuck, dead, chatter: a loop
    was at fault. lost_edge: one was not reported. merged: a loop did not release between this and another one. full: it
    was seen well.
    """
    if outer.missed and inner.missed:
        return "none"
    blind = [glimpse.blind for glimpse in (outer, inner) if glimpse.blind is not None]
    if blind:
        return "off" if "off" in blind else blind[0]
    if outer.missed or inner.missed:
        return "inner_only" if outer.missed else "outer_only"
    if outer.lost or inner.lost:
        return "lost_edge"
    return "merged" if outer.merged or inner.merged else "full"


@dataclass(frozen=True, slots=True)
class Episode:
    """A detector was at fault."""

    detector: str
    kind: str
    from_s: float
    until_s: float
    """When it is mended, which may lie beyond the end of a run."""


class Instruments:
    """The detectors and bay sensors of a lot; they tell the agenda what they report."""

    def __init__(self, scenario: Scenario, lanes: Sequence[Carriageway], agenda: Agenda, seed: int) -> None:
        self._scenario, self._agenda, self._seed = scenario, agenda, seed
        self._chance = stream(seed, "no_trace")
        self.relays = {
            name: Relay(
                name, scenario.errors, stream(seed, "relay", name), stream(seed, "edges", name), lane.table.worse
            )
            for lane in lanes
            for name in lane.detectors
        }
        self.field = BayField(scenario.bays, scenario.lot.capacity, seed)
        self._off_until_s = -math.inf
        self.episodes: list[Episode] = []
        """The faults that have begun so far."""

    def begin(self) -> None:
        """Say every level, and plan heartbeats, faults and restarts."""
        self._say_all()
        beat_s = self._scenario.bays.heartbeat_h * 3600
        for bay in self.field.bays.values():
            self._agenda.tell(Level(bay.name, bay.believes, self._agenda.now_s))
            self._agenda.put(self._agenda.now_s + self.field.rng.uniform(0, beat_s), self._heartbeat, bay)
            self._plan_flap(bay)
        for name, fault in self._scenario.fault.items():
            rng = stream(self._seed, "fault", name)
            for day in fault.at_days:
                if day * 86_400 >= self._agenda.now_s:
                    self._agenda.put(day * 86_400, self._strike, fault, rng)
            self._plan_fault(fault, rng, 0.0)
        self._plan_restart(stream(self._seed, "restarts"), 0.0)

    def watch(self, lane: Carriageway, crossing: Crossing, vehicle: Vehicle, *, inward: bool, did: str) -> None:
        """Let a lane's detectors sense all that a vehicle is going to do there, and tell when it is done."""
        change = {"entry": 1, "exit": -1}.get(did, 0)
        untraced = change != 0 and self._chance.random() < self._scenario.errors.no_trace * lane.table.worse
        glimpses: dict[str, Glimpse] = {}
        for name, spans in zip(lane.loops(inward=inward), (crossing.first, crossing.second), strict=True):
            relay = self.relays[name]
            blurred = vehicle.kind is Kind.MOTORCYCLE and relay.rng.random() < self._scenario.vehicles.motorcycle_unseen
            missed = relay.misses() or blurred or untraced or not spans
            glimpses[name] = Glimpse(missed=missed)
            if not missed:
                self._cover(relay, glimpses[name], spans)
        outer, inner = (glimpses[name] for name in lane.loops(inward=True))
        self._agenda.put(crossing.passed_s, self._done, lane.name, vehicle.number, did, change, (outer, inner))

    def arm(self, lane: Carriageway, span: Span) -> None:
        """Let the contact of a barrier feel its arm."""
        self._cover(self.relays[f"{lane.name}.barrier"], Glimpse(), (span,))

    def person(self, lane: Carriageway, seconds: float, rng: random.Random) -> None:
        """Let somebody on foot trip one loop."""
        outer, inner = Glimpse(), Glimpse()
        side = rng.random() < 0.5  # noqa: PLR2004  one of two
        name = lane.loops(inward=side)[0]
        (inner if side else outer).missed = True
        start_s = self._agenda.now_s
        self._cover(self.relays[name], outer if side else inner, ((start_s, start_s + seconds),))
        self._agenda.put(start_s + seconds, self._done, lane.name, None, "ghost", 0, (outer, inner))

    def stick(self, detector: str, *, level: bool | None) -> None:
        """Make a detector stick at a level; None mends it. KeyError for an unknown one."""
        relay = self.relays[detector]
        relay.stuck = level
        self._correct(relay)

    def kill(self, detector: str, *, dead: bool) -> None:
        """Let a detector fall silent, or speak again from its next change on. KeyError for an unknown one."""
        self.relays[detector].dead = dead

    def chatter(self, detector: str, *, on: bool) -> None:
        """Let a detector's contact chatter until it is mended. KeyError for an unknown one."""
        relay = self.relays[detector]
        if on and not relay.chatters:
            relay.chatters = True
            self._chatter(relay, stream(self._seed, "chatter", detector), math.inf)
        elif not on and relay.chatters:
            relay.chatters = False
            self._correct(relay)

    def lose_edges(self, detector: str, share: float | None) -> None:
        """Let a detector lose this share (0-1) of its edges; None: as the scenario has it. KeyError for an unknown."""
        errors = self._scenario.errors
        self.relays[detector].errors = errors if share is None else errors.model_copy(update={"lost_edge": share})

    def kill_bay(self, bay: str, *, dead: bool) -> None:
        """Take a bay sensor's battery out, or put a new one in. KeyError for an unknown one."""
        {b.name: b for b in self.field.bays.values()}[bay].dead = dead

    def levels(self) -> list[Level]:
        """Return what every living detector and bay sensor says, for somebody who has not heard it."""
        now = self._agenda.now_s
        said = [Level(relay.name, relay.said, now) for relay in self.relays.values()]
        return said + [Level(bay.name, bay.believes, now) for bay in self.field.bays.values() if not bay.dead]

    def switch_off(self, seconds: float) -> None:
        """Let the controller be off from now on; one that is off already stays so for as long as it was to be."""
        now = self._agenda.now_s
        if now < self._off_until_s:
            return
        self._agenda.tell(Off(round(seconds, 3), now))
        self._off_until_s = now + seconds
        self._agenda.put(self._off_until_s, self._say_all)

    def bay_changed(self, bay: Bay | None) -> None:
        """Send what a bay's sensor has noticed, if there is one."""
        if bay is None:
            return
        delay = self.field.arrives_after_s(bay)
        if delay is not None:
            self._agenda.put(self._agenda.now_s + delay, self._hear, bay, bay.believes)

    @property
    def is_off(self) -> bool:
        """Whether the controller is off."""
        return self._agenda.now_s < self._off_until_s

    # Detectors

    def _cover(self, relay: Relay, glimpse: Glimpse, spans: Sequence[Span]) -> None:
        for start, end in spans:
            self._agenda.put(start, self._changed, relay, glimpse, True)
            self._agenda.put(end, self._changed, relay, glimpse, False)

    def _changed(self, relay: Relay, glimpse: Glimpse, covered: bool) -> None:  # noqa: FBT001  a level
        reports = relay.cover(glimpse) if covered else relay.uncover(glimpse)
        if self.is_off:
            glimpse.blind = "off"
        elif reports:
            self._report(relay)
        elif glimpse.lost and self._scenario.errors.reread_s:
            period = self._scenario.errors.reread_s
            self._agenda.put((self._agenda.now_s // period + 1) * period, self._correct, relay)

    def _report(self, relay: Relay) -> None:
        level = relay.level
        if self._scenario.errors.repeats or relay.said is not level:
            self._say(relay, level)
        now, flips = self._agenda.now_s, relay.bounces()
        for number, later in enumerate(flips):
            self._agenda.put(now + later, self._bounce, relay, level, level if number % 2 else not level)

    def _bounce(self, relay: Relay, settles_at: bool, level: bool) -> None:  # noqa: FBT001  levels
        if relay.level is settles_at and relay.fault is None:
            self._say(relay, level)

    def _correct(self, relay: Relay) -> None:
        """Say the level where it is not what was said last."""
        if not relay.dead and relay.said is not relay.level:
            self._say(relay, relay.level)

    def _say(self, relay: Relay, level: bool) -> None:  # noqa: FBT001  a level
        if self.is_off:
            return
        relay.said = level
        self._agenda.tell(Level(relay.name, level, self._agenda.now_s))

    def _say_all(self) -> None:
        for relay in self.relays.values():
            self._say(relay, relay.said if relay.dead else relay.level)

    def _done(self, lane: str, vehicle: int | None, did: str, change: int, seen: tuple[Glimpse, Glimpse]) -> None:
        self._agenda.tell(Done(self._agenda.now_s, lane, vehicle, did, change, trace_of(*seen)))

    # Faults and restarts

    def _plan_fault(self, fault: FaultTable, rng: random.Random, elapsed_s: float) -> None:
        if not fault.per_30_days:
            return
        elapsed_s = self._later(elapsed_s, fault.per_30_days, fault.hours, rng)
        self._agenda.put(active_time(elapsed_s, fault.hours), self._strike_again, fault, rng, elapsed_s)

    def _later(self, elapsed_s: float, per_30_days: float, hours: tuple[float, float], rng: random.Random) -> float:
        """Draw the next time, counted within these hours of the days, that is not over already."""
        rate = per_30_days / (MONTH_S * (hours[1] - hours[0]) / 24)
        # Not quite regular, so that each month has about as many as it shall: a run without any would show nothing.
        elapsed_s += rng.uniform(0.5, 1.5) / rate if elapsed_s else rng.random() / rate
        while active_time(elapsed_s, hours) < self._agenda.now_s:
            elapsed_s += rng.uniform(0.5, 1.5) / rate
        return elapsed_s

    def _strike_again(self, fault: FaultTable, rng: random.Random, elapsed_s: float) -> None:
        self._strike(fault, rng)
        self._plan_fault(fault, rng, elapsed_s)

    def _strike(self, fault: FaultTable, rng: random.Random) -> None:
        """Let the fault begin, on one of its detectors or on that one's whole lane."""
        matching = [name for name in self.relays if fault.strikes(name)]
        struck, seconds = rng.choice(matching), rng.uniform(*fault.lasts_h) * 3600
        lane = struck.partition(".")[0]
        for name, relay in self.relays.items():
            if name == struck or (fault.whole_lane and name.partition(".")[0] == lane):
                self._begin_fault(fault.kind, relay, rng, self._agenda.now_s + seconds)

    def _begin_fault(self, kind: str, relay: Relay, rng: random.Random, until_s: float) -> None:
        self.episodes.append(Episode(relay.name, kind, self._agenda.now_s, until_s))
        match kind:
            case "stuck":
                self.stick(relay.name, level=True)
                self._agenda.put(until_s, self._mend, relay)
            case "dead":
                relay.dead = True
                self._agenda.put(until_s, self._mend, relay)
            case _:
                relay.chatters = True
                self._chatter(relay, rng, until_s)

    def _mend(self, relay: Relay) -> None:
        was_dead, relay.dead, relay.stuck = relay.dead, False, None
        if not was_dead:
            self._correct(relay)

    def _chatter(self, relay: Relay, rng: random.Random, until_s: float) -> None:
        if not relay.chatters:
            return  # mended by hand
        if self._agenda.now_s >= until_s:
            relay.chatters = False
            self._correct(relay)
            return
        self._say(relay, not relay.said)
        self._agenda.put(self._agenda.now_s + rng.uniform(*CHATTER_S), self._chatter, relay, rng, until_s)

    def _plan_restart(self, rng: random.Random, elapsed_s: float) -> None:
        table = self._scenario.restarts
        if table.per_30_days:
            elapsed_s = self._later(elapsed_s, table.per_30_days, table.hours, rng)
            self._agenda.put(active_time(elapsed_s, table.hours), self._restart, rng, elapsed_s)

    def _restart(self, rng: random.Random, elapsed_s: float) -> None:
        self.switch_off(rng.uniform(*self._scenario.restarts.seconds))
        self._plan_restart(rng, elapsed_s)

    # Bay sensors

    def _hear(self, bay: Bay, level: bool) -> None:  # noqa: FBT001  a level
        if not self.is_off:
            self._agenda.tell(Level(bay.name, level, self._agenda.now_s))

    def _heartbeat(self, bay: Bay) -> None:
        self.bay_changed(bay)
        self._agenda.put(self._agenda.now_s + self._scenario.bays.heartbeat_h * 3600, self._heartbeat, bay)

    def _plan_flap(self, bay: Bay) -> None:
        if rate := self._scenario.bays.flaps_per_30_days:
            self._agenda.put(self._agenda.now_s + self.field.rng.expovariate(rate / MONTH_S), self._flap, bay, 0)

    def _flap(self, bay: Bay, left: int) -> None:
        """Change to and fro some times, an even number, and plan the next episode."""
        rng = self.field.rng
        left = 2 * rng.randint(*FLAP_CHANGES) if left == 0 else left - 1
        if left == 0:
            self._plan_flap(bay)
            return
        bay.believes = not bay.believes
        self.bay_changed(bay)
        self._agenda.put(self._agenda.now_s + rng.uniform(*FLAP_S), self._flap, bay, left)
