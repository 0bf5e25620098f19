"""What the count would send, as JSON, and a clock that the tests drive."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from controller.domain.report import Message, MessageKind, Reason, SignReport

FULL = Message(MessageKind.FULL, "brak wolnych miejsc", None, Reason.COUNTED)
BLANK = Message(MessageKind.BLANK, "", None, Reason.NOTHING_COUNTS)


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def number(free: int) -> Message:
    return Message(MessageKind.NUMBER, str(free), free, Reason.COUNTED)


def envelope(sent: float, messages: Mapping[str, Message], ttl_s: float = 3.0) -> dict[str, Any]:
    """A state sent at ``sent`` in which each sign (by name) says its message."""
    signs = [asdict(SignReport(name, "customers", told, 0.0, ("a car left",))) for name, told in messages.items()]
    return {"type": "state", "sent": sent, "ttl_s": ttl_s, "epoch": 1.7e9, "version": "0", "lot": {"signs": signs}}
