"""What the demo is made of, without processes: site files of all scenarios, the words, truth beside belief."""

import re
from pathlib import Path

import pytest

from controller import demo_site
from controller.demo_page import ASSETS, SPEEDS
from controller.demo_show import DEFAULT
from controller.demo_words import _SCENARIOS, scenarios, words
from controller.domain.lot import initial
from controller.simulator.orders import Order
from controller.simulator.scenario import load, shipped
from controller.simulator.season import Season


@pytest.mark.parametrize("name", shipped())
def test_every_scenario_makes_a_site_that_is_accepted(name: str, tmp_path: Path) -> None:
    season = Season(load(name), 1, begin_s=8 * 3600.0)
    site = demo_site.write(tmp_path / "demo.toml", name, season, broker_port=1883, web_port=8080)
    scenario = season.scenario
    (zone,) = site.lot.zones
    assert (zone.name, zone.capacity, zone.full_at) == (scenario.lot.zone, scenario.lot.capacity, scenario.lot.full_at)
    assert zone.initial_occupied == (season.inside if scenario.lot.start_known else None)
    assert [pin.detector for pin in site.pins] == scenario.detectors
    assert [bay.name for bay in site.lot.bays] == season.instruments.field.names
    assert len({sensor.topic for sensor in site.sensors}) == len(site.lot.bays)
    assert site.pin_factory == "mock"
    assert initial(site.lot).zones[zone.name] is not None


def test_the_demos_own_lot_is_small_and_never_still() -> None:
    season = Season(load(DEFAULT), 1, begin_s=3 * 3600.0)
    assert season.scenario.lot.capacity < 50
    list(season.advance(4 * 3600.0))
    assert season.counts["visits"] > 200, "an hour at night: somebody comes or goes every few seconds"
    assert len(season.instruments.field.names) >= 4


def test_every_scenario_is_described_in_both_languages() -> None:
    assert set(_SCENARIOS) == set(shipped())
    assert set(scenarios("pl")) == set(scenarios("en")) == set(shipped())
    assert all(scenarios("pl")[name] != scenarios("en")[name] for name in shipped())


def test_the_page_has_a_word_for_all_that_it_asks_for() -> None:
    template = (ASSETS / "templates" / "demo.html").read_text("utf-8")
    script = (ASSETS / "static" / "demo.js").read_text("utf-8")
    asked = set(re.findall(r"\bt\.(\w+)", template)) | set(re.findall(r"\bdemo\.([a-z_]+)\b(?!\.)", script))
    assert asked - {"js", "css"} <= set(words("pl"))
    assert set(words("pl")) == set(words("en"))
    assert all(words("pl").values())


def test_the_page_names_every_fault_that_can_be_ordered() -> None:
    for fault in ("occupied", "clear", "dead", "chatter", "edges"):
        assert Order.model_validate({"action": "fault", "detector": "a.outer", "fault": fault}).fault == fault
        assert f"fault_{fault}" in words("en")


@pytest.mark.parametrize("speed", SPEEDS)
def test_every_speed_that_the_page_offers_can_be_ordered(speed: int) -> None:
    assert Order(action="speed", speed=speed).speed == speed
