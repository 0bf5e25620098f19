"""The clocks: the machine's own, and those that follow a simulator's pace, in a service that runs."""

import ctypes
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from controller import clocks
from controller.clocks import Clocks, Pace, Stretch, moment, of_this_process, paced, synchronised
from controller.domain.events import DetectorChanged
from controller.domain.specs import Moment
from controller.inputs.gpio import PinLevel
from controller.inputs.mqtt import MqttMessage
from controller.inputs.sensors import Sensors
from controller.journal import Journal, open_reader
from controller.link import Json
from controller.recording import Message, read_line
from controller.service import Outlets, Service
from controller.site import load

EPOCH = 1_795_000_000.0
SITE = """
[lot]
name = "paced"

[[zone]]
name = "customers"
capacity = 8
initial_occupied = 3

[[lane]]
name = "main"
zone = "customers"
outer = { gpio = 17 }
inner = { gpio = 27 }

[[bay]]
name = "A1"
zone = "customers"
mqtt = "bays/A1"
"""


def pace(since: float, at: float, rate: float, *, settled: float, before: Stretch | None = None) -> Pace:
    present = Stretch(since, at, rate)
    return Pace(EPOCH, before or present, present, settled)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.005)


def test_without_a_word_in_the_environment_time_passes_as_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clocks.ENVIRONMENT, raising=False)
    here = of_this_process()
    assert here == Clocks()
    assert (here.lot(12.5), here.settled()) == (12.5, float("inf"))


def test_a_pace_says_which_moment_a_simulated_time_is_and_the_other_way_round() -> None:
    now = pace(100.0, 5000.0, 60.0, settled=100.0, before=Stretch(90.0, 4990.0, 1.0))
    assert [now.time_at(m) for m in (95.0, 100.0, 100.5, 102.0)] == [4995.0, 5000.0, 5030.0, 5120.0]
    assert [now.moment_of(t) for t in (5000.0, 5030.0, 5120.0)] == [100.0, 100.5, 102.0]


def test_while_time_stands_still_every_moment_is_the_same_time() -> None:
    still = pace(100.0, 5000.0, 0.0, settled=100.0)
    assert still.time_at(107.0) == 5000.0
    assert still.moment_of(5000.0) == 100.0


def test_a_pace_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = pace(100.25, 5000.125, 10.0, settled=100.5, before=Stretch(90.0, 4990.0, 1.0))
    written.write(tmp_path / "pace.json")
    assert Pace.read(tmp_path / "pace.json") == written
    assert [path.name for path in tmp_path.iterdir()] == ["pace.json"]


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '[1, [1, 2], [1, 2, 3], "x"]', "[1, [1, 2, 3], null, 4]"])
def test_what_is_no_pace_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pace.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"pace\.json: not a pace of time"):
        Pace.read(path)


def test_who_follows_a_pace_hears_of_a_new_one_and_keeps_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pace.json"
    pace(100.0, 5000.0, 1.0, settled=100.0).write(path)
    monkeypatch.setenv(clocks.ENVIRONMENT, str(path))
    follower = of_this_process()
    assert (follower.lot(101.0), follower.settled(), follower.wall()) == (5001.0, 100.0, EPOCH + 5000.0)
    pace(101.0, 5001.0, 60.0, settled=102.0).write(path)
    assert (follower.lot(102.0), follower.settled(), follower.wall()) == (5061.0, 102.0, EPOCH + 5061.0)
    path.unlink()
    assert follower.lot(102.0) == 5061.0


def test_a_pace_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        paced(tmp_path / "none.json")


class Counting:
    """A service in a thread, that follows a pace."""

    def __init__(self, folder: Path, rate: float) -> None:
        self._pace_file = folder / "pace.json"
        self._journal = folder / "journal.sqlite"
        self.began, self._rate = time.monotonic(), rate
        self.settle(0.0)
        (folder / "site.toml").write_text(SITE)
        self._site = load(folder / "site.toml")
        self.said: list[Json] = []
        self.service: Service
        self._made = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._made.wait(10)

    def settle(self, after_s: float) -> None:
        """Say that all inputs until then (s of real time from the start) have been handed over."""
        pace(self.began, 5000.0, self._rate, settled=self.began + after_s).write(self._pace_file)

    def _run(self) -> None:
        with closing(Journal(self._journal)) as journal:
            self.service = Service(self._site, journal, Sensors(self._site.sensors), paced(self._pace_file))
            self._made.set()
            self.service.run(Outlets(publish=(self.said.append,)))

    def stop(self) -> None:
        self.service.stop()
        self._thread.join()

    def entries(self) -> list[DetectorChanged | Message]:
        with closing(open_reader(self._journal)) as db:
            lines = [read_line(line) for (line,) in db.execute("SELECT line FROM input ORDER BY id")]
        return [entry for entry in lines if isinstance(entry, DetectorChanged | Message)]


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Counting]:
    service = Counting(tmp_path, rate=60.0)
    yield service
    service.stop()


def test_lot_time_is_simulated_time_to_the_microsecond(counting: Counting) -> None:
    stamps = [0.001, 0.003, 0.0045, 0.0062]
    wait_for(lambda: time.monotonic() > counting.began + stamps[-1], "the edges lie in the past")
    names = itertools.cycle(["main.outer", "main.inner"])
    for name, stamp, occupied in zip(names, stamps, (True, True, False, False), strict=False):
        counting.service.put(PinLevel(name, occupied, counting.began + stamp))
    wait_for(lambda: len(counting.entries()) == 4, "the edges are in the journal")
    assert [entry.at for entry in counting.entries()] == pytest.approx([60 * s for s in stamps], abs=2e-6)


def test_time_goes_on_only_until_where_all_inputs_have_come(counting: Counting) -> None:
    wait_for(lambda: time.monotonic() > counting.began + 0.1, "what is settled lies in the past")
    counting.settle(0.05)
    wait_for(lambda: counting.service.state.at == pytest.approx(3.0, abs=1e-5), "time goes on")
    spoken = len(counting.said)
    wait_for(lambda: len(counting.said) > spoken + 1, "the count goes on speaking while time stands")
    assert counting.service.state.at == pytest.approx(3.0, abs=1e-5)
    counting.settle(0.1)
    wait_for(lambda: counting.service.state.at == pytest.approx(6.0, abs=1e-5), "and on")
    assert counting.said[-1]["epoch"] == pytest.approx(EPOCH + 5000.0, abs=1e-3)


def test_a_message_does_not_overtake_an_edge_that_happened_before_it(counting: Counting) -> None:
    acked = threading.Event()
    wait_for(lambda: time.monotonic() > counting.began + 0.02, "the message lies in the past")
    counting.service.put(MqttMessage("bays/A1", b"1", counting.began + 0.02, False, acked.set))
    assert acked.wait(10)
    counting.service.put(PinLevel("main.outer", True, counting.began + 0.01))
    wait_for(lambda: len(counting.entries()) == 2, "both are in the journal")
    message, edge = counting.entries()
    assert message.at == 0.0
    assert edge.at == pytest.approx(0.6, abs=2e-6)


@pytest.mark.parametrize(
    ("forbidden", "mark", "is_set"), [(0, False, True), (5, True, False), (-1, True, True), (-1, False, False)]
)
def test_linux_is_asked_whether_the_clock_is_set_or_timesyncd(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    forbidden: int,
    mark: bool,  # noqa: FBT001
    is_set: bool,  # noqa: FBT001
) -> None:
    class Libc:
        def __init__(self, _name: None) -> None: ...
        def adjtimex(self, _timex: object) -> int:
            return forbidden

    if mark:
        (tmp_path / "synchronized").touch()
    monkeypatch.setattr(ctypes, "CDLL", Libc)
    assert synchronised(tmp_path / "synchronized") is is_set


def test_the_time_of_the_week_is_the_sites_own() -> None:
    warsaw = ZoneInfo("Europe/Warsaw")
    assert moment(1_795_000_000.0, warsaw) == Moment(2, 12 * 60 + 6)  # a Wednesday in winter, 11:06 UTC
    assert moment(1_782_000_000.0, warsaw) == Moment(6, 2 * 60)  # a Sunday in summer, 00:00 UTC
