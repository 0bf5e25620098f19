"""Zone status -> what the driver reads, and why.

A false number is worse than none. The order is fixed:
closed by staff > fault (blank) > starting or uncertain ("P", or "wolne", no number) > full > number.
"""

from controller.domain.report import Message, MessageKind, Reason, Status, ZoneReport
from controller.domain.specs import SignSpec


def message(sign: SignSpec, zone: ZoneReport) -> Message:
    """Say what ``sign`` shows for a zone in this state."""
    status, free, reason = zone.status, zone.free, zone.reason
    if status is Status.CLOSED:
        return Message(MessageKind.CLOSED, sign.closed_text, None, reason)
    if reason is Reason.NOTHING_COUNTS:
        return Message(MessageKind.BLANK, "", None, reason)
    if status is Status.UNKNOWN or free is None:
        some_are_free = reason in {Reason.WAS_DOWN, Reason.DETECTOR_FAULT, Reason.DRIFT} and bool(zone.low)
        if some_are_free and sign.free_text is not None:
            return Message(MessageKind.FREE, sign.free_text, None, reason)
        return Message(MessageKind.UNCERTAIN, sign.uncertain_text, None, reason)
    if status is Status.FULL:
        return Message(MessageKind.FULL, sign.full_text, None, reason)
    return Message(MessageKind.NUMBER, str(free), free, reason)
