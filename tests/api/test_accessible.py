"""The pages against axe-core's rules for WCAG 2.2 AA, in a real browser: on a phone and on a desk, light and dark."""

import dataclasses
import time
from collections.abc import Iterator
from datetime import time as clock
from importlib.metadata import files
from typing import get_args

import pytest
from count_on_air import STUCK, CountOnAir, lot, site_in, wait_until
from selenium import webdriver
from selenium.webdriver.common.by import By
from web_in_thread import serving

from controller.api.access import SESSION
from controller.api.accounts import Accounts, Role, Who
from controller.api.server import WebConfig, create_app
from controller.link import default_address
from controller.site import AlarmSpec, ApiSpec, Part, WebhookSpec

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe() -> str:
    found = [file for file in files("axe-playwright-python") or [] if file.name == "axe.min.js"]
    return found[0].read_text("utf-8")


@pytest.fixture(scope="module")
def lot_in_trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A lot that is full, with a fault, alarms and a webhook: its address, and a manager's cookie."""
    folder = tmp_path_factory.mktemp("axe")
    for name in ("run", "state"):
        (folder / name).mkdir()
    site = dataclasses.replace(
        site_in(folder),
        api=ApiSpec(port=0, public=get_args(Part)),
        alarms=(AlarmSpec(("full", "drift"), "duty", quiet_from=clock(22), quiet_to=clock(6)),),
        webhooks=(WebhookSpec("navigation", "https://navigation.invalid/", ("zone.free",)),),
    )
    run_dir, state_dir = folder / "run", folder / "state"
    config = WebConfig(site, default_address(run_dir), run_dir, state_dir, state_dir)
    with CountOnAir(run_dir, state_dir) as count, serving(create_app(config)) as address:
        with Accounts(state_dir) as accounts:
            accounts.set_user("anna", "correct horse", Role.MANAGER, time.time())
            cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), time.time())
        count.say(lot(0, faults=(STUCK,)))
        count.beat()
        yield address, cookie


@pytest.fixture(scope="module")
def window(chromium: webdriver.Chrome, lot_in_trouble: tuple[str, str]) -> Iterator[webdriver.Chrome]:
    """One window for all pages, of a manager who is logged in."""
    address, cookie = lot_in_trouble
    chromium.switch_to.new_window("window")
    chromium.get(f"{address}/login")
    chromium.add_cookie({"name": SESSION, "value": cookie})
    yield chromium
    chromium.delete_all_cookies()
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.get("about:blank")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    "path",
    [
        "/?lang=pl",
        "/login?lang=pl",
        "/staff?lang=pl",
        "/staff/correct?lang=en",
        "/staff/correct?lang=pl#ask",
        "/staff/audit?lang=pl",
        "/staff/alarms?lang=pl",
    ],
)
def test_axe_finds_nothing(
    lot_in_trouble: tuple[str, str], window: webdriver.Chrome, path: str, width: int, scheme: str
) -> None:
    address, browser = lot_in_trouble[0], window
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get("about:blank")  # else another #fragment alone would not load the page anew
    browser.get(f"{address}{path}")
    if "login" not in path:
        wait_until(lambda: browser.find_element(By.CSS_SELECTOR, ".badge").get_attribute("data-live") == "live")
    if path.endswith("#ask"):
        wait_until(lambda: browser.find_element(By.CSS_SELECTOR, "[data-change='1']").is_enabled())
        browser.find_element(By.CSS_SELECTOR, "[data-change='1']").click()
    browser.execute_script(axe())
    script = """
        const [rules, done] = arguments;
        axe.run({ runOnly: rules }).then((found) => done([found.violations, found.passes.length]));"""
    found, passed = browser.execute_async_script(script, RULES)
    told = [f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
    assert told == []
    assert passed > 10  # it did look
