"""What drivers report and staff log: kept with the lot's state, and dealt with step by step by those who may."""

import re
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from count_on_air import STUCK, CountOnAir, lot, wait_until
from starlette.requests import Request
from written_past import WARSAW, write_past

from controller.api.access import SESSION
from controller.api.accounts import Accounts, Role, Who
from controller.api.alarms.rules import Alarm
from controller.api.alarms.words import said
from controller.api.incidents import book as books
from controller.api.incidents.book import (
    FILE_NAME,
    Book,
    Finding,
    IncidentKind,
    IncidentStatus,
    NoIncidentError,
    NotNowError,
    Source,
    plain_note,
)
from controller.api.incidents.desk import IN_ALL, PER_PLACE, place_of
from controller.api.server import WebConfig
from controller.api.words import Language

INCIDENTS = "/api/v1/incidents"
FEEDBACK = "/api/v1/feedback"
NOW = 1_795_000_000.0
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("", {"kind": "damage", "zone": "customers", "note": "broken"}),
    ("/1/acknowledgement", {"note": "on my way"}),
    ("/1/assignment", {"to": "jan"}),
    ("/1/closing", {"finding": "confirmed", "note": "mended"}),
    ("/1/reopening", {"note": "not yet"}),
]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with closing(Book(tmp_path / "web")) as book:
        yield book


@pytest.fixture
def live(count: CountOnAir, api: httpx.Client) -> CountOnAir:
    count.say(lot(0, faults=(STUCK,)))
    count.beat()
    wait_until(lambda: api.get("/api/v1/status").json()["live"])
    return count


def tokens(config: WebConfig) -> dict[str, dict[str, str]]:
    """Make a user ``jan``, and a token for each role."""
    with Accounts(config.token_dir) as accounts:
        accounts.set_user("jan", "correct horse", Role.ATTENDANT, time.time())
        accounts.set_user("ola", "correct horse", Role.VIEWER, time.time())
        made = {role.value: accounts.make_token(role.value, role, time.time()) for role in Role}
    return {name: {"Authorization": f"Bearer {token}"} for name, token in made.items()}


def told(book: Book, kind: IncidentKind = IncidentKind.SAID_FREE, **more: Any) -> int:
    return book.open(kind, Source.DRIVER, who="driver", at=NOW, moment={"live": False}, **more).id


# The book


def test_an_incident_goes_its_way_and_every_step_says_who(book: Book) -> None:
    number = told(book, zone="customers", sign="entrance", note="x")
    book.acknowledge(number, "anna", NOW + 1)
    book.assign(number, "jan", "anna", NOW + 2, "please")
    book.shut(number, Finding.CONFIRMED, "jan", NOW + 3)
    book.reopen(number, "anna", NOW + 4)
    one, steps = book.one(number)
    assert (one.status, one.assignee, one.finding) == (IncidentStatus.ACKNOWLEDGED, "jan", None)
    assert [(s.who, s.what, s.detail, s.note) for s in steps] == [
        ("driver", "opened", "", ""),
        ("anna", "acknowledged", "", ""),
        ("anna", "assigned", "jan", "please"),
        ("jan", "closed", "confirmed", ""),
        ("anna", "reopened", "", ""),
    ]


def test_what_does_not_fit_its_state_is_refused_and_changes_nothing(book: Book) -> None:
    number = told(book)
    with pytest.raises(NotNowError, match="not closed"):
        book.reopen(number, "anna", NOW)
    book.acknowledge(number, "anna", NOW)
    with pytest.raises(NotNowError, match="acknowledged already"):
        book.acknowledge(number, "jan", NOW)
    book.shut(number, Finding.UNCLEAR, "anna", NOW)
    with pytest.raises(NotNowError, match="closed already"):
        book.shut(number, Finding.CONFIRMED, "jan", NOW)
    with pytest.raises(NotNowError, match="open it again"):
        book.assign(number, "jan", "jan", NOW)
    with pytest.raises(NoIncidentError, match="7"):
        book.acknowledge(7, "jan", NOW)
    one, steps = book.one(number)
    assert (one.finding, len(steps)) == (Finding.UNCLEAR, 3)


def test_a_step_that_cannot_be_written_takes_its_change_back(book: Book) -> None:
    number = told(book)
    with pytest.raises(UnicodeEncodeError):
        book.shut(number, Finding.CONFIRMED, "\ud800", NOW)
    one, steps = book.one(number)
    assert (one.status, len(steps)) == (IncidentStatus.NEW, 1)


def test_the_file_is_its_owners_alone_and_survives_a_restart(book: Book) -> None:
    number = told(book, note="x")
    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600
    book.close()
    with closing(Book(book.path.parent)) as again:
        assert again.one(number)[0].note == "x"
        assert [one.id for one in again.unseen()] == [number]


def test_the_oldest_goes_a_closed_one_first(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "KEPT", 3)
    numbers = [told(book) for _ in range(3)]
    book.shut(numbers[1], Finding.UNCLEAR, "anna", NOW)
    assert [one.id for one in book.last(10)] == [3, 2, 1]
    told(book)
    assert [one.id for one in book.last(10)] == [4, 3, 1]
    told(book)
    assert [one.id for one in book.last(10)] == [5, 4, 3]
    with pytest.raises(NoIncidentError):
        book.one(1)


def test_a_file_that_can_not_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(OSError, match=FILE_NAME):
        Book(tmp_path)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("the barrier is up", "the barrier is up"),
        ("call 600 700 800 please", "call … please"),
        ("car WX 12345", "car WX …"),
        ("WA1234X took my place", "… took my place"),
        ("jan@example.org", "…"),
        ("+48 600-700-800", "…"),
        ("row 12, bay 7", "row 12, bay 7"),
        ("KR 4CN62 blokuje wjazd", "… blokuje wjazd"),
        ("WX 12AC", "…"),
        ("xyz 1A23 i XYZ AC12", "… i …"),
        ("bay B2, row 7A", "bay B2, row 7A"),
        ("two\nlines\tand\x00more", "two lines and more"),
        ("x" * 500, "x" * 200),
    ],
)
def test_of_a_note_nothing_is_kept_that_tells_who(written: str, kept: str) -> None:
    assert plain_note(written) == kept


# Over HTTP


def test_a_driver_reports_without_a_credential_and_the_lots_state_is_kept(
    live: CountOnAir,  # noqa: ARG001  it speaks
    api: httpx.Client,
    config: WebConfig,
) -> None:
    answer = api.post(FEEDBACK, json={"kind": "said_free", "note": "tel. 600 700 800"})
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    (one,) = api.get(INCIDENTS, headers=tokens(config)["viewer"]).json()["incidents"]
    assert (one["kind"], one["source"], one["zone"], one["sign"]) == ("said_free", "driver", "customers", "entrance")
    assert one["note"] == "tel. …"
    moment = one["moment"]
    assert moment["live"] is True
    assert moment["sign"] == {"name": "entrance", "text": "brak wolnych miejsc", "lit": True}
    assert (moment["zones"][0]["free"], moment["zones"][0]["status"]) == (0, "FULL")
    assert moment["faults"] == [{"subject": "main.outer", "kind": "stuck"}]
    with sqlite3.connect(config.token_dir / FILE_NAME) as db:
        assert "127.0.0.1" not in "".join(map(str, db.execute("SELECT * FROM incident, step").fetchall()))
    db.close()


def test_a_report_while_nothing_is_known_says_so(api: httpx.Client, config: WebConfig) -> None:
    assert api.post(FEEDBACK, json={"kind": "barrier", "sign": "entrance"}).status_code == 200
    (one,) = api.get(INCIDENTS, headers=tokens(config)["viewer"]).json()["incidents"]
    assert one["moment"]["live"] is False
    assert one["moment"]["zones"][0]["free"] is None
    assert one["moment"]["sign"]["lit"] is False


def test_reports_are_limited_from_a_place_and_in_all(api: httpx.Client) -> None:
    def report(place: str) -> httpx.Response:
        return api.post(FEEDBACK, json={"kind": "other"}, headers={"X-Forwarded-For": place})

    assert [report("10.0.0.1").status_code for _ in range(PER_PLACE + 1)] == [200] * PER_PLACE + [429]
    assert int(report("10.0.0.1").headers["retry-after"]) > 0
    others = IN_ALL - PER_PLACE
    assert [report(f"10.0.1.{n}").status_code for n in range(others + 1)] == [200] * others + [429]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "damage"}, 422),
        ({"kind": "rain"}, 422),
        ({"kind": "other", "sign": "nowhere"}, 404),
        ({"kind": "other", "note": "x" * 201}, 422),
        ({"kind": "other", "phone": "1"}, 422),
    ],
)
def test_a_report_that_is_none_is_refused(api: httpx.Client, body: dict[str, str], status: int) -> None:
    answer = api.post(FEEDBACK, json=body)
    assert (answer.status_code, bool(answer.json()["mend"])) == (status, True)


def test_another_sites_page_cannot_report(api: httpx.Client) -> None:
    for path, sent in ((FEEDBACK, {"json": {"kind": "other"}}), ("/report", {"data": {"kind": "other"}})):
        assert api.post(path, headers={"Sec-Fetch-Site": "cross-site"}, **sent).status_code == 403  # type: ignore[arg-type]


@pytest.mark.parametrize("role", [None, *Role])
def test_every_step_by_every_role(api: httpx.Client, config: WebConfig, role: Role | None) -> None:
    known = tokens(config)
    headers = known[role.value] if role else {}
    may = role is not None and role.covers(Role.ATTENDANT)
    for path, body in STEPS:
        answer = api.post(f"{INCIDENTS}{path}", json=body, headers=headers)
        assert answer.status_code == (200 if may else 403 if role else 401)
    assert (
        api.post(f"{INCIDENTS}/1/closing", json=STEPS[3][1], headers={"Authorization": "Bearer x"}).status_code == 401
    )
    for path in (INCIDENTS, f"{INCIDENTS}/1"):
        assert api.get(path, headers=headers).status_code in ({200} if may else {200, 404} if role else {401})
    if may:
        steps = api.get(f"{INCIDENTS}/1", headers=headers).json()["steps"]
        assert [(s["what"], s["who"]) for s in steps] == [
            (what, f"token {role}") for what in ("opened", "acknowledged", "assigned", "closed", "reopened")
        ]


def test_what_cannot_be_done_is_said_with_a_mend(api: httpx.Client, config: WebConfig) -> None:
    api.headers.update(tokens(config)["attendant"])
    number = api.post(INCIDENTS, json=STEPS[0][1]).json()["id"]
    wrong: list[tuple[str, dict[str, Any], int]] = [
        (f"/{number}/reopening", {}, 409),
        ("/99/closing", {"finding": "unclear"}, 404),
        (f"/{number}/assignment", {"to": "ola"}, 422),  # a viewer may not
        (f"/{number}/assignment", {"to": "nobody"}, 422),
        ("", {"kind": "damage", "zone": "nowhere"}, 404),
    ]
    for path, body, status in wrong:
        answer = api.post(f"{INCIDENTS}{path}", json=body)
        assert (answer.status_code, bool(answer.json()["mend"])) == (status, True), path
    assert len(api.get(f"{INCIDENTS}/{number}").json()["steps"]) == 1


def test_incidents_come_newest_first_in_pages_open_or_closed(api: httpx.Client, config: WebConfig) -> None:
    api.headers.update(tokens(config)["attendant"])
    numbers = [api.post(INCIDENTS, json=STEPS[0][1]).json()["id"] for _ in range(5)]
    api.post(f"{INCIDENTS}/{numbers[2]}/closing", json={"finding": "unclear"})
    found, following = [], f"{INCIDENTS}?limit=2&closed=false"
    while following:
        page = api.get(following).json()
        found += [one["id"] for one in page["incidents"]]
        following = page["next"]
    assert found == [n for n in reversed(numbers) if n != numbers[2]]
    assert [one["id"] for one in api.get(f"{INCIDENTS}?closed=true").json()["incidents"]] == [numbers[2]]


def test_feedback_is_in_the_accuracy_report(count: CountOnAir, api: httpx.Client, config: WebConfig) -> None:
    write_past(config.state_dir / "journal.sqlite", datetime.now(WARSAW), 1)
    api.headers.update(tokens(config)["attendant"])
    api.post(FEEDBACK, json={"kind": "said_free"})  # while no number is known: neither as the count nor not
    count.say(lot(12))
    count.beat()
    wait_until(lambda: api.get("/api/v1/status").json()["zones"][0]["free"] == 12)
    api.post(FEEDBACK, json={"kind": "said_free"})
    api.post(FEEDBACK, json={"kind": "said_full"})
    assert api.post(INCIDENTS, json={"kind": "said_free", "zone": "customers"}).status_code == 200  # staff's is none
    api.post(f"{INCIDENTS}/1/closing", json={"finding": "confirmed"})
    customers, staff = api.get("/api/v1/history/accuracy?span=day").json()["zones"]
    assert customers["reports"]["said_free"] == {
        "confirmed": 1,
        "refuted": 0,
        "unclear": 0,
        "open": 1,
        "agreed": 0,
        "disagreed": 1,
    }
    assert customers["reports"]["said_full"]["agreed"] == 1
    sheet = api.get("/api/v1/history/table.csv?zone=customers&span=day&table=reports").text.splitlines()
    assert sheet[1:] == ["customers,said_free,0,1,1,0,0,1", "customers,said_full,1,0,0,0,0,1"]
    assert staff["reports"] == {}


def test_what_nobody_has_seen_is_worth_an_alarm(api: httpx.Client, config: WebConfig, app: Any) -> None:
    api.headers.update(tokens(config)["attendant"])
    desk = app.state.incidents
    api.post(FEEDBACK, json={"kind": "said_full"})
    api.post(INCIDENTS, json=STEPS[0][1])
    assert [(a.kind, a.about, a.detail) for a in desk.unheeded()] == [("feedback", "said_full", "entrance, #1")]
    api.post(f"{INCIDENTS}/1/acknowledgement", json={})
    assert desk.unheeded() == []


@pytest.mark.parametrize(("language", "title"), [("pl", "brak miejsc, a były wolne"), ("en", "said full, and spaces")])
def test_the_alarm_says_it_in_its_readers_words(language: Language, title: str) -> None:
    told, text = said(Alarm("feedback", "said_full", "entrance, #1"), "P1", language)
    assert title in told
    assert "entrance, #1" in text


# The pages, without a script


def csrf_in(text: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', text)
    assert found
    return found[1]


def test_the_drivers_form_needs_no_script_nor_login(api: httpx.Client, config: WebConfig) -> None:
    page = api.get("/report?sign=entrance").text
    assert "<script" not in page
    assert len(page) < 6000, "it is tiny"
    assert page.count('type="radio"') == 4
    assert "Zaznacz" in api.post("/report?sign=entrance", data={"note": "x"}).text
    thanks = api.post("/report?sign=entrance", data={"kind": "said_full", "note": "600700800"})
    assert "Dziękujemy" in thanks.text
    for _ in range(PER_PLACE):
        last = api.post("/report?sign=entrance&lang=en", data={"kind": "said_full"})
    assert last.status_code == 429
    assert "Too many" in last.text
    (one, *_) = api.get(INCIDENTS, headers=tokens(config)["viewer"]).json()["incidents"][::-1]
    assert (one["kind"], one["sign"], one["note"]) == ("said_full", "entrance", "…")


def test_staff_deal_with_it_by_forms(staff: httpx.Client) -> None:
    staff.post(FEEDBACK, json={"kind": "said_free"})
    secret = csrf_in(staff.get("/staff/incidents").text)
    path = "/staff/incidents/1"
    assert staff.post(path, data={"do": "acknowledge"}).status_code == 403
    assert staff.post(path, data={"do": "acknowledge", "csrf": "0" * 64}).status_code == 403
    for fields in ({"do": "acknowledge"}, {"do": "assign", "to": "anna"}, {"do": "close", "finding": "refuted"}):
        assert staff.post(path, data={**fields, "csrf": secret}).status_code == 303
    again = staff.post(path, data={"do": "close", "csrf": secret})
    assert "trouble=not_now" in again.headers["location"]
    assert "ktoś zmienił" in staff.get(again.headers["location"]).text
    assert "trouble=bad" in staff.post(path, data={"do": "eat", "csrf": secret}).headers["location"]
    closed = staff.get("/staff/incidents?closed=1").text
    assert "to nieprawda" in closed
    assert "anna" in closed
    logged = staff.post("/staff/incidents", data={"csrf": secret, "kind": "damage", "zone": "", "note": "<b>lamp</b>"})
    assert logged.status_code == 303
    assert "&lt;b&gt;lamp&lt;/b&gt;" in staff.get("/staff/incidents").text


def test_a_viewer_sees_and_cannot_deal(config: WebConfig, api: httpx.Client) -> None:
    with Accounts(config.token_dir) as accounts:
        accounts.set_user("ola", "correct horse", Role.VIEWER, time.time())
        cookie = accounts.begin_session(Who("ola", Role.VIEWER, "user"), time.time())
    api.post(FEEDBACK, json={"kind": "said_free"})
    assert api.get("/staff/incidents").status_code == 303
    assert api.post("/staff/incidents/1", data={"do": "acknowledge"}).status_code == 401
    api.cookies.set(SESSION, cookie)
    page = api.get("/staff/incidents").text
    assert "Tablica pokazywała wolne" in page
    assert 'name="do"' not in page
    secret = csrf_in(page)
    assert api.post("/staff/incidents/1", data={"do": "acknowledge", "csrf": secret}).status_code == 403
    assert api.post("/staff/incidents", data={"kind": "other", "csrf": secret}).status_code == 403


def test_the_poster_has_a_code_for_each_sign_and_says_when_its_address_is_no_good(staff: httpx.Client) -> None:
    page = staff.get("/staff/incidents/poster").text
    assert "<svg" in page
    assert "/report?sign=entrance" in page
    assert "działa tylko na tym komputerze" in page


# What may go wrong


def test_a_page_in_a_form_of_ours_is_no_other_site(api: httpx.Client) -> None:
    asked = {"Host": "192.168.1.20:8080", "Origin": "http://192.168.1.20:8080"}
    answer = api.post("/report", data={"kind": "barrier"}, headers=asked)
    assert answer.status_code == 200
    assert api.get("/report").headers["referrer-policy"] == "same-origin", "with no-referrer the Origin would be null"
    assert api.post("/report", data={"kind": "barrier"}, headers={**asked, "Origin": "null"}).status_code == 403


@pytest.mark.parametrize("path", ["/report", "/login", "/logout"])
def test_a_form_with_more_fields_than_any_of_ours_is_empty(api: httpx.Client, path: str) -> None:
    answer = api.post(path, content="&".join(f"a{n}=1" for n in range(21)))
    assert answer.status_code < 500


def test_an_address_that_no_qr_code_holds_is_refused_and_only_staff_get_one(
    api: httpx.Client, config: WebConfig
) -> None:
    long = {"Host": "a" * 3000}
    assert api.get("/staff/incidents/poster", headers=long).status_code in {302, 303, 307, 401}
    with Accounts(config.token_dir) as accounts:
        accounts.set_user("anna", "correct horse", Role.MANAGER, time.time())
        cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), time.time())
    answer = api.get("/staff/incidents/poster", headers={**long, "Cookie": f"{SESSION}={cookie}"})
    assert answer.status_code == 422
    assert "public_url" in answer.text
    answer = api.post("/staff/incidents/9223372036854775808", headers={"Cookie": f"{SESSION}={cookie}"})
    assert answer.status_code == 422


def test_a_damaged_book_is_set_aside_and_a_new_one_begins(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all" * 100)
    book = Book(tmp_path)
    assert book.last(10) == []
    assert (tmp_path / FILE_NAME).with_suffix(".damaged").read_bytes().startswith(b"no database")
    book.close()


def test_drivers_cannot_push_out_what_staff_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.api.incidents.book.KEPT", 3)
    book = Book(tmp_path)
    ours = book.open(IncidentKind.DAMAGE, Source.STAFF, who="jan", at=0.0, moment={})
    book.shut(ours.id, Finding.CONFIRMED, "jan", 1.0)
    for at in range(2, 12):
        book.open(IncidentKind.OTHER, Source.DRIVER, who="driver", at=float(at), moment={})
    assert ours.id in {one.id for one in book.last(10)}
    assert len(book.last(10)) == 3
    book.close()


@pytest.mark.parametrize(
    ("host", "place"), [("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("192.0.2.7", "192.0.2.7"), ("", "")]
)
def test_of_an_ipv6_address_the_network_counts(host: str, place: str) -> None:
    assert place_of(Request({"type": "http", "client": (host, 1)})) == place
