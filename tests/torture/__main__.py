"""``make torture``: all experiments, long, one table."""

import argparse
import secrets
import sys
import traceback
from collections.abc import Callable

from torture import brokers, clock, fuzz, intruders, kills, life, power, repeats, sensors, storage
from torture.row import HEAD, Row

Experiment = Callable[[int, float], list[Row]]
"""Takes the seed, and for how many real minutes to live."""

EXPERIMENTS: dict[str, Experiment] = {
    "power": lambda seed, _: power.run(500, seed),
    "storage": lambda _seed, _: [storage.run(2000)],
    "brokers": lambda _seed, _: brokers.run(long=True),
    "repeats": lambda seed, _: [repeats.run(300, seed), repeats.stale()],
    "sensors": lambda _seed, _: [_sensors()],
    "intruders": lambda _seed, _: intruders.run(),
    "fuzz": lambda seed, _: fuzz.run(1_000_000, seed),
    "life": lambda _seed, minutes: life.run(virtual_days=30, real_minutes=minutes),
    "clock": lambda seed, _: [clock.run(200, seed)],
    "kills": lambda seed, _: [kills.run(1000, seed)],
}


def _sensors() -> Row:
    row, wrong = sensors.run()
    sys.stderr.writelines(f"sensors: {one}\n" for one in wrong)
    return row


def _made(name: str, seed: int, minutes: float) -> list[Row]:
    """Make an experiment; one that does not hold does not keep the others from being made."""
    try:
        return EXPERIMENTS[name](seed, minutes)
    except Exception as error:  # noqa: BLE001  a fault of the experiment's own must not end the others, either
        traceback.print_exception(error)
        return [Row(f"{name}: failed", 1, 1, 0, note=f"seed {seed}; {' '.join(repr(error).split())[:300]}")]


def _holds(row: Row) -> bool:
    if row.note.startswith("control"):
        return row.lost > 0
    late = row.experiment.startswith("MQTT") and (row.recovered_s or 0.0) > brokers.WITHIN_S
    return not (row.lost or row.doubled or late)


def main() -> int:
    """Run them; the exit code says whether everything held."""
    parser = argparse.ArgumentParser(prog="make torture ARGS=...", description=__doc__)
    parser.add_argument("--only", choices=sorted(EXPERIMENTS), action="append", help="this one; may be given again")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="the printed one of a failure")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long the long life is in real time")
    asked = parser.parse_args()
    sys.stdout.write(f"seed {asked.seed}\n{HEAD}\n")
    held = True
    for name in asked.only or EXPERIMENTS:
        for row in _made(name, asked.seed, asked.minutes):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
            held &= _holds(row)
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
