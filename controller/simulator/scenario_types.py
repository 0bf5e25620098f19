"""The kinds of values that a scenario file has, with their bounds."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


def _ascending(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"[{value[0]:g}, {value[1]:g}] runs backwards; write [low, high]")
    return value


def _within_day(value: tuple[float, float]) -> tuple[float, float]:
    if not value[0] < value[1] <= 24:  # noqa: PLR2004  hours of a day
        raise ValueError(f"[{value[0]:g}, {value[1]:g}] is no part of a day; write [from, to] within 0 to 24")
    return value


def _moving(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] < 0.2:  # noqa: PLR2004  m/s, below which nothing drives
        raise ValueError(f"{value[0]:g} m/s is no driving; write 0.2 or more")
    return value


def _weighty(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    hours = [hour for hour, _ in points]
    if hours != sorted(set(hours)) or hours[0] < 0 or hours[-1] > 24:  # noqa: PLR2004  hours of a day
        raise ValueError(f"the hours {hours} must rise within 0 to 24")
    if not any(weight for _, weight in points):
        raise ValueError("no hour has any weight; write at least one that is above 0")
    return points


Range = Annotated[tuple[Amount, Amount], AfterValidator(_ascending)]
Speeds = Annotated[Range, AfterValidator(_moving)]
DayHours = Annotated[tuple[Amount, Amount], AfterValidator(_within_day)]
Shape = Annotated[tuple[tuple[Amount, Amount], ...], Field(min_length=2, max_length=200), AfterValidator(_weighty)]
"""Points (hour of the day, weight), straight lines between them, nothing before the first and after the last."""

Weekdays = tuple[Amount, Amount, Amount, Amount, Amount, Amount, Amount]
"""Factors, Monday first."""


class Table(BaseModel):
    """A table of the file: unknown keys are errors, types are what TOML says they are."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
