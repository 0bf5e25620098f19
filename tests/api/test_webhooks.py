"""Webhooks: what is told (time is driven), kept, signed and posted, to real HTTP services, over kills of web."""

import base64
import dataclasses
import ipaddress
import json
import logging
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from count_on_air import SITE, STUCK, CountOnAir, envelope, lot, site_in, wait_until
from receiver import Posted, Receiver
from standardwebhooks import Webhook, WebhookVerificationError
from web_in_thread import serving

from controller.api.accounts import Accounts, Role
from controller.api.envelope import Envelope
from controller.api.models import Picture
from controller.api.server import WebConfig, create_app
from controller.api.status import picture
from controller.api.webhooks import outbox as outbox_module
from controller.api.webhooks import post as post_module
from controller.api.webhooks.news import Watch
from controller.api.webhooks.outbox import FILE_NAME, GIVE_UP_S, LEAST_TRIES, PAUSES_S, Outbox
from controller.api.webhooks.post import Outcome, allowed, post
from controller.api.webhooks.signing import SecretError, headers, secrets_of
from controller.domain.report import Fault
from controller.site import SiteError, WebhookSpec, load

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
LIST = "/api/v1/webhooks"
OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()
PATH = "/hooks/a-path-that-is-a-secret-too"
NOW = 1_795_000_000.0
TAKEN, FAILED = Outcome(True, "answered 200"), Outcome(False, "answered 500")
ALL = ("zone.free", "zone.status", "sign.shows", "detector.fault")


# What is told


def of(folder: Path, free: int | None = 12, *, faults: tuple[Fault, ...] = (), age_s: float = 0.0) -> Picture:
    told = Envelope.model_validate(envelope(lot(free, faults=faults), age_s=age_s))
    return picture(site_in(folder), told, {}, told.sent + age_s)


def watch(*on: str, after_s: float = 0.0, told: dict[tuple[str, str], str] | None = None) -> Watch:
    return Watch(WebhookSpec("navigation", "https://x.example/", on, after_s=after_s), told or {})


def hear(watch: Watch, now: Picture, monotonic: float = 0.0) -> dict[tuple[str, str], dict[str, Any]]:
    news = watch.due(now, monotonic)
    watch.was_told(news)
    return {key: fact.data for key, fact in news.items()}


def test_all_is_told_once_and_then_what_changes(tmp_path: Path) -> None:
    told = watch(*ALL)
    first = hear(told, of(tmp_path))
    assert first.keys() == {
        *((kind, zone) for kind in ("zone.free", "zone.status") for zone in ("customers", "staff")),
        ("sign.shows", "entrance"),
    }
    assert (first["zone.free", "customers"]["free"], first["zone.free", "staff"]["free"]) == (12, None)
    assert hear(told, of(tmp_path)) == {}
    assert hear(told, of(tmp_path, 11)).keys() == {("zone.free", "customers")}
    assert hear(told, of(tmp_path, 0)).keys() == {("zone.free", "customers"), ("zone.status", "customers")}
    (fault,) = hear(told, of(tmp_path, 0, faults=(STUCK,))).values()
    assert (fault["subject"], fault["kind"], fault["at_fault"]) == ("main.outer", "stuck", True)
    (well,) = hear(told, of(tmp_path, 0)).values()
    assert (well["subject"], well["kind"], well["at_fault"]) == ("main.outer", None, False)
    assert hear(told, of(tmp_path, 0)) == {}


def test_silence_of_the_count_takes_numbers_back_and_clears_no_fault(tmp_path: Path) -> None:
    told = watch(*ALL)
    hear(told, of(tmp_path, faults=(STUCK,)))
    silent = hear(told, of(tmp_path, faults=(STUCK,), age_s=9.0))
    assert {kind for kind, _ in silent} == {"zone.free", "zone.status"}
    assert {(z["free"], z["status"], z["reason"]) for z in silent.values()} == {(None, "UNKNOWN", "not_live")}
    assert {kind for kind, _ in hear(told, of(tmp_path, faults=(STUCK,)))} == {"zone.free", "zone.status"}


def test_only_what_lasts_is_told_and_a_restless_number_every_so_often(tmp_path: Path) -> None:
    told = watch("zone.free", after_s=5.0)
    hear(told, of(tmp_path, 12), 0.0)
    assert hear(told, of(tmp_path, 12), 5.0)["zone.free", "customers"]["free"] == 12
    assert hear(told, of(tmp_path, 11), 6.0) == hear(told, of(tmp_path, 12), 7.0) == {}  # came and went
    numbers = {
        second: news["zone.free", "customers"]["free"]
        for second in range(10, 30)
        if (news := hear(told, of(tmp_path, 39 - second), float(second)))
    }
    assert numbers == {15: 24, 21: 18, 27: 12}


def test_after_a_restart_only_what_is_new_is_told(tmp_path: Path) -> None:
    with_fault = {("zone.status", "customers"): "OPEN", ("detector.fault", "main.inner"): "silent"}
    news = hear(watch("zone.status", "detector.fault", told=with_fault), of(tmp_path))
    assert news.keys() == {("zone.status", "staff"), ("detector.fault", "main.inner")}


# Signed


def test_the_standards_own_verifier_takes_our_signature_and_nothing_that_was_changed() -> None:
    body, at = '{"type":"zone.free","miejsc":"żółw"}', int(time.time())
    signed = headers([KEY, b"o" * 24], "msg_1", at, body.encode())
    for secret in (SECRET, OLD):  # while one is being replaced, both are right
        assert Webhook(secret).verify(body, signed) == json.loads(body)
    for wrong in (
        {**signed, "webhook-id": "msg_2"},
        {**signed, "webhook-timestamp": str(at + 1)},
        headers([KEY], "msg_1", at - 3600, body.encode()),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, wrong)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace("żółw", "koń"), signed)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "can't be read"),
        (f'navigation = "{SECRET}', "not TOML"),
        (f'other = "{SECRET}"', "no secret is named navigation"),
        ('navigation = "whsec_hunter2!"', "not base64"),
        ('navigation = "whsec_aHVudGVyMg=="', "7 bytes"),
        ("navigation = []", "no secret is named navigation"),
    ],
)
def test_a_secret_that_is_none_is_named_and_not_told(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "secrets.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SecretError, match=why) as error:
        secrets_of("navigation", path)
    assert not any(secret in str(error.value) for secret in (SECRET[:20], "hunter2", "aHVudGVyMg"))


def test_secrets_come_from_systemds_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SecretError, match="webhook-secrets"):
        secrets_of("navigation", None)
    (tmp_path / "webhook-secrets").write_text(f'navigation = ["{SECRET}", "{OLD}"]')
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secrets_of("navigation", None) == [KEY, b"o" * 24]


# Where it goes


@pytest.mark.parametrize(
    ("address", "public", "local"),
    [
        ("93.184.216.34", True, False),
        ("2606:2800:220:1::1", True, False),
        ("10.1.2.3", False, True),
        ("192.168.1.5", False, True),
        ("fd00::5", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("::ffff:192.168.1.5", False, True),
        ("::ffff:169.254.169.254", False, False),
        ("169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("224.0.0.1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104  not bound to
        ("64:ff9b::a9fe:a9fe", False, False),
        ("2002:7f00:1::", False, False),
        ("100.64.0.1", False, False),
    ],
)
def test_where_a_message_may_go(address: str, public: bool, local: bool) -> None:  # noqa: FBT001
    parsed = ipaddress.ip_address(address)
    assert (allowed(parsed, local=False), allowed(parsed, local=True)) == (public, local)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_a_name_that_leads_inside_is_refused_unless_that_is_meant(receiver: Receiver) -> None:
    url = f"http://localhost:{receiver.port}{PATH}"
    refused = post(url, b"{}", {}, local=False)
    assert not refused.taken
    assert "no public one; add local = true" in refused.said
    assert receiver.got.empty()
    assert post(url, b"{}", {}, local=True).taken
    assert receiver.next().path == PATH


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    other = Receiver()
    receiver.status, receiver.answers = 307, {"Location": f"http://127.0.0.1:{other.port}/"}
    outcome = post(f"http://127.0.0.1:{receiver.port}/", b"{}", {}, local=True)
    assert (outcome.taken, "a redirect, which is not followed" in outcome.said) == (False, True)
    assert other.got.empty()
    other.close()


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let the name server say these, one a question; return what it was asked."""
    asked: list[str] = []
    answers = iter(addresses)
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if not host.endswith(".test"):
            return real(host, port, *rest, **more)
        asked.append(host)
        return real(next(answers), port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_the_address_that_was_checked_is_the_one_that_is_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve(monkeypatch, "127.0.0.1", "169.254.169.254")
    assert post(f"http://hook.test:{receiver.port}/", b"{}", {}, local=True).taken
    assert asked == ["hook.test"]
    assert receiver.next().headers["host"] == f"hook.test:{receiver.port}"


@pytest.fixture
def certified(tmp_path: Path) -> Path:
    """A certificate of hook.test that nobody signed, with its key."""
    made = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hook.test -keyout key.pem"
    )
    names = ["-addext", "subjectAltName=DNS:hook.test", "-out", "cert.pem"]
    subprocess.run(["openssl", *made.split(), *names], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_the_certificate_must_be_trusted_and_of_that_name(certified: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certified / "cert.pem", certified / "key.pem")
    secure = Receiver(tls)
    resolve(monkeypatch, *["127.0.0.1"] * 3)
    refused = post(f"https://hook.test:{secure.port}/", b"{}", {}, local=True)
    assert (refused.taken, "check its certificate" in refused.said) == (False, True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certified / "cert.pem"))
    assert post(f"https://hook.test:{secure.port}/", b"{}", {}, local=True).taken
    assert not post(f"https://other.test:{secure.port}/", b"{}", {}, local=True).taken
    secure.next()
    assert secure.got.empty()
    secure.close()


def test_what_goes_wrong_is_an_outcome_without_the_path(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    monkeypatch.setattr(post_module, "TIMEOUT", post_module.TIMEOUT.__class__(connect=1.0, read=0.2))
    receiver.free.clear()
    said = [post(f"http://127.0.0.1:{port}{PATH}", b"{}", {}, local=True).said for port in (nobody, receiver.port)]
    said.append(post(f"https://no-such-name.invalid{PATH}", b"{}", {}, local=False).said)
    assert ["nothing answers" in said[0], "no answer within" in said[1], "not known" in said[2]] == [True] * 3
    assert PATH not in "".join(said)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('url = "ftp://x.example/"', "no web address"),
        ('url = "https://"', "no web address"),
        ('url = "https://a:b@x.example/"', "user or password"),
        ('url = "https://x.example/#top"', "never sent"),
        ('url = "https://x.example:99999/"', "Port out of range"),
        ('url = "http://x.example/"', "no TLS"),
    ],
)
def test_an_address_that_is_none_is_told_by_check(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(f'{SITE}\n[[webhook]]\nname = "navigation"\non = ["zone.free"]\n{line}\n', "utf-8")
    with pytest.raises(SiteError, match=why):
        load(path)


# The outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = Outbox(tmp_path, ["navigation", "other"])
    yield made
    made.close()


def put(outbox: Outbox, subject: str, body: str, at: float = NOW) -> None:
    outbox.put("navigation", {("zone.free", subject): (body, body)}, at)


def attempt(outbox: Outbox, outcome: Outcome, at: float) -> str | None:
    """Let the next message, if one is due, have this outcome; return what it says."""
    waiting = outbox.next("navigation", at)
    if waiting is None:
        return None
    outbox.note("navigation", waiting, outcome, at)
    return waiting.body.decode()


def test_a_newer_state_replaces_what_waits_and_others_wait_their_turn(outbox: Outbox) -> None:
    put(outbox, "customers", "12")
    put(outbox, "staff", "3")
    put(outbox, "customers", "11")
    assert [attempt(outbox, TAKEN, NOW) for _ in range(3)] == ["3", "11", None]
    assert outbox.totals("navigation")[:6] == (0, 0, 2, 0, 0, 1)
    assert outbox.told("navigation")["zone.free", "customers"] == "11"
    assert outbox.next("other", NOW) is None


def test_a_failing_receiver_is_left_alone_for_longer_and_longer(outbox: Outbox) -> None:
    put(outbox, "customers", "12")
    tries, at = [], NOW
    for _ in range(8):
        assert attempt(outbox, FAILED, at) == "12"
        before = at
        while outbox.next("navigation", at) is None:
            at += 1.0
        tries.append(at - before)
    for waited, pause_s in zip(tries, [*PAUSES_S, 3600, 3600], strict=True):
        assert 0.8 * pause_s <= waited <= 1.2 * pause_s + 1
    put(outbox, "staff", "3", at - 3000)  # news does not shorten the pause of who fails
    attempt(outbox, FAILED, at)
    assert outbox.next("navigation", at + 60) is None
    assert attempt(outbox, TAKEN, at + 5000) is not None
    assert attempt(outbox, TAKEN, at + 5000) is not None  # and it is over once something was taken
    assert outbox.totals("navigation").failures == 0


def test_a_receiver_may_ask_for_more_time(outbox: Outbox) -> None:
    put(outbox, "customers", "12")
    attempt(outbox, Outcome(False, "answered 429", wait_s=900.0), NOW)
    assert outbox.next("navigation", NOW + 899) is None
    assert outbox.next("navigation", NOW + 901) is not None


def test_one_that_is_always_refused_does_not_hold_up_the_others(outbox: Outbox) -> None:
    put(outbox, "poison", "x")
    at, taken = NOW, 0
    for n in range(30):
        at += 60.0
        put(outbox, "customers", str(n), at)
        while (waiting := outbox.next("navigation", at)) is not None:
            poison = waiting.body == b"x"
            outbox.note("navigation", waiting, FAILED if poison else TAKEN, at)
            taken += not poison
    assert taken >= 25
    assert outbox.messages("navigation", "waiting", 9, None)[-1]["tries"] <= 8


def test_what_was_not_taken_for_days_is_dead_and_goes_again_when_asked_for(outbox: Outbox) -> None:
    put(outbox, "customers", "12")
    put(outbox, "staff", "3")
    at = NOW
    while outbox.totals("navigation").waiting:
        attempt(outbox, FAILED, at)
        at += 4500.0
    assert GIVE_UP_S < at - NOW < GIVE_UP_S + 20_000
    assert {m["state"] for m in outbox.messages("navigation", None, 9, None)} == {"dead"}
    assert (outbox.totals("navigation").dead, outbox.totals("navigation").dead_total) == (2, 2)
    put(outbox, "customers", "9", at)
    assert outbox.again("navigation", "anna", at) == 1  # the customers' is no longer true
    assert [attempt(outbox, TAKEN, at) for _ in range(3)] == ["3", "9", None]
    assert outbox.trail() == [(at, "anna", "webhook navigation: sent again [1]")]


def test_a_clock_that_was_set_forward_kills_nothing_at_once(outbox: Outbox) -> None:
    put(outbox, "customers", "12", at=0.0)  # a Pi before it has the time
    for n in range(LEAST_TRIES - 1):
        attempt(outbox, FAILED, NOW + n * 10_000)
    assert outbox.totals("navigation").waiting == 1


def test_a_clock_that_was_set_back_lengthens_no_pause(outbox: Outbox) -> None:
    put(outbox, "customers", "12")
    attempt(outbox, FAILED, NOW)
    assert outbox.next("navigation", NOW - 86_400) is not None


def test_who_wants_no_more_gets_no_more_of_it(outbox: Outbox) -> None:
    put(outbox, "customers", "12")
    attempt(outbox, Outcome(False, "answered 410", gone=True), NOW)
    assert outbox.totals("navigation")[:2] == (0, 1)


def test_only_so_many_of_the_past_are_kept(outbox: Outbox) -> None:
    for n in range(120):
        put(outbox, "customers", str(n))
    attempt(outbox, TAKEN, NOW)
    assert len(outbox.messages("navigation", None, 1000, None)) <= outbox_module.KEPT_TAKEN + 1


def test_a_webhook_that_left_the_site_file_is_forgotten_and_the_rest_outlives_a_restart(
    outbox: Outbox, tmp_path: Path
) -> None:
    put(outbox, "customers", "12")
    outbox.put("other", {("zone.free", "customers"): ("12", "12")}, NOW)
    outbox.close()
    with_one = Outbox(tmp_path, ["navigation"])
    assert with_one.next("navigation", NOW) is not None
    assert with_one.told("other") == {}
    with_one.close()


def test_a_damaged_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all, but longer than its header" * 10)
    fresh = Outbox(tmp_path, ["navigation"])
    assert fresh.totals("navigation").waiting == 0
    assert (tmp_path / FILE_NAME).with_suffix(".damaged").exists()
    assert "damaged" in caplog.text
    fresh.close()


# At work


def hooked(config: WebConfig, folder: Path, *specs: WebhookSpec, secret: str = SECRET) -> WebConfig:
    path = folder / "webhook-secrets.toml"
    path.write_text("".join(f'{spec.name} = "{secret}"\n' for spec in specs))
    return dataclasses.replace(config, site=dataclasses.replace(config.site, webhooks=specs, webhook_secrets=path))


def to(receiver: Receiver, *on: str, name: str = "navigation") -> WebhookSpec:
    return WebhookSpec(name, f"http://127.0.0.1:{receiver.port}{PATH}", on or ("zone.free",), local=True, after_s=0.0)


def verified(posted: Posted) -> Any:
    return Webhook(SECRET).verify(posted.body.decode(), dict(posted.headers.items()))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "PAUSES_S", (0.05,))


def until_free(receiver: Receiver, free: int) -> Any:
    while (told := verified(receiver.next()))["data"]["free"] != free:
        pass
    return told


def test_a_change_reaches_the_receiver_signed_and_once(
    config: WebConfig, count: CountOnAir, receiver: Receiver, tmp_path: Path
) -> None:
    with serving(create_app(hooked(config, tmp_path, to(receiver)))):
        count.say(lot(12))
        count.beat()
        first = until_free(receiver, 12)
        assert (first["type"], first["lot"], first["data"]["name"]) == (
            "zone.free",
            "Parking dla klientów",
            "customers",
        )
        assert datetime.fromisoformat(first["timestamp"]).tzinfo is not None
        count.say(lot(11))
        while (told := verified(receiver.next()))["data"]["name"] != "customers":
            pass
        assert told["data"]["free"] == 11
        assert receiver.got.empty()


@pytest.mark.usefixtures("quick")
def test_what_is_refused_comes_again_with_its_id_and_no_secret_is_told(
    config: WebConfig,
    count: CountOnAir,
    receiver: Receiver,
    tmp_path: Path,
    token: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.status = 500
    with (
        serving(create_app(hooked(config, tmp_path, to(receiver)))) as address,
        httpx.Client(base_url=f"{address}/api/v1/webhooks", headers={"Authorization": f"Bearer {token}"}) as api,
    ):
        count.say(lot(12))
        count.beat()
        ids: dict[str, int] = {}
        while max(ids.values(), default=0) < 3:
            came = receiver.next()
            ids[came.headers["webhook-id"]] = ids.get(came.headers["webhook-id"], 0) + 1
        (fares,) = api.get(address + LIST).json()["webhooks"]
        assert fares["target"] == f"http://127.0.0.1:{receiver.port}"
        assert fares["failures"] >= 3
        assert fares["error"] == "answered 500"
        receiver.status = 200
        wait_until(lambda: api.get(address + LIST).json()["webhooks"][0]["waiting"] == 0)
        taken = api.get("/navigation/messages", params={"state": "taken"}).json()["messages"]
        assert ids.keys() <= {message["id"] for message in taken}
        page = api.get("/navigation/messages", params={"limit": 1}).json()
        assert len(page["messages"]) == 1
        older = httpx.get(f"{address}{page['next']}", headers=dict(api.headers)).json()
        assert older["messages"][0]["n"] < page["messages"][0]["n"]
        told = api.get(address + LIST).text + api.get("/navigation/messages").text + caplog.text
    assert "answered 500" in caplog.text
    assert [secret for secret in (SECRET, SECRET[6:], PATH) if secret in told] == []


def test_one_receiver_that_hangs_holds_up_no_other(
    config: WebConfig, count: CountOnAir, receiver: Receiver, tmp_path: Path
) -> None:
    slow = Receiver()
    slow.free.clear()
    specs = (to(slow, name="slow"), to(receiver))
    with serving(create_app(hooked(config, tmp_path, *specs))):
        count.say(lot(12))
        count.beat()
        slow.next()
        until_free(receiver, 12)
        count.say(lot(11))
        until_free(receiver, 11)
    slow.close()


def test_a_test_is_posted_now_by_a_manager_and_goes_on_record(
    config: WebConfig,
    count: CountOnAir,
    receiver: Receiver,
    tmp_path: Path,
    token: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    count.beat()
    app = create_app(hooked(config, tmp_path, to(receiver, "zone.status")))
    with serving(app) as address, httpx.Client(base_url=f"{address}/api/v1/webhooks") as api:
        assert api.post("/navigation/test").status_code == 401
        api.headers["Authorization"] = f"Bearer {token}"
        assert api.post("/navigation/test").json() == {"sent": True, "webhook": "navigation"}
        while verified(receiver.next())["type"] != "webhook.test":
            pass
        receiver.status = 500
        failed = api.post("/navigation/test")
        assert (failed.status_code, failed.json()["detail"]) == (502, "answered 500")
        assert api.post("/nowhere/test").json()["mend"] == "Webhooks here: navigation"
        assert [(who, what) for _, who, what in app.state.desk.outbox.trail()] == [
            ("token scada", "webhook navigation: tested"),
            ("token scada", "webhook navigation: tested"),
        ]
    assert SECRET not in caplog.text


class Web:
    """The web process as a child that can be killed, with a webhook to this receiver."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self._folder = folder
        self._site = folder / "hooked.toml"
        url = f"http://127.0.0.1:{receiver.port}{PATH}"
        hook = f'[[webhook]]\nname = "navigation"\nurl = "{url}"\nlocal = true\nafter_s = 0\non = ["zone.free"]\n'
        self._site.write_text(f'{SITE}\n{hook}[webhooks]\nsecrets_file = "secrets.toml"\n', "utf-8")
        (folder / "secrets.toml").write_text(f'navigation = "{SECRET}"\n')
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        script = Path(__file__).with_name("web_child.py")
        argv = [sys.executable, str(script), str(self._site), str(self._folder), "0"]
        self._child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._child.stdout is not None
        assert self._child.stdout.readline().startswith("http://")

    def end(self, number: int = signal.SIGKILL) -> None:
        if self._child is not None:
            self._child.send_signal(number)
            self._child.communicate(timeout=20)
            self._child = None


@pytest.fixture
def web(config: WebConfig, receiver: Receiver) -> Iterator[Web]:
    made = Web(config.run_dir.parent, receiver)
    yield made
    receiver.free.set()
    made.end()


def test_a_kill_before_the_answer_loses_nothing_and_the_id_tells_the_second_time(
    count: CountOnAir, receiver: Receiver, web: Web
) -> None:
    count.say(lot(12))
    count.beat()
    receiver.free.clear()
    web.start()
    first = receiver.next()
    web.end()  # it has posted, and does not know that it was taken
    receiver.free.set()
    web.start()
    came = [receiver.next() for _ in range(2)]
    assert first.headers["webhook-id"] == came[0].headers["webhook-id"]
    assert verified(first) == verified(came[0])
    assert {verified(posted)["data"]["name"] for posted in came} == {"customers", "staff"}
    web.end(signal.SIGTERM)
    web.start()  # what was told is not told again
    count.say(lot(7))
    told = verified(receiver.next())["data"]
    assert (told["name"], told["free"]) == ("customers", 7)


def test_what_changed_while_web_was_away_is_told_when_it_is_back(
    count: CountOnAir, receiver: Receiver, web: Web
) -> None:
    count.say(lot(12))
    count.beat()
    web.start()
    assert {verified(receiver.next())["data"]["name"] for _ in range(2)} == {"customers", "staff"}
    receiver.status = 503
    count.say(lot(11))
    until_free(receiver, 11)
    web.end()
    count.say(lot(5))
    receiver.status = 200
    web.start()
    assert until_free(receiver, 5)["data"]["name"] == "customers"


def test_metrics_tell_how_webhooks_fare(
    config: WebConfig, count: CountOnAir, receiver: Receiver, tmp_path: Path
) -> None:
    with serving(create_app(hooked(config, tmp_path, to(receiver)))) as address:
        count.say(lot(12))
        count.beat()
        until_free(receiver, 12)
        taken = 'parking_webhook_messages_total{outcome="taken",webhook="navigation"} 2.0'
        wait_until(lambda: taken in httpx.get(f"{address}/metrics").text)
        assert 'parking_webhook_dead{webhook="navigation"} 0.0' in httpx.get(f"{address}/metrics").text


def test_the_roles_of_the_list(config: WebConfig, receiver: Receiver, tmp_path: Path) -> None:
    with serving(create_app(hooked(config, tmp_path, to(receiver)))) as address, Accounts(config.token_dir) as accounts:
        viewer = accounts.make_token("screen", Role.VIEWER, time.time())
        seen = {"Authorization": f"Bearer {viewer}"}
        for path in ("", "/navigation/messages"):
            assert httpx.get(f"{address}/api/v1/webhooks{path}").status_code == 401
            assert httpx.get(f"{address}/api/v1/webhooks{path}", headers=seen).status_code == 200
