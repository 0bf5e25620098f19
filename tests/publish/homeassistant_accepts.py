"""A real Home Assistant beside a real Mosquitto: what does its entity registry hold, and does its log complain?

Not collected by the usual run: ``make test-homeassistant`` installs Home Assistant and names this file.
"""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fixtures_broker import Mosquitto, until
from test_mqtt_state import envelope

from controller.publish.homeassistant import messages
from controller.publish.mqtt import MqttState
from controller.site import MqttSpec

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


def configured(folder: Path, broker: Mosquitto) -> None:
    (folder / ".storage").mkdir()
    logs = "logger:\n  default: warning\n  logs:\n    homeassistant.components.mqtt: info\n"
    (folder / "configuration.yaml").write_text(f"homeassistant:\n  name: Test\n{logs}")
    entry = {**ENTRY, "data": {"broker": broker.host, "port": broker.port, "discovery": True}}
    store = {"version": 1, "minor_version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}
    (folder / ".storage" / "core.config_entries").write_text(json.dumps(store))


def registry(folder: Path) -> dict[str, Any]:
    path = folder / ".storage" / "core.entity_registry"
    entities = json.loads(path.read_text())["data"]["entities"] if path.exists() else []
    return {entity["unique_id"]: entity for entity in entities}


@pytest.mark.timeout(180)
def test_home_assistant_takes_every_entity_without_a_complaint(new_broker: Any, tmp_path: Path) -> None:
    broker: Mosquitto = new_broker()
    spec = MqttSpec(host=broker.host, port=broker.port, home_assistant="homeassistant", corrections=True)
    wanted = {json.loads(config)["unique_id"] for config in messages(spec, envelope(3)).values()}
    folder = tmp_path / "home-assistant"
    folder.mkdir()
    configured(folder, broker)
    log = tmp_path / "log.txt"
    with MqttState(spec, password=None) as state, log.open("wb") as out:
        state.publish(envelope(3))
        until(lambda: state.report()["connected"])
        hass = subprocess.Popen([os.environ["HASS"], "-c", folder, "--skip-pip"], stdout=out, stderr=out)
        try:
            until(lambda: log.read_text().count("Found new component") >= len(wanted), 90)
            until(lambda: registry(folder).keys() >= wanted, 60)  # written some seconds later
        finally:
            hass.send_signal(signal.SIGTERM)
            hass.wait(30)
    held = registry(folder)
    assert held.keys() == wanted
    assert len({entity["device_id"] for entity in held.values()}) == 1
    assert all(entity["platform"] == "mqtt" for entity in held.values())
    said = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text())
    complaints = [x for x in said.splitlines() if "mqtt" in x.lower() and re.search(r"\b(ERROR|WARNING)\b", x)]
    assert complaints == []
    print(f"\n{len(held)} entities of one device, no complaint about MQTT in its log")  # noqa: T201  pytest -s
