"""A browser on the pages, as wide as a phone's or a desk's, and what people do with it."""

import os
from pathlib import Path

from count_on_air import wait_until
from fixtures_site import ROOT
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

PICTURES = ROOT / "build" / "screenshots"
DOCS = Path(os.environ["PARKING_PICTURES"]) if "PARKING_PICTURES" in os.environ else None
"""Where `make staff-pictures` wants the pictures of docs/staff.md, with few colours, which makes them small."""


class Phone:
    """Somebody's browser on the staff pages of a running lot."""

    def __init__(self, browser: webdriver.Chrome, address: str, width: int) -> None:
        self.browser, self.address, self.width = browser, address, width
        self.resize()

    def resize(self, height: int = 844) -> None:
        """Be as wide as we are, and this high."""
        size = {"width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": self.width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def open(self, path: str, lang: str = "pl") -> None:
        self.browser.get(f"{self.address}{path}?lang={lang}")
        self.wait(".badge", "na żywo" if lang == "pl" else "live")

    def text(self, selector: str) -> str:
        script = "return document.querySelector(arguments[0])?.textContent.trim() ?? ''"
        return str(self.browser.execute_script(script, selector))

    def wait(self, selector: str, text: str) -> None:
        try:
            wait_until(lambda: text in self.text(selector))
        except AssertionError:
            raise AssertionError(f"{selector} says {self.text(selector)!r}, not {text!r}") from None

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def press(self, selector: str) -> None:
        """Press a button by the keyboard, as everybody can."""
        wait_until(lambda: self.find(selector).is_displayed() and self.find(selector).is_enabled())
        self.browser.execute_script("arguments[0].focus()", self.find(selector))
        self.find(selector).send_keys(Keys.ENTER)

    def confirm(self, reason: str) -> None:
        """Give a reason in the dialog, which has the focus, and send."""
        wait_until(lambda: self.find("#ask").is_displayed())
        self.browser.switch_to.active_element.send_keys(reason, Keys.ENTER)
        wait_until(lambda: not self.find("#ask").is_displayed())
        self.wait("#outcome", "Zapisane.")

    def keep(self, name: str) -> None:
        """Keep a picture of the page as it is."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.browser.save_screenshot(str(PICTURES / f"{name}-{self.width}.png"))

    def keep_whole(self, name: str, part: str = "body") -> None:
        """Keep a picture of the whole page, or of a part of it; for the docs too, when they are to be made anew."""
        self.resize(max(500, int(self.browser.execute_script("return document.documentElement.scrollHeight"))))
        wait_until(lambda: self.browser.execute_script("return [...document.images].every((i) => i.complete)"))
        picture = self.browser.get_screenshot_as_png() if part == "body" else self.find(part).screenshot_as_png
        self.resize()
        for folder in (PICTURES, DOCS) if DOCS else (PICTURES,):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}-{self.width}.png"
            path.write_bytes(picture)
            if folder == DOCS:
                with Image.open(path) as full:
                    few = full.convert("RGB").quantize(64, dither=Image.Dither.NONE)
                few.save(path, optimize=True)

    def fits(self) -> bool:
        """Whether nothing reaches over the edge of the screen."""
        script = "const { clientWidth, scrollWidth } = document.documentElement; return scrollWidth <= clientWidth"
        return bool(self.browser.execute_script(script))
