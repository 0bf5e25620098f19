"""Runs in the booted container as a service: tries the three units, prints a line for each promise, and shuts down.

Only the system's own Python is here: the product is what systemd runs.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

COUNT, SIGN, WEB = UNITS = ("parking-count.service", "parking-sign.service", "parking-web.service")
RUN = Path("/run/parking-controller")
LIMITS = {COUNT: 1.4, SIGN: 1.6, WEB: 1.4}
failed: list[str] = []


def ctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def show(unit: str, what: str) -> str:
    return ctl("show", "--value", f"--property={what}", unit)


def pid(unit: str) -> int:
    return int(show(unit, "MainPID"))


def within(seconds: float, condition: Callable[[], object]) -> float:
    """Wait for a condition; return how long it took (s)."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - began


def promise(text: str, check: Callable[[], str | None]) -> None:
    try:
        told = check()
    except Exception as error:  # noqa: BLE001  the next one is to be tried, too
        failed.append(text)
        print(f"  FAILED  {text}: {error!r}")
    else:
        print(f"  good    {text}{f': {told}' if told else ''}")


def lit() -> bool:
    shown = json.loads((RUN / "sign-entrance.json").read_text())
    return bool(shown["lit"])


def ready() -> bool:
    return all(show(unit, "SubState") == "running" for unit in UNITS)


def all_ready() -> str:
    took = within(90, ready)
    types = {show(unit, "Type") for unit in UNITS}
    assert types == {"notify"}, types
    within(20, lit)
    return f"{took:.1f} s after the test began, and the sign is lit"


def hung(unit: str, limit_s: float) -> Callable[[], str]:
    def check() -> str:
        before, restarts = pid(unit), int(show(unit, "NRestarts"))
        os.kill(before, signal.SIGSTOP)
        dark = within(8, lambda: not lit()) if unit == COUNT else None
        took = within(limit_s, lambda: pid(unit) not in {0, before} and show(unit, "SubState") == "running")
        assert int(show(unit, "NRestarts")) > restarts
        within(30, lit)
        said = "" if dark is None else f"the sign was dark after {dark:.1f} s, "
        return f"{said}another process ran after {took:.1f} s"

    return check


def never_gives_up() -> str:
    before = int(show(WEB, "NRestarts"))
    for _ in range(12):
        within(30, lambda: pid(WEB) != 0)
        os.kill(pid(WEB), signal.SIGKILL)
        within(30, lambda: show(WEB, "SubState") != "running" or pid(WEB) == 0)
    within(60, ready)
    assert int(show(WEB, "NRestarts")) >= before + 12
    return "12 times killed, 12 times back"


def dark_when_stopped() -> str:
    before = int(show(SIGN, "ExecMainExitTimestampMonotonic") or 0)
    os.kill(pid(SIGN), signal.SIGKILL)
    within(20, lambda: int(show(SIGN, "ExecMainExitTimestampMonotonic") or 0) != before)
    within(20, lambda: show(SIGN, "SubState") == "running")
    log = subprocess.run(
        ["journalctl", "--no-pager", "--output=cat", f"--unit={SIGN}"], capture_output=True, text=True, check=False
    ).stdout
    assert "Control process exited" not in log, "ExecStopPost failed"
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
    log = subprocess.run(
        ["journalctl", "--no-pager", "--output=cat"], capture_output=True, text=True, check=False
    ).stdout
    assert "a-secret-of-the-test" not in log
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
        ctl("restart", unit)
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


PROMISES: tuple[tuple[str, Callable[[], str | None]], ...] = (
    ("the units are clean for systemd-analyze verify", verified),
    *((f"{unit} is shut in", hardened(unit)) for unit in UNITS),
    ("all three say that they are ready", all_ready),
    ("a car at the pins changes the sign", pins_answer),
    ("folders have their owners", directories),
    ("the broker's password comes as a credential", credential),
    ("descriptors can be left with systemd", store),
    ("a count that hangs is ended by its watchdog", hung(COUNT, 40)),
    ("a sign that hangs is ended by its watchdog", hung(SIGN, 30)),
    ("a sign that is killed is followed by ExecStopPost", dark_when_stopped),
    ("web and sign can be restarted without count", count_survives_web_and_sign),
    ("a service that fails again and again is started again and again", never_gives_up),
)


def main() -> None:
    for text, check in PROMISES:
        promise(text, check)
    print(f"  {len(PROMISES) - len(failed)} of {len(PROMISES)} promises kept")
    Path("/verdict").write_text("bad" if failed else "good")
    subprocess.run(["systemctl", "--no-block", "exit", "1" if failed else "0"], check=False)


if __name__ == "__main__":
    main()
