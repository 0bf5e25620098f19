"""What staff do besides the count, in a real browser on a phone and on a desk; and a picture of every page.

Logging in and out, the language, a page that comes back; history with its downloads, who was turned away, why the sign
says that; incidents by the code on the post and by hand; the changes back to the older ones. The count is corrected in
test_staff_tasks.py, reports are dealt with in test_past_pages.py, alarms and webhooks in test_alarms_page.py.
"""

import csv
import dataclasses
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from datetime import time as clock
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import httpx
import pytest
from count_on_air import STUCK, CountOnAir, lot, site_in, wait_until
from phone import Phone
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from web_in_thread import serving
from written_past import WARSAW, write_past

from controller.api.access import SESSION
from controller.api.accounts import Accounts, Role, Who
from controller.api.server import WebConfig, create_app
from controller.link import default_address
from controller.site import AlarmSpec, ApiSpec, Part, WebhookSpec

pytestmark = pytest.mark.browser

DAY = "2026-11-21"
"""A Saturday; the history that is written for these tests ends after it."""
PASSWORD = "correct horse battery"  # noqa: S105  of this test alone
PAGES = {
    "public": "/",
    "login": "/login",
    "report": "/report?sign=entrance",
    "now": "/staff",
    "correct": "/staff/correct",
    "history": f"/staff/history?on={DAY}&span=week",
    "incidents": "/staff/incidents",
    "poster": "/staff/incidents/poster",
    "changes": "/staff/audit",
    "alarms": "/staff/alarms",
}


@dataclass(frozen=True, slots=True)
class Lot:
    """A full lot with a past, a fault, alarms and a webhook; Anna, its manager, and a session of hers."""

    config: WebConfig
    count: CountOnAir
    address: str
    cookie: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, cookies={SESSION: self.cookie}, timeout=10)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lot]:
    folder = tmp_path_factory.mktemp("rounds")
    run_dir, state_dir = folder / "run", folder / "state"
    run_dir.mkdir()
    state_dir.mkdir()
    site = dataclasses.replace(
        site_in(folder),
        api=ApiSpec(port=0, public=get_args(Part)),
        alarms=(AlarmSpec(("full", "drift"), "dyżur", quiet_from=clock(22), quiet_to=clock(6)),),
        webhooks=(WebhookSpec("nawigacja", "https://navigation.invalid/", ("zone.free",)),),
    )
    config = WebConfig(site, default_address(run_dir), run_dir, state_dir, state_dir)
    write_past(state_dir / "journal.sqlite", datetime(2026, 11, 25, 9, tzinfo=WARSAW), 33)
    with CountOnAir(run_dir, state_dir) as count, serving(create_app(config)) as address:
        with Accounts(state_dir) as accounts:
            for name, role in (("anna", Role.MANAGER), ("jan", Role.ATTENDANT)):
                accounts.set_user(name, PASSWORD, role, time.time())
            cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), time.time())
        count.say(lot(0, faults=(STUCK,)))
        count.beat()
        yield Lot(config, count, address, cookie)


@pytest.fixture(params=[390, 1280])
def stranger(running: Lot, browser: webdriver.Chrome, request: pytest.FixtureRequest) -> Iterator[Phone]:
    """A browser in which nobody is logged in."""
    yield Phone(browser, running.address, request.param)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture
def phone(stranger: Phone, running: Lot) -> Phone:
    """A browser in which Anna is logged in."""
    stranger.browser.get(f"{running.address}/login")
    stranger.browser.add_cookie({"name": SESSION, "value": running.cookie})
    return stranger


def test_anna_logs_in_reads_it_in_english_and_logs_out(stranger: Phone) -> None:
    stranger.browser.get(f"{stranger.address}/staff/incidents?lang=pl")
    stranger.wait("h1", "Logowanie")
    stranger.find("input[name=name]").send_keys("anna")
    stranger.find("input[name=password]").send_keys("guess", Keys.ENTER)
    stranger.wait("[role=alert]:not([hidden])", "hasło")
    stranger.find("input[name=password]").send_keys(PASSWORD, Keys.ENTER)
    stranger.wait("h1", "Zgłoszenia")  # where she wanted to
    stranger.press("a[hreflang=en]")
    stranger.wait("h1", "Incidents")
    assert stranger.text("html[lang=en] .who .link") == "Log out"
    stranger.press("a[hreflang=pl]")
    stranger.wait("h1", "Zgłoszenia")
    assert stranger.fits()
    stranger.press(".who button")
    wait_until(lambda: not stranger.browser.find_elements(By.CSS_SELECTOR, ".who"))
    stranger.browser.get(f"{stranger.address}/staff?lang=pl")
    stranger.wait("h1", "Logowanie")


def test_a_page_says_when_it_is_not_live_and_comes_back(stranger: Phone, running: Lot) -> None:
    app = create_app(running.config)
    with serving(app) as address:
        stranger.address = address
        stranger.browser.get(f"{address}/login")
        stranger.browser.add_cookie({"name": SESSION, "value": running.cookie})
        stranger.open("/staff")
        stranger.wait("article[data-zone=customers] [data-field=free]", "0")
    stranger.wait(".badge", "nie na żywo")
    wait_until(lambda: stranger.find("[data-live-why]").is_displayed())
    stranger.wait("article[data-zone=customers] [data-field=free]", "\N{EN DASH}")
    stranger.keep("not-live")
    assert stranger.fits()
    with serving(create_app(running.config), int(address.rpartition(":")[2])):
        wait_until(lambda: stranger.text(".badge") == "na żywo", 30)
        stranger.wait("article[data-zone=customers] [data-field=free]", "0")


@pytest.mark.parametrize("span", ["day", "week", "month"])
def test_history_is_looked_at_and_taken_along(phone: Phone, tmp_path: Path, span: str) -> None:
    allow = {"behavior": "allow", "downloadPath": str(tmp_path)}
    phone.browser.execute_cdp_cmd("Browser.setDownloadBehavior", allow)
    phone.browser.get(f"{phone.address}/staff/history?lang=pl&on={DAY}")
    Select(phone.find("select[name=span]")).select_by_value(span)
    phone.press(".choose button")
    wait_until(lambda: f"span={span}" in phone.browser.current_url and phone.text("h1").startswith("Historia"))
    assert phone.fits()
    entries = int(phone.text(".tiles .tile:nth-child(3) dd").split(" / ")[0])
    assert entries > 50
    turned = phone.text("section[aria-labelledby=turned] p")
    assert "zawróci" in turned.lower(), turned
    assert phone.find("section[aria-labelledby=turned] img").get_attribute("alt") == turned

    tables = [one.get_attribute("data-files") for one in phone.browser.find_elements(By.CSS_SELECTOR, "[data-files]")]
    steps = "hours" if span == "day" else "days"
    assert {"levels", steps, "bays", "lanes"} <= set(tables)
    for table in (steps, "bays"):
        for link in phone.browser.find_elements(By.CSS_SELECTOR, f"[data-files={table}] a"):
            link.send_keys(Keys.ENTER)
    first = {"day": DAY, "week": "2026-11-16", "month": "2026-11-01"}[span]
    names = {f"{table}-customers-{span}-{first}.{kind}" for table in (steps, "bays") for kind in ("csv", "xlsx")}
    wait_until(lambda: {file.name for file in tmp_path.iterdir()} == names, 20)
    for table, columns in ((steps, ("entries", "Wjazdy")), ("bays", ("arrivals", None))):
        with (tmp_path / f"{table}-customers-{span}-{first}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        cells = spreadsheet(tmp_path / f"{table}-customers-{span}-{first}.xlsx")
        assert len(cells) == len(rows) + 1
        assert columns[0] in rows[0]
        if columns[1]:
            assert cells[0][1] == columns[1]
            assert sum(int(row[columns[0]]) for row in rows) == entries == sum(int(row[1]) for row in cells[1:])


def spreadsheet(path: Path) -> list[list[str]]:
    """Read the only sheet of a spreadsheet: its rows of cells, of which none is left out in the first two columns."""
    main = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None
        assert [name for name in book.namelist() if "worksheets/" in name] == ["xl/worksheets/sheet1.xml"]
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314  our own
        strings = ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314
    texts = ["".join(one.itertext()) for one in strings.findall("m:si", main)]
    rows = []
    for row in sheet.findall("m:sheetData/m:row", main):
        cells = [(cell.get("t"), cell.findtext("m:v", "", main)) for cell in row.findall("m:c", main)]
        rows.append([texts[int(value)] if kind == "s" else value for kind, value in cells])
    return rows


def test_the_code_on_the_post_opens_the_form_and_staff_log_what_they_see(phone: Phone, running: Lot) -> None:
    phone.open("/staff/incidents/poster")
    _, _, address = (phone.find(".qr").get_attribute("aria-label") or "").partition(": ")
    assert phone.fits()
    phone.browser.get(f"{address}&lang=pl")
    phone.wait("h1", "Czy tablica mówi prawdę?")
    phone.find("input[value=said_full]").click()
    phone.find("input[name=note]").send_keys("dwa wolne przy wejściu")
    phone.press("main form button")
    phone.wait("main", "Dziękujemy")
    phone.keep("report-thanks")

    phone.open("/staff/incidents")
    phone.wait(".incident", "dwa wolne przy wejściu")
    if not phone.find("select[name=kind]").is_displayed():
        phone.find("main > details summary").send_keys(Keys.ENTER)
    Select(phone.find("select[name=kind]")).select_by_value("damage")
    Select(phone.find("main > details select[name=zone]")).select_by_visible_text("customers")
    phone.find("main > details input[name=note]").send_keys("rozbita lampa")
    assert phone.text("main > details summary") == "Zapisz zgłoszenie"
    phone.press("main > details button")
    phone.wait(".incident", "rozbita lampa")
    phone.keep("logged")
    assert phone.fits()
    with running.client() as client:
        found = client.get("/api/v1/incidents?limit=2").json()["incidents"]
    assert [(one["kind"], one["source"], one["zone"]) for one in found] == [
        ("damage", "staff", "customers"),
        ("said_full", "driver", "customers"),
    ]


def test_the_changes_go_back_to_the_older_ones(phone: Phone, running: Lot) -> None:
    with running.client() as client:
        csrf = client.get("/staff/audit").text.partition('"csrf": "')[2].partition('"')[0]
        client.headers["X-CSRF-Token"] = csrf
        logged = client.post("/api/v1/incidents", json={"kind": "other", "note": "najstarsze"}).raise_for_status()
        number = logged.json()["id"]
        for turn in range(52):
            body = {"to": "jan" if turn % 2 else "anna"}
            client.post(f"/api/v1/incidents/{number}/assignment", json=body).raise_for_status()
    phone.open("/staff/audit")
    wait_until(lambda: len(phone.browser.find_elements(By.CSS_SELECTOR, "#changes li")) == 50)
    assert "anna" in phone.text("#changes li")
    assert "najstarsze" not in phone.text("#changes")
    assert phone.text("#older") == "Starsze"
    phone.press("#older")
    phone.wait("#changes", "najstarsze")
    assert phone.fits()


def test_why_the_sign_says_that_is_told_in_words(phone: Phone) -> None:
    phone.open("/staff")
    phone.wait("[data-chain]", "Tablica pokazuje „brak wolnych miejsc”")
    said = phone.text("[data-chain]")
    assert "Pas main: wyjazd" in said
    assert "None" not in said
    phone.keep_whole("why", ".chain-card")
    phone.browser.get(f"{phone.address}/staff/history?lang=pl&on={DAY}&span=week")
    phone.keep_whole("turned-away", "section[aria-labelledby=turned]")


def test_every_page_has_its_picture(phone: Phone) -> None:
    for name, path in PAGES.items():
        phone.browser.get(f"{phone.address}{path}{'&' if '?' in path else '?'}lang=pl")
        if name not in {"login", "report"}:
            phone.wait(".badge", "na żywo")
        if name == "changes":
            phone.wait("#changes", "anna")
        if name == "alarms":
            phone.wait("[data-webhook] [data-field=target]", "https")
        phone.keep_whole(name)
        assert phone.fits(), name
