"""What is wrong with a site file, in the file's own words: key, value, why, mend. No pydantic English gets out."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_SHOWN = 60
"""Characters of a value that are shown."""

Loc = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class SiteFault:
    """One thing wrong with a site file. ``value`` is None when there is none, or when it is a whole table."""

    key: str
    value: Any
    why: str
    mend: str

    def __str__(self) -> str:
        value = "" if self.value is None else f" = {as_toml(self.value)}"
        end = "" if self.mend.endswith("?") else "."
        return f"{self.key}{value}: {self.why}. {self.mend}{end}"


def as_toml(value: object) -> str:
    """Write a value as it stands in a site file, cut short where it is long."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = json.dumps(value, ensure_ascii=False)
        case date() | time():
            text = value.isoformat()
        case int() if abs(value) >= 10**_SHOWN:
            text = "a number with more than 60 digits"
        case _:
            text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def suggestion(word: str, known: Sequence[str], otherwise: str, *, cutoff: float = 0.6) -> str:
    """Return the mend for a word that is not known: the nearest one, or what else to say."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=cutoff)
    return f"Did you mean {as_toml(near[0])}?" if near else otherwise


def faults_of(error: ValidationError, raw: Mapping[str, Any], model: type[BaseModel]) -> list[SiteFault]:
    """Say what the models found."""
    return [_fault(detail, raw, model) for detail in error.errors(include_url=False)]


def _fault(error: ErrorDetails, raw: Mapping[str, Any], model: type[BaseModel]) -> SiteFault:
    loc, kind, limits = error["loc"], error["type"], error.get("ctx", {})
    key, value = _key(raw, loc), _value(raw, loc)
    match kind:
        case "extra_forbidden":
            known = sorted(_known_keys(model, loc[:-1]))
            near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
            mend = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}"
            return SiteFault(key, value, "unknown key", mend)
        case "value_error":
            why, _, mend = str(limits["error"]).partition("; ")
            return SiteFault(key, value, why, mend[:1].upper() + mend[1:] if mend else "Change one of them")
        case "literal_error":
            choices = str(limits["expected"]).replace("'", '"')
            return SiteFault(key, value, "it can't be that", f"Write {choices}")
        case "multiple_of":
            step = int(limits["multiple_of"])
            nearest = max(step, (error["input"] + step // 2) // step * step)
            return SiteFault(key, value, f"it must be a multiple of {step}", f"The nearest is {as_toml(nearest)}")
        case _ if kind in _WORDS:
            why, mend = _WORDS[kind]
            return SiteFault(key, value, why.format(**limits), mend)
        case _:
            return SiteFault(key, value, error["msg"], "Change it")


_WORDS = {
    "missing": ("missing", "Add it"),
    "int_type": ("it must be a whole number", "Write it without quotes and without a decimal point"),
    "float_type": ("it must be a number", "Write it without quotes"),
    "finite_number": ("it must be a finite number", "Leave it out for the usual value"),
    "string_type": ("it must be text", "Write it in quotes"),
    "bool_type": ("it must be true or false", "Write true or false without quotes"),
    "model_type": ("it must be a table", "Write it as a table, like [api] or { gpio = 17 }"),
    "list_type": ("it must be a list of tables", "Write each one under its name in double brackets, like [[zone]]"),
    "greater_than_equal": ("it must be at least {ge}", "Raise it"),
    "less_than_equal": ("it must be at most {le}", "Lower it"),
    "greater_than": ("it must be more than {gt}", "Raise it"),
    "string_too_short": ("it must not be empty", "Give it some text"),
    "string_too_long": ("it must have at most {max_length} characters", "Shorten it"),
    "string_pattern_mismatch": (
        "it must be made of letters A-Z, digits, - and _, and not begin with - or _",
        "Choose such a name",
    ),
    "too_short": ("at least one is needed", "Add one"),
    "too_long": ("there must be at most {max_length}", "Split the site"),
}
"""Kind of pydantic error -> why, mend."""


def _value(raw: Mapping[str, Any], loc: Loc) -> object:
    """Return what the file says at this place; None for a table, an array, or nothing."""
    value: Any = raw
    for step in loc:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return None if isinstance(value, dict | list) else value


def _key(raw: Mapping[str, Any], loc: Loc) -> str:
    """Name a place as a person finds it: ``lane "main" outer.gpio`` rather than ``lane.0.outer.gpio``."""
    match loc:
        case [str() as kind, int() as number, *steps]:
            name = _value(raw, (kind, number, "name"))
            which = as_toml(name) if isinstance(name, str) else f"number {number + 1}"
            return f"{kind} {which} {_dotted(steps)}".rstrip()
        case _:
            return _dotted(loc)


def _dotted(steps: Sequence[int | str]) -> str:
    return ".".join(as_toml(step).strip('"') for step in steps)


def _known_keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that the table at this place may have."""
    for step in loc:
        if isinstance(step, str):
            model = _table_in(model.model_fields[step].annotation) or model
    return list(model.model_fields)


def _table_in(annotation: Any) -> type[BaseModel] | None:
    """Find the table in ``list[Table]`` or ``Table | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_table_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((table for table in found if table is not None), None)
