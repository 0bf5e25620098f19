"""The feeds against their published schemas and our own invariants, at every change of a whole simulated day."""

import dataclasses
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from count_on_air import STUCK, CountOnAir, envelope, lot, site_in, wait_until
from jsonschema import Draft202012Validator, FormatChecker
from lxml import etree
from referencing import Registry, Resource

from controller.api.envelope import Envelope
from controller.api.feeds import datex, ngsi_ld, parkapi
from controller.api.models import Picture
from controller.api.status import picture
from controller.domain import view
from controller.domain.events import ClosureChanged
from controller.domain.report import LotReport, Status
from controller.recording import Reader
from controller.replay import Replay
from controller.simulator.scenario import load as scenario
from controller.simulator.simulated import simulate
from controller.site import PlaceSpec, Site, load

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
MOMENT = "2026-11-24T12:00:00.000+01:00"
PLACE = PlaceSpec(52.2297, 21.0122, "ul. Prosta 1, Warszawa", publisher="PL-1")
PRK = "{http://datex2.eu/schema/3/parking}"
FAC = "{http://datex2.eu/schema/3/facilities}"


@pytest.fixture(scope="module")
def xsd(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    folder = tmp_path_factory.mktemp("datex")
    with tarfile.open(SCHEMAS / "datex-3.7.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return etree.XMLSchema(etree.parse(folder / "DATEXII_3_D2Payload.xsd"))


def read(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text("utf-8"))


@pytest.fixture(scope="module")
def models() -> dict[str, Draft202012Validator]:
    registry = Registry().with_resource(
        "https://smart-data-models.github.io/data-models/common-schema.json",
        Resource.from_contents(read("common-schema.json")),
    )
    return {
        kind: Draft202012Validator(read(f"{kind}.json"), registry=registry, format_checker=FormatChecker())
        for kind in ("OffStreetParking", "ParkingSpot")
    }


@pytest.fixture(scope="module")
def city() -> Draft202012Validator:
    schema = read("parkapi-city.json")
    del schema["$schema"]  # it names an address that answers no more
    return Draft202012Validator(schema, format_checker=FormatChecker())


def of(site: Site, report: LotReport, *, age_s: float = 0.0) -> Picture:
    told = Envelope.model_validate(envelope(report, age_s=age_s))
    return picture(site, told, {}, told.sent + age_s)


def check(
    site: Site, now: Picture, xsd: etree.XMLSchema, models: dict[str, Draft202012Validator], city: Draft202012Validator
) -> dict[str, int | None]:
    """Hold every feed against its schema and the invariants; return the published number of each zone."""
    status = etree.parse(io.BytesIO(datex.status(site, now, MOMENT)))
    xsd.assertValid(status)
    park = parkapi.city(site, now, MOMENT)
    city.validate(park)
    entities = ngsi_ld.entities(site, PLACE, now)
    for entity in entities:
        models[entity["type"]].validate(entity)
    said = status.findall(f"{PRK}parkingStatusInformation")
    published: dict[str, int | None] = {}
    for zone, xml, item, entity in zip(now.zones, said, park["lots"], entities, strict=False):
        vacant = xml.findtext(f"{PRK}occupancy/{PRK}numberOfVacantSpaces")
        numbers = {None if vacant is None else int(vacant), item.get("free"), entity.get("availableSpotNumber")}
        assert len(numbers) == 1, (zone, numbers)  # all feeds say the same
        free = numbers.pop()
        if zone.status in {Status.CLOSED, Status.UNKNOWN}:
            assert free is None
        if free is not None:
            assert 0 <= free <= zone.capacity
        assert (xml.findtext(f"{FAC}openingStatus") == "closed") == (zone.status is Status.CLOSED)
        if zone.status is Status.UNKNOWN:
            assert "noParkingInformationAvailable" in [e.text for e in xml.findall(f"{PRK}parkingFault")]
        published[zone.name] = free
    return published


@pytest.fixture
def placed(tmp_path: Path) -> Site:
    return dataclasses.replace(site_in(tmp_path), place=PLACE)


def test_the_table_is_valid_and_has_every_zone(placed: Site, xsd: etree.XMLSchema) -> None:
    for site in (placed, dataclasses.replace(placed, place=None)):
        table = etree.parse(io.BytesIO(datex.table(site, MOMENT)))
        xsd.assertValid(table)
        elements = table.findall(f".//{PRK}hierarchyElementGeneral")
        assert [e.get("id") for e in elements] == [
            "parking-dla-klientow",
            "parking-dla-klientow-customers",
            "parking-dla-klientow-staff",
        ]
        assert [e.findtext(f"{PRK}supply/{PRK}quantity") for e in elements] == ["52", "40", "12"]


@pytest.mark.parametrize("free", [None, 0, 12, 40])
def test_each_status_is_said_validly(
    placed: Site,
    free: int | None,
    xsd: etree.XMLSchema,
    models: dict[str, Draft202012Validator],
    city: Draft202012Validator,
) -> None:
    published = check(placed, of(placed, lot(free, faults=(STUCK,))), xsd, models, city)
    assert published == {"customers": free, "staff": None}


def test_a_stale_state_publishes_no_number(
    placed: Site, xsd: etree.XMLSchema, models: dict[str, Draft202012Validator], city: Draft202012Validator
) -> None:
    now = of(placed, lot(12), age_s=5.0)
    assert check(placed, now, xsd, models, city) == {"customers": None, "staff": None}
    assert b"communicationsFailure" in datex.status(placed, now, MOMENT)
    assert {lot["state"] for lot in parkapi.city(placed, now, MOMENT)["lots"]} == {"nodata"}


def test_a_number_beyond_the_capacity_is_clamped(placed: Site) -> None:
    now = of(placed, lot(12))
    zone = now.zones[0].model_copy(update={"free": 99})
    assert b"<prk:numberOfVacantSpaces>40<" in datex.status(placed, now.model_copy(update={"zones": [zone]}), MOMENT)


def test_a_zone_without_any_space_in_service_has_no_share_that_is_taken(placed: Site) -> None:
    now = of(placed, lot(12))
    zone = now.zones[0].model_copy(update={"free": 0, "capacity": 0})
    (entity, *_) = ngsi_ld.entities(placed, PLACE, now.model_copy(update={"zones": [zone]}))
    assert entity["availableSpotNumber"] == entity["occupiedSpotNumber"] == 0
    assert "occupancy" not in entity


class Day(Replay):
    """A replay that gives the lot's report at every row of the sign."""

    def __init__(self, site: Site) -> None:
        super().__init__(site, io.StringIO())
        self.site = site
        self.reports: list[LotReport] = []

    def _rows(self) -> None:
        before = self.tally.rows
        super()._rows()
        if self.tally.rows != before:
            self.reports.append(view.report(self.site.lot, self.state))


def day(folder: Path) -> Iterator[tuple[Site, LotReport]]:
    simulate("shop20", scenario("shop20"), seed=1, days=1.0, out=folder)
    site = load(folder / "site.toml")
    replay = Day(site)
    replay.run(Reader(folder / "recording.jsonl.gz"))
    replay._fold(ClosureChanged(site.lot.zones[0].name, True, replay.state.at))  # noqa: SLF001  the day ends: closed
    yield from ((site, report) for report in replay.reports)


def test_every_moment_of_a_simulated_day_is_valid(
    tmp_path: Path, xsd: etree.XMLSchema, models: dict[str, Draft202012Validator], city: Draft202012Validator
) -> None:
    seen: set[tuple[Status, bool]] = set()
    moments = 0
    for site, report in day(tmp_path):
        now = of(dataclasses.replace(site, place=PLACE), report)
        published = check(site, now, xsd, models, city)
        seen |= {(zone.status, published[zone.name] is None) for zone in now.zones}
        moments += 1
    assert moments > 100
    assert {(Status.OPEN, False), (Status.CLOSED, True)} <= seen
    print(f"\n{moments} moments, {sorted(seen)}")  # noqa: T201  pytest -s shows it


def test_the_feeds_are_served(count: CountOnAir, api: httpx.Client) -> None:
    count.say(lot(12))
    wait_until(lambda: bool(api.get("/api/v1/status").json()["live"]))
    status = api.get("/api/v1/feeds/datex2/status.xml").raise_for_status()
    assert status.headers["content-type"] == "application/xml"
    assert b"<prk:numberOfVacantSpaces>12<" in status.content
    assert b"ParkingTablePublication" in api.get("/api/v1/feeds/datex2/table.xml").raise_for_status().content
    assert api.get("/api/v1/feeds/parkapi.json").raise_for_status().json()["lots"][0]["free"] == 12
    nowhere = api.get("/api/v1/feeds/ngsi-ld.jsonld")
    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, "application/problem+json")
    assert "[place]" in nowhere.json()["mend"]
