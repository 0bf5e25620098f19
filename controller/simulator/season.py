"""A whole run, event by event: who comes, drives, parks and leaves, and what detectors and bay sensors report of it.

Theory of operation. Nothing happens between two events, so there is no grid of time: an agenda holds what is still to
come, and ``advance`` takes it in order. A vehicle at a lane waits its turn; when it starts, all that it will cover on
its way through is computed at once (``carriageway``) and put on the agenda; ``instruments`` says what is reported of
it. A vehicle is inside from when its tail leaves the inner loop until its tail leaves the outer one.

Drivers see the truth: a lot that is full turns most of them away (``[balk]``). The same steps serve a recording of
months and a demo in real time, since faults may be injected between two calls of ``advance``.
"""

import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from controller.simulator.carriageway import Carriageway
from controller.simulator.chance import stream
from controller.simulator.demand import DAY_S, Visit, longest_stay_s, visits
from controller.simulator.happenings import Agenda, Happening, Inside
from controller.simulator.instruments import Instruments
from controller.simulator.manoeuvres import Style
from controller.simulator.scenario_tables import Scenario
from controller.simulator.vehicles import Kind, Vehicle, draw

WARM_UP_DAYS = 14
"""Who came so many days before the start may still be inside, if there are stays as long."""
LOOKS_AGAIN_S = 20.0
"""How often somebody who circles looks for a space."""
LEAST_PARKED_S = 120.0
MORE_STAY_S = (120.0, 3600.0)
"""For how long those stay who are inside at the beginning besides those who came."""
TO_SPACE_S = (12.0, 80.0)
"""From the lane to the space ..."""
TO_LANE_S = (10.0, 60.0)
"""... and back."""
THINKS_S = (20.0, 240.0)
"""After backing out of an exit, until the next attempt."""


@dataclass(slots=True)
class Driver:
    """Somebody with a vehicle: on the way in, inside, or on the way out."""

    vehicle: Vehicle
    until_s: float
    gives_up_s: float = 0.0
    """Having come into a full lot, looks for a space until then."""


@dataclass(slots=True)
class _Turn:
    """A driver at a lane; ``style`` is chosen when everybody before is gone."""

    driver: Driver
    inward: bool
    did: str
    style: Style | None = None
    close: bool = False
    """Bumper to bumper with the one before, through an open barrier too."""


@dataclass(slots=True)
class _Mouth:
    """A lane with those who wait at it."""

    lane: Carriageway
    waiting: deque[_Turn] = field(default_factory=deque)


class Season:
    """A lot in simulated time, where t = 0 is a Monday, 00:00; a seed reproduces it exactly.

    It begins at ``begin_s`` with those who came before, or with so many vehicles ``inside``.
    """

    def __init__(self, scenario: Scenario, seed: int, *, begin_s: float = 0.0, inside: int | None = None) -> None:
        self.scenario, self.seed = scenario, seed
        self._agenda = Agenda(begin_s)
        self._rng, self._fleet, self._walkers = (stream(seed, name) for name in ("drivers", "vehicles", "people"))
        lanes = [Carriageway(n, t, scenario, stream(seed, "lane", n)) for n, t in scenario.lane.items()]
        self._mouths = {lane.name: _Mouth(lane) for lane in lanes}
        self.instruments = Instruments(scenario, lanes, self._agenda, seed)
        self._vehicles = 0
        self._parked: dict[int, Driver] = {}
        self.inside = 0
        """How many vehicles are inside now ..."""
        self.inside_at_start = 0
        """... and were at the beginning."""
        self.traffic = True
        """Whether people come and go by themselves; if not, those inside stay until it is true again."""
        self.counts: Counter[str] = Counter()
        """How many visits there were, and how many of them found the lot full: visits, balked, circled."""
        self._open(inside)

    @property
    def now_s(self) -> float:
        """How far the run has been moved on."""
        return self._agenda.now_s

    def advance(self, until_s: float) -> Iterator[Happening]:
        """Move on to ``until_s``, telling on the way what happens; whoever stops listening stops the time."""
        while (told := self._agenda.step(until_s)) is not None:
            yield from told

    def drive_in(self, style: Style = Style.PASS, *, stays_s: float = 1800.0, close: bool = False) -> None:
        """Let somebody come besides, even into a full lot, for a while (s); ``close`` behind the one before."""
        driver = Driver(self._vehicle(), self.now_s + stays_s)
        self._queue(self._pick("entry"), _Turn(driver, inward=True, did="entry", style=style, close=close))

    def drive_out(self) -> None:
        """Let somebody who is parked leave now, without a whim on the way; LookupError when nobody is."""
        if not self._parked:
            raise LookupError("nobody is parked who could leave")
        self._start(self._rng.choice(list(self._parked.values())), Style.PASS)

    def waiting(self) -> dict[str, int]:
        """Return how many wait at each lane."""
        return {name: len(mouth.waiting) for name, mouth in self._mouths.items()}

    def _open(self, inside: int | None) -> None:
        """Fill the lot with those who came before, and begin."""
        now, today = self.now_s, int(self.now_s // DAY_S)
        first = today - min(WARM_UP_DAYS, math.ceil(longest_stay_s(self.scenario) / DAY_S))
        earlier = [v for day in range(first, today + 1) for v in visits(self.scenario, self.seed, day)]
        staying = [visit.until_s for visit in earlier if visit.at_s < now < visit.until_s]
        number = min(len(staying) if inside is None else inside, self.scenario.lot.capacity)
        until = staying[max(0, len(staying) - number) :]
        until += [now + self._rng.uniform(*MORE_STAY_S) for _ in range(number - len(until))]
        for until_s in until:
            driver = Driver(self._vehicle(), until_s)
            if (bay := self.instruments.field.park(driver.vehicle.number)) is not None:
                bay.believes = True
            self._stays(driver, until_s)
            self.inside += 1
        self.inside_at_start = self.inside
        self._agenda.tell(Inside(self.inside, now))
        self.instruments.begin()
        self._agenda.put(now, self._day, today)

    def _vehicle(self) -> Vehicle:
        self._vehicles += 1
        return draw(self._vehicles, self.scenario.vehicles, self._fleet)

    def _day(self, day: int) -> None:
        for visit in visits(self.scenario, self.seed, day):
            if visit.at_s >= self.now_s:
                self._agenda.put(visit.at_s, self._arrive, visit)
        table = self.scenario.people
        first_s, hours = day * DAY_S + table.hours[0] * 3600, table.hours[1] - table.hours[0]
        for mouth in self._mouths.values() if table.per_hour else ():
            later_s = self._walkers.expovariate(table.per_hour / 3600)
            while later_s < hours * 3600:
                seconds = self._walkers.uniform(*table.seconds)
                if first_s + later_s >= self.now_s:
                    self._agenda.put(first_s + later_s, self._stroll, mouth.lane, seconds)
                later_s += self._walkers.expovariate(table.per_hour / 3600)
        self._agenda.put((day + 1) * DAY_S, self._day, day + 1)

    def _stroll(self, lane: Carriageway, seconds: float) -> None:
        if self.traffic:
            self.instruments.person(lane, seconds, self._walkers)

    # Coming

    def _arrive(self, visit: Visit) -> None:
        if not self.traffic:
            return
        self.counts["visits"] += 1
        self._come(Driver(self._vehicle(), visit.until_s))

    def _come(self, driver: Driver) -> None:
        self._queue(self._pick("entry"), _Turn(driver, inward=True, did="entry"))

    def _pick(self, direction: str) -> _Mouth:
        """Choose a lane for this direction; now and then somebody takes a wrong one."""
        mouths = list(self._mouths.values())
        right = [m for m in mouths if m.lane.table.direction in {direction, "both"}]
        wrong = [m for m in mouths if m not in right and not m.lane.table.barrier]
        if wrong and self._rng.random() < self.scenario.behaviour.wrong_way:
            return self._rng.choice(wrong)
        return right[0] if len(right) == 1 else self._rng.choice(right)

    def _coming(self, turn: _Turn) -> bool:
        """Choose how to come in; return False when the driver does not."""
        manners, balk = self.scenario.behaviour, self.scenario.balk
        if self.inside >= self.scenario.lot.capacity:
            if self._rng.random() < balk.leave:
                self.counts["balked"] += 1
                turn.style, turn.did = Style.TURN_AT_ONE, "touch"
                return self._rng.random() < balk.touch
            self.counts["circled"] += 1
            turn.driver.gives_up_s = self.now_s + 60 * self._rng.uniform(*balk.circle_min)
        turn.style = self._style(
            turn.driver,
            (manners.back_out_one, Style.TURN_AT_ONE),
            (manners.back_out_both, Style.TURN_AT_BOTH),
            (manners.manoeuvre, Style.MANOEUVRE),
            (manners.stop, Style.STOP),
        )
        return True

    def _style(self, driver: Driver, *chances: tuple[float, Style]) -> Style:
        drawn = self._rng.random()
        if driver.vehicle.kind is Kind.TRAILER:
            return Style.PASS  # nobody plays about with a trailer
        for chance, style in chances:
            if drawn < chance:
                return style
            drawn -= chance
        return Style.PASS

    def _enter(self, driver: Driver) -> None:
        self._agenda.put(self.now_s + self._rng.uniform(*TO_SPACE_S), self._park, driver)

    def _park(self, driver: Driver) -> None:
        """Take a space; look again where there is none, and give up at last."""
        if not self.instruments.field.is_full:
            self.instruments.bay_changed(self.instruments.field.park(driver.vehicle.number))
            self._stays(driver, max(driver.until_s, self.now_s + LEAST_PARKED_S))
        elif self.now_s < driver.gives_up_s:
            self._agenda.put(self.now_s + LOOKS_AGAIN_S, self._park, driver)
        else:
            self._head_out(driver)

    def _stays(self, driver: Driver, until_s: float) -> None:
        self._parked[driver.vehicle.number] = driver
        self._agenda.put(until_s, self._rise, driver)

    # Leaving

    def _rise(self, driver: Driver) -> None:
        if not self.traffic and driver.vehicle.number in self._parked:
            self._agenda.put(self.now_s + self._rng.uniform(*THINKS_S), self._rise, driver)
        else:
            self._start(driver)

    def _start(self, driver: Driver, style: Style | None = None) -> None:
        if self._parked.pop(driver.vehicle.number, None) is None:
            return  # was sent away before
        self.instruments.bay_changed(self.instruments.field.leave(driver.vehicle.number))
        self._head_out(driver, style)

    def _head_out(self, driver: Driver, style: Style | None = None) -> None:
        self._agenda.put(self.now_s + self._rng.uniform(*TO_LANE_S), self._leave, driver, style)

    def _leave(self, driver: Driver, style: Style | None = None) -> None:
        entries = [m for m in self._mouths.values() if m.lane.table.direction != "exit"]
        if style is None and entries and self._rng.random() < self.scenario.behaviour.turn_inside:
            turn = _Turn(driver, inward=False, did="manoeuvre", style=Style.TURN_AT_ONE)
            self._queue(self._rng.choice(entries), turn)
        else:
            self._queue(self._pick("exit"), _Turn(driver, inward=False, did="exit", style=style))

    def _leaving(self, turn: _Turn) -> None:
        manners = self.scenario.behaviour
        turn.style = self._style(
            turn.driver,
            (manners.exit_back_out / 2, Style.TURN_AT_ONE),
            (manners.exit_back_out / 2, Style.TURN_AT_BOTH),
            (manners.manoeuvre, Style.MANOEUVRE),
            (manners.stop, Style.STOP),
            (manners.wait, Style.WAIT),
        )

    # Lanes

    def _queue(self, mouth: _Mouth, turn: _Turn) -> None:
        mouth.waiting.append(turn)
        if len(mouth.waiting) == 1:
            self._next(mouth)

    def _next(self, mouth: _Mouth) -> None:
        """Let the first one at a lane decide what to do, and do it when it is possible."""
        turn = mouth.waiting[0]
        if turn.style is None:
            if turn.inward and not self._coming(turn):
                self._gone(mouth)
                return
            if not turn.inward:
                self._leaving(turn)
        style = turn.style or Style.PASS
        if (ready_s := mouth.lane.ready_s(self.now_s, inward=turn.inward, style=style)) > self.now_s:
            self._agenda.put(ready_s, self._next, mouth)
            return
        did = turn.did if style.passes or turn.did in {"touch", "manoeuvre"} else "back_out"
        vehicle = turn.driver.vehicle
        crossing = mouth.lane.go(self.now_s, vehicle, inward=turn.inward, style=style, close=turn.close)
        self.instruments.watch(mouth.lane, crossing, vehicle, inward=turn.inward, did=did)
        if crossing.arm is not None:
            self.instruments.arm(mouth.lane, crossing.arm)
        self._agenda.put(crossing.passed_s, self._passed, turn, did)
        self._gone(mouth)

    def _gone(self, mouth: _Mouth) -> None:
        mouth.waiting.popleft()
        if mouth.waiting:
            self._next(mouth)

    def _passed(self, turn: _Turn, did: str) -> None:
        """Let the number inside change, and the driver go on."""
        if did in {"entry", "exit"}:
            self.inside += 1 if did == "entry" else -1
            self._agenda.tell(Inside(self.inside, self.now_s))
        if did == "entry":
            self._enter(turn.driver)
        elif did == "manoeuvre" or (did == "back_out" and not turn.inward):
            self._agenda.put(self.now_s + self._rng.uniform(*THINKS_S), self._leave, turn.driver)
