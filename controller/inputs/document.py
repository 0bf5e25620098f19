"""What a payload says: text, JSON, words for a level, times, and what is wrong with it.

The rules that every format shares. Bytes from outside are never trusted: whatever they hold, they give a ``Reading`` or
raise ``PayloadError``, and an ambiguous value is refused, for a false level is worse than none:

- a JSON key given twice has no value, as RFC 8259 (section 4) leaves open which one counts;
- NaN, Infinity and numbers beyond a double are no JSON (RFC 8259, section 6);
- a time without an offset, or from a clock that was never set, is no time.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NoReturn

from controller.domain.events import Stamp

MAX_BYTES = 65536
"""A sensor's message is rarely over 2 kB, an uplink heard by many gateways 20 kB; beyond this it is no sensor's."""

WORDS: Mapping[str, bool] = MappingProxyType(
    {
        **dict.fromkeys(("1", "true", "on", "yes", "occupied", "present"), True),
        **dict.fromkeys(("0", "false", "off", "no", "free", "vacant", "unoccupied"), False),
    }
)
"""Levels in words. Not open/closed: for a barrier's arm and for a contact they mean opposite things."""

EXPECTED = "0/1, true/false, on/off, yes/no, occupied/free, occupied/vacant or present/unoccupied"

_EARLIEST, _LATEST = (
    946_684_800.0,
    4_102_444_800.0,
)  # the years 2000 and 2100: outside, the sender's clock was never set
_INDEX = re.compile("0|[1-9][0-9]{0,8}", re.ASCII)
_BAD_ESCAPE = re.compile("~(?![01])")
_SHOWN_CHARACTERS = 60
_EXACT_INTEGER = 2**53


class PayloadError(ValueError):
    """A message that cannot be read: which value is wrong, and what was expected."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message says. Pure data; times are Unix seconds."""

    occupied: bool | None
    """None: the message is well-formed and from the sensor, but tells no level."""
    stamp: Stamp | None = None
    """The message's own place in time, where the format has one."""
    note: Mapping[str, str | float | int | bool] = field(default_factory=dict)
    """A few more facts, for show only: battery, temperature, reset cause, kind of message."""


Decoder = Callable[[str, str], Reading]
"""(text, topic) -> Reading: one format. The topic is empty when it is not known."""


def shown(value: object) -> str:
    """Write a value for an error message: short, on one line, and printable whatever it holds."""
    match value:
        case Mapping():
            return "a JSON object"
        case list():
            return "a JSON array"
        case str() if len(value) > _SHOWN_CHARACTERS:
            return f"{value[:_SHOWN_CHARACTERS]!r}..."
        case str():
            return repr(value)
        case None | bool():
            return json.dumps(value)
        case _:
            return str(value)[:_SHOWN_CHARACTERS]


def text_of(payload: bytes) -> str:
    """Decode a payload as UTF-8 (a byte order mark is allowed), without white space around it; never empty."""
    if len(payload) > MAX_BYTES:
        raise PayloadError(f"the payload has {len(payload)} bytes; expected at most {MAX_BYTES}")
    try:
        text = payload.decode("utf-8-sig").strip()
    except UnicodeDecodeError as fault:
        raise PayloadError(
            f"the payload is not UTF-8 text: byte {fault.start} is {payload[fault.start]:#04x}"
        ) from None
    if not text:
        raise PayloadError("the payload is empty")
    return text


class _GivenTwice:
    """Stands for the value of a key that an object has more than once: no type fits it, so that no reader takes it."""

    def __str__(self) -> str:
        return "given twice"


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        members.update((key, _GivenTwice()) for key, times in counts.items() if times > 1)
    return members


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise PayloadError(f"the number {shown(number)} is too large")
    return value


def _no_constant(name: str) -> NoReturn:
    raise PayloadError(f"{name} is no JSON")


def parse(text: str) -> Any:
    """Read a JSON document of any kind."""
    try:
        return json.loads(text, object_pairs_hook=_members, parse_float=_finite, parse_constant=_no_constant)
    except PayloadError:
        raise
    except json.JSONDecodeError as fault:
        raise PayloadError(f"{shown(text)} is no JSON: {fault.msg} at character {fault.pos}") from None
    except ValueError:
        raise PayloadError("an integer of the JSON document has thousands of digits") from None
    except RecursionError:
        raise PayloadError("the JSON document is nested too deeply") from None


def parse_object(text: str) -> Mapping[str, Any]:
    """Read a JSON object."""
    document = parse(text)
    if not isinstance(document, dict):
        raise PayloadError(f"the payload is {shown(document)}; expected a JSON object")
    return document


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Split a JSON pointer (RFC 6901) into its reference tokens; ``PayloadError`` says how to write one.

    The site file's checker calls this as well, so that a bad pointer never reaches a running controller.
    """
    if pointer and not pointer.startswith("/"):
        raise PayloadError(f"the JSON pointer {shown(pointer)} must be empty or start with '/', like /status/occupied")
    if _BAD_ESCAPE.search(pointer):
        raise PayloadError(f"in the JSON pointer {shown(pointer)}, '~' must be written '~0' (and '/' in a key '~1')")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def value_at(document: Any, pointer: str) -> Any:
    """Find what a JSON pointer (RFC 6901) points at; when nothing is there, name the nearest parent that is."""
    value, passed = document, ""
    for token, written in zip(parse_pointer(pointer), pointer.split("/")[1:], strict=True):
        match value:
            case dict() if token in value:
                value = value[token]
            case list() if _INDEX.fullmatch(token) and int(token) < len(value):
                value = value[int(token)]
            case _:
                parent = passed or "the document"
                raise PayloadError(
                    f"nothing at {shown(pointer)}: {parent} is {_contents(value)}, without {shown(token)}"
                )
        passed = f"{passed}/{written}"
    return value


def _contents(value: Any) -> str:
    match value:
        case dict():
            keys = ", ".join(list(value)[:8])
            return f"a JSON object with the keys {shown(keys)}" if value else "an empty JSON object"
        case list():
            return f"a JSON array of {len(value)}"
        case _:
            return shown(value)


def level(value: Any, where: str) -> bool | None:
    """Read a level: a JSON true, false, 1, 0 (or 1.0, 0.0) or one of ``WORDS`` in any case; a JSON null tells none."""
    match value:
        case None | bool():
            return value
        case int() | float() if value in {0, 1}:
            return value == 1
        case str() if value.strip().lower() in WORDS:
            return WORDS[value.strip().lower()]
        case _:
            raise PayloadError(f"{where} is {shown(value)}; expected {EXPECTED}")


def whole_number(members: Mapping[str, Any], key: str, most: int) -> int | None:
    """Read an integer from 0 to ``most``; None when the object has none."""
    value = members.get(key)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= most:  # a bool is an int to Python
        raise PayloadError(f"{key} is {shown(value)}; expected a whole number from 0 to {most}")
    return value


def unix_seconds(value: Any) -> float | None:
    """Take a number as Unix seconds; None when it is no time."""
    if isinstance(value, int | float) and not isinstance(value, bool) and _EARLIEST <= value < _LATEST:
        return float(value)
    return None


def unix_milliseconds(value: Any) -> float | None:
    """Take a number as Unix milliseconds; Unix seconds, or None when it is no time."""
    if type(value) is int and abs(value) < _EXACT_INTEGER:
        return unix_seconds(value / 1000)
    return None


def iso_time(value: Any) -> float | None:
    """Take a text as a time of ISO 8601 with its offset (digits past the microsecond are cut); None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return None if moment.tzinfo is None else unix_seconds(moment.timestamp())
    except (ValueError, OverflowError):
        return None


def facts(members: Mapping[str, Any], *keys: str) -> dict[str, str | float | int | bool]:
    """Pick those of the keys that hold something short and plain, for a ``Reading.note``."""
    return {key: members[key] for key in keys if key in members and _is_fact(members[key])}


def _is_fact(value: Any) -> bool:
    match value:
        case bool() | float():
            return True
        case int():
            return abs(value) < _EXACT_INTEGER
        case str():
            return len(value) <= _SHOWN_CHARACTERS and value.isprintable()
        case _:
            return False
