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
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from controller.sign.layout import preview

ROOT = Path(__file__).parent.parent
START_S = 60.0
CAPACITY, INSIDE = 12, 8

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


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_click_drives_a_car_in_and_the_number_on_the_leds_falls_and_ctrl_c_ends_it_all(
    start: Callable[..., Demo], browser: Chrome
) -> None:
    demo = start("--port", "0")
    browser.get(demo.address)
    wait_for(lambda: number_on(browser) == CAPACITY - INSIDE, "the sign shows what is free at the start", 30.0)
    truth = browser.find_element(By.CSS_SELECTOR, '[data-truth-of="customers"]')
    wait_for(lambda: truth.get_attribute("data-agrees") == "true", "truth and count agree")

    browser.find_element(By.CSS_SELECTOR, '[data-action="drive_in"]').click()
    wait_for(lambda: number_on(browser) == CAPACITY - INSIDE - 1, "the sign shows one less")
    wait_for(lambda: truth.get_attribute("data-agrees") == "true", "truth and count agree again")
    rows = browser.find_elements(By.CSS_SELECTOR, "#passage-rows tr")
    assert [row.text.split()[-2:] in (["main", "wjazd"], ["main", "entry"]) for row in rows] == [True]
    wait_for(lambda: "sign entrance: 3 (counted)" in demo.printed, "the terminal says so, too")
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in log if entry["level"] == "SEVERE"] == []

    children = demo.children()
    assert len(children) == 3
    assert demo.interrupt() < 2.0, "with the page's stream open"
    assert demo.process.returncode == 0
    assert not any(is_alive(pid) for pid in children)
    assert sum("http://" in line for line in demo.printed) == 1, "one address is printed"
    assert not any("Traceback" in line for line in demo.printed)


@pytest.mark.timeout(180)
def test_every_button_does_what_it_says_and_a_kept_state_goes_on_where_it_was(
    start: Callable[..., Demo], tmp_path: Path
) -> None:
    demo = start("--port", "0", "--state-dir", str(tmp_path), "--speed", "2")
    address = demo.address

    def zone() -> Any:
        return get(address.replace("/demo", "/api/v1/zones/customers"))

    def order(expected: int, **order: object) -> None:
        assert post(f"{address}/command", order) == 200
        wait_for(lambda: get(f"{address}/truth")["inside"]["customers"] == expected, f"{order} is carried out", 30.0)
        wait_for(lambda: zone()["occupied"] == expected, f"{order} is counted", 30.0)

    wait_for(lambda: zone()["occupied"] == INSIDE and status(f"{address}/truth") == 200, "the count is there", 30.0)
    order(INSIDE + 2, action="tailgate")
    order(INSIDE + 1, action="drive_out")
    order(INSIDE + 1, action="back_out")
    lanes = address.replace("/demo", "/api/v1/lanes")
    wait_for(lambda: get(lanes)["lanes"][0]["back_outs"] == 1, "the car that backed out is seen")
    demo.interrupt()

    again = start("--port", "0", "--state-dir", str(tmp_path))
    address = again.address
    wait_for(lambda: status(f"{address}/truth") == 200, "the simulation is there")
    wait_for(lambda: zone()["occupied"] == INSIDE + 1, "the count goes on", 30.0)
    assert get(f"{address}/truth")["inside"]["customers"] == INSIDE + 1
    order(INSIDE + 2, action="drive_in")


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own server
            code: int = answer.status
            return code
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.timeout(180)
def test_faults_are_made_and_seen_and_other_sites_may_not_make_them(start: Callable[..., Demo]) -> None:
    address = start("--port", "0").address
    faults = address.replace("/demo", "/api/v1/faults")

    def subjects() -> set[tuple[str, str]]:
        return {(fault["subject"], fault["kind"]) for fault in get(faults)["faults"]}

    wait_for(lambda: status(f"{address}/truth") == 200, "the simulation is there")
    jam = {"action": "jam", "detector": "main.outer", "stuck": True}
    assert post(f"{address}/command", jam, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert post(f"{address}/command", jam, Origin="http://elsewhere.example") == 403
    assert post(f"{address}/command", {"action": "explode"}) == 422
    assert get(f"{address}/truth")["stuck"] == {}

    assert post(f"{address}/command", jam, Origin=address.removesuffix("/demo")) == 200
    assert post(f"{address}/command", {"action": "kill_bay", "bay": "A2"}, **{"Sec-Fetch-Site": "same-origin"}) == 200
    wait_for(lambda: get(f"{address}/truth")["dead"] == ["A2"], "the sensor is dead")
    assert get(f"{address}/truth")["stuck"] == {"main.outer": True}
    expected = {("main.outer", "stuck"), ("A2", "silent")}
    wait_for(lambda: subjects() == expected, "both faults are named", 40.0)


def test_a_port_that_is_taken_is_said_and_ends_with_2(start: Callable[..., Demo]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = start("--port", str(port))
        assert demo.process.wait(START_S) == 2
    wait_for(lambda: any(f"port {port} is taken" in line for line in demo.printed), "the port is named")
