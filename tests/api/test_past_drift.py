"""What counts by people show of passages: the net drift, and how sure it is."""

import time
from datetime import UTC, datetime

import httpx
import pytest

from controller.api.accounts import Accounts, Role
from controller.api.past.drift import by_hand, drift, intervals
from controller.api.past.rows import Corrected
from controller.api.server import WebConfig
from controller.domain.chronicle import Kept, TakenBack, Told
from controller.domain.events import Adjusted, Undone
from controller.domain.report import Passage, PassageKind
from controller.journal import Audit, Clock, Journal, Record


def count(wall: float, told: int, counted: int | None) -> Corrected:
    return Corrected(int(wall), wall, "customers", told, None, counted, None, None)


def test_what_passages_made_too_many_or_too_few_is_the_drift() -> None:
    told = [count(0, 10, None), count(100, 12, 14), count(200, 9, 8), count(300, 5, 8)]
    assert intervals(told) == [(0, 100), (100, 200), (200, 300)]
    found = drift(told, [400, 200, 600], [])
    assert found is not None
    assert [one.difference for one in found.found] == [2, -1, 3]
    assert (found.net, found.passages, found.found[0].since) == (4, 1200, 0)
    assert found.per_thousand == pytest.approx(3.333, abs=0.001)
    rate = 4 / 1200
    spread = (2 - 400 * rate) ** 2 / 400 + (-1 - 200 * rate) ** 2 / 200 + (3 - 600 * rate) ** 2 / 600
    assert found.error == pytest.approx(1000 * (spread / 2 / 1200) ** 0.5)


def test_counts_that_agree_are_surer_than_counts_that_do_not() -> None:
    same = drift([count(n * 100, 0, 2 if n else None) for n in range(4)], [500] * 3, [])
    apart = drift([count(n * 100, 0, (None, 2, -5, 9)[n]) for n in range(4)], [500] * 3, [])
    assert same is not None
    assert apart is not None
    assert (same.net, apart.net) == (6, 6)
    assert same.error == 0
    assert apart.error is not None
    assert apart.error > 3


def test_one_count_tells_no_error_and_none_or_no_passages_tell_nothing() -> None:
    once = drift([count(0, 10, None), count(100, 12, 14)], [400], [])
    assert once is not None
    assert (once.per_thousand, once.error) == (5.0, None)
    assert drift([count(0, 10, None)], [], []) is None
    assert drift([], [], []) is None
    assert drift([count(0, 10, None), count(100, 10, 10)], [0], []) is None
    assert drift([count(0, 10, None), count(100, 12, None)], [5], []) is None


def test_what_people_added_by_hand_is_no_passage() -> None:
    told = [count(0, 10, None), count(100, 12, 14), count(200, 9, 9)]
    found = drift(told, [400, 200], [(50, 3), (150, -1)])
    assert found is not None
    assert [one.difference for one in found.found] == [-1, 1]


TWO = [(0, 1), (3, 2)]


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        (["adjusted [+1] = 5", "adjusted [-5] = 0"], [(0, 1), (1, -5)]),
        (["adjusted [+1] = 5", "undone = 4"], []),
        (["adjusted [+1] = 5", "occupied = 7", "undone = 5"], [(0, 1)]),
        (
            ["adjusted [+1] = 5", "recounted [7 seen, 1 in, 0 out] = 7", "undone = 5", "adjusted [+2] = 7"],
            [(0, 1), (3, 2)],
        ),
        (["adjusted [+1] = 5", "closed = True", "undone = 4", "recount begun"], []),
        (["undone = 4", "closed = False"], []),
    ],
)
def test_what_was_taken_back_was_never_added(changes: list[str], left: list[tuple[float, int]]) -> None:
    assert by_hand((float(n), what) for n, what in enumerate(changes)) == left


# From the journal

WRITTEN = datetime(2026, 11, 10, 12, tzinfo=UTC)
THAT_MONTH = {"span": "month", "on": WRITTEN.date().isoformat()}
"""Not the present one: on its first day, at night, an hour ago was in another."""


@pytest.fixture
def viewer(config: WebConfig, api: httpx.Client) -> httpx.Client:
    """Two counts, 20 passages between, one of which was missed; a car that was added by hand, another taken back."""
    epoch = WRITTEN.timestamp()
    with Accounts(config.token_dir) as accounts:
        api.headers["Authorization"] = f"Bearer {accounts.make_token('screen', Role.VIEWER, time.time())}"
    journal = Journal(config.state_dir / "journal.sqlite")
    passed = [Passage("main", PassageKind.ENTRY, 10.0 + n, 9.0 + n) for n in range(20)]
    passed.append(Passage("main", PassageKind.TOUCH, 40.0, 39.0))
    kept: list[Kept] = [
        Told("customers", 5.0, 3, None, None, None, None),
        Told("customers", 50.0, 99, None, 23, None, None),
        TakenBack("customers", 50.0),
        Told("customers", 60.0, 25, 24, 24, None, None),
    ]
    changes: list[tuple[Adjusted | Undone, str]] = [
        (Adjusted("customers", 1, 20.0), "adjusted [+1] = 14"),
        (Adjusted("customers", 1, 21.0), "adjusted [+1] = 15"),
        (Undone("customers", 22.0), "undone = 14"),
    ]
    records = [Record(event, epoch + event.at, Audit("anna", f"customers: {what}", "", "")) for event, what in changes]
    journal.append(records, Clock(60.0, epoch + 60, 60.0, "boot"), passed, epoch, kept)
    journal.close()
    return api


def test_the_api_tells_the_drift_beside_what_lanes_learned(viewer: httpx.Client, config: WebConfig) -> None:
    customers, staff = viewer.get("/api/v1/history/accuracy", params=THAT_MONTH).json()["zones"]
    drift = customers["drift"]
    lanes = {lane.name for lane in config.site.lot.lanes if "customers" in {lane.zone, lane.from_zone}}
    assert set(drift.pop("lanes")) == lanes
    (found,) = drift.pop("found")
    assert (found["passages"], found["difference"]) == (20, -2)  # 24, of which one was added by hand; 25 were there
    assert found["since"] == drift.pop("since")
    assert drift == {"passages": 20, "net": -2, "per_thousand": -100.0, "error": None}
    assert staff["drift"] is None


def test_the_page_tells_it_in_words(viewer: httpx.Client, staff: httpx.Client) -> None:
    assert viewer is staff
    page = staff.get("/staff/history", params={**THAT_MONTH, "lang": "pl"}).text
    assert ": 20 przejazdów; liczenie wykazało -2" in page
    assert "-100,0 na 1000." in page
    assert "+" not in page.split("Za dużo (+) lub za mało (-)")[-1].partition("</table>")[0]
