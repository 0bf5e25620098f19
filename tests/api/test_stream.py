import contextlib
import json
import resource
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from count_on_air import FULL, STUCK, CountOnAir, lot, number, show, wait_until
from fastapi import FastAPI

from controller.api.models import Freshness
from controller.api.reading import MAX_STREAMS
from controller.api.server import WebConfig
from controller.sign import readback

Event = tuple[str, Any]


def events(answer: httpx.Response) -> Iterator[Event]:
    """Parse a stream as a browser does: (name, data)."""
    name, data = "message", ""
    for line in answer.iter_lines():
        if not line:
            if data:
                yield name, json.loads(data)
            name, data = "message", ""
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data = value


@contextlib.contextmanager
def stream(api: httpx.Client) -> Iterator[Iterator[Event]]:
    with api.stream("GET", "/api/v1/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer)


def states(told: Iterator[Event]) -> Iterator[Any]:
    return (data for name, data in told if name == "state")


def free(state: Any) -> Any:
    return state["zones"][0]["free"]


def test_the_state_comes_at_once_and_at_every_change(count: CountOnAir, api: httpx.Client) -> None:
    count.say(lot(12))
    wait_until(lambda: api.get("/api/v1/status").json()["live"])
    with stream(api) as told:
        newest = states(told)
        assert next(s for s in newest if s["live"] and s["signs"][0]["panel"]["lit"])
        count.say(lot(11, faults=(STUCK,)))
        state = next(s for s in newest if free(s) == 11)
        assert state["faults"][0]["subject"] == "main.outer"
        assert state["lanes"][0]["detectors"][0]["occupied"] is True
        assert state["passages"][0]["kind"] == "exit"
        assert state["inputs"]["sensors"]["unknown"] == {"zigbee2mqtt/lamp": 3}


def test_the_panels_pixels_come_when_only_they_change(count: CountOnAir, api: httpx.Client, config: WebConfig) -> None:
    count.say(lot(12))
    with stream(api) as told:
        newest = states(told)
        next(s for s in newest if s["signs"][0]["panel"]["lit"])
        image = show(config.run_dir, FULL)
        state = next(s for s in newest if s["signs"][0]["panel"]["message"]["kind"] == "full")
        assert tuple(state["signs"][0]["panel"]["rows"]) == readback.rows(image)
        assert free(state) == 12


def test_without_change_a_beat_comes_each_second_and_the_state_does_not(count: CountOnAir, api: httpx.Client) -> None:
    count.beat()
    with stream(api) as told:
        next(s for s in states(told) if s["live"] and s["signs"][0]["panel"]["alive"])
        began = time.monotonic()
        quiet = [next(told) for _ in range(3)]
        assert [name for name, _ in quiet] == ["beat"] * 3
        assert 1.0 < time.monotonic() - began < 4.0
        for _, data in quiet:
            beat = Freshness.model_validate(data, extra="forbid")
            assert beat.live
            assert beat.age_s is not None
            assert beat.age_s < 3


def test_a_state_that_grows_stale_takes_its_numbers_back(count: CountOnAir, api: httpx.Client) -> None:
    count.say(lot(12), ttl_s=1.0)
    with stream(api) as told:
        newest = states(told)
        next(s for s in newest if free(s) == 12)
        stale = next(s for s in newest if not s["live"])
        assert (free(stale), stale["zones"][0]["status"], stale["zones"][0]["reason"]) == (None, "UNKNOWN", "not_live")
        count.say(lot(9))
        assert next(s for s in newest if s["live"] and free(s) is not None)["zones"][0]["free"] == 9


def peak_memory() -> int:
    """Return the most memory (bytes) that this process, which the server is in, ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def stalled(address: str, buffer: int = 4096) -> socket.socket:
    """Ask for the stream and never read it; the kernel keeps about ``buffer`` bytes for it."""
    url = urlsplit(address)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.connect((url.hostname, url.port))
    client.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: lot\r\n\r\n")
    return client


def test_a_stalled_listener_costs_no_memory_and_holds_up_nobody(
    count: CountOnAir, api: httpx.Client, address: str, app: FastAPI
) -> None:
    count.say(lot(12))
    filler = {"unknown": {f"topic/{n}": n for n in range(20_000)}}  # half a megabyte a state
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(contextlib.closing(stalled(address)))
        wait_until(lambda: app.state.live.streams == 5)
        with stream(api) as told:
            newest = states(told)
            before = 0
            for step in range(60):
                count.say(lot(step % 40), inputs={"sensors": filler})
                next(s for s in newest if free(s) == step % 40)
                if step == 20:
                    before = peak_memory()
            grown = peak_memory() - before
        # Five queues of 40 states would take 100 MB and more.
        assert grown < 30_000_000
    wait_until(lambda: app.state.live.streams == 0)


def test_a_listener_that_reads_again_gets_the_newest_soon(
    count: CountOnAir, api: httpx.Client, address: str, app: FastAPI
) -> None:
    filler = {"unknown": {f"topic/{n}": n for n in range(20_000)}}
    # A window that is smaller than loopback's segments opens again only when the kernel probes it, up to minutes later.
    with contextlib.closing(stalled(address, 1 << 18)) as client:
        wait_until(lambda: app.state.live.streams == 1)
        with stream(api) as told:
            newest = states(told)
            for step in range(40):
                count.say(lot(step), inputs={"sensors": filler}, ttl_s=60.0)  # fresh for as long as the reading takes
                next(s for s in newest if free(s) == step)
        count.beat()  # what it reads first may be older than a state's time to live
        client.settimeout(10)
        with client.makefile("rb") as file:
            seen = 0
            for line in file:
                if line.startswith(b"data: ") and b'"zones"' in line:
                    seen += 1
                    if free(json.loads(line[6:])) == 39:
                        break
        assert seen < 20  # what lay in buffers, not all that ever was


def test_more_streams_than_there_are_places_are_refused(api: httpx.Client, app: FastAPI) -> None:
    app.state.live.streams = MAX_STREAMS - 1
    with stream(api) as told:
        next(told)
        refused = api.get("/api/v1/stream")
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"] == "10"
    wait_until(lambda: app.state.live.streams == MAX_STREAMS - 1)


def test_who_comes_back_hears_the_newest_state_only_when_it_is_another(count: CountOnAir, api: httpx.Client) -> None:
    count.beat()
    with stream(api) as told:
        next(s for s in states(told) if s["live"] and s["signs"][0]["panel"]["alive"])
    with api.stream("GET", "/api/v1/stream") as answer:
        seen = next(line for line in answer.iter_lines() if line.startswith("id: ")).removeprefix("id: ")
    with api.stream("GET", "/api/v1/stream", headers={"Last-Event-ID": seen}) as answer:
        told = events(answer)
        assert next(told)[0] == "beat"
        count.say(lot(11))
        assert next(s for s in states(told) if free(s) == 11)
    with api.stream("GET", "/api/v1/stream", headers={"Last-Event-ID": seen}) as answer:
        assert free(next(states(events(answer)))) == 11


@pytest.mark.parametrize("path", ["/api/v1/status", "/metrics"])
def test_other_requests_are_served_while_streams_are_open(count: CountOnAir, api: httpx.Client, path: str) -> None:
    count.say(lot(12), shows=number(12))
    with stream(api) as told:
        next(told)
        assert api.get(path).status_code == 200
