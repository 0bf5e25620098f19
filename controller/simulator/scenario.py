"""Scenario files (TOML) -> ``Scenario``, frozen and checked; see ``scenario_tables`` for the keys.

``extends = "shop80"`` takes over another scenario: a shipped one by its name, another file by its path beside this one.
Tables are merged key by key; what this file says wins, and arrays are replaced as a whole.
"""

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from controller.simulator.scenario_faults import faults_of
from controller.simulator.scenario_tables import Scenario
from controller.site_faults import as_toml, suggestion

SHIPPED = Path(__file__).parent / "scenarios"
"""The scenarios that come along; ``profiles/`` in it has the demand that they build on."""

LONGEST_CHAIN = 10

Raw = dict[str, Any]


class ScenarioError(ValueError):
    """A scenario that can't be used; ``faults`` has all that is wrong with it."""

    def __init__(self, source: str, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in faults))


def shipped() -> dict[str, str]:
    """Return the names of the shipped scenarios and what each is about."""
    return {name: str(_read(SHIPPED / f"{name}.toml").get("about", "")) for name in _names()}


def _names() -> list[str]:
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(name: str, settings: Iterable[str] = ()) -> Scenario:
    """Return the scenario of that name or path, with ``settings`` like ``errors.miss=0.02``; raises ScenarioError."""
    raw = _resolved(_path_of(name, Path()), [])
    faults = [fault for setting in settings if (fault := _set(raw, setting)) is not None]
    if not faults:
        return _checked(raw, name)
    raise ScenarioError("--set", faults)


def _checked(raw: Raw, name: str) -> Scenario:
    if faults := list(_unwritable(raw, ())):
        raise ScenarioError(name, faults)
    try:
        return Scenario.model_validate_json(json.dumps(raw))  # JSON: its arrays are tuples even to strict models
    except ValidationError as error:
        raise ScenarioError(name, faults_of(error, raw, Scenario)) from None


def _unwritable(value: object, key: tuple[str, ...]) -> Iterable[str]:
    """Find what TOML can say and a scenario can't: dates, infinite numbers."""
    match value:
        case dict():
            for name, part in value.items():
                yield from _unwritable(part, (*key, name))
        case list():
            for part in value:
                yield from _unwritable(part, key)
        case float() if not math.isfinite(value):
            yield f"{'.'.join(key)} = {value}: must be a finite number"
        case str() | bool() | int() | float():
            pass
        case _:
            yield f"{'.'.join(key)} = {value}: must be a number, text in quotes, true or false, or an array"


def _path_of(name: str, beside: Path) -> Path:
    path = beside / name
    if path.suffix == ".toml":
        if not path.is_file():
            raise ScenarioError(name, [f"there is no file {path}; check the path"])
        return path
    known = SHIPPED / f"{name}.toml"
    if known.is_file() and known.resolve().is_relative_to(SHIPPED.resolve()):
        return known
    names = _names()
    mend = suggestion(name, names, f"There are: {', '.join(names)}; a file of your own ends in .toml")
    raise ScenarioError(name, [f"no scenario of that name. {mend}"])


def _read(path: Path) -> Raw:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ScenarioError(str(path), [f"can't be read: {error.strerror}"]) from None
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or brackets without end
        raise ScenarioError(str(path), [f"not TOML: {error}; mend that line"]) from None


def _resolved(path: Path, chain: list[Path]) -> Raw:
    """Return the file merged over all that it extends."""
    if path.resolve() in chain or len(chain) >= LONGEST_CHAIN:
        told = " -> ".join(p.stem for p in [*chain, path])
        raise ScenarioError(str(path), [f"extends runs in a circle, or too deep: {told}; cut it"])
    raw = _read(path)
    parent = raw.pop("extends", None)
    if parent is None:
        return raw
    if not isinstance(parent, str):
        raise ScenarioError(str(path), [f"extends = {as_toml(parent)}: must be the name of one scenario, in quotes"])
    return _merged(_resolved(_path_of(parent, path.parent), [*chain, path.resolve()]), raw)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> Raw:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _set(raw: Raw, setting: str) -> str | None:
    """Set one key; return what is wrong with the setting."""
    key, sign, text = setting.partition("=")
    steps = key.strip().split(".")
    if not sign or not all(steps):
        return f"{as_toml(setting)} is no setting; write KEY=VALUE, like errors.miss=0.02"
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        value = text.strip()  # a text without its quotes, which a shell takes away
    table = raw
    for step in steps[:-1]:
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            return f"{key}: {step} is a value, and has no keys below it"
    table[steps[-1]] = value
    return None


def as_text(scenario: Scenario) -> str:
    """Write a scenario as TOML, with all defaults filled in; ``load`` reads it back."""
    return "\n".join(_lines(scenario.model_dump(mode="json", exclude_none=True), ())) + "\n"


def _lines(table: Mapping[str, Any], name: tuple[str, ...]) -> Iterable[str]:
    values = {key: value for key, value in table.items() if not isinstance(value, dict)}
    if name and values:
        yield f"\n[{'.'.join(name)}]"
    for key, value in values.items():
        yield f"{key} = {_toml(value)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _lines(value, (*name, key))


def _toml(value: object) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(part)}" for key, part in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case str() | bool():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return repr(value)
