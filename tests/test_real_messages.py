"""Real sensor messages (tests/data/mqtt), published to a real Mosquitto, change what the counting process says.

Each message has a bay of its own: the recorded ones share frame counters, and a repeated frame is no news.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from fixtures_broker import Mosquitto, until
from fixtures_site import Product, wait_until

pytestmark = pytest.mark.broker

DATA = Path(__file__).parent / "data" / "mqtt"


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def envelopes() -> list[tuple[str, str, str, bool]]:
    """(format, topic, payload, occupied) of every recorded message of a network server."""
    return [
        (case["format"], f"up/{number}", json.dumps(case["message"]), case["means"]["values"]["occupied"])
        for number, case in enumerate(recorded("envelopes.ndjson"))
    ]


def frames() -> list[tuple[str, str, str, bool]]:
    """The recorded raw frames, in the envelope that ChirpStack v4 documents."""
    return [
        (
            f"chirpstack-v4/{case['device']}",
            f"frame/{number}",
            json.dumps(
                {"fCnt": number, "fPort": case["port"], "data": base64.b64encode(bytes.fromhex(case["frame"])).decode()}
            ),
            bool(case["means"].get("occupied", case["means"].get("parking_status"))),
        )
        for number, case in enumerate(recorded("frames.ndjson"))
    ]


def switches() -> list[tuple[str, str, str, bool]]:
    """The recorded Tasmota messages that tell a level."""
    return [
        ("tasmota", f"{number}/{case['topic']}", case["payload"], '"ON"' in case["payload"])
        for number, case in enumerate(recorded("tasmota.ndjson"))
        if "LWT" not in case["topic"]
    ]


def documented() -> list[tuple[str, str, str, bool]]:
    """One message each of the families of which no recording is at hand, in the shape their makers document."""
    return [
        ("plain", "plain/bay", "occupied", True),
        ("json", "json/bay", '{"bay": {"taken": false}}', False),
        ("chirpstack-v3/bosch-pls", "v3/bay", '{"fCnt": 7, "fPort": 1, "data": "AQ=="}', True),
        ("shelly-gen1", "shellies/gate/input/0", "1", True),
        ("shelly-gen2", "gate/status/input:0", '{"id": 0, "state": true}', True),
        ("zigbee2mqtt/occupancy", "zigbee2mqtt/bay", '{"occupancy": true, "linkquality": 90}', True),
        ("zigbee2mqtt/contact", "zigbee2mqtt/door", '{"contact": false}', False),
        ("esphome", "node/binary_sensor/bay/state", "ON", True),
    ]


@pytest.mark.parametrize("messages", [envelopes(), frames(), switches(), documented()], ids=lambda m: m[0][0])
def test_every_message_reaches_the_count(
    broker: Mosquitto, product: Product, messages: list[tuple[str, str, str, bool]]
) -> None:
    name = f"count-of-{len(messages)}-{messages[0][1].replace('/', '-')}"
    site = (
        f'[lot]\nname = "Bays"\n[mqtt]\nhost = "{broker.host}"\nport = {broker.port}\nclient_id = "{name}"\n'
        f'[[zone]]\nname = "all"\ncapacity = {len(messages)}\n'
    )
    for number, (format_, topic, _, _) in enumerate(messages):
        pointer = 'pointer = "/bay/taken"\n' if format_ == "json" else ""
        site += f'[[bay]]\nname = "B{number}"\nzone = "all"\nmqtt = "{topic}"\nformat = "{format_}"\n{pointer}'
    product.site.write_text(site, "utf-8")
    product.start_count()
    until(lambda: f"Sending SUBACK to {name}" in broker.log)
    with product.link() as link:
        for _, topic, payload, _ in messages:
            broker.publish(topic, payload)

        expected = {f"B{number}": occupied for number, (_, _, _, occupied) in enumerate(messages)}
        said: dict[str, bool | None] = {}

        def all_heard() -> bool:
            state = link.state()["lot"]
            said.update({bay["name"]: bay["occupied"] for bay in state["bays"]})
            return None not in said.values()

        wait_until(all_heard, "every bay is heard")
        (zone,) = link.state()["lot"]["zones"]

    assert said == expected
    assert (zone["occupied"], zone["free"]) == (sum(expected.values()), len(expected) - sum(expected.values()))
