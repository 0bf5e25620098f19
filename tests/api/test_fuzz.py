"""Schemathesis against the whole API, as each role, as nobody, and with tokens that are none: no 5xx but those that are
documented, and every answer of its documented shape.

PARKING_FUZZ_CASES says how many cases (`make test-api-fuzz`: at least 10,000); the usual run is one small round.
"""

import dataclasses
import itertools
import os
import time
from collections import Counter
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
from web_in_thread import serving

from controller.api.accounts import Accounts, Role
from controller.api.server import WebConfig, create_app
from controller.site import ApiSpec, WebhookSpec

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
def test_no_request_breaks_the_api_nor_its_shapes(count: CountOnAir, config: WebConfig) -> None:
    hook = WebhookSpec("navigation", "https://navigation.invalid/", ("zone.free",))
    site = dataclasses.replace(config.site, api=ApiSpec(port=0), webhooks=(hook,))
    with serving(create_app(dataclasses.replace(config, site=site))) as address, Accounts(config.token_dir) as accounts:
        tokens = {role: accounts.make_token(f"of a {role}", role, time.time()) for role in Role}
        ways: dict[str, dict[str, str] | None] = {"a made-up token": None, "nobody": {}}
        ways |= {str(role): {"Authorization": f"Bearer {token}"} for role, token in tokens.items()}
        count.say(lot(12, faults=(STUCK,)))
        count.beat()
        wait_until(lambda: bool(httpx.get(f"{address}/api/v1/status").json()["live"]))
        hurl_all(address, ways)


def hurl_all(address: str, ways: dict[str, dict[str, str] | None]) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    chosen = [o for o in operations if o.path not in ENDLESS]
    assert len(chosen) > 10
    done: Counter[str] = Counter()
    statuses: Counter[int] = Counter()

    def hurl_at(operation: Any, who: str) -> None:
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
            done[who] += 1
            if ways[who] is not None:  # else schemathesis makes one up
                case.headers.pop("Authorization", None)
            answer = case.call(headers=ways[who])
            statuses[answer.status_code] += 1
            assert answer.status_code < 500 or answer.status_code in SAID, answer.text
            case.validate_response(answer, checks=CONFORMANCE)

        hurl()

    for who in itertools.cycle(reversed(ways)):  # an operation without parameters has but few cases
        for operation in chosen:
            hurl_at(operation, who)
        if done.total() >= CASES and (not CASES or len(done) == len(ways)):
            break
    print(f"\n{done.total()} cases against {len(chosen)} operations, as {dict(done)}")  # noqa: T201  pytest -s shows it
    print(f"answers: {dict(sorted(statuses.items()))}")  # noqa: T201
