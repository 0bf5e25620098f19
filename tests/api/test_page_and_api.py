"""Whatever a page tells or does, the API does too: each route, form and script of the pages has its counterpart."""

import re
import time
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from PIL import Image

from controller.api import login, pages
from controller.api.accounts import Accounts, Role
from controller.api.incidents import page as incidents_page
from controller.api.incidents.page import _DO
from controller.api.past import page as past_page
from controller.api.server import WebConfig

A_BROWSERS = ["a browser's own: other systems have tokens"]

COUNTERPARTS: dict[tuple[str, str], list[str]] = {
    ("GET", "/"): ["GET /status", "GET /stream", "GET /signs/{name}.png"],
    ("GET", "/staff"): ["GET /state", "GET /stream", "GET /signs/{name}.png", "GET /passages"],
    ("GET", "/staff/correct"): [
        "POST /zones/{name}/correction",
        "POST /zones/{name}/adjustment",
        "POST /zones/{name}/recount",
        "POST /zones/{name}/recount/result",
        "DELETE /zones/{name}/recount",
        "POST /zones/{name}/undo",
        "POST /zones/{name}/closure",
        "POST /bays/{name}/service",
        "POST /signs/{name}/message",
        "DELETE /signs/{name}/message",
        "POST /signs/{name}/test",
        "GET /signs/{name}/preview.png",
    ],
    ("GET", "/staff/audit"): ["GET /audit"],
    ("GET", "/staff/alarms"): [
        "GET /webhooks",
        "GET /webhooks/{name}/messages",
        "POST /webhooks/{name}/test",
        "POST /webhooks/{name}/retry",
        "POST /alarms/test",
    ],
    ("GET", "/staff/history"): [
        "GET /history",
        "GET /history/levels",
        "GET /history/bays",
        "GET /history/corrections",
        "GET /history/accuracy",
        "GET /history/table.csv",
        "GET /history/book.xlsx",
    ],
    ("GET", "/staff/history/{name}.svg"): ["GET /history", "GET /history/levels", "GET /history/bays"],
    ("GET", "/report"): ["GET /status"],
    ("POST", "/report"): ["POST /feedback"],
    ("GET", "/staff/incidents"): ["GET /incidents", "GET /incidents/{number}", "GET /incidents/assignees"],
    ("POST", "/staff/incidents"): ["POST /incidents"],
    ("POST", "/staff/incidents/{number}"): [
        "POST /incidents/{number}/acknowledgement",
        "POST /incidents/{number}/assignment",
        "POST /incidents/{number}/closing",
        "POST /incidents/{number}/reopening",
    ],
    ("GET", "/staff/incidents/poster"): [
        "GET /signs/{name}/report",
        "GET /signs/{name}/report.svg",
        "GET /signs/{name}/report.png",
    ],
    ("GET", "/login"): A_BROWSERS,
    ("POST", "/login"): A_BROWSERS,
    ("POST", "/logout"): A_BROWSERS,
    ("GET", "/favicon.ico"): A_BROWSERS,
}
DEALT = {"acknowledge": "acknowledgement", "assign": "assignment", "close": "closing", "reopen": "reopening"}


def routes_of(*routers: APIRouter) -> set[tuple[str, str]]:
    found = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return {(verb, route.path) for route in found for verb in (route.methods or set()) - {"HEAD"}}


@pytest.fixture
def operations(app: FastAPI) -> set[str]:
    paths = app.openapi()["paths"]
    return {f"{verb.upper()} {path.removeprefix('/api/v1')}" for path, verbs in paths.items() for verb in verbs}


def test_every_route_of_a_page_is_in_the_table() -> None:
    ours = (pages.router, past_page.router, incidents_page.router, login.router)
    assert routes_of(*ours) == set(COUNTERPARTS)


@pytest.mark.parametrize("page", COUNTERPARTS, ids=" ".join)
def test_what_a_page_does_the_api_does(page: tuple[str, str], operations: set[str]) -> None:
    if (wanted := COUNTERPARTS[page]) is not A_BROWSERS:
        assert set(wanted) <= operations


def test_every_step_of_the_form_of_incidents_is_in_the_table() -> None:
    assert {f"POST /incidents/{{number}}/{DEALT[do]}" for do in _DO.values()} == set(
        COUNTERPARTS["POST", "/staff/incidents/{number}"]
    )


@pytest.mark.parametrize("script", sorted(path.name for path in pages.STATIC.glob("*.js")))
def test_scripts_ask_the_api_and_nothing_else(script: str, operations: set[str]) -> None:
    text = (pages.STATIC / script).read_text("utf-8")
    known = {re.sub(r"\{.*", "", operation.partition(" ")[2]).rstrip("/") for operation in operations}
    for asked in re.findall(r"""[`"'](/[a-z][^`"'\s]*)""", text):
        if asked.startswith(("/static/", "/login", "/staff")):
            continue  # another page or script of ours
        if asked == "/api/v1/${path}":
            continue  # alarms.js puts it before all that it asks for
        assert asked.startswith("/api/v1/"), asked
        assert re.sub(r"[$?{].*", "", asked.removeprefix("/api/v1")).rstrip("/") in known, asked


def test_a_script_that_asks_elsewhere_is_found() -> None:
    assert re.findall(r"""[`"'](/[a-z][^`"'\s]*)""", 'fetch("/other?x=1"); fetch(`/api/v1/zones/${name}`)') == [
        "/other?x=1",
        "/api/v1/zones/${name}",
    ]


# What only the pages had


@pytest.fixture
def viewer(config: WebConfig, api: httpx.Client) -> httpx.Client:
    with Accounts(config.token_dir) as accounts:
        api.headers["Authorization"] = f"Bearer {accounts.make_token('screen', Role.VIEWER, time.time())}"
        for name, role in (("jan", Role.ATTENDANT), ("anna", Role.MANAGER), ("ewa", Role.VIEWER)):
            accounts.set_user(name, "correct horse", role, time.time())
        accounts.set_user("gone", "correct horse", Role.MANAGER, time.time())
        accounts.revoke("user", "gone", time.time())
    return api


def test_who_may_be_given_an_incident_is_told(viewer: httpx.Client) -> None:
    assert viewer.get("/api/v1/incidents/assignees").json() == {"names": ["anna", "jan"]}


def test_the_address_for_drivers_is_told_and_drawn(viewer: httpx.Client, tmp_path: Path) -> None:
    told = viewer.get("/api/v1/signs/entrance/report").json()
    assert told == {
        "sign": "entrance",
        "address": f"{str(viewer.base_url).rstrip('/')}/report?sign=entrance",
        "local": True,
    }
    assert viewer.get(told["address"]).status_code == 200
    svg = viewer.get("/api/v1/signs/entrance/report.svg")
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert "<svg" in svg.text
    file = tmp_path / "code.png"
    file.write_bytes(viewer.get("/api/v1/signs/entrance/report.png?scale=4").content)
    with Image.open(file) as image:
        width, height = image.size
    assert width == height
    assert width % 4 == 0


@pytest.mark.parametrize("path", ["signs/entrance/report", "signs/entrance/report.png", "incidents/assignees"])
def test_they_are_for_viewers(api: httpx.Client, path: str) -> None:
    assert api.get(f"/api/v1/{path}").status_code == 401


def test_no_code_is_drawn_of_a_sign_that_is_none_nor_of_an_endless_address(viewer: httpx.Client) -> None:
    assert viewer.get("/api/v1/signs/exit/report.png").json()["mend"] == "Signs here: entrance"
    endless = viewer.get("/api/v1/signs/entrance/report.svg", headers={"Host": "a" * 3000})
    assert endless.status_code == 422
    assert "public_url" in endless.json()["mend"]
