"""What is worth an alarm, and when it is told. Pure: picture and times are arguments.

What the picture does not show (feedback that nobody has taken up) comes as alarms that hold already.
A condition is told once it lasted ``after_s``, outside quiet hours, and not again within ``again_after_s`` however
often it comes and goes. What begins in quiet hours and still holds at their end is told then.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time

from controller.api.models import Picture
from controller.domain.report import MessageKind, Status
from controller.site import AlarmSpec


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong: ``about`` is a zone, a detector, a bay, a sign, or what feedback says."""

    kind: str
    about: str
    detail: str = ""
    where: str = ""
    """At which sign, where the same may be said of several."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What is told once."""
        return self.kind, self.about, self.where


def wrong(now: Picture, spec: AlarmSpec, also: Iterable[Alarm] = ()) -> Iterator[Alarm]:
    """Yield what is wrong at this moment, of the kinds that this rule is for; ``also`` comes from elsewhere."""
    yield from (alarm for alarm in (*_all(now, spec), *also) if alarm.kind in spec.on)


def _all(now: Picture, spec: AlarmSpec) -> Iterator[Alarm]:
    for zone in now.zones:
        if zone.status is Status.FULL:
            yield Alarm("full", zone.name)
        if zone.status is Status.UNKNOWN:
            yield Alarm("uncertain", zone.name, ", ".join((zone.reason, *zone.degraded)))
        if zone.counted is not None and zone.occupied is not None:
            drift = abs(zone.counted - zone.occupied)
            if drift > spec.drift_over:
                yield Alarm("drift", zone.name, str(drift))
    for fault in now.faults:
        yield Alarm("detector_fault", fault.subject, fault.kind.value)
    for sign in now.signs:
        wanted_dark = sign.message is not None and sign.message.kind is MessageKind.BLANK
        if not sign.panel.lit and not wanted_dark:
            yield Alarm("sign_dark", sign.name, sign.panel.why_dark or "")


class Rule:
    """One rule of the site file and what it has told."""

    def __init__(self, spec: AlarmSpec) -> None:
        self.spec = spec
        self._since: dict[tuple[str, str, str], float] = {}
        self._told: set[tuple[str, str, str]] = set()
        self._told_at: dict[tuple[str, str, str], float] = {}

    def due(self, now: Picture, clock: time, monotonic: float, also: Iterable[Alarm] = ()) -> list[Alarm]:
        """Return what is to be told at the local time of day ``clock``."""
        found = {alarm.key: alarm for alarm in wrong(now, self.spec, also)}
        self._since = {key: self._since.get(key, monotonic) for key in found}
        self._told &= found.keys()
        if is_quiet(self.spec, clock):
            return []
        ripe = [key for key in found if key not in self._told and self._ripe(key, monotonic)]
        for key in ripe:
            self._told.add(key)
            self._told_at[key] = monotonic
        return [found[key] for key in ripe]

    def _ripe(self, key: tuple[str, str, str], monotonic: float) -> bool:
        last = self._told_at.get(key)
        again = last is None or monotonic - last >= self.spec.again_after_s
        return again and monotonic - self._since[key] >= self.spec.after_s


def is_quiet(spec: AlarmSpec, clock: time) -> bool:
    """Whether the rule is silent at this local time of day; a span may reach over midnight."""
    begin, end = spec.quiet_from, spec.quiet_to
    if begin is None or end is None:
        return False
    return begin <= clock < end if begin <= end else clock >= begin or clock < end
