"""A real headless Chromium for the tests: ``browser`` is a fresh window for each test, in one process for all."""

import shutil
import tempfile
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # The page under test is all that this browser talks to.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-proxy-server",
    # A plain http address that is not this machine's own, as phones on the LAN see it: no secure context.
    "--host-resolver-rules=MAP lot.test 127.0.0.1",
    "--lang=pl",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    """One Chromium for all tests; a clear failure when it is missing."""
    program, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if program is None or driver is None:
        pytest.fail("chromium or chromedriver is missing: `make test` installs them (apt-get install chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        started = webdriver.Chrome(options=options, service=Service(driver))
        try:
            yield started
        finally:
            started.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """A fresh window, at the size of a laptop's; nothing of the test before is left in it."""
    chromium.switch_to.new_window("window")
    chromium.set_window_size(1280, 900)
    fresh = chromium.current_window_handle
    chromium.get_log("browser")  # type: ignore[no-untyped-call]  # what the test before made the pages say
    yield chromium
    chromium.delete_all_cookies()
    chromium.get("about:blank")
    for handle in chromium.window_handles:
        if handle != fresh:
            chromium.switch_to.window(handle)
            chromium.close()
    chromium.switch_to.window(fresh)
