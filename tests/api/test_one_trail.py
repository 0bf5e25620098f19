"""What is written beside the count: each write of each role has its row of the one audit trail, or neither is kept."""

import dataclasses
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from count_on_air import EPOCH, site_in
from fastapi import FastAPI
from web_in_thread import serving

from controller.api import private_file
from controller.api.accounts import Accounts, Role
from controller.api.incidents.book import FILE_NAME as INCIDENTS
from controller.api.incidents.book import Book, Finding, IncidentKind, Source
from controller.api.private_file import PrivateFile, on_record
from controller.api.server import WebConfig, create_app
from controller.api.webhooks.outbox import FILE_NAME as WEBHOOKS
from controller.api.webhooks.outbox import Outbox
from controller.domain.events import Corrected
from controller.journal import Audit, Clock, Journal, Record
from controller.link import default_address
from controller.site import ApiSpec, WebhookSpec

Row = tuple[str, str, str, str | None, str]
"""What, before, field, after, reason."""

WRITES: list[tuple[str, dict[str, object], Role, Row]] = [
    (
        "/incidents",
        {"kind": "damage", "note": "glass"},
        Role.ATTENDANT,
        ("incident 2: logged [damage] = new", "", "logged", "new", "glass"),
    ),
    (
        "/incidents/1/acknowledgement",
        {"note": "on my way"},
        Role.ATTENDANT,
        ("incident 1: status = acknowledged", "new", "status", "acknowledged", "on my way"),
    ),
    (
        "/incidents/1/assignment",
        {"to": "anna", "note": "hers"},
        Role.ATTENDANT,
        ("incident 1: assigned = anna", "", "assigned", "anna", "hers"),
    ),
    (
        "/incidents/1/closing",
        {"finding": "confirmed", "note": "seen"},
        Role.ATTENDANT,
        ("incident 1: status [confirmed] = closed", "new", "status", "closed", "seen"),
    ),
    (
        "/incidents/1/reopening",
        {"note": "again"},
        Role.ATTENDANT,
        ("incident 1: status = acknowledged", "closed", "status", "acknowledged", "again"),
    ),
    ("/webhooks/navigation/test", {}, Role.MANAGER, ("webhook navigation: tested", "", "tested", None, "")),
    (
        "/webhooks/navigation/retry",
        {},
        Role.MANAGER,
        ("webhook navigation: sent again [0]", "", "sent again", None, ""),
    ),
    ("/alarms/test", {"to": "duty"}, Role.MANAGER, ("alarm duty: tested", "", "tested", None, "")),
]
FILES = (INCIDENTS, WEBHOOKS)


class Lot:
    """A web process without a count: what is asked here is its own."""

    def __init__(self, config: WebConfig, app: FastAPI, api: httpx.Client) -> None:
        self.config, self.app, self.api = config, app, api
        with Accounts(config.token_dir) as accounts:
            self.tokens = {role: accounts.make_token(f"of a {role}", role, time.time()) for role in Role}
            accounts.set_user("anna", "correct horse", Role.ATTENDANT, time.time())
        self.book: Book = app.state.incidents.book
        assert api.post("/feedback", json={"kind": "said_free"}).status_code == 200

    def as_(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def trail(self, query: str = "limit=1000") -> list[dict[str, str]]:
        answer = self.api.get(f"/audit?{query}", headers=self.as_(Role.VIEWER))
        assert answer.status_code == 200, answer.text
        changes: list[dict[str, str]] = answer.json()["changes"]
        return changes

    def held(self) -> list[object]:
        """All that stands in the files."""
        rows: list[object] = []
        for name, tables in ((INCIDENTS, ("incident", "step", "audit")), (WEBHOOKS, ("message", "audit"))):
            with closing(sqlite3.connect(self.config.token_dir / name)) as db:
                rows += [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]  # noqa: S608  ours
        return rows


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Lot]:
    for name in ("run", "state"):
        (tmp_path / name).mkdir()
    hook = WebhookSpec("navigation", "https://navigation.invalid/", ("zone.free",))
    site = dataclasses.replace(site_in(tmp_path), api=ApiSpec(port=0), webhooks=(hook,))
    run_dir, state_dir = tmp_path / "run", tmp_path / "state"
    Journal(state_dir / "journal.sqlite").close()
    config = WebConfig(site, default_address(run_dir), run_dir, state_dir, state_dir)
    app = create_app(config)
    with serving(app) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=10) as api:
        yield Lot(config, app, api)


@pytest.mark.parametrize(("path", "body", "needs", "row"), WRITES, ids=[write[0] for write in WRITES])
def test_every_write_by_every_role_is_in_the_one_trail(
    own: Lot, path: str, body: dict[str, object], needs: Role, row: Row
) -> None:
    if path.endswith("reopening"):
        own.book.shut(1, Finding.UNCLEAR, "anna", time.time())
    before, held = own.trail(), own.held()
    for headers in ({}, {"Authorization": "Bearer -"}, {"Authorization": f"Bearer {own.tokens[Role.MANAGER][:-1]}"}):
        assert own.api.post(path, json=body, headers=headers).status_code == 401
    for role in Role:
        if not role.covers(needs):
            assert own.api.post(path, json=body, headers=own.as_(role)).status_code == 403
    assert (own.trail(), own.held()) == (before, held)
    assert own.api.post(path, json=body, headers=own.as_(needs)).status_code in {200, 502}  # 502: nobody is there
    (change,) = own.trail()[: len(own.trail()) - len(before)]
    assert change["who"] == f"token of a {needs}"
    assert tuple(change[name] for name in ("what", "before", "field", "after", "reason")) == row


@pytest.mark.parametrize(("path", "body", "needs", "row"), WRITES, ids=[write[0] for write in WRITES])
def test_without_its_row_a_write_is_not_kept_and_says_so(
    own: Lot, path: str, body: dict[str, object], needs: Role, row: Row
) -> None:
    del row
    if path.endswith("reopening"):
        own.book.shut(1, Finding.UNCLEAR, "anna", time.time())
    for name in FILES:
        execute(own, name, "CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'not today'); END")
    held = own.held()
    answer = own.api.post(path, json=body, headers=own.as_(needs))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "not today" in answer.json()["detail"]
    assert own.held() == held
    for name in FILES:
        execute(own, name, "DROP TRIGGER no")
    assert own.api.post(path, json=body, headers=own.as_(needs)).status_code in {200, 502}


def execute(own: Lot, name: str, sql: str) -> None:
    with closing(sqlite3.connect(own.config.token_dir / name, timeout=10)) as db, db:
        db.execute(sql)


def test_a_drivers_report_changes_nothing_and_has_no_row(own: Lot) -> None:
    before = own.trail()
    assert own.api.post("/feedback", json={"kind": "said_free"}).status_code == 200
    assert len(own.book.last(9)) == 2
    assert own.trail() == before


def test_accounts_are_in_the_trail_with_who_made_them(own: Lot) -> None:
    with Accounts(own.config.token_dir) as accounts:
        accounts.set_user("anna", "another password", Role.MANAGER, time.time(), by="command line (root)")
        accounts.revoke("user", "anna", time.time(), by="command line (root)")
        accounts.revoke("token", "of a manager", time.time())
    told = [(c["who"], c["what"], c["subject"], c["before"], c["after"]) for c in own.trail()[:4]]
    assert told == [
        ("command line", "token of a manager: revoked", "token of a manager", "manager", None),
        ("command line (root)", "user anna: revoked", "user anna", "manager", None),
        ("command line (root)", "user anna: role [password set] = manager", "user anna", "attendant", "manager"),
        ("command line", "user anna: role [password set] = attendant", "user anna", "", "attendant"),
    ]


def test_all_trails_are_one_in_the_order_of_time_on_pages_of_any_length(own: Lot) -> None:
    now = time.time() + 10_000_000  # later than what the fixture did
    journal = Journal(own.config.state_dir / "journal.sqlite")
    for n in range(6):
        at = now + 10 * n
        audit = Audit("anna", f"customers: occupied = {n}", "counted", "")
        journal.append([Record(Corrected("customers", n, float(n)), at, audit)], Clock(float(n), EPOCH, 0.0, ""))
        own.app.state.desk.outbox.record("jan", f"alarm duty{n}: tested", at + 3)
        own.book.open(IncidentKind.OTHER, Source.STAFF, who="ewa", at=at + 6, moment={})
    journal.close()
    whole = own.trail()
    times = [change["at"] for change in whole]
    assert times == sorted(times, reverse=True)
    assert [change["who"] for change in whole[:6]] == ["ewa", "jan", "anna", "ewa", "jan", "anna"]
    assert len(whole) == 18 + 4
    for limit in (1, 2, 5, 21, 22):
        assert pages(own, limit) == whole


def test_a_clock_that_was_set_back_and_what_comes_between_two_pages_neither_hide_nor_repeat(own: Lot) -> None:
    outbox: Outbox = own.app.state.desk.outbox
    for n, at in enumerate((100.0, 900.0, 300.0, 300.0, 50.0)):
        outbox.record("jan", f"alarm duty{n}: tested", at)
    own.book.acknowledge(1, "ewa", 350.0)
    whole = {change["what"] for change in own.trail()}
    first = own.api.get("/audit?limit=3", headers=own.as_(Role.VIEWER)).json()
    outbox.record("jan", "alarm late: tested", 2_000_000_000.0)
    seen = [change["what"] for change in first["changes"]]
    following = first["next"]
    while following:
        page = own.api.get(following.removeprefix("/api/v1"), headers=own.as_(Role.VIEWER)).json()
        seen += [change["what"] for change in page["changes"]]
        following = page["next"]
    assert sorted(seen) == sorted(whole)


def pages(own: Lot, limit: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    following = f"/api/v1/audit?limit={limit}"
    while following:
        page = own.api.get(following.removeprefix("/api/v1"), headers=own.as_(Role.VIEWER)).json()
        assert 0 < len(page["changes"]) <= limit
        found += page["changes"]
        following = page["next"]
    return found


@pytest.mark.parametrize("beside", ["", "1.2", "1.2.3.4", "-1.2.3", "a.b.c", "1.2.9999999999999999999"])
def test_what_is_no_page_is_refused(own: Lot, beside: str) -> None:
    answer = own.api.get("/audit", params={"beside": beside}, headers=own.as_(Role.VIEWER))
    assert answer.status_code == 422
    assert "beside" in answer.json()["detail"]


# The files


def test_the_trail_of_a_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_file, "KEPT", 3)
    with PrivateFile(tmp_path / "x.sqlite", "") as file:
        for n in range(5):
            with file.transaction() as db:
                on_record(db, float(n), "anna", f"x: tested [{n}]")
        assert [row["wall"] for row in file.audits(9)] == [4.0, 3.0, 2.0]


def test_what_an_earlier_version_has_on_record_is_taken_over_once(tmp_path: Path) -> None:
    with Book(tmp_path) as book:
        book.open(IncidentKind.SAID_FREE, Source.DRIVER, who="driver", at=1.0, moment={})
        book.acknowledge(1, "anna", 2.0, "seen")
        book.assign(1, "jan", "anna", 3.0)
        book.shut(1, Finding.REFUTED, "jan", 4.0, "no")
        book.reopen(1, "ewa", 5.0)
        told = [(row["who"], row["what"], row["reason"]) for row in book.audits(9)]
    with closing(sqlite3.connect(tmp_path / INCIDENTS)) as db, db:
        db.execute("DROP TABLE audit")
    with closing(sqlite3.connect(tmp_path / WEBHOOKS)) as db, db:
        db.execute(
            "CREATE TABLE trail (n INTEGER PRIMARY KEY, wall REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL)"
        )
        db.execute("INSERT INTO trail (wall, who, what) VALUES (7, 'anna', 'navigation: tested')")
    for _ in range(2):
        with Book(tmp_path) as book:
            assert [(row["who"], row["what"], row["reason"]) for row in book.audits(9)] == told
        with Outbox(tmp_path) as outbox:
            assert outbox.trail() == [(7.0, "anna", "navigation: tested")]
    assert len(told) == 4
