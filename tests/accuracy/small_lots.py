"""A scenario small enough to simulate and replay in a test, and outcomes that were never run."""

import dataclasses
from pathlib import Path

from controller.accuracy.episodes import Naming
from controller.accuracy.matrix import Case
from controller.accuracy.runner import Outcome
from controller.score import Score

QUIET_SHOP = """\
about = "20 spaces, a quiet shop"

[lot]
capacity = 20

[lane.entry]
direction = "entry"

[lane.exit]
direction = "exit"

[group.customers]
per_day = 60
arrive = [[8.0, 1.0], [20.0, 1.0]]
stay = [{ minutes = 40 }]
"""


def write_scenario(folder: Path, text: str = QUIET_SHOP) -> str:
    """Write the scenario; return its path as a case has it."""
    path = folder / "quiet.toml"
    path.write_text(text, "utf-8")
    return str(path)


RIGHT = Score(
    days=30.0,
    capacity=80,
    mae=0.0,
    bias=0.0,
    p95=0.0,
    p99=0.0,
    worst_day_mae=0.0,
    worst_day=1,
    near_full_mae=0.0,
    truly_full=0.05,
    false_free=0.0,
    false_free_of_full=0.0,
    false_free_large=0.0,
    false_full=0.0,
    false_full_large=0.0,
    numbered=1.0,
    no_number=0.0,
    dark=0.0,
    coverage=0.9,
    width=2.0,
    flips_per_day=2.0,
    mae_by_window=(0.0, 0.0, 0.0),
    p99_by_window=(0.0, 0.0, 0.0),
)


def an_outcome(scenario: str, seed: int = 1, days: float = 30.0, **changes: object) -> Outcome:
    """Return an outcome that is right but for the changes."""
    score = dataclasses.replace(RIGHT, **changes)  # type: ignore[arg-type]
    maes = {"pulses": 2.0, "quadrature": 3.0, "timing": 4.0}
    others = {name: dataclasses.replace(RIGHT, mae=mae) for name, mae in maes.items()}
    naming = Naming(0, 0, (), 0, None, 0.0)
    case = Case(scenario, seed, days)
    return Outcome(case, Path("nowhere"), score, others, usual=3, hindsight=0.5, naming=naming, replay_s=days)
