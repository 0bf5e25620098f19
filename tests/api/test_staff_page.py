"""The pages in a real browser: live numbers, honest silence, and a correction."""

import dataclasses
import time

import pytest
from count_on_air import STUCK, CountOnAir, lot, wait_until
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from web_in_thread import serving

from controller.api.accounts import Accounts, Role
from controller.api.server import WebConfig, create_app
from controller.sign.layout import render

pytestmark = pytest.mark.browser


def text(browser: webdriver.Chrome, selector: str) -> str:
    """Return what is read there; nothing, as long as the page is on its way."""
    script = "return document.querySelector(arguments[0])?.textContent.trim() ?? ''"
    return str(browser.execute_script(script, selector))


def lit_leds(browser: webdriver.Chrome) -> int:
    """Count LEDs that are bright on the canvas, at their centres."""
    script = """
        const canvas = document.querySelector("canvas.sign"), pitch = canvas.width / 64;
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let lit = 0;
        for (let y = 0; y < 16; y += 1) for (let x = 0; x < 64; x += 1) {
            const at = Math.floor((y + 0.5) * pitch) * canvas.width + Math.floor((x + 0.5) * pitch);
            lit += data[4 * at] > 200 ? 1 : 0;
        }
        return lit;"""
    return int(browser.execute_script(script))


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What the console says of the page: faults of its own and of the security policy, no advice of the renderer's."""
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in log if entry["source"] != "rendering"]


def leds_for(free: int) -> int:
    """Count the LEDs that a sign needs to say this."""
    rows = render(lot(free).signs[0].message, 64, 16).tobytes()
    return sum(byte.bit_count() for byte in rows)


def log_in(browser: webdriver.Chrome, address: str, config: WebConfig, role: Role, lang: str = "en") -> None:
    """Log in through the form, as somebody made for it."""
    with Accounts(config.token_dir) as accounts:
        accounts.set_user(f"the {role}", PASSWORD, role, time.time())
    browser.delete_all_cookies()
    browser.get(f"{address}/staff?lang={lang}")
    browser.find_element(By.NAME, "name").send_keys(f"the {role}")
    browser.find_element(By.NAME, "password").send_keys(PASSWORD + "\n")
    wait_until(lambda: text(browser, ".who span").startswith(f"the {role}"))


PASSWORD = "correct horse battery"  # noqa: S105  of this test alone
ZONE = '.zone[data-zone="customers"]'


def test_the_number_is_live_and_not_shown_when_the_count_dies(
    count: CountOnAir, address: str, config: WebConfig, browser: webdriver.Chrome
) -> None:
    complaints(browser)  # of tests before this one
    count.say(lot(12))
    count.beat()
    log_in(browser, address, config, Role.VIEWER, "pl")
    wait_until(lambda: text(browser, f"{ZONE} [data-field=free]") == "12")
    assert text(browser, ".badge") == "na żywo"
    assert text(browser, f"{ZONE} [data-field=status]") == "otwarte"
    wait_until(lambda: lit_leds(browser) == leds_for(12))

    assert text(browser, f"{ZONE} [data-more=sure]") == "liczba pewna na 100 %"
    told = lot(11, faults=(STUCK,))
    told = dataclasses.replace(told, zones=(dataclasses.replace(told.zones[0], degraded=("main",)), *told.zones[1:]))
    count.say(told)
    wait_until(lambda: text(browser, f"{ZONE} [data-field=free]") == "11")
    assert text(browser, f"{ZONE} [data-more=sure]") == "liczba pewna na 100 %; liczy z usterką: main"
    wait_until(lambda: lit_leds(browser) == leds_for(11))
    assert "pętla zewnętrzna" in text(browser, "#fault-list")
    assert "Sprawdź" in text(browser, "#fault-list")

    count.close()  # the link dies, and with it what says that the sign is lit
    wait_until(lambda: text(browser, ".badge") == "nie na żywo")
    assert text(browser, f"{ZONE} [data-field=free]") == "\N{EN DASH}"
    assert browser.find_element(By.CSS_SELECTOR, "[data-live-why]").is_displayed()
    wait_until(lambda: lit_leds(browser) == 0)
    assert complaints(browser) == []


def test_a_page_comes_back_by_itself_when_the_web_process_does(
    count: CountOnAir, config: WebConfig, browser: webdriver.Chrome
) -> None:
    count.say(lot(0))
    count.beat()
    with serving(create_app(config)) as address:
        browser.get(f"{address}/?lang=en")
        wait_until(lambda: text(browser, ".big") == "full")
        wait_until(lambda: lit_leds(browser) == leds_for(0))
    wait_until(lambda: text(browser, ".badge") == "not live")
    assert lit_leds(browser) == 0
    count.say(lot(7))
    with serving(create_app(config), int(address.rpartition(":")[2])):
        wait_until(lambda: text(browser, ".big") == "7 free spaces")
        assert text(browser, ".badge") == "live"
        wait_until(lambda: lit_leds(browser) == leds_for(7))


def test_a_correction_is_sent_as_who_is_logged_in_and_viewers_can_only_look(
    count: CountOnAir, address: str, config: WebConfig, browser: webdriver.Chrome
) -> None:
    count.say(lot(12))
    count.beat()
    log_in(browser, address, config, Role.VIEWER)
    browser.get(f"{address}/staff/correct?lang=en")
    wait_until(lambda: text(browser, "#now-inside") == "28")
    assert browser.find_element(By.ID, "may-not").is_displayed()
    buttons = browser.find_elements(By.CSS_SELECTOR, "main > fieldset button")
    assert not any(button.is_enabled() for button in buttons)

    log_in(browser, address, config, Role.ATTENDANT)
    browser.get(f"{address}/staff/correct?lang=en")
    wait_until(lambda: text(browser, "#now-inside") == "28")
    assert not browser.find_element(By.CSS_SELECTOR, "[data-test]").is_enabled()  # a manager's
    browser.find_element(By.NAME, "occupied").send_keys("37\n")
    browser.find_element(By.NAME, "reason").send_keys("policzone\n")
    wait_until(lambda: text(browser, "#outcome-text").startswith("Done."))
    (command,) = count.commands
    assert (command["zone"], command["occupied"], command["reason"]) == ("customers", 37, "policzone")
    assert command["by"] == "the attendant"
    kept = browser.execute_script("return [sessionStorage.length, localStorage.length, document.cookie]")
    assert kept == [0, 0, ""]  # nothing that a script could read


def test_what_was_not_done_is_said_in_the_dialog_which_stays(
    count: CountOnAir, address: str, config: WebConfig, browser: webdriver.Chrome
) -> None:
    count.say(lot(12))
    count.beat()
    count.answer = lambda _command, reply: reply("the disk is full")
    log_in(browser, address, config, Role.ATTENDANT)
    browser.get(f"{address}/staff/correct?lang=en")
    wait_until(lambda: text(browser, "#now-inside") == "28")
    browser.find_element(By.CSS_SELECTOR, "[data-change='-1']").click()
    browser.find_element(By.NAME, "reason").send_keys("left uncounted\n")
    wait_until(lambda: "the disk is full" in text(browser, "#ask-error"))
    assert browser.find_element(By.NAME, "reason").get_attribute("value") == "left uncounted"
    count.answer = lambda _command, reply: reply(None)
    browser.find_element(By.ID, "ask-do").click()
    wait_until(lambda: not browser.find_element(By.ID, "ask").is_displayed())


def test_a_correction_needs_no_mouse(
    count: CountOnAir, address: str, config: WebConfig, browser: webdriver.Chrome
) -> None:
    count.say(lot(12))
    count.beat()
    log_in(browser, address, config, Role.ATTENDANT)
    browser.get(f"{address}/staff/correct?lang=en")
    wait_until(lambda: text(browser, "#now-inside") == "28")

    def press(*keys: str) -> str:
        browser.switch_to.active_element.send_keys(*keys)
        return str(
            browser.execute_script("return document.activeElement.dataset.change ?? document.activeElement.name")
        )

    reached = [press(Keys.TAB) for _ in range(15)]
    assert reached[reached.index("-5") :][:4] == ["-5", "-1", "1", "5"]
    while press(Keys.SHIFT, Keys.TAB) != "1":
        pass
    assert press(Keys.ENTER) == "reason"  # the dialog has the focus
    press(Keys.ESCAPE)
    assert not browser.find_element(By.ID, "ask").is_displayed()
    assert count.commands == []
    assert press(Keys.ENTER) == "reason"  # it was given back, and asks again
    assert press("a motorcycle", Keys.ENTER) in {"1", "reason"}
    wait_until(lambda: text(browser, "#outcome-text").startswith("Done."))
    assert [(command["change"], command["reason"]) for command in count.commands] == [(1, "a motorcycle")]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["/", "/staff", "/staff/correct"])
def test_a_page_fits_its_screen(
    count: CountOnAir, address: str, config: WebConfig, browser: webdriver.Chrome, path: str, width: int
) -> None:
    complaints(browser)  # of tests before this one
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    count.say(lot(0, faults=(STUCK,)))
    count.beat()
    log_in(browser, address, config, Role.VIEWER, "pl")
    browser.get(f"{address}{path}?lang=pl")
    wait_until(lambda: text(browser, ".badge") == "na żywo")
    room, needed = browser.execute_script(
        "const { clientWidth, scrollWidth } = document.documentElement; return [clientWidth, scrollWidth]"
    )
    assert needed <= room <= width
    assert complaints(browser) == []


def test_the_forms_work_on_a_plain_address_of_the_lan(
    count: CountOnAir, address: str, config: WebConfig, browser: webdriver.Chrome
) -> None:
    count.say(lot(5))
    count.beat()
    lan = address.replace("127.0.0.1", "lot.test")
    log_in(browser, lan, config, Role.ATTENDANT)
    assert browser.execute_script("return window.isSecureContext") is False
    browser.get(f"{lan}/report?lang=pl&sign=entrance")
    browser.find_element(By.CSS_SELECTOR, "input[value=barrier]").click()
    browser.find_element(By.CSS_SELECTOR, "main form button[type=submit]").click()
    wait_until(lambda: "Dziękujemy" in text(browser, "main"))
    english = browser.find_element(By.CSS_SELECTOR, "a[hreflang=en]").get_attribute("href")
    assert english == f"{lan}/report?sign=entrance&lang=en"
