"""The decoder's truth table, made by the decoder itself: what it makes of sequences that matter, in one lane.

A story is told as ``A+0 B+1 A-2 B-3``: the outer loop (A) is covered at 0 s, the inner one (B) at 1 s, and so on; ``R``
is the barrier's contact (+: the arm is up). A level that is told twice in a row is one that was heard again. Before
each story the lane has seen some ordinary passages, so that it knows its times.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from controller.domain import lane
from controller.domain.crossing import TABLE, LaneState
from controller.domain.report import Passage
from controller.domain.specs import DetectorSpec, Direction, LaneSpec, Role

PACES = (0.7, 1.0, 1.4, 1.0, 0.85, 1.2, 0.95, 2.5)
"""How long (s) ordinary vehicles need from one loop to the other; they cover each for twice as long, and for 3 s more
where they stand before a barrier."""
QUIET_S = 400.0
"""After a story: whatever is decided by time alone has been."""
ROLES = {"A": Role.OUTER, "B": Role.INNER, "R": Role.BARRIER}

STORIES: tuple[tuple[str, str], ...] = (
    ("drives in", "A+0 B+1 A-2 B-3"),
    ("drives out", "B+0 A+1 B-2 A-3"),
    ("leaves a gap between the loops", "A+0 A-1 B+2 B-3"),
    ("stops on both loops", "A+0 B+1 A-40 B-41"),
    ("has a trailer", "A+0 B+1 A-2 A+2.1 B-3 B+3.1 A-3.9 B-4.9"),
    ("a counting pulse on the inner loop", "A+0 B+1 B-1.2 A-2"),
    ("both loops clear at one moment", "A+0 B+1 B-2 A-2"),
    ("nose to tail", "A+0 B+1 A-2 A+2.5 B-3 B+3.5 A-4.5 B-5.5"),
    ("a follower waits on the outer loop", "A+0 B+1 A-2 A+2.5 B-3"),
    ("bumper to bumper, the outer loop does not clear", "A+0 B+1 B-3 B+3.6 A-4.6 B-5.6"),
    ("bumper to bumper, no loop clears", "A+0 B+1 A-3.8 B-4.8"),
    ("nosed onto the inner loop, and backed out", "A+0 B+1 B-3 A-4"),
    ("left the outer loop, and backed out", "A+0 B+1 A-2 A+5 B-6.8 A-8.5"),
    ("moves to and fro on the inner loop", "A+0 B+1 B-5 B+8 A-9 B-10"),
    ("moves back onto the outer loop, and on", "A+0 B+1 A-2 A+5 A-8 B-9"),
    ("outer loop only, 0.5 s", "A+0 A-0.5"),
    ("outer loop only, 2 s", "A+0 A-2"),
    ("outer loop only, 8 s", "A+0 A-8"),
    ("inner loop only, 0.5 s", "B+0 B-0.5"),
    ("inner loop only, 2 s", "B+0 B-2"),
    ("inner loop only, 8 s", "B+0 B-8"),
    ("the outer loop missed the leader of two", "B+0 A+1 B-2 B+2.5 A-3 B-4"),
    ("the inner loop missed the follower of two", "A+0 B+1 A-2 A+2.5 B-3 A-4.5"),
    ("A+ was lost", "A-0 B-0 B+10 A-11 B-12"),
    ("B+ was lost", "A-0 B-0 A+10 A-12 B-13"),
    ("A- was lost, told by the next one", "A+0 B+1 B-3 A+60 B+61 A-62 B-63"),
    ("B- was lost, told by the next one", "A+0 B+1 A-2 A+60 B+61 A-62 B-63"),
    ("A- was lost, and nobody tells", "A+0 B+1 B-3 B+61 A-62 B-63"),
    ("B- was lost, and nobody tells", "A+0 B+1 A-2 A+60 A-62 B-63"),
    ("a level is read again", "A+0 A+0.5 B+1 B+1.2 A-2 A-2.5 B-3 B-4"),
    ("the inner loop is stuck", "A+0 B+1 A-2 A+60 A-62 A+120 A-122 A+180 A-182 A+240 A-242"),
    ("the outer loop is stuck", "A+0 B+1 B-3 B+61 B-63 B+121 B-123 B+181 B-183 B+241 B-243"),
    ("the inner loop is silent", " ".join(f"A+{60 * i} A-{60 * i + 2}" for i in range(7))),
    ("the outer loop is silent", " ".join(f"B+{60 * i} B-{60 * i + 2}" for i in range(7))),
)

BARRIER_STORIES: tuple[tuple[str, str], ...] = (
    ("drives in", "A+0 R+4 B+5 A-6 B-7 R-9"),
    ("tailgates", "A+0 R+4 B+5 A-6 A+6.5 B-7 B+7.5 A-8.5 B-9.5 R-12"),
    ("turns away before the barrier", "A+0 A-5"),
    ("outer loop only, and the barrier opens", "A+0 R+2 A-4 R-7"),
    ("inner loop only, and the barrier had opened", "R+0 B+2 B-4 R-7"),
    ("inner loop only, and the barrier had not", "B+0 B-2"),
    ("the barrier opens, and no loop sees anybody", "R+0 R-6"),
    ("bumper to bumper, two openings", "A+0 R+2 B+3 B-5 R-6 R+7 B+8 A-9 B-10 R-12"),
    ("bumper to bumper, or to and fro: one opening", "A+0 R+2 B+3 B-5 B+7 A-8 B-9 R-12"),
    ("B- was lost, and the barrier falls", "A+0 R+2 B+3 A-4 R-7"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the truth table."""

    name: str
    story: str
    passages: tuple[Passage, ...]
    """What came of it, in the order of telling; times as in the story."""
    faults: tuple[str, ...]
    """Loops that are at fault afterwards."""


def truth_table(direction: Direction, *, barrier: bool = False, passages: int = 200) -> tuple[Row, ...]:
    """Run the stories through the decoder, in a lane that has seen so many ordinary passages."""
    spec = example(direction, barrier=barrier)
    experienced = _experienced(spec, passages)
    stories = (*STORIES, *BARRIER_STORIES) if barrier else STORIES
    return tuple(_row(spec, experienced, name, story) for name, story in stories if not barrier or "R" in story)


def automaton() -> tuple[tuple[str, str, str, str], ...]:
    """Return the automaton as rows: phase, step, next phase, verdict."""
    return tuple(
        (phase.value, step.value, after.value, verdict.value)
        for phase, steps in TABLE.items()
        for step, (after, verdict) in steps.items()
    )


def example(direction: Direction, *, barrier: bool = False) -> LaneSpec:
    """Return a lane with two loops, and a barrier if asked for."""
    outer, inner, arm = (DetectorSpec(f"lane.{role.value}", "lane", role) for role in ROLES.values())
    return LaneSpec("lane", "zone", direction, outer=outer, inner=inner, barrier=arm if barrier else None)


def _experienced(spec: LaneSpec, passages: int) -> LaneState:
    """Let ordinary vehicles drive through, one a minute, some faster and some slower."""
    now = LaneState()
    for i in range(passages):
        inward = spec.direction is not Direction.EXIT and (spec.direction is Direction.ENTRY or i % 2 == 0)
        first, second = ("A", "B") if inward else ("B", "A")
        unit, start = PACES[(i // 2 if spec.direction is Direction.BOTH else i) % len(PACES)], 60 * i
        if spec.barrier is None:
            story = f"{first}+{start}"
        else:
            start += 3
            story = f"{first}+{start - 3} R+{start}"
        story += f" {second}+{start + unit} {first}-{start + 2 * unit} {second}-{start + 3 * unit}"
        if spec.barrier is not None:
            story += f" R-{start + 3 * unit + 1.5}"
        now, _ = _fold(spec, now, story, start=100.0)
    return now


def _row(spec: LaneSpec, before: LaneState, name: str, story: str) -> Row:
    start = 1e6
    now, passed = _fold(spec, before, story, start=start)
    now, more = _wait(spec, now, start + max(at for _, _, at in _told(story)) + QUIET_S)
    moved = tuple(_shifted(one, -start) for one in (*passed, *more))
    return Row(name, story, moved, tuple(f"{f.role} {f.kind}" for f in lane.faults(now)))


def _fold(spec: LaneSpec, now: LaneState, story: str, *, start: float) -> tuple[LaneState, list[Passage]]:
    told: list[Passage] = []
    levels: dict[Role, bool] = {Role.OUTER: now.outer_on is not None, Role.INNER: now.inner_on is not None}
    for role, covered, at in _told(story):
        now, waited = _wait(spec, now, start + at)
        told += waited
        repeated = levels.get(role, False) is covered
        levels[role] = covered
        if role is Role.BARRIER:
            now, passed = lane.barrier_changed(spec, now, occupied=covered, at=start + at, repeated=repeated)
        else:
            now, passed = lane.loop_changed(spec, now, role, occupied=covered, at=start + at, repeated=repeated)
        told += passed
    return now, told


def _wait(spec: LaneSpec, now: LaneState, until: float) -> tuple[LaneState, list[Passage]]:
    told: list[Passage] = []
    while now.deadline is not None and now.deadline <= until:
        now, passed = lane.time_passed(spec, now, now.deadline)
        told += passed
    return now, told


def _told(story: str) -> Iterable[tuple[Role, bool, float]]:
    for word in story.split():
        yield ROLES[word[0]], word[1] == "+", float(word[2:])


def _shifted(passage: Passage, by: float) -> Passage:
    return replace(passage, at=round(passage.at + by, 3), began=round(passage.began + by, 3))
