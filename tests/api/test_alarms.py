"""Alarms: when they are told (time is driven), and that they reach a real HTTP service without a secret getting out."""

import dataclasses
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from count_on_air import STUCK, CountOnAir, envelope, lot, site_in
from receiver import Receiver
from web_in_thread import serving

from controller.api.alarms.courier import Courier, NotSentError
from controller.api.alarms.rules import Alarm, Rule, is_quiet, wrong
from controller.api.alarms.words import said
from controller.api.envelope import Envelope
from controller.api.models import Picture
from controller.api.server import WebConfig, create_app
from controller.api.status import picture
from controller.domain.report import Fault, LotReport
from controller.site import AlarmSpec

KINDS = ("full", "uncertain", "detector_fault", "sign_dark", "drift", "feedback")
FEEDBACK = Alarm("feedback", "the sign said free, and nothing was", "no. 7, 10:15")
NOON, NIGHT, MORNING = time(12), time(23, 30), time(6)
SECRET = "hunter2-very-secret"  # noqa: S105  that is what must not get out


def of(tmp_path: Path, free: int | None = 12, *, faults: tuple[Fault, ...] = (), drift: int = 0) -> Picture:
    report: LotReport = lot(free, faults=faults)
    zone = report.zones[0]
    if zone.counted is not None:
        zone = dataclasses.replace(zone, counted=zone.counted + drift)
    report = dataclasses.replace(report, zones=(zone,))
    told = Envelope.model_validate(envelope(report))
    now = picture(site_in(tmp_path), told, {}, told.sent)
    return now.model_copy(update={"zones": now.zones[:1]})  # the staff's is never known


def kinds(now: Picture, *on: str, also: tuple[Alarm, ...] = ()) -> set[tuple[str, str]]:
    return {(alarm.kind, alarm.about) for alarm in wrong(now, AlarmSpec(on or KINDS, "duty"), also)}


@pytest.mark.parametrize(
    ("more", "kind", "about"),
    [
        ({"free": 0}, "full", "customers"),
        ({"free": None}, "uncertain", "customers"),
        ({"faults": (STUCK,)}, "detector_fault", "main.outer"),
        ({"drift": 6}, "drift", "customers"),
        ({"drift": -6}, "drift", "customers"),
        ({}, "sign_dark", "entrance"),  # no read-back at all
        ({}, "feedback", FEEDBACK.about),
    ],
)
def test_each_kind_is_noticed_and_only_where_it_is_asked_for(
    tmp_path: Path, more: dict[str, Any], kind: str, about: str
) -> None:
    now, also = of(tmp_path, **more), (FEEDBACK,) if kind == "feedback" else ()
    assert kinds(now, kind, also=also) == {(kind, about)}
    others = set(KINDS) - {kind}
    assert (kind, about) not in kinds(now, *others, also=also)
    if kind != "sign_dark":
        assert kinds(of(tmp_path), kind) == set()


def test_an_unknown_number_is_told_with_what_counts_with_a_fault(tmp_path: Path) -> None:
    now = of(tmp_path, None)
    zone = now.zones[0].model_copy(update={"degraded": ["main", "side"]})
    (alarm,) = wrong(now.model_copy(update={"zones": [zone]}), AlarmSpec(("uncertain",), "duty"))
    assert "(never_counted, main, side)" in said(alarm, "Lot", "en")[1]


CONDITIONS: dict[str, dict[str, Any]] = {
    "full": {"free": 0},
    "uncertain": {"free": None},
    "detector_fault": {"faults": (STUCK,)},
    "sign_dark": {},
    "drift": {"drift": 9},
    "feedback": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_keeps_quiet_hours_and_is_not_told_twice(tmp_path: Path, kind: str) -> None:
    rule = Rule(AlarmSpec((kind,), "duty", after_s=0, quiet_from=time(22), quiet_to=time(6)))
    now, also = of(tmp_path, **CONDITIONS[kind]), (FEEDBACK,) if kind == "feedback" else ()
    assert rule.due(now, NIGHT, 0.0, also) == []
    assert [alarm.kind for alarm in rule.due(now, MORNING, 20_000.0, also)] == [kind]
    assert rule.due(now, NOON, 40_000.0, also) == []


def test_it_is_told_once_after_it_lasted(tmp_path: Path) -> None:
    rule, full, free = Rule(AlarmSpec(("full",), "duty", after_s=60)), of(tmp_path, 0), of(tmp_path, 3)
    assert rule.due(full, NOON, 0.0) == []
    assert rule.due(full, NOON, 59.0) == []
    assert rule.due(full, NOON, 60.0) == [Alarm("full", "customers")]
    assert rule.due(full, NOON, 61.0) == rule.due(full, NOON, 90_000.0) == []
    assert rule.due(free, NOON, 90_001.0) == []
    assert rule.due(full, NOON, 90_002.0) == []  # anew: it must last again
    assert rule.due(full, NOON, 90_062.0) == [Alarm("full", "customers")]


def test_what_comes_and_goes_is_not_told_again_too_soon(tmp_path: Path) -> None:
    rule = Rule(AlarmSpec(("full",), "duty", after_s=0, again_after_s=3600))
    full, free = of(tmp_path, 0), of(tmp_path, 3)
    told = []
    for minute in range(130):
        told += [minute for _ in rule.due(full if minute % 2 == 0 else free, NOON, minute * 60.0)]
    assert told == [0, 60, 120]


def test_quiet_hours_hold_it_back_until_they_end(tmp_path: Path) -> None:
    rule = Rule(AlarmSpec(("full",), "duty", after_s=0, quiet_from=time(22), quiet_to=time(6)))
    full = of(tmp_path, 0)
    assert rule.due(full, NIGHT, 0.0) == rule.due(full, time(5, 59, 59), 20_000.0) == []
    assert rule.due(full, MORNING, 20_001.0) == [Alarm("full", "customers")]


@pytest.mark.parametrize(
    ("clock", "quiet"), [(time(21, 59), False), (time(22), True), (time(0), True), (time(6), False)]
)
def test_quiet_hours_reach_over_midnight(clock: time, *, quiet: bool) -> None:
    assert is_quiet(AlarmSpec(("full",), "duty", quiet_from=time(22), quiet_to=time(6)), clock) is quiet
    assert is_quiet(AlarmSpec(("full",), "duty"), clock) is False


@pytest.mark.parametrize("kind", [*KINDS, "test"])
def test_every_kind_has_words_in_both_languages(kind: str) -> None:
    polish, english = said(Alarm(kind, "main", "7"), "Lot", "pl"), said(Alarm(kind, "main", "7"), "Lot", "en")
    assert polish != english
    assert all("{" not in text for text in (*polish, *english))


@pytest.fixture
def sink() -> Iterator[Receiver]:
    """A service that takes what apprise's json:// sends."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def addresses(tmp_path: Path, sink: Receiver) -> Path:
    path = tmp_path / "alarm-addresses.toml"
    address = f"json://lot:{SECRET}@127.0.0.1:{sink.port}/"
    path.write_text(f'duty = ["{address}"]\nwrong = ["no-such-service://x:{SECRET}@y"]\n')
    return path


@pytest.fixture
def courier(addresses: Path) -> Iterator[Courier]:
    made = Courier(addresses, pauses_s=(0.0, 0.0, 0.0))
    yield made
    made.close()


def test_a_message_reaches_the_service(sink: Receiver, courier: Courier) -> None:
    courier.put("duty", "Parking: brak wolnych miejsc", "Nic nie trzeba robić.")
    got = sink.next().json
    assert (got["title"], got["message"]) == ("Parking: brak wolnych miejsc", "Nic nie trzeba robić.")


def test_what_a_service_refuses_is_tried_again_and_no_secret_is_logged(
    sink: Receiver, courier: Courier, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sink.status = 500
    courier.put("duty", "Title", "Body")
    assert [sink.next().json["title"] for _ in range(3)] == ["Title"] * 3
    for bad in ("wrong", "nobody"):
        with pytest.raises(NotSentError) as error:
            courier.send(bad, "Title", "Body")
        assert SECRET not in str(error.value)
        assert bad in str(error.value)
    assert SECRET not in caplog.text


def test_a_file_that_cannot_be_used_says_so_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "addresses.toml"
    courier = Courier(path)
    with pytest.raises(NotSentError, match="can't be read"):
        courier.send("duty", "Title", "Body")
    path.write_text(f'duty = ["json://{SECRET}')
    with pytest.raises(NotSentError, match="not TOML") as error:
        courier.send("duty", "Title", "Body")
    assert SECRET not in str(error.value)
    courier.close()


@pytest.fixture
def alarmed(config: WebConfig, addresses: Path) -> WebConfig:
    rule = AlarmSpec(("detector_fault",), "duty", language="en", after_s=0)
    return dataclasses.replace(config, site=dataclasses.replace(config.site, alarms=(rule,), alarm_addresses=addresses))


def test_a_fault_of_the_lot_reaches_the_service(alarmed: WebConfig, count: CountOnAir, sink: Receiver) -> None:
    with serving(create_app(alarmed)):
        count.say(lot(12, faults=(STUCK,)))
        got = sink.next().json
    assert got["title"] == "Parking dla klientów: Detector main.outer is at fault"


def test_feedback_reaches_the_service_from_whoever_keeps_it(
    alarmed: WebConfig, count: CountOnAir, sink: Receiver
) -> None:
    rule = AlarmSpec(("feedback",), "duty", language="pl", after_s=0)
    app = create_app(dataclasses.replace(alarmed, site=dataclasses.replace(alarmed.site, alarms=(rule,))))
    app.state.unheeded = lambda: [FEEDBACK]
    with serving(app):
        count.say(lot(12))
        got = sink.next().json
    assert got["title"] == f"Parking dla klientów: Zgłoszenie: {FEEDBACK.about}"
    assert "no. 7" in got["message"]


def test_an_unreadable_book_of_feedback_hides_no_other_alarm(
    alarmed: WebConfig, count: CountOnAir, sink: Receiver
) -> None:
    app = create_app(alarmed)

    def broken() -> list[Alarm]:
        raise OSError("the card is bad")

    app.state.unheeded = broken
    with serving(app):
        count.say(lot(12, faults=(STUCK,)))
        assert sink.next().json["title"] == "Parking dla klientów: Detector main.outer is at fault"


def test_a_test_message_needs_a_credential(alarmed: WebConfig, sink: Receiver, token: str) -> None:
    app = create_app(alarmed)
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as api:
        assert api.post("/api/v1/alarms/test", json={"to": "duty"}).status_code == 401
        assert sink.got.empty()
        api.headers["Authorization"] = f"Bearer {token}"
        assert api.post("/api/v1/alarms/test", json={"to": "duty"}).json() == {"sent": True, "to": "duty"}
        assert sink.next().json["title"].endswith("Test of the alarms")
        sink.status = 500
        failed = api.post("/api/v1/alarms/test", json={"to": "duty"})
        assert failed.status_code == 502
        assert SECRET not in failed.text


def test_the_sender_leaves_apprise_out_of_the_web_process() -> None:

    code = "import sys, controller.api.server; print('apprise' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "False"


def test_what_is_told_at_one_sign_hides_nothing_at_another(tmp_path: Path) -> None:
    rule = Rule(AlarmSpec(("feedback",), "duty", after_s=0))
    north, south = (Alarm("feedback", "barrier", f"{name}, #1", where=name) for name in ("north", "south"))
    assert rule.due(of(tmp_path), time(12), 0.0, [north]) == [north]
    assert rule.due(of(tmp_path), time(12), 1.0, [north, south]) == [south]
