"""A sign's table -> what the domain needs to know of it, and whether its panel can show whatever it may have to say."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from controller.domain.report import Message, MessageKind, Reason, Row, Tone
from controller.domain.specs import WORDS, GreetingSpec, RedirectSpec, RowSpec, SignSpec
from controller.site_faults import SiteFault
from controller.site_sign_tables import ARROWS, MARKS, RedirectTable, SignTable, hours

_MOST_THERE = 999
"""The largest number of another lot that a redirect must have room for."""


def sign_spec(table: SignTable) -> SignSpec:
    """Return what a sign says."""
    words = WORDS[table.language]
    greeting = table.greeting
    return SignSpec(
        name=table.name,
        zone=table.zone,
        full_text=table.full_text or words.full,
        closed_text=table.closed_text or words.closed,
        uncertain_text=table.uncertain_text,
        free_text=table.free_text,
        number_text=table.number_text,
        nearly_full_text=table.nearly_full_text,
        rows=tuple(RowSpec(row.zone, MARKS.get(row.mark, row.mark)) for row in table.rows),
        second=None if table.second_language is None else WORDS[table.second_language],
        redirect=None if table.redirect is None else _redirect(table.redirect),
        open_hours=tuple(hours(span) for span in table.open_hours or ()),
        hours_text=table.hours_text,
        greeting=None if greeting is None else GreetingSpec(greeting.text, tuple(map(hours, greeting.hours))),
    )


def _redirect(table: RedirectTable) -> RedirectSpec:
    return RedirectSpec(table.to, ARROWS[table.arrow], table.mqtt, table.fresh_s)


def sayings(sign: SignSpec, capacities: Mapping[str, int]) -> Iterator[tuple[str, Message]]:
    """Yield the widest of each sort of message that the sign may have to show, with the site file's key behind it."""
    second = sign.second
    full = Message(MessageKind.FULL, sign.full_text, None, Reason.COUNTED, Tone.FULL)
    full = full if second is None else replace(full, second=second.full)
    yield "full_text", full
    if sign.redirect is not None:
        far = f"{sign.redirect.to} {sign.redirect.arrow}"
        yield "redirect", replace(full, also=far if sign.redirect.lot is None else f"{far} {_MOST_THERE}")
    closed = Message(MessageKind.CLOSED, sign.closed_text, None, Reason.CLOSED_BY_STAFF, Tone.FULL)
    closed = closed if second is None else replace(closed, second=second.closed)
    yield "closed_text", closed
    if sign.hours_text is not None:
        yield "hours_text", replace(closed, also=sign.hours_text)
    yield "uncertain_text", Message(MessageKind.UNCERTAIN, sign.uncertain_text, None, Reason.NEVER_COUNTED)
    if sign.free_text is not None:
        free = Message(MessageKind.FREE, sign.free_text, None, Reason.DRIFT, Tone.FREE)
        yield "free_text", free if second is None else replace(free, second=second.free)
    yield from _rows(sign, capacities) if sign.rows else _numbers(sign, capacities.get(sign.zone))


def _numbers(sign: SignSpec, capacity: int | None) -> Iterator[tuple[str, Message]]:
    if capacity is None:
        return
    number = Message(MessageKind.NUMBER, str(capacity), capacity, Reason.COUNTED, Tone.FREE)
    yield "width", number
    for key, word in (("number_text", sign.number_text), ("nearly_full_text", sign.nearly_full_text)):
        if word is not None:
            yield key, replace(number, beside=word)
    if sign.greeting is not None:
        yield "greeting", replace(number, beside=sign.number_text, also=sign.greeting.text)


def _rows(sign: SignSpec, capacities: Mapping[str, int]) -> Iterator[tuple[str, Message]]:
    if all(row.zone in capacities for row in sign.rows):
        rows = tuple(Row(r.mark, str(capacities[r.zone]), capacities[r.zone], Tone.FREE, 1) for r in sign.rows)
        text = ", ".join(f"{row.mark} {row.text}" for row in rows)
        yield "rows", Message(MessageKind.ROWS, text, None, Reason.COUNTED, rows=rows)


def unshowable(table: SignTable, capacities: Mapping[str, int]) -> Iterator[SiteFault]:
    """Yield what the sign may have to say and its panel cannot show whole: the text, the panel, the missing LEDs."""
    # Imported late: the layout and its faces are the sign's, and nothing else here needs them.
    from controller.sign.layout import CannotShow, compose_for  # noqa: PLC0415  only a check draws; starting need not

    where = f"sign {json.dumps(table.name, ensure_ascii=False)}"
    for key, message in sayings(sign_spec(table), capacities):
        try:
            compose_for(table, message)
        except CannotShow as error:
            whole = " whole" if error.columns or error.rows else ""
            if key == "width":
                why = f"the panel cannot show the number {error.text}{whole}: {error.why}"
                size = ("width", table.width) if table.digits is None else ("digits", table.digits)
                yield SiteFault(f"{where} {size[0]}", size[1], why, error.mend)
            else:
                panel = f"a {table.width}x{table.height} panel"
                if table.digits is not None:
                    panel = f"a sign of {table.digits} digits"
                why = f"{panel} cannot show it{whole}: {error.why}"
                yield SiteFault(f"{where} {key}", error.text, why, error.mend)
