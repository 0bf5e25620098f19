"""The wall clock does what it likes, in a storm of cars: none is lost, no time-out happens early or late.

Virtual time: the service runs on hands that the experiment moves.
"""

import random
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from controller.journal import open_reader
from controller.salvage import open_journal
from controller.store import PRUNE_S
from torture.lot import BEFORE, Counting, Hands, written
from torture.row import Row

YEARS_10_S = 10 * 365.25 * 86_400.0
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
STEPS: dict[str, tuple[float, float]] = {
    "booted in 1970, then set": (100.0, NOON - 100.0),
    "an hour forward": (NOON, 3600.0),
    "an hour back": (NOON, -3600.0),
    "ten years forward": (NOON, YEARS_10_S),
    "ten years back": (NOON, -YEARS_10_S),
    "ten years forward, and back": (NOON, 0.0),
    "summer time begins": (datetime(2027, 3, 28, 0, 58, tzinfo=UTC).timestamp(), 0.0),
    "summer time ends": (datetime(2026, 10, 25, 0, 58, tzinfo=UTC).timestamp(), 0.0),
    "leap day": (datetime(2028, 2, 28, 23, 58, tzinfo=UTC).timestamp(), 0.0),
    "leap day ends": (datetime(2028, 2, 29, 23, 58, tzinfo=UTC).timestamp(), 0.0),
}
"""What happens: the wall clock at first, and by how much it is moved in the middle."""


def run(cars: int, seed: int) -> Row:
    """Drive so many cars through each of the steps."""
    chance = random.Random(seed)
    lost = doubled = 0
    for name, (wall, step) in STEPS.items():
        with tempfile.TemporaryDirectory() as folder:
            missing, twice = _stepped(Path(folder), name, Hands(wall=wall), step, (cars, chance))
        lost += missing
        doubled += twice
    return Row(
        "wall clock: 1970, ±1 h, ±10 years, summer time, leap day",
        len(STEPS) * cars,
        lost,
        doubled,
        note=f"seed {seed}",
    )


def _stepped(folder: Path, name: str, hands: Hands, step: float, traffic: tuple[int, random.Random]) -> tuple[int, int]:
    cars, chance = traffic
    path = folder / "journal.sqlite"
    counting = Counting(written(folder), lambda: open_journal(path), hands)
    when = chance.randrange(cars // 4, cars // 2)
    for number in range(cars):
        if number == when:
            hands.wall += step or (YEARS_10_S if "and back" in name else 0.0)
        if number == when + cars // 4:
            hands.wall -= YEARS_10_S if "and back" in name else 0.0
            hands.advance(PRUNE_S)  # what is old is forgotten meanwhile: by which clock?
        counting.car()
    hands.advance(10.0)
    counting.settle()
    zone = counting.said["lot"]["zones"][0]
    faults = [
        f for f in counting.said["lot"]["faults"] if f["subject"].startswith("main.")
    ]  # nobody drives on the side
    free = zone["capacity"] - BEFORE - cars
    assert faults == [], f"{name}: {faults}"
    assert zone["low"] <= free <= zone["high"], f"{name}: {free} are free, not {zone['low']} to {zone['high']}"
    counted = counting.counted - BEFORE
    counting.stop()
    with closing(open_reader(path)) as db:
        times = [t for (t,) in db.execute("SELECT t FROM passage ORDER BY id")]
        events = [t for (t,) in db.execute("SELECT t FROM input ORDER BY id")]
    assert times == sorted(times), f"{name}: the history is out of order"
    assert events == sorted(events), f"{name}: the inputs are out of order"
    assert times[-1] - times[0] < (cars + 1) * 2.0 + PRUNE_S, f"{name}: time went on by the wall clock"
    return max(0, cars - min(counted, len(times))), max(0, max(counted, len(times)) - cars)
