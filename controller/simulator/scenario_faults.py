"""What is wrong with a scenario, in the file's own words: key, value, why, mend."""

import difflib
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from controller.site_faults import as_toml

_WORDS = {
    "missing": "is missing; add it",
    "int_type": "must be a whole number, without quotes and decimal point",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a finite number",
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false, without quotes",
    "model_type": "must be a table",
    "dict_type": "must be a table of tables, like [lane.entry]",
    "tuple_type": "must be an array, like [1, 2]",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must be made of letters A-Z, digits, - and _, and not begin with - or _",
    "too_short": "needs at least {min_length} of its kind",
    "too_long": "must have at most {max_length} of its kind",
    "literal_error": "must be {expected}",
}
"""Kind of pydantic error -> what is wrong and what is allowed."""


def faults_of(error: ValidationError, raw: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """Say each thing that the models found in ``raw``, in a line."""
    details = error.errors(include_url=False)
    places = [detail["loc"] for detail in details]
    # An array whose entries are wrong counts as too short, too, which is no news.
    told = [d for d in details if d["type"] != "too_short" or not any(_is_below(p, d["loc"]) for p in places)]
    return list(dict.fromkeys(_fault(detail, raw, model) for detail in told))


def _is_below(place: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    return len(place) > len(other) and place[: len(other)] == other


def _fault(error: ErrorDetails, raw: Mapping[str, Any], model: type[BaseModel]) -> str:
    steps = [step for step in error["loc"] if step != "[key]"]
    kind, limits = error["type"], error.get("ctx", {})
    key, value = ".".join(map(str, steps)), _value(raw, steps)
    shown = "" if value is None or kind == "missing" else f" = {as_toml(value)}"
    if kind == "missing" and isinstance(steps[-1], int):
        return f"{key.rpartition('.')[0]}: has too few entries; write one for each"
    if kind == "extra_forbidden":
        known = sorted(_known_keys(model, steps[:-1]))
        near = difflib.get_close_matches(str(steps[-1]), known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"{key}{shown}: unknown key; {mend}"
    if kind == "value_error":
        return f"{key}{shown}: {limits['error']}".removeprefix(": ")
    why = _WORDS.get(kind)
    return f"{key}{shown}: {error['msg'] if why is None else why.format(**limits)}"


def _value(raw: Mapping[str, Any], steps: list[int | str]) -> object:
    value: Any = raw
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return None if isinstance(value, dict) else value


def _known_keys(model: type[BaseModel], steps: list[int | str]) -> list[str]:
    """Return the keys that the table at this place may have."""
    place: Any = model
    for step in steps:
        if isinstance(place, type) and issubclass(place, BaseModel):
            place = place.model_fields[str(step)].annotation
        else:  # dict[Name, Table] or tuple[Table, ...]
            place = get_args(place)[1 if get_origin(place) is dict else 0]
    return list(place.model_fields)
