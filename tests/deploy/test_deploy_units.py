"""The shipped systemd units, judged by systemd itself."""

import configparser
import itertools
import re
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SYSTEMD = REPO / "systemd"
PROGRAM = "/opt/parking-controller/current/bin/parking-controller"
MOST_EXPOSED = {"parking-count.service": 1.4, "parking-sign.service": 1.6, "parking-web.service": 1.4}


def keys(unit: str, section: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current = ""
    for line in (SYSTEMD / unit).read_text().splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        elif current == section and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    for unit in [*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.target"), *SYSTEMD.glob("optional/*.service")]:
        # The program is not installed where the tests run; everything else is as shipped.
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


@pytest.mark.parametrize("drop_in", sorted(SYSTEMD.glob("*.service.d/*.conf")), ids=lambda path: path.name)
def test_systemd_takes_each_drop_in(tmp_path: Path, drop_in: Path) -> None:
    unit = drop_in.parent.name.removesuffix(".d")
    (tmp_path / unit).write_text((SYSTEMD / unit).read_text().replace(PROGRAM, "/bin/true"))
    folder = tmp_path / drop_in.parent.name
    folder.mkdir()
    (folder / drop_in.name).write_text(drop_in.read_text().replace(PROGRAM, "/bin/true"))
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_a_far_sign_is_darkened_by_its_own_file() -> None:
    lines = (SYSTEMD / "parking-sign.service.d" / "far.conf").read_text().splitlines()
    start, stop_post = (line for line in lines if line.startswith("Exec") and "=/" in line)
    assert start == f"ExecStart={PROGRAM} sign far /etc/parking-controller/far.toml"
    assert stop_post == f"ExecStopPost={PROGRAM} sign dark /etc/parking-controller/far.toml"


def judged(folder: Path, unit: str, *drop_ins: Path) -> tuple[float, str]:
    """Return how exposed systemd takes a unit with these drop-ins to be (0-10), and all that it says."""
    text, _, install = (SYSTEMD / unit).read_text().partition("[Install]")
    merged = folder / Path(unit).name
    merged.write_text("\n".join([text, *(each.read_text() for each in drop_ins), f"[Install]{install}"]))
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(merged)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    level = re.search(r"Overall exposure level for .*: ([0-9.]+)", said)
    assert level is not None, said
    return float(level[1]), said


@pytest.mark.parametrize("unit", MOST_EXPOSED)
def test_unit_is_hardened(unit: str, tmp_path: Path) -> None:
    level, said = judged(tmp_path, unit)
    assert level <= MOST_EXPOSED[unit], said


CLOCK = SYSTEMD / "any-clock.conf"
ON_THE_SIGN = sorted((SYSTEMD / "parking-sign.service.d").glob("*.conf"))


def test_the_sign_stays_shut_in_with_every_set_of_drop_ins(tmp_path: Path) -> None:
    found = {}
    for number in range(len(ON_THE_SIGN) + 2):
        for drop_ins in itertools.combinations([*ON_THE_SIGN, CLOCK], number):
            names = {each.stem for each in drop_ins}
            if not {"far", "mqtt"} <= names:  # one is for the machine of the sign, the other for the controller
                found[frozenset(names)] = judged(tmp_path, "parking-sign.service", *drop_ins)[0]
    assert len(found) == 24
    assert max(found.values()) <= MOST_EXPOSED["parking-sign.service"], found


def test_count_and_web_with_their_drop_ins_and_the_panel_of_root(tmp_path: Path) -> None:
    alarms = SYSTEMD / "parking-web.service.d" / "alarms.conf"
    assert judged(tmp_path, "parking-web.service", alarms)[0] <= MOST_EXPOSED["parking-web.service"]
    # Over 1.4: who lets it ask the kernel for the clock has systemd believe that it may set it, too.
    assert judged(tmp_path, "parking-count.service", CLOCK)[0] <= 1.6
    assert judged(tmp_path, "optional/parking-hub75.service")[0] <= 2.9


@pytest.mark.parametrize("unit", MOST_EXPOSED)
def test_unit_never_gives_up_and_is_watched(unit: str) -> None:
    service = keys(unit, "Service")
    assert keys(unit, "Unit")["StartLimitIntervalSec"] == ["0"]
    assert service["Restart"] == ["always"]
    assert service["Type"] == ["notify"]
    assert 0 < int(service["WatchdogSec"][0]) <= 30


@pytest.mark.parametrize("unit", ["parking-count.service", "parking-sign.service"])
def test_a_unit_may_ask_whether_the_clock_is_right_only_with_its_drop_in_and_never_set_it(
    unit: str, tmp_path: Path
) -> None:
    """As shipped it looks at systemd-timesyncd's mark; see ``clocks.synchronised``."""
    for drop_ins, may_ask in (((), False), ((CLOCK,), True)):
        _, said = judged(tmp_path, unit, *drop_ins)
        assert ("adjtimex is allowed" in said) is may_ask
        assert re.search(r"✗ +ProtectClock=", said) is None or may_ask
        assert "✓ CapabilityBoundingSet=~CAP_SYS_TIME" in re.sub(" +", " ", said)
    assert unit.removesuffix(".service") in CLOCK.read_text()


def test_each_process_has_its_own_user_and_devices_only() -> None:
    services = {unit: keys(unit, "Service") for unit in MOST_EXPOSED}
    assert len({service["User"][0] for service in services.values()}) == 3
    assert services["parking-count.service"]["DeviceAllow"] == ["char-gpiochip rw"]
    assert services["parking-sign.service"]["DeviceAllow"] == ["char-spi rw"]
    assert services["parking-sign.service"]["PrivateNetwork"] == ["yes"]
    assert services["parking-web.service"]["PrivateDevices"] == ["yes"]


def test_every_user_and_group_of_the_units_is_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", str(SYSTEMD / "parking-controller.sysusers")],
        check=True,
        capture_output=True,
    )
    users = {line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    groups = {line.split(":")[0] for line in (tmp_path / "etc/group").read_text().splitlines()}
    for unit in MOST_EXPOSED:
        service = keys(unit, "Service")
        assert set(service["User"]) <= users
        assert {*service["Group"], *service["SupplementaryGroups"][0].split()} <= groups
    for drop_in in ON_THE_SIGN:
        wanted = keys(f"parking-sign.service.d/{drop_in.name}", "Service").get("SupplementaryGroups", [])
        assert set(wanted) <= groups, drop_in


def test_the_watchdog_drop_in_waits_no_longer_than_the_board_can() -> None:
    drop_in = configparser.ConfigParser()
    drop_in.optionxform = str  # type: ignore[assignment,method-assign]  # keep the keys' case
    drop_in.read(REPO / "firmware_config" / "watchdog.conf")
    assert int(drop_in["Manager"]["RuntimeWatchdogSec"]) <= 15  # the BCM2835's timer ends at 16 s


def test_what_runs_as_root_has_no_network_and_few_rights() -> None:
    service = keys("optional/parking-hub75.service", "Service")
    assert "User" not in service
    assert service["PrivateNetwork"] == ["yes"]
    assert service["CapabilityBoundingSet"] == ["CAP_SYS_RAWIO CAP_SYS_NICE"]
    assert (service["Group"], service["RuntimeDirectory"]) == (["parking"], ["parking-hub75"])
    assert 0 < int(service["WatchdogSec"][0]) <= 3
