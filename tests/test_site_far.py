"""The file of a machine that drives a sign and nothing else."""

import re
from pathlib import Path

import pytest
from fixtures_site import LANE_SITE, WriteSite, command_line

from controller.site import SiteError, load
from controller.site_far import is_far, load_far, panels

PANEL = '[[sign]]\nname = "gate"\ndriver = "max7219"\nwidth = 64\nheight = 16\narrows = "up"\n'
FAR = '[mqtt]\nhost = "parking.local"\nusername = "sign-gate"\npassword_file = "word"\n\n' + PANEL


def test_a_far_file_tells_of_the_panel_and_the_broker(write_site: WriteSite) -> None:
    path = write_site(FAR, "far.toml")
    far = load_far(path)
    assert is_far(path)
    assert (far.mqtt.host, far.mqtt.password_file) == ("parking.local", path.parent / "word")
    (panel,) = far.panels
    assert (panel.name, panel.driver, panel.arrows, panel.size, panel.broker) == (
        "gate",
        "max7219",
        "up",
        (64, 16),
        None,
    )
    assert panels(path) == far.panels


def test_either_file_tells_of_its_panels(write_site: WriteSite) -> None:
    path = write_site(LANE_SITE)
    assert not is_far(path)
    assert panels(path) == load(path).panels


def test_a_sign_over_mqtt_needs_no_table_and_takes_the_one_there_is(write_site: WriteSite) -> None:
    text = LANE_SITE.replace('"emulator"', '"mqtt"')
    (panel,) = load(write_site(text)).panels
    assert panel.broker is not None
    assert panel.broker.host == "localhost"
    (panel,) = load(write_site(text + '[mqtt]\nhost = "10.0.0.1"\nprefix = "lot"\n')).panels
    assert panel.broker is not None
    assert (panel.broker.host, panel.broker.prefix) == ("10.0.0.1", "lot")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            FAR.replace('"max7219"', '"mqtt"'),
            'sign "gate": driver = "mqtt" belongs into the site file. Write here what',
        ),
        (FAR.replace('arrows = "up"\n', ""), "a max7219 panel needs arrows."),
        (FAR + 'zone = "customers"\n', 'sign "gate" zone = "customers": unknown key.'),
        (FAR + "brightness = 3\n", 'sign "gate" brightness = 3: unknown key.'),
        (FAR + PANEL, 'sign name = "gate": used 2 times.'),
        (FAR + PANEL.replace("gate", "exit"), 'sign "exit" spi_device = 0: sign "gate" has spi_port = 0'),
    ],
)
def test_what_is_wrong_is_said_in_the_files_words(write_site: WriteSite, text: str, said: str) -> None:
    with pytest.raises(SiteError, match=re.escape(said)):
        load_far(write_site(text))


def test_check_knows_it(write_site: WriteSite) -> None:
    path = write_site(FAR, "far.toml")
    run = command_line("check", path)
    assert (run.returncode, run.stdout) == (
        0,
        f"{path}: good. Far from the controller: gate, fed over MQTT by parking.local:1883.\n",
    )
    path.write_text(FAR + "pitch_mm = 4\n")
    run = command_line("check", path)
    assert run.returncode == 2
    assert "pitch_mm = 4: unknown key" in run.stderr


def test_a_panel_is_tried_out_where_it_hangs(write_site: WriteSite, tmp_path: Path) -> None:
    far = write_site(FAR.replace('"max7219"', '"emulator"'), "far.toml")
    run = command_line("sign", "test", far, "--seconds", "0.1")
    assert run.returncode == 0
    assert "#" * 64 in run.stdout
    run = command_line("sign", "identify", far, "--seconds", "0.1")
    assert "module 1, where the cable enters" in run.stdout
    site = write_site(LANE_SITE.replace('"emulator"', '"mqtt"'))
    run = command_line("sign", "test", site)
    assert (run.returncode, run.stderr) == (
        2,
        "sign test: entrance hangs on another machine; test it there, with its own file\n",
    )
    assert command_line("sign", "dark", site, "--state-dir", tmp_path).returncode == 0
