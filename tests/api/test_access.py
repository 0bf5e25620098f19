"""Who may: every way to prove who one is, or to fail to, and what each sees and changes."""

import dataclasses
import logging
import re
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from count_on_air import CountOnAir, lot, site_in, wait_until
from web_in_thread import serving

from controller.api.access import CSRF, DEVICE, SESSION
from controller.api.accounts import (
    FILE_NAME,
    IDLE_S,
    LONGEST_S,
    AccountError,
    Accounts,
    Role,
    Who,
)
from controller.api.server import WebConfig, create_app
from controller.api.throttle import PER_NAME, PER_PLACE, REMEMBERED, WINDOW_S, WRONG_TOKENS, Throttle
from controller.api.webhooks.outbox import Outbox
from controller.link import default_address
from controller.site import ApiSpec, WebhookSpec

NOW = 1_795_000_000.0
BROWSERS: list[httpx.Client] = []
"""Closed after each test."""
PASSWORD = "correct horse battery"  # noqa: S105  of this test alone
CORRECTION = "/api/v1/zones/customers/correction"


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    with Accounts(tmp_path / "web") as accounts:
        yield accounts


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# The accounts' file


def test_nothing_secret_stands_in_the_file_and_only_its_owner_reads_it(accounts: Accounts) -> None:
    accounts.set_user("anna", PASSWORD, Role.MANAGER, NOW)
    token = accounts.make_token("scada", Role.VIEWER, NOW)
    cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), NOW)
    accounts.close()
    held = b"".join(path.read_bytes() for path in accounts.path.parent.iterdir())
    assert b"$argon2id$" in held
    for secret in (PASSWORD, token, cookie):
        assert secret.encode() not in held
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600


def test_a_password_is_right_or_wrong_and_its_use_is_written_down(accounts: Accounts) -> None:
    accounts.set_user("anna", PASSWORD, Role.ATTENDANT, NOW)
    assert accounts.check_password("anna", PASSWORD, NOW + 5) == Who("anna", Role.ATTENDANT, "user")
    for name, password in (("anna", PASSWORD + "x"), ("anna", ""), ("Anna", PASSWORD), ("nobody", PASSWORD)):
        assert accounts.check_password(name, password, NOW) is None
    (account,) = accounts.accounts()
    assert account.used == NOW + 5


def test_a_revoked_account_ends_with_its_sessions_and_another_password_does_too(accounts: Accounts) -> None:
    accounts.set_user("anna", PASSWORD, Role.MANAGER, NOW)
    anna = Who("anna", Role.MANAGER, "user")
    cookie = accounts.begin_session(anna, NOW)
    assert accounts.check_session(cookie, NOW) == anna
    accounts.set_user("anna", PASSWORD + "2", Role.VIEWER, NOW)
    assert accounts.check_session(cookie, NOW) is None
    cookie = accounts.begin_session(anna, NOW)
    accounts.revoke("user", "anna", NOW)
    assert accounts.check_session(cookie, NOW) is None
    assert accounts.check_password("anna", PASSWORD + "2", NOW) is None


def test_a_session_ends_unused_and_in_the_end_anyway(accounts: Accounts) -> None:
    accounts.set_user("anna", PASSWORD, Role.MANAGER, NOW)
    cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), NOW)
    assert accounts.check_session(cookie, NOW + IDLE_S - 1) is not None
    assert accounts.check_session(cookie, NOW + 2 * IDLE_S - 2) is not None
    assert accounts.check_session(cookie, NOW + 3 * IDLE_S) is None
    assert accounts.check_session(cookie[:-1], NOW) is None
    at = NOW
    while at < NOW + LONGEST_S:
        assert accounts.check_session(cookie, at) is not None or at > NOW + 2 * IDLE_S
        at += IDLE_S / 2
    assert accounts.check_session(cookie, NOW + LONGEST_S + 1) is None


def test_a_token_is_right_whole_and_until_it_is_revoked(accounts: Accounts) -> None:
    token = accounts.make_token("scada", Role.VIEWER, NOW)
    assert accounts.check_token(token, NOW + 1) == Who("scada", Role.VIEWER, "token")
    for wrong in ("", token[:-1], token + "x", token[::-1], "żółw", "\ud800"):
        assert accounts.check_token(wrong, NOW) is None
    with pytest.raises(AccountError, match="revoke it first"):
        accounts.make_token("scada", Role.VIEWER, NOW)
    accounts.revoke("token", "scada", NOW)
    assert accounts.check_token(token, NOW) is None
    with pytest.raises(AccountError, match="access list"):
        accounts.revoke("token", "scada", NOW)


def test_an_old_token_file_is_taken_over_once(accounts: Accounts, tmp_path: Path) -> None:
    path = tmp_path / "api.token"
    assert not accounts.take_over(path, NOW)
    path.write_text("t" * 43 + "\n")
    assert accounts.take_over(path, NOW)
    assert accounts.check_token("t" * 43, NOW) == Who("api.token", Role.MANAGER, "token")
    accounts.revoke("token", "api.token", NOW)
    assert not accounts.take_over(path, NOW)
    assert accounts.check_token("t" * 43, NOW) is None
    path.write_text("admin\n")
    with pytest.raises(ValueError, match="delete it"):
        accounts.take_over(path, NOW)


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "short"), ("", PASSWORD), ("a\nb", PASSWORD), ("x" * 41, PASSWORD)]
)
def test_a_bad_user_is_refused_with_the_mend(accounts: Accounts, name: str, password: str) -> None:
    with pytest.raises(AccountError, match="write"):
        accounts.set_user(name, password, Role.VIEWER, NOW)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all, but longer than its header" * 10)
    with pytest.raises(OSError, match=FILE_NAME):
        Accounts(tmp_path)


@pytest.mark.parametrize(
    ("has", "needs", "may"), [(a, b, i >= j) for i, a in enumerate(Role) for j, b in enumerate(Role)]
)
def test_roles_are_a_ladder(has: Role, needs: Role, may: bool) -> None:  # noqa: FBT001
    assert has.covers(needs) is may


def test_the_throttle_forgets_by_time_and_by_number() -> None:
    throttle = Throttle()
    assert not any(throttle.count("a", 3, float(n)) for n in range(2))
    assert throttle.count("a", 3, 2.0)
    assert throttle.wait_s("a", 3, 2.0) > 0
    assert throttle.wait_s("a", 3, WINDOW_S + 1) == 0
    for n in range(REMEMBERED + 1):
        throttle.count(f"other {n}", 3, 3.0)
    assert throttle.wait_s("a", 3, 3.0) == 0


# Over HTTP


@pytest.fixture
def people(config: WebConfig) -> Iterator[Accounts]:
    with Accounts(config.token_dir) as accounts:
        for role in Role:
            accounts.set_user(f"a {role}", PASSWORD, role, time.time())
        yield accounts


@pytest.fixture
def private(config: WebConfig, count: CountOnAir, people: Accounts) -> Iterator[str]:  # noqa: ARG001  they must be there
    """A server whose site file says nothing of what is public."""
    site = dataclasses.replace(config.site, api=ApiSpec(port=0))
    with serving(create_app(dataclasses.replace(config, site=site))) as address:
        count.say(lot(12))
        wait_until(lambda: httpx.get(f"{address}/api/v1/status").json()["live"])
        yield address
    while BROWSERS:
        BROWSERS.pop().close()


def log_in(address: str, role: Role, password: str = PASSWORD) -> httpx.Client:
    client = httpx.Client(base_url=address, timeout=10)
    BROWSERS.append(client)
    client.get("/login")
    client.post("/login", data={"name": f"a {role}", "password": password})
    return client


def csrf(client: httpx.Client) -> dict[str, str]:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/staff").text)
    return {CSRF: found[1]} if found else {}


PRIVATE = ["lanes", "bays", "faults", "passages"]


def test_without_a_credential_only_what_is_public_is_told(private: str, people: Accounts) -> None:
    with httpx.Client(base_url=f"{private}/api/v1") as client:
        status = client.get("/status").json()
        assert [zone["free"] for zone in status["zones"]] == [12, None]
        assert status["signs"][0]["message"]["text"] == "12"
        assert status["signs"][0]["because"] == status["signs"][0]["chain"] == []
        state = client.get("/state").json()
        assert [state[part] for part in PRIVATE] == [[], [], [], []]
        assert (state["inputs"]["mqtt"], state["version"]) == (None, None)
        assert [client.get(f"/{part}").status_code for part in ("zones", "signs", "signs/entrance.png")] == [200] * 3
        assert [client.get(f"/{part}").status_code for part in PRIVATE] == [401] * 4
        assert client.get(f"{private}/metrics").status_code == 401
        assert client.get("/audit").status_code == 401
        assert client.get("/signs/entrance/preview.png", params={"text": "P"}).status_code == 401
        token = people.make_token("screen", Role.VIEWER, time.time())
        assert [client.get(f"/{part}", headers=bearer(token)).status_code for part in PRIVATE] == [200] * 4
        assert client.get(f"{private}/metrics", headers=bearer(token)).status_code == 200
        assert client.get("/status", headers=bearer(token[:-1])).status_code == 401  # wrong is worse than none


@pytest.mark.parametrize("known", [False, True])
def test_the_stream_tells_each_what_it_may_see(private: str, people: Accounts, known: bool) -> None:  # noqa: FBT001
    headers = bearer(people.make_token("screen", Role.VIEWER, time.time())) if known else {}
    with httpx.stream("GET", f"{private}/api/v1/stream", headers=headers, timeout=10) as stream:
        data = next(line for line in stream.iter_lines() if line.startswith("data:") and '"zones"' in line)
    assert ('"entries":211' in data) is known
    assert '"free":12' in data


def test_a_browser_logs_in_and_out(private: str) -> None:
    with httpx.Client(base_url=private) as client:
        answer = client.get("/staff?lang=en")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?lang=en&next=/staff%3Flang%3Den")
    client = log_in(private, Role.VIEWER)
    assert set(client.cookies) == {SESSION, DEVICE}
    page = client.get("/staff?lang=en")
    assert page.status_code == 200
    assert "a viewer" in page.text
    session = client.cookies[SESSION]
    client.post("/logout", data={"csrf": csrf(client)[CSRF]})
    assert client.get("/staff").status_code == 303
    with httpx.Client(base_url=private, cookies={SESSION: session}) as thief:
        assert thief.get("/staff").status_code == 303  # it has ended, not only been forgotten by the browser


def test_the_cookies_cannot_be_read_by_scripts_or_sent_by_other_sites(private: str) -> None:
    for scheme, secure in (("http", False), ("https", True)):
        form, proxied = {"name": "a viewer", "password": PASSWORD}, {"X-Forwarded-Proto": scheme}
        answer = httpx.post(f"{private}/login", data=form, headers=proxied)
        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert ("Secure" in cookie) is secure


@pytest.mark.parametrize("after", ["https://evil.example/", "//evil.example", "/\\evil.example", "staff", "/\nx"])
def test_a_login_leads_to_pages_of_ours_alone(private: str, after: str) -> None:
    answer = httpx.post(f"{private}/login", data={"name": "a viewer", "password": PASSWORD, "next": after})
    assert answer.headers["location"] == "/staff"


def test_a_change_needs_the_csrf_token_and_our_own_page(private: str, count: CountOnAir) -> None:
    client = log_in(private, Role.ATTENDANT)
    right = csrf(client)
    body = {"occupied": 3, "reason": "counted"}
    for headers in ({}, {CSRF: "0" * 64}, {**right, "Sec-Fetch-Site": "cross-site"}, {**right, "Origin": "http://x"}):
        assert client.post(CORRECTION, json=body, headers=headers).status_code == 403
    assert count.commands == []
    assert client.post(CORRECTION, json=body, headers=right).status_code == 200
    assert count.commands[0]["by"] == "a attendant"


def test_wrong_passwords_are_slowed_down_and_the_owner_still_comes_in(
    private: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    owner = log_in(private, Role.MANAGER)
    device = owner.cookies[DEVICE]

    def guess(address: str, password: str = "guess", **cookies: str) -> int:  # noqa: S107  a wrong one
        form = {"name": "a manager", "password": password}
        headers = {"X-Forwarded-For": address}
        with httpx.Client(base_url=private, cookies=cookies, timeout=30) as client:
            return client.post("/login", data=form, headers=headers).status_code

    assert [guess("10.0.0.1") for _ in range(PER_PLACE + 1)] == [401] * PER_PLACE + [429]
    assert guess("10.0.0.1", PASSWORD) == 429  # from the guesser's place, even the right one is not looked at
    assert guess("10.0.0.2", PASSWORD) == 303
    assert guess("10.0.0.1", PASSWORD, **{DEVICE: device}) == 303
    made_up = device[:-1] + ("1" if device[-1] == "0" else "0")
    assert guess("10.0.0.1", "guess", **{DEVICE: made_up}) == 429
    assert "10.0.0.1" in caplog.text


def test_many_places_together_are_slowed_down_too() -> None:
    throttle = Throttle()
    assert [throttle.count("anna", PER_NAME, 0.0) for _ in range(PER_NAME)] == [False] * (PER_NAME - 1) + [True]


def test_wrong_tokens_are_throttled_and_the_right_one_never_is(private: str, people: Accounts) -> None:
    token = people.make_token("scada", Role.ATTENDANT, time.time())
    with httpx.Client(base_url=private) as client:
        codes = [client.post(CORRECTION, json={}, headers=bearer("guess")).status_code for _ in range(WRONG_TOKENS + 1)]
        assert codes == [401] * WRONG_TOKENS + [429]
        answer = client.post(CORRECTION, json={"occupied": 3, "reason": "counted"}, headers=bearer(token))
        assert answer.status_code == 200
        people.revoke("token", "scada", time.time())
        assert client.post(CORRECTION, json={}, headers=bearer(token)).status_code == 429


def test_the_last_use_is_kept(private: str, people: Accounts) -> None:
    token = people.make_token("scada", Role.VIEWER, time.time())
    httpx.get(f"{private}/api/v1/lanes", headers=bearer(token))
    (account,) = [account for account in people.accounts() if account.kind == "token"]
    assert account.used == pytest.approx(time.time(), abs=60)
    with sqlite3.connect(people.path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


WRITES: list[tuple[str, str, dict[str, object], Role]] = [
    ("POST", CORRECTION, {"occupied": 3, "reason": "counted"}, Role.ATTENDANT),
    ("POST", "/api/v1/zones/customers/adjustment", {"change": -1, "reason": "seen"}, Role.ATTENDANT),
    ("POST", "/api/v1/zones/customers/recount", {"reason": "walking"}, Role.ATTENDANT),
    ("POST", "/api/v1/zones/staff/recount/result", {"seen": 3, "reason": "walked"}, Role.ATTENDANT),
    ("DELETE", "/api/v1/zones/staff/recount?reason=rain", {}, Role.ATTENDANT),
    ("POST", "/api/v1/zones/customers/undo", {"reason": "twice"}, Role.ATTENDANT),
    ("POST", "/api/v1/bays/A1/service", {"out_of_service": True, "reason": "drain"}, Role.MANAGER),
    ("POST", "/api/v1/signs/entrance/test", {"reason": "a dark column"}, Role.MANAGER),
    ("POST", "/api/v1/zones/customers/closure", {"closed": True, "reason": "snow"}, Role.ATTENDANT),
    ("POST", "/api/v1/signs/entrance/message", {"text": "P", "minutes": 5, "reason": "works"}, Role.MANAGER),
    ("DELETE", "/api/v1/signs/entrance/message?reason=over", {}, Role.MANAGER),
]
"""Commands to the count; test_audit.py finds each in its journal."""
NO_COMMANDS: list[tuple[str, str, dict[str, object], Role]] = [
    ("POST", "/api/v1/alarms/test", {"to": "duty"}, Role.MANAGER),
    ("POST", "/api/v1/webhooks/navigation/test", {}, Role.MANAGER),
    ("POST", "/api/v1/webhooks/navigation/retry", {}, Role.MANAGER),
]
"""They change nothing of the lot: on record in the web process's own file."""
INCIDENTS: list[tuple[str, str]] = [
    ("POST", "/api/v1/feedback"),
    ("POST", "/api/v1/incidents"),
    ("POST", "/api/v1/incidents/{number}/acknowledgement"),
    ("POST", "/api/v1/incidents/{number}/assignment"),
    ("POST", "/api/v1/incidents/{number}/closing"),
    ("POST", "/api/v1/incidents/{number}/reopening"),
]
"""On record in the book of incidents; test_incidents.py tries each by every role."""


def test_every_write_is_in_the_table(config: WebConfig) -> None:
    paths = create_app(config).openapi()["paths"]
    writes = {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs if verb not in {"get", "head"}}
    named = {
        (verb, re.sub("/(customers|staff|entrance|A1|navigation)(?=/)", "/{name}", path.partition("?")[0]))
        for verb, path, _, _ in WRITES + NO_COMMANDS
    }
    assert writes == named | set(INCIDENTS)


@dataclasses.dataclass(frozen=True)
class Everybody:
    """One server, with a way in, or a wrong one (None), for each role; made once for the whole matrix."""

    client: httpx.Client
    count: CountOnAir
    outbox: Outbox
    ways: dict[tuple[str, Role | None], dict[str, str]]
    """What kind of credential, and whose → headers."""


BAD_TOKENS: dict[str, Callable[[str], str]] = {
    "cut short": lambda token: token[:-1],
    "longer": lambda token: f"{token}x",
    "turned round": lambda token: token[::-1],
    "a dash": lambda _: "-",
    "revoked": lambda token: token,
}


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    folder = tmp_path_factory.mktemp("everybody")
    for name in ("run", "state"):
        (folder / name).mkdir()
    hook = WebhookSpec("navigation", "https://navigation.invalid/", ("zone.free",))
    site = dataclasses.replace(site_in(folder), api=ApiSpec(port=0), webhooks=(hook,))
    run_dir, state_dir = folder / "run", folder / "state"
    config = WebConfig(site, default_address(run_dir), run_dir, state_dir, state_dir)
    ways: dict[tuple[str, Role | None], dict[str, str]] = {("token", None): {}}
    app = create_app(config)
    with CountOnAir(run_dir, state_dir) as count, serving(app) as address, Accounts(state_dir) as accounts:
        for role in Role:
            ways["token", role] = bearer(accounts.make_token(f"of a {role}", role, time.time()))
            accounts.set_user(f"a {role}", PASSWORD, role, time.time())
            browser = log_in(address, role)
            ways["user", role] = {"Cookie": f"{SESSION}={browser.cookies[SESSION]}", **csrf(browser)}
        ways["user", None] = {**ways["user", Role.MANAGER], "Cookie": f"{SESSION}={'0' * 43}"}
        right = accounts.make_token("bad", Role.MANAGER, time.time())
        accounts.revoke("token", "bad", time.time())
        ways |= {(f"token {name}", None): bearer(bad(right)) for name, bad in BAD_TOKENS.items()}
        count.beat()
        with httpx.Client(base_url=address, timeout=10) as client:
            wait_until(lambda: client.get("/api/v1/status").json()["live"])
            yield Everybody(client, count, app.state.desk.outbox, ways)
    while BROWSERS:
        BROWSERS.pop().close()


@pytest.mark.parametrize("kind", ["user", "token"])
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("verb", "path", "body", "needs"), WRITES + NO_COMMANDS)
def test_every_write_by_every_role(
    everybody: Everybody, verb: str, path: str, body: dict[str, object], needs: Role, role: Role, kind: str
) -> None:
    everybody.count.commands.clear()
    before = len(everybody.outbox.trail(1000))
    by = f"token of a {role}" if kind == "token" else f"a {role}"
    answer = everybody.client.request(verb, path, json=body or None, headers=everybody.ways[kind, role])
    allowed, command = role.covers(needs), (verb, path, body, needs) in WRITES
    if command or not allowed:
        assert answer.status_code == (200 if allowed else 403)
    else:
        assert answer.status_code in {200, 502}  # nobody is at the other end
    assert [c["by"] for c in everybody.count.commands] == ([by] if allowed and command else [])
    trail = everybody.outbox.trail(1000)
    assert [who for _, who, _ in trail[: len(trail) - before]] == ([by] if allowed and not command else [])


@pytest.mark.parametrize("way", ["user", "token", *(f"token {name}" for name in BAD_TOKENS)])
@pytest.mark.parametrize(("verb", "path", "body"), [write[:3] for write in WRITES + NO_COMMANDS])
def test_every_write_with_every_wrong_credential(
    everybody: Everybody, verb: str, path: str, body: dict[str, object], way: str
) -> None:
    everybody.count.commands.clear()
    before = everybody.outbox.trail(1000)
    answer = everybody.client.request(verb, path, json=body or None, headers=everybody.ways[way, None])
    assert answer.status_code in {401, 429}  # the latter once there were too many
    assert everybody.count.commands == []
    assert everybody.outbox.trail(1000) == before


@pytest.mark.parametrize(("verb", "path", "body"), [write[:3] for write in WRITES + NO_COMMANDS])
def test_every_write_of_a_browser_needs_the_sessions_csrf_token(
    everybody: Everybody, verb: str, path: str, body: dict[str, object]
) -> None:
    everybody.count.commands.clear()
    for headers in ({CSRF: ""}, {CSRF: "0" * 64}, {"Sec-Fetch-Site": "cross-site"}):
        way = {**everybody.ways["user", Role.MANAGER], **headers}
        assert everybody.client.request(verb, path, json=body or None, headers=way).status_code == 403
    assert everybody.count.commands == []
