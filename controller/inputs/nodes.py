"""Switch and contact nodes of home automation: Tasmota, Shelly, Zigbee2MQTT, ESPHome.

A node says more than the level of one input, often on topics beside it, and a site file may subscribe with wildcards.
So the end of the topic is looked at where it is known: a word of another topic (a relay's ON, a device's online true)
is never taken for the input's level. The topic of another input is an error that says how to choose it.

Sources: Tasmota "Buttons and Switches" and "MQTT", Shelly "Gen1 MQTT" and "Gen2+ Input, Notifications, MQTT",
Zigbee2MQTT "MQTT topics and messages" and the devices' "exposes", ESPHome "MQTT client component" and "binary sensor".
"""

import re
from collections.abc import Mapping
from typing import Any

from controller.domain.events import Stamp
from controller.inputs.document import (
    Decoder,
    PayloadError,
    Reading,
    facts,
    iso_time,
    level,
    parse,
    parse_object,
    shown,
    unix_milliseconds,
    unix_seconds,
)

_PRESENCE_WORDS = {"online", "offline"}
_SWITCH_TOPIC = re.compile(r"SWITCH([0-9]{1,2})", re.ASCII)
_INPUT_TOPIC = re.compile(r"input:([0-9]{1,3})", re.ASCII)


def tasmota(switch: int) -> Decoder:
    """Switch ``switch`` (from 1) of a Tasmota node in a SwitchMode that follows the contact (1, 2 or 15).

    ``SWITCH<n>`` {"STATE":"ON"}, ``RESULT`` {"Switch<n>":{"Action":"ON"}} (SetOption114), ``SENSOR``
    {"Switch<n>":"ON"}, ``STATUS8`` and ``STATUS10`` {"StatusSNS":{"Switch<n>":"ON"}}. TOGGLE, HOLD and other actions of
    buttons tell no level, nor do LWT, STATE and the relays' POWER. Time has no offset as shipped: then it is no stamp.
    """

    def decoder(text: str, topic: str) -> Reading:
        tail = _tail(topic)
        _check_input(_SWITCH_TOPIC.fullmatch(tail), switch, "tasmota")
        if text.lower() in _PRESENCE_WORDS or tail.startswith("POWER"):
            return Reading(None, note={"said": text[:10]})
        document = parse_object(text)
        sensors = document.get("StatusSNS", document)
        if not isinstance(sensors, dict):
            raise PayloadError(f"StatusSNS is {shown(sensors)}; expected a JSON object")
        own = sensors.get(f"Switch{switch}")
        if isinstance(own, dict):
            own = own.get("Action")
        if own is None:
            own = document.get("STATE") if _SWITCH_TOPIC.fullmatch(tail) or not tail else None
        return Reading(_tasmota_level(own), _stamp(iso_time(sensors.get("Time"))))

    return decoder


def _tasmota_level(state: Any) -> bool | None:
    if state is not None and not isinstance(state, str):
        raise PayloadError(f"the switch is {shown(state)}; expected ON or OFF")
    return {"ON": True, "OFF": False}.get(state or "")  # else TOGGLE, HOLD, CLEAR ...: what one does with a button


def shelly_gen1(text: str, topic: str) -> Reading:
    """Input of a first generation Shelly: ``shellies/<device>/input/<n>`` 0 or 1; the topic says which input.

    The device's other topics tell no level, though some (``longpush/0``, ``online``, ``relay/0``) use similar words.
    """
    parts = topic.split("/")
    if topic and parts[-2:-1] != ["input"]:
        return Reading(None)
    match text:
        case "0" | "1":
            return Reading(text == "1")
        case _:
            raise PayloadError(f"the input is {shown(text)}; expected 0 or 1")


def shelly_gen2(number: int) -> Decoder:
    """Input ``number`` (from 0; from 100 on an add-on) of a Shelly of the second generation or later, of type switch.

    ``<prefix>/status/input:<n>`` {"id":0,"state":true} (needs "generic status update over MQTT"), and on
    ``<prefix>/events/rpc`` NotifyStatus and NotifyFullStatus with {"params":{"ts":..,"input:<n>":{"state":true}}}. An
    input of type button has the state null and sends NotifyEvent instead; both tell no level, nor do other components.
    """

    def decoder(text: str, topic: str) -> Reading:
        tail = _tail(topic)
        own_topic = _INPUT_TOPIC.fullmatch(tail)
        _check_input(own_topic, number, "shelly-gen2")
        document = parse(text)
        if isinstance(document, bool):  # <prefix>/online
            return Reading(None)
        if not isinstance(document, dict):
            raise PayloadError(f"the payload is {shown(document)}; expected a JSON object")
        if "method" in document:
            return _shelly_notification(document, number)
        return Reading(_shelly_state(document) if own_topic or not tail else None)

    return decoder


def _shelly_notification(document: Mapping[str, Any], number: int) -> Reading:
    params = document.get("params")
    if not isinstance(params, dict):
        raise PayloadError(f"params is {shown(params)}; expected a JSON object")
    stamp = _stamp(unix_seconds(params.get("ts")))
    own = params.get(f"input:{number}")
    if own is None:  # about other components, or an event
        return Reading(None, stamp)
    if not isinstance(own, dict):
        raise PayloadError(f"input:{number} is {shown(own)}; expected a JSON object")
    return Reading(_shelly_state(own), stamp)


def _shelly_state(component: Mapping[str, Any]) -> bool | None:
    state = component.get("state")
    if state is None or isinstance(state, bool):
        return state
    raise PayloadError(f"state is {shown(state)}; expected true, false or null")


def zigbee2mqtt(exposed: str) -> Decoder:
    """Read what a Zigbee device exposes (occupancy or contact) on ``zigbee2mqtt/<name>``; true is occupied.

    A contact is true when it is closed: wire it so that it closes while a vehicle is there. ``last_seen`` is the stamp,
    when Zigbee2MQTT is set to send it (ISO_8601, ISO_8601_local or epoch). ``<name>/availability`` tells no level; nor
    does a message without ``exposed``, and its note says so.
    """

    def decoder(text: str, topic: str) -> Reading:
        if _tail(topic) == "availability" or text.lower() in _PRESENCE_WORDS:
            return Reading(None)
        document = parse_object(text)
        seen = document.get("last_seen")
        note = facts(document, "battery", "battery_low", "voltage", "linkquality", "temperature")
        if exposed not in document:
            note["lacks"] = exposed
        occupied = level(document.get(exposed), exposed)
        return Reading(occupied, _stamp(iso_time(seen) or unix_milliseconds(seen)), note)

    return decoder


def esphome(text: str, _topic: str) -> Reading:
    """Read an ESPHome binary sensor, ``<node>/binary_sensor/<name>/state``; ``<node>/status`` tells no level."""
    match text.upper():
        case "ON" | "OFF" as state:
            return Reading(state == "ON")
        case "ONLINE" | "OFFLINE":
            return Reading(None, note={"said": text})
        case _:
            raise PayloadError(f"the payload is {shown(text)}; expected ON or OFF (or online, offline)")


def _tail(topic: str) -> str:
    return topic.rpartition("/")[2]


def _check_input(named: re.Match[str] | None, wanted: int, family: str) -> None:
    if named and int(named[1]) != wanted:
        raise PayloadError(
            f"the topic ends in {named[0]}, but this format reads number {wanted}: "
            f"use the format {family}/{int(named[1])}, or a narrower topic"
        )


def _stamp(sent_at: float | None) -> Stamp | None:
    return None if sent_at is None else Stamp(sent_at=sent_at)
