"""Home Assistant's MQTT discovery: the lot as one device, each of its sensors a retained configuration message.

After https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery: HERE/<component>/<node>/<object>/config. What an
entity shows is taken by a template from the state topics of ``publish.mqtt``. Each entity is unavailable while our last
will says offline, and unknown when nothing came for ``EXPIRE_S``: a number that nobody renews is not shown.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from controller.site import MqttSpec

Json = dict[str, Any]

EXPIRE_S = 180
"""After this long without a state (three times ``publish.mqtt.AGAIN_S``) Home Assistant takes it for unknown."""

_STATUSES = ["OPEN", "NEARLY_FULL", "FULL", "CLOSED", "UNKNOWN"]


def messages(spec: MqttSpec, envelope: Json) -> dict[str, str]:
    """Return topic → configuration for everything in a state envelope; nothing unless the site wants it."""
    if spec.home_assistant is None:
        return {}
    lot, prefix = envelope["lot"], spec.prefix.rstrip("/")
    node = _plain(spec.client_id)
    shared = {
        "availability_topic": f"{prefix}/status",
        "device": {
            "identifiers": [node],
            "name": lot["name"],
            "manufacturer": "parking-controller",
            "model": "parking-controller",
            "sw_version": str(envelope.get("version", "")),
        },
        "origin": {"name": "parking-controller", "sw_version": str(envelope.get("version", ""))},
    }
    found: dict[str, str] = {}
    for component, name, config in (*_zones(lot, prefix), *_lot(lot, prefix), *_commands(spec, lot, prefix)):
        if component in {"sensor", "binary_sensor"}:
            config["expire_after"] = EXPIRE_S
        unique = f"{node}_{_plain(name)}"
        topic = f"{spec.home_assistant.rstrip('/')}/{component}/{node}/{_plain(name)}/config"
        found[topic] = json.dumps({**config, **shared, "unique_id": unique, "object_id": unique}, ensure_ascii=False)
    return found


def _plain(name: str) -> str:
    """Return what Home Assistant takes as an id."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _zones(lot: Json, prefix: str) -> Iterator[tuple[str, str, Json]]:
    for zone in lot["zones"]:
        name, topic = zone["name"], f"{prefix}/{zone['name']}/state"
        for key, words, icon in (("free", "free", "mdi:car-off"), ("occupied", "vehicles inside", "mdi:car-multiple")):
            yield (
                "sensor",
                f"{name}_{key}",
                {
                    "name": f"{name} {words}",
                    "icon": icon,
                    "state_topic": topic,
                    "value_template": f"{{{{ value_json.{key} }}}}",
                    "state_class": "measurement",
                },
            )
        yield (
            "sensor",
            f"{name}_status",
            {
                "name": f"{name} status",
                "state_topic": topic,
                "value_template": "{{ value_json.status }}",
                "device_class": "enum",
                "options": _STATUSES,
                "json_attributes_topic": topic,
            },
        )


def _lot(lot: Json, prefix: str) -> Iterator[tuple[str, str, Json]]:
    topic = lot_topic(prefix)
    for sign in lot["signs"]:
        template = f"{{{{ value_json.signs['{sign['name']}'] }}}}"
        sensor = {"name": f"sign {sign['name']}", "state_topic": topic, "value_template": template}
        yield "sensor", f"sign_{sign['name']}", {**sensor, "icon": "mdi:sign-text"}
    yield (
        "binary_sensor",
        "faults",
        {
            "name": "faults",
            "state_topic": topic,
            "value_template": "{{ 'ON' if value_json.faults else 'OFF' }}",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "json_attributes_topic": topic,
            "json_attributes_template": "{{ {'faults': value_json.faults} | tojson }}",
        },
    )
    for detector in (d for lane in lot["lanes"] for d in lane["detectors"]):
        yield (
            "binary_sensor",
            f"detector_{detector['name']}",
            {
                "name": f"detector {detector['name']}",
                "state_topic": topic,
                "value_template": f"{{{{ value_json.detectors['{detector['name']}'] }}}}",
                "device_class": "occupancy",
                "entity_category": "diagnostic",
            },
        )


def _commands(spec: MqttSpec, lot: Json, prefix: str) -> Iterator[tuple[str, str, Json]]:
    if not spec.corrections:
        return
    for zone in lot["zones"]:
        name = zone["name"]
        command = {"command_topic": f"{prefix}/{name}/occupied/set", "qos": 1, "retain": False}
        yield (
            "number",
            f"{name}_correct",
            {
                "name": f"{name} correct vehicles inside",
                **command,
                "state_topic": f"{prefix}/{name}/state",
                "value_template": "{{ value_json.occupied }}",
                "min": 0,
                "max": 2 * zone["capacity"],
                "mode": "box",
                "entity_category": "config",
            },
        )
        button = {"name": f"{name} is empty", **command, "payload_press": "0", "entity_category": "config"}
        yield "button", f"{name}_empty", button


def lot_topic(prefix: str) -> str:
    """Where the state of the whole lot is; no zone's name begins with an underscore."""
    return f"{prefix}/_lot"


def lot_state(lot: Json) -> Json:
    """Return what stands there: detectors ON, OFF or null, what each sign is told to say, and what is at fault."""
    level = {True: "ON", False: "OFF", None: None}
    return {
        "detectors": {d["name"]: level[d["occupied"]] for lane in lot["lanes"] for d in lane["detectors"]},
        "signs": {sign["name"]: sign["message"]["text"] for sign in lot["signs"]},
        "faults": [f"{fault['subject']}: {fault['kind']}" for fault in lot["faults"]],
    }
