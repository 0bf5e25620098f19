"""Small lots, and a short way to tell what their detectors saw: ``A+0 B+1.2`` is "outer covered at 0, inner at 1.2"."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from controller.domain import lot, view
from controller.domain.events import DetectorChanged, Event, Tick
from controller.domain.report import Message, Passage, ZoneReport
from controller.domain.specs import (
    BaySpec,
    DetectorSpec,
    Direction,
    HealthSpec,
    LaneSpec,
    LotSpec,
    Output,
    Role,
    SignSpec,
    ZoneSpec,
)
from controller.domain.state import LotState

LETTERS = {"A": "outer", "B": "inner", "L": "loop", "R": "barrier"}
QUIET_S = 60.0
"""Long enough for every vehicle in doubt to be decided."""


def two_loops(
    name: str = "main",
    zone: str = "customers",
    direction: Direction = Direction.BOTH,
    *,
    from_zone: str | None = None,
    outer: Output = Output.PRESENCE,
    inner: Output = Output.PRESENCE,
    barrier: bool = False,
) -> LaneSpec:
    return LaneSpec(
        name,
        zone,
        direction,
        outer=DetectorSpec(f"{name}.outer", name, Role.OUTER, outer),
        inner=DetectorSpec(f"{name}.inner", name, Role.INNER, inner),
        barrier=DetectorSpec(f"{name}.barrier", name, Role.BARRIER) if barrier else None,
        from_zone=from_zone,
    )


def one_loop(direction: Direction, name: str = "main", output: Output = Output.PRESENCE) -> LaneSpec:
    loop = DetectorSpec(f"{name}.loop", name, Role.LOOP, output)
    return LaneSpec(name, "customers", direction, loop=loop)


def site(
    *lanes: LaneSpec,
    capacity: int = 40,
    inside: int | None = 10,
    bays: int = 0,
    health: HealthSpec | None = None,
    zones: tuple[ZoneSpec, ...] = (),
    limits: tuple[int, int, int | None] = (0, 1, None),
) -> LotSpec:
    """Return a lot whose lanes lead to ``customers``; ``limits`` are its full_at, reopen_at and nearly_full_at."""
    customers = ZoneSpec("customers", capacity, *limits, initial_occupied=inside)
    return LotSpec(
        "test",
        zones=(customers, *zones),
        lanes=lanes,
        bays=tuple(BaySpec(f"b{i}", "customers") for i in range(bays)),
        signs=(SignSpec("entrance", "customers"),),
        health=health or HealthSpec(),
    )


@dataclass(frozen=True)
class Told:
    """What came of a story."""

    state: LotState
    passages: tuple[Passage, ...]

    @property
    def kinds(self) -> list[str]:
        return [p.kind.value for p in self.passages]

    @property
    def counted(self) -> int | None:
        return self.state.zones["customers"].counted


def levels(text: str, lane: str = "main") -> list[DetectorChanged]:
    words = [(f"{lane}.{LETTERS[word[0]]}", word[1] == "+", float(word[2:])) for word in text.split()]
    return [DetectorChanged(*word) for word in words]


def fold(spec: LotSpec, events: Iterable[Event], state: LotState | None = None) -> Told:
    state = lot.initial(spec) if state is None else state
    passages: list[Passage] = []
    for event in events:
        state = lot.apply(spec, state, event)
        passages += state.passed
    return Told(state, tuple(passages))


def tell(spec: LotSpec, text: str, *, state: LotState | None = None, quiet_s: float = QUIET_S) -> Told:
    """Fold the story of lane ``main``, and what time alone makes of it afterwards."""
    said: Sequence[Event] = levels(text)
    return fold(spec, [*said, Tick(said[-1].at + quiet_s)], state)


def zone(spec: LotSpec, state: LotState, name: str = "customers") -> ZoneReport:
    return view.zone_reports(spec, state)[name]


def shown(spec: LotSpec, state: LotState) -> Message:
    return view.report(spec, state).signs[0].message
