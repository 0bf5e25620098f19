"""LoRaWAN bay sensors: what the bytes of their frames mean.

A device decodes (port, frame) to a ``Reading`` without a stamp. Frames are read strictly, by port and exact length:
what the datasheet does not know is refused, not guessed, for bit 0 of a foreign frame would be a false level. A port
that does not carry the level tells none.

Sources: the device repository of The Things Network with its examples (Bosch tps110-0292, Nwave nps310sm and nps405);
for PNI the parser of ZENNER's ELEMENT IoT, made from PNI's "PlacePod Sensor - Communications Protocol".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controller.inputs.document import PayloadError, Reading, level, shown

Device = Callable[[int, bytes], Reading]


def bosch_pls(port: int, frame: bytes) -> Reading:
    """Bosch Parking Lot Sensor TPS110: bit 0 of the status is the level."""
    match port:
        case 1:
            _check_length(port, frame, 1)
            return Reading(_bit0(frame[0]), note={"type": "parking_status"})
        case 2:
            _check_length(port, frame, 1, 2)
            temperature = {"temperature": _signed(frame[1:])} if frame[1:] else {}
            return Reading(_bit0(frame[0]), note={"type": "heartbeat", **temperature})
        case 3:
            _check_length(port, frame, 17)
            cause = _BOSCH_RESET_CAUSES.get(frame[15], "unknown")
            note = {"type": "startup", "firmware_version": _version(frame[12:15]), "reset_cause": cause}
            return Reading(_bit0(frame[16]), note=note)
        case _:
            return Reading(None, note={"type": f"port {port}"})


def nwave(port: int, frame: bytes) -> Reading:
    """Nwave NPS310 and G4 (NPS405, surface and flush mount): bit 0 of the status is the level."""
    match port:
        case 1:
            _check_length(port, frame, 1)
            return Reading(_bit0(frame[0]), note={"type": "parking_status"})
        case 2:
            _check_length(port, frame, 1, 6)
            return Reading(_bit0(frame[0]), note={"type": "heartbeat", **_nwave_g4_health(frame)})
        case 3:
            _check_length(port, frame, 5)
            cause = _NWAVE_RESET_CAUSES.get(frame[3], "unknown")
            note = {"type": "startup", "firmware_version": _version(frame[:3]), "reset_cause": cause}
            return Reading(_bit0(frame[4]), note=note)
        case 10:  # a driver's tag was read; without a vehicle it says nothing of the bay
            _check_length(port, frame, 5, 6)
            return Reading(True if _bit0(frame[0]) else None, note={"type": "user_registration"})
        case _:
            return Reading(None, note={"type": f"port {port}"})


def pni_placepod(port: int, frame: bytes) -> Reading:
    """PNI PlacePod: records of channel, type and value, on any port; the last presence counts."""
    occupied: bool | None = None
    note: dict[str, str | float | int | bool] = {}
    rest = frame
    while (record := _PNI_RECORDS.get(rest[:2])) and len(rest) >= 2 + record.length:
        value = _signed(rest[2 : 2 + record.length])
        if record.name == "presence":
            occupied = level(value, f"the presence of the PlacePod in {frame.hex()}")
        elif record.per_unit:
            note[record.name] = value / record.per_unit
        rest = rest[2 + record.length :]
    if rest == frame:
        raise PayloadError(f"the frame {shown(frame.hex())} on port {port} has no record of a PlacePod")
    return Reading(occupied, note=note | ({"unread": rest.hex()} if rest else {}))


_BOSCH_RESET_CAUSES = {1: "watchdog", 2: "power_on", 3: "system_request", 4: "other"}

# The two generations agree where they overlap.
_NWAVE_RESET_CAUSES = {
    0: "rejoining_network",
    1: "watchdog",
    2: "power_on",
    3: "user_request",
    4: "brownout",
    5: "other",
    6: "brownout",
    7: "other",
}


def _nwave_g4_health(frame: bytes) -> dict[str, float]:
    if not frame[1:]:
        return {}
    return {"battery_voltage": (2500 + 4 * frame[1]) / 1000, "temperature": _signed(frame[2:3]) / 2 + 10}


@dataclass(frozen=True, slots=True)
class _Record:
    name: str
    length: int
    per_unit: int = 0
    """Divisor to volts or degrees Celsius; 0: not worth a note."""


_PNI_RECORDS = MappingProxyType(
    {
        b"\x01\x01": _Record("recalibrated", 1),
        b"\x02\x67": _Record("temperature", 2, 10),
        b"\x03\x02": _Record("battery_voltage", 2, 100),
        b"\x15\x66": _Record("presence", 1),
        b"\x1c\x01": _Record("deactivated", 1),
        b"\x21\x00": _Record("vehicle_count", 1),
        b"\x37\x66": _Record("presence", 1),  # keep-alive
        b"\x37\x00": _Record("vehicle_count", 1),  # keep-alive
        b"\x3f\x01": _Record("rebooted", 1),
    }
)


def _bit0(byte: int) -> bool:
    return bool(byte & 1)


def _signed(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


def _version(value: bytes) -> str:
    return ".".join(str(part) for part in value)


def _check_length(port: int, frame: bytes, *lengths: int) -> None:
    if len(frame) not in lengths:
        expected = " or ".join(str(length) for length in lengths)
        raise PayloadError(
            f"the frame {shown(frame.hex())} on port {port} has {len(frame)} bytes; "
            f"expected {expected}: is it of this kind of sensor?"
        )


DEVICES: Mapping[str, Device] = MappingProxyType({"bosch-pls": bosch_pls, "nwave": nwave, "pni-placepod": pni_placepod})
