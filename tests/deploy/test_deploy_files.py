"""What is shipped beside the code agrees with itself: scripts, lock files, pins, topics."""

import dataclasses
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from fixtures_site import LANE_SITE

from controller.site import load
from controller.site_far import load_far

REPO = Path(__file__).parents[2]
LOCKS = sorted((REPO / "deploy" / "requirements").glob("*.txt"))
REQUIREMENT = re.compile(r"^([a-z0-9._-]+)==(\S+)")


def test_scripts_are_clean_shell() -> None:
    scripts = [*(REPO / "deploy").glob("*.sh"), *(REPO / "tests" / "kernel").rglob("*.sh"), REPO / ".ci" / "run"]
    run = subprocess.run(
        ["shellcheck", "--external-sources", *map(str, scripts)], capture_output=True, text=True, check=False, cwd=REPO
    )
    assert run.returncode == 0, run.stdout + run.stderr


def requirements(lock: Path) -> dict[str, str]:
    found = [REQUIREMENT.match(line) for line in lock.read_text().splitlines()]
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_locked_package_has_hashes_and_no_address(lock: Path) -> None:
    text = re.sub(r"\\\n\s*", "", lock.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if "--hash=sha256:" not in line] == []
    assert "://" not in text
    assert "index-url" not in text


def test_the_lock_files_agree_on_every_version() -> None:
    assert [lock.stem for lock in LOCKS] == ["accuracy", "axe", "build", "check", "demo", "pi", "run", "test"]
    agreed: dict[str, str] = {}
    for lock in LOCKS:
        for name, version in requirements(lock).items():
            assert agreed.setdefault(name, version) == version, f"{lock.name}: {name}"


def test_the_lock_holds_everything_that_the_product_asks_for() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    asked = {
        "build": project["build-system"]["requires"],
        "run": project["project"]["dependencies"],
        "demo": extras["demo"],
        "pi": extras["pi"],
        "test": groups["test"],
        "check": groups["check"],
        "axe": groups["axe"],
    }
    for stem, wanted in asked.items():
        locked = requirements(REPO / "deploy" / "requirements" / f"{stem}.txt")
        for requirement in wanted:
            name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
            assert re.sub(r"[._-]+", "-", name).lower() in locked, f"{stem}: {requirement}; run make lock"


def test_the_example_site_file_is_good_and_its_pins_are_safe_at_boot() -> None:
    site = load(REPO / "deploy" / "site.example.toml")
    pins = {pin.gpio for pin in site.pins}
    fragment = (REPO / "firmware_config" / "config.txt.fragment").read_text()
    safe = re.search(r"^gpio=([\d,]+)=ip,pu$", fragment, re.MULTILINE)
    assert safe is not None
    assert pins == {int(pin) for pin in safe[1].split(",")}


def test_the_keys_that_the_example_only_shows_are_good_and_show_the_defaults(tmp_path: Path) -> None:
    text = (REPO / "deploy" / "site.example.toml").read_text()
    # Every commented "key = value" becomes a real one; but the bays, and what excludes what is there, stay comments.
    head, _, bays_and_on = text.partition("# ---- Bays")
    signs_and_on = bays_and_on[bays_and_on.index("[[sign]]") :]
    shown = re.sub(r"^# (?=\[|\w+ = [^{])", "", head + signs_and_on, flags=re.MULTILINE)
    shown = re.sub(
        r"^(password_file|ca_file|chip|gpio|digits|digit_mm|first_digit|nearly_full_at|initial_occupied|free_text|i2c|address"
        r"|second_language|number_text|nearly_full_text|rows|open_hours|hours_text|home_assistant) =",
        r"# \1 =",
        shown,
        flags=re.MULTILINE,
    )
    assert shown.count("\n# ") < text.count("\n# ") - 20
    as_shipped, all_shown = REPO / "deploy" / "site.example.toml", tmp_path / "site.toml"
    all_shown.write_text(shown)
    told, default = load(all_shown), load(as_shipped)
    panels = tuple(dataclasses.replace(panel, brightness_at_night=None) for panel in told.panels)
    assert (told.lot, panels, told.journal) == (default.lot, default.panels, default.journal)
    assert told.mqtt == default.mqtt


def test_what_the_example_shows_that_a_sign_may_say_is_good_too(tmp_path: Path) -> None:
    text = (REPO / "deploy" / "site.example.toml").read_text()
    keys = "free_text|number_text|nearly_full_text|redirect|open_hours|hours_text|greeting|second_language"
    shown = re.sub(rf"^# ({keys}) =", r"\1 =", text, flags=re.MULTILINE).replace("# pages = false", "pages = true")
    path = tmp_path / "site.toml"
    path.write_text(shown)
    (sign,) = load(path).lot.signs
    assert sign.redirect is not None
    assert sign.greeting is not None
    assert (len(sign.open_hours), sign.number_text, sign.hours_text) == (2, "wolne", "pn-pt 6-22")
    assert sign.second is not None


def test_the_remote_lane_speaks_on_the_topics_that_its_site_file_names() -> None:
    readme = (REPO / "firmware_config" / "README.md").read_text()
    snippet = re.search(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert snippet is not None
    lane = tomllib.loads(snippet[1])["lane"][0]
    node = (REPO / "firmware_config" / "esphome" / "two-loop-lane.yaml").read_text().replace("${lane}", lane["name"])
    for role in ("outer", "inner"):
        assert f"state_topic: {lane[role]['mqtt']}\n" in node
        assert lane[role]["format"] == "esphome"
    debounce = re.search(r"delayed_on_off: (\d+)ms", node)
    assert debounce is not None
    assert int(debounce[1]) < 100, "a detector's pulse is 100-200 ms long"


def test_the_far_signs_file_in_the_docs_is_good(tmp_path: Path) -> None:
    snippets = re.findall(r"```toml\n(.*?)```", (REPO / "docs" / "sign.md").read_text("utf-8"), re.DOTALL)
    (snippet,) = (each for each in snippets if each.startswith("[mqtt]"))
    path = tmp_path / "far.toml"
    path.write_text(snippet)
    far = load_far(path)
    path.write_text((REPO / "deploy" / "far.example.toml").read_text("utf-8"))
    assert load_far(path) == far
    assert [panel.name for panel in far.panels] == ["gate"]
    assert (far.mqtt.username, far.mqtt.tls) == ("sign-gate", True)


def test_the_hub75_panel_in_the_docs_is_good(tmp_path: Path) -> None:
    snippets = re.findall(r"```toml\n(.*?)```", (REPO / "docs" / "sign.md").read_text("utf-8"), re.DOTALL)
    (snippet,) = (each for each in snippets if each.startswith('driver = "hub75"'))
    path = tmp_path / "site.toml"
    plain = 'driver = "emulator"\nwidth = 64\nheight = 16\n'
    text = LANE_SITE.replace("gpio = 17", "gpio = 14").replace("gpio = 27", "gpio = 19")
    path.write_text(text.replace(plain, snippet))
    (panel,) = load(path).panels
    assert panel.hub75 is not None
    assert panel.hub75.socket == Path("/run/parking-hub75/entrance.sock")
    unit = (REPO / "systemd" / "optional" / "parking-hub75.service").read_text()
    assert f"RuntimeDirectory={panel.hub75.socket.parent.name}\n" in unit
