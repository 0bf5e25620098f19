"""What a loop detector or a bay sensor makes of the vehicle that is, or is not, at it.

A sensor speaks when its level changes; a bay sensor also now and then, as a sign of life. It can stick at a level, or
fall silent. Pure: time is an argument.
"""

from dataclasses import dataclass

from controller.domain.specs import Output

PULSE_S = 0.15
"""How long a pulsing detector's relay closes for one vehicle."""


@dataclass(frozen=True, slots=True)
class Level:
    """A detector, or a bay sensor, says so at this simulated time."""

    name: str
    occupied: bool
    at_s: float


@dataclass(slots=True)
class Sensor:
    """One sensor with its faults."""

    name: str
    output: Output = Output.PRESENCE
    heartbeat_s: float | None = None
    """Longest silence of a bay sensor that lives; None: it speaks at changes only."""
    stuck: bool | None = None
    dead: bool = False
    _level: bool | None = None
    _covered: bool = False
    _pulse_until_s: float = 0.0
    _due_s: float = 0.0

    def sense(self, now_s: float, *, covered: bool) -> Level | None:
        """Look at the vehicle; return what the sensor says, or None when it has nothing to say."""
        if covered and not self._covered:
            self._pulse_until_s = now_s + PULSE_S
        self._covered = covered
        level = now_s < self._pulse_until_s if self.output is Output.PULSE else covered
        level = level if self.stuck is None else self.stuck
        due = self.heartbeat_s is not None and now_s >= self._due_s
        if self.dead or (level == self._level and not due):
            return None
        self._level = level
        self._due_s = now_s + (self.heartbeat_s or 0.0)
        return self.said(now_s)

    def said(self, now_s: float) -> Level:
        """Repeat what it said last."""
        return Level(self.name, bool(self._level), now_s)
