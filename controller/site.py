"""The site file (TOML) -> frozen, validated specs. Every check of it is here, and all faults are told at once.

The pydantic models below mirror the file, with bounds on every number; what one table cannot know alone (names that
must exist, pins used twice, bays that must add up) is checked beside them. Nothing is claimed or opened before all of
it passed.
"""

import difflib
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from controller.domain.specs import (
    MAX_GAP_S,
    SILENT_AFTER_S,
    BaySpec,
    DetectorSpec,
    Direction,
    HealthSpec,
    LaneSpec,
    LotSpec,
    Output,
    Role,
    SignSpec,
    ZoneSpec,
)
from controller.inputs.payloads import FORMATS, NEEDS_POINTER, known_format
from controller.sign.panel import PanelSpec

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Gpio = Annotated[int, Field(ge=0, le=53)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class SiteFault:
    """One thing wrong with a site file."""

    key: str
    value: Any
    why: str
    mend: str

    def __str__(self) -> str:
        value = "" if self.value is None else f" = {self.value!r}"
        return f"{self.key}{value}: {self.why}. {self.mend}"


class SiteError(ValueError):
    """A site file that can't be used; ``faults`` has all that is wrong with it."""

    def __init__(self, path: Path, faults: list[SiteFault]) -> None:
        self.path = path
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{path}: {fault}" for fault in faults))


@dataclass(frozen=True, slots=True)
class PinInput:
    """A detector on a GPIO line (BCM number)."""

    detector: str
    gpio: int
    pull: Literal["up", "down", "none"]
    active: Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class SensorInput:
    """A detector or a bay that speaks over MQTT; exactly one of ``detector`` and ``bay`` is set."""

    topic: str
    format: str
    pointer: str | None = None
    detector: str | None = None
    bay: str | None = None

    @property
    def target(self) -> str:
        """The name of the detector or bay."""
        return self.detector or self.bay or ""


@dataclass(frozen=True, slots=True)
class MqttSpec:
    """The broker, and where our own state goes."""

    host: str = "localhost"
    port: int = 1883
    username: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    client_id: str = "parking-controller"
    prefix: str = "parking"


@dataclass(frozen=True, slots=True)
class ApiSpec:
    """Where the web process listens."""

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True, slots=True)
class JournalSpec:
    """How long raw inputs are kept."""

    keep_days: int = 90


@dataclass(frozen=True, slots=True)
class Site:
    """A whole site, checked."""

    path: Path
    lot: LotSpec
    timezone: str
    pin_factory: Literal["auto", "lgpio", "mock"]
    gpio_chip: str | None
    pins: tuple[PinInput, ...]
    sensors: tuple[SensorInput, ...]
    mqtt: MqttSpec | None
    panels: tuple[PanelSpec, ...]
    api: ApiSpec
    journal: JournalSpec


class Table(BaseModel):
    """A table of the file: unknown keys are errors, types are what TOML says they are."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LotTable(Table):
    """``[lot]``."""

    name: str = Field(min_length=1, max_length=100)
    timezone: str = "Europe/Warsaw"

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError('no such time zone; write one like "Europe/Warsaw"') from error
        return value


class ZoneTable(Table):
    """``[[zone]]``."""

    name: Name
    capacity: int = Field(ge=1, le=20_000)
    full_at: int = Field(default=0, ge=0, le=20_000)
    reopen_at: int | None = Field(default=None, ge=1, le=20_000)
    nearly_full_at: int | None = Field(default=None, ge=1, le=20_000)
    initial_occupied: int | None = Field(default=None, ge=0, le=40_000)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.full_at >= self.capacity:
            raise ValueError(f"full_at = {self.full_at} leaves no number to show; it must be below capacity")
        if self.reopen_at is not None and not self.full_at < self.reopen_at <= self.capacity:
            raise ValueError(f"reopen_at = {self.reopen_at} must be above full_at and at most capacity")
        if self.nearly_full_at is not None and not self.full_at < self.nearly_full_at <= self.capacity:
            raise ValueError(f"nearly_full_at = {self.nearly_full_at} must be above full_at and at most capacity")
        return self


class DetectorTable(Table):
    """``{ gpio = 17 }`` or ``{ mqtt = "topic", format = "plain" }``."""

    gpio: Gpio | None = None
    pull: Literal["up", "down", "none"] = "up"
    active: Literal["low", "high"] = "low"
    mqtt: str | None = Field(default=None, min_length=1, max_length=500)
    format: str = "plain"
    pointer: str | None = None
    output: Literal["presence", "pulse"] = "presence"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.gpio is None) == (self.mqtt is None):
            raise ValueError('a detector has either gpio = <BCM number> or mqtt = "<topic>"')
        return self


class LaneTable(Table):
    """``[[lane]]``."""

    name: Name
    zone: Name
    from_zone: Name | None = None
    direction: Literal["entry", "exit", "both"] = "both"
    outer: DetectorTable | None = None
    inner: DetectorTable | None = None
    loop: DetectorTable | None = None
    barrier: DetectorTable | None = None
    max_gap_s: Seconds = MAX_GAP_S

    @model_validator(mode="after")
    def _loops(self) -> Self:
        pair = self.outer is not None and self.inner is not None
        if self.loop is None and not pair:
            raise ValueError("a lane has outer and inner, or a single loop")
        if self.loop is not None and (self.outer is not None or self.inner is not None):
            raise ValueError("a lane has outer and inner, or a single loop, not both; remove one")
        if self.loop is not None and self.direction == "both":
            raise ValueError('a single loop cannot tell directions; write direction = "entry" or "exit"')
        if self.from_zone == self.zone:
            raise ValueError(f"from_zone and zone are both {self.zone!r}; leave from_zone out for the street")
        return self


class BayTable(Table):
    """``[[bay]]``."""

    name: Name
    zone: Name
    mqtt: str = Field(min_length=1, max_length=500)
    format: str = "plain"
    pointer: str | None = None
    silent_after_s: Seconds = SILENT_AFTER_S


class SignTable(Table):
    """``[[sign]]``."""

    name: Name
    zone: Name
    driver: Literal["max7219", "ws2812", "emulator"]
    width: int = Field(ge=8, le=512, multiple_of=8)
    height: int = Field(ge=8, le=128, multiple_of=8)
    spi_port: int = Field(default=0, ge=0, le=6)
    spi_device: int = Field(default=0, ge=0, le=2)
    gpio: Gpio = 18
    brightness: int = Field(default=8, ge=0, le=15)
    block_orientation: Literal[0, 90, -90, 180] = 0
    serpentine: bool = True
    full_text: str = Field(default="brak wolnych miejsc", min_length=1, max_length=80)
    closed_text: str = Field(default="nieczynne", min_length=1, max_length=80)
    uncertain_text: str = Field(default="P", min_length=1, max_length=20)


class GpioTable(Table):
    """``[gpio]``."""

    pin_factory: Literal["auto", "lgpio", "mock"] = "auto"
    chip: str | None = Field(default=None, min_length=1, max_length=64)


class MqttTable(Table):
    """``[mqtt]``."""

    host: str = Field(default="localhost", min_length=1, max_length=255)
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password_file: str | None = None
    tls: bool = False
    ca_file: str | None = None
    client_id: str = Field(default="parking-controller", min_length=1, max_length=64)
    prefix: str = Field(default="parking", min_length=1, max_length=200, pattern=r"^[^#+\x00]+$")


class HealthTable(Table):
    """``[health]``."""

    stuck_after_s: Seconds = HealthSpec().stuck_after_s
    chatter_changes: int = Field(default=HealthSpec().chatter_changes, ge=4, le=10_000)
    chatter_window_s: Seconds = HealthSpec().chatter_window_s
    down_trust_s: Seconds = HealthSpec().down_trust_s


class ApiTable(Table):
    """``[api]``."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    port: int = Field(default=8080, ge=1, le=65535)


class JournalTable(Table):
    """``[journal]``."""

    keep_days: int = Field(default=90, ge=1, le=3650)


class SiteFile(Table):
    """The whole file."""

    lot: LotTable
    zone: list[ZoneTable] = Field(min_length=1, max_length=64)
    lane: list[LaneTable] = Field(default=[], max_length=64)
    bay: list[BayTable] = Field(default=[], max_length=10_000)
    sign: list[SignTable] = Field(default=[], max_length=16)
    gpio: GpioTable = GpioTable()
    mqtt: MqttTable | None = None
    health: HealthTable = HealthTable()
    api: ApiTable = ApiTable()
    journal: JournalTable = JournalTable()


def load(path: Path) -> Site:
    """Read and check the site file; raises SiteError with every fault, OSError when it can't be read."""
    try:
        raw = tomllib.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        fault = SiteFault("file", None, f"not UTF-8 at byte {error.start}", "Save it as UTF-8")
        raise SiteError(path, [fault]) from None
    except tomllib.TOMLDecodeError as error:
        raise SiteError(path, [SiteFault("file", None, f"not TOML: {error}", "Mend that line")]) from None
    faults: list[SiteFault] = []
    file = None
    try:
        file = SiteFile.model_validate(raw)
    except ValidationError as error:
        faults += [_fault(raw, e["loc"], e["type"], e["msg"], e.get("ctx", {})) for e in error.errors()]
    faults += _cross_checks(raw)
    if file is None or faults:
        raise SiteError(path, faults)
    return _build(path, file)


def _fault(raw: dict[str, Any], loc: tuple[int | str, ...], kind: str, message: str, ctx: dict[str, Any]) -> SiteFault:
    """Say a pydantic error in the words of the file."""
    value: Any = raw
    for step in loc:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
    if isinstance(value, dict | list):
        value = None
    key = _key(raw, loc)
    if kind == "extra_forbidden":
        known = difflib.get_close_matches(str(loc[-1]), _known_keys(loc[:-1]), n=1, cutoff=0.5)
        mend = f"Did you mean {known[0]}?" if known else f"Known here: {', '.join(sorted(_known_keys(loc[:-1])))}"
        return SiteFault(key, value, "unknown key", mend)
    if kind == "missing":
        return SiteFault(key, None, "missing", "Add it")
    if kind == "value_error":
        why, _, mend = str(ctx["error"]).partition("; ")
        return SiteFault(key, value, why, mend[:1].upper() + mend[1:] if mend else "Change one of them")
    why = message[:1].lower() + message[1:]
    return SiteFault(key, value, why.replace("input should", "it should"), _MENDS.get(kind, "Change it to that"))


_MENDS = {
    "string_pattern_mismatch": "Use letters, digits, - and _ only",
    "int_type": "Write a whole number without quotes",
    "float_type": "Write a number without quotes",
    "string_type": "Write it in quotes",
    "bool_type": "Write true or false without quotes",
    "model_type": "Write it as a table",
    "list_type": "Write it with double brackets, as in [[zone]]",
}


def _key(raw: dict[str, Any], loc: tuple[int | str, ...]) -> str:
    """Name a place as a person finds it: ``lane "main" outer.gpio`` rather than ``lane.0.outer.gpio``."""
    if len(loc) >= 2 and isinstance(loc[1], int):  # noqa: PLR2004  a table of an array: its name, then the rest
        try:
            name = raw[str(loc[0])][loc[1]]["name"]
        except (KeyError, IndexError, TypeError):
            name = None
        which = f'"{name}"' if isinstance(name, str) else f"number {loc[1] + 1}"
        rest = ".".join(str(step) for step in loc[2:])
        return f"{loc[0]} {which} {rest}".rstrip()
    return ".".join(str(step) for step in loc)


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    model: Any = SiteFile
    for step in loc:
        if isinstance(step, int):
            continue
        options = [model.model_fields[step].annotation]
        while options:
            found = options.pop()
            if isinstance(found, type) and issubclass(found, BaseModel):
                model = found
                break
            options.extend(getattr(found, "__args__", ()))
    return list(model.model_fields)


_LOOPS = (Role.OUTER, Role.INNER, Role.LOOP, Role.BARRIER)


def _tables(raw: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the well-formed tables of an array; what is malformed was told by the models."""
    tables = raw.get(kind)
    return [t for t in tables if isinstance(t, dict)] if isinstance(tables, list) else []


def _cross_checks(raw: dict[str, Any]) -> list[SiteFault]:
    """Check what one table cannot know alone; on the raw file, so that it speaks even when a model refused it."""
    return [*_name_faults(raw), *_pin_faults(raw), *_sensor_faults(raw), *_zone_faults(raw)]


def _name_faults(raw: dict[str, Any]) -> Iterator[SiteFault]:
    zones = [str(t.get("name")) for t in _tables(raw, "zone")]
    for kind in ("zone", "lane", "bay", "sign"):
        for name, times in Counter(str(t.get("name")) for t in _tables(raw, kind)).items():
            if times > 1:
                yield SiteFault(f"{kind}.name", name, f"used {times} times", "Give each its own name")
    for kind, key in (("lane", "zone"), ("lane", "from_zone"), ("bay", "zone"), ("sign", "zone")):
        for table in _tables(raw, kind):
            value = table.get(key)
            if isinstance(value, str) and value not in zones:
                near = difflib.get_close_matches(value, zones, n=1)
                mend = f"Did you mean {near[0]!r}?" if near else f"Zones here: {', '.join(zones) or 'none'}"
                yield SiteFault(f'{kind} "{table.get("name")}" {key}', value, "no zone has this name", mend)


def _detectors(raw: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for lane in _tables(raw, "lane"):
        for role in _LOOPS:
            detector = lane.get(role.value)
            if isinstance(detector, dict):
                yield f'lane "{lane.get("name")}" {role.value}', detector


def _pin_faults(raw: dict[str, Any]) -> Iterator[SiteFault]:
    users: dict[int, str] = {}

    def claim(gpio: int, key: str) -> Iterator[SiteFault]:
        if gpio in users:
            yield SiteFault(key, gpio, f"this pin is used by {users[gpio]} already", "Wire and name another one")
        users.setdefault(gpio, key.removesuffix(".gpio"))

    for where, detector in _detectors(raw):
        if isinstance(gpio := detector.get("gpio"), int):
            yield from claim(gpio, f"{where}.gpio")
    for sign in _tables(raw, "sign"):
        where = f'sign "{sign.get("name")}"'
        if sign.get("driver") == "ws2812" and isinstance(gpio := sign.get("gpio", 18), int):
            yield from claim(gpio, f"{where} gpio")
        if sign.get("driver") == "max7219" and sign.get("spi_port", 0) == 0:
            # BCM numbers of SPI0: MISO, MOSI, SCLK, and its chip select CE0 or CE1.
            for gpio in (9, 10, 11, 8 if sign.get("spi_device", 0) == 0 else 7):
                if gpio in users:
                    why = f"the panel needs pin {gpio} (SPI0), which {users[gpio]} uses already"
                    yield SiteFault(f"{where} driver", "max7219", why, "Move that detector to another pin")


def _sensor_faults(raw: dict[str, Any]) -> Iterator[SiteFault]:
    sensors = [(f'bay "{bay.get("name")}"', bay) for bay in _tables(raw, "bay")]
    sensors += [(where, detector) for where, detector in _detectors(raw) if "mqtt" in detector]
    seen: dict[tuple[str, str], str] = {}
    for where, sensor in sensors:
        topic, format_, pointer = sensor.get("mqtt"), sensor.get("format", "plain"), sensor.get("pointer")
        if isinstance(topic, str):
            if not valid_filter(topic):
                mend = "Let + stand for a whole level, and # only for the last one"
                yield SiteFault(f"{where}.mqtt", topic, "not an MQTT topic filter", mend)
            twin = seen.setdefault((topic, f"{format_} {pointer}"), where)
            if twin != where:
                mend = "Give each sensor its own topic or pointer"
                yield SiteFault(f"{where}.mqtt", topic, f"{twin} listens to the same topic and format", mend)
        if isinstance(format_, str) and not known_format(format_):
            near = difflib.get_close_matches(format_, FORMATS, n=1, cutoff=0.3)
            mend = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(FORMATS))}"
            yield SiteFault(f"{where}.format", format_, "unknown format", mend)
        elif format_ in NEEDS_POINTER and pointer is None:
            mend = 'Add pointer = "/path/to/the/value"'
            yield SiteFault(f"{where}.pointer", None, f"format {format_!r} needs one", mend)


def valid_filter(topic: str) -> bool:
    """Whether this is an MQTT topic filter (MQTT 3.1.1, 4.7.1)."""
    levels = topic.split("/")
    plus = all(level == "+" or "+" not in level for level in levels)
    hash_ = all("#" not in level for level in levels[:-1]) and (levels[-1] == "#" or "#" not in levels[-1])
    return plus and hash_ and "\0" not in topic


def _zone_faults(raw: dict[str, Any]) -> Iterator[SiteFault]:
    for zone in _tables(raw, "zone"):
        name, capacity = zone.get("name"), zone.get("capacity")
        lanes = [t for t in _tables(raw, "lane") if name in {t.get("zone"), t.get("from_zone")}]
        bays = [t for t in _tables(raw, "bay") if t.get("zone") == name]
        if not isinstance(capacity, int):
            continue
        if not lanes and not bays:
            yield SiteFault(f'zone "{name}"', None, "nothing counts it", "Add a lane or bays for it")
        elif not lanes and len(bays) != capacity:
            why = f"it has no lane and {len(bays)} bays, so the bays cannot tell about all spaces"
            mend = f"Set capacity = {len(bays)}, add the missing bays, or add a lane"
            yield SiteFault(f'zone "{name}" capacity', capacity, why, mend)
        elif len(bays) > capacity:
            mend = f"Raise capacity to at least {len(bays)}, or remove bays"
            yield SiteFault(f'zone "{name}" capacity', capacity, f"it has {len(bays)} bays", mend)


def _build(path: Path, file: SiteFile) -> Site:
    lanes: list[LaneSpec] = []
    pins: list[PinInput] = []
    sensors: list[SensorInput] = []
    for lane in file.lane:
        specs: dict[str, DetectorSpec] = {}
        for role in _LOOPS:
            table: DetectorTable | None = getattr(lane, role.value)
            if table is None:
                continue
            name = f"{lane.name}.{role.value}"
            specs[role.value] = DetectorSpec(name, lane.name, role, Output(table.output))
            if table.gpio is not None:
                pins.append(PinInput(name, table.gpio, table.pull, table.active))
            elif table.mqtt is not None:
                sensors.append(SensorInput(table.mqtt, table.format, table.pointer, detector=name))
        direction = Direction(lane.direction)
        lanes.append(
            LaneSpec(lane.name, lane.zone, direction, **specs, from_zone=lane.from_zone, max_gap_s=lane.max_gap_s)
        )
    sensors += [SensorInput(bay.mqtt, bay.format, bay.pointer, bay=bay.name) for bay in file.bay]
    mqtt = file.mqtt or (MqttTable() if sensors else None)
    lot = LotSpec(
        name=file.lot.name,
        zones=tuple(_zone(z) for z in file.zone),
        lanes=tuple(lanes),
        bays=tuple(BaySpec(b.name, b.zone, b.silent_after_s) for b in file.bay),
        signs=tuple(SignSpec(s.name, s.zone, s.full_text, s.closed_text, s.uncertain_text) for s in file.sign),
        health=HealthSpec(**file.health.model_dump()),
    )
    return Site(
        path=path,
        lot=lot,
        timezone=file.lot.timezone,
        pin_factory=file.gpio.pin_factory,
        gpio_chip=file.gpio.chip,
        pins=tuple(pins),
        sensors=tuple(sensors),
        mqtt=_mqtt(path, mqtt) if mqtt else None,
        panels=tuple(_panel(s) for s in file.sign),
        api=ApiSpec(**file.api.model_dump()),
        journal=JournalSpec(**file.journal.model_dump()),
    )


def _zone(table: ZoneTable) -> ZoneSpec:
    reopen_at = table.full_at + 1 if table.reopen_at is None else table.reopen_at
    return ZoneSpec(table.name, table.capacity, table.full_at, reopen_at, table.nearly_full_at, table.initial_occupied)


def _mqtt(path: Path, table: MqttTable) -> MqttSpec:
    """Paths in a site file are relative to it."""
    fields = table.model_dump()
    for key in ("password_file", "ca_file"):
        fields[key] = None if fields[key] is None else path.parent / fields[key]
    return MqttSpec(**fields)


def _panel(table: SignTable) -> PanelSpec:
    fields = table.model_dump(exclude={"zone", "full_text", "closed_text", "uncertain_text"})
    return PanelSpec(**fields)
