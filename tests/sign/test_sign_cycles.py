"""Count is killed and stopped again and again under a lit sign: real processes, real signals, a model of the chips.

``make test`` does a few cycles; ``make test-sign-cycles`` a hundred of each, and prints how long the chips stayed lit.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from chips_seen import Chips
from fixtures_site import Product
from sign_side import side

CYCLES = int(os.environ.get("PARKING_SIGN_CYCLES", "2"))
SIDES = min(CYCLES, 5)
"""So many lots go through their cycles side by side; most of it is waiting."""

KILLED_S, STOPPED_S = 1.0, 5.0

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process"),
    pytest.mark.timeout(60 + 30 * CYCLES),
]


def kill(product: Product, chips: Chips, cycles: int) -> list[float]:
    """Kill count under a lit sign; return how long each time the chips stayed lit (s)."""
    took = []
    for _ in range(cycles):
        count = product.start("count")
        chips.next("lit")
        said = time.monotonic()
        count.kill()
        took.append(chips.next("dark") - said)
        count.wait()
    return took


def stop(product: Product, chips: Chips, cycles: int) -> list[float]:
    """Stop count under a lit sign, let it go on; return how long each time the chips stayed lit (s)."""
    count = product.start("count")
    chips.next("lit")
    took = []
    for _ in range(cycles):
        assert chips.still()
        said = time.monotonic()
        count.send_signal(signal.SIGSTOP)
        took.append(chips.next("dark") - said)
        count.send_signal(signal.SIGCONT)
        chips.next("lit")
    return took


@pytest.mark.parametrize(("what", "within_s"), [(kill, KILLED_S), (stop, STOPPED_S)], ids=["SIGKILL", "SIGSTOP"])
def test_the_chips_are_dark_soon_after_count_is_no_more(tmp_path: Path, what: object, within_s: float) -> None:
    assert what in {kill, stop}
    took: list[float] = []
    failed: list[BaseException] = []

    def go(number: int) -> None:
        try:
            with side(tmp_path / str(number)) as (product, chips):
                run = kill if what is kill else stop
                took.extend(run(product, chips, CYCLES // SIDES))
        except BaseException as error:  # noqa: BLE001  told below, in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(SIDES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    assert len(took) == CYCLES // SIDES * SIDES
    half = sorted(took)[len(took) // 2]
    sys.stdout.write(f"{len(took)} cycles: dark after {half:.3f} s (median), {max(took):.3f} s (longest)\n")
    assert max(took) <= within_s
    assert min(took) >= 0.0
