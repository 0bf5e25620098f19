"""Schemathesis against the whole API: no 5xx but those that are documented, and every answer of its documented shape.

PARKING_FUZZ_CASES says how many cases (`make test-api-fuzz`: at least 10,000); the usual run is one small round.
"""

import os
from typing import Any

import httpx
import pytest
import schemathesis
from count_on_air import STUCK, CountOnAir, lot, wait_until
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CASES = int(os.environ.get("PARKING_FUZZ_CASES", "0"))
PER_ROUND = 40 if CASES else 8
ENDLESS = {"/api/v1/stream"}
"""Never ends by itself; test_stream.py has it."""

CONFORMANCE = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

SAID = {502, 503, 504}
"""Somebody behind us does not answer: documented where it can be, which ``status_code_conformance`` checks."""


@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("default")  # schemathesis' own
def test_no_request_breaks_the_api_nor_its_shapes(
    count: CountOnAir, address: str, api: httpx.Client, token: str
) -> None:
    count.say(lot(12, faults=(STUCK,)))
    count.beat()
    wait_until(lambda: bool(api.get("/api/v1/status").json()["live"]))
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    chosen = [o for o in operations if o.path not in ENDLESS]
    assert len(chosen) > 10
    done = 0

    def hurl_at(operation: Any) -> None:
        @settings(
            max_examples=PER_ROUND,
            phases=(Phase.explicit, Phase.generate),
            deadline=None,
            database=None,
            derandomize=not CASES,  # the same ones at every usual run
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def hurl(case: Any) -> None:
            nonlocal done
            done += 1
            answer = case.call(headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code < 500 or answer.status_code in SAID, answer.text
            case.validate_response(answer, checks=CONFORMANCE)

        hurl()

    while done < max(CASES, 1):  # an operation without parameters has but few cases
        for operation in chosen:
            hurl_at(operation)
    print(f"\n{done} cases against {len(chosen)} operations")  # noqa: T201  pytest -s shows it
