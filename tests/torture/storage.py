"""Every write and fsync fails once, in turn; the file system goes read-only and comes back.

A service counts on the disk of ``disk.c``. Whatever fails: nothing is acknowledged that is not in the journal, no
number is told, the state says why, and all goes on by itself, with everything counted once.
"""

import errno
import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from controller.journal import open_reader
from controller.salvage import open_journal
from controller.store import PRUNE_S, RETRY_S, SNAPSHOT_S
from torture import disk
from torture.lot import BEFORE, Counting, Hands, written
from torture.power import ROOT
from torture.row import Row

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS)
PATIENCE_S = 20.0


class _Trial:
    """One service, hurt again and again; ``bad`` collects what should not have happened."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite"
        self.hands = Hands()
        self.counting = Counting(written(folder.parent), lambda: open_journal(self.path), self.hands)
        self.bad: list[str] = []
        self.noticed = self.tries = self.lost = self.doubled = 0
        self.slowest_s = 0.0
        self._acked: set[str] = set()
        self._sent: set[str] = set()
        self._cars = 0
        self.counting.heard = self._heard

    def hurt(self, after: int, number: int, *, lasts: bool) -> bool:
        """Let an operation fail while a car drives in and a message comes; whether it came to that."""
        what = f"{errno.errorcode[number]} at operation {after}{' and all after it' if lasts else ''}"
        self.tries += 1
        token = f"token {self.tries}"
        self._sent.add(token)
        disk.fail(after, number, lasts=lasts)
        self.counting.message("bays/unknown", token.encode(), lambda: self._taken(token, what))
        self.counting.car()
        self._cars += 1
        self.hands.advance(max(PRUNE_S, SNAPSHOT_S))  # so that everything is written that ever is
        self.counting.settle()
        failed = not disk.preloaded().disk_is_armed() or lasts
        if lasts and self.counting.trouble is None:
            self.bad.append(f"{what}: nothing was said")
        disk.fail(0, 0)
        began, began_at = time.monotonic(), self.hands.monotonic
        while self.counting.trouble is not None or token not in self._acked:
            if time.monotonic() - began > PATIENCE_S:
                self.bad.append(f"{what}: does not recover: {self.counting.trouble}")
                break
            self.hands.advance(RETRY_S)
            self.counting.settle()
        self.slowest_s = max(self.slowest_s, self.hands.monotonic - began_at)
        return failed

    def examine(self) -> None:
        """Compare the journal and the count with what was sent."""
        self.counting.stop()
        with closing(open_reader(self.path)) as db:
            lines = [line for (line,) in db.execute("SELECT line FROM input WHERE line LIKE '%token%'")]
            found = [line.split("token ")[1].split('"')[0] for line in lines]
            if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                self.bad.append("the database is damaged")
        entries = self.counting.counted - BEFORE - self._cars
        self.lost = len(self._sent) - len(set(found)) + max(0, -entries)
        self.doubled = len(found) - len(set(found)) + max(0, entries)

    def _taken(self, token: str, what: str) -> None:
        with closing(open_reader(self.path)) as db:
            there = db.execute("SELECT 1 FROM input WHERE line LIKE ?", (f'%{token}"%',)).fetchone()
        if there is None:
            self.bad.append(f"{what}: {token} was acknowledged, and is not in the journal")
        self._acked.add(token)

    def _heard(self, state: dict) -> None:  # type: ignore[type-arg]
        if state["journal"]["trouble"] is None:
            return
        self.noticed += 1
        zone, sign = state["lot"]["zones"][0], state["lot"]["signs"][0]["message"]
        if zone["free"] is not None or sign["kind"] != "uncertain" or state["lot"]["faults"][0]["subject"] != "journal":
            self.bad.append(f"a number is told: {zone}, {sign}")


def victim(folder: Path, most: int) -> None:
    """Hurt each of the first ``most`` operations of a round, and the file system. Runs in a process of its own."""
    trial = _Trial(folder)
    for number in ERRORS:
        for after in range(1, most + 1):
            if not trial.hurt(after, number, lasts=False):
                break  # a round has no more of them
        for after in (1, 2, 3, 5, 8, 13):
            trial.hurt(after, number, lasts=True)
    trial.examine()
    sys.stdout.write(json.dumps([trial.tries, trial.lost, trial.doubled, trial.slowest_s, trial.noticed, trial.bad]))


def run(most: int) -> Row:
    """Let each operation of a round fail, up to so many."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "state").mkdir()
        environment = disk.environment(disk.built(folder), folder / "state", None)
        done = subprocess.run(
            [sys.executable, "-m", "torture.storage", str(folder / "state"), str(most)],
            env=environment | {"PYTHONPATH": str(ROOT / "tests")},
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
    tries, lost, doubled, slowest_s, noticed, bad = json.loads(done.stdout)
    assert not bad, "\n".join(bad)
    note = f"ENOSPC, EIO, EROFS; once and lasting; said in {noticed} states"
    return Row("storage faults: each write and fsync", tries, lost, doubled, slowest_s, note)


if __name__ == "__main__":
    victim(Path(sys.argv[1]), int(sys.argv[2]))
