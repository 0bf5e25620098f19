"""A real Home Assistant, a real Mosquitto and the real count: what its registry and its log hold, and a correction.

Not collected by the usual run: ``make test-homeassistant`` installs Home Assistant and names this file. An automation
of its own stands for the person in front of it: told so over MQTT, it sets the number, and says what its entities show.
"""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fixtures_broker import Mosquitto, until
from fixtures_site import Product

from controller.publish.homeassistant import messages
from controller.site import load

ENTRY = {
    "entry_id": "0123456789abcdef0123456789abcdef",
    "version": 1,
    "minor_version": 1,
    "domain": "mqtt",
    "title": "broker",
    "options": {},
    "source": "user",
    "unique_id": None,
    "disabled_by": None,
    "pref_disable_new_entities": False,
    "pref_disable_polling": False,
}

PERSON = """
automation:
  - alias: set the number
    trigger: {platform: mqtt, topic: person/sets}
    action:
      - service: number.set_value
        target: {entity_id: number.parking_controller_customers_correct}
        data: {value: "{{ trigger.payload | int }}"}
  - alias: press the button
    trigger: {platform: mqtt, topic: person/presses}
    action:
      - service: button.press
        target: {entity_id: button.parking_controller_customers_empty}
  - alias: say what is shown
    trigger: {platform: mqtt, topic: person/looks}
    action:
      - service: mqtt.publish
        data:
          topic: person/sees
          payload: >-
            {% set ns = namespace(seen=[]) %}
            {% for s in states if 'parking_controller' in s.entity_id %}
            {% set ns.seen = ns.seen + [[s.entity_id, s.state]] %}
            {% endfor %}
            {{ ns.seen | tojson }}
"""


def configured(folder: Path, broker: Mosquitto) -> None:
    (folder / ".storage").mkdir()
    logs = "logger:\n  default: warning\n  logs:\n    homeassistant.components.mqtt: info\n"
    (folder / "configuration.yaml").write_text(f"homeassistant:\n  name: Test\n{logs}{PERSON}")
    entry = {**ENTRY, "data": {"broker": broker.host, "port": broker.port, "discovery": True}}
    store = {"version": 1, "minor_version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}
    (folder / ".storage" / "core.config_entries").write_text(json.dumps(store))


def registry(folder: Path) -> dict[str, Any]:
    path = folder / ".storage" / "core.entity_registry"
    entities = json.loads(path.read_text())["data"]["entities"] if path.exists() else []
    return {entity["unique_id"]: entity for entity in entities if entity["platform"] == "mqtt"}


@contextlib.contextmanager
def home_assistant(folder: Path, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        hass = subprocess.Popen([os.environ["HASS"], "-c", folder, "--skip-pip"], stdout=out, stderr=out)
        try:
            yield
        finally:
            hass.send_signal(signal.SIGTERM)
            hass.wait(30)


@pytest.mark.timeout(300)
def test_home_assistant_takes_every_entity_and_a_correction_reaches_the_count(
    new_broker: Callable[..., Mosquitto], product: Product, tmp_path: Path
) -> None:
    broker = new_broker()
    mqtt = (
        f'[mqtt]\nhost = "{broker.host}"\nport = {broker.port}\nhome_assistant = "homeassistant"\ncorrections = true\n'
    )
    product.site.write_text(f"{product.site.read_text('utf-8')}\n{mqtt}", "utf-8")
    product.start_count()
    with product.link() as link:
        spec = load(product.site).mqtt
        assert spec is not None
        wanted = {json.loads(config)["unique_id"] for config in messages(spec, link.state()).values()}
    folder, log = tmp_path / "home-assistant", tmp_path / "hass.log"
    folder.mkdir()
    configured(folder, broker)

    def seen() -> dict[str, str]:
        with broker.listen("person/sees") as heard:
            broker.publish("person/looks", "")
            shown = dict(json.loads(heard.get(timeout=20).payload))
        return {name.partition(".parking_controller_")[2]: state for name, state in shown.items()}

    with home_assistant(folder, log):
        until(lambda: log.read_text().count("Found new component") >= len(wanted), 120)
        until(lambda: "person/looks" in broker.log, 60)  # the automations listen
        until(lambda: seen().get("customers_free") == "30", 60)
        shown = seen()
        assert (shown["customers_occupied"], shown["customers_status"]) == ("10", "OPEN")
        assert (shown["sign_entrance"], shown["faults"]) == ("30", "off")
        assert {name: state for name, state in shown.items() if name.startswith("detector")} == {
            "detector_main_outer": "off",
            "detector_main_inner": "off",
        }
        with product.pins() as pins:
            pins.set(17, False)  # a car comes onto the outer loop
            until(lambda: seen()["detector_main_outer"] == "on", 30)
            pins.set(17, True)
            until(lambda: seen()["detector_main_outer"] == "off", 30)
        broker.publish("person/sets", "37")
        until(lambda: product.occupied() == 37, 30)
        until(lambda: seen()["customers_free"] == "3", 30)
        broker.publish("person/presses", "")
        until(lambda: product.occupied() == 0, 30)
        until(lambda: registry(folder).keys() >= wanted, 60)  # written some seconds later
    held = registry(folder)
    assert held.keys() == wanted
    assert len({entity["device_id"] for entity in held.values()}) == 1
    with closing(sqlite3.connect(product.state_dir / "journal.sqlite")) as db:
        assert db.execute("SELECT who FROM audit").fetchall() == [("mqtt",), ("mqtt",)]
    said = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text())
    complaints = [x for x in said.splitlines() if "mqtt" in x.lower() and re.search(r"\b(ERROR|WARNING)\b", x)]
    assert complaints == []
    print(  # noqa: T201  pytest -s
        f"\n{len(held)} entities of one device, no complaint about MQTT in its log; a number and a button of it"
        " corrected the count"
    )
