"""The history over HTTP, from a journal of weeks: figures that add up, pages that follow on, files that open."""

import csv
import io
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from count_on_air import EPOCH, CountOnAir, lot, wait_until
from written_past import CAPACITY, WARSAW, write_past

from controller.api.accounts import Accounts, Role
from controller.api.past import charts, rows
from controller.api.past.figures import held
from controller.api.past.reader import Reader
from controller.api.past.span import Per
from controller.api.past.telling import Telling
from controller.api.server import WebConfig
from controller.journal import open_reader

DAYS = 35
HISTORY = "/api/v1/history"
READS = [
    f"{HISTORY}?zone=customers",
    f"{HISTORY}/levels?zone=customers",
    f"{HISTORY}/bays",
    f"{HISTORY}/corrections",
    f"{HISTORY}/accuracy",
    f"{HISTORY}/table.csv?zone=customers",
    f"{HISTORY}/book.xlsx?zone=customers",
]


@pytest.fixture
def past(config: WebConfig) -> datetime:
    """Write five weeks that ended now; return a day that lies whole in the middle of them."""
    now = datetime.now(WARSAW)
    write_past(config.state_dir / "journal.sqlite", now, DAYS)
    return now - timedelta(days=10)


@pytest.fixture
def reader(config: WebConfig, past: datetime) -> Reader:  # noqa: ARG001  it must be there
    return Reader(config.state_dir / "journal.sqlite", config.site, time.time())


@pytest.fixture
def viewer(config: WebConfig, api: httpx.Client) -> httpx.Client:
    with Accounts(config.token_dir) as accounts:
        token = accounts.make_token("screen", Role.VIEWER, time.time())
    api.headers["Authorization"] = f"Bearer {token}"
    return api


def get(client: httpx.Client, path: str, **params: Any) -> Any:
    return client.get(f"{HISTORY}{path}", params=params).raise_for_status().json()


@pytest.mark.parametrize("path", READS)
def test_the_past_is_for_viewers_alone(config: WebConfig, api: httpx.Client, viewer: httpx.Client, path: str) -> None:
    assert viewer is api
    assert api.get(path).status_code == 503, "there is no journal yet"
    write_past(config.state_dir / "journal.sqlite", datetime.now(WARSAW), 1)
    assert api.get(path).status_code == 200
    del api.headers["Authorization"]
    assert api.get(path).status_code == 401


def test_hours_add_up_to_days_and_days_to_the_month(viewer: httpx.Client, past: datetime) -> None:
    on = past.date().isoformat()
    by_hour = get(viewer, "", zone="customers", span="day", on=on)
    by_day = get(viewer, "", zone="customers", span="week", on=on, per="day")
    assert len(by_hour["buckets"]) == 24
    assert by_hour["first"] == on
    whole = by_hour["whole"]
    (same,) = [b for b in by_day["buckets"] if b["at"].startswith(on)]
    for figure in ("entries", "exits", "occupied_max", "free_min", "turned_away"):
        assert same[figure] == pytest.approx(whole[figure], abs=0.02)
    assert whole["entries"] == sum(b["entries"] for b in by_hour["buckets"]) > 50
    assert sum(whole["seconds"].values()) == pytest.approx(86_400, abs=5)
    assert by_hour["capacity"] == CAPACITY
    assert datetime.fromisoformat(by_hour["peak"]["at"]).date() == past.date()
    month = get(viewer, "", zone="customers", span="month", on=on)
    assert month["per"] == "day"
    assert month["whole"]["turned_away"] > 0
    assert month["whole"]["full_share"] > 0


def test_levels_come_in_pages_that_follow_on(viewer: httpx.Client, past: datetime) -> None:
    on = past.date().isoformat()
    whole = get(viewer, "/levels", zone="customers", on=on)["levels"]
    assert len(whole) >= 288
    found, following, pages = [], f"{HISTORY}/levels?zone=customers&span=day&on={on}&limit=100", 0
    while following:
        page = viewer.get(following).raise_for_status().json()
        assert len(page["levels"]) <= 100
        found += page["levels"]
        following, pages = page["next"], pages + 1
    assert found == whole
    assert pages >= 3


def test_corrections_come_newest_first_in_pages(viewer: httpx.Client, past: datetime) -> None:  # noqa: ARG001  written
    first = get(viewer, "/corrections", limit=4)
    assert len(first["corrections"]) == 4
    second = viewer.get(first["next"]).raise_for_status().json()
    times = [c["at"] for c in first["corrections"] + second["corrections"]]
    assert times == sorted(times, reverse=True)
    last = viewer.get(second["next"]).raise_for_status().json() if second["next"] else second
    assert last["next"] is None


def test_bays_tell_turnover_and_dwell(viewer: httpx.Client, past: datetime) -> None:
    told = get(viewer, "/bays", span="week", on=past.date().isoformat())["bays"]
    assert [bay["bay"] for bay in told] == ["A1", "A2", "A3"]
    for bay in told:
        assert bay["stays"] > 10
        assert 60 < bay["median_s"] < bay["longest_s"]
        assert 0.2 < bay["taken_share"] < 1


def test_accuracy_is_told_from_corrections_and_lanes(
    viewer: httpx.Client,
    count: CountOnAir,
    past: datetime,  # noqa: ARG001  written
) -> None:
    count.say(lot(12))
    wait_until(lambda: viewer.get("/api/v1/status").json()["live"])
    told = get(viewer, "/accuracy", span="month")
    assert told["lanes"][0]["quality"]["passages"] == 391
    earlier = get(viewer, "/accuracy", span="month", on=(datetime.now(WARSAW) - timedelta(days=28)).date().isoformat())
    (customers,) = [z for z in earlier["zones"] if z["zone"] == "customers"]
    assert customers["corrections"] == customers["compared"] > 0
    assert 0 < customers["mean_abs_error"] <= 3
    assert customers["passages"] > 500


@pytest.mark.parametrize("query", ["zone=nowhere", "zone=customers&span=year", "zone=customers&on=1999-12-31", "on=x"])
def test_what_cannot_be_is_refused_with_a_mend(viewer: httpx.Client, past: datetime, query: str) -> None:  # noqa: ARG001
    answer = viewer.get(f"{HISTORY}?{query}")
    assert answer.status_code in {404, 422}
    assert answer.json()["mend"]


def test_the_csv_has_what_the_api_says(viewer: httpx.Client, past: datetime) -> None:
    on = past.date().isoformat()
    answer = viewer.get(f"{HISTORY}/table.csv", params={"zone": "customers", "on": on}).raise_for_status()
    assert answer.headers["content-disposition"] == f'attachment; filename="hours-customers-day-{on}.csv"'
    table = list(csv.DictReader(io.StringIO(answer.text)))
    buckets = get(viewer, "", zone="customers", on=on)["buckets"]
    assert [int(row["entries"]) for row in table] == [b["entries"] for b in buckets]
    assert [datetime.fromisoformat(row["begin"]) for row in table] == [datetime.fromisoformat(b["at"]) for b in buckets]
    for name in ("days", "levels", "bays", "corrections"):
        query = {"zone": "customers", "on": on, "span": "week", "table": name}
        text = viewer.get(f"{HISTORY}/table.csv", params=query).raise_for_status().text
        assert len(text.splitlines()) > 2


@pytest.mark.parametrize(("lang", "names"), [("pl", "Godziny Dni Zajętość Miejsca Korekty"), ("en", "Hours Days")])
def test_the_spreadsheet_opens_and_has_all_tables(viewer: httpx.Client, past: datetime, lang: str, names: str) -> None:
    query = {"zone": "customers", "on": past.date().isoformat(), "lang": lang}
    answer = viewer.get(f"{HISTORY}/book.xlsx", params=query).raise_for_status()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        assert book.testzip() is None
        main = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
        sheets = ET.fromstring(book.read("xl/workbook.xml")).findall("m:sheets/m:sheet", main)  # noqa: S314  our own
        assert " ".join(sheet.attrib["name"] for sheet in sheets).startswith(names)
        hours = ET.fromstring(book.read("xl/worksheets/sheet1.xml")).findall("m:sheetData/m:row", main)  # noqa: S314
        assert len(hours) == 25
        entries = [int(row.findall("m:c/m:v", main)[1].text or "") for row in hours[1:]]
    assert entries == [b["entries"] for b in get(viewer, "", zone="customers", on=query["on"])["buckets"]]


def test_where_time_is_simulated_the_count_says_how_late_it_is(
    viewer: httpx.Client, count: CountOnAir, config: WebConfig
) -> None:
    later = datetime.now(WARSAW) + timedelta(days=30)
    write_past(config.state_dir / "journal.sqlite", later, 1)
    count.say(lot(12, at=later.timestamp() - EPOCH))
    wait_until(lambda: viewer.get("/api/v1/status").json()["live"])
    told = get(viewer, "", zone="customers", span="week")
    assert datetime.fromisoformat(told["peak"]["at"]) > datetime.now(WARSAW) + timedelta(days=20)


# Efficiency


@pytest.fixture
def asked(config: WebConfig, past: datetime) -> Iterator[list[str]]:  # noqa: ARG001  written
    """What SQLite says of how it answers every question of ``rows``."""
    plans: list[str] = []
    with open_reader(config.state_dir / "journal.sqlite") as db:
        said: list[str] = []
        db.set_trace_callback(said.append)
        rows.levels(db, "customers", 0.0, 9e9)
        rows.levels_after(db, "customers", 0.0, 9e9, 10)
        rows.passages(db, 0.0, 9e9)
        rows.turned(db, 0.0, 9e9)
        rows.bays(db, ["A1"], 0.0, 9e9)
        db.set_trace_callback(None)
        for question in said:
            plans += [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {question}")]
        yield plans
    db.close()


def test_every_question_is_answered_from_an_index(asked: list[str]) -> None:
    assert len(asked) >= 6
    assert [plan for plan in asked if plan.startswith("SCAN")] == []


@pytest.mark.parametrize("per", ["hour", "day"])
def test_a_month_reads_no_more_than_its_own_rows(reader: Reader, per: Per) -> None:
    span = reader.span("month", None)
    found = reader.past("customers", span, per)
    with sqlite3.connect(reader.path) as db:
        inside = db.execute(
            "SELECT count(*) FROM level WHERE zone = 'customers' AND wall >= ?", (span.begin,)
        ).fetchone()[0]
    db.close()
    assert inside <= len(found.levels) <= inside + 1


# Charts


@pytest.mark.parametrize("kind", ["day", "week", "month"])
@pytest.mark.parametrize("wide", [False, True])
def test_charts_are_drawn_with_axes_that_can_be_read(reader: Reader, past: datetime, kind: str, wide: bool) -> None:  # noqa: FBT001
    span = reader.span(kind, past.date())  # type: ignore[arg-type]
    telling, paper = Telling("pl", WARSAW), charts.Paper.of(wide=wide)
    found = reader.past("customers", span, "hour" if kind == "day" else "day")
    labels = charts.labels_of(found.buckets, telling)
    drawn = {
        "occupancy": charts.occupancy(found, span, telling, paper),
        "flow": charts.flow(found.buckets, labels, telling, paper),
        "usual": charts.usual(reader.past("customers", span, "hour"), telling, paper),
        "turned": charts.turned(found.buckets, labels, telling, paper),
        "full": charts.full(found.buckets, labels, telling, paper),
        "dwell": charts.dwell(reader.bays(span), telling, paper),
    }
    for name, text in drawn.items():
        root = ET.fromstring(text)  # noqa: S314  our own
        texts = [node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text")]
        written = [t for t in texts if t]
        assert len(written) >= 6, name
        assert "script" not in text
        assert len(text) < 60_000, name
        if not wide:
            across = [t for t in written if t.count(".") == 1 or ":" in t]
            assert len(across) <= 12, f"{name}: labels would run into one another: {across}"
    assert drawn["occupancy"].count("line reactive") >= 2
    assert "pojemność" in drawn["occupancy"]


def test_a_full_hour_is_a_band_as_wide_as_it_was_long(reader: Reader, past: datetime) -> None:
    span = reader.span("month", past.date())
    found = reader.past("customers", span, "day")
    full = [(a, b) for a, b, level in held(found.levels, span.end) if level.status == "FULL"]
    points = charts._band(full, span, 40)  # noqa: SLF001  what the chart is told
    boxes = [points[n : n + 5] for n in range(0, len(points), 5)]
    assert boxes
    assert sum(box[2][0] - box[1][0] for box in boxes) >= sum(b - max(a, span.begin) for a, b in full)
    assert all(box[0][1] == box[3][1] == 0 and box[1][1] == 40 and box[4][1] is None for box in boxes)
