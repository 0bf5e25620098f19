"""What a webhook is told. Pure: the picture and the time are arguments.

Every message is the state of one thing (a zone, a sign, a detector), whole, as the API tells it: whoever missed ten of
them needs only the last. What differs from what was told is told once it differed for ``after_s``, as it then is; so
what comes and goes in between is not told, and a number that changes each second is told every ``after_s``.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.api.models import Picture
from controller.site import WebhookSpec

Key = tuple[str, str]
"""The type of a message, and the name of what it is about."""

FAULT = "detector.fault"
WELL = ""
"""The mark of a detector that is no longer at fault."""


@dataclass(frozen=True, slots=True)
class Fact:
    """How one thing is: it is news when ``mark`` is another than the one that was told."""

    mark: str
    data: dict[str, Any]


def facts(now: Picture) -> Iterator[tuple[Key, Fact]]:
    """Yield how everything is. Detectors are in it only while at fault, and unknown while the count is silent."""
    for zone in now.zones:
        told = zone.model_dump(mode="json")
        yield ("zone.status", zone.name), Fact(zone.status, told)
        yield ("zone.free", zone.name), Fact(json.dumps([zone.status, zone.free]), told)
    for sign in now.signs:
        panel = sign.panel
        message = None if panel.message is None else panel.message.model_dump(mode="json")
        shows = {"name": sign.name, "zone": sign.zone, "lit": panel.lit, "message": message, "why_dark": panel.why_dark}
        yield ("sign.shows", sign.name), Fact(json.dumps([panel.lit, message]), shows)
    for fault in now.faults:
        yield (FAULT, fault.subject), Fact(fault.kind, {**fault.model_dump(mode="json"), "at_fault": True})


class Watch:
    """What one webhook has been told, and since when it should be told another thing."""

    def __init__(self, spec: WebhookSpec, told: Mapping[Key, str]) -> None:
        self._spec = spec
        self._told = dict(told)
        self._since: dict[Key, float] = {}

    def due(self, now: Picture, monotonic: float) -> dict[Key, Fact]:
        """Return what is to be told now; ``was_told`` ends it."""
        found = {key: fact for key, fact in facts(now) if key[0] in self._spec.on}
        if now.live:
            for key, mark in self._told.items():
                if key[0] == FAULT and mark != WELL and key not in found:
                    found[key] = Fact(WELL, {"subject": key[1], "kind": None, "since": None, "at_fault": False})
        differs = {key for key, fact in found.items() if self._told.get(key) != fact.mark}
        self._since = {key: self._since.get(key, monotonic) for key in differs}
        return {key: found[key] for key, since in self._since.items() if monotonic - since >= self._spec.after_s}

    def was_told(self, news: Mapping[Key, Fact]) -> None:
        """Remember it: it is in the outbox."""
        for key, fact in news.items():
            self._told[key] = fact.mark
            del self._since[key]
