import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from count_on_air import SITE, CountOnAir, lot

HERE = Path(__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("run", "state"):
        (tmp_path / name).mkdir()
    (tmp_path / "site.toml").write_text(SITE, "utf-8")
    return tmp_path


@contextlib.contextmanager
def web(folder: Path, port: int = 0, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *map(str, (HERE / "web_child.py", folder / "site.toml", folder, port))]
    root = str(HERE.parents[1])
    with subprocess.Popen(
        command,
        cwd=root,
        env={"PYTHONPATH": root, "PATH": "", **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def address_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout
    line = child.stdout.readline().strip()
    assert line.startswith("http://127.0.0.1:"), line
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_ends_it_within_two_seconds_with_open_streams(folder: Path, number: signal.Signals) -> None:
    with CountOnAir(folder / "run", folder / "state") as count, web(folder) as child:
        url = httpx.URL(address_of(child))
        count.say(lot(12))
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(httpx.Client(base_url=url))
            reading = [stack.enter_context(client.stream("GET", "/api/v1/stream")) for _ in range(3)]
            lines = [answer.iter_lines() for answer in reading]
            assert all(next(line) for line in lines)
            for _ in range(3):  # and some that ask and never read
                stalled = stack.enter_context(socket.create_connection((url.host, url.port)))
                stalled.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: lot\r\n\r\n")
            filler = {"sensors": {"unknown": {f"topic/{n}": n for n in range(20_000)}}}
            for free in range(1, 30):  # until the stalled ones' buffers are full
                count.say(lot(free), inputs=filler)
                next(line for line in lines[0] if f'"free":{free},' in line)
            began = time.monotonic()
            child.send_signal(number)
            output, errors = child.communicate(timeout=10)
            took = time.monotonic() - began
    assert took < 2.0, errors
    assert child.returncode == 0, errors
    assert output == "returned\n"  # `run` came back: what started it can clean up
    assert "Traceback" not in errors, errors
    assert "ERROR" not in errors


def test_a_taken_port_is_named_with_the_mend_and_exit_code_2(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with web(folder, port) as child:
            output, errors = child.communicate(timeout=20)
    assert child.returncode == 2
    assert output == ""
    assert f"can't listen on 127.0.0.1:{port}" in errors
    assert "choose another port" in errors
    assert "Traceback" not in errors, errors


def test_a_useless_token_file_stops_the_start(folder: Path) -> None:
    (folder / "state" / "api.token").write_text("secret")
    with web(folder) as child:
        _, errors = child.communicate(timeout=20)
    assert child.returncode == 2
    assert "api.token" in errors
    assert "secret" not in errors


def test_no_secret_is_in_the_log_and_an_old_token_file_goes_on_working(folder: Path) -> None:
    token = "an-old-token-" + "x" * 30
    (folder / "state" / "api.token").write_text(token + "\n")
    with CountOnAir(folder / "run", folder / "state") as count, web(folder) as child:
        base = address_of(child)
        count.say(lot(12))
        answers = [
            httpx.post(
                f"{base}api/v1/zones/customers/correction",
                json={"occupied": 3},
                headers={"Authorization": f"Bearer {sent}"},
            ).status_code
            for sent in (token, "wrong" + token)
        ]
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=10)
    assert answers[1] == 401
    assert answers[0] != 401
    assert str(folder / "state" / "api.token") in errors
    assert token not in errors


def test_without_an_account_the_log_says_how_to_make_one(folder: Path) -> None:
    with web(folder) as child:
        address_of(child)
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=10)
    assert "parking-controller access user NAME --role manager" in errors


def test_systemd_hears_ready_watchdog_and_stopping(folder: Path) -> None:
    path = folder / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.settimeout(10)
        with web(folder, NOTIFY_SOCKET=str(path)) as child:
            heard = ""
            while "READY=1" not in heard:
                heard = systemd.recv(4096).decode()
            assert httpx.get(f"{address_of(child)}api/v1/status").status_code == 200
            while heard != "WATCHDOG=1":
                heard = systemd.recv(4096).decode()
            child.send_signal(signal.SIGTERM)
            while heard != "STOPPING=1":
                heard = systemd.recv(4096).decode()
            child.communicate(timeout=10)
    assert child.returncode == 0
