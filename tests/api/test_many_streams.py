"""A hundred who follow and twenty who do not read, while cars drive in: the count goes on and everybody hears of it."""

import contextlib
import json
import selectors
import socket
import time
from pathlib import Path

import httpx
import pytest
from fixtures_site import LANE_SITE, Product, drive_in, wait_until

LIVE, STALLED, CARS = 100, 20, 3
REQUEST = b"GET /api/v1/stream HTTP/1.1\r\nHost: lot\r\n\r\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def follow(port: int, *, buffer: int | None = None) -> socket.socket:
    client = socket.socket()
    if buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    client.sendall(REQUEST)
    return client


def inside(text: bytes) -> int | None:
    """The vehicles inside, of the last whole state in a stream."""
    whole = text.rpartition(b"\n\n")[0]
    states = [line for line in whole.splitlines() if line.startswith(b"data: ") and b'"zones"' in line]
    if not states:
        return None
    occupied: int | None = json.loads(states[-1][6:])["zones"][0]["occupied"]
    return occupied


def read_until_all_know(clients: list[socket.socket], number: int, within_s: float = 60.0) -> int:
    """Read all streams until each has told the number; return how many did."""
    heard = dict.fromkeys(clients, b"")
    waiting = set(clients)
    deadline = time.monotonic() + within_s
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ)
        while waiting and time.monotonic() < deadline:
            for key, _ in selector.select(1.0):
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                heard[ready] += ready.recv(65536)
                if ready in waiting and inside(heard[ready]) == number:
                    waiting.discard(ready)
    return len(clients) - len(waiting)


@pytest.mark.timeout(180)
def test_a_hundred_streams_and_twenty_stalled_ones_do_not_disturb_the_count(product: Product, tmp_path: Path) -> None:
    port = free_port()
    product.site = tmp_path / "streams.toml"
    product.site.write_text(f"{LANE_SITE}\n[api]\nport = {port}\n", "utf-8")
    product.start_count()
    product.start("web")

    def live() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return bool(httpx.get(f"http://127.0.0.1:{port}/api/v1/status").json()["live"])
        return False

    wait_until(live, "web is live", 30)
    with contextlib.ExitStack() as stack, product.pins() as pins:
        for _ in range(STALLED):
            stack.enter_context(contextlib.closing(follow(port, buffer=4096)))
        followers = [stack.enter_context(contextlib.closing(follow(port))) for _ in range(LIVE)]
        for _ in range(CARS):
            drive_in(pins)
        wait_until(lambda: product.occupied() == 10 + CARS, "every car is counted", 30)
        assert read_until_all_know(followers, 10 + CARS) == LIVE
