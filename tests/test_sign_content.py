"""What signs say besides the count, through the service: journalled, spoken of, and there again after a restart."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures_service import Counting, Hands

from controller.domain.specs import RedirectSpec
from controller.journal import open_reader
from controller.recording import read_line
from controller.replay import Replay
from controller.site import SensorInput, Site, load

Start = Callable[[Hands], Counting]

SITE = """\
[lot]
name = "Parking"
[[zone]]
name = "customers"
capacity = 40
initial_occupied = 40
[[lane]]
name = "main"
zone = "customers"
outer = { gpio = 17 }
inner = { gpio = 27 }
[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"
width = 64
height = 16
redirect = { to = "P2", arrow = "right", mqtt = "p2/all/state" }
open_hours = ["mon-sat 06:00-22:00"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    path = tmp_path / "site.toml"
    path.write_text(SITE, "utf-8")
    return load(path)


@pytest.fixture
def start(site: Site, tmp_path: Path) -> Iterator[Callable[[Hands], Counting]]:
    """Starts a service; whatever still runs is stopped after the test."""
    with ExitStack() as running:

        def started(hands: Hands) -> Counting:
            counting = Counting(site, tmp_path, hands)
            running.callback(counting.stop)
            return counting

        yield started


def says(counting: Counting) -> dict[str, Any]:
    counting.settle()
    sign: dict[str, Any] = counting.said[-1]["lot"]["signs"][0]
    return sign


def test_the_site_file_names_the_lot_to_listen_to(site: Site) -> None:
    assert site.sensors == (SensorInput("p2/all/state", "parking-state", neighbour="p2/all/state"),)
    assert site.lot.signs[0].redirect == RedirectSpec("P2", "→", "p2/all/state")
    assert site.mqtt is not None


def test_staffs_words_survive_a_restart_and_end_by_themselves(site: Site, tmp_path: Path, start: Start) -> None:
    hands = Hands()
    counting = start(hands)
    assert counting.command(do="message", sign="entrance", text="Wjazd B", seconds=600, by="jan", reason="why") is None
    assert says(counting)["message"]["text"] == "Wjazd B"
    counting.stop()
    hands.advance(30)
    again = start(hands)
    assert says(again)["message"] | {"reason": "staff_message"} == says(again)["message"]
    assert says(again)["staff"]["text"] == "Wjazd B"
    again.pass_time(600)
    assert says(again)["message"]["kind"] != "staff"
    assert says(again)["staff"] is None
    with closing(open_reader(tmp_path / "journal.sqlite")) as db:
        who = db.execute("SELECT who, what, reason FROM audit").fetchall()
        lines = [line for (line,) in db.execute("SELECT line FROM input ORDER BY id")]
    assert who == [("jan", "entrance: message = Wjazd B, for 600 s", "why")]
    with (tmp_path / "shown.csv").open("w") as out:
        replay = Replay(site, out)
        replay.run(read_line(line) for line in lines)
    assert "Wjazd B" in (tmp_path / "shown.csv").read_text()


def test_staffs_words_are_taken_off(start: Start) -> None:
    counting = start(Hands())
    assert counting.command(do="message", sign="entrance", text="Wjazd B", seconds=600) is None
    assert counting.command(do="message", sign="entrance", text=None) is None
    assert says(counting)["message"]["kind"] == "full"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"sign": "nowhere", "text": "x", "seconds": 1}, "sign 'nowhere': no sign has this name; signs here: entrance"),
        ({"sign": "entrance", "text": 5, "seconds": 1}, "text 5: write the words"),
        ({"sign": "entrance", "text": "  ", "seconds": 1}, "text '  ': write the words"),
        ({"sign": "entrance", "text": "x" * 81, "seconds": 1}, "1 to 80 characters"),
        ({"sign": "entrance", "text": "x"}, "seconds None: write for how long"),
        ({"sign": "entrance", "text": "x", "seconds": 1e9}, "up to 2678400"),
        ({"sign": "entrance", "text": "x", "seconds": float("nan")}, "seconds nan"),
        ({"sign": "entrance", "text": "x", "seconds": True}, "seconds True"),
    ],
)
def test_a_message_that_cannot_be_is_refused(start: Start, fields: dict[str, Any], why: str) -> None:
    counting = start(Hands())
    error = counting.command(do="message", **fields)
    assert error is not None
    assert why in error


def told(free: int, time: str) -> bytes:
    return f'{{"free": {free}, "status": "OPEN", "time": "{time}"}}'.encode()


def test_a_full_lot_sends_drivers_on_with_a_number_that_is_believed_by_its_age_alone(start: Start) -> None:
    hands = Hands()  # the wall clock says 2026-11-18T11:06:40Z
    counting = start(hands)
    assert says(counting)["message"]["also"] == "P2 →"
    counting.message("p2/all/state", told(12, "2026-11-18T11:01:00Z"), retained=True)
    assert says(counting)["message"]["also"] == "P2 →", "more than five minutes old"
    counting.message("p2/all/state", told(11, "2026-11-18T11:10:00Z"))
    assert says(counting)["message"]["also"] == "P2 →", "from the future"
    counting.message("p2/all/state", told(12, "2026-11-18T11:06:00Z"), retained=True)
    assert says(counting)["message"]["also"] == "P2 → 12"
    counting.message("p2/all/state", told(30, "2026-11-18T11:05:00Z"))
    assert says(counting)["message"]["also"] == "P2 → 12", "older than what is known"
    counting.stop()
    hands.advance(5)
    again = start(hands)
    assert says(again)["message"]["kind"] == "full"
    assert says(again)["message"]["also"] == "P2 → 12", "the journal knows"
    again.pass_time(300)
    assert says(again)["message"]["also"] == "P2 →"


@pytest.mark.parametrize(("synchronised", "kind"), [(True, "closed"), (False, "full")])
def test_hours_are_spoken_of_only_by_a_clock_that_is_right(
    start: Start,
    synchronised: bool,  # noqa: FBT001  a column of the table
    kind: str,
) -> None:
    class Told(Hands):
        def clocks(self) -> Any:
            return replace(super().clocks(), synchronised=lambda: synchronised)

    counting = start(Told(wall=1_795_000_000.0 + 13 * 3600))  # an hour past midnight in Warsaw
    assert says(counting)["message"]["kind"] == kind
