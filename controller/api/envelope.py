"""What comes over the local link, checked once at this border: see ``controller.link`` for the shape of a state.

The lot is required; counters of inputs and journal are for people, so what is wrong with them is dropped, not fatal.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, field_validator

from controller.domain.report import LotReport
from controller.link import is_fresh


class Loose(BaseModel):
    """Counters from another process: what is unknown is ignored, what is missing has a default."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class MqttInput(Loose):
    """The connection to the broker."""

    connected: bool = False
    broker: str | None = None
    """Host and port."""
    reconnects: int = 0
    last_error: str | None = None
    """Why it is, or last was, not connected."""


class Malformed(Loose):
    """Messages of one topic that could not be read."""

    count: int = 0
    last: str = ""
    """What was wrong with the last one."""


class SensorInput(Loose):
    """What came from sensors over MQTT."""

    accepted: int = 0
    """Messages that told a level."""
    no_level: int = 0
    """Well-formed messages that told none (a heartbeat with battery only)."""
    unknown: dict[str, int] = {}
    """Messages of topics that no detector or bay listens to, by topic."""
    malformed: dict[str, Malformed] = {}
    """Messages that could not be read, by topic."""


class GpioInput(Loose):
    """The pins."""

    factory: str | None = None
    """Which backend drives them: kernel, lgpio or mock."""
    errors: int = 0
    missed: int = 0
    """Changes of level that were lost, because more came than anybody took."""
    unreadable: list[str] = []
    """Detectors whose pin can't be read."""


class Inputs(Loose):
    """How well the inputs are heard; None where the site has none of that kind."""

    mqtt: MqttInput | None = None
    sensors: SensorInput | None = None
    gpio: GpioInput | None = None


class JournalSize(Loose):
    """What is on record."""

    inputs: int | None = None
    """Raw inputs kept."""
    bytes: int | None = None
    unrecorded: int = 0
    """Inputs that are in the count and in no journal, since it could not be written for very long."""
    trouble: str | None = None
    """Why it can't be written, and what to do."""


class Envelope(BaseModel):
    """One state of the count process."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sent: float
    ttl_s: float
    epoch: float
    version: str = ""
    lot: LotReport
    inputs: Inputs = Inputs()
    journal: JournalSize = JournalSize()

    @field_validator("inputs", "journal", mode="wrap")
    @classmethod
    def _never_fatal(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: Any) -> Any:
        try:
            return handler(value)
        except ValidationError:
            return cls.model_fields[info.field_name].default

    def is_fresh(self, now: float) -> bool:
        """Whether it may still be shown at the monotonic time ``now``."""
        return is_fresh({"sent": self.sent, "ttl_s": self.ttl_s}, now)

    def age_s(self, now: float) -> float:
        """How long ago it was sent (s)."""
        return max(0.0, now - self.sent)
