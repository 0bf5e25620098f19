"""What other systems rely on: nothing that the published OpenAPI document once promised goes away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

PUBLISHED = Path(__file__).parents[2] / "docs" / "openapi.json"
"""When the API has grown: curl http://127.0.0.1:8080/api/v1/openapi.json -o docs/openapi.json, of a running one."""

WORDS = {"description", "title", "summary", "examples", "info", "tags", "operationId"}


def lost(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Yield what a client of ``old`` would miss in ``new``, or would newly have to send."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() - WORDS:
            if key not in new:
                yield f"{where}/{key} is gone"
            else:
                yield from lost(old[key], new[key], f"{where}/{key}")
        if old.get("additionalProperties") is False and set(new.get("required", [])) - set(old.get("required", [])):
            yield f"{where} requires more"
    elif isinstance(old, list) and isinstance(new, list):
        yield from (f"{where}: {item!r} is gone" for item in old if item not in new)
    elif old != new:
        yield f"{where} was {old!r} and is {new!r}"


def test_nothing_that_was_published_is_gone(app: FastAPI) -> None:
    published, now = json.loads(PUBLISHED.read_text("utf-8")), json.loads(json.dumps(app.openapi()))
    assert list(lost(published, now)) == []
    assert list(lost(now, published)) == [], "publish it anew: see PUBLISHED"


def test_whoever_must_newly_send_something_is_heard() -> None:
    asked = {"properties": {"to": {}}, "required": ["to"], "additionalProperties": False}
    more = {**asked, "required": ["to", "reason"]}
    assert list(lost(asked, more, "/AlarmTest")) == ["/AlarmTest requires more"]
    assert list(lost({**asked, "additionalProperties": True}, {**more, "additionalProperties": True})) == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("paths", "/api/v1/status"), None, "/paths//api/v1/status is gone"),
        (("components", "schemas", "ZoneStatus", "properties", "capacity", "type"), "string", "was 'string'"),
    ],
)
def test_a_break_is_noticed(app: FastAPI, path: tuple[str, ...], value: str | None, told: str) -> None:
    document = json.loads(json.dumps(app.openapi()))
    changed = json.loads(json.dumps(document))
    place = changed
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
        assert told in list(lost(document, changed))
    else:
        place[path[-1]] = value
        assert any(told in fault for fault in lost(changed, document))


def test_every_shape_of_ours_has_an_example_that_fits_it(app: FastAPI) -> None:
    document = app.openapi()
    schemas = document["components"]["schemas"]
    with_example = 0
    for name, schema in schemas.items():
        validator = Draft202012Validator({**schema, "components": document["components"]})
        for example in schema.get("examples", []):
            with_example += 1
            faults = [f"{name}: {error.message}" for error in validator.iter_errors(example)]
            assert faults == []
    assert with_example > 15
