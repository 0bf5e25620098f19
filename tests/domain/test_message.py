"""What the driver reads: closed > staff's message > nothing counts > uncertain > full > number."""

from dataclasses import replace
from itertools import product

import pytest

from controller.domain.message import Neighbour, Surroundings, message
from controller.domain.report import Message, MessageKind, Reason, StaffMessage, Status, Tone, ZoneReport
from controller.domain.specs import WORDS, GreetingSpec, Hours, Moment, RedirectSpec, RowSpec, SignSpec

SIGN = SignSpec("entrance", "customers")
ZONE = ZoneReport("customers", 40, "lanes", None, None, None, 2, 38, 0.1, Status.UNKNOWN, Reason.DRIFT, 0.0)


def said_by(sign: SignSpec, zone: ZoneReport) -> Message:
    return message(sign, {sign.zone: zone})


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
    said = said_by(SIGN, replace(ZONE, status=status, free=free, reason=reason))
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
    assert said_by(replace(SIGN, free_text="wolne"), zone).text == text
    assert said_by(SIGN, zone).text == "P", "a site need not have words for it"


def test_the_words_are_the_sites() -> None:
    sign = SignSpec("north", "staff", full_text="pełny", closed_text="zamknięte", uncertain_text="?")
    said = [
        said_by(sign, replace(ZONE, status=Status.FULL, free=0, reason=Reason.COUNTED)).text,
        said_by(sign, replace(ZONE, status=Status.CLOSED, reason=Reason.CLOSED_BY_STAFF)).text,
        said_by(sign, replace(ZONE, reason=Reason.WAS_DOWN)).text,
    ]
    assert said == ["pełny", "zamknięte", "?"]


def test_without_a_trusted_number_none_is_ever_shown() -> None:
    for status, reason in product(Status, Reason):
        said = said_by(SIGN, replace(ZONE, status=status, reason=reason))
        assert said.kind is not MessageKind.NUMBER
        assert said.free is None
        assert not any(letter.isdigit() for letter in said.text)


def zone(name: str, free: int | None, status: Status = Status.OPEN, reason: Reason = Reason.COUNTED) -> ZoneReport:
    return replace(ZONE, name=name, free=free, status=status, reason=reason)


FULL = zone("customers", 0, Status.FULL)
OPEN = zone("customers", 12)
NINE_TO_FIVE = Hours(frozenset(range(5)), 9 * 60, 17 * 60)
MONDAY_TEN = Moment(0, 10 * 60)
SUNDAY_TEN = Moment(6, 10 * 60)


def test_staffs_own_words_stand_until_they_end_and_only_closed_goes_before_them() -> None:
    now = Surroundings(at=100.0, staff=StaffMessage("Wjazd B", 200.0))
    for there in (OPEN, FULL, zone("customers", None, Status.UNKNOWN, Reason.NOTHING_COUNTS)):
        said = message(SIGN, {"customers": there}, now)
        assert (said.kind, said.text, said.reason) == (MessageKind.STAFF, "Wjazd B", Reason.STAFF_MESSAGE)
    closed = zone("customers", 12, Status.CLOSED, Reason.CLOSED_BY_STAFF)
    assert message(SIGN, {"customers": closed}, now).kind is MessageKind.CLOSED
    assert message(SIGN, {"customers": OPEN}, replace(now, at=200.0)).text == "12"


def test_out_of_hours_the_sign_says_closed_and_when_it_opens_but_only_by_a_clock_that_is_right() -> None:
    sign = replace(SIGN, open_hours=(NINE_TO_FIVE,), hours_text="pn-pt 9-17")
    told = {at: message(sign, {"customers": OPEN}, Surroundings(local=at)) for at in (MONDAY_TEN, SUNDAY_TEN, None)}
    assert [(m.kind, m.also) for m in told.values()] == [
        (MessageKind.NUMBER, None),
        (MessageKind.CLOSED, "pn-pt 9-17"),
        (MessageKind.NUMBER, None),
    ]
    assert told[SUNDAY_TEN].reason is Reason.OUT_OF_HOURS


@pytest.mark.parametrize(
    ("hours", "moment", "holds"),
    [
        (NINE_TO_FIVE, Moment(4, 9 * 60), True),
        (NINE_TO_FIVE, Moment(4, 17 * 60), False),
        (NINE_TO_FIVE, Moment(5, 10 * 60), False),
        (Hours(frozenset({6}), 22 * 60, 6 * 60), Moment(6, 23 * 60), True),
        (Hours(frozenset({6}), 22 * 60, 6 * 60), Moment(0, 5 * 60), True),
        (Hours(frozenset({6}), 22 * 60, 6 * 60), Moment(0, 6 * 60), False),
        (Hours(frozenset({6}), 22 * 60, 6 * 60), Moment(6, 5 * 60), False),
        (Hours(frozenset({0}), 0, 24 * 60), Moment(0, 1439), True),
    ],
)
def test_hours_hold_on_their_days_also_over_midnight(hours: Hours, moment: Moment, holds: bool) -> None:  # noqa: FBT001  a table
    assert hours.holds(moment) is holds


def test_a_greeting_stands_beside_a_number_at_its_hours_and_never_in_its_place() -> None:
    sign = replace(SIGN, greeting=GreetingSpec("Dzień dobry", (NINE_TO_FIVE,)))

    def also(there: ZoneReport, local: Moment | None) -> tuple[str, str | None]:
        said = message(sign, {"customers": there}, Surroundings(local=local))
        return said.text, said.also

    assert also(OPEN, MONDAY_TEN) == ("12", "Dzień dobry")
    assert also(OPEN, SUNDAY_TEN) == ("12", None)
    assert also(OPEN, None) == ("12", None)
    assert also(FULL, MONDAY_TEN) == ("brak wolnych miejsc", None)


@pytest.mark.parametrize(
    ("there", "also"),
    [
        (None, "P2 →"),
        (Neighbour(12, open=True, known_at=900.0), "P2 → 12"),
        (Neighbour(12, open=True, known_at=600.0), "P2 →"),
        (Neighbour(None, open=True, known_at=900.0), "P2 →"),
        (Neighbour(None, open=False, known_at=900.0), None),
        (Neighbour(None, open=False, known_at=600.0), "P2 →"),
    ],
)
def test_a_full_lot_sends_drivers_on_with_a_number_only_while_that_is_fresh(
    there: Neighbour | None, also: str | None
) -> None:
    sign = replace(SIGN, redirect=RedirectSpec("P2", "→", "p2/all/state", fresh_s=300.0))
    now = Surroundings(at=1000.0, neighbour=there)
    assert message(sign, {"customers": FULL}, now).also == also
    assert message(sign, {"customers": OPEN}, now).also is None


ROWS = replace(SIGN, rows=(RowSpec("customers", "P"), RowSpec("disabled", "♿"), RowSpec("ev", "🔌")))


def rows(*zones: ZoneReport) -> Message:
    return message(ROWS, {z.name: z for z in zones})


def test_several_zones_are_said_at_once_and_each_as_far_as_it_is_known() -> None:
    said = rows(OPEN, zone("disabled", 2, Status.NEARLY_FULL), zone("ev", 0, Status.FULL))
    assert said.kind is MessageKind.ROWS
    assert said.text == "P 12, ♿ 2, 🔌 0"
    assert [row.tone for row in said.rows] == [Tone.FREE, Tone.FEW, Tone.FULL]
    unsure = zone("disabled", None, Status.UNKNOWN, Reason.BAYS_SILENT)
    closed = zone("ev", 3, Status.CLOSED, Reason.CLOSED_BY_STAFF)
    assert rows(OPEN, unsure, closed).text == "P 12, ♿, 🔌 –"  # noqa: RUF001  the dash is meant


def test_what_is_the_same_for_all_zones_is_said_once() -> None:
    full = (zone(name, 0, Status.FULL) for name in ("customers", "disabled", "ev"))
    assert rows(*full).text == "brak wolnych miejsc"
    unknown = (zone(name, None, Status.UNKNOWN, Reason.WAS_DOWN) for name in ("customers", "disabled", "ev"))
    assert rows(*unknown).kind is MessageKind.UNCERTAIN
    broken = (zone(name, None, Status.UNKNOWN, Reason.NOTHING_COUNTS) for name in ("customers", "disabled", "ev"))
    assert rows(*broken).kind is MessageKind.BLANK


def test_the_word_beside_a_number_changes_when_few_are_left() -> None:
    sign = replace(SIGN, number_text="wolne", nearly_full_text="ostatnie")
    few = zone("customers", 2, Status.NEARLY_FULL)
    assert [message(sign, {"customers": z}).beside for z in (OPEN, few)] == ["wolne", "ostatnie"]
    assert [message(sign, {"customers": z}).tone for z in (OPEN, few, FULL)] == [Tone.FREE, Tone.FEW, Tone.FULL]


def test_a_second_language_says_the_same() -> None:
    sign = replace(SIGN, second=WORDS["en"])
    assert message(sign, {"customers": FULL}).second == "no free spaces"
    assert message(sign, {"customers": zone("customers", 1, Status.CLOSED)}).second == "closed"
    assert message(sign, {"customers": OPEN}).second is None
