"""Sensors that fail as they do: named, since when, with what to do; the truth is within what is told; recovery seen.

The domain alone, in virtual time: an entry lane and an exit lane of two loops each, and two bays. "Lost" is a fault
that is not named, or not seen to end; a zone that does not say which lane or bay of it counts with a fault, or goes on
saying so; passages that were counted with one and leave the interval as narrow as it was; or the true number not
between what is told as least and most.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from controller.api.words import words
from controller.domain import lot, view
from controller.domain.events import BayChanged, DetectorChanged, Tick
from controller.domain.report import FaultKind, LotReport, Status, ZoneReport
from controller.domain.specs import BaySpec, DetectorSpec, Direction, LaneSpec, LotSpec, Role, ZoneSpec
from controller.domain.state import LotState
from torture.row import Row

CAPACITY, INSIDE = 200, 100


def _lane(name: str, direction: Direction) -> LaneSpec:
    outer, inner = (DetectorSpec(f"{name}.{role.value}", name, role) for role in (Role.OUTER, Role.INNER))
    return LaneSpec(name, "lot", direction=direction, outer=outer, inner=inner)


SPEC = LotSpec(
    "Sensors",
    zones=(ZoneSpec("lot", CAPACITY, initial_occupied=INSIDE), ZoneSpec("deck", 2)),
    lanes=(_lane("in", Direction.ENTRY), _lane("out", Direction.EXIT)),
    bays=(BaySpec("B1", "deck"), BaySpec("B2", "deck")),
)


@dataclass
class Lot:
    """What the sensors say, and what is true."""

    inside: int = INSIDE
    now: float = 0.0
    state: LotState = field(default_factory=lambda: lot.initial(SPEC))
    broken: dict[str, bool] = field(default_factory=dict)
    """Loops that say this, whatever stands on them."""
    crossed: bool = False
    """The wires of the two loops of the way in are swapped."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.state = lot.apply(SPEC, self.state, Tick(self.now))

    def loop(self, name: str, *, occupied: bool) -> None:
        """Say a loop's level, if it can say anything else than it does."""
        if name not in self.broken:
            self.state = lot.apply(SPEC, self.state, DetectorChanged(name, occupied, self.now))

    def breaks(self, name: str, *, occupied: bool) -> None:
        """Let a loop say this from now on."""
        self.loop(name, occupied=occupied)
        self.broken[name] = occupied

    def mended(self, name: str) -> None:
        """Let it say what is there: nothing."""
        del self.broken[name]
        self.loop(name, occupied=False)

    def cars(self, number: int, lane: str = "in", every_s: float = 60.0, *, haste: float = 1.0) -> None:
        """Drive so many through a lane."""
        first, second = ("outer", "inner") if lane == "in" and not self.crossed else ("inner", "outer")
        for _ in range(number):
            for loop, occupied, then_s in ((first, True, 0.6), (second, True, 0.8), (first, False, 0.6)):
                self.loop(f"{lane}.{loop}", occupied=occupied)
                self.wait(then_s / haste)
            self.loop(f"{lane}.{second}", occupied=False)
            self.inside += 1 if lane == "in" else -1
            self.wait(every_s)

    def bay(self, name: str, *, occupied: bool, battery_low: bool | None = None) -> None:
        """Say a bay's level."""
        event = BayChanged(name, occupied, self.now, battery_low=battery_low)
        self.state = lot.apply(SPEC, self.state, event)

    @property
    def told(self) -> LotReport:
        """What it says now."""
        return view.report(SPEC, self.state)

    def zone(self, name: str) -> ZoneReport:
        """What it says of a zone."""
        return next(z for z in self.told.zones if z.name == name)


@dataclass
class Case:
    """One fault: how it begins, which is to be named then, and how it is mended."""

    begin: Callable[[Lot], None]
    subject: str
    kind: FaultKind | None
    mend: Callable[[Lot], None]
    wider: bool = True
    """So many passed meanwhile that what is told as least and most lie further apart."""


def _stuck(loop: str, *, occupied: bool) -> Case:
    def begin(now: Lot) -> None:
        if occupied:  # stuck with a car on it: it drives on
            now.cars(1)
        now.breaks(f"in.{loop}", occupied=occupied)
        now.cars(8)

    def mend(now: Lot) -> None:
        now.mended(f"in.{loop}")
        now.cars(2)

    return Case(begin, f"in.{loop}", FaultKind.STUCK if occupied else FaultKind.SILENT, mend)


def _chatter(now: Lot) -> None:
    for number in range(60):
        now.loop("in.outer", occupied=number % 2 == 0)
        now.wait(0.05)
    for _ in range(20):  # cars, and it bounces on between them
        now.broken["in.outer"] = False
        now.cars(1, every_s=5.0)
        del now.broken["in.outer"]
        now.loop("in.outer", occupied=True)
        now.wait(0.05)
        now.loop("in.outer", occupied=False)


def _forged(now: Lot) -> None:
    """Say 72 vehicles a minute, each as a car would be: below what is chatter at once."""
    before = now.inside
    now.cars(60, every_s=0.1, haste=2.5)
    now.inside = before  # none of them was there


def _rushed(now: Lot) -> None:
    """Say vehicles that follow each other faster than any can drive: chatter at once."""
    before = now.inside
    now.cars(20, every_s=0.04, haste=15.0)
    now.inside = before  # none of them was there


def _chatter_ends(now: Lot) -> None:
    now.wait(60.0)
    now.cars(2)


def _crossed(now: Lot) -> None:
    now.crossed = True
    now.cars(8)


def _uncrossed(now: Lot) -> None:
    now.crossed = False
    now.cars(2)


def _parked(now: Lot) -> None:
    now.loop("in.outer", occupied=True)
    now.wait(2 * 3600.0)


def _drives_on(now: Lot) -> None:
    now.loop("in.inner", occupied=True)
    now.wait(0.8)
    now.loop("in.outer", occupied=False)
    now.wait(0.6)
    now.loop("in.inner", occupied=False)
    now.inside += 1
    now.wait(60.0)


def _drops_out(now: Lot) -> None:
    now.loop("in.outer", occupied=True)
    now.wait(300.0)
    now.loop("in.outer", occupied=False)  # tuned out: it stands there still
    now.wait(300.0)
    now.loop("in.inner", occupied=True)
    now.wait(2.0)
    now.loop("in.inner", occupied=False)
    now.inside += 1
    now.wait(60.0)


def _dead(now: Lot) -> None:
    """Let both loops of the way out fall silent while the way in is busy, in a lot whose rhythm is known."""
    for _ in range(10 * 24):
        now.cars(3, every_s=500.0)
        now.cars(3, "out", every_s=500.0)
    now.broken |= {"out.outer": False, "out.inner": False}
    for _ in range(24):
        now.cars(3, every_s=500.0)
        now.cars(3, "out", every_s=500.0)


def _revived(now: Lot) -> None:
    now.mended("out.outer")
    now.mended("out.inner")
    now.cars(3, "out")


def _flaps(now: Lot) -> None:
    for number in range(12):
        now.bay("B1", occupied=number % 2 == 0)
        now.wait(20.0)


def _calm(now: Lot) -> None:
    for _ in range(5):
        now.wait(600.0)
        now.bay("B1", occupied=True)


def _gone(now: Lot) -> None:
    now.bay("B1", occupied=True)
    now.wait(3 * 86_400.0)


CASES = {
    "outer loop stuck on, or a wire of a closed contact cut": _stuck("outer", occupied=True),
    "inner loop stuck on, or a wire of a closed contact cut": _stuck("inner", occupied=True),
    "outer loop stuck off, or a wire of an open contact cut": _stuck("outer", occupied=False),
    "inner loop stuck off, or a wire of an open contact cut": _stuck("inner", occupied=False),
    "chatter": Case(_chatter, "in.outer", FaultKind.CHATTER, _chatter_ends),
    "more vehicles than a lane carries": Case(_forged, "in.outer", FaultKind.CHATTER, _chatter_ends),
    "vehicles faster than any drives": Case(_rushed, "in.outer", FaultKind.CHATTER, _chatter_ends),
    "silent for long, both loops": Case(_dead, "out.outer", FaultKind.SILENT, _revived),
    "loops the wrong way round": Case(_crossed, "in.outer", FaultKind.REVERSED, _uncrossed),
    "a vehicle parked on a loop": Case(_parked, "in.outer", FaultKind.STUCK, _drives_on, wider=False),
    "limited presence drops out": Case(_drops_out, "", None, lambda now: now.cars(1)),
    "a bay sensor flaps": Case(_flaps, "B1", FaultKind.CHATTER, _calm),
    "a bay sensor's battery is low": Case(
        lambda now: now.bay("B1", occupied=True, battery_low=True),
        "B1",
        FaultKind.BATTERY,
        lambda now: now.bay("B1", occupied=True, battery_low=False),
        wider=False,
    ),
    "a bay sensor is gone": Case(_gone, "B1", FaultKind.SILENT, lambda now: now.bay("B1", occupied=True)),
}


def _width(zone: ZoneReport) -> int:
    return CAPACITY if zone.low is None or zone.high is None else zone.high - zone.low


def tried(case: Case) -> tuple[list[str], float]:
    """Make the fault and mend it; return what was wrong with what was told, and how long recovery took (s)."""
    now, wrong = Lot(), []
    for name in ("B1", "B2"):
        now.bay(name, occupied=False)
    now.cars(30)
    now.cars(30, "out")
    about = "deck" if case.subject.startswith("B") else "lot"
    before, began = now.zone(about), now.now
    case.begin(now)
    named = [f for f in now.told.faults if f.subject == case.subject]
    if case.kind is not None:
        if [f.kind for f in named] != [case.kind]:
            wrong.append(f"named: {[*now.told.faults]}")
        elif not began <= named[0].since <= now.now:
            wrong.append(f"since {named[0].since}, not {began} to {now.now}")
        if case.kind.value not in words("pl")["fault_todo"]:
            wrong.append("nobody says what to do")
    wrong += _untrue(now, "at fault")
    zone, what = now.zone(about), case.subject.partition(".")[0]
    if case.kind is not None and what not in zone.degraded:
        wrong.append(f"{zone.name} does not say that {what} counts with a fault: {zone}")
    if case.wider and zone.status is not Status.UNKNOWN and _width(zone) <= _width(before):
        wrong.append(f"as sure as before: {zone}")
    mended = now.now
    case.mend(now)
    recovered_s = now.now - mended
    if any(f.subject == case.subject for f in now.told.faults):
        wrong.append(f"not over: {now.told.faults}")
    if what in now.zone(about).degraded:
        wrong.append(f"{what} still counts with a fault")
    return wrong + _untrue(now, "mended"), recovered_s


def _untrue(now: Lot, when: str) -> list[str]:
    """Say whether the truth is out of what is told."""
    zone = now.zone("lot")
    free = min(max(CAPACITY - now.inside, 0), CAPACITY)
    within = zone.low is None or zone.high is None or zone.low <= free <= zone.high
    return [] if within else [f"{when}: {free} are free, not {zone.low} to {zone.high}"]


def run() -> tuple[Row, list[str]]:
    """Try all; return the row, and what was wrong."""
    found, slowest = [], 0.0
    for name, case in CASES.items():
        wrong, recovered_s = tried(case)
        found += [f"{name}: {one}" for one in wrong]
        slowest = max(slowest, recovered_s)
    note = "; ".join(CASES)
    return Row("sensor faults: named, uncertain, over again", len(CASES), len(found), 0, slowest, note), found
