"""What each format reads, mostly on messages that others recorded (tests/data/mqtt/README.md)."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from controller.domain.events import Stamp
from controller.inputs.payloads import FORMATS, NEEDS_POINTER, PayloadError, Reading, decode, known_format

DATA = Path(__file__).parents[1] / "data" / "mqtt"
NOON = 1_684_474_415.641841  # 2023-05-19T05:33:35.641841Z


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def read(format_: str, message: Any, **more: Any) -> Reading:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return decode(format_, payload, **more)


def enveloped(server: str, port: int, frame: bytes, counter: int = 7) -> dict[str, Any]:
    """Wrap a frame as the network server does; our own envelopes, in the documented shapes."""
    in_base64 = base64.b64encode(frame).decode()
    match server:
        case "chirpstack-v4":
            event = {"deviceInfo": {"devEui": "a84041000181c061"}, "time": "2023-05-19T05:33:35.641841782+00:00"}
            return event | {"fCnt": counter, "fPort": port, "data": in_base64}
        case "chirpstack-v3":
            gateways = [{"gatewayID": "one"}, {"gatewayID": "two", "time": "2023-05-19T07:33:35.641841+02:00"}]
            return {"devEUI": "qEBBAAGBwGE=", "fCnt": counter, "fPort": port, "data": in_base64, "rxInfo": gateways}
        case "tts-v3":
            uplink = {"f_cnt": counter, "f_port": port, "frm_payload": in_base64}
            uplink["received_at"] = "2023-05-19T05:33:35.641841782Z"
            return {"end_device_ids": {"device_id": "bay-1"}, "uplink_message": uplink}
        case _:
            return {"cmd": "rx", "EUI": "1", "fcnt": counter, "port": port, "data": frame.hex(), "ts": 1684474415641}


SERVERS = ("chirpstack-v4", "chirpstack-v3", "tts-v3", "loriot")


@pytest.mark.parametrize("case", recorded("envelopes.ndjson"), ids=lambda case: case["file"])
def test_recorded_messages_of_network_servers_mean_what_their_results_say(case: dict[str, Any]) -> None:
    reading = read(case["format"], case["message"])

    means = case["means"]["values"]
    assert reading.occupied is means["occupied"]
    assert reading.note["type"] == means["type"].replace(" ", "_")
    assert reading.note.get("temperature") == means.get("temperature")
    assert reading.stamp is not None
    assert reading.stamp.sent_at is not None
    assert int(reading.stamp.sent_at * 1000) == case["means"]["ts"]
    uplink = case["message"].get("uplink_message", case["message"])
    assert reading.stamp.sequence == next(uplink[key] for key in ("fCnt", "f_cnt", "fcnt") if key in uplink)


def test_the_battery_of_a_nwave_is_read_unsigned() -> None:
    # The recorded result says 2.32 V and "critical": its converter took the byte 0xD3 as -45.
    # The codec of The Things Network gives 3.344 V for the same frame.
    heartbeat = next(c for c in recorded("envelopes.ndjson") if c["means"]["values"].get("battery_voltage"))

    assert read(heartbeat["format"], heartbeat["message"]).note["battery_voltage"] == 3.344


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("case", recorded("frames.ndjson"), ids=lambda case: f"{case['device']}-{case['frame']}")
def test_any_envelope_carries_any_device(server: str, case: dict[str, Any]) -> None:
    frame = bytes.fromhex(case["frame"])

    reading = read(f"{server}/{case['device']}", enveloped(server, case["port"], frame))

    means = case["means"]
    assert reading.occupied is bool(means.get("occupied", means.get("parking_status")))
    assert reading.note.get("temperature") == means.get("temperature")
    assert reading.note.get("battery_voltage") == means.get("battery")
    assert reading.note.get("firmware_version") == means.get("firmwareVersion", means.get("firmware_version"))
    assert reading.note.get("reset_cause", "").replace("_", " ") == means.get(  # type: ignore[union-attr]
        "resetCause", means.get("reset_cause", "")
    ).replace("_", " ")
    assert reading.stamp is not None
    assert reading.stamp.sequence == 7
    assert reading.stamp.sent_at == pytest.approx(NOON, abs=0.001)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("device", "port", "frame", "occupied"),
    [
        ("bosch-pls", 1, "00", False),
        ("bosch-pls", 2, "00", False),  # firmware before the thermometer
        ("bosch-pls", 4, "0102", None),
        ("bosch-pls", 0, "01", None),
        ("nwave", 1, "94", False),  # G4: bit 0 is the level, the others say how long the last one lasted
        ("nwave", 2, "01D3D800590B", True),
        ("nwave", 10, "D11F345678", True),
        ("nwave", 10, "D01F345678", None),  # a driver's tag without a vehicle
        ("nwave", 6, "0102030405", None),
        ("pni-placepod", 0, "156601", None),  # port 0 is the network's own
        ("pni-placepod", 1, "370005", None),  # counts vehicles, not the bay
    ],
)
def test_frames_by_port(server: str, device: str, port: int, frame: str, occupied: bool | None) -> None:  # noqa: FBT001  a table
    assert read(f"{server}/{device}", enveloped(server, port, bytes.fromhex(frame))).occupied is occupied


@pytest.mark.parametrize(
    ("device", "port", "frame"),
    [
        ("bosch-pls", 1, "0102"),
        ("bosch-pls", 3, "01"),
        ("nwave", 2, "0102"),
        ("nwave", 3, "01"),
        ("nwave", 10, "01"),
        ("pni-placepod", 1, "99"),
    ],
)
def test_a_frame_of_another_kind_of_sensor_is_refused(device: str, port: int, frame: str) -> None:
    with pytest.raises(PayloadError, match=f"{frame}.*port {port}"):
        read(f"loriot/{device}", enveloped("loriot", port, bytes.fromhex(frame)))


def test_what_follows_an_unknown_or_cut_record_of_a_placepod_is_shown_unread() -> None:
    cut = read("loriot/pni-placepod", enveloped("loriot", 1, bytes.fromhex("156601026700")))

    assert cut.occupied is True
    assert cut.note == {"unread": "026700"}


def test_a_presence_that_is_neither_is_refused() -> None:
    with pytest.raises(PayloadError, match="presence of the PlacePod in 156602 is 2"):
        read("loriot/pni-placepod", enveloped("loriot", 1, bytes.fromhex("156602")))


@pytest.mark.parametrize("frame", ["00", "0112", "00000000990200d100050000001d020200"])
def test_hexadecimal_in_chirpstack_v3_is_told_from_base64_by_the_frames_length(frame: str) -> None:
    port = {1: 1, 2: 2, 17: 3}[len(frame) // 2]
    event = enveloped("chirpstack-v3", port, b"") | {"data": frame}

    assert read("chirpstack-v3/bosch-pls", event).occupied is (frame == "0112")
    with pytest.raises(PayloadError):  # by its specification, v4 writes base64 only
        read("chirpstack-v4/bosch-pls", enveloped("chirpstack-v4", port, b"") | {"data": frame})


def test_the_servers_own_decoder_goes_first_when_it_is_usable() -> None:
    v4 = enveloped("chirpstack-v4", 1, b"\x00")
    v3 = enveloped("chirpstack-v3", 1, b"\x00")
    tts = enveloped("tts-v3", 1, b"\x00")
    by_server = read(
        "chirpstack-v4/bosch-pls", v4 | {"object": {"occupied": True, "temperature": 18, "type": "heartbeat"}}
    )

    assert by_server.occupied is True
    assert by_server.note == {"type": "heartbeat", "temperature": 18}
    assert by_server.stamp == Stamp(7, NOON)
    occupied_by_bytes = enveloped("chirpstack-v4", 1, b"\x01")
    assert read("chirpstack-v4/bosch-pls", occupied_by_bytes | {"object": {"occupied": False}}).occupied is False
    assert read("chirpstack-v4/bosch-pls", v4 | {"object": {"occupied": 1.0}}).occupied is True
    assert read("chirpstack-v3/bosch-pls", v3 | {"object": {"occupied": "yes"}}).occupied is True
    assert read("chirpstack-v3/bosch-pls", v3 | {"objectJSON": '{"occupied": true}'}).occupied is True
    tts["uplink_message"]["decoded_payload"] = {"occupied": True}
    assert read("tts-v3/bosch-pls", tts).occupied is True
    for unusable in ({"occupied": "maybe"}, {"occupied": None}, {"temperature": 18}, [True], None):
        assert read("chirpstack-v4/bosch-pls", v4 | {"object": unusable}).occupied is False


def test_a_counter_of_zero_is_left_out_by_chirpstack_v4_and_the_things_stack() -> None:
    v4, tts = enveloped("chirpstack-v4", 1, b"\x01"), enveloped("tts-v3", 1, b"\x01")
    del v4["fCnt"], tts["uplink_message"]["f_cnt"]

    assert read("chirpstack-v4/bosch-pls", v4).stamp == Stamp(0, NOON)
    assert read("tts-v3/bosch-pls", tts).stamp == Stamp(0, NOON)


@pytest.mark.parametrize(
    ("format_", "event"),
    [
        ("chirpstack-v4/bosch-pls", {"deviceInfo": {}, "devAddr": "01", "time": "2023-05-19T05:33:35Z"}),  # join
        ("chirpstack-v4/bosch-pls", {"deviceInfo": {}, "margin": 5, "batteryLevel": 90.5}),  # status
        ("chirpstack-v3/bosch-pls", {"devEUI": "d1", "margin": -27, "batteryLevel": 0}),  # status
        ("tts-v3/bosch-pls", {"end_device_ids": {}, "join_accept": {}}),
        ("loriot/bosch-pls", {"cmd": "txd", "EUI": "1", "seqdn": 1}),
    ],
)
def test_other_events_of_a_device_tell_no_level_and_have_no_counter(format_: str, event: dict[str, Any]) -> None:
    assert read(format_, event) == Reading(None)


@pytest.mark.parametrize("server", SERVERS)
def test_a_frame_without_payload_tells_no_level(server: str) -> None:
    assert read(f"{server}/bosch-pls", enveloped(server, 1, b"")).occupied is None


@pytest.mark.parametrize("server", SERVERS)
def test_an_envelope_of_another_server_is_named(server: str) -> None:
    others = [enveloped(other, 1, b"\x01") for other in SERVERS if other != server]

    for other in others:
        with pytest.raises(PayloadError, match=r"is no (event|message) of"):
            read(f"{server}/bosch-pls", other)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"fCnt": -1}, "fCnt is -1; expected a whole number from 0 to 4294967295"),
        ({"fCnt": True}, "fCnt is true"),
        ({"fPort": 256}, "fPort is 256"),
        ({"data": "A?=="}, "data is 'A[?]=='; expected bytes in base64"),
        ({"data": 1}, "data is 1"),
    ],
)
def test_a_broken_envelope_names_the_value(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PayloadError, match=complaint):
        read("chirpstack-v4/bosch-pls", enveloped("chirpstack-v4", 1, b"\x01") | change)


def test_an_encrypted_frame_says_what_to_do() -> None:
    with pytest.raises(PayloadError, match="give LORIOT the device's application session key"):
        read("loriot/bosch-pls", {"cmd": "rx", "port": 1, "fcnt": 1, "encdata": "9f"})


@pytest.mark.parametrize("time", ["1970-01-01T00:00:12Z", "2023-05-19T05:33:35", "yesterday", 12, None])
def test_a_clock_that_was_never_set_or_has_no_offset_is_no_stamp(time: Any) -> None:
    stamp = read("chirpstack-v4/bosch-pls", enveloped("chirpstack-v4", 1, b"\x01") | {"time": time}).stamp

    assert stamp == Stamp(sequence=7)


def test_a_message_without_counter_and_time_has_no_stamp() -> None:
    assert read("chirpstack-v3/bosch-pls", {"devEUI": "d1", "fPort": 1, "data": "AQ=="}).stamp is None


def test_only_what_can_be_printed_is_noted() -> None:
    decoded = {"occupied": True, "type": "\ud800", "battery": 10**20, "reset_cause": "x" * 99, "temperature": 18.5}

    reading = read("chirpstack-v4/bosch-pls", enveloped("chirpstack-v4", 1, b"\x01") | {"object": decoded})

    assert reading.note == {"temperature": 18.5}


def test_formats_are_known_by_name() -> None:
    assert len([name for name in FORMATS if name.count("/") == 1 and name.split("/")[0] in SERVERS]) == 12
    assert all(known_format(name) for name in ("plain", "json", "tasmota/28", "shelly-gen2/100", "esphome"))
    assert not known_format("tasmota/29")
    assert {"json"} == NEEDS_POINTER
    with pytest.raises(PayloadError, match="is it loriot/bosch-pls"):
        decode("loriot/bosch", b"1")
