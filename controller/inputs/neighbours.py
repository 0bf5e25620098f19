"""What another lot says of itself over MQTT (see ``publish.mqtt``) -> its free spaces. Pure.

The topic is retained, so a message may be of any age: its ``time`` tells, and without one only a fresh message counts.
"""

import json
from datetime import datetime

from controller.domain.events import NeighbourHeard
from controller.inputs.payloads import PayloadError

_OPEN = {"OPEN", "NEARLY_FULL"}
_KNOWN = {*_OPEN, "FULL", "CLOSED", "UNKNOWN"}
_MOST = 1_000_000


def decode(lot: str, payload: bytes, at: float) -> NeighbourHeard:
    """Read ``{"free": 12, "status": "OPEN", "time": "2026-11-22T21:40:03Z"}``; PayloadError names what is wrong."""
    try:
        raw = json.loads(payload)
    except (ValueError, RecursionError):
        raise PayloadError("not JSON") from None
    if not isinstance(raw, dict):
        raise PayloadError("not an object with free, status and time")
    status, free = raw.get("status"), raw.get("free")
    if status not in _KNOWN:
        raise PayloadError(f"status {str(status)[:40]!r} must be one of {', '.join(sorted(_KNOWN))}")
    if free is not None and (isinstance(free, bool) or not isinstance(free, int) or not 0 <= free <= _MOST):
        raise PayloadError(f"free {str(free)[:40]!r} must be a whole number of spaces, or null")
    known = free if status in _OPEN else None
    return NeighbourHeard(lot, known, status not in {"FULL", "CLOSED"}, at, _sent_at(raw.get("time")))


def _sent_at(time: object) -> float | None:
    if time is None:
        return None
    try:
        told = datetime.fromisoformat(str(time))
        unix = None if told.tzinfo is None else told.timestamp()
    except (ValueError, OverflowError):
        unix = None
    if unix is None:
        raise PayloadError(f"time {str(time)[:40]!r} must be ISO 8601 with an offset")
    return unix
