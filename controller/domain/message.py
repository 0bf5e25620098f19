"""Zone status -> what the driver reads, and why.

A false number is worse than none. The order is fixed:
closed by staff > fault (blank) > starting or uncertain ("P", no number) > full > number.
"""

from controller.domain.report import Message, MessageKind, Reason, Status
from controller.domain.specs import SignSpec


def message(sign: SignSpec, status: Status, free: int | None, reason: Reason) -> Message:
    """Say what ``sign`` shows for a zone of this status; ``free`` is None when the count is not trusted."""
    if status is Status.CLOSED:
        return Message(MessageKind.CLOSED, sign.closed_text, None, reason)
    if reason is Reason.NOTHING_COUNTS:
        return Message(MessageKind.BLANK, "", None, reason)
    if status is Status.UNKNOWN or free is None:
        return Message(MessageKind.UNCERTAIN, sign.uncertain_text, None, reason)
    if status is Status.FULL:
        return Message(MessageKind.FULL, sign.full_text, None, reason)
    return Message(MessageKind.NUMBER, str(free), free, reason)
