"""The page of alarms and webhooks in a real browser: what goes out arrives, what was given up is sent again."""

import dataclasses
import os
import time
from collections.abc import Iterator
from datetime import time as clock
from pathlib import Path

import pytest
from count_on_air import CountOnAir, lot, wait_until
from fastapi import FastAPI
from receiver import Receiver
from selenium import webdriver
from selenium.webdriver.common.by import By
from web_in_thread import serving

from controller.api.access import SESSION
from controller.api.accounts import Accounts, Role, Who
from controller.api.server import WebConfig, create_app
from controller.api.webhooks import outbox as outbox_module
from controller.site import AlarmSpec, WebhookSpec

pytestmark = pytest.mark.browser

KEPT = os.environ.get("PARKING_SCREENSHOTS")
"""A folder for pictures of the page, if somebody wants them."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def app(config: WebConfig, tmp_path: Path, receiver: Receiver) -> FastAPI:
    """An alarm and a webhook that go to ``receiver``."""
    (tmp_path / "to.toml").write_text(f'duty = ["json://127.0.0.1:{receiver.port}/alarm"]\n')
    (tmp_path / "secrets.toml").write_text(f'navigation = "whsec_{"A" * 40}"\n')
    hook = WebhookSpec("navigation", f"http://127.0.0.1:{receiver.port}/hook", ("zone.free",), local=True, after_s=0)
    site = dataclasses.replace(
        config.site,
        alarms=(AlarmSpec(("uncertain", "drift"), "duty", quiet_from=clock(22), quiet_to=clock(6), after_s=3600.0),),
        alarm_addresses=tmp_path / "to.toml",
        webhooks=(hook,),
        webhook_secrets=tmp_path / "secrets.toml",
    )
    return create_app(dataclasses.replace(config, site=site))


def enter(browser: webdriver.Chrome, address: str, config: WebConfig, role: Role) -> None:
    with Accounts(config.token_dir) as accounts:
        accounts.set_user("anna", "correct horse", role, time.time())
        cookie = accounts.begin_session(Who("anna", role, "user"), time.time())
    browser.get(f"{address}/login")
    browser.add_cookie({"name": SESSION, "value": cookie})
    browser.get(f"{address}/staff/alarms?lang=pl")


def field(browser: webdriver.Chrome, name: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, f"[data-webhook=navigation] [data-field={name}]").text


def press(browser: webdriver.Chrome, button: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"button[{button}]").click()


def outcome(browser: webdriver.Chrome, number: int) -> str:
    """What stands under the buttons of the alarm (0) or the webhook (1)."""
    return browser.find_elements(By.CSS_SELECTOR, ".outcome")[number].text


@pytest.mark.parametrize("width", [390, 1280])
def test_a_manager_tries_alarms_and_webhooks_and_sends_again_what_died(
    config: WebConfig,
    app: FastAPI,
    count: CountOnAir,
    browser: webdriver.Chrome,
    receiver: Receiver,
    width: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox_module, "PAUSES_S", (0.05,))
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    receiver.status = 410
    with serving(app) as address:
        count.say(lot(12))
        count.beat()
        enter(browser, address, config, Role.MANAGER)
        wait_until(lambda: field(browser, "dead") == "2", 30)
        assert field(browser, "target") == f"http://127.0.0.1:{receiver.port}"
        assert field(browser, "error") == "odbiorca nie przyjął wiadomości („answered 410”)"
        press(browser, "data-try=navigation")
        wait_until(lambda: "answered 410" in outcome(browser, 1))
        if KEPT:
            browser.save_screenshot(f"{KEPT}/staff-alarms-{width}.png")
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        receiver.status = 200
        press(browser, "data-retry=navigation")
        wait_until(lambda: "2" in outcome(browser, 1))
        wait_until(lambda: field(browser, "dead") == "0", 30)
        press(browser, "data-alarm=duty")
        wait_until(lambda: outcome(browser, 0) == "Wysłano do: duty. Sprawdź, czy doszło.", 30)
        came = [receiver.next() for _ in range(6)]  # two, each twice, and both tests
        assert [p.json["title"] for p in came if p.path == "/alarm"] == ["Parking dla klientów: Próba alarmu"]
        wait_until(lambda: "anna · alarm duty" in browser.find_element(By.ID, "trail-list").text)
        trail = [(who, what) for _, who, what in app.state.desk.outbox.trail()]
        assert ("anna", "alarm duty: tested") in trail
        assert ("anna", "webhook navigation: sent again [2]") in trail
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_who_may_not_try_has_no_buttons(
    config: WebConfig, app: FastAPI, count: CountOnAir, browser: webdriver.Chrome
) -> None:
    with serving(app) as address:
        count.beat()
        enter(browser, address, config, Role.ATTENDANT)
        wait_until(lambda: field(browser, "target").startswith("http"))
        assert browser.find_elements(By.CSS_SELECTOR, "main button") == []
        assert "22:00\N{EN DASH}06:00" in browser.find_element(By.TAG_NAME, "main").text
