"""The site file: the README's works as it stands; whatever is wrong with another is told, all of it, in its words."""

import contextlib
import os
import re
import string
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from fixtures_site import CHIPS_SITE, FULL_SITE, LANE_SITE, ROOT, WriteSite, edited
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.domain.specs import Direction, Role
from controller.site import LightSpec, PinInput, SensorInput, SiteError, load
from controller.site_checks import valid_filter

LEAKS = re.compile(r"input|valid|field required|value error|assertion|pydantic|extra|none", re.IGNORECASE)
"""What pydantic and Python say, and a person who wires a car park does not."""


def faults(path: Path) -> list[str]:
    """Load a site file that is wrong; return its faults as they are printed."""
    with pytest.raises(SiteError) as caught:
        load(path)
    return [str(fault) for fault in caught.value.faults]


def only_fault(path: Path) -> str:
    (fault,) = faults(path)
    return fault


# What works


@pytest.mark.parametrize(("pins", "driver"), [("mock", "emulator"), ("auto", "max7219")])
def test_the_sites_of_the_heavy_suites_work(write_site: WriteSite, pins: str, driver: str) -> None:
    assert load(write_site(CHIPS_SITE)).panels[0].driver == "max7219"
    text = (ROOT / "tests/kernel/systemd/site.toml").read_text("utf-8")
    site = load(write_site(text.replace("PIN_FACTORY", pins).replace("DRIVER", driver)))
    assert (site.pin_factory, site.panels[0].driver) == (pins, driver)


def test_the_readmes_site_file_works_as_it_stands(write_site: WriteSite) -> None:
    site = load(write_site(FULL_SITE))
    (lane,) = site.lot.lanes
    assert (site.lot.name, site.timezone) == ("Parking dla klientów", "Europe/Warsaw")
    assert [d.name for d in lane.detectors] == ["main.outer", "main.inner", "main.barrier"]
    assert [d.role for d in lane.detectors] == [Role.OUTER, Role.INNER, Role.BARRIER]
    assert lane.direction is Direction.BOTH
    assert site.pins[0] == PinInput("main.outer", 17, "up", "low")
    assert [pin.gpio for pin in site.pins] == [17, 27, 22]
    assert site.sensors == (
        SensorInput("application/+/device/a84041000181c061/event/up", "chirpstack-v4/bosch-pls", bay="A1"),
        SensorInput("bays/A2", "plain", bay="A2"),
    )
    (zone,) = site.lot.zones
    assert (zone.capacity, zone.full_at, zone.reopen_at, zone.initial_occupied) == (40, 0, 2, None)
    (panel,) = site.panels
    assert (panel.name, panel.driver, panel.size) == ("entrance", "emulator", (64, 16))
    assert site.lot.signs[0].full_text == "brak wolnych miejsc"
    assert site.mqtt is not None
    assert (site.mqtt.host, site.mqtt.port) == ("localhost", 1883)


def test_the_example_in_deploy_works(write_site: WriteSite) -> None:
    example = (Path(__file__).parent.parent / "deploy" / "site.example.toml").read_text("utf-8")
    assert load(write_site(example)).lot.zones[0].name == "customers"


def test_without_sensors_there_is_no_broker(write_site: WriteSite) -> None:
    assert load(write_site(LANE_SITE)).mqtt is None


def test_reopen_at_is_by_default_one_more_than_full_at(write_site: WriteSite) -> None:
    text = edited(LANE_SITE, "reopen_at = 2", "full_at = 3")
    assert load(write_site(text)).lot.zones[0].reopen_at == 4


def test_files_named_in_it_are_beside_it(write_site: WriteSite, tmp_path: Path) -> None:
    mqtt = '[mqtt]\nusername = "u"\npassword_file = "secret"\ntls = true\nca_file = "/etc/ca.crt"\n'
    site = load(write_site(LANE_SITE + mqtt))
    assert site.mqtt is not None
    assert site.mqtt.password_file == tmp_path / "secret"
    assert site.mqtt.ca_file == Path("/etc/ca.crt")


def test_a_file_saved_by_notepad_works(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xef\xbb\xbf" + LANE_SITE.replace("\n", "\r\n").encode())
    assert load(path).lot.name == "Parking"


def test_a_mqtt_detector_and_a_single_loop(write_site: WriteSite) -> None:
    text = edited(LANE_SITE, r"outer = .*\ninner = .*", 'direction = "exit"\nloop = { mqtt = "l", output = "pulse" }')
    site = load(write_site(text))
    assert site.sensors == (SensorInput("l", "plain", detector="main.loop"),)
    assert site.lot.lanes[0].loop is not None
    assert site.lot.lanes[0].loop.output.value == "pulse"


# The file itself


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[lot]\nname = "Parking\xff"', "file: not UTF-8 at byte 21. Save it as UTF-8."),
        (
            b"[lot\n",
            "file: not TOML: Expected ']' at the end of a table declaration (at line 1, column 5). Mend that line.",
        ),
        (b"x = " + b"[" * 20_000, "file: not a site file: brackets within brackets without end. Mend that line."),
        (b"x = " + b"1" * 5_000, "file: not TOML: "),
    ],
)
def test_a_file_that_cannot_be_read_as_toml(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(content)
    assert only_fault(path).startswith(said)


def test_an_empty_file_lacks_two_things(write_site: WriteSite) -> None:
    assert faults(write_site("")) == ["lot: missing. Add it.", "zone: missing. Add it."]


def test_a_missing_file_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.toml")


# Bounds: a table, lines in it, and what is told of them

BOUNDS = [
    ("lot", 'name = ""', 'lot.name = "": it must not be empty. Give it some text.'),
    ("lot", f'name = "{"x" * 101}"', "it must have at most 100 characters. Shorten it."),
    ("lot", "name = 3", "lot.name = 3: it must be text. Write it in quotes."),
    ("lot", 'timezone = "Europe/Warschau"', 'no such time zone. Write one like "Europe/Warsaw".'),
    ("lot", 'timezone = "../../etc/passwd"', 'no such time zone. Write one like "Europe/Warsaw".'),
    ("zone", 'name = "für alle"', "it must be made of letters A-Z, digits, - and _, and not begin with - or _."),
    ("zone", f'name = "{"x" * 41}"', "it must have at most 40 characters."),
    ("zone", "capacity = 0", 'zone "customers" capacity = 0: it must be at least 1. Raise it.'),
    ("zone", "capacity = 20001", 'zone "customers" capacity = 20001: it must be at most 20000. Lower it.'),
    ("zone", 'capacity = "40"', 'zone "customers" capacity = "40": it must be a whole number. Write it without quotes'),
    ("zone", "capacity = 40.0", 'zone "customers" capacity = 40.0: it must be a whole number.'),
    ("zone", "capacity = true", 'zone "customers" capacity = true: it must be a whole number.'),
    ("zone", "capacity = 2026-11-22", 'zone "customers" capacity = 2026-11-22: it must be a whole number.'),
    ("zone", f"capacity = 0x{'f' * 5000}", "capacity = a number with more than 60 digits: it must be at most 20000."),
    ("zone", "full_at = -1", "full_at = -1: it must be at least 0."),
    ("zone", "full_at = 40", "full_at = 40 leaves no number to show, with capacity = 40. Write a smaller full_at."),
    ("zone", "reopen_at = 0", "reopen_at = 0: it must be at least 1."),
    ("zone", "reopen_at = 41", "reopen_at = 41 must lie above full_at. Write 1 to 40."),
    ("zone", "nearly_full_at = 41", "nearly_full_at = 41 must lie above full_at. Write 1 to 40."),
    ("zone", "initial_occupied = -1", "initial_occupied = -1: it must be at least 0."),
    ("zone", "initial_occupied = 40001", "initial_occupied = 40001: it must be at most 40000."),
    ("lane", 'direction = "in"', 'direction = "in": it can\'t be that. Write "entry", "exit" or "both".'),
    ("lane", "max_gap_s = 0", "max_gap_s = 0: it must be more than 0"),
    ("lane", "max_gap_s = inf", "max_gap_s = inf: it must be a finite number."),
    ("lane", "max_gap_s = nan", "max_gap_s = nan: it must be a finite number."),
    ("lane", "max_gap_s = 1e9", "it must be at most 31536000"),
    ("lane", 'max_gap_s = "5"', 'max_gap_s = "5": it must be a number. Write it without quotes.'),
    (
        "lane",
        "outer = 17",
        'lane "main" outer = 17: it must be a table. Write it as a table, like [api] or { gpio = 17 }.',
    ),
    ("lane", "outer = { gpio = 54 }", 'lane "main" outer.gpio = 54: it must be at most 53.'),
    ("lane", "outer = { gpio = -1 }", 'lane "main" outer.gpio = -1: it must be at least 0.'),
    (
        "lane",
        'outer = { gpio = 17, pull = "UP" }',
        'outer.pull = "UP": it can\'t be that. Write "up", "down" or "none".',
    ),
    ("lane", 'outer = { gpio = 17, active = "lo" }', 'Write "low" or "high".'),
    ("lane", 'outer = { gpio = 17, output = "x" }', 'Write "presence" or "pulse".'),
    ("lane", "outer = {}", "a detector has one source. Write either gpio = <BCM number> or mqtt"),
    ("lane", 'outer = { gpio = 17, mqtt = "a" }', "a detector has one source."),
    ("lane", 'outer = { gpio = 17, format = "plain" }', "format mean nothing beside gpio. Remove that."),
    ("lane", 'outer = { mqtt = "a", pull = "up" }', "pull mean nothing beside mqtt. Remove that."),
    ("lane", 'outer = { mqtt = "" }', 'outer.mqtt = "": it must not be empty.'),
    ("lane", 'from_zone = "customers"', 'from_zone and zone are both "customers". Leave from_zone out for the street.'),
    ("lane", "loop = { gpio = 5 }", "a lane has outer and inner, or a single loop, not both. Remove one."),
    ("bay", "silent_after_s = -1", 'bay "A1" silent_after_s = -1: it must be more than 0'),
    ("bay", f'mqtt = "{"x" * 501}"', "it must have at most 500 characters."),
    (
        "sign",
        'driver = "oled"',
        'driver = "oled": it can\'t be that. Write "max7219", "max7219-digits", "ws2812", "hub75", "mqtt"',
    ),
    (
        "sign",
        'driver = "max7219-digits"',
        'digits and driver = "max7219-digits" need one another. Write both, or neither.',
    ),
    ("sign", "digits = 3", 'digits and driver = "max7219-digits" need one another.'),
    ("sign", 'driver = "max7219-digits"\ndigits = 3', "width and height mean nothing beside digits. Remove that."),
    ("sign", "digit_mm = 100.0", "digit_mm is the height of digits, and this is another panel. Write pitch_mm."),
    (
        "sign",
        'driver = "mqtt"\nscroll = true',
        "running text would be 25 pictures a second over MQTT. Leave scroll out.",
    ),
    (
        "sign",
        'driver = "mqtt"\ncolours = "states"',
        'is told which LEDs are lit, and no colours. Write colours = "one".',
    ),
    ("sign", "width = 60", 'sign "entrance" width = 60: it must be a multiple of 8. The nearest is 64.'),
    ("sign", "width = 0", 'sign "entrance" width = 0: it must be at least 8.'),
    ("sign", "width = 520", 'sign "entrance" width = 520: it must be at most 512.'),
    ("sign", "height = 136", 'sign "entrance" height = 136: it must be at most 128.'),
    ("sign", "spi_port = 7", "spi_port = 7: it must be at most 6."),
    ("sign", "spi_device = 3", "spi_device = 3: it must be at most 2."),
    ("sign", "brightness = 16", "brightness = 16: it must be at most 15."),
    (
        "sign",
        "block_orientation = 90",
        'block_orientation = 90 is no longer a key. Write arrows = "left" in its place.',
    ),
    ("sign", "serpentine = false", 'serpentine is no longer a key. Write chain = "rows" in its place.'),
    (
        "sign",
        'driver = "max7219"',
        'a max7219 panel needs arrows. Write arrows = "right" if that is where the arrows on',
    ),
    (
        "sign",
        'arrows = "east"',
        'arrows = "east": it can\'t be that. Write "right", "left", "up", "down", "right-left",',
    ),
    ("sign", 'chain = "snake"', 'Write "rows", "rows-snake", "columns" or "columns-snake".'),
    ("sign", 'data_enters = "left"', 'Write "top-left", "top-right", "bottom-left" or "bottom-right".'),
    ("sign", "mirrored = 1", "mirrored = 1: it must be true or false. Write true or false without quotes."),
    ("sign", "brightness_at_night = 9", "brightness_at_night = 9 is above brightness = 8. Write a smaller one."),
    ("sign", "brightness_at_night = 2", "brightness_at_night = 2: nothing tells day from night. Add a table [light]."),
    ("sign", 'full_text = ""', 'full_text = "": it must not be empty.'),
    ("sign", 'driver = "ws2812"\ngpio = 4', "gpio = 4 cannot drive a ws2812 panel. Write one of 10, 12, 18, 21."),
    (
        "sign",
        'driver = "ws2812"\nmirrored = true\narrows = "up"',
        'arrows and mirrored mean nothing beside driver = "ws2812". Remove that.',
    ),
    ("sign", 'first_digit = "left"', 'first_digit mean nothing beside driver = "emulator". Remove that.'),
    ("sign", 'driver = "mqtt"\nspi_port = 1', 'spi_port mean nothing beside driver = "mqtt". Remove that.'),
    (
        "sign",
        'driver = "hub75"\nhub75 = { rows = 16, cols = 64 }\nchain = "rows"\ndata_enters = "top-left"',
        'data_enters and chain mean nothing beside driver = "hub75". Remove that.',
    ),
    (
        "sign",
        'driver = "max7219"\narrows = "up"\ngpio = 12',
        'gpio mean nothing beside driver = "max7219". Remove that.',
    ),
    ("gpio", 'pin_factory = "pigpio"', 'Write "auto", "kernel", "lgpio" or "mock".'),
    ("gpio", 'chip = ""', 'gpio.chip = "": it must not be empty.'),
    ("mqtt", "port = 0", "mqtt.port = 0: it must be at least 1."),
    ("mqtt", "port = 65536", "mqtt.port = 65536: it must be at most 65535."),
    ("mqtt", 'host = ""', 'mqtt.host = "": it must not be empty.'),
    ("mqtt", 'prefix = "lot/#"', 'mqtt.prefix = "lot/#": nobody can publish under it. Leave out # and +'),
    ("mqtt", 'prefix = "$SYS"', 'mqtt.prefix = "$SYS": nobody can publish under it.'),
    ("mqtt", 'password_file = "p"', "password_file is set, but MQTT sends no password without a user. Add username."),
    ("mqtt", 'ca_file = "ca.crt"', "ca_file is set, but the connection is not encrypted. Add tls = true."),
    ("health", "chatter_changes = 3", "health.chatter_changes = 3: it must be at least 4."),
    ("health", "stuck_after_s = 0.0", "health.stuck_after_s = 0.0: it must be more than 0"),
    ("api", "port = 70000", "api.port = 70000: it must be at most 65535."),
    ("journal", "keep_days = 0", "journal.keep_days = 0: it must be at least 1."),
    ("journal", "keep_days = 3651", "journal.keep_days = 3651: it must be at most 3650."),
]


def with_line(table: str, lines: str) -> str:
    """Put lines into a table of a good file, in place of what they say anew."""
    text = (
        LANE_SITE
        + '\n[[bay]]\nname = "A1"\nzone = "customers"\nmqtt = "bays/A1"\n\n[mqtt]\n[health]\n[api]\n[journal]\n'
    )
    start = re.search(rf"^\[+{table}\]+\n", text, re.MULTILINE)
    assert start is not None
    before, after = text[: start.end()], text[start.end() :]
    own, *rest = re.split(r"(?=^\[)", after, maxsplit=1, flags=re.MULTILINE)
    for line in lines.splitlines():
        own = re.sub(rf"^{line.partition(' = ')[0]} = .*\n", "", own, flags=re.MULTILINE)
    return before + own + lines + "\n" + "".join(rest)


@pytest.mark.parametrize(("table", "line", "said"), BOUNDS, ids=[f"{b[0]}-{b[1][:40]}" for b in BOUNDS])
def test_every_bound_is_told_in_the_files_words(write_site: WriteSite, table: str, line: str, said: str) -> None:
    told = faults(write_site(with_line(table, line)))
    assert any(said in fault for fault in told), told
    assert not any(LEAKS.search(fault.replace('"none"', "")) for fault in told), told


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("zone", "capacity = 20000"),
        ("zone", "full_at = 39\nreopen_at = 40"),
        ("zone", "nearly_full_at = 1"),
        ("lane", "max_gap_s = 5"),
        ("sign", "width = 512\nheight = 128"),
        ("sign", 'driver = "max7219"\narrows = "left-right"\nchain = "rows-snake"'),
        ("sign", 'driver = "ws2812"\ngpio = 21'),
        ("sign", 'spi_port = 1\narrows = "up"\ngpio = 12\nchain = "columns"'),  # an emulator tries out any panel
        ("mqtt", "port = 65535"),
        ("mqtt", 'username = "u"\npassword_file = "p"'),
        ("health", "chatter_changes = 4"),
        ("journal", "keep_days = 3650"),
    ],
)
def test_what_lies_on_a_bound_is_good(write_site: WriteSite, table: str, line: str) -> None:
    assert load(write_site(with_line(table, line))).lot.zones[0].name == "customers"


# Keys


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("lot", 'tiemzone = "Europe/Warsaw"', 'lot.tiemzone = "Europe/Warsaw": unknown key. Did you mean timezone?'),
        ("zone", "capasity = 40", 'zone "customers" capasity = 40: unknown key. Did you mean capacity?'),
        ("lane", 'dirction = "both"', 'lane "main" dirction = "both": unknown key. Did you mean direction?'),
        ("lane", "inner = { gpoi = 27 }", 'lane "main" inner.gpoi = 27: unknown key. Did you mean gpio?'),
        ("bay", 'topic = "a"', 'bay "A1" topic = "a": unknown key. Known here: format, mqtt, name, pointer, silent'),
        ("sign", "hieght = 16", 'sign "entrance" hieght = 16: unknown key. Did you mean height?'),
        ("gpio", 'factory = "mock"', 'gpio.factory = "mock": unknown key. Did you mean pin_factory?'),
        ("mqtt", 'user = "u"', 'mqtt.user = "u": unknown key. Did you mean username?'),
        ("health", "stuck_s = 9", "health.stuck_s = 9: unknown key. Did you mean stuck_after_s?"),
        ("journal", "days = 9", "journal.days = 9: unknown key. Did you mean keep_days?"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(write_site: WriteSite, table: str, line: str, said: str) -> None:
    assert any(said in fault for fault in faults(write_site(with_line(table, line))))


def test_an_unknown_table_suggests_the_nearest(write_site: WriteSite) -> None:
    assert only_fault(write_site(LANE_SITE + "[zones]\n")) == "zones: unknown key. Did you mean zone?"
    (first, *_) = faults(write_site(LANE_SITE.replace("[[zone]]", "[zone]")))
    assert (
        first == "zone: it must be a list of tables. Write each one under its name in double brackets, like [[zone]]."
    )


def test_a_nameless_table_is_found_by_its_number(write_site: WriteSite) -> None:
    text = edited(LANE_SITE, 'name = "main"\n', "")
    assert only_fault(write_site(text)) == "lane number 1 name: missing. Add it."


# Names


def test_a_name_used_twice(write_site: WriteSite) -> None:
    text = LANE_SITE + '[[sign]]\nname = "entrance"\nzone = "customers"\ndriver = "emulator"\nwidth = 64\nheight = 16\n'
    assert only_fault(write_site(text)) == 'sign name = "entrance": used 2 times. Give each its own name.'


def test_a_zone_that_is_not_there(write_site: WriteSite) -> None:
    text = edited(LANE_SITE, r'(name = "entrance"\nzone =) "customers"', r'\1 "custmers"')
    assert only_fault(write_site(text)) == (
        'sign "entrance" zone = "custmers": no zone has this name. Did you mean "customers"?'
    )
    text = edited(LANE_SITE, r'(name = "main")', r'\1\nfrom_zone = "roof"')
    assert (
        only_fault(write_site(text)) == 'lane "main" from_zone = "roof": no zone has this name. Zones here: customers.'
    )


# Pins


def test_two_users_of_one_pin(write_site: WriteSite) -> None:
    text = edited(LANE_SITE, "gpio = 27", "gpio = 17")
    assert only_fault(write_site(text)) == (
        'lane "main" inner.gpio = 17: this pin is used by lane "main" outer already. '
        "Wire it to another pin, and write that."
    )


def panel(name: str, driver: str, more: str = "") -> str:
    arrows = 'arrows = "right"' if driver == "max7219" else ""
    size = "width = 64\nheight = 16"
    return f'[[sign]]\nname = "{name}"\nzone = "customers"\ndriver = "{driver}"\n{size}\n{arrows}\n{more}\n'


@pytest.mark.parametrize(
    ("pin", "more", "clash"),
    [
        (10, "", "SPI0"),
        (11, "", "SPI0"),
        (8, "", "SPI0"),
        (7, "spi_device = 1", "SPI0"),
        (20, "spi_port = 1", "SPI1"),
        (18, "spi_port = 1", "SPI1"),
        (16, "spi_port = 1\nspi_device = 2", "SPI1"),
        (7, "", None),
        (8, "spi_device = 1", None),
        (10, "spi_port = 1", None),
    ],
)
def test_a_panels_spi_pins_are_taken(write_site: WriteSite, pin: int, more: str, clash: str | None) -> None:
    text = edited(LANE_SITE, "gpio = 17", f"gpio = {pin}") + panel("gate", "max7219", more)
    if clash is None:
        assert len(load(write_site(text)).panels) == 2
    else:
        assert only_fault(write_site(text)) == (
            f'sign "gate" driver = "max7219": the panel needs pin {pin} ({clash}), which lane "main" outer uses '
            'already. Move lane "main" outer to another pin.'
        )


def test_panels_share_a_bus_but_no_chip_select(write_site: WriteSite) -> None:
    both = LANE_SITE + panel("a", "max7219") + panel("b", "max7219", "spi_device = 1")
    assert len(load(write_site(both)).panels) == 3
    twins = LANE_SITE + panel("a", "max7219") + panel("b", "max7219")
    assert only_fault(write_site(twins)) == (
        'sign "b" spi_device = 0: sign "a" has spi_port = 0 and spi_device = 0, too. '
        "Wire each panel to a chip select of its own."
    )


@pytest.mark.parametrize("order", [1, -1])
def test_a_ws2812_panel_on_an_spi_pin_clashes_in_any_order(write_site: WriteSite, order: int) -> None:
    tables = [panel("a", "max7219"), panel("b", "ws2812", "gpio = 10")]
    (fault,) = faults(write_site(LANE_SITE + "".join(tables[::order])))
    assert "10" in fault
    assert "already" in fault


def hub75(name: str, parallel: int, more: str) -> str:
    size = f"width = 64\nheight = {32 * parallel}\nbrightness_at_night = 1"
    built = f"hub75 = {{ rows = 32, cols = 64, parallel = {parallel}, {more} }}"
    return f'[[sign]]\nname = "{name}"\nzone = "customers"\ndriver = "hub75"\n{size}\n{built}\n'


def without_clashes(text: str) -> str:
    return edited(edited(text, "gpio = 17", "gpio = 15"), "gpio = 27", "gpio = 0")


def test_a_hub75_panel_has_no_more_chains_than_its_mapping(write_site: WriteSite) -> None:
    text = without_clashes(LANE_SITE) + '[light]\nday_from = "07:00"\nnight_from = "20:00"\n'
    load(write_site(text + hub75("wide", 3, 'mapping = "regular"')))
    load(write_site(text + hub75("wide", 4, 'mapping = "compute-module"')))  # whose pins nobody told us
    assert only_fault(write_site(text + hub75("wide", 2, 'mapping = "adafruit-hat"'))) == (
        'sign "wide" hub75.parallel = 2: mapping "adafruit-hat" has 1 chain side by side. '
        "Write at most 1, or another mapping."
    )
    assert "has 3 chains side by side" in only_fault(write_site(text + hub75("wide", 4, "slowdown = 1")))


def test_a_hub75_panel_and_a_light_sensor_share_no_pins(write_site: WriteSite) -> None:
    text = without_clashes(LANE_SITE) + "[light]\ni2c = 1\n"
    load(write_site(text + hub75("wide", 2, "slowdown = 1")))
    assert only_fault(write_site(text + hub75("wide", 3, "slowdown = 1"))) == (
        'sign "wide" hub75: the panel needs 2 pins of the light sensor\'s I2C bus 1 (BCM 2 and 3). '
        "Take the light sensor off that bus, or write a smaller parallel."
    )


def test_two_hub75_panels_have_two_sockets(write_site: WriteSite) -> None:
    text = without_clashes(LANE_SITE) + '[light]\nday_from = "07:00"\nnight_from = "20:00"\n'
    one, two = (hub75(name, 1, 'mapping = "compute-module", socket = "/run/SOCKET"') for name in "ab")
    load(write_site(text + one.replace("SOCKET", "a") + two.replace("SOCKET", "b")))
    assert only_fault(write_site(text + one + two)) == (
        'sign "b" hub75.socket = "/run/SOCKET": sign "a" has this one, too. Give each its own, or leave it out.'
    )


def test_a_ws2812_panel_has_its_pin_by_default(write_site: WriteSite) -> None:
    text = edited(LANE_SITE, "gpio = 17", "gpio = 10") + panel("b", "ws2812")
    assert only_fault(write_site(text)).startswith('sign "b" gpio = 10: this pin is used by lane "main" outer already')


# Sensors


def bay(more: str) -> str:
    return LANE_SITE + f'[[bay]]\nname = "A1"\nzone = "customers"\n{more}\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('mqtt = "a/#/b"', 'bay "A1" mqtt = "a/#/b": not an MQTT topic filter. Let + stand for a whole level'),
        ('mqtt = "a+"', 'bay "A1" mqtt = "a+": not an MQTT topic filter.'),
        ('mqtt = "a"\nformat = "plan"', 'bay "A1" format = "plan": unknown format. Did you mean "plain"?'),
        ('mqtt = "a"\nformat = "%"', 'bay "A1" format = "%": unknown format. The README lists the formats.'),
        ('mqtt = "a"\nformat = "json"', 'bay "A1" pointer: format "json" needs one. Add pointer = "/path/to/it".'),
        (
            'mqtt = "a"\npointer = "x/y"',
            'bay "A1" pointer = "x/y": not a JSON pointer. Write it like "/status/occupied"',
        ),
        ('mqtt = "a"\npointer = "/a~b"', 'bay "A1" pointer = "/a~b": not a JSON pointer.'),
        (
            'mqtt = "a"\nformat = "esphome"\npointer = "/x"',
            'bay "A1" pointer = "/x": format "esphome" knows where its level is. Remove the pointer.',
        ),
    ],
)
def test_a_sensor_that_could_never_be_heard(write_site: WriteSite, more: str, said: str) -> None:
    assert only_fault(write_site(bay(more))).startswith(said)


def test_two_sensors_on_one_topic_need_pointers_of_their_own(write_site: WriteSite) -> None:
    def bays(*pointers: str) -> str:
        head = '[[bay]]\nname = "{}"\nzone = "customers"\nmqtt = "all"\nformat = "json"\npointer = "{}"\n'
        return LANE_SITE + "".join(head.format(f"A{n}", p) for n, p in enumerate(pointers))

    assert len(load(write_site(bays("/a", "/b"))).sensors) == 2
    assert only_fault(write_site(bays("/a", "/a"))) == (
        'bay "A1" mqtt = "all": bay "A0" listens to the same topic and format. '
        "Give each sensor its own topic or pointer."
    )


@pytest.mark.parametrize("topic", ["a", "a/b", "+", "#", "a/+/b", "a/#", "/", "+/+/#", "żółć/1"])
def test_topic_filters(topic: str) -> None:
    assert valid_filter(topic)


@pytest.mark.parametrize("topic", ["a#", "#/a", "a/+b", "++", "a/b#", "a\0b"])
def test_no_topic_filters(topic: str) -> None:
    assert not valid_filter(topic)


# Zones


@pytest.mark.parametrize(
    ("capacity", "bays", "lanes", "said"),
    [
        (3, 0, 0, 'zone "z": nothing counts it. Add a lane or bays for it.'),
        (
            3,
            1,
            0,
            (
                'zone "z" capacity = 3: the zone has no lane, and 1 bay: they cannot tell about all spaces. '
                "Set capacity = 1, add the missing bays, or add a lane."
            ),
        ),
        (1, 2, 1, 'zone "z" capacity = 1: the zone has 2 bays. Raise it to at least 2, or remove bays.'),
        (2, 2, 0, None),
        (2, 1, 1, None),
        (2, 0, 1, None),
    ],
)
def test_bays_and_capacity_must_add_up(
    write_site: WriteSite, capacity: int, bays: int, lanes: int, said: str | None
) -> None:
    text = LANE_SITE + f'[[zone]]\nname = "z"\ncapacity = {capacity}\n'
    text += "".join(f'[[bay]]\nname = "B{n}"\nzone = "z"\nmqtt = "b/{n}"\n' for n in range(bays))
    text += '[[lane]]\nname = "l"\nzone = "z"\ndirection = "entry"\nloop = { gpio = 5 }\n' * lanes
    if said is None:
        assert len(load(write_site(text)).lot.zones) == 2
    else:
        assert only_fault(write_site(text)) == said


# What a panel must be able to say


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            'full_text = "Niestety wszystkie miejsca są zajęte"',
            'sign "entrance" full_text = "Niestety wszystkie miejsca są zajęte": a 64x16 panel cannot show it whole: ',
        ),
        (
            'closed_text = "Zamknięte-do-odwołania"',
            'sign "entrance" closed_text = "Zamknięte-do-odwołania": a 64x16',
        ),
        ('uncertain_text = "nieznanaliczbamiejsc"', 'uncertain_text = "nieznanaliczbamiejsc": a 64x16 panel'),
        ('full_text = "满"', "a 64x16 panel cannot show it: no face draws '满'. Write it without."),
        ('full_text = " "', "a 64x16 panel cannot show it: it is empty. Give it a text."),
    ],
)
def test_a_text_that_the_panel_cannot_show_whole(write_site: WriteSite, lines: str, said: str) -> None:
    fault = only_fault(write_site(with_line("sign", lines)))
    assert said in fault
    assert "mend" not in fault


def test_the_missing_pixels_are_named_and_are_just_those(write_site: WriteSite) -> None:
    text = with_line("sign", 'full_text = "zaparkowane"\nwidth = 32')
    fault = only_fault(write_site(text))
    missing = re.search(r"whole: it lacks (\d+) columns\.", fault)
    assert missing is not None, fault
    enough = -(-(32 + int(missing[1])) // 8) * 8
    assert load(write_site(text.replace("width = 32", f"width = {enough}"))).panels[0].width == enough
    assert "columns" in only_fault(write_site(text.replace("width = 32", f"width = {enough - 8}")))


def test_a_panel_too_narrow_for_its_zones_number(write_site: WriteSite) -> None:
    text = with_line("sign", 'width = 8\nheight = 8\nfull_text = "X"\nclosed_text = "-"\nuncertain_text = "P"')
    assert only_fault(write_site(text)) == (
        'sign "entrance" width = 8: the panel cannot show the number 40 whole: it lacks 1 column. Use a larger panel.'
    )
    assert load(write_site(edited(text, "capacity = 40\n", "capacity = 9\n"))).lot.zones[0].capacity == 9


# All at once


def test_all_faults_are_told_at_once_with_the_files_name(write_site: WriteSite) -> None:
    text = LANE_SITE.replace("capacity = 40", "capacity = 0").replace("gpio = 27", "gpio = 17")
    text = text.replace("width = 64", "width = 63") + "[journal]\nkeep_day = 9\n" + panel("x", "emulator")
    path = write_site(text.replace('name = "x"\nzone = "customers"', 'name = "x"\nzone = "roof"'))
    with pytest.raises(SiteError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert [line.partition(": ")[2].partition(" = ")[0] for line in lines] == [
        'zone "customers" capacity',
        'sign "entrance" width',
        "journal.keep_day",
        'sign "x" zone',
        'lane "main" inner.gpio',
    ]
    assert all(line.startswith(f"{path}: ") for line in lines)


# Whatever somebody writes


KEYS = st.sampled_from(
    ["lot", "zone", "lane", "bay", "sign", "gpio", "mqtt", "name", "capacity", "outer", "inner", "loop", "format",
     "pointer", "driver", "width", "height", "spi_port", "spi_device", "from_zone", "full_text", "prefix", "x"]
)  # fmt: skip
PLAIN = st.one_of(
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.dates(date(1900, 1, 1)),
    st.text(max_size=20),
    st.sampled_from(["customers", "main", "emulator", "max7219", "plain", "json", "/a", "a/#"]),
)
MESS = st.dictionaries(
    KEYS,
    st.recursive(
        PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
    ),
    max_size=6,
)


def toml(value: Any) -> str:
    """Write any plain value as inline TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "{ " + ", ".join(f'"{k}" = {toml(v)}' for k, v in value.items()) + " }"
        case list():
            return "[ " + ", ".join(map(toml, value)) + " ]"
        case str():
            plain = string.ascii_letters + string.digits + " /#+-_"
            return '"' + "".join(c if c in plain else f"\\U{ord(c):08x}" for c in value) + '"'
        case _:
            return str(value)


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(mess=MESS)
def test_any_toml_gives_a_site_or_its_faults(tmp_path: Path, mess: dict[str, Any]) -> None:
    path = tmp_path / "site.toml"
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in mess.items()), "utf-8", "surrogatepass")
    told = faults(path)
    assert told
    assert all(len(fault) < 600 for fault in told)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_good_file_with_a_piece_cut_out_or_put_in_never_crashes(tmp_path: Path, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FULL_SITE)))
    length = data.draw(st.integers(0, 40))
    put_in = data.draw(st.sampled_from(["", "[[", "]]", "\n", '"', "{}", "= 0", "[[zone]]\n", "\x00", "ż"]))
    path = tmp_path / "site.toml"
    path.write_text(FULL_SITE[:start] + put_in + FULL_SITE[start + length :], "utf-8")
    with contextlib.suppress(SiteError):
        load(path)


def test_a_directory_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(21)):
        load(tmp_path)


DIMMED = edited(LANE_SITE, "height = 16", "height = 16\nbrightness_at_night = 1")


def test_a_light_has_its_sensor_sun_and_schedule(write_site: WriteSite) -> None:
    light = load(
        write_site(
            DIMMED + "[light]\ni2c = 1\naddress = 0x5C\nlatitude = 52.2\nlongitude = 21.0\n"
            'day_from = "06:30"\nnight_from = "20:00"\n'
        )
    ).light
    assert light == LightSpec(
        i2c=1, address=0x5C, latitude=52.2, longitude=21.0, day_from=time(6, 30), night_from=time(20)
    )
    site = load(write_site(DIMMED + '[light]\nmqtt = "lot/light"\npointer = "/lux"\n'))
    assert site.mqtt is not None
    assert site.panels[0].brightness_at_night == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "light: nothing tells how light it is. Add i2c, mqtt, latitude and longitude, or day_from."),
        ('i2c = 1\nmqtt = "x"', "light: there is one light sensor. Write either i2c or mqtt."),
        ("i2c = 1\naddress = 0x24", "light.address = 36: it can't be that. Write 35 or 92."),
        ('i2c = 1\npointer = "/x"', "light: pointer means nothing without mqtt. Remove it."),
        ("latitude = 52.2", "light: latitude and longitude need one another. Write both."),
        ("latitude = 95.0\nlongitude = 1.0", "light.latitude = 95.0: it must be at most 90."),
        ('day_from = "7"\nnight_from = "20:00"', 'light.day_from = "7": no time of day. Write it like "06:30".'),
        ('day_from = "07:00"', "light: day_from and night_from need one another. Write both."),
        ('day_from = "07:00"\nnight_from = "07:00"', "light: day_from and night_from are both 07:00. Write two times."),
        ('mqtt = "a/#/b"', 'light.mqtt = "a/#/b": not an MQTT topic filter.'),
        ('mqtt = "a"\npointer = "lux"', 'light.pointer = "lux": not a JSON pointer.'),
    ],
)
def test_what_is_wrong_with_a_light_is_said(write_site: WriteSite, lines: str, said: str) -> None:
    told = faults(write_site(f"{DIMMED}[light]\n{lines}\n"))
    assert any(said in fault for fault in told), told


def test_a_light_that_no_sign_follows_and_pins_that_it_needs(write_site: WriteSite) -> None:
    (told,) = faults(write_site(f"{LANE_SITE}[light]\ni2c = 1\n"))
    assert told == "light: no sign follows it. Give a sign its brightness_at_night."
    (told,) = faults(write_site(edited(DIMMED, "gpio = 17", "gpio = 2") + "[light]\ni2c = 1\n"))
    assert 'lane "main" outer.gpio = 2: the light sensor\'s I2C bus 1 needs this pin.' in told
