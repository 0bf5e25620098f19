"""Every task of staff, in a real browser against the real count and sign processes, on a phone and on a desk.

The rest of them is in test_staff_rounds.py. Pictures of each step are kept in build/screenshots.
"""

import dataclasses
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from count_on_air import wait_until
from fixtures_site import Product, drive_in
from phone import Phone
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from web_in_thread import serving

from controller.api.access import SESSION
from controller.api.accounts import Accounts, Role, Who
from controller.api.server import WebConfig, create_app
from controller.journal import open_reader
from controller.link import default_address
from controller.site import ApiSpec, load

pytestmark = pytest.mark.browser

SITE = """
[lot]
name = "Parking dla klientów"

[[zone]]
name = "klienci"
capacity = 40
initial_occupied = 28

[[zone]]
name = "rodzinne"
capacity = 2

[[lane]]
name = "brama"
zone = "klienci"
outer = { gpio = 17 }
inner = { gpio = 27 }

[[bay]]
name = "A1"
zone = "rodzinne"
mqtt = "bays/A1"

[[bay]]
name = "A2"
zone = "rodzinne"
mqtt = "bays/A2"

[[sign]]
name = "wjazd"
zone = "klienci"
driver = "emulator"
width = 64
height = 16

[gpio]
pin_factory = "mock"
"""


class StaffPhone(Phone):
    """A phone at a lot whose pins can be driven."""

    def __init__(self, browser: webdriver.Chrome, address: str, width: int, product: Product) -> None:
        super().__init__(browser, address, width)
        self.product = product


@pytest.fixture(params=[390, 1280])
def phone(product: Product, browser: webdriver.Chrome, request: pytest.FixtureRequest) -> Iterator[StaffPhone]:
    product.site.write_text(SITE, "utf-8")
    product.start_count()
    product.start("sign")
    site = dataclasses.replace(load(product.site), api=ApiSpec(port=0))
    config = WebConfig(
        site=site,
        link_address=default_address(product.run_dir),
        run_dir=product.run_dir,
        state_dir=product.state_dir,
        token_dir=product.state_dir / "web",
    )
    with serving(create_app(config)) as address:
        with Accounts(config.token_dir) as accounts:
            accounts.set_user("anna", "correct horse", Role.MANAGER, time.time())
            cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), time.time())
        browser.get(f"{address}/login")
        browser.add_cookie({"name": SESSION, "value": cookie})
        yield StaffPhone(browser, address, request.param, product)


def audit(journal: Path) -> list[tuple[str, str, str]]:
    with closing(open_reader(journal)) as db:
        try:
            return db.execute("SELECT who, what, reason FROM audit ORDER BY id").fetchall()
        except sqlite3.Error as error:
            raise AssertionError(journal) from error


def test_the_count_is_put_right_in_every_way_and_taken_back(phone: StaffPhone) -> None:
    phone.open("/staff/correct")
    phone.wait("#now-inside", "28")
    assert phone.fits()

    phone.press("[data-change='5']")
    wait_until(lambda: phone.find("#ask").is_displayed())
    assert (phone.text("#ask-before"), phone.text("#ask-after")) == ("28", "33")
    phone.keep("adjust")
    phone.find("#ask-do").click()
    assert phone.find("#ask").is_displayed()  # not without a reason
    phone.confirm("wjazd bez naliczenia")
    phone.wait("#now-inside", "33")
    phone.wait("#outcome-text", "Było: 28, jest: 33.")

    phone.press("#outcome-undo")
    phone.confirm("pomyłka")
    phone.wait("#now-inside", "28")
    assert not phone.find("#undo").is_displayed()

    phone.find("#set-form input").send_keys("31", Keys.ENTER)
    phone.confirm("policzone")
    phone.wait("#now-inside", "31")
    phone.keep("corrected")
    phone.press("#undo")
    phone.confirm("pomyłka")
    phone.wait("#now-inside", "28")

    rows = audit(phone.product.state_dir / "journal.sqlite")
    assert {who for who, _, _ in rows} == {"anna"}
    assert [what.partition(": ")[2].partition(" [")[0].partition(" =")[0] for _, what, _ in rows] == [
        "adjusted",
        "undone",
        "occupied",
        "undone",
    ]
    phone.open("/staff/audit")
    phone.wait("#changes", "wpisana liczba pojazdów")
    first, *_, last, _her_account = phone.browser.find_elements(By.CSS_SELECTOR, "#changes li")
    assert "cofnięta poprawka" in first.text
    assert "Było: 31, jest: 28." in first.text
    assert "anna" in last.text
    assert "Było: 28, jest: 33." in last.text
    assert "wjazd bez naliczenia" in last.text
    phone.keep("audit")
    assert phone.fits()


def test_a_walk_reckons_with_what_passes_and_a_closed_zone_says_so(phone: StaffPhone) -> None:
    phone.open("/staff/correct")
    phone.wait("#now-inside", "28")
    phone.press("#recount-begin")
    phone.confirm("okresowe liczenie")
    phone.wait("#recount-now", "wjechało 0, wyjechało 0")
    with phone.product.pins() as pins:
        drive_in(pins)
    phone.wait("#recount-now", "wjechało 1, wyjechało 0")
    phone.keep("recount")
    phone.open("/staff")
    phone.wait("#fault-list", "trwa liczenie")
    phone.open("/staff/correct")
    phone.wait("#recount-now", "Na początku w środku: 28")
    phone.find("#recount-form input").send_keys("20", Keys.ENTER)
    phone.confirm("okresowe liczenie")
    wait_until(
        lambda: phone.text("#now-inside") in {"20", "21"}
    )  # whether she saw the one that came is a matter of luck
    phone.wait("#outcome-text", "Było: 29, jest: 2")
    assert not phone.find("#recount-running").is_displayed()

    phone.press("#recount-begin")
    phone.confirm("okresowe liczenie")
    phone.press("#recount-give-up")
    phone.confirm("pomyłka")
    wait_until(lambda: not phone.find("#recount-running").is_displayed())

    phone.press("#closure")
    wait_until(lambda: phone.find("#ask").is_displayed())
    phone.keep("close")
    phone.find("#ask-cancel").click()
    assert phone.text("#closure-now") == "otwarte"
    phone.press("#closure")
    phone.confirm("odśnieżanie")
    phone.wait("#closure-now", "zamknięte")
    wait_until(lambda: phone.find("canvas.sign").get_attribute("data-text") == "nieczynne")
    phone.press("#outcome-undo")
    phone.confirm("koniec prac")
    phone.wait("#closure-now", "otwarte")
    phone.open("/staff/audit")
    phone.wait("#changes", "początek liczenia")
    assert "Było: zamknięte, jest: otwarte." in phone.find("#changes li").text
    assert "naliczono 20, w tym czasie wjazdy 1, wyjazdy 0" in phone.text("#changes")


def test_a_bay_is_taken_out_of_service_and_a_sign_says_what_staff_want(phone: StaffPhone) -> None:
    phone.open("/staff/correct")
    phone.press("[data-service=A2]")
    phone.confirm("prace remontowe")
    phone.wait("[data-service=A2]", "wyłączone")
    phone.open("/staff")
    phone.wait("[data-bay=A2]", "wyłączone")
    phone.wait("article[data-zone=rodzinne]", "Wyłączonych miejsc: 1.")

    phone.open("/staff/correct")
    words = phone.find("[data-sign-form] input[name=text]")
    words.send_keys("Wjazd od ulicy Lipowej przez bramę C")
    phone.wait("[data-fault-text]", "Skróć tekst")
    assert not phone.find("img[data-preview]").is_displayed()
    words.clear()
    words.send_keys("Wjazd B")
    wait_until(
        lambda: phone.browser.execute_script("return document.querySelector('[data-preview]').naturalWidth") == 512
    )
    assert phone.text("[data-fault-text]") == ""
    Select(phone.find("select[name=minutes]")).select_by_value("60")
    phone.keep("message")
    phone.press("[data-sign-form] button[type=submit]")
    phone.confirm("objazd")
    wait_until(lambda: phone.find("canvas.sign").get_attribute("data-text") == "Wjazd B")
    phone.wait("[data-standing]", "Wjazd B")
    phone.open("/staff")
    phone.wait("[data-chain]", "Tablica pokazuje „Wjazd B”. Tablica pokazuje komunikat obsługi")
    phone.wait("[data-chain]", "Obsługa dała na tablicę wjazd na 60 min: „Wjazd B”.")
    phone.keep("now-message")

    phone.open("/staff/correct")
    phone.press("[data-take-off]")
    phone.confirm("koniec objazdu")
    wait_until(lambda: phone.find("canvas.sign").get_attribute("data-text") == "12")
    phone.press("#outcome-undo")
    phone.confirm("pomyłka")
    wait_until(lambda: phone.find("canvas.sign").get_attribute("data-text") == "Wjazd B")
    phone.press("#outcome-undo")
    phone.confirm("pomyłka")
    wait_until(lambda: phone.find("canvas.sign").get_attribute("data-text") == "12")
    phone.press("[data-test]")
    phone.confirm("przegląd")
    wait_until(lambda: phone.find("canvas.sign").get_attribute("data-text") == "TEST")
    phone.keep("sign-test")
    assert phone.fits()
    assert audit(phone.product.state_dir / "journal.sqlite") == [
        ("anna", "A2: out of service = True", "prace remontowe"),
        ("anna", "wjazd: message = Wjazd B, for 3600 s", "objazd"),
        ("anna", "wjazd: message taken off", "koniec objazdu"),
        ("anna", "wjazd: message = Wjazd B, for 3600 s", "pomyłka"),
        ("anna", "wjazd: message taken off", "pomyłka"),
        ("anna", "wjazd: tested", "przegląd"),
    ]


def test_now_says_whether_the_sign_is_right_and_why_without_a_jump(phone: StaffPhone) -> None:
    for _ in ("while the sign starts, which is told as a fault", "with all at rest"):
        phone.open("/staff")
        phone.wait("article[data-zone=klienci] [data-field=free]", "12")
        phone.wait("article[data-zone=klienci]", "liczba pewna")
        wait_until(lambda: phone.find("canvas.sign").get_attribute("data-text") == "12")
    # Two frames on, all that was put into the page until now is painted, and has moved what it moves.
    watch = """
        const done = arguments[0];
        window.jumps = [];
        new PerformanceObserver((list) => {
            for (const { value, sources } of list.getEntries()) {
                window.jumps.push([value, sources.map(({ node }) => node?.className + node?.textContent.slice(0, 40))]);
            }
        }).observe({ type: "layout-shift", buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(window.jumps.splice(0)))));"""
    jumps = phone.browser.execute_async_script(watch)
    assert sum(value for value, _ in jumps) < 0.1, jumps  # what web.dev/cls calls good; the broker's fault moves some
    with phone.product.pins() as pins:
        drive_in(pins)
    phone.wait("article[data-zone=klienci] [data-field=free]", "11")
    phone.wait("article[data-lane=brama]", "Ostatni przejazd: wjazd")
    phone.wait("[data-chain]", "Pas brama: wjazd")
    chain = phone.find("[data-chain]").text
    assert "Tablica pokazuje „11”. Liczone z przejazdów." in chain
    assert "W środku 29, miejsc 40" in chain
    assert "None" not in chain
    assert "brama: pętla" not in phone.text("#fault-list")
    phone.keep("now")
    jumps = phone.browser.execute_script("return window.jumps")
    assert sum(value for value, _ in jumps) < 0.02, jumps
    assert phone.fits()
