"""The site file (TOML) -> frozen, validated specs. All faults are told at once, before a pin is claimed.

``site_tables`` and ``site_sign_tables`` mirror the file, with bounds on every number; ``site_checks`` has what one
table cannot know alone; ``site_faults`` says either in the words of the file.
"""

import dataclasses
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from controller.domain.specs import (
    BaySpec,
    DetectorSpec,
    Direction,
    HealthSpec,
    LaneSpec,
    LotSpec,
    Output,
    ZoneSpec,
)
from controller.site_checks import LOOPS, cross_checks
from controller.site_faults import SiteFault, faults_of
from controller.site_sign_tables import (
    CHAINS,
    DIGIT_LEDS,
    PITCHES_MM,
    Hub75Table,
    LightTable,
    PanelTable,
    SignTable,
)
from controller.site_signs import sign_spec
from controller.site_tables import PUBLIC, DetectorTable, MqttTable, Part, SiteFile, ZoneTable

__all__ = [
    "DIGIT_LEDS",
    "AlarmSpec",
    "ApiSpec",
    "Hub75Spec",
    "JournalSpec",
    "LightSpec",
    "MqttSpec",
    "PanelSpec",
    "Part",
    "PinInput",
    "PlaceSpec",
    "SensorInput",
    "Site",
    "SiteError",
    "SiteFault",
    "load",
]


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
    """What speaks over MQTT: exactly one of ``detector``, ``bay`` and ``neighbour`` (another lot) is set."""

    topic: str
    format: str
    pointer: str | None = None
    detector: str | None = None
    bay: str | None = None
    neighbour: str | None = None

    @property
    def target(self) -> str:
        """The name of the detector, bay or lot."""
        return self.detector or self.bay or self.neighbour or ""


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
    home_assistant: str | None = None
    """Home Assistant's discovery prefix; None: it is told nothing."""
    corrections: bool = False
    """Whether corrections are taken from ``PREFIX/ZONE/occupied/set``; the broker must say who may write there."""


@dataclass(frozen=True, slots=True)
class Hub75Spec:
    """How a HUB75 panel is built, in the words of rpi-rgb-led-matrix, and where the process that drives it is."""

    rows: int
    cols: int
    socket: Path
    chain: int = 1
    parallel: int = 1
    mapping: str = "regular"
    slowdown: int = 1
    multiplexing: int = 0
    row_address_type: int = 0
    rgb_sequence: str = "RGB"
    pixel_mapper: str = ""
    panel_type: str = ""

    def options(self) -> dict[str, int | str]:
        """Return the options of the library's binding, by their names there."""
        return {
            "rows": self.rows,
            "cols": self.cols,
            "chain_length": self.chain,
            "parallel": self.parallel,
            "hardware_mapping": self.mapping,
            "gpio_slowdown": self.slowdown,
            "multiplexing": self.multiplexing,
            "row_address_type": self.row_address_type,
            "led_rgb_sequence": self.rgb_sequence,
            "pixel_mapper_config": self.pixel_mapper,
            "panel_type": self.panel_type,
        }


@dataclass(frozen=True, slots=True)
class TileSpec:
    """One of the matrices of single LEDs from which a panel is tiled, as seen from the front."""

    width: int
    height: int
    data_enters: str = "top-left"
    chain: str = "rows-snake"
    turned: bool = False
    """Those of every second row (or column) of tiles hang upside down."""


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """What a panel is made of and where it is connected. ``width`` and ``height`` are LEDs, multiples of 8."""

    name: str
    driver: str
    width: int
    height: int
    spi_port: int = 0
    spi_device: int = 0
    gpio: int = 10
    """The data pin of a ws2812 (BCM number): 10 by SPI, without root; 18 and 12 by PWM and 21 by PCM need root."""
    brightness: int = 8
    """0 (dim, but lit) to 15, by day."""
    brightness_at_night: int | None = None
    """The same by night, with steps in between by the light outside (``[light]``); None: as by day."""
    data_enters: str = "top-left"
    chain: str = "rows"
    arrows: str = "right"
    mirrored: bool = False
    """How the panel is put together, as seen from the front; the words are explained in ``sign.arrangement``."""
    tile: TileSpec | None = None
    """How the LEDs of each of the matrices run from which a ws2812 panel is tiled; None: it is a single one."""
    pages: bool = False
    """What does not fit one picture may be shown in two phases."""
    scroll: bool = False
    """What does not fit whole may run through."""
    colours: Literal["one", "states"] = "one"
    """Whether colour repeats what the words say."""
    pitch_mm: float = 4.0
    """From the middle of one LED to the next."""
    read_from_m: float = 25.0
    """How far away drivers must be able to read it."""
    digits: int | None = None
    """How many seven-segment digits it has, each ``DIGIT_LEDS`` of the picture; None: it is a matrix."""
    first_digit: Literal["right", "left"] = "right"
    """Which of them is DIG 0 of the chip."""
    hub75: Hub75Spec | None = None
    """How it is built, when it is a HUB75 panel."""
    broker: MqttSpec | None = None
    """Over which broker a panel elsewhere is fed (driver mqtt); None: it hangs on this machine."""
    refresh_s: float = 1.0
    """The whole picture and set-up are sent again after this long, changed or not."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of LEDs."""
        return self.width, self.height


@dataclass(frozen=True, slots=True)
class LightSpec:
    """How it is known how light it is outside: the first of these that tells."""

    i2c: int | None = None
    """The bus of a BH1750: 1 is /dev/i2c-1."""
    address: int = 0x23
    mqtt: str | None = None
    """The topic of another sensor, in lx."""
    pointer: str | None = None
    """Where in its JSON message the number is; None: the message is the number."""
    latitude: float | None = None
    longitude: float | None = None
    """For the sun's height: degrees, north and east."""
    day_from: time | None = None
    night_from: time | None = None


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """Who is told what is wrong; ``to`` is a name of the addresses file."""

    on: tuple[str, ...]
    to: str
    language: Literal["pl", "en"] = "pl"
    quiet_from: time | None = None
    quiet_to: time | None = None
    """Local time; nothing is told between these."""
    after_s: float = 60.0
    again_after_s: float = 3600.0
    drift_over: int = 5
    """Vehicles by which passages alone may differ from what is believed."""


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """A system that is told what is new, by HTTP."""

    name: str
    url: str
    on: tuple[str, ...]
    """The types of messages that it gets."""
    local: bool = False
    """Whether it is in the site's own network; else it must have a public address and speak TLS."""
    after_s: float = 3.0
    """Only what lasts this long is told."""


@dataclass(frozen=True, slots=True)
class PlaceSpec:
    """Where the lot is (degrees, WGS 84) and who publishes its feeds; for the feeds only."""

    latitude: float
    longitude: float
    address: str | None = None
    country: str = "pl"
    """ISO 3166-1 alpha-2, in small letters as DATEX II wants it."""
    publisher: str | None = None
    """National identifier of who publishes (DATEX II)."""


@dataclass(frozen=True, slots=True)
class ApiSpec:
    """Where the web process listens."""

    host: str = "127.0.0.1"
    port: int = 8080
    public: tuple[str, ...] = PUBLIC
    """What is told without a credential."""
    public_url: str | None = None
    """Under which address others reach it, for the QR code; None: whatever the browser asked for."""


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
    pin_factory: Literal["auto", "kernel", "lgpio", "mock"]
    gpio_chip: str | None
    pins: tuple[PinInput, ...]
    sensors: tuple[SensorInput, ...]
    mqtt: MqttSpec | None
    panels: tuple[PanelSpec, ...]
    light: LightSpec | None
    api: ApiSpec
    journal: JournalSpec
    place: PlaceSpec | None = None
    alarms: tuple[AlarmSpec, ...] = ()
    alarm_addresses: Path | None = None
    webhooks: tuple[WebhookSpec, ...] = ()
    webhook_secrets: Path | None = None

    @property
    def slug(self) -> str:
        """The lot's name in plain small letters, for identifiers."""
        plain = unicodedata.normalize("NFKD", self.lot.name.lower().replace("ł", "l")).encode("ascii", "ignore")
        return re.sub(r"[^a-z0-9]+", "-", plain.decode()).strip("-") or "lot"


def load(path: Path) -> Site:
    """Read and check the site file; raises SiteError with every fault, OSError when it can't be read."""
    raw = read(path)
    faults: list[SiteFault] = []
    file = None
    try:
        file = SiteFile.model_validate(raw)
    except ValidationError as error:
        faults += faults_of(error, raw, SiteFile)
    faults += cross_checks(raw)
    if file is None or faults:
        raise SiteError(path, faults)
    return _build(path, file)


def read(path: Path) -> dict[str, Any]:
    """Read TOML; raises SiteError when it is none, OSError when it can't be read."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        why, mend = f"not UTF-8 at byte {error.start}", "Save it as UTF-8"
    except ValueError as error:  # TOMLDecodeError, or a number too long for Python to read
        why, mend = f"not TOML: {error}", "Mend that line"
    except RecursionError:
        why, mend = "not a site file: brackets within brackets without end", "Mend that line"
    raise SiteError(path, [SiteFault("file", None, why, mend)])


def _build(path: Path, file: SiteFile) -> Site:
    lanes: list[LaneSpec] = []
    pins: list[PinInput] = []
    sensors: list[SensorInput] = []
    for lane in file.lane:
        specs: dict[str, DetectorSpec] = {}
        for role in LOOPS:
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
    signs = tuple(sign_spec(s) for s in file.sign)
    lots = dict.fromkeys(s.redirect.lot for s in signs if s.redirect is not None and s.redirect.lot is not None)
    sensors += [SensorInput(lot, "parking-state", neighbour=lot) for lot in lots]
    heard = sensors or (file.light is not None and file.light.mqtt is not None)
    heard = heard or any(s.driver == "mqtt" for s in file.sign)
    broker = file.mqtt or (MqttTable() if heard else None)
    mqtt = None if broker is None else mqtt_spec(path, broker)
    lot = LotSpec(
        name=file.lot.name,
        zones=tuple(_zone(z) for z in file.zone),
        lanes=tuple(lanes),
        bays=tuple(BaySpec(b.name, b.zone, b.silent_after_s) for b in file.bay),
        signs=signs,
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
        mqtt=mqtt,
        panels=tuple(panel_spec(s, mqtt) for s in file.sign),
        light=None if file.light is None else _light(file.light),
        api=ApiSpec(**file.api.model_dump()),
        journal=JournalSpec(**file.journal.model_dump()),
        place=PlaceSpec(**file.place.model_dump()) if file.place else None,
        alarms=tuple(AlarmSpec(**{**alarm.model_dump(), "on": tuple(alarm.on)}) for alarm in file.alarm),
        alarm_addresses=path.parent / file.alarms.addresses_file if file.alarms else None,
        webhooks=tuple(WebhookSpec(**{**hook.model_dump(), "on": tuple(hook.on)}) for hook in file.webhook),
        webhook_secrets=path.parent / file.webhooks.secrets_file if file.webhooks else None,
    )


def _zone(table: ZoneTable) -> ZoneSpec:
    reopen_at = table.full_at + 1 if table.reopen_at is None else table.reopen_at
    return ZoneSpec(**{**table.model_dump(), "reopen_at": reopen_at})


def mqtt_spec(path: Path, table: MqttTable) -> MqttSpec:
    """Return where the broker is; paths in a site file are relative to it."""
    fields = table.model_dump()
    for key in ("password_file", "ca_file"):
        fields[key] = None if fields[key] is None else path.parent / fields[key]
    return MqttSpec(**fields)


def _light(table: LightTable) -> LightSpec:
    fields = table.model_dump()
    for key in ("day_from", "night_from"):
        fields[key] = None if fields[key] is None else time.fromisoformat(fields[key])
    return LightSpec(**fields)


def panel_spec(table: PanelTable, broker: MqttSpec | None) -> PanelSpec:
    """Return what a panel is made of."""
    fields = table.model_dump(include={field.name for field in dataclasses.fields(PanelSpec)})
    if isinstance(table, SignTable) and table.digit_mm is not None:
        fields["pitch_mm"] = table.digit_mm / DIGIT_LEDS[1]
    fields["pitch_mm"] = fields.get("pitch_mm") or PITCHES_MM.get(table.driver, PITCHES_MM["emulator"])
    fields["hub75"] = None if table.hub75 is None else _hub75(table.hub75, table.name)
    fields["broker"] = broker if table.driver == "mqtt" else None
    fields["chain"] = table.chain or CHAINS.get(table.driver, "rows")
    fields["arrows"] = table.arrows or "right"
    fields["tile"] = None if table.tile is None else TileSpec(**table.tile.model_dump())
    return PanelSpec(**fields)


def _hub75(table: Hub75Table, name: str) -> Hub75Spec:
    where = table.socket or f"/run/parking-hub75/{name}.sock"
    return Hub75Spec(**{**table.model_dump(), "socket": Path(where)})
