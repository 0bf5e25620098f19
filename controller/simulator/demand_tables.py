"""The tables of a scenario file that say who comes when and stays for how long: ``[demand]`` and ``[group.NAME]``."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from controller.simulator.scenario_types import Amount, Shape, Share, Table, Weekdays


class DemandTable(Table):
    """``[demand]``: how days differ."""

    factor: Amount = 1.0
    """On the number of vehicles of all groups."""
    day_sigma: float = Field(default=0.12, ge=0, le=2)
    """Spread (log-normal) of a day's number of vehicles."""
    drift_sigma: float = Field(default=0.12, ge=0, le=2)
    """Spread of the slow swell and ebb within a day ..."""
    drift_h: float = Field(default=2.0, gt=0, le=24)
    """... and how long it lasts."""
    stay_sigma: float = Field(default=0.05, ge=0, le=2)
    """Spread of a day's factor on all stays that are given in minutes ..."""
    shift_h: float = Field(default=0.1, ge=0, le=6)
    """... and of a day's shift of the hours at which others leave."""
    special: Share = 0.0
    """Chance that a day is special: a sale, an event, a holiday ..."""
    special_factors: tuple[Amount, ...] = (0.2, 1.6)
    """... on which one of these multiplies the number of vehicles."""

    @model_validator(mode="after")
    def _specials(self) -> Self:
        if self.special and not self.special_factors:
            raise ValueError("special days need special_factors; write [0.2, 1.6]")
        return self


class StayTable(Table):
    """One way to stay: ``{ share, minutes, sigma }`` or ``{ share, until, sd_h }``."""

    share: Amount = 1.0
    """Weight among the ways of the group."""
    minutes: Amount | None = None
    """Median of a log-normal length of stay ..."""
    sigma: float = Field(default=0.5, ge=0, le=3)
    """... and its spread."""
    until: Annotated[float, Field(ge=0, le=24 * 31)] | None = None
    """Leaves at about this hour, from the midnight before it came: 31.5 is half past seven next morning ..."""
    sd_h: float = Field(default=0.7, ge=0, le=24)
    """... give or take so much."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.minutes is None) == (self.until is None):
            raise ValueError("a stay has one length; write either minutes or until")
        return self


class GroupTable(Table):
    """``[group.NAME]``: people who come and stay alike."""

    per_day: Amount
    """Vehicles on a day whose factor is 1."""
    weekdays: Weekdays = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    arrive: Shape
    stay: tuple[StayTable, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if not sum(stay.share for stay in self.stay):
            raise ValueError("no way to stay has any share; write at least one that is above 0")
        return self
