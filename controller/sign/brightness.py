"""How bright a sign is: 16 steps between a night's and a day's, without ever flickering between two. Pure.

What is wanted is a share of the way from night (0) to day (1): by a light sensor while it speaks, else by the sun's
height, else by the clock; halfway while the clock is not set, or when nothing tells. ``Dimmer`` follows it slowly: one
step a second, only when the wish is clearly beyond the next step, and not back again within a minute.
"""

import math
from dataclasses import dataclass

DARK_LX, BRIGHT_LX = 10.0, 10_000.0
"""A lit street at night has 2 to 15 lx on the ground (EN 13201-2, classes P), an overcast day 10,000 lx and more."""

TWILIGHT_DEG, DAY_DEG = -6.0, 10.0
"""The sun's height at the end of civil twilight, and from which on it is day for the eye."""

MIDDLE = 0.5

_SMOOTH_S = 10.0
"""Headlights that pass a sensor are gone sooner."""
_MARGIN = 0.75
"""A step is left when the wish is this far (steps) from it: half a step lies in the middle between two."""
_STEP_S = 1.0
_BACK_S = 60.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the light outside at one moment; None: nothing."""

    lux: float | None = None
    sun_deg: float | None = None
    """The sun's height above the horizon; None as well while the clock is not set."""
    by_day: bool | None = None
    """What the schedule says; None as well while the clock is not set."""
    clock_set: bool = True


def wanted(now: Surroundings) -> tuple[float, str]:
    """Return how much of a day it is (0 to 1), and why, in plain English."""
    if now.lux is not None:
        share = math.log(max(now.lux, 0.01) / DARK_LX) / math.log(BRIGHT_LX / DARK_LX)
        return _bounded(share), f"the light sensor: {now.lux:.0f} lx"
    if not now.clock_set:
        return MIDDLE, "the clock is not set: the middle"
    if now.sun_deg is not None:
        share = (now.sun_deg - TWILIGHT_DEG) / (DAY_DEG - TWILIGHT_DEG)
        return _bounded(share), f"the sun: {now.sun_deg:.0f} degrees above the horizon"
    if now.by_day is not None:
        return float(now.by_day), f"the schedule: {'day' if now.by_day else 'night'}"
    return MIDDLE, "the light sensor is silent: the middle"


def _bounded(share: float) -> float:
    return min(1.0, max(0.0, share))


class Dimmer:
    """One sign's step, 0 to 15, between ``night`` and ``day``."""

    def __init__(self, night: int, day: int) -> None:
        self._night, self._day = night, day
        self._smooth = 0.0
        self._step: int | None = None
        self._looked_at = self._changed_at = 0.0
        self._up = True

    def step(self, share: float, now: float) -> int:
        """Return the step for so much of a day, at the monotonic time ``now`` (s); call it at least each second."""
        wish = self._night + share * (self._day - self._night)
        if self._step is None:
            self._smooth, self._step, self._changed_at = wish, round(wish), now - _BACK_S
        else:
            self._smooth += (wish - self._smooth) * -math.expm1(-(now - self._looked_at) / _SMOOTH_S)
            up = self._smooth > self._step
            patience_s = _STEP_S if up == self._up else _BACK_S
            if abs(self._smooth - self._step) > _MARGIN and now - self._changed_at >= patience_s:
                self._step += 1 if up else -1
                self._changed_at, self._up = now, up
        self._looked_at = now
        return self._step
