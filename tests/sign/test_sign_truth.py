"""Whatever happens to count: the sign is dark, or says no number. Real processes; the chips are a model."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chips_seen import Chips
from fixtures_site import LANE_SITE, ROOT, Product, drive_in, wait_until
from sign_envelopes import number
from sign_side import side
from torture import disk

from controller.domain.report import Message, MessageKind, Reason
from controller.sign.layout import render

P = Message(MessageKind.UNCERTAIN, "P", None, Reason.NEVER_COUNTED)
NOBODY_COUNTED = LANE_SITE.replace("initial_occupied = 10\n", "")

DIES_S, HANGS_S = 1.0, 5.0
"""A count that ends closes the link; of one that hangs only the time to live tells."""

HURT = """
import ctypes, pathlib, re, sys, threading
from controller import link, service
what, when = sys.argv.pop(), pathlib.Path(sys.argv.pop())
turn, spread, publish = service.Service._turn, link.LinkServer._spread, link.LinkServer.publish

def for_ever():
    threading.Event().wait()

def on_turn(self):
    if when.exists() and what == "an exception in the loop":
        raise RuntimeError("a bug")
    if when.exists() and what == "no memory":
        raise MemoryError
    if when.exists() and what == "a crash in C":
        ctypes.string_at(0)
    if when.exists() and what == "a deadlock in the loop":
        for_ever()
    if when.exists() and what == "a loop that holds the interpreter":
        re.match(r"(a+)+$", "a" * 64 + "b")
    if what == "a full disk":
        ctypes.CDLL(None).disk_fail(ctypes.c_long(0), 28 if when.exists() else 0, 1)
    return turn(self)

def on_spread(self):
    if when.exists() and what == "an exception in the link's thread":
        raise RuntimeError("a bug")
    if when.exists() and what == "a deadlock in the link's thread":
        for_ever()
    return spread(self)

def on_publish(self, envelope):
    if when.exists() and what == "a deadlock over the link's lock":
        threading.Thread(target=lambda: (self._lock.acquire(), for_ever()), daemon=True).start()
        for_ever()
    if when.exists() and what == "nonsense instead of a state":
        envelope = {"type": "state", "sent": "now", "lot": 5}
    return publish(self, envelope)

service.Service._turn, link.LinkServer._spread, link.LinkServer.publish = on_turn, on_spread, on_publish
from controller.__main__ import main
main()
"""
"""Count, with a fault that breaks out when a file appears."""


def start_hurt(
    product: Product, what: str, when: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", HURT, "count", str(product.site), *product.folders, str(when), what]
    return subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment
    )


def picture_of(message: Message) -> bytes:
    return render(message, 64, 16).tobytes()


def shows(chips: Chips, message: Message) -> Callable[[], bool]:
    return lambda: chips.pictures[-1] == picture_of(message)


FAULTS = {
    "an exception in the loop": DIES_S,
    "no memory": DIES_S,
    "a crash in C": DIES_S,
    "a deadlock in the loop": HANGS_S,
    "a loop that holds the interpreter": HANGS_S,
    "a deadlock over the link's lock": HANGS_S,
    "a deadlock in the link's thread": HANGS_S,
    "an exception in the link's thread": HANGS_S,
    "nonsense instead of a state": HANGS_S,
}
"""What befalls count, and how soon its sign must be dark (s)."""


def test_a_count_that_fails_or_hangs_is_dark(tmp_path: Path) -> None:
    def broken(number_of: int, what: str) -> tuple[float, bool]:
        """Let it happen; return how long the sign stayed lit (s), and whether count still runs."""
        with side(tmp_path / str(number_of)) as (product, chips):
            when = tmp_path / f"{number_of}.now"
            count = start_hurt(product, what, when)
            try:
                chips.next("lit")
                wait_until(shows(chips, number(30)), what, 30.0)
                said = time.monotonic()
                when.touch()
                took = chips.next("dark") - said
                if FAULTS[what] == DIES_S:
                    count.wait(10)
                return took, count.poll() is None
            finally:
                count.kill()
                count.wait()

    with ThreadPoolExecutor(4) as pool:  # most of it is waiting
        found = dict(zip(FAULTS, pool.map(broken, range(len(FAULTS)), FAULTS), strict=True))
    assert {what: (took, lives) for what, (took, lives) in found.items() if took > FAULTS[what]} == {}
    assert {what: lives for what, (_, lives) in found.items()} == {what: s == HANGS_S for what, s in FAULTS.items()}


def test_with_a_full_disk_the_sign_says_p_and_no_number_until_there_is_room(tmp_path: Path) -> None:
    """What is counted meanwhile would be gone with the power."""
    library = disk.built(tmp_path)
    with side(tmp_path / "lot") as (product, chips):
        full = tmp_path / "full"
        count = start_hurt(product, "a full disk", full, disk.environment(library, product.state_dir, None))
        try:
            wait_until(shows(chips, number(30)), "ten of forty are inside", 30.0)
            full.touch()
            with product.pins() as pins:
                drive_in(pins)
                wait_until(shows(chips, P), "nothing can be written")
                drive_in(pins)
                assert count.poll() is None
                assert shows(chips, P)()
            assert picture_of(number(29)) not in chips.pictures
            full.unlink()
            wait_until(shows(chips, number(28)), "there is room, and both cars are counted")
            assert picture_of(number(29)) not in chips.pictures
        finally:
            count.kill()
            count.wait()


def test_it_says_p_until_the_count_is_trusted_and_nothing_else_ever_lights_on_the_way(tmp_path: Path) -> None:
    """From power-on over the first count, a restart and the end: every LED that lights belongs to what is said."""
    with side(tmp_path / "lot", NOBODY_COUNTED) as (product, chips):
        assert [*map(any, chips.pictures)][-1:] == [False]
        begun = len(chips.pictures)
        count = product.start("count")
        chips.next("lit")
        wait_until(shows(chips, P), "nobody has counted")
        with product.pins() as pins:
            drive_in(pins)
        with product.link() as link:
            wait_until(lambda: "entry" in str(link.state()["lot"]["signs"][0]["because"]), "the car is in")
            assert only(chips, begun, P), "that tells nobody how many are inside"
            assert link.command(do="correct", zone="customers", occupied=23, by="test") is None
        wait_until(shows(chips, number(17)), "somebody counted")
        count.terminate()
        assert count.wait(10) == 0
        chips.next("dark", DIES_S)
        begun = len(chips.pictures)
        product.start("count")
        chips.next("lit")
        wait_until(shows(chips, number(17)), "it was off for a moment only")
        assert only(chips, begun, number(17)), "no old picture flashes up"
        chips.process.send_signal(signal.SIGTERM)
        assert chips.process.wait(10) == 0
        chips.next("dark", DIES_S)
        assert not any(chips.pictures[-1])


def only(chips: Chips, since: int, message: Message) -> bool:
    """Whether no LED was lit since then that does not belong to the message."""
    whole = int.from_bytes(picture_of(message))
    return all(int.from_bytes(picture) & ~whole == 0 for picture in chips.pictures[since:])


def test_a_sign_that_is_started_over_lit_chips_darkens_them_first(tmp_path: Path) -> None:
    """The model begins as a running chip is left behind: in test mode, with an old picture."""
    with side(tmp_path / "lot") as (_, chips):
        assert [any(picture) for picture in chips.pictures] in ([True, False], [False])
