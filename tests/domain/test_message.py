"""What the driver reads: closed > nothing counts > uncertain > full > number."""

from dataclasses import replace
from itertools import product

import pytest

from controller.domain.message import message
from controller.domain.report import MessageKind, Reason, Status, ZoneReport
from controller.domain.specs import SignSpec

SIGN = SignSpec("entrance", "customers")
ZONE = ZoneReport("customers", 40, "lanes", None, None, None, 2, 38, 0.1, Status.UNKNOWN, Reason.DRIFT, 0.0)


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
    said = message(SIGN, replace(ZONE, status=status, free=free, reason=reason))
    assert (said.kind, said.text, said.reason) == (kind, text, reason)
    assert said.free == (free if kind is MessageKind.NUMBER else None)


@pytest.mark.parametrize(
    ("reason", "low", "text"),
    [
        (Reason.WAS_DOWN, 1, "wolne"),
        (Reason.DRIFT, 7, "wolne"),
        (Reason.DETECTOR_FAULT, 0, "P"),
        (Reason.BAYS_SILENT, None, "P"),
        (Reason.NEVER_COUNTED, 4, "P"),
    ],
)
def test_some_are_free_is_said_when_that_much_is_sure(reason: Reason, low: int | None, text: str) -> None:
    zone = replace(ZONE, low=low, reason=reason)
    assert message(replace(SIGN, free_text="wolne"), zone).text == text
    assert message(SIGN, zone).text == "P", "a site need not have words for it"


def test_the_words_are_the_sites() -> None:
    sign = SignSpec("north", "staff", full_text="pełny", closed_text="zamknięte", uncertain_text="?")
    said = [
        message(sign, replace(ZONE, status=Status.FULL, free=0, reason=Reason.COUNTED)).text,
        message(sign, replace(ZONE, status=Status.CLOSED, reason=Reason.CLOSED_BY_STAFF)).text,
        message(sign, replace(ZONE, reason=Reason.WAS_DOWN)).text,
    ]
    assert said == ["pełny", "zamknięte", "?"]


def test_without_a_trusted_number_none_is_ever_shown() -> None:
    for status, reason in product(Status, Reason):
        said = message(SIGN, replace(ZONE, status=status, reason=reason))
        assert said.kind is not MessageKind.NUMBER
        assert said.free is None
        assert not any(letter.isdigit() for letter in said.text)
