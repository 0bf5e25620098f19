"""The demo as a newcomer meets it: one command, one address, a page with buttons, and Ctrl-C."""

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from controller.domain.events import WentDown
from controller.journal import open_reader
from controller.recording import read_line
from controller.sign.layout import preview

ROOT = Path(__file__).parent.parent
START_S = 60.0
CAPACITY = 36

LIT = """
const canvas = document.querySelector('canvas[data-sign="entrance"]');
const [width, height] = [+canvas.dataset.width, +canvas.dataset.height], pitch = canvas.width / width;
const picture = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
const lit = (x, y) => picture[4 * (Math.floor((y + 0.5) * pitch) * canvas.width + Math.floor((x + 0.5) * pitch))] > 128;
return [...Array(height).keys()].map((y) => [...Array(width).keys()].map((x) => (lit(x, y) ? "#" : ".")).join(""));
"""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


class Demo:
    """The demo as a child process, and what it prints."""

    def __init__(self, *options: str) -> None:
        self.printed: list[str] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "controller", "demo", "--no-traffic", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.printed.append(line.rstrip())
                self._lines.put(line)

    @property
    def address(self) -> str:
        deadline = time.monotonic() + START_S
        while True:
            line = self._lines.get(timeout=max(0.1, deadline - time.monotonic()))
            if found := re.search(r"http://\S+", line):
                return found.group()

    def children(self) -> list[int]:
        ps = ["ps", "-o", "pid=", "--ppid", str(self.process.pid)]
        return [int(pid) for pid in subprocess.run(ps, check=False, capture_output=True, text=True).stdout.split()]

    def interrupt(self) -> float:
        """Press Ctrl-C; return how long the end took (s)."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        took = time.monotonic() - began
        self._reader.join(5)
        return took

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        print("the demo printed:", *self.printed, sep="\n")  # noqa: T201  shown when the test fails


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.startswith("Z")


@pytest.fixture
def start() -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def begin(*options: str) -> Demo:
        started.append(Demo(*options))
        return started[-1]

    yield begin
    for demo in started:
        demo.close()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own server
        return json.load(answer)


def post(url: str, order: dict[str, Any], **headers: str) -> int:
    request = urllib.request.Request(  # noqa: S310  our own server
        url, json.dumps(order).encode(), {"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  our own server
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def number_on(browser: Chrome) -> int | None:
    """Read the number off the LEDs that the page draws; None when they show none."""
    drawn = tuple(browser.execute_script(LIT))
    pictures = {number: preview(str(number), 64, 16) for number in range(CAPACITY + 1)}
    for number, image in pictures.items():
        rows = tuple("".join("#" if image.getpixel((x, y)) else "." for x in range(64)) for y in range(16))
        if rows == drawn:
            return number
    return None


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own server
            code: int = answer.status
            return code
    except urllib.error.HTTPError as error:
        with error:
            return error.code


class Page:
    """The addresses of a demo that runs, and what they say."""

    def __init__(self, address: str) -> None:
        self.address = address
        wait_for(lambda: status(f"{address}/truth") == 200 and self.zone["occupied"] is not None, "it is there", 40.0)

    def api(self, what: str) -> Any:
        return get(self.address.replace("/demo", f"/api/v1/{what}"))

    @property
    def truth(self) -> Any:
        return get(f"{self.address}/truth")

    @property
    def zone(self) -> Any:
        return self.api("zones")["zones"][0]

    @property
    def faults(self) -> set[tuple[str, str]]:
        return {(fault["subject"], fault["kind"]) for fault in self.api("faults")["faults"]}

    def order(self, **order: object) -> None:
        assert post(f"{self.address}/command", order) == 200

    def agree(self, inside: int, what: str) -> None:
        wait_for(lambda: self.truth["inside"] == inside, f"{what} is carried out", 30.0)
        wait_for(lambda: self.zone["occupied"] == inside, f"{what} is counted", 30.0)


def make_room(page: Page) -> None:
    """Let cars leave until the sign has a number for a while: the demo begins as full as its lot is by now."""
    while (inside := page.truth["inside"]) > CAPACITY - 6:
        page.order(action="drive_out")
        page.agree(inside - 1, "driving out")


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_click_drives_a_car_in_and_the_number_on_the_leds_falls_and_ctrl_c_ends_it_all(
    start: Callable[..., Demo], browser: Chrome
) -> None:
    demo = start("--port", "0", "--speed", "4")
    page = Page(demo.address)
    make_room(page)
    inside = page.truth["inside"]
    browser.get(page.address)
    wait_for(lambda: number_on(browser) == CAPACITY - inside, "the sign shows what is free at the start", 30.0)
    truth = browser.find_element(By.CSS_SELECTOR, '[data-truth-of="customers"]')
    wait_for(lambda: truth.get_attribute("data-agrees") == "true", "truth and count agree")

    browser.find_element(By.CSS_SELECTOR, '[data-action="drive_in"]').click()
    wait_for(lambda: number_on(browser) == CAPACITY - inside - 1, "the sign shows one less")
    wait_for(lambda: truth.get_attribute("data-agrees") == "true", "truth and count agree again")
    rows = browser.find_elements(By.CSS_SELECTOR, "#passage-rows tr")
    assert rows[0].text.split()[-2:] in (["entry", "wjazd"], ["entry", "entry"])
    wait_for(lambda: f"sign entrance: {CAPACITY - inside - 1} (counted)" in demo.printed, "the terminal says so, too")
    lines = "return [...document.querySelectorAll('#chart path')].map((path) => path.getAttribute('class'))"
    wait_for(lambda: {"truly", "believed"} <= set(browser.execute_script(lines)), "the chart has both lines")
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in log if entry["level"] == "SEVERE"] == []

    children = demo.children()
    assert len(children) == 3
    assert demo.interrupt() < 2.5, "with the page's stream open"
    assert demo.process.returncode == 0
    assert not any(is_alive(pid) for pid in children)
    assert sum("http://" in line for line in demo.printed) == 1, "one address is printed"
    assert not any("Traceback" in line for line in demo.printed)


@pytest.mark.timeout(180)
def test_every_button_does_what_it_says_and_a_kept_state_goes_on_where_it_was(
    start: Callable[..., Demo], tmp_path: Path
) -> None:
    demo = start("--port", "0", "--state-dir", str(tmp_path), "--speed", "10")
    page = Page(demo.address)
    make_room(page)
    inside = page.truth["inside"]
    page.order(action="tailgate")
    page.agree(inside + 2, "tailgating")
    page.order(action="drive_out")
    page.agree(inside + 1, "driving out")
    back_out_and_be_seen(page)
    believed = page.zone["occupied"]
    left_at = page.truth["unix_s"]
    demo.interrupt()

    again = Page(start("--port", "0", "--state-dir", str(tmp_path)).address)
    assert (again.truth["inside"], again.zone["occupied"]) == (inside + 1, believed), "both go on"
    assert left_at <= again.truth["unix_s"] < left_at + 60, "the simulated clock stood meanwhile"
    again.order(action="drive_in")
    wait_for(lambda: again.truth["inside"] == inside + 2, "a car drives in", 30.0)
    wait_for(lambda: again.zone["occupied"] == believed + 1, "and is counted", 30.0)


def back_out_and_be_seen(page: Page) -> None:
    """Let a car back out; another one if that one came so far in that one can't tell it from two cars."""

    def seen() -> tuple[int, int]:
        lane = page.api("lanes")["lanes"][0]
        return lane["back_outs"], lane["ambiguous"]

    for _ in range(4):
        before = seen()
        page.order(action="back_out")
        wait_for(lambda before=before: seen() != before, "the car is seen", 40.0)  # type: ignore[misc]
        wait_for(lambda: page.truth["waiting"]["entry"] == 0, "and gone")
        if seen()[0] == 1:
            return
    pytest.fail("none of four cars was seen to back out")


def _holds(page: Page) -> bool:
    """Whether the truth lies within the band that the belief tells."""
    zone, free = page.zone, max(0, page.truth["capacity"] - page.truth["inside"])
    return bool(zone["low"] <= free <= zone["high"])


@pytest.mark.timeout(180)
def test_at_sixty_times_the_speed_every_car_is_counted_and_another_scenario_is_another_lot(
    start: Callable[..., Demo],
) -> None:
    page = Page(start("--port", "0").address)
    page.order(action="speed", speed=60)
    page.order(action="traffic", on=True)
    wait_for(lambda: sum(lane["exits"] for lane in page.api("lanes")["lanes"]) >= 30, "thirty have left", 40.0)
    page.order(action="traffic", on=False)
    wait_for(lambda: set(page.truth["waiting"].values()) == {0}, "nobody waits")
    wait_for(lambda: _holds(page), "all were counted, and what was not clear is within the band")
    assert page.truth["reached"] > 10
    history = get(f"{page.address}/history")
    times = [sample["unix_s"] for sample in history]
    assert times == sorted(times)
    assert times[-1] - times[0] > 300, "simulated seconds"
    assert get(f"{page.address}/history?after={times[-2]}")[0]["unix_s"] >= times[-1]
    assert len({sample["inside"] for sample in history}) > 1

    show = page.truth["show"]
    page.order(action="scenario", scenario="nowhere")
    wait_for(lambda: "nowhere" in str(page.truth["refused"]), "what is no scenario is refused")
    page.order(action="scenario", scenario="shop20")

    def has_changed() -> bool:
        try:
            return page.truth["show"] != show and page.api("zones")["live"] is True
        except (OSError, KeyError):
            return False  # the web process is on its way

    wait_for(has_changed, "the other scenario is there", 40.0)
    assert (page.truth["scenario"], page.truth["capacity"], page.truth["speed"]) == ("shop20", 20, 60.0)
    assert [lane["name"] for lane in page.api("lanes")["lanes"]] == ["main"]
    assert page.zone["occupied"] == page.truth["inside"]


@pytest.mark.timeout(180)
def test_faults_are_made_and_seen_and_other_sites_may_not_make_them(start: Callable[..., Demo]) -> None:
    page = Page(start("--port", "0", "--speed", "20").address)
    command = f"{page.address}/command"
    jam = {"action": "fault", "detector": "entry.outer", "fault": "occupied"}
    assert post(command, jam, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert post(command, jam, Origin="http://elsewhere.example") == 403
    assert post(command, {"action": "explode"}) == 422
    assert page.truth["faults"] == {}

    assert post(command, jam, Origin=page.address.removesuffix("/demo")) == 200
    assert post(command, {"action": "kill_bay", "bay": "B2"}, **{"Sec-Fetch-Site": "same-origin"}) == 200
    wait_for(lambda: page.truth["dead"] == ["B2"], "the sensor is dead")
    assert page.truth["faults"] == {"entry.outer": "occupied"}
    wait_for(lambda: {("entry.outer", "stuck"), ("B2", "silent")} <= page.faults, "both faults are named", 40.0)


@pytest.mark.timeout(180)
def test_a_power_cut_is_a_real_gap_that_the_count_knows_of(start: Callable[..., Demo], tmp_path: Path) -> None:
    demo = start("--port", "0", "--speed", "20", "--state-dir", str(tmp_path))
    page = Page(demo.address)
    before = demo.children()
    page.order(action="off", seconds=40)
    wait_for(lambda: page.truth["off"], "the power is cut")
    wait_for(lambda: len(demo.children()) == 2, "the counting process is gone")

    def gaps() -> list[float]:
        with closing(open_reader(tmp_path / "demo36" / "journal.sqlite")) as db:
            entries = [read_line(line) for (line,) in db.execute("SELECT line FROM input ORDER BY id")]
        return [entry.seconds for entry in entries if isinstance(entry, WentDown)]

    wait_for(lambda: len(gaps()) == 1, "it is back, and knows that it was off", 30.0)
    assert 35 < gaps()[0] < 160, "simulated seconds, until the process was up again"
    assert not page.truth["off"]
    assert len(set(demo.children()) - set(before)) == 1


def test_a_port_that_is_taken_is_said_and_ends_with_2(start: Callable[..., Demo]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = start("--port", str(port))
        assert demo.process.wait(START_S) == 2
    wait_for(lambda: any(f"port {port} is taken" in line for line in demo.printed), "the port is named")
