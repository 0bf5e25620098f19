"""``make torture``: all experiments, long, one table."""

import argparse
import secrets
import sys
from collections.abc import Callable

from torture import brokers, clock, fuzz, intruders, kills, life, power, repeats, sensors, storage
from torture.row import HEAD, Row

Experiment = Callable[[int], list[Row]]

EXPERIMENTS: dict[str, Experiment] = {
    "power": lambda seed: power.run(500, seed),
    "storage": lambda _: [storage.run(2000)],
    "brokers": lambda _: brokers.run(long=True),
    "repeats": lambda seed: [repeats.run(300, seed), repeats.stale()],
    "sensors": lambda _: [_sensors()],
    "intruders": lambda _: intruders.run(),
    "fuzz": lambda seed: fuzz.run(1_000_000, seed),
    "life": lambda _: life.run(virtual_days=30, real_minutes=30),
    "clock": lambda seed: [clock.run(200, seed)],
    "kills": lambda seed: [kills.run(1000, seed)],
}


def _sensors() -> Row:
    row, wrong = sensors.run()
    sys.stderr.writelines(f"sensors: {one}\n" for one in wrong)
    return row


def main() -> int:
    """Run them; the exit code says whether everything held."""
    parser = argparse.ArgumentParser(prog="make torture ARGS=...", description=__doc__)
    parser.add_argument("--only", choices=sorted(EXPERIMENTS), action="append", help="this one; may be given again")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="the printed one of a failure")
    asked = parser.parse_args()
    sys.stdout.write(f"seed {asked.seed}\n{HEAD}\n")
    failed = False
    for name in asked.only or EXPERIMENTS:
        for row in EXPERIMENTS[name](asked.seed):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
            control = row.note.startswith("control")
            failed |= (row.lost == 0) if control else bool(row.lost or row.doubled)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
