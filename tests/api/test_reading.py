import io
import json
import re
from datetime import datetime
from typing import Any

import httpx
import pytest
from count_on_air import EPOCH, FULL, LOT_NOW, STUCK, CountOnAir, envelope, lot, number, show, wait_until
from fastapi import FastAPI
from PIL import Image
from pydantic import TypeAdapter

from controller.api import models, problems
from controller.api.incidents import shapes as incident_shapes
from controller.api.past import drift_shapes
from controller.api.past import shapes as past_shapes
from controller.api.server import WebConfig
from controller.api.webhooks import models as webhook_models
from controller.domain.report import Passage, PassageKind
from controller.journal import Clock, Journal

HOMES = (models, problems, webhook_models, past_shapes, drift_shapes, incident_shapes)
"""Where the shapes are."""


def get(api: httpx.Client, path: str) -> Any:
    return api.get(f"/api/v1{path}").raise_for_status().json()


def say(count: CountOnAir, api: httpx.Client, free: int | None = 12, **more: Any) -> None:
    """Publish, and wait until it has arrived."""
    count.say(lot(free, faults=more.pop("faults", ())), **more)
    wait_until(lambda: bool(get(api, "/status")["live"]))
    wait_until(lambda: bool(get(api, "/zones/customers")["free"] == free))


def test_status_says_what_the_count_says_with_wall_clock_times_of_the_lot(count: CountOnAir, api: httpx.Client) -> None:
    say(count, api, 12, faults=(STUCK,))
    status = get(api, "/status")
    assert status["lot"] == "Parking dla klientów"
    assert status["live"] is True
    assert 0 <= status["age_s"] < 3
    customers, staff = status["zones"]
    assert (customers["free"], customers["capacity"], customers["occupied"]) == (12, 40, 28)
    assert (customers["status"], customers["reason"]) == ("OPEN", "counted")
    assert (staff["free"], staff["status"], staff["reason"]) == (None, "UNKNOWN", "never_counted")
    since = datetime.fromisoformat(customers["since"])
    assert since.timestamp() == EPOCH + LOT_NOW - 600
    assert customers["since"].endswith("+01:00")  # Warsaw in November
    assert [fault["subject"] for fault in status["faults"]] == ["main.outer"]
    assert "lanes" not in status  # a status is small


def test_each_list_tells_its_part(count: CountOnAir, api: httpx.Client) -> None:
    say(count, api, 12, faults=(STUCK,))
    main, gate = get(api, "/lanes")["lanes"]
    assert (main["entries"], main["exits"], main["back_outs"], main["ambiguous"]) == (211, 183, 2, 1)
    assert [(d["name"], d["occupied"], d["fault"]) for d in main["detectors"]] == [
        ("main.outer", True, "stuck"),
        ("main.inner", False, None),
        ("main.barrier", None, None),
    ]
    assert gate["detectors"][0]["role"] == "loop"
    assert [bay["occupied"] for bay in get(api, "/bays")["bays"]] == [True, False, None]
    assert [zone["name"] for zone in get(api, "/zones")["zones"]] == ["customers", "staff"]
    assert [fault["kind"] for fault in get(api, "/faults")["faults"]] == ["stuck"]


def test_passages_reach_back_as_far_as_the_journal(config: WebConfig, count: CountOnAir, api: httpx.Client) -> None:
    say(count, api)
    journal = Journal(config.state_dir / "journal.sqlite")
    clock = Clock(t=40.0, wall=1_763_800_040.0, monotonic=1.0, boot="b")
    times = [float(at) for at in range(30)]
    journal.append([], clock, [Passage("main", PassageKind.ENTRY, at, at - 2.5) for at in times], 1_763_800_000.0)

    passages = get(api, "/passages?limit=1000")["passages"]
    assert len(passages) == 30
    assert passages[0]["kind"] == "entry"
    assert datetime.fromisoformat(passages[0]["at"]).timestamp() == 1_763_800_029.0
    assert datetime.fromisoformat(passages[0]["began"]).timestamp() == 1_763_800_026.5
    assert len(get(api, "/passages?limit=7")["passages"]) == 7

    journal.close()  # count has stopped: the files beside the journal are gone
    assert len(get(api, "/passages?limit=1000")["passages"]) == 30


def test_passages_come_newest_first_and_no_more_than_asked_for(count: CountOnAir, api: httpx.Client) -> None:
    say(count, api)
    passages = get(api, "/passages")["passages"]
    assert [p["kind"] for p in passages] == ["exit", "entry", "back_out", "entry"]
    assert passages[1]["doubt"] == "may have been two vehicles"
    assert passages[3]["tailgating"] is True
    assert len(get(api, "/passages?limit=2")["passages"]) == 2
    assert api.get("/api/v1/passages?limit=0").status_code == 422


def test_a_sign_tells_its_message_why_and_what_its_panel_shows(count: CountOnAir, api: httpx.Client) -> None:
    say(count, api, 0, shows=number(1))
    sign = get(api, "/signs/entrance")
    told = sign["message"]
    assert (told["kind"], told["text"], told["free"]) == ("full", "brak wolnych miejsc", None)
    assert sign["reason"] == "counted"
    assert 42 <= sign["age_s"] < 50
    assert sign["because"] == ["main: exit", "customers: 0 free"]
    panel = sign["panel"]
    assert (panel["alive"], panel["lit"], panel["why_dark"]) == (True, True, None)
    assert panel["message"]["text"] == "1"  # what it shows, not what it should
    assert get(api, "/signs")["signs"][0]["panel"] == panel


def test_the_png_has_the_pixels_last_sent_to_the_panel(count: CountOnAir, api: httpx.Client, config: WebConfig) -> None:
    say(count, api, 0)
    image = show(config.run_dir, FULL)
    answer = api.get("/api/v1/signs/entrance.png?style=pixels&scale=1").raise_for_status()
    assert answer.headers["content-type"] == "image/png"
    assert (answer.headers["x-sign-alive"], answer.headers["x-sign-lit"]) == ("true", "true")
    assert Image.open(io.BytesIO(answer.content)).convert("1").tobytes() == image.tobytes()

    leds = Image.open(io.BytesIO(api.get("/api/v1/signs/entrance.png?scale=6").content)).convert("L")
    assert leds.size == (64 * 6, 16 * 6)
    lit = [[leds.getpixel((6 * x + 3, 6 * y + 3)) > 100 for x in range(64)] for y in range(16)]  # type: ignore[operator]
    assert lit == [[bool(image.getpixel((x, y))) for x in range(64)] for y in range(16)]


@pytest.mark.parametrize("age_s", [None, 3.5])
def test_without_a_fresh_read_back_the_panel_is_taken_for_dark(
    count: CountOnAir, api: httpx.Client, config: WebConfig, age_s: float | None
) -> None:
    say(count, api, 0)
    if age_s is None:
        (config.run_dir / "sign-entrance.json").unlink()
    else:
        show(config.run_dir, FULL, age_s=age_s)
    panel = get(api, "/signs/entrance")["panel"]
    assert (panel["alive"], panel["lit"], panel["rows"]) == (False, False, [])
    assert "the sign process" in panel["why_dark"]
    answer = api.get("/api/v1/signs/entrance.png?style=pixels&scale=1").raise_for_status()
    assert (answer.headers["x-sign-alive"], answer.headers["x-sign-lit"]) == ("false", "false")
    assert Image.open(io.BytesIO(answer.content)).getextrema() == (0, 0)


def assert_nothing_known(status: Any) -> None:
    assert status["live"] is False
    for zone in status["zones"]:
        assert (zone["free"], zone["low"], zone["high"], zone["occupied"]) == (None, None, None, None)
        assert (zone["status"], zone["reason"], zone["since"]) == ("UNKNOWN", "not_live", None)
        assert zone["capacity"] > 0
    assert status["signs"][0]["message"] is None
    assert all(lane["entries"] is None for lane in status["lanes"])
    assert all(d["occupied"] is None for lane in status["lanes"] for d in lane["detectors"])
    assert all(bay["occupied"] is None for bay in status["bays"])


def test_before_the_count_ever_spoke_nothing_is_known(api: httpx.Client) -> None:
    status = get(api, "/state")
    assert_nothing_known(status)
    assert status["age_s"] is None
    health = api.get("/api/v1/health")
    assert health.status_code == 503
    assert "nothing ever came" in health.json()["reasons"][0]


def test_a_stale_state_is_not_told_but_its_history_is(count: CountOnAir, api: httpx.Client) -> None:
    say(count, api, 12)
    count.say(lot(7, faults=(STUCK,)), age_s=3.1)
    wait_until(lambda: not get(api, "/status")["live"])
    status = get(api, "/state")
    assert_nothing_known(status)
    assert status["age_s"] >= 3.1
    assert status["faults"] == []
    assert status["inputs"] == {"mqtt": None, "sensors": None, "gpio": None}
    assert len(status["passages"]) == 4
    count.say(lot(7))
    wait_until(lambda: bool(get(api, "/zones/customers")["free"] == 7))


def test_a_state_grows_stale_by_itself(count: CountOnAir, api: httpx.Client) -> None:
    count.say(lot(12), ttl_s=2.0)
    wait_until(lambda: bool(get(api, "/zones/customers")["free"] == 12))
    wait_until(lambda: bool(get(api, "/zones/customers")["status"] == "UNKNOWN"))


def test_the_count_may_come_late_go_and_come_back(config: WebConfig, api: httpx.Client) -> None:
    for free in (5, 6):
        with CountOnAir(config.run_dir, config.state_dir) as count:
            say(count, api, free)
            assert count.listeners == 1


def test_a_state_that_is_not_understood_is_not_live_and_not_fatal(count: CountOnAir, api: httpx.Client) -> None:
    broken = envelope(lot(3))
    broken["lot"]["zones"] = "three"
    count.publish(broken)
    count.publish({"type": "news of a later version"})
    say(count, api, 4)  # the link still works
    count.publish(envelope(lot(5), inputs={"mqtt": "?"}, journal=None))
    wait_until(lambda: bool(get(api, "/zones/customers")["free"] == 5))  # counters are never worth a number


def test_health_is_good_when_the_count_and_every_sign_live(
    count: CountOnAir, api: httpx.Client, config: WebConfig
) -> None:
    say(count, api)
    answer = api.get("/api/v1/health")
    assert (answer.status_code, answer.json()["ok"], answer.json()["reasons"]) == (200, True, [])
    show(config.run_dir, None)  # dark, but alive
    assert api.get("/api/v1/health").status_code == 200
    show(config.run_dir, None, age_s=10)
    answer = api.get("/api/v1/health")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["sign entrance: the sign process stopped telling"]


@pytest.mark.parametrize("path", ["/zones/custmers", "/signs/exit", "/signs/exit.png", "/nothing"])
def test_what_is_not_there_is_a_problem_that_says_what_is(api: httpx.Client, path: str) -> None:
    answer = api.get(f"/api/v1{path}")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = problems.ProblemDetails.model_validate(answer.json())
    assert problem.status == answer.status_code == 404
    assert problem.mend
    if path == "/zones/custmers":
        assert problem.mend == "Zones here: customers, staff"


def test_every_answer_has_the_security_headers(api: httpx.Client) -> None:
    for path in ("/", "/staff", "/static/live.js", "/api/v1/status", "/nothing", "/metrics"):
        headers = api.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "server" not in headers


def test_the_examples_of_the_openapi_document_fit_their_shapes(app: FastAPI) -> None:
    document = app.openapi()
    schemas = document["components"]["schemas"]
    checked = 0
    for name, schema in schemas.items():
        shape = next((found for home in HOMES if (found := getattr(home, name, None))), None)
        for example in schema.get("examples", []):
            assert shape is not None, f"{name} has an example but is in none of {HOMES}"
            again = shape.model_validate_json(json.dumps(example)).model_dump(mode="json", exclude_unset=True)
            assert again.keys() == schema["properties"].keys(), f"{name}: an example shows every field"
            checked += 1
    assert checked >= 18
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation.get("summary"), path
            assert operation.get("description"), path
    refs = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert refs <= schemas.keys()
    assert "HTTPValidationError" not in schemas  # we answer with problem documents


def test_answers_fit_the_openapi_shapes(count: CountOnAir, api: httpx.Client) -> None:
    say(count, api)
    for path, shape in (
        ("/status", models.LotStatus),
        ("/state", models.Picture),
        ("/zones", models.Zones),
        ("/lanes", models.Lanes),
        ("/bays", models.Bays),
        ("/signs", models.Signs),
        ("/faults", models.Faults),
        ("/passages", models.Passages),
        ("/health", models.Health),
    ):
        TypeAdapter(shape).validate_json(api.get(f"/api/v1{path}").raise_for_status().content, extra="forbid")


def test_the_interactive_pages_that_load_scripts_from_elsewhere_are_off(api: httpx.Client) -> None:
    assert api.get("/docs").status_code == 404
    assert api.get("/redoc").status_code == 404
    assert api.get("/api/v1/openapi.json").json()["info"]["title"] == "parking-controller"


def test_pages_of_passages_follow_one_another_without_gap_or_repeat(config: WebConfig, api: httpx.Client) -> None:
    journal = Journal(config.state_dir / "journal.sqlite")
    clock = Clock(t=40.0, wall=1_763_800_040.0, monotonic=1.0, boot="b")
    journal.append(
        [], clock, [Passage("main", PassageKind.ENTRY, float(at), at - 2.5) for at in range(25)], 1_763_800_000.0
    )
    journal.close()
    pages: list[list[float]] = []
    following: str | None = "/api/v1/passages?limit=10"
    while following:
        page = api.get(following).raise_for_status().json()
        pages.append([datetime.fromisoformat(p["at"]).timestamp() - 1_763_800_000 for p in page["passages"]])
        following = page["next"]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [at for page in pages for at in page] == list(range(24, -1, -1))


@pytest.mark.parametrize(
    "path",
    ["/status", "/state", "/zones", "/zones/customers", "/lanes", "/bays", "/signs", "/signs/entrance", "/faults"],
)
def test_an_unchanged_state_is_not_sent_twice(count: CountOnAir, api: httpx.Client, path: str) -> None:
    say(count, api)
    first = api.get(f"/api/v1{path}").raise_for_status()
    assert first.headers["etag"].startswith('W/"')
    assert 0 <= int(first.headers["age"]) < 3
    assert first.headers["cache-control"] == "no-cache"
    again = api.get(f"/api/v1{path}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    say(count, api, 11)
    changed = api.get(f"/api/v1{path}", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_a_state_that_grew_stale_is_another_one(count: CountOnAir, api: httpx.Client) -> None:
    count.say(lot(12), ttl_s=2.0)
    wait_until(lambda: bool(get(api, "/status")["live"]))
    tag = api.get("/api/v1/status").headers["etag"]
    wait_until(lambda: not get(api, "/status")["live"])
    stale = api.get("/api/v1/status", headers={"If-None-Match": tag})
    assert (stale.status_code, stale.json()["zones"][0]["free"]) == (200, None)
