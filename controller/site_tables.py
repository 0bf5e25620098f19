"""The site file's tables: keys, types, the bounds of every number, and what one table alone can tell."""

import re
from collections.abc import Mapping
from datetime import time
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from controller.domain.specs import (
    MAX_GAP_S,
    SILENT_AFTER_S,
    HealthSpec,
    Hours,
    RedirectSpec,
    SignSpec,
    ZoneSpec,
)

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Gpio = Annotated[int, Field(ge=0, le=53)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Topic = Annotated[str, Field(min_length=1, max_length=500)]

WS2812_PINS = (10, 12, 18, 21)
"""BCM numbers that the rpi_ws281x binding can drive on a Pi's header: SPI, PWM channel 0 twice, PCM."""

CHAINS = {"ws2812": "rows-snake"}
"""How the parts of a panel are usually joined, by its driver; others row by row."""

ARROWS_BEFORE = {0: "down", 90: "left", -90: "right", 180: "up"}
"""What version 0.1.0 called block_orientation, in today's words."""

PITCHES_MM = {"max7219": 4.0, "max7219-digits": 6.25, "ws2812": 10.0, "hub75": 5.0, "emulator": 4.0}
"""From one LED to the next: the usual 32 mm modules of 8 LEDs, digits of 100 mm, the usual matrix of 256, outdoor P5;
others as the emulator."""

ARROWS = {"left": "←", "right": "→", "up": "↑", "down": "↓"}

MARKS = {"wheelchair": "♿", "plug": "🔌"}
"""Symbols before a row's number, by the word for them."""

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]
Chain = Literal["rows", "rows-snake", "columns", "columns-snake"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))? )?(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_DAY_MINUTES = 24 * 60

Language = Literal["pl", "en", "de"]
Text = Annotated[str, Field(min_length=1, max_length=80)]


Part = Literal["zones", "signs", "feeds", "lanes", "bays", "faults", "passages", "inputs", "metrics"]
"""What the API may tell without a credential."""
PUBLIC: tuple[Part, ...] = ("zones", "signs", "feeds")
"""What it does by default: what a driver may know."""

MAX_CAPACITY = 20_000
"""Vehicles: above any real zone, so that a slip of the finger is noticed."""


class Table(BaseModel):
    """A table of the file: unknown keys are errors, types are what TOML says they are."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LotTable(Table):
    """``[lot]``."""

    name: str = Field(min_length=1, max_length=100)
    timezone: str = Field(default="Europe/Warsaw", min_length=1, max_length=100)

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
    capacity: int = Field(ge=1, le=MAX_CAPACITY)
    full_at: int = Field(default=0, ge=0, le=MAX_CAPACITY)
    reopen_at: int | None = Field(default=None, ge=1, le=MAX_CAPACITY)
    nearly_full_at: int | None = Field(default=None, ge=1, le=MAX_CAPACITY)
    full_risk: float = Field(default=ZoneSpec("", 1).full_risk, ge=0.01, le=0.5)
    initial_occupied: int | None = Field(default=None, ge=0, le=2 * MAX_CAPACITY)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.full_at >= self.capacity:
            why = f"full_at = {self.full_at} leaves no number to show, with capacity = {self.capacity}"
            raise ValueError(f"{why}; write a smaller full_at")
        for key in ("reopen_at", "nearly_full_at"):
            value = getattr(self, key)
            if value is not None and not self.full_at < value <= self.capacity:
                least = self.full_at + 1
                raise ValueError(f"{key} = {value} must lie above full_at; write {least} to {self.capacity}")
        return self


class DetectorTable(Table):
    """``{ gpio = 17 }`` or ``{ mqtt = "topic", format = "plain" }``."""

    gpio: Gpio | None = None
    pull: Literal["up", "down", "none"] = "up"
    active: Literal["low", "high"] = "low"
    mqtt: Topic | None = None
    format: str = "plain"
    pointer: str | None = None
    output: Literal["presence", "pulse"] = "presence"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.gpio is None) == (self.mqtt is None):
            raise ValueError('a detector has one source; write either gpio = <BCM number> or mqtt = "<topic>"')
        other, kind = (("format", "pointer"), "gpio") if self.mqtt is None else (("pull", "active"), "mqtt")
        if lost := [key for key in other if key in self.model_fields_set]:
            raise ValueError(f"{' and '.join(lost)} mean nothing beside {kind}; remove that")
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
        if self.loop is None and (self.outer is None or self.inner is None):
            raise ValueError("a lane has two loops or one; write outer and inner, or loop")
        if self.loop is not None and (self.outer is not None or self.inner is not None):
            raise ValueError("a lane has outer and inner, or a single loop, not both; remove one")
        if self.loop is not None and self.direction == "both":
            raise ValueError('a single loop cannot tell directions; write direction = "entry" or "exit"')
        if self.from_zone == self.zone:
            raise ValueError(f'from_zone and zone are both "{self.zone}"; leave from_zone out for the street')
        return self


class BayTable(Table):
    """``[[bay]]``."""

    name: Name
    zone: Name
    mqtt: Topic
    format: str = "plain"
    pointer: str | None = None
    silent_after_s: Seconds = SILENT_AFTER_S


def hours(text: str) -> Hours:
    """Read "mon-fri 06:00-22:00", "sun 09:00-20:00" or "22:00-06:00"; ValueError says why and the mend."""
    mend = 'write it like "mon-fri 06:00-22:00"'
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no span of hours; {mend}")
    first, last, *clock = found.groups()
    if unknown := [day for day in (first, last) if day is not None and day not in _DAYS]:
        raise ValueError(f"{unknown[0]!r} is no day; days are {', '.join(_DAYS)}")
    start_h, start_min, end_h, end_min = map(int, clock)
    start, end = start_h * 60 + start_min, end_h * 60 + end_min
    if max(start_min, end_min) >= 60 or start >= _DAY_MINUTES or end > _DAY_MINUTES or start == end:  # noqa: PLR2004  minutes
        raise ValueError(f"{text!r} has no such hours; {mend}, from 00:00 to 24:00")
    begin = _DAYS.index(first or "mon")
    until = _DAYS.index(last or first or "sun")
    days = frozenset((begin + step) % 7 for step in range((until - begin) % 7 + 1))
    return Hours(days, start, end)


Spans = Annotated[list[str], Field(min_length=1, max_length=21)]


def _checked(spans: list[str]) -> list[str]:
    for span in spans:
        hours(span)
    return spans


class RowTable(Table):
    """``{ zone = "disabled", mark = "wheelchair" }``."""

    zone: Name
    mark: str = Field(min_length=1, max_length=12)


class RedirectTable(Table):
    """``{ to = "P2", arrow = "right", mqtt = "p2/customers/state" }``."""

    to: str = Field(min_length=1, max_length=20)
    arrow: Literal["left", "right", "up", "down"]
    mqtt: Topic | None = None
    fresh_s: Seconds = RedirectSpec("", "").fresh_s

    @model_validator(mode="after")
    def _one_lot(self) -> Self:
        if self.mqtt is not None and set("#+\0") & set(self.mqtt):
            raise ValueError("mqtt must be one lot's topic; leave out # and +")
        return self


class GreetingTable(Table):
    """``{ text = "Dzień dobry!", hours = ["mon-fri 07:00-09:00"] }``."""

    text: Text
    hours: Spans

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: list[str]) -> list[str]:
        return _checked(value)


class TileTable(Table):
    """``{ width = 16, height = 16, data_enters = "top-left", chain = "columns-snake", turned = false }``."""

    width: int = Field(ge=1, le=512)
    height: int = Field(ge=1, le=128)
    data_enters: Corner = "top-left"
    chain: Chain = "rows-snake"
    turned: bool = False


Driver = Literal["max7219", "max7219-digits", "ws2812", "hub75", "mqtt", "emulator"]

DIGIT_LEDS = (8, 16)
"""Columns and rows that a seven-segment digit has in a picture."""
_DIGITS = "max7219-digits"

_WHERE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "first_digit": (_DIGITS,),
        "spi_port": ("max7219", _DIGITS),
        "spi_device": ("max7219", _DIGITS),
        "gpio": ("ws2812",),
        "data_enters": ("max7219", "ws2812"),
        "chain": ("max7219", "ws2812"),
        "arrows": ("max7219",),
        "mirrored": ("max7219",),
    }
)
"""Keys that mean something for these drivers only. The emulator takes what its real panel takes, for a trial."""


class Hub75Table(Table):
    """``hub75`` of a sign: how the panel is built, in the words of rpi-rgb-led-matrix."""

    rows: Literal[8, 16, 32, 64]
    cols: int = Field(ge=8, le=256, multiple_of=8)
    chain: int = Field(default=1, ge=1, le=32)
    parallel: int = Field(default=1, ge=1, le=6)
    mapping: Literal[
        "regular", "regular-pi1", "adafruit-hat", "adafruit-hat-pwm", "classic", "classic-pi1", "compute-module"
    ] = "regular"
    slowdown: int = Field(default=1, ge=0, le=10)
    multiplexing: int = Field(default=0, ge=0, le=30)
    row_address_type: int = Field(default=0, ge=0, le=5)
    rgb_sequence: Literal["RGB", "RBG", "GRB", "GBR", "BRG", "BGR"] = "RGB"
    pixel_mapper: str = Field(default="", max_length=200)
    panel_type: str = Field(default="", max_length=40)
    socket: str | None = Field(default=None, min_length=1, max_length=100)


class PanelTable(Table):
    """What a panel is made of and where it is connected: ``[[sign]]``, as far as it is about the panel."""

    name: Name
    driver: Driver
    width: int = Field(ge=8, le=512, multiple_of=8)
    height: int = Field(ge=8, le=128, multiple_of=8)
    digits: int | None = Field(default=None, ge=1, le=8)
    first_digit: Literal["right", "left"] = "right"
    hub75: Hub75Table | None = None
    spi_port: int = Field(default=0, ge=0, le=6)
    spi_device: int = Field(default=0, ge=0, le=2)
    gpio: Gpio = 10
    data_enters: Corner = "top-left"
    chain: Chain | None = None
    arrows: Literal["right", "left", "up", "down", "right-left", "left-right", "up-down", "down-up"] | None = None
    mirrored: bool = False
    tile: TileTable | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_todays_words(cls, raw: Any) -> Any:
        """Say how a file of an earlier version is written now."""
        if not isinstance(raw, dict):
            return raw
        if "block_orientation" in raw:
            turn = raw["block_orientation"]
            arrows = ARROWS_BEFORE.get(turn, "down") if isinstance(turn, int) else "down"
            raise ValueError(f'block_orientation = {turn} is no longer a key; write arrows = "{arrows}" in its place')
        if "serpentine" in raw:
            chain = "rows" if raw["serpentine"] is False else "rows-snake"
            raise ValueError(f'serpentine is no longer a key; write chain = "{chain}" in its place')
        return raw

    @model_validator(mode="before")
    @classmethod
    def _size_of_digits(cls, raw: Any) -> Any:
        """Digits have a size of their own."""
        if not isinstance(raw, dict) or raw.get("driver") != _DIGITS or not isinstance(raw.get("digits"), int):
            return raw
        if sizes := [key for key in ("width", "height") if key in raw]:
            raise ValueError(f"{' and '.join(sizes)} mean nothing beside digits; remove that")
        return {**raw, "width": raw["digits"] * DIGIT_LEDS[0], "height": DIGIT_LEDS[1]}

    @model_validator(mode="after")
    def _meant(self) -> Self:
        lost = [key for key, drivers in _WHERE.items() if key in self.model_fields_set and self.driver not in drivers]
        if self.driver == "emulator":  # it has no digits, and so no first one
            lost = [key for key in lost if key == "first_digit"]
        if lost:
            raise ValueError(f'{" and ".join(lost)} mean nothing beside driver = "{self.driver}"; remove that')
        return self

    @model_validator(mode="after")
    def _drivable(self) -> Self:
        if self.driver == "max7219" and self.arrows is None:
            why = (
                'a max7219 panel needs arrows; write arrows = "right" if that is where the arrows on its modules point'
            )
            raise ValueError(f'{why}, or what sign identify tells (a file of version 0.1.0 without it meant "down")')
        if (self.driver == _DIGITS) != (self.digits is not None):
            raise ValueError(f'digits and driver = "{_DIGITS}" need one another; write both, or neither')
        if (self.driver == "hub75") != (self.hub75 is not None):
            raise ValueError('hub75 = { ... } and driver = "hub75" need one another; write both, or neither')
        if self.hub75 is not None and not self.hub75.pixel_mapper:
            built = self.hub75.cols * self.hub75.chain, self.hub75.rows * self.hub75.parallel
            if built != (self.width, self.height):
                why = f"hub75 describes {built[0]}x{built[1]} LEDs, not {self.width}x{self.height}"
                raise ValueError(f"{why}; mend width and height, or say with pixel_mapper how they are folded")
        if self.driver == "ws2812" and self.gpio not in WS2812_PINS:
            pins = ", ".join(map(str, WS2812_PINS))
            raise ValueError(f"gpio = {self.gpio} cannot drive a ws2812 panel; write one of {pins}")
        if self.tile is not None and self.driver not in {"ws2812", "emulator"}:
            raise ValueError("only a ws2812 panel is tiled from matrices; leave tile out")
        if self.tile is not None and (self.width % self.tile.width or self.height % self.tile.height):
            tile = f"{self.tile.width}x{self.tile.height}"
            raise ValueError(f"tiles of {tile} do not make up {self.width}x{self.height}; write the size of one tile")
        return self


class SignTable(PanelTable):
    """``[[sign]]``: a panel, and what it says."""

    zone: Name
    brightness: int = Field(default=8, ge=0, le=15)
    brightness_at_night: int | None = Field(default=None, ge=0, le=15)
    language: Language = "pl"
    second_language: Language | None = None
    full_text: Text | None = None
    closed_text: Text | None = None
    uncertain_text: str = Field(default=SignSpec("", "").uncertain_text, min_length=1, max_length=20)
    free_text: Text | None = None
    number_text: Text | None = None
    nearly_full_text: Text | None = None
    rows: list[RowTable] = Field(default=[], max_length=8)
    redirect: RedirectTable | None = None
    open_hours: Spans | None = None
    hours_text: Text | None = None
    greeting: GreetingTable | None = None
    pages: bool = False
    scroll: bool = False
    colours: Literal["one", "states"] = "one"
    pitch_mm: float | None = Field(default=None, ge=0.5, le=200, allow_inf_nan=False)
    digit_mm: float | None = Field(default=None, ge=5, le=2000, allow_inf_nan=False)
    read_from_m: float = Field(default=25.0, ge=1, le=500, allow_inf_nan=False)

    @field_validator("open_hours")
    @classmethod
    def _are_hours(cls, value: list[str] | None) -> list[str] | None:
        return None if value is None else _checked(value)

    @model_validator(mode="after")
    def _bright_and_colourful(self) -> Self:
        if self.brightness_at_night is not None and self.brightness_at_night > self.brightness:
            why = f"brightness_at_night = {self.brightness_at_night} is above brightness = {self.brightness}"
            raise ValueError(f"{why}; write a smaller one")
        if self.driver in {"max7219", _DIGITS} and self.colours != "one":
            raise ValueError(f'a {self.driver} panel has LEDs of one colour; write colours = "one"')
        if self.digits is not None and self.scroll:
            raise ValueError("digits show nothing that runs; leave scroll out")
        if self.digit_mm is not None and self.digits is None:
            raise ValueError("digit_mm is the height of digits, and this is another panel; write pitch_mm")
        if self.driver == "mqtt" and self.colours != "one":
            raise ValueError('a sign over MQTT is told which LEDs are lit, and no colours; write colours = "one"')
        if self.driver == "mqtt" and self.scroll:
            raise ValueError("running text would be 25 pictures a second over MQTT; leave scroll out")
        return self

    @model_validator(mode="after")
    def _sayable(self) -> Self:
        if self.second_language is not None and not self.pages:
            raise ValueError("two languages take two phases; add pages = true, or leave second_language out")
        if self.second_language == self.language:
            raise ValueError(f'both languages are "{self.language}"; leave second_language out')
        if self.rows and self.zone not in {row.zone for row in self.rows}:
            raise ValueError(f'rows leave out the sign\'s own zone "{self.zone}"; give it a row')
        beside = [key for key in ("number_text", "nearly_full_text", "greeting") if getattr(self, key) is not None]
        if self.rows and beside:
            raise ValueError(f"rows leave {' and '.join(beside)} no place; remove either")
        if self.hours_text is not None and self.open_hours is None:
            raise ValueError("hours_text is said outside open_hours, and there are none; add open_hours")
        return self


class LightTable(Table):
    """``[light]``."""

    i2c: int | None = Field(default=None, ge=0, le=99)
    address: Literal[0x23, 0x5C] = 0x23
    mqtt: Topic | None = None
    pointer: str | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    day_from: str | None = None
    night_from: str | None = None

    @field_validator("day_from", "night_from")
    @classmethod
    def _is_a_time(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value, re.ASCII):
            raise ValueError('no time of day; write it like "06:30"')
        return value

    @model_validator(mode="after")
    def _tells(self) -> Self:
        if self.i2c is None and self.mqtt is None and self.latitude is None and self.day_from is None:
            raise ValueError("nothing tells how light it is; add i2c, mqtt, latitude and longitude, or day_from")
        if self.i2c is not None and self.mqtt is not None:
            raise ValueError("there is one light sensor; write either i2c or mqtt")
        if self.pointer is not None and self.mqtt is None:
            raise ValueError("pointer means nothing without mqtt; remove it")
        for one, other in (("latitude", "longitude"), ("day_from", "night_from")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ValueError(f"{one} and {other} need one another; write both")
        if self.day_from is not None and self.day_from == self.night_from:
            raise ValueError(f"day_from and night_from are both {self.day_from}; write two times")
        return self


class AlarmTable(Table):
    """``[[alarm]]``."""

    on: list[Literal["full", "uncertain", "detector_fault", "sign_dark", "drift", "feedback"]] = Field(min_length=1)
    to: Name
    language: Literal["pl", "en"] = "pl"
    quiet_from: time | None = None
    quiet_to: time | None = None
    after_s: float = Field(default=60.0, ge=0, le=86_400, allow_inf_nan=False)
    again_after_s: float = Field(default=3600.0, ge=0, le=604_800, allow_inf_nan=False)
    drift_over: int = Field(default=5, ge=1, le=MAX_CAPACITY)

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("quiet hours have a begin and an end; write quiet_from and quiet_to, or neither")
        return self


class AlarmsTable(Table):
    """``[alarms]``."""

    addresses_file: str = Field(min_length=1, max_length=1000)


class WebhookTable(Table):
    """``[[webhook]]``."""

    name: Name
    url: str = Field(min_length=1, max_length=2000)
    on: list[Literal["zone.free", "zone.status", "sign.shows", "detector.fault"]] = Field(min_length=1)
    local: bool = False
    after_s: float = Field(default=3.0, ge=0, le=3600, allow_inf_nan=False)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        try:
            parts = urlsplit(self.url)
            port_is_one = parts.port is None or parts.port > 0
        except ValueError as error:
            raise ValueError(f"url: {error}; write one like https://navigation.example/hook") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_one or not self.url.isprintable():
            raise ValueError("url is no web address; write one like https://navigation.example/hook")
        if parts.username is not None or parts.password is not None:
            raise ValueError("url has a user or password in it; leave that out, each message is signed")
        if parts.fragment or " " in self.url or not self.url.isascii():
            raise ValueError("url has a part that is never sent; leave out #, spaces and letters beyond ASCII")
        if parts.scheme == "http" and not self.local:
            raise ValueError("url has no TLS; write https, or local = true for the site's own network")
        return self


class WebhooksTable(Table):
    """``[webhooks]``."""

    secrets_file: str = Field(min_length=1, max_length=1000)


class PlaceTable(Table):
    """``[place]``."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    address: str | None = Field(default=None, min_length=1, max_length=200)
    country: str = Field(default="pl", pattern=r"^[a-z]{2}$")
    publisher: str | None = Field(default=None, min_length=1, max_length=100)


class GpioTable(Table):
    """``[gpio]``."""

    pin_factory: Literal["auto", "kernel", "lgpio", "mock"] = "auto"
    chip: str | None = Field(default=None, min_length=1, max_length=64)


class MqttTable(Table):
    """``[mqtt]``."""

    host: str = Field(default="localhost", min_length=1, max_length=255)
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = Field(default=None, min_length=1, max_length=200)
    password_file: str | None = Field(default=None, min_length=1, max_length=1000)
    tls: bool = False
    ca_file: str | None = Field(default=None, min_length=1, max_length=1000)
    client_id: str = Field(default="parking-controller", min_length=1, max_length=64)
    prefix: str = Field(default="parking", min_length=1, max_length=200)
    home_assistant: str | None = Field(default=None, min_length=1, max_length=200)
    corrections: bool = False

    @field_validator("prefix", "home_assistant")
    @classmethod
    def _publishable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if set("#+\0") & set(value) or value.startswith("$"):
            raise ValueError("nobody can publish under it; leave out # and +, and a $ at the beginning")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file is set, but MQTT sends no password without a user; add username")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is set, but the connection is not encrypted; add tls = true")
        return self


class HealthTable(Table):
    """``[health]``."""

    stuck_after_s: Seconds = HealthSpec().stuck_after_s
    chatter_changes: int = Field(default=HealthSpec().chatter_changes, ge=4, le=10_000)
    chatter_window_s: Seconds = HealthSpec().chatter_window_s
    down_trust_s: float = Field(default=HealthSpec().down_trust_s, ge=0, le=31_536_000, allow_inf_nan=False)


class ApiTable(Table):
    """``[api]``."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    port: int = Field(default=8080, ge=1, le=65535)
    public: tuple[Part, ...] = Field(default=PUBLIC, strict=False)
    public_url: str | None = Field(default=None, max_length=200, pattern=r"^https?://[^\s?#]+$")


class JournalTable(Table):
    """``[journal]``."""

    keep_days: int = Field(default=90, ge=1, le=3650)


class FarSignTable(PanelTable):
    """``[[sign]]`` in the file of a machine that drives a sign and nothing else."""

    @model_validator(mode="before")
    @classmethod
    def _here(cls, raw: Any) -> Any:
        """Before all else: what a panel over MQTT may have is no matter here."""
        if isinstance(raw, dict) and raw.get("driver") == "mqtt":
            raise ValueError('driver = "mqtt" belongs into the site file; write here what drives the panel')
        return raw


class FarFile(Table):
    """The whole file of such a machine."""

    mqtt: MqttTable
    sign: list[FarSignTable] = Field(min_length=1, max_length=16)


class SiteFile(Table):
    """The whole file."""

    lot: LotTable
    zone: list[ZoneTable] = Field(min_length=1, max_length=64)
    lane: list[LaneTable] = Field(default=[], max_length=64)
    bay: list[BayTable] = Field(default=[], max_length=10_000)
    sign: list[SignTable] = Field(default=[], max_length=16)
    light: LightTable | None = None
    place: PlaceTable | None = None
    alarm: list[AlarmTable] = Field(default=[], max_length=64)
    alarms: AlarmsTable | None = None
    webhook: list[WebhookTable] = Field(default=[], max_length=16)
    webhooks: WebhooksTable | None = None
    gpio: GpioTable = GpioTable()
    mqtt: MqttTable | None = None
    health: HealthTable = HealthTable()
    api: ApiTable = ApiTable()
    journal: JournalTable = JournalTable()
