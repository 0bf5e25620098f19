"""The sign process on a real socket, and as a real child."""

import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sign_envelopes import envelope, number

from controller.sign import guardian, readback
from controller.sign.listener import LONGEST_LINE
from controller.sign.readback import Shown
from controller.site import PanelSpec

SPEC = PanelSpec("entrance", "emulator", 64, 16)
CHILD = """
import signal, sys, threading
from pathlib import Path
from controller.sign.guardian import run
from controller.site import PanelSpec
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
run([PanelSpec("entrance", "emulator", 64, 16)], sys.argv[1], Path(sys.argv[2]), stop, lambda text: None)
"""


def wait_for(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


class Count:
    """The count's end of the link: it accepts one listener at a time and says what the test wants."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(10.0)
        self.address = f"tcp:127.0.0.1:{self.server.getsockname()[1]}"
        self.line: socket.socket | None = None

    def accept(self) -> None:
        self.line, _ = self.server.accept()
        self.line.settimeout(10.0)

    def send(self, data: bytes) -> None:
        assert self.line is not None
        self.line.sendall(data)

    def tell(self, free: int, ttl_s: float = 3.0) -> None:
        self.send(json.dumps(envelope(time.monotonic(), {"entrance": number(free)}, ttl_s)).encode() + b"\n")

    def hang_up(self) -> None:
        if self.line is not None:
            self.line.close()
        self.line = None


@pytest.fixture
def count() -> Iterator[Count]:
    count = Count()
    yield count
    count.hang_up()
    count.server.close()


def shown(run_dir: Path) -> Shown | None:
    return readback.read(run_dir, "entrance")


def says(run_dir: Path, free: int) -> Callable[[], bool]:
    def condition() -> bool:
        now = shown(run_dir)
        return now is not None and now.lit and now.message == number(free)

    return condition


def dark(run_dir: Path, why: str) -> Callable[[], bool]:
    def condition() -> bool:
        now = shown(run_dir)
        return now is not None and not now.lit and now.why_dark is not None and why in now.why_dark

    return condition


@contextmanager
def running(address: str, run_dir: Path) -> Iterator[list[str]]:
    """Run the sign process' loop in a thread; gives what it told systemd."""
    stop, told = threading.Event(), list[str]()
    thread = threading.Thread(target=guardian.run, args=([SPEC], address, run_dir, stop, told.append))
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join(5.0)
        assert not thread.is_alive()


def test_what_count_says_is_shown_and_its_silence_is_dark_in_time(count: Count, tmp_path: Path) -> None:
    with running(count.address, tmp_path) as told:
        assert wait_for(dark(tmp_path, "nothing has come"))
        count.accept()
        count.tell(38)
        last = time.monotonic()
        assert wait_for(says(tmp_path, 38))
        assert wait_for(dark(tmp_path, "nothing fresh came"))
        assert 2.5 < time.monotonic() - last < 4.0
        count.tell(37)
        assert wait_for(says(tmp_path, 37))
        assert told[0] == "READY=1"
        assert told.count("WATCHDOG=1") > 10
    assert told[-1] == "STOPPING=1"
    assert dark(tmp_path, "the sign process has ended")()


def test_a_count_that_goes_away_is_dark_at_once_and_its_return_is_noticed(count: Count, tmp_path: Path) -> None:
    with running(count.address, tmp_path):
        for free in (38, 37):
            count.accept()
            count.tell(free)
            assert wait_for(says(tmp_path, free))
            count.hang_up()
            assert wait_for(dark(tmp_path, "closed the link"), within_s=2.0)


def test_nobody_there_is_dark_and_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp:127.0.0.1:{free.getsockname()[1]}"
    with caplog.at_level(logging.INFO), running(address, tmp_path) as told:
        assert wait_for(lambda: told.count("WATCHDOG=1") > 8)
        assert dark(tmp_path, "nothing has come")()
    assert sum("nobody answers" in record.getMessage() for record in caplog.records) == 1


def test_a_line_may_come_in_pieces_and_many_at_once(count: Count, tmp_path: Path) -> None:
    with running(count.address, tmp_path):
        count.accept()
        lines = [json.dumps(envelope(time.monotonic(), {"entrance": number(n)})).encode() for n in (1, 2, 3)]
        data = b"\n".join(lines) + b"\n"
        for start in range(0, len(data), 100):
            count.send(data[start : start + 100])
        assert wait_for(says(tmp_path, 3))
        count.send(data[:-1])
        assert wait_for(says(tmp_path, 2))


def test_beats_go_on_while_garbage_floods_in_and_an_endless_line_is_hung_up_on(count: Count, tmp_path: Path) -> None:
    with running(count.address, tmp_path) as told:
        count.accept()
        count.tell(38)
        assert wait_for(says(tmp_path, 38))
        garbage = (b"x" * 1000 + b"\n") * 1000
        beats, end = told.count("WATCHDOG=1"), time.monotonic() + 1.5
        while time.monotonic() < end:
            count.send(garbage)
        assert told.count("WATCHDOG=1") - beats >= 5
        count.tell(37)
        assert wait_for(says(tmp_path, 37))
        with pytest.raises(OSError, match=r".+"):  # noqa: PT012  it takes as many sends as the buffers hold
            for _ in range(4 * LONGEST_LINE // 65536):
                count.send(b"x" * 65536)
        assert wait_for(dark(tmp_path, "a line longer than"))
        count.hang_up()
        count.accept()
        count.tell(36)
        assert wait_for(says(tmp_path, 36))


@contextmanager
def child(address: str, run_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", CHILD, address, str(run_dir)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_terminated_sign_process_leaves_its_panel_dark(count: Count, tmp_path: Path) -> None:
    with child(count.address, tmp_path) as process:
        count.accept()
        count.tell(38)
        assert wait_for(says(tmp_path, 38))
        process.terminate()
        assert process.wait(5.0) == 0
        assert dark(tmp_path, "the sign process has ended")()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_a_sign_process_that_was_stopped_never_shows_what_came_meanwhile(count: Count, tmp_path: Path) -> None:
    with child(count.address, tmp_path) as process:
        count.accept()
        count.tell(38, ttl_s=1.0)
        assert wait_for(says(tmp_path, 38))
        process.send_signal(signal.SIGSTOP)
        said = time.monotonic()
        count.tell(99, ttl_s=1.0)
        assert wait_for(lambda: time.monotonic() > said + 1.1)
        process.send_signal(signal.SIGCONT)
        seen: list[Shown | None] = []

        def is_dark_again() -> bool:
            seen.append(shown(tmp_path))
            return dark(tmp_path, "nothing fresh came")()

        assert wait_for(is_dark_again)
        assert not any(each is not None and each.message == number(99) for each in seen)
        count.tell(37)
        assert wait_for(says(tmp_path, 37))
