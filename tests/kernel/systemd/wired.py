"""Runs in the booted guest as a service: the units as shipped, on the kernel's own GPIO lines and SPI bus.

It reads the sign from the bus alone, through the register model. With the product's own Python, for the model's sake.
"""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernel_wires import TAPE, Panel, Wires, drive, pause
from link_client import LinkClient
from promises import (
    COUNT,
    DEADLOCK,
    RUN,
    SIGN,
    STUCK_THREAD,
    VERSIONS,
    WEB,
    keep,
    pid,
    ready,
    replaced,
    run,
    runs,
    show,
    since,
    watchdog_ends,
    within,
)

from controller.link import default_address

OUTER, INNER = 17, 27
wires, panel = Wires(), Panel(64, 16)


def state() -> dict[str, Any]:
    with LinkClient(default_address(RUN)) as link:
        return link.state()


def free() -> tuple[int, int]:
    """From how many to how many spaces are free, as count says."""
    zone = state()["lot"]["zones"][0]
    return zone["low"], zone["high"]


def shows(number: int, limit_s: float = 30) -> None:
    within(limit_s, lambda: panel.reads() == str(number), f"the LEDs read {number}, not {panel.reads()}")
    assert free() == (number, number), f"the LEDs read {number}, count says {free()}"


def descriptors(unit: str) -> list[str]:
    found = []
    for entry in Path(f"/proc/{pid(unit)}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(entry.readlink()))
    return found


def real_devices() -> str:
    def settled() -> bool:
        """Until udev has given them away, the devices are root's alone: a start or two may fail."""
        assert int(show(COUNT, "NRestarts")) < 5, "count can't be started"
        return ready()

    took = within(300, settled, "all three are ready")
    within(60, lambda: panel.reads() == "30", "the LEDs read 30")
    assert state()["inputs"]["gpio"]["factory"] == "kernel"
    lines = [found for found in descriptors(COUNT) if "gpio-line" in found]
    assert len(lines) == 2, descriptors(COUNT)
    assert "/dev/spidev0.0" in descriptors(SIGN), descriptors(SIGN)
    assert 0 not in {Path(f"/proc/{pid(unit)}").stat().st_uid for unit in (COUNT, SIGN, WEB)}
    chip = Path("/dev/gpiochip0")
    assert (chip.group(), oct(chip.stat().st_mode & 0o777)) == ("gpio", "0o660")
    return f"{took:.0f} s after the test began; users of their own, udev gave the devices to groups gpio and spi"


def opens(unit: str, device: str) -> bool:
    """Whether root itself, in the service's control group, may open a device: that is DeviceAllow's to say."""
    child = os.fork()
    if child == 0:
        try:
            Path(f"/sys/fs/cgroup/system.slice/{unit}/cgroup.procs").write_text(str(os.getpid()))
            os.close(os.open(device, os.O_RDWR))
        except PermissionError:
            os._exit(13)
        except BaseException:  # noqa: BLE001  a child must not come back from here
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 13}, f"{unit} {device}: {code}"
    return code == 0


def devices_closed() -> str:
    found = {
        (unit, device): opens(unit, device)
        for unit in (COUNT, SIGN, WEB)
        for device in ("/dev/gpiochip0", "/dev/spidev0.0", "/dev/mem")
    }
    allowed = {key for key, yes in found.items() if yes}
    assert allowed == {(COUNT, "/dev/gpiochip0"), (SIGN, "/dev/spidev0.0")}, allowed
    return "count gpiochip0, sign spidev0.0, each nothing else; web neither"


def car() -> str:
    drive(wires, OUTER, INNER)
    shows(29)
    assert show(COUNT, "NFileDescriptorStore") == "3", show(COUNT, "NFileDescriptorStore")
    return "the LEDs read 29; two lines and their memory lie in systemd's store"


def unattended(before: int, end: Callable[[], object]) -> float:
    """Half a car, then count is gone; the other half and one more car. Return how long nobody was there (s)."""
    first = panel.reads()
    wires.set(OUTER, False)
    pause(0.3)
    end()
    within(20, lambda: pid(COUNT) != before, "the old process is gone")
    gone = time.monotonic()
    for gpio, high in ((INNER, False), (OUTER, True), (INNER, True)):
        wires.set(gpio, high)
        pause(0.2)
    pause(0.4)
    drive(wires, OUTER, INNER)
    last = time.monotonic()
    within(180, lambda: pid(COUNT) not in {0, before} and runs(COUNT), "count runs again")
    assert since(COUNT, "ActiveEnter") > last, "count was back before the last change: nothing was shown"
    shows(int(first) - 2, 60)
    return since(COUNT, "ActiveEnter") - gone


def killed() -> str:
    before = pid(COUNT)
    took = unattended(before, lambda: os.kill(before, signal.SIGKILL))
    return f"nobody there for {took:.1f} s; both cars are counted, low = high"


def restarted() -> str:
    before = pid(COUNT)
    command = ("systemctl", "restart", COUNT)
    done: list[subprocess.Popen[bytes]] = []
    took = unattended(before, lambda: done.append(subprocess.Popen(command)))
    assert done[0].wait(60) == 0
    return f"nobody there for {took:.1f} s; both cars are counted, low = high"


def upgraded() -> str:
    """To this version, from the older one that booted; it was built beforehand."""
    return switched("/source/deploy/upgrade.sh", "--no-broker", "--hardware", "yes")


def rolled_back() -> str:
    return switched(str(VERSIONS / "current/share/parking-controller/deploy/rollback.sh"))


def switched(*command: str) -> str:
    """Another version by a shipped script."""
    before, version = pid(COUNT), (VERSIONS / "current").readlink()
    done: list[subprocess.Popen[str]] = []

    def end() -> None:
        done.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        within(240, lambda: pid(COUNT) != before, "the old version ends")

    took = unattended(before, end)
    said, _ = done[0].communicate(timeout=200)
    assert done[0].returncode == 0, said
    assert (VERSIONS / "current").readlink() != version
    return f"in place of {version}, nobody there for {took:.1f} s; both cars are counted, low = high"


def count_hangs(number: int, dark_limit_s: float) -> Callable[[], str]:
    """A car passes while it hangs."""

    def check() -> str:
        ends = watchdog_ends(COUNT)
        before, first, began = pid(COUNT), int(panel.reads()), time.monotonic()
        os.kill(before, number)
        drive(wires, OUTER, INNER)
        within(dark_limit_s + 5, lambda: panel.dark_since(began) is not None, "the LEDs are dark")
        dark = (panel.dark_since(began) or 0.0) - began
        replaced(COUNT, before, 120)
        took = since(COUNT, "ActiveEnter") - began
        assert dark < dark_limit_s, f"dark after {dark:.1f} s only"
        assert watchdog_ends(COUNT) == ends + 1
        shows(first - 1, 60)
        return f"LEDs dark after {dark:.1f} s, counted on after {took:.1f} s, the car that passed meanwhile, too"

    return check


def sign_dies(hurt: Callable[[int], object], limit_s: float) -> Callable[[], str]:
    """Dark before the next process is started: by nobody but ExecStopPost."""

    def check() -> str:
        before, first, began = pid(SIGN), panel.reads(), time.monotonic()
        hurt(before)
        replaced(SIGN, before, 120)
        dark, started = panel.dark_since(began), since(SIGN, "ExecMainStart")
        assert dark is not None, "the LEDs never became dark"
        assert dark < started, (
            f"dark {dark - began:.1f} s after, but the next process began {started - began:.1f} s after"
        )
        assert dark - began < limit_s, f"dark after {dark - began:.1f} s only"
        shows(int(first), 60)
        lit = panel.history()[-1][0] - began
        return f"LEDs dark after {dark - began:.1f} s, right again after {lit:.1f} s"

    return check


def block_the_bus(_: int) -> None:
    (TAPE / "stall_ms").write_text("6000")


def chip_vanishes() -> str:
    before, first = pid(COUNT), panel.reads()
    wires.unplug()
    within(30, lambda: len(state()["lot"]["faults"]) == 2, "both loops are at fault")
    within(30, lambda: panel.reads() == "dark", f"the LEDs are dark, and don't read {first}: nothing counts")
    wires.plug()
    for gpio in (OUTER, INNER):
        wires.set(gpio, True)
    within(30, lambda: not state()["lot"]["faults"], "both work again")
    counted = state()["lot"]["zones"][0]["counted"]
    drive(wires, OUTER, INNER)
    within(30, lambda: state()["lot"]["zones"][0]["counted"] == counted + 1, "cars are counted again")
    within(30, lambda: show(COUNT, "NFileDescriptorStore") == "3", "the new lines lie in the store")
    assert pid(COUNT) == before
    return "dark meanwhile; the same process counts again, on a chip that udev gave it anew"


def more_devices() -> str:
    """The drop-ins for a light sensor, on a bus of the kernel's own stub, and for a WS2812 panel, made up.

    The sensor answers nothing that makes sense (the stub speaks SMBus only), which the sign must not mind.
    """
    i2c, gpiomem, site = Path("/dev/i2c-0"), Path("/dev/gpiomem"), Path("/etc/parking-controller/site.toml")
    assert (i2c.group(), oct(i2c.stat().st_mode & 0o777)) == ("i2c", "0o660")
    os.mknod(gpiomem, stat.S_IFCHR | 0o660, os.makedev(1, 1))
    assert not opens(SIGN, str(i2c)), "as shipped"
    assert not opens(SIGN, str(gpiomem)), "as shipped"
    before, text, folder = panel.reads(), site.read_text(), Path(f"/etc/systemd/system/{SIGN}.d")
    shipped = VERSIONS / "current/share/parking-controller/systemd" / folder.name
    victim = pid(SIGN)
    try:
        folder.mkdir()
        for name in ("bh1750.conf", "ws2812.conf"):
            shutil.copy(shipped / name, folder)
        dimmed = text.replace("height = 16\n", "height = 16\nbrightness_at_night = 1\n")
        site.write_text(f"{dimmed}\n[light]\ni2c = 0\n")
        said = run(str(VERSIONS / "current/bin/parking-controller"), "check", str(site))
        assert ": good. " in said, dimmed
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", SIGN)
        replaced(SIGN, victim, 120)
        within(60, lambda: str(i2c) in descriptors(SIGN), "the sign has opened the bus of the light sensor")
        shows(int(before), 60)
        allowed = [
            device for device in (str(i2c), str(gpiomem), "/dev/spidev0.0", "/dev/gpiochip0") if opens(SIGN, device)
        ]
        assert allowed == [str(i2c), str(gpiomem), "/dev/spidev0.0"], allowed
    finally:
        site.write_text(text)
        shutil.rmtree(folder)
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", SIGN)
    within(120, lambda: runs(SIGN), "the sign runs as shipped")
    return f"the sign reads {before}, has {i2c} open, may open {gpiomem}, and still not the GPIO chip"


PROMISES = (
    ("ready, on real devices", real_devices),
    ("no other devices", devices_closed),
    ("the drop-ins for a light sensor and a WS2812 panel", more_devices),
    ("a car on the wires changes the LEDs", car),
    ("count is killed with half a car on the loops", killed),
    ("count is restarted with half a car on the loops", restarted),
    ("another version is upgraded to with half a car on the loops", upgraded),
    ("the one before is gone back to with half a car on the loops", rolled_back),
    ("count is stopped in its tracks", count_hangs(signal.SIGSTOP, 5)),
    ("count's loop is deadlocked", count_hangs(DEADLOCK, 5)),
    ("count's GPIO thread is stuck", count_hangs(STUCK_THREAD, 12)),
    ("sign is killed", sign_dies(lambda victim: os.kill(victim, signal.SIGKILL), 5)),
    ("sign is stopped in its tracks", sign_dies(lambda victim: os.kill(victim, signal.SIGSTOP), 8)),
    ("sign's loop is deadlocked", sign_dies(lambda victim: os.kill(victim, DEADLOCK), 8)),
    ("a transfer hangs in the SPI driver for 6 s", sign_dies(block_the_bus, 12)),
    ("the GPIO chip vanishes and returns", chip_vanishes),
)

if __name__ == "__main__":
    for line in (OUTER, INNER):
        wires.set(line, True)
    code = 0 if keep(PROMISES) else 1
    print(f"guest: exit code {code}", flush=True)
    run("systemctl", "poweroff", "--force", "--force")
