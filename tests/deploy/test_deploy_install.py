"""deploy/install.sh and rollback.sh, run for real into a tree of their own."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SOURCES = ("controller", "deploy", "firmware_config", "systemd", "pyproject.toml", "README.md", "LICENSE")

pytestmark = pytest.mark.timeout(400)  # one real installation, with its packages


def do(script: str, *arguments: str, source: Path = REPO) -> "subprocess.CompletedProcess[str]":
    command = [str(source / "deploy" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the source tree: what the installed version is named after must not change meanwhile."""
    copy = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (REPO / name).is_dir():
            shutil.copytree(REPO / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(REPO / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    run = do("install.sh", "--root", str(root), "--hardware", "no", source=source)
    assert run.returncode == 0, run.stdout + run.stderr
    return root


def version_at(root: Path, link: str) -> str:
    return str((root / "opt/parking-controller" / link).readlink())


def test_a_dry_run_tells_all_and_changes_nothing(tmp_path: Path) -> None:
    run = do("install.sh", "--dry-run", "--root", str(tmp_path), "--hardware", "yes")
    assert run.returncode == 0, run.stderr
    for said in ("-m venv", "--require-hashes -r", "pi.txt", "site.toml", "systemd-sysusers", "enable"):
        assert said in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_installed_program_runs_from_its_own_environment(installed: Path) -> None:
    program = installed / "opt/parking-controller/current/bin/parking-controller"
    run = subprocess.run(
        [str(program), "check", str(installed / "etc/parking-controller/site.toml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=installed,
    )
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{8}", version_at(installed, "current"))


def test_units_users_and_device_rules_are_in_place_and_enabled(installed: Path) -> None:
    units = installed / "etc/systemd/system"
    assert (units / "multi-user.target.wants/parking-controller.target").is_symlink()
    for name in ("count", "sign", "web"):
        assert (units / f"parking-{name}.service").is_file()
        assert (units / f"parking-controller.target.wants/parking-{name}.service").is_symlink()
        assert f"parking-{name}:" in (installed / "etc/passwd").read_text()
    for path in ("etc/udev/rules.d/99-parking.rules", "etc/tmpfiles.d/parking-controller.conf"):
        assert (installed / path).is_file()


def test_the_brokers_password_is_made_here_and_never_said(source: Path, installed: Path) -> None:
    secret = installed / "etc/credstore/parking-controller.mqtt-password"
    password = secret.read_text()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(password) == 32
    hashed = (installed / "etc/mosquitto/parking.passwd").read_text()
    assert hashed.startswith("parking-controller:$7$")
    assert password not in hashed
    again = do("install.sh", "--root", str(installed), "--hardware", "no", source=source)
    assert secret.read_text() == password
    assert password not in again.stdout + again.stderr


def test_running_it_again_builds_nothing_and_keeps_the_site_file(source: Path, installed: Path) -> None:
    site = installed / "etc/parking-controller/site.toml"
    site.write_text(site.read_text().replace("capacity = 40", "capacity = 41"))
    before = version_at(installed, "current")
    run = do("install.sh", "--root", str(installed), "--hardware", "no", source=source)
    assert run.returncode == 0, run.stderr
    assert "is built already" in run.stdout
    assert "/etc/parking-controller/site.toml: yours, left as it is" in run.stdout
    assert "capacity = 41" in site.read_text()
    assert version_at(installed, "current") == before


def test_a_faulty_site_file_stops_it_before_anything_is_switched(source: Path, installed: Path) -> None:
    site, current = installed / "etc/parking-controller/site.toml", installed / "opt/parking-controller/current"
    good, target = site.read_text(), current.readlink()
    site.write_text(good.replace("reopen_at", "reopen_att"))
    current.unlink()
    try:
        run = do("install.sh", "--root", str(installed), "--hardware", "no", source=source)
        assert run.returncode == 1
        assert "reopen_att" in run.stderr
        assert not current.is_symlink()
    finally:
        site.write_text(good)
        current.symlink_to(target)


def test_roll_back_switches_program_and_units_and_back_again(installed: Path) -> None:
    versions = installed / "opt/parking-controller"
    newest = version_at(installed, "current")
    old = versions / "0.0.9-00000000"
    shutil.copytree(versions / newest / "share", old / "share")
    unit = old / "share/parking-controller/systemd/parking-count.service"
    unit.write_text(unit.read_text().replace("WatchdogSec=10", "WatchdogSec=9"))
    (old / ".complete").touch()

    run = do("rollback.sh", old.name, "--root", str(installed))
    assert run.returncode == 0, run.stderr
    assert (version_at(installed, "current"), version_at(installed, "previous")) == (old.name, newest)
    active = installed / "etc/systemd/system/parking-count.service"
    assert "WatchdogSec=9\n" in active.read_text()

    run = do("rollback.sh", "--root", str(installed))
    assert run.returncode == 0, run.stderr
    assert (version_at(installed, "current"), version_at(installed, "previous")) == (newest, old.name)
    assert "WatchdogSec=10\n" in active.read_text()

    listed = do("rollback.sh", "--list", "--root", str(installed)).stdout.splitlines()
    assert sorted(listed) == sorted([f"{newest}  runs now", f"{old.name}  ran before"])


def test_roll_back_to_what_is_not_there_changes_nothing(installed: Path) -> None:
    before = version_at(installed, "current")
    run = do("rollback.sh", "9.9.9-ffffffff", "--root", str(installed))
    assert run.returncode == 1
    assert "not installed" in run.stderr
    assert version_at(installed, "current") == before


def test_upgrade_wants_something_installed(tmp_path: Path) -> None:
    run = do("upgrade.sh", "--root", str(tmp_path))
    assert run.returncode == 1
    assert "install.sh" in run.stderr


def test_a_machine_for_a_sign_elsewhere_has_the_signs_unit_alone_and_remembers_it(
    source: Path, installed: Path, tmp_path: Path
) -> None:
    for name in ("opt", "etc"):
        shutil.copytree(installed / name, tmp_path / name, symlinks=True)
    units = tmp_path / "etc/systemd/system"
    for flag in ("--far", "--no-start"):  # the second time it knows
        run = do("install.sh", "--root", str(tmp_path), "--hardware", "no", flag, source=source)
        assert run.returncode == 0, run.stdout + run.stderr
        assert sorted(path.name for path in units.glob("parking-*.service")) == ["parking-sign.service"]
        wanted = units / "parking-controller.target.wants"
        assert [path.name for path in wanted.iterdir()] == ["parking-sign.service"]
        assert "sign far /etc/parking-controller/far.toml" in (units / "parking-sign.service.d/far.conf").read_text()
        assert (tmp_path / "etc/parking-controller/far.toml").is_file()


def test_the_boot_configuration_is_taken_in_once(source: Path, installed: Path) -> None:
    boot = installed / "boot/firmware"
    boot.mkdir(parents=True)
    (boot / "config.txt").write_text("dtparam=spi=off\n")
    options = ("--root", str(installed), "--hardware", "no")
    do("install.sh", *options, source=source)
    assert (boot / "config.txt").read_text() == "dtparam=spi=off\n", "only when asked"
    for _ in range(2):
        do("install.sh", *options, "--boot-config", source=source)
    assert (boot / "config.txt").read_text().count("include parking.txt") == 1
    assert (boot / "parking.txt").read_text() == (source / "firmware_config/config.txt.fragment").read_text()
