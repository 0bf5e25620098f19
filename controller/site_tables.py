"""The site file's tables: keys, types, the bounds of every number, and what one table alone can tell."""

from datetime import time
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from controller.domain.specs import MAX_GAP_S, SILENT_AFTER_S, HealthSpec, ZoneSpec
from controller.site_sign_tables import FarSignTable, LightTable, SignTable
from controller.site_words import Gpio, Name, Seconds, Table, Topic

Part = Literal["zones", "signs", "feeds", "lanes", "bays", "faults", "passages", "inputs", "metrics"]
"""What the API may tell without a credential."""
PUBLIC: tuple[Part, ...] = ("zones", "signs", "feeds")
"""What it does by default: what a driver may know."""

MAX_CAPACITY = 20_000
"""Vehicles: above any real zone, so that a slip of the finger is noticed."""


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
