"""The demo's site file: the lot of a scenario, with mock pins, an embedded broker and an emulated sign."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from controller.simulator.embedded_broker import HOST
from controller.simulator.scenario_tables import LaneTable, Scenario
from controller.simulator.season import Season
from controller.site import Part, Site, load

TIMEZONE = "Europe/Warsaw"
FIRST_GPIO = 4
FIRST_DEVICE = 0xA84041000181C061
NEARLY_FULL = 0.1
"""Share of the spaces."""
STUCK_OF_STAY = 0.15
"""A loop is stuck when it is occupied for this share of a usual stay, but for no longer than ..."""
STUCK_S = (45, 900)
HEARTBEATS = 2.5
"""A bay is silent after so many."""


def write(path: Path, name: str, season: Season, *, broker_port: int, web_port: int) -> Site:
    """Write the site file of a season that has just begun, and read it."""
    scenario = season.scenario
    lines = [
        *_lot(name, scenario, season.inside_at_start if scenario.lot.start_known else None),
        *_lanes(scenario),
        *_bays(scenario, season.instruments.field.names),
        *_table("[[sign]]", name="entrance", zone=scenario.lot.zone, driver="emulator", width=64, height=16),
        *_table("[gpio]", pin_factory="mock"),
        *_table("[mqtt]", host=HOST, port=broker_port),
        *_table("[api]", port=web_port, public=list(get_args(Part))),
        *_table("[health]", stuck_after_s=_stuck_after_s(scenario)),
    ]
    path.write_text("\n".join(lines), "utf-8", newline="\n")
    return load(path)


def _lot(name: str, scenario: Scenario, inside: int | None) -> Iterable[str]:
    lot = scenario.lot
    yield f"# The demo's site, made from the scenario {name}: written anew at each start, and read like any other."
    yield from _table("[lot]", name="Parking dla klientów", timezone=TIMEZONE)
    nearly = max(lot.full_at + 1, round(NEARLY_FULL * lot.capacity))
    known = {} if inside is None else {"initial_occupied": inside}
    yield from _table(
        "[[zone]]", name=lot.zone, capacity=lot.capacity, full_at=lot.full_at, nearly_full_at=nearly, **known
    )


def _lanes(scenario: Scenario) -> Iterable[str]:
    gpio = FIRST_GPIO
    for name, table in scenario.lane.items():
        yield from _lane(name, table, scenario.lot.zone, gpio)
        gpio += len(table.roles)


def _lane(name: str, table: LaneTable, zone: str, gpio: int) -> Iterable[str]:
    *lines, _blank = _table("[[lane]]", name=name, zone=zone, direction=table.direction)
    yield from lines
    for number, role in enumerate(table.roles):
        yield f"{role} = {{ gpio = {gpio + number} }}"
    yield ""


def _bays(scenario: Scenario, names: Iterable[str]) -> Iterable[str]:
    """Let every other bay speak through a LoRaWAN network server, the others plainly."""
    silent_s = round(HEARTBEATS * scenario.bays.heartbeat_h * 3600)
    for number, name in enumerate(names):
        radio = number % 2 == 0
        topic = f"application/+/device/{FIRST_DEVICE + number:016x}/event/up" if radio else f"bays/{name}"
        form = "chirpstack-v4/bosch-pls" if radio else "plain"
        yield from _table(
            "[[bay]]", name=name, zone=scenario.lot.zone, mqtt=topic, format=form, silent_after_s=silent_s
        )


def _stuck_after_s(scenario: Scenario) -> int:
    """Return a limit that shows while one looks, where stays are short."""
    stays = [60 * stay.minutes for group in scenario.group.values() for stay in group.stay if stay.minutes is not None]
    least, most = STUCK_S
    return round(min(most, max(least, STUCK_OF_STAY * max(stays)))) if stays else most


def _table(head: str, **values: str | int | list[str]) -> list[str]:
    return [head, *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()), ""]
