"""What the sign process knows of the light outside: a sensor of its own, what count hears over MQTT, sun and clock."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import elevation

from controller.clocks import synchronised
from controller.sign.bh1750 import LightThread
from controller.sign.brightness import Surroundings, wanted
from controller.site import LightSpec

SILENT_S = 300.0
"""A light sensor that said nothing for so long is not believed any more."""

_LOOK_S = 1.0
Reading = tuple[float, float]
"""Lux, and the monotonic time (s) at which it was so."""


class Light:
    """Says how much of a day it is. Not thread-safe: it belongs to the guardian's thread."""

    def __init__(
        self,
        spec: LightSpec,
        zone: ZoneInfo,
        *,
        clock: Callable[[], float],
        sensor: Callable[[], Reading | None] = lambda: None,
        clock_set: Callable[[], bool] = synchronised,
    ) -> None:
        self._spec, self._zone, self._clock = spec, zone, clock
        self._sensor, self._clock_set = sensor, clock_set
        self._heard: Reading | None = None
        self._looked_at: float | None = None
        self._wanted = 0.5, ""

    def hear(self, envelope: Mapping[str, Any], sent: float) -> None:
        """Take what count says of a light sensor's messages; whatever makes no sense is nothing."""
        try:
            told = envelope["inputs"]["light"]
            self._heard = float(told["lux"]), sent - float(told["age_s"])
        except (KeyError, TypeError, ValueError):
            return

    def wanted(self, now: float) -> tuple[float, str]:
        """Return how much of a day it is (0 to 1), and why, at the monotonic time ``now`` (s)."""
        if self._looked_at is None or now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            self._wanted = wanted(self._surroundings(now))
        return self._wanted

    def _surroundings(self, now: float) -> Surroundings:
        readings = [each for each in (self._sensor(), self._heard) if each is not None and now - each[1] <= SILENT_S]
        if readings:
            return Surroundings(lux=max(readings, key=lambda each: each[1])[0])
        spec, is_set = self._spec, self._clock_set()
        if not is_set:
            return Surroundings(clock_set=False)
        at = datetime.fromtimestamp(self._clock(), UTC)
        sun_deg = by_day = None
        if spec.latitude is not None and spec.longitude is not None:
            sun_deg = elevation(Observer(spec.latitude, spec.longitude), at)
        if spec.day_from is not None and spec.night_from is not None:
            time = at.astimezone(self._zone).time()
            day, night = spec.day_from, spec.night_from
            by_day = day <= time < night if day < night else not night <= time < day
        return Surroundings(sun_deg=sun_deg, by_day=by_day)


def opened(spec: LightSpec, zone: ZoneInfo, clock: Callable[[], float]) -> Light:
    """Return the light of a site, with its own sensor where it has one."""
    if spec.i2c is None:
        return Light(spec, zone, clock=clock)
    return Light(spec, zone, clock=clock, sensor=LightThread(spec.i2c, spec.address).newest)
