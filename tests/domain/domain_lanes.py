"""One lane by itself: its detectors' health and its automaton, without a lot around them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from domain_lots import QUIET_S, levels, two_loops

from controller.domain import health, lane
from controller.domain.crossing import LaneState
from controller.domain.events import DetectorChanged
from controller.domain.health import DetectorState
from controller.domain.report import Passage, PassageKind
from controller.domain.specs import Direction, HealthSpec, LaneSpec, Role

LIMITS = HealthSpec()


@dataclass(frozen=True)
class Watched:
    """What came of a story in one lane."""

    state: LaneState
    passages: tuple[Passage, ...]

    @property
    def kinds(self) -> list[str]:
        """What vehicles did that both loops saw, or that one alone saw and most likely went through."""
        return [p.kind.value for p in self.passages if p.kind is not PassageKind.TOUCH]

    @property
    def expected(self) -> float:
        """Return by how much the number inside is expected to have changed."""
        return sum(p.chance_in - p.chance_out for p in self.passages)

    @property
    def clear(self) -> bool:
        """Whether every passage is certain."""
        return all({p.chance_in, p.chance_out} <= {0.0, 1.0} and p.doubt is None for p in self.passages)


def watch(
    spec: LaneSpec, said: Sequence[DetectorChanged], *, until: float, state: LaneState | None = None, full: bool = False
) -> Watched:
    """Fold what detectors said, in order, and let time pass."""
    now = LaneState() if state is None else state
    detectors = {d.name: DetectorState() for d in spec.detectors}
    order = spec.detectors[::-1] if spec.direction is Direction.EXIT else spec.detectors
    passages: list[Passage] = []

    def advance(to: float) -> None:
        nonlocal now
        while True:
            dues = [due for d in order if (due := health.settle_due(detectors[d.name])) is not None]
            due = min([*dues, *([] if now.deadline is None else [now.deadline])], default=to + 1)
            if due > to:
                return
            for d in order:
                if (at := health.settle_due(detectors[d.name])) is None or at > due:
                    continue
                detectors[d.name], level = health.settle(detectors[d.name], LIMITS)
                if d.role is Role.BARRIER:
                    now, passed = lane.barrier_changed(
                        spec, now, occupied=level.occupied, at=level.at, repeated=level.repeated
                    )
                else:
                    now, passed = lane.loop_changed(
                        spec, now, d.role, occupied=level.occupied, at=level.at, repeated=level.repeated, full=full
                    )
                passages.extend(passed)
            now, passed = lane.time_passed(spec, now, due)
            passages.extend(passed)

    for event in said:
        advance(event.at)
        was = detectors[event.detector]
        detectors[event.detector] = health.heard(was, occupied=event.occupied, at=event.at, stamp=None)
    advance(until)
    return Watched(now, tuple(passages))


def story(spec: LaneSpec, text: str, *, state: LaneState | None = None, full: bool = False) -> Watched:
    """Fold the story of one lane, and what time alone makes of it."""
    said = levels(text, spec.name)
    return watch(spec, said, until=said[-1].at + QUIET_S, state=state, full=full)


def one_way(direction: Direction = Direction.ENTRY, *, barrier: bool = False) -> LaneSpec:
    """Return a lane with two loops that is used one way."""
    return two_loops(direction=direction, barrier=barrier)


def experienced(state: LaneState, passages: float) -> LaneState:
    """Return the lane after so many more clear passages, as far as its rates go."""
    return replace(state, learned=replace(state.learned, passages=state.learned.passages + passages))


@cache
def seasoned(spec: LaneSpec, passages: int = 200, state: LaneState | None = None) -> LaneState:
    """Return the lane after some ordinary passages, one a minute: it knows its times, and both loops are clear."""
    words = []
    for i in range(passages):
        inward = spec.direction is Direction.ENTRY or (spec.direction is Direction.BOTH and i % 2 == 0)
        first, second = ("A", "B") if inward else ("B", "A")
        at, unit = 60.0 * i - 1e6, (0.8, 1.0, 1.3, 1.0, 0.9, 1.15, 2.2)[i % 7]
        words += [f"{first}+{at}", f"{second}+{at + unit}", f"{first}-{at + 2 * unit}", f"{second}-{at + 3 * unit}"]
        if spec.barrier is not None:
            words[-4:] = [words[-4], f"R+{at + 0.5 * unit}", *words[-3:], f"R-{at + 3 * unit + 1.5}"]
    return story(spec, " ".join(words), state=state).state if words else LaneState()
