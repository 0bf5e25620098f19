"""Runs in the booted container as a service: tries the three units, prints a line for each promise, and shuts down.

Only the system's own Python is here: the product is what systemd runs. Pins are mock and the panel is emulated (`wired`
tries the real ones), but everything goes at full speed.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from promises import (
    COUNT,
    DEADLOCK,
    RUN,
    SIGN,
    UNITS,
    WEB,
    Promise,
    keep,
    log_of,
    never_gives_up,
    pid,
    ready,
    replaced,
    run,
    show,
    watchdog_ends,
    within,
)

LIMITS = {COUNT: 1.4, SIGN: 1.6, WEB: 1.4}


def lit() -> bool:
    shown = json.loads((RUN / "sign-entrance.json").read_text())
    return bool(shown["lit"])


def all_ready() -> str:
    took = within(90, ready)
    types = {show(unit, "Type") for unit in UNITS}
    assert types == {"notify"}, types
    within(20, lit)
    return f"{took:.1f} s after the test began, and the sign is lit"


def hung(unit: str, number: int, limit_s: float) -> Callable[[], str]:
    def check() -> str:
        before, ends = pid(unit), watchdog_ends(unit)
        os.kill(before, number)
        dark = within(8, lambda: not lit(), "the sign is dark") if unit == COUNT else None
        took = replaced(unit, before, limit_s)
        assert watchdog_ends(unit) == ends + 1
        within(30, lit, "the sign is lit again")
        if number == DEADLOCK:
            assert "in deadlock" in log_of(unit), "nobody said where it hung"
        said = "" if dark is None else f"the sign was dark after {dark:.1f} s, "
        return f"{said}another process ran after {took:.1f} s"

    return check


def dark_when_stopped() -> str:
    before = pid(SIGN)
    os.kill(before, signal.SIGKILL)
    replaced(SIGN, before, 20)
    assert "Control process exited" not in log_of(SIGN), "ExecStopPost failed"
    within(20, lit)
    return "it did not fail, and the sign is lit again"


def owner(path: str) -> tuple[str, str]:
    found = Path(path)
    return found.owner(), oct(found.stat().st_mode & 0o7777)


def directories() -> str:
    assert owner("/var/lib/parking-controller") == ("parking-count", "0o750"), owner("/var/lib/parking-controller")
    assert Path("/var/lib/parking-controller/journal.sqlite").owner() == "parking-count"
    assert owner("/var/lib/parking-web") == ("parking-web", "0o700"), owner("/var/lib/parking-web")
    return "the journal is count's own, 0750; the web's folder is 0700"


def credential() -> str:
    environment = Path(f"/proc/{pid(COUNT)}/environ").read_bytes().split(b"\0")
    folder = next(v for v in environment if v.startswith(b"CREDENTIALS_DIRECTORY=")).split(b"=", 1)[1].decode()
    kept = Path(f"/proc/{pid(COUNT)}/root{folder}/mqtt-password")
    assert kept.read_text().strip() == "a-secret-of-the-test"
    assert oct(kept.stat().st_mode & 0o077) == "0o0", kept.stat()
    assert "a-secret-of-the-test" not in run("journalctl", "--no-pager", "--output=cat")
    return "readable by count alone, and in no log"


def store() -> str:
    assert show(COUNT, "FileDescriptorStoreMax") == "64"
    return f"room for 64 descriptors, {show(COUNT, 'NFileDescriptorStore')} in it (mock pins leave none)"


def hardened(unit: str) -> Callable[[], str]:
    def check() -> str:
        path = f"/etc/systemd/system/{unit}"
        said = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", path],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        level = float(said.rpartition("for ")[2].split(":")[1].split()[0])
        assert level <= LIMITS[unit], level
        return f"{level} of at most {LIMITS[unit]}"

    return check


def verified() -> str | None:
    paths = [f"/etc/systemd/system/{unit}" for unit in UNITS]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, ""), said.stderr
    return None


def count_survives_web_and_sign() -> str:
    before = pid(COUNT)
    for unit in (WEB, SIGN):
        run("systemctl", "restart", unit)
    within(60, ready)
    assert pid(COUNT) == before
    return "count is the same process"


def pins_answer() -> str:
    with socket.socket(socket.AF_UNIX) as pins:
        pins.connect(str(RUN / "pins.sock"))
        with pins.makefile("rw") as lines:
            for gpio, high, then_s in ((17, False, 0.3), (27, False, 0.2), (17, True, 0.4), (27, True, 0.0)):
                lines.write(json.dumps({"gpio": gpio, "high": high}) + "\n")
                lines.flush()
                assert json.loads(lines.readline())["ok"]
                time.sleep(then_s)  # a car takes its time
    within(10, lambda: json.loads((RUN / "sign-entrance.json").read_text())["message"]["text"] == "29")
    return "the sign says 29"


def asks_the_clock(unit: str) -> Callable[[], str]:
    """Ask the kernel from inside the unit's sandbox, as shipped and with the drop-in; the product is not run."""

    def answer(name: str, *drop_ins: Path) -> int:
        product = ("Exec", "Restart", "Watchdog", "Type", "LoadCredential", "FileDescriptor", "Runtime", "WorkingDir")
        lines = Path(f"/etc/systemd/system/{unit}").read_text().partition("[Install]")[0].splitlines()
        text = [line for line in lines if not line.startswith(product)]
        ask = "import ctypes; print(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))"
        said = Path("/run/parking-controller") / name
        text += ["Type=oneshot", f"StandardOutput=file:{said}", f"ExecStart=/usr/bin/python3 -c '{ask}'"]
        text += [each.read_text() for each in drop_ins]
        Path(f"/run/systemd/system/{name}.service").write_text("\n".join(text))
        run("systemctl", "daemon-reload")
        run("systemctl", "start", f"{name}.service")
        return int(said.read_text())

    def check() -> str:
        drop_in = Path("/source/systemd/any-clock.conf")
        shipped, opened = answer("ask-shipped"), answer("ask-opened", drop_in)
        assert (shipped, opened >= 0) == (-1, True), (shipped, opened)
        return f"as shipped it may not ask the kernel, with any-clock.conf it hears {opened}"

    return check


PROMISES: tuple[Promise, ...] = (
    ("the units are clean for systemd-analyze verify", verified),
    *((f"{unit} is shut in", hardened(unit)) for unit in UNITS),
    ("all three say that they are ready", all_ready),
    ("a car at the pins changes the sign", pins_answer),
    ("folders have their owners", directories),
    ("the broker's password comes as a credential", credential),
    ("descriptors can be left with systemd", store),
    *((f"{unit} asks whether the clock is right", asks_the_clock(unit)) for unit in (COUNT, SIGN)),
    ("a count that is stopped in its tracks is ended by its watchdog", hung(COUNT, signal.SIGSTOP, 40)),
    ("a count whose loop is deadlocked is ended by its watchdog", hung(COUNT, DEADLOCK, 40)),
    ("a sign that is stopped in its tracks is ended by its watchdog", hung(SIGN, signal.SIGSTOP, 30)),
    ("a sign whose loop is deadlocked is ended by its watchdog", hung(SIGN, DEADLOCK, 30)),
    ("a web whose loop is deadlocked is ended by its watchdog", hung(WEB, DEADLOCK, 90)),
    ("a sign that is killed is followed by ExecStopPost", dark_when_stopped),
    ("web and sign can be restarted without count", count_survives_web_and_sign),
    ("services that fail again and again are started again and again", never_gives_up(12)),
)

if __name__ == "__main__":
    kept = keep(PROMISES)
    Path("/verdict").write_text("good" if kept else "bad")
    run("systemctl", "--no-block", "exit", "0" if kept else "1")
