"""The pages against axe-core's rules for WCAG 2.2 AA, in a real browser: on a phone and on a desk, light and dark."""

import time
from importlib.metadata import files

import pytest
from count_on_air import STUCK, CountOnAir, lot, wait_until
from selenium import webdriver
from selenium.webdriver.common.by import By

from controller.api.access import SESSION
from controller.api.accounts import Accounts, Role, Who
from controller.api.server import WebConfig

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe() -> str:
    found = [file for file in files("axe-playwright-python") or [] if file.name == "axe.min.js"]
    return found[0].read_text("utf-8")


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
    ],
)
def test_axe_finds_nothing(
    count: CountOnAir,
    address: str,
    config: WebConfig,
    browser: webdriver.Chrome,
    path: str,
    width: int,
    scheme: str,
) -> None:
    with Accounts(config.token_dir) as accounts:
        accounts.set_user("anna", "correct horse", Role.MANAGER, time.time())
        cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), time.time())
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    count.say(lot(0, faults=(STUCK,)))
    count.beat()
    browser.get(f"{address}/login")
    browser.add_cookie({"name": SESSION, "value": cookie})
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
