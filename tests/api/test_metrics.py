import dataclasses
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from count_on_air import STUCK, CountOnAir, lot, show, wait_until
from prometheus_client.parser import text_string_to_metric_families
from web_in_thread import serving

from controller.api.server import WebConfig, create_app
from controller.site import WebhookSpec

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(api: httpx.Client) -> Samples:
    answer = api.get("/metrics").raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, tuple(sorted(labels.items()))))


def test_metrics_say_what_is_known_and_nothing_else(count: CountOnAir, api: httpx.Client) -> None:
    count.say(lot(12, faults=(STUCK,)))
    wait_until(lambda: of(samples(api), "parking_state_live") == 1)
    found = samples(api)
    assert of(found, "parking_free_spaces", zone="customers") == 12
    assert of(found, "parking_free_spaces", zone="staff") is None
    assert of(found, "parking_capacity_spaces", zone="staff") == 12
    assert of(found, "parking_occupied_vehicles", zone="customers") == 28
    assert of(found, "parking_zone_status", zone="customers", parking_zone_status="OPEN") == 1
    assert of(found, "parking_zone_status", zone="customers", parking_zone_status="FULL") == 0
    assert of(found, "parking_zone_status", zone="staff", parking_zone_status="UNKNOWN") == 1
    assert of(found, "parking_passages_total", lane="main", kind="entry") == 211
    assert of(found, "parking_passages_total", lane="main", kind="exit") == 183
    assert of(found, "parking_passages_total", lane="main", kind="back_out") == 2
    assert of(found, "parking_ambiguous_passages_total", lane="main") == 1
    assert of(found, "parking_detector_occupied", lane="main", detector="main.outer") == 1
    assert of(found, "parking_detector_occupied", lane="main", detector="main.barrier") is None
    assert of(found, "parking_bay_occupied", zone="customers", bay="A1") == 1
    assert of(found, "parking_bay_occupied", zone="customers", bay="A3") is None
    assert of(found, "parking_faults", kind="stuck") == 1
    assert of(found, "parking_faults", kind="silent") == 0
    assert of(found, "parking_sign_lit", sign="entrance") == 1
    assert of(found, "parking_mqtt_connected") == 1
    assert of(found, "parking_mqtt_reconnects_total") == 2
    assert of(found, "parking_mqtt_messages_total", kind="accepted") == 4711
    assert of(found, "parking_mqtt_messages_total", kind="unknown") == 3
    assert of(found, "parking_mqtt_messages_total", kind="malformed") == 2
    assert of(found, "parking_gpio_errors_total") == 0
    assert of(found, "parking_journal_bytes") == 2_400_000
    assert of(found, "parking_controller_info", version="0.1.0") == 1
    assert 0 <= (of(found, "parking_state_age_seconds") or 0) < 3


def test_each_request_is_counted_by_what_was_answered(api: httpx.Client, token: str) -> None:
    def answered(method: str, code: int) -> float:
        return of(samples(api), "parking_http_requests_total", method=method, code=str(code)) or 0

    path, bearer = "/api/v1/zones/customers/correction", {"Authorization": f"Bearer {token}"}
    for answer in (
        api.post(path, json={"occupied": "many"}, headers=bearer),
        api.post(path, json={"occupied": 7, "reason": "counted"}),
        api.post(path, content=bytes(20_000), headers=bearer),
        api.request("BREW", "/api/v1/status"),
        api.get("/api/v1/nothing"),
    ):
        answer.read()
    assert [answered("POST", code) for code in (422, 401, 413)] == [1, 1, 1]
    assert (answered("other", 405), answered("GET", 404)) == (1, 1)
    before = answered("GET", 200)
    assert answered("GET", 200) == before + 1, "this very look at it"


def test_what_breaks_inside_is_counted_as_500(config: WebConfig) -> None:
    app = create_app(config)

    @app.get("/breaks")
    def breaks() -> None:
        raise RuntimeError("of this test")

    with serving(app) as at, httpx.Client(base_url=at, timeout=10) as client:
        assert httpx.get(f"{at}/breaks").status_code == 500  # a connection of its own: the server ends it
        assert of(samples(client), "parking_http_requests_total", method="GET", code="500") == 1


def test_a_stale_state_leaves_no_number_behind(count: CountOnAir, api: httpx.Client, config: WebConfig) -> None:
    count.say(lot(12, faults=(STUCK,)), age_s=5)
    show(config.run_dir, None, age_s=5)
    wait_until(lambda: of(samples(api), "parking_state_age_seconds") is not None)
    found = samples(api)
    assert of(found, "parking_state_live") == 0
    assert (of(found, "parking_state_age_seconds") or 0) >= 5
    assert of(found, "parking_zone_status", zone="customers", parking_zone_status="UNKNOWN") == 1
    assert (of(found, "parking_sign_alive", sign="entrance"), of(found, "parking_sign_lit", sign="entrance")) == (0, 0)
    known = {name for name, _ in found}
    assert known == {
        "parking_capacity_spaces",
        "parking_zone_status",
        "parking_sign_alive",
        "parking_sign_lit",
        "parking_state_age_seconds",
        "parking_state_live",
        "parking_http_requests_total",
    }


@pytest.fixture
def everything(config: WebConfig, count: CountOnAir) -> Iterator[httpx.Client]:
    """A lot that has a sample of every metric."""
    hook = WebhookSpec("navigation", "https://navigation.invalid/", ("zone.free",), after_s=3600.0)
    with (
        serving(create_app(dataclasses.replace(config, site=dataclasses.replace(config.site, webhooks=(hook,))))) as at,
        httpx.Client(base_url=at, timeout=10) as client,
    ):
        count.say(lot(12, faults=(STUCK,)))
        wait_until(lambda: of(samples(client), "parking_state_live") == 1)
        yield client


def test_alert_rules_and_dashboard_speak_of_metrics_that_there_are(everything: httpx.Client) -> None:
    told = {name for name, _ in samples(everything)}
    rules = (DEPLOY / "prometheus" / "parking.rules.yml").read_text("utf-8")
    panels = json.loads((DEPLOY / "grafana" / "parking.json").read_text("utf-8"))["panels"]
    asked = [line for line in rules.splitlines() if "expr:" in line]
    asked += [target["expr"] for panel in panels for target in panel["targets"]]
    named = {name for text in asked for name in re.findall(r"\bparking_[a-z_]+\b(?!=)", text)}
    assert len(named) > 8
    assert named - {"parking_zone_status"} <= told


@pytest.fixture
def promtool() -> Callable[..., str]:
    """Prometheus' own checker; gives what it says, and fails when it is not content."""
    program = shutil.which("promtool", path=f"{ROOT / 'build'}:{os.environ['PATH']}")
    if program is None:
        pytest.fail("promtool is missing: `make test` fetches it, or deploy/promtool.sh build/promtool")

    def check(*arguments: str, text: str = "") -> str:
        done = subprocess.run(
            [program, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=DEPLOY / "prometheus",
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said

    return check


def test_promtool_has_nothing_to_say_about_the_metrics(everything: httpx.Client, promtool: Callable[..., str]) -> None:
    text = everything.get("/metrics").text
    assert promtool("check", "metrics", text=text) == ""
    with pytest.raises(AssertionError, match="no help text"):
        promtool("check", "metrics", text=re.sub("# HELP parking_free_spaces .*\n", "", text))


def test_promtool_finds_each_alert_told_when_it_should_be(promtool: Callable[..., str]) -> None:
    rules, tests = ((DEPLOY / "prometheus" / f"parking.rules{kind}.yml").read_text("utf-8") for kind in ("", ".test"))
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert f"{len(alerts)} rules found" in promtool("check", "rules", "parking.rules.yml")
    assert "SUCCESS" in promtool("test", "rules", "parking.rules.test.yml")
    assert [alert for alert in alerts if f"alertname: {alert}" not in tests] == []
