"""What the driver reads: closed > nothing counts > uncertain > full > number."""

from itertools import product

import pytest

from controller.domain.message import message
from controller.domain.report import MessageKind, Reason, Status
from controller.domain.specs import SignSpec

SIGN = SignSpec("entrance", "customers")


@pytest.mark.parametrize(
    ("status", "free", "reason", "kind", "text"),
    [
        (Status.OPEN, 12, Reason.COUNTED, MessageKind.NUMBER, "12"),
        (Status.NEARLY_FULL, 3, Reason.COUNTED, MessageKind.NUMBER, "3"),
        (Status.FULL, 0, Reason.COUNTED, MessageKind.FULL, "brak wolnych miejsc"),
        (Status.FULL, 1, Reason.HYSTERESIS, MessageKind.FULL, "brak wolnych miejsc"),
        (Status.UNKNOWN, None, Reason.NEVER_COUNTED, MessageKind.UNCERTAIN, "P"),
        (Status.UNKNOWN, None, Reason.WAS_DOWN, MessageKind.UNCERTAIN, "P"),
        (Status.UNKNOWN, None, Reason.NOTHING_COUNTS, MessageKind.BLANK, ""),
        (Status.CLOSED, 12, Reason.CLOSED_BY_STAFF, MessageKind.CLOSED, "nieczynne"),
    ],
)
def test_what_the_driver_reads(status: Status, free: int | None, reason: Reason, kind: MessageKind, text: str) -> None:
    said = message(SIGN, status, free, reason)
    assert (said.kind, said.text, said.reason) == (kind, text, reason)
    assert said.free == (free if kind is MessageKind.NUMBER else None)


def test_the_words_are_the_sites() -> None:
    sign = SignSpec("north", "staff", full_text="pełny", closed_text="zamknięte", uncertain_text="?")
    said = [
        message(sign, Status.FULL, 0, Reason.COUNTED).text,
        message(sign, Status.CLOSED, None, Reason.CLOSED_BY_STAFF).text,
        message(sign, Status.UNKNOWN, None, Reason.WAS_DOWN).text,
    ]
    assert said == ["pełny", "zamknięte", "?"]


def test_without_a_trusted_number_none_is_ever_shown() -> None:
    for status, reason in product(Status, Reason):
        said = message(SIGN, status, None, reason)
        assert said.kind is not MessageKind.NUMBER
        assert said.free is None
        assert not any(letter.isdigit() for letter in said.text)
