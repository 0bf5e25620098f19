"""Whatever comes over the air: a Reading or a PayloadError, and no level out of an ambiguous message."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controller.domain.events import Stamp
from controller.inputs.payloads import FORMATS, NEEDS_POINTER, PayloadError, Reading, decode

DATA = Path(__file__).parents[1] / "data" / "mqtt"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


VALID: list[tuple[str, bytes, str]] = [
    ("plain", b"occupied", "bays/A2"),
    ("json", b'{"bay": {"taken": "yes"}}', "any/topic"),
    ("shelly-gen1", b"1", "shellies/one/input/0"),
    ("shelly-gen2", b'{"id":0,"state":true}', "gate/status/input:0"),
    (
        "shelly-gen2",
        b'{"method":"NotifyStatus","params":{"ts":1684497600.5,"input:0":{"state":true}}}',
        "gate/events/rpc",
    ),
    ("zigbee2mqtt/occupancy", b'{"occupancy":true,"battery":97,"last_seen":"2023-05-19T12:00:00Z"}', "zigbee2mqtt/bay"),
    ("zigbee2mqtt/contact", b'{"contact":false,"last_seen":1684497600000}', "zigbee2mqtt/bay"),
    ("esphome", b"ON", "gate/binary_sensor/outer/state"),
    ("chirpstack-v3/nwave", b'{"devEUI":"d1","fCnt":1,"fPort":1,"data":"AQ==","rxInfo":[{"time":null}]}', ""),
    ("loriot/pni-placepod", b'{"cmd":"rx","fcnt":1,"port":1,"data":"026700C3376601","ts":1684478801936}', ""),
    *((case["format"], json.dumps(case["message"]).encode(), "") for case in lines("envelopes.ndjson")),
    *(("tasmota", case["payload"].encode(), case["topic"]) for case in lines("tasmota.ndjson")),
]
POINTERS = st.sampled_from(["", "/bay/taken", "/0", "bay", "/~2"]) | st.text(alphabet="/~01a-é", max_size=8)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["occupied", "data", "fPort", "time", "Switch1", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def check(format_: str, payload: bytes, topic: str = "", pointer: str | None = None) -> None:
    """Decode; what comes out must be fit to be logged, journalled and sent on as JSON."""
    try:
        reading = decode(format_, payload, topic=topic, pointer=pointer)
    except PayloadError as fault:
        check_complaint(str(fault))
        return
    assert reading.occupied is None or type(reading.occupied) is bool
    stamp = reading.stamp
    assert stamp is None or stamp != Stamp()
    if stamp is not None:
        assert stamp.sequence is None or 0 <= stamp.sequence < 2**32
        assert stamp.sent_at is None or 946_684_800 <= stamp.sent_at < 4_102_444_800
    assert json.dumps(dict(reading.note), allow_nan=False, ensure_ascii=False).encode()


def check_complaint(complaint: str) -> None:
    assert complaint.encode(), "no lone surrogate"
    assert complaint.isprintable()
    assert len(complaint) < 500


def pointer_for(format_: str) -> str | None:
    return "/bay/taken" if format_ in NEEDS_POINTER else None


@given(st.sampled_from(sorted(FORMATS)), st.binary(max_size=64), st.text(max_size=12))
def test_random_bytes(format_: str, payload: bytes, topic: str) -> None:
    check(format_, payload, topic, pointer_for(format_))


@given(
    st.sampled_from(sorted(FORMATS)), ANY_JSON, st.sampled_from(["", "node/SENSOR", "x/input/0", "x/status/input:0"])
)
def test_random_json(format_: str, document: Any, topic: str) -> None:
    check(format_, json.dumps(document).encode(), topic, pointer_for(format_))


@given(POINTERS, ANY_JSON)
def test_random_pointers(pointer: str, document: Any) -> None:
    check("json", json.dumps(document).encode(), pointer=pointer)


@settings(max_examples=400)
@given(st.sampled_from(VALID), st.data())
def test_valid_messages_with_bytes_changed_lost_or_doubled(valid: tuple[str, bytes, str], data: st.DataObject) -> None:
    format_, payload, topic = valid
    at = data.draw(st.integers(0, len(payload)), "at")
    skip = data.draw(st.integers(0, 3), "skip")
    put = data.draw(st.binary(max_size=3) | st.just(payload[at : at + 20]), "put")

    check(format_, payload[:at] + put + payload[at + skip :], topic, pointer_for(format_))


@settings(max_examples=400)
@given(st.sampled_from(VALID), ANY_JSON, st.data())
@example(VALID[4], 10**400, None)
def test_valid_messages_with_one_value_replaced(
    valid: tuple[str, bytes, str], value: Any, data: st.DataObject | None
) -> None:
    format_, payload, topic = valid
    try:
        document = json.loads(payload)
    except ValueError:
        return
    places: list[tuple[Any, Any]] = []
    todo = [document]
    while todo:
        node = todo.pop()
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            places.append((node, key))
            todo.append(inner)
    if places:
        node, key = data.draw(st.sampled_from(places), "place") if data else (document["params"], "ts")
        node[key] = value

    check(format_, json.dumps(document).encode(), topic, pointer_for(format_))


@pytest.mark.parametrize("format_", sorted(FORMATS))
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" \n",
        b"\xff\xfe1\x00",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"9" * 5_000,
        b'{"occupied": ' + b"9" * 5_000 + b"}",
        b"1" * 70_000,
        b'"\\ud800"',
        b'"on"' + b" " * 70_000,
        b'{"occupancy": true, "contact": true, "Switch1": "ON", "bay": {"taken": 1}, "battery": 1e400}',
        b'{"StatusSNS": {"Switch1": "\\ud800"}, "occupancy": "\\ud800", "contact": NaN}',
    ],
    ids=[
        "empty",
        "blank",
        "utf-16",
        "arrays",
        "objects",
        "digits",
        "a long integer",
        "too long",
        "surrogate",
        "padded",
        "1e400",
        "NaN",
    ],
)
def test_malformed_payloads_are_refused_by_every_format(format_: str, payload: bytes) -> None:
    with pytest.raises(PayloadError):
        decode(format_, payload, pointer=pointer_for(format_), topic="")


@pytest.mark.parametrize(
    ("format_", "payload"),
    [
        ("json", b'{"bay": {"taken": true, "taken": false}}'),
        ("tasmota", b'{"STATE":"ON","STATE":"OFF"}'),
        ("shelly-gen2", b'{"id":0,"state":true,"state":false}'),
        ("zigbee2mqtt/contact", b'{"contact":true,"contact":true}'),
    ],
)
def test_a_level_that_is_given_twice_is_refused(format_: str, payload: bytes) -> None:
    with pytest.raises(PayloadError, match="given twice"):
        decode(format_, payload, pointer=pointer_for(format_))


def test_another_key_that_is_given_twice_does_no_harm() -> None:
    payload = b'{"DS18B20":{"Id":"1"},"DS18B20":{"Id":"2"},"Switch1":"ON"}'

    assert decode("tasmota", payload, topic="tele/node/SENSOR") == Reading(occupied=True)
