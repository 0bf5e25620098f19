"""What LoRaWAN network servers wrap around a device's frame.

An envelope yields an ``Uplink``, or None for another event of the same device (a join, a status, an acknowledgement),
which tells no level. Any envelope goes with any device of ``bay_sensors``. Where the server runs a decoder of its own
and its result has a usable ``occupied``, that is taken; else the bytes.

ChirpStack v3 writes bytes in base64, but integrations on top of it were seen to write hexadecimal. Many a text is valid
in both, so both readings go to the device, base64 first, and the exact length of its frames decides.

Sources: ChirpStack ``integration.proto`` of v3 and v4, The Things Stack ``ApplicationUp``, LORIOT's output "rx", "gw".
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from controller.domain.events import Stamp
from controller.inputs.bay_sensors import Device
from controller.inputs.document import (
    Decoder,
    PayloadError,
    Reading,
    facts,
    iso_time,
    level,
    parse_object,
    shown,
    unix_milliseconds,
    whole_number,
)

_MAX_PORT = 255
_MAX_COUNTER = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Uplink:
    """What a device sent, out of its envelope."""

    port: int
    """FPort; 0 when there was none: then the frame holds nothing of the application."""
    frames: tuple[bytes, ...]
    """The payload; several when its text can be read in several ways: the device's strictness decides."""
    decoded: Mapping[str, Any]
    """What the server's own decoder made of it; empty when it has none."""
    stamp: Stamp


Envelope = Callable[[Mapping[str, Any]], Uplink | None]


def carried(envelope: Envelope, device: Device) -> Decoder:
    """Make the decoder of a device's frames in an envelope."""

    def decoder(text: str, _topic: str) -> Reading:
        uplink = envelope(parse_object(text))
        if uplink is None:
            return Reading(None)
        return replace(_read(uplink, device), stamp=None if uplink.stamp == Stamp() else uplink.stamp)

    return decoder


def _read(uplink: Uplink, device: Device) -> Reading:
    decoded = _decoded_level(uplink.decoded)
    if decoded is not None:
        return Reading(decoded, note=facts(uplink.decoded, *_DECODED_FACTS))
    if uplink.port == 0 or not uplink.frames:
        return Reading(None)
    faults: list[PayloadError] = []
    for frame in uplink.frames:
        try:
            return device(uplink.port, frame)
        except PayloadError as fault:
            faults.append(fault)
    raise faults[0]


_DECODED_FACTS = ("type", "temperature", "battery", "battery_voltage", "battery_health", "reset_cause", "resetCause")


def _decoded_level(decoded: Mapping[str, Any]) -> bool | None:
    try:
        return level(decoded.get("occupied"), "occupied")
    except PayloadError:
        return None  # the server's decoder is of another kind: read the bytes


_MARKS = frozenset({"fPort", "fCnt", "object", "objectJSON"})
"""What tells a ChirpStack event from another server's where a template has dropped the device's data."""

_UPLINK = _MARKS - {"fCnt"} | {"data"}
"""An event with any of these is an uplink; join, status and ack events have none."""


def chirpstack_v4(event: Mapping[str, Any]) -> Uplink | None:
    """Open an event of ChirpStack v4. Zero is left out: the first frame of a session has no ``fCnt``."""
    if not event.keys() & {"deviceInfo", *_MARKS} or "devEUI" in event:
        raise PayloadError("the JSON object is no event of ChirpStack v4 (deviceInfo, fPort ...); is it chirpstack-v3?")
    if not event.keys() & _UPLINK:
        return None
    counter = whole_number(event, "fCnt", _MAX_COUNTER) or 0
    return Uplink(
        port=whole_number(event, "fPort", _MAX_PORT) or 0,
        frames=_frames(event, "data", _base64),
        decoded=_object(event.get("object")),
        stamp=Stamp(counter, iso_time(event.get("time"))),
    )


def chirpstack_v3(event: Mapping[str, Any]) -> Uplink | None:
    """Open an event of ChirpStack v3."""
    if not event.keys() & {"devEUI", *_MARKS} or "deviceInfo" in event:
        raise PayloadError("the JSON object is no event of ChirpStack v3 (devEUI, fPort ...); is it chirpstack-v4?")
    if not event.keys() & _UPLINK:
        return None
    return Uplink(
        port=whole_number(event, "fPort", _MAX_PORT) or 0,
        frames=_frames(event, "data", _base64, _hexadecimal),
        decoded=_object(event.get("object")) or _object_in_text(event.get("objectJSON")),
        stamp=Stamp(whole_number(event, "fCnt", _MAX_COUNTER), _chirpstack_v3_time(event)),
    )


def tts_v3(message: Mapping[str, Any]) -> Uplink | None:
    """Open a message of The Things Stack v3. Zero is left out: the first frame of a session has no ``f_cnt``."""
    if not isinstance(message.get("end_device_ids"), dict):
        raise PayloadError("the JSON object has no end_device_ids: it is no message of The Things Stack v3")
    uplink = message.get("uplink_message")
    if not isinstance(uplink, dict):
        return None
    counter = whole_number(uplink, "f_cnt", _MAX_COUNTER) or 0
    return Uplink(
        port=whole_number(uplink, "f_port", _MAX_PORT) or 0,
        frames=_frames(uplink, "frm_payload", _base64),
        decoded=_object(uplink.get("decoded_payload")),
        stamp=Stamp(counter, iso_time(uplink.get("received_at")) or iso_time(message.get("received_at"))),
    )


def loriot(message: Mapping[str, Any]) -> Uplink | None:
    """Open a message of LORIOT: ``rx``, and a little later ``gw``: the same frame and counter, and who heard it."""
    command = message.get("cmd")
    if not isinstance(command, str):
        raise PayloadError(f"cmd is {shown(command)}: it is no message of LORIOT; expected a text like 'rx'")
    if command not in {"rx", "gw"}:
        return None
    if "encdata" in message and "data" not in message:
        raise PayloadError("the frame is still encrypted (encdata): give LORIOT the device's application session key")
    return Uplink(
        port=whole_number(message, "port", _MAX_PORT) or 0,
        frames=_frames(message, "data", _hexadecimal),
        decoded={},
        stamp=Stamp(whole_number(message, "fcnt", _MAX_COUNTER), unix_milliseconds(message.get("ts"))),
    )


def _chirpstack_v3_time(event: Mapping[str, Any]) -> float | None:
    """Take the earliest gateway's time (only those with GPS have one), else that of the publication."""
    gateways = event.get("rxInfo")
    heard = [iso_time(g.get("time")) for g in gateways if isinstance(g, dict)] if isinstance(gateways, list) else []
    return min((time for time in heard if time is not None), default=iso_time(event.get("publishedAt")))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _object_in_text(value: Any) -> Mapping[str, Any]:
    try:
        return parse_object(value) if isinstance(value, str) else {}
    except PayloadError:
        return {}  # the server's decoder is for show: the bytes decide


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _hexadecimal(text: str) -> bytes:
    return bytes.fromhex(text)


def _frames(members: Mapping[str, Any], key: str, *encodings: Callable[[str], bytes]) -> tuple[bytes, ...]:
    text = members.get(key)
    if text is None or text == "":
        return ()
    frames = tuple(_decoded(text, encodings)) if isinstance(text, str) else ()
    if not frames:
        names = " or ".join(encoding.__name__.strip("_") for encoding in encodings)
        raise PayloadError(f"{key} is {shown(text)}; expected bytes in {names}")
    return frames


def _decoded(text: str, encodings: Iterable[Callable[[str], bytes]]) -> Iterable[bytes]:
    for encoding in encodings:
        try:
            yield encoding(text)
        except ValueError:
            continue


ENVELOPES: Mapping[str, Envelope] = MappingProxyType(
    {"chirpstack-v4": chirpstack_v4, "chirpstack-v3": chirpstack_v3, "tts-v3": tts_v3, "loriot": loriot}
)
