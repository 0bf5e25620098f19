"""What one table of a site file cannot know alone: names that must exist, pins used twice, texts that must fit ...

On the raw file, so that all this is told even when the models refused a part of it; whatever is malformed there was
told by them, and is passed over here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from controller.domain.specs import Role
from controller.inputs.payloads import (
    FORMATS,
    NEEDS_POINTER,
    TAKES_POINTER,
    PayloadError,
    known_format,
    parse_pointer,
)
from controller.site_faults import SiteFault, as_toml, suggestion
from controller.site_sign_tables import SignTable
from controller.site_signs import unshowable
from controller.site_tables import MAX_CAPACITY

Raw = Mapping[str, Any]

LOOPS = (Role.OUTER, Role.INNER, Role.LOOP, Role.BARRIER)

I2C_PINS = (2, 3)
"""BCM numbers of SDA and SCL of bus 1."""

_TOPIC_MEND = "Let + stand for a whole level, and # only for the last one"

SPI_PINS: Mapping[int, tuple[tuple[int, ...], tuple[int, ...]]] = {
    0: ((9, 10, 11), (8, 7)),
    1: ((19, 20, 21), (18, 17, 16)),
}
"""SPI port -> BCM numbers of MISO, MOSI, SCLK, and of the chip selects. Further ports move from one Pi to another."""


HUB75_PINS: Mapping[str, tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]] = {
    "regular": (
        (4, 17, 18, 22, 23, 24, 25),
        ((7, 8, 9, 10, 11, 27), (5, 6, 12, 13, 19, 20), (2, 3, 14, 16, 21, 26)),
    ),
    "adafruit-hat": ((4, 17, 20, 21, 22, 26, 27), ((5, 6, 12, 13, 16, 23),)),
    "adafruit-hat-pwm": ((17, 18, 20, 21, 22, 26, 27), ((5, 6, 12, 13, 16, 23),)),
}
"""Mapping of rpi-rgb-led-matrix (lib/hardware-mapping.c there) -> BCM numbers: of all, and of each parallel chain."""


def cross_checks(raw: Raw) -> list[SiteFault]:
    """Return what is wrong between the tables."""
    return [*_names(raw), *_pins(raw), *_sensors(raw), *_zones(raw), *_texts(raw), *_light(raw)]


def _tables(raw: Raw, kind: str) -> list[Raw]:
    """Return the tables of an array, as far as they are tables."""
    tables = raw.get(kind)
    return [t for t in tables if isinstance(t, dict)] if isinstance(tables, list) else []


def _text(table: Raw, key: str, default: str = "") -> str:
    """Return a text; empty when there is none, or something else."""
    value = table.get(key, default)
    return value if isinstance(value, str) else ""


def _number(table: Raw, key: str, default: int | None = None) -> int | None:
    value = table.get(key, default)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _called(kind: str, table: Raw) -> str:
    return f"{kind} {as_toml(_text(table, 'name'))}"


def _detectors(raw: Raw) -> Iterator[tuple[str, Raw]]:
    for lane in _tables(raw, "lane"):
        for role in LOOPS:
            if isinstance(detector := lane.get(role.value), dict):
                yield f"{_called('lane', lane)} {role.value}", detector


def _names(raw: Raw) -> Iterator[SiteFault]:
    for kind in ("zone", "lane", "bay", "sign", "webhook"):
        for name, times in Counter(_text(t, "name") for t in _tables(raw, kind)).items():
            if name and times > 1:
                yield SiteFault(f"{kind} name", name, f"used {times} times", "Give each its own name")
    zones = [name for t in _tables(raw, "zone") if (name := _text(t, "name"))]
    for kind, key in (("lane", "zone"), ("lane", "from_zone"), ("bay", "zone"), ("sign", "zone")):
        for table in _tables(raw, kind):
            yield from _zone_of(table, key, f"{_called(kind, table)} {key}", zones)
    for sign in _tables(raw, "sign"):
        for row in _tables(sign, "rows"):
            yield from _zone_of(row, "zone", f"{_called('sign', sign)} rows.zone", zones)


def _zone_of(table: Raw, key: str, where: str, zones: Sequence[str]) -> Iterator[SiteFault]:
    if (zone := _text(table, key)) and zone not in zones:
        mend = suggestion(zone, zones, f"Zones here: {', '.join(zones) or 'none'}")
        yield SiteFault(where, zone, "no zone has this name", mend)


def _pins(raw: Raw) -> Iterator[SiteFault]:
    users: dict[int, str] = {}
    for where, detector in _detectors(raw):
        if (gpio := _number(detector, "gpio")) is not None:
            yield from _claimed(users, gpio, where, f"{where}.gpio")
    selects: dict[tuple[int, int], str] = {}
    shared: set[int] = set()
    sockets: dict[str, str] = {}
    for sign in _tables(raw, "sign"):
        where = _called("sign", sign)
        if sign.get("driver") == "ws2812" and (gpio := _number(sign, "gpio", 10)) is not None:
            yield from _claimed(users, gpio, where, f"{where} gpio")
        if sign.get("driver") in {"max7219", "max7219-digits"}:
            yield from _spi(sign, where, users, selects, shared)
        if sign.get("driver") == "hub75" and isinstance(built := sign.get("hub75"), dict):
            yield from _hub75(built, where, users)
            yield from _socket(built, where, sockets)


def _claimed(users: dict[int, str], gpio: int, who: str, key: str) -> Iterator[SiteFault]:
    if gpio in users:
        yield SiteFault(
            key, gpio, f"this pin is used by {users[gpio]} already", "Wire it to another pin, and write that"
        )
    users.setdefault(gpio, who)


def _spi(
    sign: Raw, where: str, users: dict[int, str], selects: dict[tuple[int, int], str], shared: set[int]
) -> Iterator[SiteFault]:
    """Claim an SPI panel's pins. Panels may share a port's data and clock, but not a chip select."""
    port, device = _number(sign, "spi_port", 0), _number(sign, "spi_device", 0)
    if port is None or device is None:
        return
    twin = selects.setdefault((port, device), where)
    if twin != where:
        why = f"{twin} has spi_port = {port} and spi_device = {device}, too"
        yield SiteFault(f"{where} spi_device", device, why, "Wire each panel to a chip select of its own")
        return
    bus, chip_selects = SPI_PINS.get(port, ((), ()))
    for gpio in (*bus, *chip_selects[device : device + 1]):
        if gpio in users and gpio not in shared:
            why = f"the panel needs pin {gpio} (SPI{port}), which {users[gpio]} uses already"
            yield SiteFault(f"{where} driver", _text(sign, "driver"), why, f"Move {users[gpio]} to another pin")
        users.setdefault(gpio, where)
    shared.update(bus)


def _hub75_pins(built: Raw) -> tuple[int, ...]:
    """Return the pins that a HUB75 panel needs, as far as its mapping is known."""
    common, chains = HUB75_PINS.get(_text(built, "mapping", "regular"), ((), ()))
    return (*common, *(pin for chain in chains[: _number(built, "parallel", 1) or 1] for pin in chain))


def _socket(built: Raw, where: str, sockets: dict[str, str]) -> Iterator[SiteFault]:
    """Claim the socket of a HUB75 panel's program: whoever else sends pictures there would take turns with us."""
    if (socket := _text(built, "socket")) and (twin := sockets.setdefault(socket, where)) != where:
        yield SiteFault(
            f"{where} hub75.socket", socket, f"{twin} has this one, too", "Give each its own, or leave it out"
        )


def _hub75(built: Raw, where: str, users: dict[int, str]) -> Iterator[SiteFault]:
    """Claim a HUB75 panel's pins, as far as its mapping is known."""
    mapping, parallel = _text(built, "mapping", "regular"), _number(built, "parallel", 1) or 1
    if mapping in HUB75_PINS and parallel > (most := len(HUB75_PINS[mapping][1])):
        why = f"mapping {as_toml(mapping)} has {_many(most, 'chain')} side by side"
        yield SiteFault(f"{where} hub75.parallel", parallel, why, f"Write at most {most}, or another mapping")
    for gpio in _hub75_pins(built):
        if gpio in users:
            why = f"the panel needs pin {gpio} ({mapping}), which {users[gpio]} uses already"
            yield SiteFault(f"{where} hub75", None, why, f"Move {users[gpio]} to another pin")
        users.setdefault(gpio, where)


def _sensors(raw: Raw) -> Iterator[SiteFault]:
    found = [(_called("bay", bay), " ", bay) for bay in _tables(raw, "bay")]
    found += [(where, ".", detector) for where, detector in _detectors(raw) if "mqtt" in detector]
    seen: dict[tuple[str, str, str], str] = {}
    for where, dot, sensor in found:
        if topic := _text(sensor, "mqtt"):
            if not valid_filter(topic):
                yield SiteFault(f"{where}{dot}mqtt", topic, "not an MQTT topic filter", _TOPIC_MEND)
            twin = seen.setdefault((topic, _text(sensor, "format", "plain"), _text(sensor, "pointer")), where)
            if twin != where:
                mend = "Give each sensor its own topic or pointer"
                yield SiteFault(f"{where}{dot}mqtt", topic, f"{twin} listens to the same topic and format", mend)
        yield from _format(f"{where}{dot}", sensor)


def _format(where: str, sensor: Raw) -> Iterator[SiteFault]:
    name, pointer = _text(sensor, "format", "plain"), sensor.get("pointer")
    if name and not known_format(name):
        mend = suggestion(name, list(FORMATS), "The README lists the formats", cutoff=0.3)
        yield SiteFault(f"{where}format", name, "unknown format", mend)
    elif name in NEEDS_POINTER and pointer is None:
        yield SiteFault(f"{where}pointer", None, f"format {as_toml(name)} needs one", 'Add pointer = "/path/to/it"')
    elif name and pointer is not None and name not in TAKES_POINTER:
        why = f"format {as_toml(name)} knows where its level is"
        yield SiteFault(f"{where}pointer", _text(sensor, "pointer") or None, why, "Remove the pointer")
    elif isinstance(pointer, str):
        yield from _pointer(f"{where}pointer", pointer)


def _pointer(key: str, pointer: str) -> Iterator[SiteFault]:
    try:
        parse_pointer(pointer)
    except PayloadError:
        mend = 'Write it like "/status/occupied" (RFC 6901: ~ in a key is ~0, and / is ~1)'
        yield SiteFault(key, pointer, "not a JSON pointer", mend)


def valid_filter(topic: str) -> bool:
    """Whether this is an MQTT topic filter (MQTT 3.1.1, 4.7.1)."""
    levels = topic.split("/")
    plus = all(level == "+" or "+" not in level for level in levels)
    hash_ = all("#" not in level for level in levels[:-1]) and (levels[-1] == "#" or "#" not in levels[-1])
    return plus and hash_ and "\0" not in topic


def _zones(raw: Raw) -> Iterator[SiteFault]:
    for zone in _tables(raw, "zone"):
        name, capacity = _text(zone, "name"), _number(zone, "capacity")
        if not name or capacity is None or capacity < 1:
            continue
        lanes = [t for t in _tables(raw, "lane") if name in {_text(t, "zone"), _text(t, "from_zone")}]
        bays = [t for t in _tables(raw, "bay") if _text(t, "zone") == name]
        key = f"{_called('zone', zone)} capacity"
        if not lanes and not bays:
            yield SiteFault(_called("zone", zone), None, "nothing counts it", "Add a lane or bays for it")
        elif not lanes and len(bays) != capacity:
            why = f"the zone has no lane, and {_many(len(bays), 'bay')}: they cannot tell about all spaces"
            mend = f"Set capacity = {len(bays)}, add the missing bays, or add a lane"
            yield SiteFault(key, capacity, why, mend)
        elif len(bays) > capacity:
            mend = f"Raise it to at least {len(bays)}, or remove bays"
            yield SiteFault(key, capacity, f"the zone has {_many(len(bays), 'bay')}", mend)


def _light(raw: Raw) -> Iterator[SiteFault]:
    light = raw.get("light")
    followers = [sign for sign in _tables(raw, "sign") if "brightness_at_night" in sign]
    if not isinstance(light, dict):
        for sign in followers if light is None else []:
            key, value = f"{_called('sign', sign)} brightness_at_night", _number(sign, "brightness_at_night")
            yield SiteFault(key, value, "nothing tells day from night", "Add a table [light]")
        return
    if not followers:
        yield SiteFault("light", None, "no sign follows it", "Give a sign its brightness_at_night")
    if (topic := _text(light, "mqtt")) and not valid_filter(topic):
        yield SiteFault("light.mqtt", topic, "not an MQTT topic filter", _TOPIC_MEND)
    if pointer := _text(light, "pointer"):
        yield from _pointer("light.pointer", pointer)
    if _number(light, "i2c") == 1:
        yield from _bus(raw)


def _bus(raw: Raw) -> Iterator[SiteFault]:
    """Claim the pins of I2C bus 1."""
    for where, detector in _detectors(raw):
        if (gpio := _number(detector, "gpio")) in I2C_PINS:
            why = "the light sensor's I2C bus 1 needs this pin"
            yield SiteFault(f"{where}.gpio", gpio, why, "Wire the detector to another pin, and write that")
    for sign in _tables(raw, "sign"):
        built = sign.get("hub75") if sign.get("driver") == "hub75" else None
        if isinstance(built, dict) and (gpios := [pin for pin in _hub75_pins(built) if pin in I2C_PINS]):
            why = f"the panel needs {_many(len(gpios), 'pin')} of the light sensor's I2C bus 1 (BCM 2 and 3)"
            mend = "Take the light sensor off that bus, or write a smaller parallel"
            yield SiteFault(f"{_called('sign', sign)} hub75", None, why, mend)


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _texts(raw: Raw) -> Iterator[SiteFault]:
    """Check that each panel can show whatever it may have to say."""
    sizes = {_text(t, "name"): _number(t, "capacity") for t in _tables(raw, "zone")}
    capacities = {name: size for name, size in sizes.items() if size is not None and 0 < size <= MAX_CAPACITY}
    for table in _tables(raw, "sign"):
        try:
            sign = SignTable.model_validate(table)
        except ValidationError:
            continue
        yield from unshowable(sign, capacities)
