"""Light over MQTT: the newest value for the signs, in no journal."""

import json
from pathlib import Path

import pytest
from fixtures_broker import Mosquitto
from fixtures_site import LANE_SITE, Product, edited, wait_until

from controller.inputs.light import LightTopic
from controller.inputs.mqtt import MqttMessage
from controller.site import LightSpec


def message(payload: str, topic: str = "lot/light", *, retained: bool = False, at: float = 100.0) -> MqttMessage:
    return MqttMessage(topic, payload.encode(), at, retained, lambda: None)


def test_a_number_is_the_light_and_has_an_age() -> None:
    light = LightTopic(LightSpec(mqtt="lot/+"))
    assert light.report(100.0) == {"lux": None, "age_s": None, "malformed": 0, "trouble": None}
    assert light.hear(message("431.5"))
    assert light.report(102.5) == {"lux": 431.5, "age_s": 2.5, "malformed": 0, "trouble": None}
    assert not light.hear(message("1", topic="other/light/x"))
    assert light.hear(message("7", retained=True, at=101.0))
    assert light.report(102.5)["lux"] == 431.5


def test_a_pointer_finds_it_in_a_document() -> None:
    light = LightTopic(LightSpec(mqtt="lot/light", pointer="/sensors/0/lux"))
    light.hear(message('{"sensors": [{"lux": 12}]}'))
    assert light.report(100.0)["lux"] == 12.0


@pytest.mark.parametrize("payload", ["bright", "true", '"12"', "-1", "1e7", "NaN", "1e999", "{}", "", "[1"])
def test_what_is_no_light_is_counted_and_changes_nothing(payload: str) -> None:
    light = LightTopic(LightSpec(mqtt="lot/light"))
    light.hear(message("5"))
    light.hear(message(payload, at=101.0))
    told = light.report(101.0)
    assert (told["lux"], told["age_s"], told["malformed"]) == (5.0, 1.0, 1)
    assert told["trouble"]


@pytest.mark.broker
def test_light_reaches_the_sign_through_count_and_no_journal(product: Product, broker: Mosquitto) -> None:
    text = edited(LANE_SITE, "height = 16", "height = 16\nbrightness = 15\nbrightness_at_night = 2")
    text += f'\n[light]\nmqtt = "test-light/lux"\n\n[mqtt]\nhost = "{broker.host}"\nport = {broker.port}\n'
    product.site.write_text(text, "utf-8")
    product.start_count()
    product.start("sign", "run")
    inputs = 0

    def follows() -> bool:
        nonlocal inputs
        broker.publish("test-light/lux", "3")
        with product.link() as link:
            state = link.state()
        inputs = state["journal"]["inputs"]
        path = Path(product.run_dir / "sign-entrance.json")
        return path.exists() and json.loads(path.read_text("utf-8"))["why_bright"] == "the light sensor: 3 lx"

    wait_until(follows, "the sign follows the light")
    before = inputs
    follows()
    assert inputs == before
