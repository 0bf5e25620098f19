"""Forms that browsers send, with anything in them: an answer of the few that a form gives, never an error of ours.

Schemathesis (test_fuzz.py) knows what the OpenAPI document has, and forms are not in it. `make test-api-fuzz` sends a
thousand to each form; the usual run is a small one, the same each time.
"""

import os
import time
from contextlib import ExitStack
from urllib.parse import urlencode

import httpx
import pytest
from count_on_air import CountOnAir, lot, wait_until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_in_thread import serving

from controller.api.access import SESSION, csrf_of
from controller.api.accounts import Accounts, Role, Who
from controller.api.server import WebConfig, create_app

CASES = 1000 if int(os.environ.get("PARKING_FUZZ_CASES", "0")) else 25
PATHS = {
    "/report": {200, 413, 422, 429},
    "/report?sign=entrance": {200, 413, 422, 429},
    "/login": {303, 401, 413, 422, 429},
    "/staff/incidents": {303, 403, 413, 422},
    "/staff/incidents/1": {303, 403, 404, 413, 422},
    "/staff/incidents/999999999999": {303, 403, 404, 413, 422},
}
"""Each form, and the answers that it has; logging out would end the session, and has its own below."""
GOOD = (
    ("kind", "said_free"),
    ("kind", "other"),
    ("zone", "customers"),
    ("do", "assign"),
    ("to", "anna"),
    ("next", "//a.b"),
)
NAMES = ("kind", "sign", "note", "name", "password", "next", "zone", "do", "to", "finding", "csrf", "lang")

fields = st.lists(
    st.one_of(
        st.sampled_from(GOOD), st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=12)), st.text(max_size=300))
    ),
    max_size=8,
)
bodies = st.one_of(fields.map(lambda f: urlencode(f, errors="surrogatepass").encode()), st.binary(max_size=300))
kinds = st.sampled_from(
    ["application/x-www-form-urlencoded", "application/json", "text/plain", "multipart/form-data; boundary=x", ""]
)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", PATHS)
def test_a_form_with_anything_in_it_is_answered(count: CountOnAir, config: WebConfig, path: str) -> None:
    with ExitStack() as opened:
        address = opened.enter_context(serving(create_app(config)))
        accounts = opened.enter_context(Accounts(config.token_dir))
        accounts.set_user("anna", "correct horse battery", Role.MANAGER, time.time())
        cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), time.time())
        count.say(lot(12))
        count.beat()
        client = opened.enter_context(httpx.Client(base_url=address, cookies={SESSION: cookie}, timeout=30))
        wait_until(lambda: bool(client.get("/api/v1/status").json()["live"]))
        seen: set[int] = set()

        @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(body=bodies, kind=kinds, signed=st.booleans())
        def send(body: bytes, kind: str, signed: bool) -> None:  # noqa: FBT001  drawn
            content = body + b"&csrf=" + csrf_of(cookie).encode() if signed else body
            answer = client.post(path, content=content, headers={"content-type": kind} if kind else {})
            seen.add(answer.status_code)
            assert answer.status_code in PATHS[path], (answer.status_code, answer.text[:200])
            target = answer.headers.get("location", "/")
            assert target.startswith("/"), target
            assert not target.startswith("//"), target

        send()
        assert len(seen) > 1, "a form that answers all alike was not tried"
        client.cookies.set(SESSION, cookie)
        assert client.post("/logout", content=b"\xff=%zz", headers={"content-type": "x"}).status_code == 303
        client.cookies.set(SESSION, cookie)
        assert client.get("/api/v1/incidents").status_code == 200, "without its token a form logs nobody out"
