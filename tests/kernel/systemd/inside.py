"""Runs in the booted container as a service: tries the three units, prints a line for each promise, and shuts down.

Only the system's own Python is here: the product is what systemd runs. Pins are mock and the panel is emulated (`wired`
tries the real ones), but everything goes at full speed.
"""

import contextlib
import grp
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from promises import (
    COUNT,
    DEADLOCK,
    RUN,
    SIGN,
    UNITS,
    VERSIONS,
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
SOURCE = Path("/source")
SITE = Path("/etc/parking-controller/site.toml")
INSTALLED = Path("/etc/systemd/system")
BROKERS_WORD = Path("/etc/credstore/parking-controller.mqtt-password")
JOURNAL = Path("/var/lib/parking-controller/journal.sqlite")
HUB75, FAR = "parking-hub75.service", "parking-far.service"


def shown(sign: str = "entrance") -> str:
    """What a driver reads; empty: nothing, it is dark, or was not there yet."""
    with contextlib.suppress(FileNotFoundError):
        told = json.loads((RUN / f"sign-{sign}.json").read_text())
        return str(told["message"]["text"]) if told["lit"] else ""
    return ""


def lit(sign: str = "entrance") -> bool:
    return shown(sign) != ""


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
    word = BROKERS_WORD.read_text().strip()
    assert kept.read_text().strip() == word
    assert oct(kept.stat().st_mode & 0o077) == "0o0", kept.stat()
    within(40, lambda: "connected" in log_of(COUNT), "the broker takes it")
    assert word not in run("journalctl", "--no-pager", "--boot", "--output=cat")
    return "readable by count alone, the broker takes it, and it is in no log"


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
    within(10, lambda: shown() == "29")
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


@contextlib.contextmanager
def another_site(*changes: tuple[str, str]) -> Iterator[None]:
    """Let all three run on another site file meanwhile."""
    good = text = SITE.read_text()
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    try:
        SITE.write_text(text)
        said = run(str(VERSIONS / "current/bin/parking-controller"), "check", str(SITE))
        assert ": good. " in said, text
        run("systemctl", "restart", "parking-controller.target")
        yield
    finally:
        SITE.write_text(good)
        run("systemctl", "restart", "parking-controller.target")
        within(60, lambda: ready() and lit(), "it runs as before")


@contextlib.contextmanager
def drop_ins(*names: str) -> Iterator[None]:
    """Put some of the sign's drop-ins in place, as shipped."""
    folder = INSTALLED / f"{SIGN}.d"
    folder.mkdir(exist_ok=True)
    try:
        for name in names:
            shutil.copy(SOURCE / "systemd" / folder.name / name, folder)
        run("systemctl", "daemon-reload")
        yield
    finally:
        shutil.rmtree(folder)
        run("systemctl", "daemon-reload")


@contextlib.contextmanager
def started(unit: str) -> Iterator[None]:
    """Let another unit run meanwhile."""
    run("systemctl", "start", "--no-block", unit)
    try:
        yield
    finally:
        run("systemctl", "stop", unit)


def more_devices() -> str:
    """The drop-ins of a light sensor and of a WS2812 panel; neither device is here."""
    before = pid(SIGN)
    with drop_ins("bh1750.conf", "ws2812.conf"):
        run("systemctl", "restart", SIGN)
        replaced(SIGN, before, 30)
        within(20, lit, "the sign is lit")
        (line,) = (one for one in Path(f"/proc/{pid(SIGN)}/status").read_text().splitlines() if "Groups:" in one)
        groups = {grp.getgrgid(int(number)).gr_name for number in line.split()[1:]}
        assert {"gpio", "i2c", "spi", "parking"} <= groups, groups
        allowed = show(SIGN, "DeviceAllow")
        assert "char-i2c" in allowed, allowed
        assert "/dev/gpiomem" in allowed, allowed
    run("systemctl", "restart", SIGN)
    within(30, lit, "the sign is lit as shipped")
    return "the sign is lit, in groups gpio and i2c, too"


def far_sign() -> str:
    """The drop-ins of both ends of a sign elsewhere, and the real broker; the far end is a unit beside the sign's."""
    unit = (INSTALLED / SIGN).read_text().replace("/run/parking-sign", "/run/parking-far")
    folder = Path("/run/systemd/system")
    (folder / FAR).write_text(unit.replace("RuntimeDirectory=parking-sign", "RuntimeDirectory=parking-far"))
    (folder / f"{FAR}.d").mkdir()
    shutil.copy(SOURCE / "systemd" / f"{SIGN}.d" / "far.conf", folder / f"{FAR}.d")
    panel = 'name = "gate"\ndriver = "emulator"\nwidth = 64\nheight = 16\n'
    mqtt = '[mqtt]\nhost = "127.0.0.1"\nusername = "sign-gate"\n'
    (SITE.parent / "far.toml").write_text(f"{mqtt}\n[[sign]]\n{panel}")
    changes = (('"entrance"', '"gate"'), ('"emulator"\narrows = "right"', '"mqtt"'))
    with drop_ins("mqtt.conf"), another_site(*changes), started(FAR):
        took = within(60, lambda: lit("gate"), "the far sign is lit")
        before, ends = pid(FAR), watchdog_ends(FAR)
        os.kill(before, signal.SIGSTOP)
        replaced(FAR, before, 30)
        assert watchdog_ends(FAR) == ends + 1
        within(30, lambda: lit("gate"), "it is lit again")
        assert "Control process exited" not in log_of(FAR), "ExecStopPost failed"
        run("systemctl", "stop", "mosquitto")
        dark = within(10, lambda: not lit("gate"), "it is dark without a broker")
        within(10, lambda: log_of(FAR).count("sign gate: nothing fresh came") > 0, "the far end says so, too")
        run("systemctl", "start", "mosquitto")
        back = within(60, lambda: lit("gate"), "it is lit again")
    return (
        f"lit {took:.1f} s after its start, again after its watchdog's end; "
        f"broker stopped: dark after {dark:.1f} s, lit {back:.1f} s after its start"
    )


def hub75() -> str:
    """The unit that draws a HUB75 panel as root, with a stand-in for the GPL library."""
    python = Path("/opt/rgbmatrix/bin/python")
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text('#!/bin/sh\nPYTHONPATH=/source/tests/sign/fake_hub75 exec /usr/bin/python3 "$@"\n')
    python.chmod(0o755)
    shutil.copy(SOURCE / "systemd" / "optional" / HUB75, INSTALLED)
    run("systemctl", "daemon-reload")
    options = 'rows = 32, cols = 64, chain = 2, mapping = "adafruit-hat-pwm", slowdown = 4'
    panel = f'driver = "hub75"\nhub75 = {{ {options} }}\n'
    size = ("width = 64\nheight = 16", "width = 128\nheight = 32")
    pins = (("gpio = 17", "gpio = 14"), ("gpio = 27", "gpio = 19"))
    with another_site(('driver = "emulator"\narrows = "right"\n', panel), size, *pins), started(HUB75):
        took = within(60, lit, "the panel is lit")
        before = pid(HUB75)
        os.kill(before, signal.SIGSTOP)
        replaced(HUB75, before, 30)
        assert watchdog_ends(HUB75) == 1
        again = within(30, lambda: log_of(HUB75).count(" lit") >= 2, "it is lit again")
        assert "wrong " not in log_of(HUB75), "the library is not used as it wants to be"
    (INSTALLED / HUB75).unlink()
    return f"lit {took:.1f} s after its start, and {again:.1f} s after its watchdog's end"


def journalled() -> tuple[int, int]:
    """The journal's file, and its newest entry."""
    with contextlib.closing(sqlite3.connect(f"{JOURNAL.as_uri()}?mode=ro", uri=True)) as db:
        (newest,) = db.execute("SELECT max(id) FROM input").fetchone()
    return JOURNAL.stat().st_ino, int(newest)


def upgrade(source: str) -> tuple[int, str, set[str], float]:
    """Run the shipped script, live; return its code and words, all that the sign showed meanwhile, and how long."""
    began, seen = time.monotonic(), set[str]()
    command = [f"{source}/deploy/upgrade.sh", "--hardware", "yes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as script:
        while script.poll() is None:
            with contextlib.suppress(ValueError):
                seen.add(shown())
            time.sleep(0.02)
        said = script.stdout.read() if script.stdout else ""
    return script.returncode, said, seen, time.monotonic() - began


def upgraded() -> str:
    before, number, old = journalled(), shown(), (VERSIONS / "current").readlink()
    code, said, seen, took = upgrade("/source")
    assert code == 0, said
    assert (VERSIONS / "current").readlink() != old, said
    assert (VERSIONS / "previous").readlink() == old, said
    within(30, lambda: shown() == number, f"the sign says {number} again")
    assert seen <= {number, ""}, seen
    assert (journalled()[0], journalled()[1] >= before[1]) == (before[0], True), (before, journalled())
    return f"in {took:.0f} s; the same journal, and the sign said {number}, or was dark, and nothing else"


def upgrade_that_fails() -> str:
    before, number, old = journalled(), shown(), (VERSIONS / "current").readlink()
    code, said, seen, took = upgrade("/broken")
    assert code == 1, said
    assert "was not taken" in said, said
    assert "this version is broken" in said, said
    assert (VERSIONS / "current").readlink() == old, said
    within(30, lambda: shown() == number, f"the sign says {number} again")
    assert "" in seen, "nothing counted, and the sign was lit"
    assert seen <= {number, ""}, seen
    assert (journalled()[0], journalled()[1] >= before[1]) == (before[0], True), (before, journalled())
    return (
        f"back by itself in {took:.0f} s; the same journal, and the sign said {number}, or was dark, and nothing else"
    )


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
    ("another version is upgraded to", upgraded),
    ("an upgrade to a version that does not run", upgrade_that_fails),
    ("the drop-ins for a light sensor and a WS2812 panel", more_devices),
    ("the drop-ins for a sign on another machine", far_sign),
    ("the unit for a HUB75 panel", hub75),
    ("services that fail again and again are started again and again", never_gives_up(12)),
)

if __name__ == "__main__":
    kept = keep(PROMISES)
    Path("/verdict").write_text("good" if kept else "bad")
    run("systemctl", "--no-block", "exit", "0" if kept else "1")
