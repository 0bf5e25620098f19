"""History, incidents and the drivers' form in a real browser, as staff and drivers use them, on a phone and on a desk.

Pictures of what they saw are kept in build/screens.
"""

import time
from datetime import datetime
from pathlib import Path

import pytest
from count_on_air import STUCK, CountOnAir, lot, wait_until
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from test_accessible import RULES, axe
from written_past import WARSAW, write_past

from controller.api.access import SESSION
from controller.api.accounts import Accounts, Role, Who
from controller.api.server import WebConfig

pytestmark = pytest.mark.browser

SCREENS = Path(__file__).parents[2] / "build" / "screens"
SIZES = [(390, "dark"), (390, "light"), (1280, "light"), (1280, "dark")]
DAY = "2026-11-21"
"""A Saturday; the history that is written for these tests ends after it."""
PAGES = {
    "history-day": f"/staff/history?lang=pl&on={DAY}",
    "history-month": f"/staff/history?lang=en&span=month&on={DAY}",
    "incidents": "/staff/incidents?lang=pl",
    "report": "/report?lang=pl&sign=entrance",
    "poster": "/staff/incidents/poster?lang=pl",
}


@pytest.fixture
def seen(count: CountOnAir, address: str, config: WebConfig, browser: webdriver.Chrome) -> webdriver.Chrome:
    """A browser in which Anna is logged in, at a lot with a past and two reports of drivers."""
    write_past(config.state_dir / "journal.sqlite", datetime(2026, 11, 25, 9, tzinfo=WARSAW), 33)
    with Accounts(config.token_dir) as accounts:
        accounts.set_user("anna", "correct horse", Role.MANAGER, time.time())
        accounts.set_user("jan", "correct horse", Role.ATTENDANT, time.time())
        cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), time.time())
    count.say(lot(0, faults=(STUCK,)))
    count.beat()
    browser.get(f"{address}/login")
    browser.add_cookie({"name": SESSION, "value": cookie})
    return browser


def resize(browser: webdriver.Chrome, width: int, scheme: str, height: int = 844) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})


def keep_picture(browser: webdriver.Chrome, name: str, width: int, scheme: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    resize(browser, width, scheme, int(browser.execute_script("return document.documentElement.scrollHeight")))
    wait_until(lambda: browser.execute_script("return [...document.images].every((i) => i.complete)"))
    browser.save_screenshot(str(SCREENS / f"{name}-{width}-{scheme}.png"))


def text(browser: webdriver.Chrome, selector: str) -> str:
    """What is to be read there; nothing while another page is on its way."""
    return str(browser.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))


def report(browser: webdriver.Chrome, address: str, kind: str, note: str = "") -> None:
    browser.get(f"{address}/report?lang=pl&sign=entrance")
    browser.find_element(By.CSS_SELECTOR, f"input[value={kind}]").click()
    browser.find_element(By.NAME, "note").send_keys(note + Keys.ENTER)
    wait_until(lambda: "Dziękujemy" in text(browser, "main"))


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_the_pages_fit_can_be_used_by_all_and_show_their_charts(
    seen: webdriver.Chrome, address: str, width: int, scheme: str
) -> None:
    report(seen, address, "said_free", "tel. 600 700 800")
    seen.get_log("browser")  # type: ignore[no-untyped-call]
    for name, path in PAGES.items():
        resize(seen, width, scheme)
        seen.get(address + path)
        if name != "report":
            wait_until(lambda: seen.find_element(By.CSS_SELECTOR, ".badge").get_attribute("data-live") == "live")
        keep_picture(seen, name, width, scheme)
        resize(seen, width, scheme)
        room, needed = seen.execute_script(
            "const { clientWidth, scrollWidth } = document.documentElement; return [clientWidth, scrollWidth]"
        )
        assert needed <= room, name
        charts = seen.find_elements(By.CSS_SELECTOR, "img.chart")
        assert len(charts) >= (3 if name.startswith("history") else 0)
        for chart in charts:
            assert len(chart.get_attribute("alt") or "") > 20
            assert seen.execute_script("return arguments[0].naturalWidth > 100", chart), "it was drawn"
            assert ("wide=1" in seen.execute_script("return arguments[0].currentSrc", chart)) is (width > 768)
        seen.execute_script(axe())
        script = (
            "const [r, done] = arguments; axe.run({ runOnly: r }).then((f) => done([f.violations, f.passes.length]));"
        )
        found, passed = seen.execute_async_script(script, RULES)
        told = [f"{name} {r['id']}: {n['html'][:160]} {n['failureSummary']}" for r in found for n in r["nodes"]]
        assert told == []
        assert passed > 10
    log = seen.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry["message"] for entry in log if entry["source"] != "rendering"] == []


def test_staff_look_at_a_week_and_find_the_same_figures_in_the_table(seen: webdriver.Chrome, address: str) -> None:
    seen.get(f"{address}/staff/history?lang=en&on={DAY}")
    assert text(seen, "h1") == "History: customers, Sat 21.11.2026"
    Select(seen.find_element(By.NAME, "span")).select_by_value("week")
    seen.find_element(By.CSS_SELECTOR, ".choose button").click()
    wait_until(lambda: text(seen, "h1").endswith("16.11 \N{EN DASH} 22.11.2026"))
    seen.find_element(By.CSS_SELECTOR, "section[aria-labelledby=flow] summary").send_keys(Keys.ENTER)
    rows = seen.find_elements(By.CSS_SELECTOR, "section[aria-labelledby=flow] tbody tr")
    assert len(rows) == 7
    entries = sum(int(row.find_elements(By.TAG_NAME, "td")[0].text) for row in rows)
    assert any(tile.text.startswith(f"{entries} / ") for tile in seen.find_elements(By.CSS_SELECTOR, ".tile dd"))
    assert f"{entries} entries" in seen.find_element(By.CSS_SELECTOR, "section[aria-labelledby=flow]").text
    earlier = seen.find_element(By.PARTIAL_LINK_TEXT, "Earlier")
    earlier.send_keys(Keys.ENTER)
    wait_until(lambda: text(seen, "h1").endswith("9.11 \N{EN DASH} 15.11.2026"))


@pytest.mark.parametrize("width", [390, 1280])
def test_a_report_is_acknowledged_given_to_somebody_and_closed(
    seen: webdriver.Chrome, address: str, width: int
) -> None:
    resize(seen, width, "light")
    report(seen, address, "said_free", "rząd 12")
    seen.get(f"{address}/staff/incidents?lang=pl")

    def card() -> str:
        return text(seen, ".incident")

    def press(do: str) -> None:
        button = f".incident button[value={do}]"
        if not seen.find_element(By.CSS_SELECTOR, button).is_displayed():
            seen.find_element(By.CSS_SELECTOR, ".incident details summary").send_keys(Keys.ENTER)
        seen.find_element(By.CSS_SELECTOR, button).send_keys(Keys.ENTER)

    assert "nowe" in card()
    assert "rząd 12" in card()
    assert "Tablica entrance: brak wolnych miejsc" in card(), "what the sign said then"
    press("acknowledge")
    wait_until(lambda: "przyjęte" in card())
    seen.find_element(By.CSS_SELECTOR, ".incident details summary").click()
    Select(seen.find_element(By.CSS_SELECTOR, ".incident select[name=to]")).select_by_visible_text("jan")
    press("assign")
    wait_until(lambda: "Zajmuje się: jan" in card())
    seen.find_element(By.CSS_SELECTOR, ".incident details summary").click()
    Select(seen.find_element(By.CSS_SELECTOR, ".incident select[name=finding]")).select_by_value("refuted")
    press("close")
    wait_until(lambda: "Brak zgłoszeń" in text(seen, "main"))
    seen.find_element(By.LINK_TEXT, "Zamknięte").click()
    wait_until(lambda: "to nieprawda" in card())
    keep_picture(seen, "incident-closed", width, "light")
