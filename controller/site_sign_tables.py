"""The site file's tables of signs: panels, what they say, and how bright they are."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from controller.domain.specs import Hours, RedirectSpec, SignSpec
from controller.site_words import Gpio, Language, Name, Seconds, Table, Text, Topic

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


class FarSignTable(PanelTable):
    """``[[sign]]`` in the file of a machine that drives a sign and nothing else."""

    @model_validator(mode="before")
    @classmethod
    def _here(cls, raw: Any) -> Any:
        """Before all else: what a panel over MQTT may have is no matter here."""
        if isinstance(raw, dict) and raw.get("driver") == "mqtt":
            raise ValueError('driver = "mqtt" belongs into the site file; write here what drives the panel')
        return raw
