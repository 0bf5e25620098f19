"""MQTT messages -> domain events, for the service and the replay alike; pure but for its counters.

- Every sensor whose topic filter matches hears the message (MQTT 3.1.1, 4.7): one JSON document may speak for many
  bays, each with a pointer of its own. Filters lie in a prefix tree, so 1,000 sensors cost no more than ten.
- A retained message is of unknown age: the broker may have kept it for a year. It gives an event only when its payload
  says when it was sent; the domain then judges that time.
- Whatever comes is counted, shown and never fatal. Topics are made up by others: the tallies keep a bounded number.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.matcher import MQTTMatcher

from controller.domain.events import BayChanged, DetectorChanged, NeighbourHeard
from controller.inputs import neighbours
from controller.inputs.payloads import PayloadError, Reading, decode
from controller.site import SensorInput

log = logging.getLogger(__name__)

Heard = DetectorChanged | BayChanged | NeighbourHeard

MAX_TOPICS = 100
"""Distinct topics in each tally; further ones share ``OTHERS``."""

OTHERS = "(others)"

BATTERY_LOW = 10
"""Percent, from which on a battery is low."""

IN_PERCENT = "zigbee2mqtt/"
"""The formats whose ``battery`` is in percent. That of a LoRaWAN decoder may be in volts: 3.6 of a full one."""

_SHOWN_TOPIC = 200
_SHOWN_WHY = 300


@dataclass(slots=True)
class _Listener:
    """One sensor with what was heard of it."""

    spec: SensorInput
    event: Callable[[Reading, bool, float], DetectorChanged | BayChanged]
    messages: int = 0
    note: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Malformed:
    """What could not be read of one topic."""

    count: int = 0
    last: str = ""


class Sensors:
    """All sensors of a site that speak over MQTT. Not thread-safe: it belongs to the thread that owns the state."""

    def __init__(self, sensors: Sequence[SensorInput]) -> None:
        self._listeners = [_Listener(spec, _event(spec)) for spec in sensors]
        self._by_filter = MQTTMatcher()  # type: ignore[no-untyped-call]
        grouped: dict[str, list[_Listener]] = {}
        for listener in self._listeners:
            grouped.setdefault(listener.spec.topic, []).append(listener)
        for topic_filter, listeners in grouped.items():
            self._by_filter[topic_filter] = listeners
        self._accepted = 0
        self._no_level = 0
        self._retained_ignored = 0
        self._unknown: dict[str, int] = {}
        self._malformed: dict[str, _Malformed] = {}

    def translate(self, topic: str, payload: bytes, at: float, *, retained: bool = False) -> list[Heard]:
        """Return what a message says, at the lot time ``at``; nothing when it is not a sensor's or can't be read."""
        groups: Iterable[list[_Listener]] = self._by_filter.iter_match(topic)  # type: ignore[no-untyped-call]
        listeners = [listener for group in groups for listener in group]
        if not listeners:
            key = _bounded(topic, self._unknown)
            self._unknown[key] = self._unknown.get(key, 0) + 1
        events = [self._hear(listener, topic, payload, at, retained=retained) for listener in listeners]
        return [event for event in events if event is not None]

    def report(self) -> dict[str, Any]:
        """Return the counters as plain JSON; ``sensors`` has each detector's and bay's last note (battery ...)."""
        return {
            "accepted": self._accepted,
            "no_level": self._no_level,
            "retained_ignored": self._retained_ignored,
            "unknown": dict(self._unknown),
            "malformed": {topic: {"count": bad.count, "last": bad.last} for topic, bad in self._malformed.items()},
            "sensors": {
                listener.spec.target: {"messages": listener.messages, "note": dict(listener.note)}
                for listener in self._listeners
            },
        }

    def _hear(self, listener: _Listener, topic: str, payload: bytes, at: float, *, retained: bool) -> Heard | None:
        if listener.spec.neighbour is not None:
            return self._hear_neighbour(listener, topic, payload, at, retained=retained)
        reading = self._read(listener.spec, topic, payload)
        if reading is None:
            return None
        stamp = reading.stamp
        if retained and (stamp is None or stamp.sent_at is None):
            self._retained_ignored += 1
            return None
        listener.messages += 1
        if reading.note:
            listener.note = dict(reading.note)
        if reading.occupied is None:
            self._no_level += 1
            return None
        self._accepted += 1
        return listener.event(reading, reading.occupied, at)

    def _hear_neighbour(
        self, listener: _Listener, topic: str, payload: bytes, at: float, *, retained: bool
    ) -> NeighbourHeard | None:
        try:
            told = neighbours.decode(listener.spec.target, payload, at)
        except PayloadError as error:
            self._refuse(listener.spec, topic, str(error))
            return None
        if retained and told.sent_at is None:
            self._retained_ignored += 1
            return None
        listener.messages += 1
        self._accepted += 1
        return told

    def _read(self, spec: SensorInput, topic: str, payload: bytes) -> Reading | None:
        try:
            return decode(spec.format, payload, pointer=spec.pointer, topic=topic)
        except PayloadError as error:
            why = str(error)
        except Exception as error:  # a decoder's bug must not stop the count: the broker repeats the message
            log.warning(
                "MQTT %s: the format %s failed on a message of %s", topic, spec.format, spec.target, exc_info=True
            )
            why = f"{type(error).__name__}: {error}"
        self._refuse(spec, topic, why)
        return None

    def _refuse(self, spec: SensorInput, topic: str, why: str) -> None:
        bad = self._malformed.setdefault(_bounded(topic, self._malformed), _Malformed())
        bad.count += 1
        bad.last = f"{spec.target}: {why}"[:_SHOWN_WHY]


def _event(spec: SensorInput) -> Callable[[Reading, bool, float], DetectorChanged | BayChanged]:
    if spec.detector is not None:
        detector = spec.detector
        return lambda reading, occupied, at: DetectorChanged(detector, occupied, at, reading.stamp)
    bay = spec.target
    percent = spec.format.startswith(IN_PERCENT)
    return lambda reading, occupied, at: BayChanged(
        bay, occupied, at, reading.stamp, _battery_low(reading, percent=percent)
    )


def _battery_low(reading: Reading, *, percent: bool) -> bool | None:
    """Return what the sensor says of its battery: that it is low, or how many ``percent`` it has; None: nothing."""
    said, left = reading.note.get("battery_low"), reading.note.get("battery")
    if isinstance(said, bool):
        return said
    if percent and isinstance(left, int | float) and not isinstance(left, bool) and 0 <= left <= 100:  # noqa: PLR2004
        return left <= BATTERY_LOW
    return None


def _bounded(topic: str, tally: dict[str, Any]) -> str:
    """Return the key that ``topic`` is counted under."""
    key = topic[:_SHOWN_TOPIC]
    return key if key in tally or len(tally) < MAX_TOPICS else OTHERS
