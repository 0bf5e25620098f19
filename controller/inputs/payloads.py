"""The formats that a site file may name, and ``decode``: one message of a sensor -> what it says of the level.

Pure: no clock, no log, no state. Whatever the bytes, ``decode`` returns a ``Reading`` or raises ``PayloadError``. A
message that is the sensor's but tells no level (online, offline, join, LWT, a button's event, a frame on another port)
has ``occupied`` None. The rules on text, JSON, words and times are in ``document``.

======================= ====================================== ================================ ========================
format                  topic                                  payload, when occupied           stamp
======================= ====================================== ================================ ========================
plain                   bays/A2                                occupied (WORDS, or as JSON)     -
json + pointer          any/topic, pointer /bay/taken          {"bay": {"taken": "yes"}}        -
chirpstack-v4/DEVICE    application/ID/device/EUI/event/up     object.occupied, or data in      fCnt (0 if left out),
                                                               base64 by fPort                  time
chirpstack-v3/DEVICE    application/ID/device/EUI/event/up     object.occupied, or data in      fCnt, earliest
                                                               base64 or hex by fPort           rxInfo.time, publishedAt
tts-v3/DEVICE           v3/APP@TENANT/devices/ID/up            decoded_payload.occupied, or     f_cnt (0 if left out),
                                                               frm_payload in base64 by f_port  received_at
loriot/DEVICE           any/topic                              data in hex by port, cmd rx, gw  fcnt, ts
tasmota, tasmota/N      tasmota_49A3BC/stat/SWITCH1            {"STATE": "ON"}                  Time, if with offset
                        tasmota_49A3BC/stat/RESULT             {"Switch1": {"Action": "ON"}}    the same
                        tasmota_49A3BC/tele/SENSOR             {"Switch1": "ON"}                the same
                        tasmota_49A3BC/stat/STATUS8, STATUS10  {"StatusSNS": {"Switch1": "ON"}} the same
shelly-gen1             shellies/ID/input/0                    1                                -
shelly-gen2[/N]         PREFIX/status/input:0                  {"id": 0, "state": true}         -
                        PREFIX/events/rpc                      {"method": "NotifyStatus",       params.ts
                                                               "params": {"input:0":
                                                               {"state": true}}}
zigbee2mqtt/occupancy   zigbee2mqtt/NAME                       {"occupancy": true}              last_seen
zigbee2mqtt/contact     zigbee2mqtt/NAME                       {"contact": true} (closed)       last_seen
esphome                 NODE/binary_sensor/NAME/state          ON                               -
======================= ====================================== ================================ ========================

DEVICE is bosch-pls, nwave or pni-placepod. tasmota/N has N from 1 to 28 (alone: 1); shelly-gen2/N from 0 to 7, and from
100 to 103 on an add-on (alone: 0). plain with a pointer is json.
"""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from controller.inputs import nodes
from controller.inputs.bay_sensors import DEVICES
from controller.inputs.document import (
    EXPECTED,
    Decoder,
    PayloadError,
    Reading,
    level,
    parse,
    parse_pointer,
    shown,
    text_of,
    value_at,
)
from controller.inputs.lorawan import ENVELOPES, carried

__all__ = [
    "FORMATS",
    "NEEDS_POINTER",
    "TAKES_POINTER",
    "PayloadError",
    "Reading",
    "decode",
    "known_format",
    "parse_pointer",
]


def _plain(text: str, _topic: str) -> Reading:
    try:
        value = parse(text)
    except PayloadError:
        value = text  # a bare word is no JSON
    if isinstance(value, dict | list):
        raise PayloadError(f"the payload is {shown(value)}; expected {EXPECTED}: for JSON use the format json")
    return Reading(level(value, "the payload"))


FORMATS: Mapping[str, Decoder] = MappingProxyType(
    {
        "plain": _plain,
        "json": _plain,
        **{f"{e}/{d}": carried(envelope, device) for e, envelope in ENVELOPES.items() for d, device in DEVICES.items()},
        "tasmota": nodes.tasmota(1),
        **{f"tasmota/{n}": nodes.tasmota(n) for n in range(1, 29)},
        "shelly-gen1": nodes.shelly_gen1,
        "shelly-gen2": nodes.shelly_gen2(0),
        **{f"shelly-gen2/{n}": nodes.shelly_gen2(n) for n in (*range(8), *range(100, 104))},
        "zigbee2mqtt/occupancy": nodes.zigbee2mqtt("occupancy"),
        "zigbee2mqtt/contact": nodes.zigbee2mqtt("contact"),
        "esphome": nodes.esphome,
    }
)
"""Every name that a site file may use."""

NEEDS_POINTER: frozenset[str] = frozenset({"json"})
TAKES_POINTER: frozenset[str] = frozenset({"json", "plain"})


def known_format(name: str) -> bool:
    """Say whether a site file may use this name."""
    return name in FORMATS


def decode(format_: str, payload: bytes, *, pointer: str | None = None, topic: str = "") -> Reading:
    """Read one message that came on ``topic`` (empty: not known); raises ``PayloadError`` and nothing else."""
    decoder = FORMATS.get(format_)
    if decoder is None:
        near = difflib.get_close_matches(format_, FORMATS, 1)
        raise PayloadError(f"there is no format {shown(format_)}" + (f"; is it {near[0]}?" if near else ""))
    if pointer is None and format_ in NEEDS_POINTER:
        raise PayloadError(f"the format {format_} needs a JSON pointer to the level, like /status/occupied")
    if pointer is not None and format_ not in TAKES_POINTER:
        raise PayloadError(f"the format {format_} knows where its level is: leave out the pointer {shown(pointer)}")
    text = text_of(payload)
    if pointer is None:
        return decoder(text, topic)
    return Reading(level(value_at(parse(text), pointer), f"the value at {shown(pointer)}"))
