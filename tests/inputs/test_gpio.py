"""Pins become levels, on gpiozero's own mock pins."""

import importlib.util
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from controller.inputs.gpio import GpioError, GpioInputs, PinLevel, open_factory
from controller.site import PinInput

OUTER = PinInput("main.outer", 17, pull="up", active="low")
INNER = PinInput("main.inner", 27, pull="up", active="low")
BARRIER = PinInput("main.barrier", 22, pull="down", active="high")


class Inbox(queue.SimpleQueue[PinLevel]):
    def levels(self) -> list[tuple[str, bool]]:
        """Take everything out."""
        taken = []
        while not self.empty():
            level = self.get()
            taken.append((level.detector, level.occupied))
        return taken


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    with MockFactory() as factory:
        yield factory


def test_a_detector_that_pulls_its_line_low_is_occupied(factory: MockFactory) -> None:
    inbox = Inbox()
    with GpioInputs([OUTER], factory=factory, put=inbox.put):
        before = time.monotonic()
        factory.pin(17).drive_low()
        factory.pin(17).drive_high()
        level = inbox.get_nowait()

        assert (level.detector, level.occupied) == ("main.outer", True)
        assert before <= level.monotonic <= time.monotonic()
        assert inbox.levels() == [("main.outer", False)]


@pytest.mark.parametrize(
    ("pull", "active", "idle", "when_high"),
    [
        ("up", "low", False, False),
        ("up", "high", True, True),
        ("down", "high", False, True),
        ("down", "low", True, False),
    ],
)
def test_pull_and_active_level_decide_what_a_line_means(
    factory: MockFactory, pull: str, active: str, *, idle: bool, when_high: bool
) -> None:
    inbox = Inbox()
    spec = PinInput("main.loop", 17, pull=pull, active=active)  # type: ignore[arg-type]
    with GpioInputs([spec], factory=factory, put=inbox.put) as pins:
        assert factory.pin(17).pull == pull
        pins.reread()
        assert inbox.levels() == [("main.loop", idle)]
        factory.pin(17).drive_high()
        pins.reread()
        assert inbox.levels()[-1] == ("main.loop", when_high)


def test_a_line_without_a_pull_floats(factory: MockFactory) -> None:
    with GpioInputs([PinInput("main.loop", 17, pull="none", active="high")], factory=factory, put=Inbox().put):
        assert factory.pin(17).pull == "floating"


def test_edges_of_two_loops_keep_their_order_and_their_times(factory: MockFactory) -> None:
    inbox = Inbox()
    with GpioInputs([OUTER, INNER], factory=factory, put=inbox.put):
        factory.pin(17).drive_low()
        factory.pin(27).drive_low()
        factory.pin(17).drive_high()
        factory.pin(27).drive_high()
    taken = [inbox.get_nowait() for _ in range(4)]

    assert [(level.detector.removeprefix("main."), level.occupied) for level in taken] == [
        ("outer", True),
        ("inner", True),
        ("outer", False),
        ("inner", False),
    ]
    assert [level.monotonic for level in taken] == sorted(level.monotonic for level in taken)


class KernelPin(MockPin):  # type: ignore[misc]  # gpiozero ships no types
    """A mock pin whose edges carry the time that a test gives, as lgpio's carry the kernel's."""

    ticks = 0.0

    def _call_when_changed(self) -> None:
        super(MockPin, self)._call_when_changed(self.ticks, self._state)


def test_an_edge_carries_the_kernels_time_not_that_of_its_delivery() -> None:
    inbox = Inbox()
    with MockFactory(pin_class=KernelPin) as factory, GpioInputs([OUTER], factory=factory, put=inbox.put):
        factory.pin(17).ticks = edge = time.monotonic() - 2.5
        factory.pin(17).drive_low()

    assert inbox.get_nowait().monotonic == edge


def test_a_time_that_is_not_the_monotonic_clocks_is_not_taken() -> None:
    inbox = Inbox()
    with MockFactory(pin_class=KernelPin) as factory, GpioInputs([OUTER], factory=factory, put=inbox.put):
        for ticks in (time.time(), time.monotonic() - 3600, time.monotonic() + 5):
            before = time.monotonic()
            factory.pin(17).ticks = ticks
            factory.pin(17).drive_low()
            factory.pin(17).drive_high()
            while not inbox.empty():
                assert before <= inbox.get().monotonic <= time.monotonic()


def test_a_reread_repairs_a_lost_edge(factory: MockFactory) -> None:
    inbox = Inbox()
    with GpioInputs([OUTER, BARRIER], factory=factory, put=inbox.put) as pins:
        factory.pin(17)._change_state(value=False)  # noqa: SLF001  the line moved, and the kernel said nothing
        assert inbox.levels() == []
        assert pins.reread() == ()
        assert inbox.levels() == [("main.outer", True), ("main.barrier", False)]


def test_an_inbox_that_fails_costs_one_level_and_never_the_thread(
    factory: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox()

    def put(level: PinLevel) -> None:
        if level.occupied:
            raise RuntimeError("full")
        inbox.put(level)

    with GpioInputs([OUTER], factory=factory, put=put) as pins:
        for _ in range(3):
            factory.pin(17).drive_low()
            factory.pin(17).drive_high()

        assert inbox.levels() == [("main.outer", False)] * 3
        assert pins.errors == 3
    assert [record.getMessage() for record in caplog.records] == ["gpio: an edge of main.outer was lost"]


class BrokenPin(MockPin):  # type: ignore[misc]  # gpiozero ships no types
    broken = False

    def _get_state(self) -> bool:
        if self.broken:
            raise OSError("no such device")
        return bool(super()._get_state())


def test_a_pin_that_cannot_be_read_is_named_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox()
    caplog.set_level(logging.INFO)
    with (
        MockFactory(pin_class=BrokenPin) as factory,
        GpioInputs([OUTER, INNER], factory=factory, put=inbox.put) as pins,
    ):
        factory.pin(17).broken = True
        assert pins.reread() == pins.reread() == ("main.outer",)
        assert inbox.levels() == [("main.inner", False)] * 2
        factory.pin(17).broken = False
        assert pins.reread() == ()
        assert inbox.levels() == [("main.outer", False), ("main.inner", False)]
    assert [(record.levelname, "main.outer" in record.getMessage()) for record in caplog.records] == [
        ("ERROR", True),
        ("INFO", False),
    ]


def test_after_closing_nothing_more_comes(factory: MockFactory) -> None:
    inbox = Inbox()
    pins = GpioInputs([OUTER], factory=factory, put=inbox.put)
    pins.close()
    pins.close()

    factory.pin(17).drive_low()
    assert pins.reread() == ()
    assert inbox.levels() == []


def test_an_edge_during_a_reread_is_never_overtaken_by_the_older_level() -> None:
    """A pin is read, changes, and its edge arrives, all before the level read is put."""
    inbox = Inbox()
    reading, changed = threading.Event(), threading.Event()

    class SlowPin(MockPin):  # type: ignore[misc]  # gpiozero ships no types
        def _get_state(self) -> bool:
            state = bool(super()._get_state())
            if threading.current_thread() is threading.main_thread() and not reading.is_set():
                reading.set()
                changed.wait(0.3)
            return state

    with MockFactory(pin_class=SlowPin) as factory, GpioInputs([OUTER], factory=factory, put=inbox.put) as pins:

        def arrive() -> None:
            reading.wait(5)
            factory.pin(17).drive_low()
            changed.set()

        car = threading.Thread(target=arrive)
        car.start()
        pins.reread()
        car.join()
    assert inbox.levels() == [("main.outer", False), ("main.outer", True)]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (PinInput("main.outer", 2, pull="down", active="high"), ["main.outer", "gpio = 2", 'pull = "up"']),
        (PinInput("main.outer", 53, pull="up", active="low"), ["main.outer", "gpio = 53", "header"]),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_the_mend(
    factory: MockFactory, spec: PinInput, words: list[str]
) -> None:
    with pytest.raises(GpioError) as error:
        GpioInputs([INNER, spec], factory=factory, put=Inbox().put)

    assert all(word in str(error.value) for word in words), str(error.value)
    assert factory.pin(27).when_changed is None  # given back


NO_PI = pytest.mark.skipif(any(Path("/dev").glob("gpiochip*")), reason="this machine has GPIO chips")


@NO_PI
def test_auto_takes_mock_pins_where_there_is_no_raspberry_pi(caplog: pytest.LogCaptureFixture) -> None:
    with open_factory("auto", None) as factory:
        assert isinstance(factory, MockFactory)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_mock_asks_nobody() -> None:
    with open_factory("mock", None) as factory:
        assert isinstance(factory, MockFactory)


@NO_PI
@pytest.mark.parametrize(("chip", "words"), [(None, "mock"), ("pinctrl-rp1", "pinctrl-rp1")])
def test_lgpio_without_a_chip_says_so_and_leaves_no_litter(tmp_path: Path, chip: str | None, words: str) -> None:
    script = (
        "from controller.inputs.gpio import GpioError, open_factory\n"
        f"try: open_factory('lgpio', {chip!r})\nexcept GpioError as error: print(error)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    if importlib.util.find_spec("lgpio") is None:  # no wheel for this Python: then that is what must be said
        words = 'install the "pi" extra'
    assert words in told.stdout, told.stdout + told.stderr
    assert "pin_factory" in told.stdout or "[gpio] chip" in told.stdout
    assert list(tmp_path.iterdir()) == []
