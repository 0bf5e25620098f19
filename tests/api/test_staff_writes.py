import asyncio
import dataclasses
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from count_on_air import EPOCH, CountOnAir, lot, wait_until
from fastapi.routing import APIRoute
from PIL import Image

from controller.api.accounts import FILE_NAME
from controller.api.private_file import PrivateFile
from controller.api.problems import ProblemDetails
from controller.api.server import WebConfig
from controller.api.staff import router
from controller.api.uplink import KeyUnreadableError, LinkDownError, NoReplyError, Uplink
from controller.domain.events import Corrected
from controller.domain.report import Message, MessageKind, Reason
from controller.journal import Audit, Clock, Journal, Record
from controller.link import Reply
from controller.sign import look
from controller.sign.layout import render

WRITES = [
    ("/api/v1/zones/customers/correction", {"occupied": 37, "reason": "counted on foot"}),
    ("/api/v1/zones/customers/closure", {"closed": True, "reason": "snow"}),
    ("/api/v1/signs/entrance/message", {"text": "Wjazd B", "minutes": 90, "reason": "works"}),
]

CREDENTIALS: dict[str, Callable[[str], dict[str, str]]] = {
    "none": lambda _: {},
    "empty": lambda _: {"Authorization": ""},
    "no token": lambda _: {"Authorization": "Bearer"},
    "another token": lambda token: {"Authorization": f"Bearer {token[::-1]}"},
    "a prefix": lambda token: {"Authorization": f"Bearer {token[:-1]}"},
    "more than it": lambda token: {"Authorization": f"Bearer {token}x"},
    "not ASCII": lambda _: {"Authorization": "Bearer żółw"},
    "another scheme": lambda token: {"Authorization": f"Basic {token}"},
    "in a cookie": lambda token: {"Cookie": f"token={token}"},
    "in another header": lambda token: {"X-Api-Token": token},
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def reasoned(body: Any) -> Any:
    """Give a body a reason, so that it is not refused for want of one."""
    return {"reason": "counted", **body} if isinstance(body, dict) else body


@pytest.fixture
def linked(count: CountOnAir, api: httpx.Client) -> CountOnAir:
    count.say(lot(12))
    wait_until(lambda: api.get("/api/v1/status").json()["live"])
    return count


def assert_problem(answer: httpx.Response, status: int) -> ProblemDetails:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = ProblemDetails.model_validate(answer.json())
    assert problem.status == status
    assert problem.detail
    assert problem.mend
    return problem


@pytest.mark.parametrize("credentials", CREDENTIALS)
@pytest.mark.parametrize(("path", "body"), WRITES, ids=["correction", "closure", "message"])
def test_no_write_without_the_token(
    linked: CountOnAir, api: httpx.Client, token: str, path: str, body: Any, credentials: str
) -> None:
    headers = {name: value.encode() for name, value in CREDENTIALS[credentials](token).items()}
    answer = api.post(path, json=body, headers=[(name.encode(), value) for name, value in headers.items()])
    assert_problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert_problem(api.post(f"{path}?token={token}", json=body), 401)
    assert token not in answer.text
    assert linked.commands == []


def test_a_bad_body_or_zone_is_not_told_apart_without_the_token(linked: CountOnAir, api: httpx.Client) -> None:
    assert_problem(api.post("/api/v1/zones/nowhere/correction", json={"occupied": -1}), 401)
    assert linked.commands == []


def test_a_correction_reaches_the_count_with_who_and_why(linked: CountOnAir, api: httpx.Client, token: str) -> None:
    path, body = WRITES[0]
    answer = api.post(path, json=body, headers=bearer(token))
    assert (answer.status_code, answer.json()) == (200, {"done": True, "zone": "customers"})
    (command,) = linked.commands
    assert {k: command[k] for k in ("do", "zone", "occupied", "by", "reason")} == {
        "do": "correct",
        "zone": "customers",
        "occupied": 37,
        "by": "token scada",
        "reason": "counted on foot",
    }


@pytest.mark.parametrize("closed", [True, False])
def test_a_closure_reaches_the_count(linked: CountOnAir, api: httpx.Client, token: str, closed: bool) -> None:  # noqa: FBT001
    answer = api.post("/api/v1/zones/staff/closure", json={"closed": closed, "reason": "snow"}, headers=bearer(token))
    assert answer.status_code == 200
    (command,) = linked.commands
    assert (command["do"], command["zone"], command["closed"], command["reason"]) == ("close", "staff", closed, "snow")


def test_staffs_own_words_reach_the_count_and_are_taken_off(linked: CountOnAir, api: httpx.Client, token: str) -> None:
    path, body = WRITES[2]
    answer = api.post(path, json=body, headers=bearer(token))
    assert (answer.status_code, answer.json()) == (200, {"done": True, "sign": "entrance"})
    assert api.delete(f"{path}?reason=over", headers=bearer(token)).status_code == 200
    assert_problem(api.delete(path), 401)
    put, off = linked.commands
    assert {k: put[k] for k in ("do", "sign", "text", "seconds", "by", "reason")} == {
        "do": "message",
        "sign": "entrance",
        "text": "Wjazd B",
        "seconds": 5400.0,
        "by": "token scada",
        "reason": "works",
    }
    assert (off["do"], off["sign"], off["text"], off["reason"]) == ("message", "entrance", None, "over")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"text": "Wjazd od ulicy Lipowej przez bramę C", "minutes": 5}, "it lacks"),
        ({"text": "满", "minutes": 5}, "no face draws '满'"),
        ({"text": "  ", "minutes": 5}, "text"),
        ({"text": "x", "minutes": 0}, "minutes"),
        ({"text": "x", "minutes": 44641}, "minutes"),
        ({"text": "x"}, "minutes"),
    ],
)
def test_words_that_the_panel_cannot_show_whole_or_that_never_end_are_refused_here(
    linked: CountOnAir, api: httpx.Client, token: str, body: Any, why: str
) -> None:
    answer = api.post(WRITES[2][0], json=reasoned(body), headers=bearer(token))
    assert why in assert_problem(answer, 422).detail
    assert linked.commands == []
    assert_problem(api.post("/api/v1/signs/nowhere/message", json=WRITES[2][1], headers=bearer(token)), 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"occupied": -1},
        {"occupied": 81},
        {"occupied": 10**30},
        {"occupied": True},
        {"occupied": "12"},
        {"occupied": 1.5},
        {"occupied": None},
        {"occupied": 3, "zone": "staff"},
        {"occupied": 3, "reason": "x" * 201},
        [],
    ],
)
def test_a_correction_out_of_bounds_is_refused_here(
    linked: CountOnAir, api: httpx.Client, token: str, body: Any
) -> None:
    answer = api.post("/api/v1/zones/customers/correction", json=reasoned(body), headers=bearer(token))
    assert_problem(answer, 422)
    assert linked.commands == []
    at_most = api.post(
        "/api/v1/zones/customers/correction", json={"occupied": 80, "reason": "counted"}, headers=bearer(token)
    )
    assert at_most.status_code == 200


def test_a_body_beyond_all_measure_is_refused_unread(linked: CountOnAir, api: httpx.Client, token: str) -> None:
    answer = api.post("/api/v1/zones/customers/correction", content=b" " * 100_000, headers=bearer(token))
    assert_problem(answer, 413)
    endless = (b" " * 1000 for _ in range(3))
    assert_problem(api.post("/api/v1/zones/customers/correction", content=endless, headers=bearer(token)), 411)
    assert linked.commands == []


def test_an_unknown_zone_is_named_with_those_that_there_are(linked: CountOnAir, api: httpx.Client, token: str) -> None:
    answer = api.post("/api/v1/zones/custmers/correction", json=reasoned({"occupied": 3}), headers=bearer(token))
    assert assert_problem(answer, 404).mend == "Zones here: customers, staff"
    assert linked.commands == []


def test_success_is_told_only_after_the_count_said_so(linked: CountOnAir, api: httpx.Client, token: str) -> None:
    held: list[Reply] = []
    linked.answer = lambda _command, reply: held.append(reply)
    path, body = WRITES[0]
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(api.post, path, json=body, headers=bearer(token))
        wait_until(lambda: bool(held))
        linked.say(lot(3))
        assert not answer.done()
        held[0](None)
        assert answer.result().status_code == 200


def test_what_the_count_refuses_is_passed_on(linked: CountOnAir, api: httpx.Client, token: str) -> None:
    linked.answer = lambda _command, reply: reply("the disk is full")
    path, body = WRITES[0]
    assert assert_problem(api.post(path, json=body, headers=bearer(token)), 502).detail == "the disk is full"


def test_without_a_count_process_a_write_says_so(api: httpx.Client, token: str, config: WebConfig) -> None:
    path, body = WRITES[0]
    (config.state_dir / "command.key").write_text("k")
    assert "not running" in assert_problem(api.post(path, json=body, headers=bearer(token)), 503).detail


def test_without_the_command_key_a_write_says_where_it_should_be(
    linked: CountOnAir, api: httpx.Client, token: str, config: WebConfig
) -> None:
    key = config.state_dir / "command.key"
    kept = key.read_text()
    key.unlink()
    path, body = WRITES[1]
    assert str(key) in assert_problem(api.post(path, json=body, headers=bearer(token)), 503).detail
    key.write_text(kept)  # read on each use: no restart is needed
    assert api.post(path, json=body, headers=bearer(token)).status_code == 200
    assert len(linked.commands) == 1


def test_a_link_lost_before_the_reply_leaves_it_open_whether_it_was_done(
    linked: CountOnAir, api: httpx.Client, token: str
) -> None:
    asked: list[Reply] = []
    linked.answer = lambda _command, reply: asked.append(reply)
    path, body = WRITES[0]
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(api.post, path, json=body, headers=bearer(token))
        wait_until(lambda: bool(asked))
        linked.close()
        assert "look at the zone" in assert_problem(answer.result(), 504).mend


def test_a_command_that_nobody_answers_times_out(config: WebConfig) -> None:
    async def story() -> None:
        with CountOnAir(config.run_dir, config.state_dir) as count:
            count.answer = lambda _command, _reply: None
            key_file = config.state_dir / "command.key"
            uplink = Uplink(address=count.address, key_file=key_file, reply_s=0.2)
            with pytest.raises(LinkDownError):
                await uplink.command(do="correct", zone="customers", occupied=1)
            task = asyncio.create_task(uplink.run())
            count.say(lot(12))
            await uplink.wait_for_other(None)
            with pytest.raises(NoReplyError, match="did not answer"):
                await uplink.command(do="correct", zone="customers", occupied=1)
            key_file.unlink()
            with pytest.raises(KeyUnreadableError):
                await uplink.command(do="correct", zone="customers", occupied=1)
            task.cancel()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("verb", "path", "body", "why"),
    [
        ("POST", "zones/staff/adjustment", {"change": 1}, "how many vehicles are in 'staff' is not known"),
        ("POST", "zones/customers/adjustment", {"change": -29}, "only 28 vehicles are in 'customers'"),
        ("POST", "zones/staff/recount", {}, "a recount of 'staff' is under way already"),
        ("POST", "zones/customers/recount/result", {"seen": 3}, "no recount of 'customers' is under way"),
        ("DELETE", "zones/customers/recount?reason=rain", None, "no recount of 'customers' is under way"),
        ("POST", "zones/staff/undo", {}, "nothing in 'staff' can be taken back"),
    ],
)
def test_what_things_are_not_fit_for_is_a_conflict(
    linked: CountOnAir, api: httpx.Client, token: str, verb: str, path: str, body: Any, why: str
) -> None:
    answer = api.request(verb, f"/api/v1/{path}", json=reasoned(body), headers=bearer(token))
    assert assert_problem(answer, 409).detail == why
    assert linked.commands == []


def test_nothing_of_a_zone_that_its_bays_count_can_be_corrected_by_a_few(
    count: CountOnAir, api: httpx.Client, token: str
) -> None:
    report = lot(12)
    by_bays = dataclasses.replace(report.zones[0], counted_by="bays")
    count.say(dataclasses.replace(report, zones=(by_bays, report.zones[1])))
    wait_until(lambda: api.get("/api/v1/status").json()["live"])
    for path, body in (("adjustment", {"change": 1}), ("recount", {}), ("undo", {})):
        answer = api.post(f"/api/v1/zones/customers/{path}", json=reasoned(body), headers=bearer(token))
        assert "counted by its bays" in assert_problem(answer, 409).detail
    assert count.commands == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("zones/customers/adjustment", {"change": 0}),
        ("zones/customers/adjustment", {"change": 101}),
        ("zones/customers/adjustment", {"change": True}),
        ("zones/staff/recount/result", {"seen": 25}),
        ("zones/staff/recount/result", {"seen": None}),
        ("zones/customers/undo", {"reason": "x" * 201}),
        ("bays/A1/service", {"out_of_service": 1}),
        ("signs/entrance/test", {"seconds": 5}),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_here(
    linked: CountOnAir, api: httpx.Client, token: str, path: str, body: Any
) -> None:
    assert_problem(api.post(f"/api/v1/{path}", json=reasoned(body), headers=bearer(token)), 422)
    assert linked.commands == []


REASONED = [
    ("POST", "zones/customers/correction", {"occupied": 3}),
    ("POST", "zones/customers/adjustment", {"change": 1}),
    ("POST", "zones/customers/recount", {}),
    ("POST", "zones/staff/recount/result", {"seen": 3}),
    ("DELETE", "zones/staff/recount", None),
    ("POST", "zones/customers/undo", {}),
    ("POST", "zones/customers/closure", {"closed": True}),
    ("POST", "bays/A1/service", {"out_of_service": True}),
    ("POST", "signs/entrance/test", {}),
    ("POST", "signs/entrance/message", {"text": "P", "minutes": 5}),
    ("DELETE", "signs/entrance/message", None),
]


@pytest.mark.parametrize("reason", [None, "", "  \t", "x" * 201])
@pytest.mark.parametrize(("verb", "path", "body"), REASONED)
def test_without_a_reason_nothing_is_changed(
    linked: CountOnAir, api: httpx.Client, token: str, verb: str, path: str, body: Any, reason: str | None
) -> None:
    said = {} if reason is None else {"reason": reason}
    sent = {"params": said} if body is None else {"json": {**body, **said}}
    problem = assert_problem(api.request(verb, f"/api/v1/{path}", headers=bearer(token), **sent), 422)
    assert "reason: " in problem.detail
    assert "a reason says why in up to 200 characters" in problem.mend
    if reason and len(reason) < 40:
        assert repr(reason) in problem.detail
    assert linked.commands == []


def test_every_write_that_reaches_the_count_is_among_those_that_need_a_reason() -> None:
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    found = {(verb, route.path.removeprefix("/api/v1/")) for route in routes for verb in route.methods or ()}
    told = {(verb, re.sub(r"(?<=s/)[^/]+", "{name}", path, count=1)) for verb, path, _ in REASONED}
    assert {one for one in found if one[0] not in {"GET", "HEAD"}} == told


def test_bays_and_signs_that_are_not_there_are_named_with_those_that_are(
    linked: CountOnAir, api: httpx.Client, token: str
) -> None:
    answer = api.post("/api/v1/bays/A9/service", json=reasoned({"out_of_service": True}), headers=bearer(token))
    assert assert_problem(answer, 404).mend == "Bays here: A1, A2, A3"
    assert_problem(api.post("/api/v1/signs/exit/test", json=reasoned({}), headers=bearer(token)), 404)
    assert linked.commands == []


def test_words_are_drawn_beforehand_as_the_panel_would_show_them(api: httpx.Client, token: str) -> None:
    path = "/api/v1/signs/entrance/preview.png"
    answer = api.get(path, params={"text": "Wjazd B", "scale": 3}, headers=bearer(token))
    assert answer.headers["content-type"] == "image/png"
    drawn = Image.open(io.BytesIO(answer.content))
    told = Message(MessageKind.STAFF, "Wjazd B", None, Reason.STAFF_MESSAGE)
    assert drawn.tobytes() == look.picture(render(told, 64, 16), scale=3).tobytes()
    refused = api.get(path, params={"text": "Wjazd od ulicy Lipowej przez bramę C"}, headers=bearer(token))
    assert "it lacks" in assert_problem(refused, 422).detail
    assert_problem(api.get("/api/v1/signs/exit/preview.png", params={"text": "P"}, headers=bearer(token)), 404)


def test_the_audit_trail_is_told_page_by_page(api: httpx.Client, token: str, config: WebConfig) -> None:
    assert "no journal" in assert_problem(api.get("/api/v1/audit", headers=bearer(token)), 503).detail
    journal = Journal(config.state_dir / "journal.sqlite")
    with PrivateFile(config.token_dir / FILE_NAME, "").transaction() as db:
        db.execute("UPDATE audit SET wall = 0")  # the token of this test
    for n in range(3):
        audit = Audit("anna", f"customers: occupied = {n}", "counted", str(n - 1))
        journal.append([Record(Corrected("customers", n, float(n)), EPOCH + n, audit)], Clock(float(n), EPOCH, 0.0, ""))
    first = api.get("/api/v1/audit?limit=2", headers=bearer(token)).json()
    assert [(change["before"], change["after"]) for change in first["changes"]] == [("1", "2"), ("0", "1")]
    assert first["changes"][0] == {
        "at": "2026-11-18T12:06:42+01:00",
        "who": "anna",
        "what": "customers: occupied = 2",
        "subject": "customers",
        "field": "occupied",
        "details": None,
        "before": "1",
        "after": "2",
        "reason": "counted",
    }
    rest = api.get(first["next"], headers=bearer(token)).json()
    assert [change["what"] for change in rest["changes"]] == ["customers: occupied = 0", "token scada: role = manager"]
    assert rest["next"] is None
    journal.close()
