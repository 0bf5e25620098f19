import json
import re
from pathlib import Path

import httpx
from count_on_air import STUCK, CountOnAir, lot, show, wait_until
from prometheus_client.parser import text_string_to_metric_families

from controller.api.server import WebConfig

DEPLOY = Path(__file__).parents[2] / "deploy"

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
    }


def test_alert_rules_and_dashboard_speak_of_metrics_that_there_are(count: CountOnAir, api: httpx.Client) -> None:
    count.say(lot(12, faults=(STUCK,)))
    wait_until(lambda: of(samples(api), "parking_state_live") == 1)
    told = {name for name, _ in samples(api)}
    rules = (DEPLOY / "prometheus" / "parking.rules.yml").read_text("utf-8")
    panels = json.loads((DEPLOY / "grafana" / "parking.json").read_text("utf-8"))["panels"]
    asked = [line for line in rules.splitlines() if "expr:" in line]
    asked += [target["expr"] for panel in panels for target in panel["targets"]]
    named = {name for text in asked for name in re.findall(r"\bparking_[a-z_]+\b(?!=)", text)}
    assert len(named) > 8
    assert named - {"parking_zone_status"} <= told
