"""The shapes of /api/v1/webhooks."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

_WHEN = "2026-11-22T10:15:30.250000+01:00"
_HOOK = {
    "name": "navigation",
    "on": ["zone.free", "zone.status"],
    "target": "https://navigation.example",
    "waiting": 1,
    "dead": 0,
    "failures": 2,
    "taken_at": _WHEN,
    "next_at": _WHEN,
    "error": "answered 503",
}
_MESSAGE = {
    "n": 4711,
    "id": "msg_0Zl8kF6bq1v3TnXw9sYcRdEa",
    "type": "zone.free",
    "subject": "customers",
    "made": _WHEN,
    "tries": 12,
    "state": "dead",
    "ended": _WHEN,
    "error": "navigation.example:443: nothing answers there; check the address and the network",
}

_TRIED = {"at": _WHEN, "who": "anna", "what": "webhook navigation: tested"}


def _shape(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, use_attribute_docstrings=True, json_schema_extra={"examples": [example]})


class WebhookStatus(BaseModel):
    """How one webhook fares."""

    model_config = _shape(_HOOK)

    name: str
    on: list[str]
    """The types of its messages."""
    target: str
    """Where they go, without the path, which may be a secret."""
    waiting: int
    dead: int
    """Messages that were given up, and are kept."""
    failures: int
    """Failed attempts since the last one that was taken."""
    taken_at: datetime | None
    """When the receiver last took a message."""
    next_at: datetime | None
    """When the next attempt will be; null when nothing waits."""
    error: str | None
    """Why the last attempt failed; null when it did not."""


class Tried(BaseModel):
    """Somebody tried an alarm or a webhook, or sent again what had died."""

    model_config = _shape(_TRIED)

    at: datetime
    who: str
    what: str


class Webhooks(BaseModel):
    """All webhooks of the site file."""

    model_config = _shape({"webhooks": [_HOOK], "trail": [_TRIED]})

    webhooks: list[WebhookStatus]
    trail: list[Tried]
    """The last twenty, newest first."""


class WebhookMessage(BaseModel):
    """One message of the outbox."""

    model_config = _shape(_MESSAGE)

    n: int
    id: str
    """What the receiver sees as webhook-id, the same at every attempt."""
    type: str
    subject: str
    made: datetime
    tries: int
    state: str
    """``waiting``, ``taken``, ``replaced`` by a newer one of the same thing, or ``dead``."""
    ended: datetime | None
    error: str | None


class WebhookMessages(BaseModel):
    """Messages of one webhook, newest first: all that wait or are dead, and the last of the others."""

    model_config = _shape({"messages": [_MESSAGE], "next": "/api/v1/webhooks/navigation/messages?limit=1&before=4711"})

    messages: list[WebhookMessage]
    next: str | None
    """Where the older ones are; null after the last page."""


class WebhookTested(BaseModel):
    """The receiver took a test message."""

    model_config = _shape({"sent": True, "webhook": "navigation"})

    sent: bool
    webhook: str


class WebhookRetried(BaseModel):
    """Dead messages wait anew."""

    model_config = _shape({"webhook": "navigation", "again": 3})

    webhook: str
    again: int
    """How many; those of which something newer was told stay untold."""
