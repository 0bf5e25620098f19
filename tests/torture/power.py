"""The power goes at any moment: what was acknowledged is there afterwards.

A victim counts on the disk of ``disk.c``, which logs all that happens to it and what was acknowledged when. The power
is then cut at random places of that log: writes that were not yet synced are there, gone, or torn, and the product
starts from what is left. With synchronous=OFF it must lose something, or the experiment would prove nothing.
"""

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from controller.inputs.sensors import Sensors
from controller.journal import Journal, open_reader
from controller.salvage import open_journal
from controller.service import Service
from controller.site import Site
from torture import disk
from torture.lot import BEFORE, Counting, Hands, written
from torture.row import Row

ROOT = Path(__file__).parents[2]
BYTES_A_PASSAGE = 30_000
"""Bound on what is written for a passage of four edges, a message and a correction, each in a commit of its own."""


def victim(folder: Path, cars: int, *, synced: bool) -> None:
    """Count on the disk that can be hurt, and note there what was acknowledged. Runs in a process of its own."""

    def journal() -> Journal:
        made = open_journal(folder / "journal.sqlite")
        if not synced:
            made._db.execute("PRAGMA synchronous = OFF")  # noqa: SLF001  the control run hurts itself
        return made

    counting = Counting(written(folder.parent), journal, Hands())
    counting.heard = lambda state: disk.note(f"counted {state['lot']['zones'][0]['counted']}")
    for number in range(cars):
        token = f"token {number}"
        counting.message("bays/unknown", token.encode(), lambda token=token: disk.note(token))  # type: ignore[misc]
        counting.car()
        if counting.command(do="correct", zone="disabled", occupied=number % 2, by=f"c{number}") is None:
            disk.note(f"corrected c{number}")
    os._exit(0)  # the power goes: no closing, no last snapshot


def run(cuts: int, seed: int, *, cars: int = 150) -> list[Row]:
    """Cut the power so many times, with and without syncing."""
    rows = []
    for synced in (True, False):
        with tempfile.TemporaryDirectory() as name:
            rows.append(_cut_often(Path(name), cuts, seed, cars, synced=synced))
    return rows


def _cut_often(folder: Path, cuts: int, seed: int, cars: int, *, synced: bool) -> Row:
    log, state = folder / "log", folder / "state"
    state.mkdir()
    command = [sys.executable, "-m", "torture.power", str(state), str(cars), str(int(synced))]
    environment = disk.environment(disk.built(folder), state, log)
    subprocess.run(command, env=environment | {"PYTHONPATH": str(ROOT / "tests")}, cwd=ROOT, check=True)
    operations = [*disk.operations(log)]
    site = written(folder)
    chance = random.Random(seed)
    first = next(n for n, o in enumerate(operations) if o.data == b"token 0") if cuts else 0
    lost = doubled = 0
    platter, done = disk.Platter(), 0
    for cut in sorted(chance.randrange(first, len(operations)) for _ in range(cuts)):
        for operation in operations[done : cut + 1]:
            platter.take(operation)
        done = max(done, cut + 1)
        with tempfile.TemporaryDirectory() as name:
            missing, twice = _examined(Path(name), platter, site, chance)
        lost += missing
        doubled += twice
    written_bytes = sum(len(o.data) for o in operations if o.op == "W")
    assert not synced or written_bytes < cars * BYTES_A_PASSAGE, f"{written_bytes / cars} bytes written per passage"
    note = (
        f"seed {seed}; {written_bytes / cars / 1000:.0f} kB written per passage" if synced else f"control, seed {seed}"
    )
    return Row(f"power cut, synchronous={'FULL' if synced else 'OFF'}", cuts, lost, doubled, note=note)


def _examined(folder: Path, platter: disk.Platter, site: Site, chance: random.Random) -> tuple[int, int]:
    """Start from what a cut leaves; return how many acknowledged things are missing, and how many there are twice."""
    for name, content in platter.after_a_cut(chance).items():
        (folder / Path(name).name).write_bytes(content)
    path = folder / "journal.sqlite"
    acknowledged = {n for n in platter.notes if n.startswith("token")}
    corrected = {n.removeprefix("corrected ") for n in platter.notes if n.startswith("corrected")}
    counts = [int(n.removeprefix("counted ")) for n in platter.notes if n.startswith("counted")]
    with closing(open_journal(path)) as journal:
        state = Service(site, journal, Sensors(site.sensors), Hands().clocks()).state
    try:
        with closing(open_reader(path)) as db:
            sound = db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            lines = [line for (line,) in db.execute("SELECT line FROM input WHERE line LIKE '%token%'")]
            who = {name for (name,) in db.execute("SELECT who FROM audit")}
    except sqlite3.DatabaseError:  # so damaged that the check itself can't be made
        sound = False
    if not sound or any(folder.glob("*.damaged-*")):
        return len(acknowledged) + len(corrected), 0
    found = [f"token {line.split('token ')[1].split(chr(34))[0]}" for line in lines]
    counted = state.zones["customers"].counted or 0
    lost = len(acknowledged - set(found)) + len(corrected - who) + max(0, max(counts, default=BEFORE) - counted)
    passages = max(0, counted - max(counts, default=BEFORE) - 1)  # one may be decided, and not yet said
    return lost, len(found) - len(set(found)) + passages


if __name__ == "__main__":
    victim(Path(sys.argv[1]), int(sys.argv[2]), synced=sys.argv[3] == "1")
