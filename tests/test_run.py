"""The supervisor with real child processes: restarted, stopped in time, and never left behind."""

import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.run import Child, Supervisor

ROOT = Path(__file__).parent.parent

GOOD = """
import signal, threading
from controller.lifeline import watch_parent
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
watch_parent(stop.set)
print("up", flush=True)
stop.wait()
print("down", flush=True)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""
HANGING = """
import signal, time
from controller.lifeline import watch_parent
signal.signal(signal.SIGTERM, signal.SIG_IGN)
watch_parent(lambda: None)
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import sys, threading
from controller.run import Child, supervise
children = [Child(f"c{i}", (sys.executable, "-c", script)) for i, script in enumerate(sys.argv[1:])]
sys.exit(supervise(children))
"""


def child(script: str, name: str = "child") -> Child:
    return Child(name, (sys.executable, "-c", script), {"PYTHONPATH": str(ROOT)})


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie (whose new parent may be slow to bury it)."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.startswith("Z")


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.01)


class Running:
    """A supervisor that runs in a thread, and what its children print."""

    def __init__(self, *children: Child) -> None:
        self.lines: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self.asked_to_stop = threading.Event()
        self.code: int | None = None
        self.supervisor = Supervisor(children, output=lambda name, line: self.lines.put((name, line)))
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.supervisor.start()
        self.code = self.supervisor.run_until(self.asked_to_stop)
        self.supervisor.stop()

    def stop(self) -> float:
        began = time.monotonic()
        self.asked_to_stop.set()
        self.thread.join()
        return time.monotonic() - began

    def heard(self) -> tuple[str, str]:
        return self.lines.get(timeout=10)


@pytest.fixture
def started() -> Iterator[list[Running]]:
    running: list[Running] = []
    yield running
    for each in running:
        each.stop()


def test_children_end_by_themselves_when_asked(started: list[Running]) -> None:
    running = Running(child(GOOD, "one"), child(GOOD, "two"))
    started.append(running)
    assert {running.heard(), running.heard()} == {("one", "up"), ("two", "up")}
    pids = running.supervisor.pids
    assert running.stop() < 1.0
    assert {running.heard(), running.heard()} == {("one", "down"), ("two", "down")}
    assert running.code == 0
    assert not any(is_alive(pid) for pid in pids.values())


def test_a_child_that_is_killed_is_started_again(started: list[Running]) -> None:
    running = Running(child(GOOD, "one"), child(GOOD, "two"))
    started.append(running)
    running.heard()
    running.heard()
    before = running.supervisor.pids
    os.kill(before["one"], signal.SIGKILL)
    assert running.heard() == ("one", "up")
    assert running.supervisor.pids["one"] != before["one"]
    assert running.supervisor.pids["two"] == before["two"]


def test_a_child_that_keeps_dying_is_started_ever_more_slowly(started: list[Running]) -> None:
    running = Running(child("print('up', flush=True); raise SystemExit(1)"))
    started.append(running)
    times = []
    for _ in range(4):
        running.heard()
        times.append(time.monotonic())
    for least, (sooner, later) in zip((0.2, 0.4, 0.8), itertools.pairwise(times), strict=True):
        assert later - sooner >= least


def test_a_wrong_usage_ends_everything_with_2(started: list[Running]) -> None:
    running = Running(child(GOOD, "good"), child("raise SystemExit(2)", "bad"))
    started.append(running)
    running.thread.join(10)
    assert running.code == 2
    assert running.supervisor.pids == {}


def test_a_child_that_does_not_listen_is_killed(started: list[Running]) -> None:
    running = Running(child(DEAF))
    started.append(running)
    running.heard()
    pids = running.supervisor.pids
    assert 1.4 < running.stop() < 2.0
    assert not any(is_alive(pid) for pid in pids.values())


def parent_of(*scripts: str) -> tuple["subprocess.Popen[str]", list[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", PARENT, *scripts]
    process = subprocess.Popen(argv, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    return process, [process.stderr.readline().strip() for _ in scripts]


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], check=False, capture_output=True, text=True)
    return [int(word) for word in listed.stdout.split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_run_and_its_children_with_0(number: signal.Signals) -> None:
    process, said = parent_of(GOOD, DEAF)
    assert sorted(said) == ["c0    | up", "c1    | up"]
    children = children_of(process.pid)
    assert len(children) == 2
    began = time.monotonic()
    process.send_signal(number)
    process.send_signal(number)
    process.communicate(timeout=10)
    assert time.monotonic() - began < 2.0
    assert process.returncode == 0
    assert not any(is_alive(pid) for pid in children)


def test_nothing_is_left_when_run_itself_is_killed() -> None:
    process, _ = parent_of(GOOD, HANGING)
    children = children_of(process.pid)
    assert len(children) == 2
    process.kill()
    process.communicate()
    wait_for(lambda: not any(is_alive(pid) for pid in children), "both children end", 5.0)


def test_a_child_without_power_stays_off_until_it_has_it_again(started: list[Running]) -> None:
    running = Running(child(DEAF, "one"), child(GOOD, "two"))
    started.append(running)
    assert {running.heard(), running.heard()} == {("one", "up"), ("two", "up")}
    before = running.supervisor.pids
    running.supervisor.switch("one", on=False)
    wait_for(lambda: not is_alive(before["one"]), "it is killed, deaf as it is")
    os.kill(before["two"], signal.SIGKILL)
    assert running.heard() == ("two", "up"), "others are started again meanwhile"
    assert list(running.supervisor.pids) == ["two"]
    running.supervisor.switch("one", on=True)
    assert running.heard() == ("one", "up")


def test_the_supervisor_can_be_ended_from_another_thread(started: list[Running]) -> None:
    running = Running(child(GOOD))
    started.append(running)
    running.heard()
    running.supervisor.end()
    running.thread.join(10)
    assert running.code == 0
    assert running.supervisor.pids == {}
