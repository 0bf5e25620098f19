"""What people ask for: the event, the line in the audit trail, and that both survive a kill."""

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fixtures_site import Product, drive_in, wait_until

from controller.api.audit import record
from controller.commands import CommandError, understood
from controller.domain import lot
from controller.domain.events import Event
from controller.domain.state import LotState
from controller.journal import Journal, export, open_reader
from controller.recording import read_line
from controller.replay import Replay
from controller.site import load

SITE = """
[lot]
name = "Parking"

[[zone]]
name = "customers"
capacity = 40
initial_occupied = 10

[[zone]]
name = "nook"
capacity = 2

[[lane]]
name = "main"
zone = "customers"
outer = { gpio = 17 }
inner = { gpio = 27 }

[[bay]]
name = "A1"
zone = "nook"
mqtt = "bays/A1"

[[bay]]
name = "A2"
zone = "nook"
mqtt = "bays/A2"

[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"
width = 64
height = 16

[gpio]
pin_factory = "mock"
"""


class Asked:
    """Folds what is asked for, second by second."""

    def __init__(self, folder: Path) -> None:
        path = folder / "site.toml"
        path.write_text(SITE, "utf-8")
        self.spec = load(path).lot
        self.state: LotState = lot.initial(self.spec)

    def __call__(self, **fields: object) -> dict[str, Any]:
        """Return the row of the audit trail, taken apart."""
        event, audit = understood(fields, self.spec, self.state, self.state.at + 1.0)
        self.fold(event)
        row = {"who": audit.who, "what": audit.what, "reason": audit.reason, "before": audit.before, "wall": 0.0}
        return record(row, ZoneInfo("UTC")).model_dump()

    def fold(self, event: Event) -> None:
        self.state = lot.apply(self.spec, self.state, event)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"do": "correct", "occupied": 31}, ("customers", "occupied", None, "10", "31")),
        ({"do": "adjust", "change": -5}, ("customers", "adjusted", "-5", "10", "5")),
        ({"do": "close", "closed": True}, ("customers", "closed", None, "False", "True")),
        ({"do": "recount"}, ("customers", "recount begun", None, "10", None)),
        ({"do": "service", "bay": "A1", "out": True}, ("A1", "out of service", None, "False", "True")),
        ({"do": "test", "sign": "entrance"}, ("entrance", "tested", None, "", None)),
        (
            {"do": "message", "sign": "entrance", "text": "Wjazd: B = 2", "seconds": 60},
            ("entrance", "message", "60 s", "", "Wjazd: B = 2"),
        ),
        ({"do": "message", "sign": "entrance", "text": None}, ("entrance", "message taken off", None, "", None)),
    ],
)
def test_the_audit_trail_says_what_was_before_and_after(
    asked: Asked, fields: dict[str, object], said: tuple[str | None, ...]
) -> None:
    row = asked(**{"zone": "customers", **fields}, by="anna", reason="why not")
    assert (row["who"], row["reason"]) == ("anna", "why not")
    assert tuple(row[key] for key in ("subject", "field", "details", "before", "after")) == said


def test_a_recount_and_its_undoing_say_what_they_made_of_it(asked: Asked) -> None:
    asked(do="recount", zone="customers")
    row = asked(do="recounted", zone="customers", seen=14)
    assert (row["field"], row["details"], row["before"], row["after"]) == (
        "recounted",
        "14 seen, 0 in, 0 out",
        "10",
        "14",
    )
    row = asked(do="undo", zone="customers")
    assert (row["field"], row["before"], row["after"]) == ("undone", "14", "10")
    asked(do="recount", zone="customers")
    assert asked(do="recounted", zone="customers", seen=None)["field"] == "recount given up"


def test_a_line_of_another_form_is_kept_as_it_is() -> None:
    row = {"who": "x", "what": "somebody else's words", "reason": "", "before": "", "wall": 0.0}
    said = record(row, ZoneInfo("UTC"))
    assert (said.what, said.subject, said.field, said.after) == ("somebody else's words", None, None, None)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"do": "adjust", "zone": "customers", "change": 0}, "change 0: write how many more"),
        ({"do": "adjust", "zone": "customers", "change": True}, "change True: write how many more"),
        ({"do": "adjust", "zone": "customers", "change": -11}, "10 are inside, so that would be -1"),
        ({"do": "adjust", "zone": "nook", "change": 1}, "its bays count it"),
        ({"do": "recount", "zone": "nook"}, "its bays count it"),
        ({"do": "recounted", "zone": "customers", "seen": 3}, "no recount is under way"),
        ({"do": "undo", "zone": "customers"}, "no correction that can be taken back"),
        ({"do": "service", "bay": "A9", "out": True}, "bays here: A1, A2"),
        ({"do": "service", "bay": "A1", "out": 1}, "out 1: write true or false"),
        ({"do": "test", "sign": "exit"}, "signs here: entrance"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_mend(asked: Asked, fields: dict[str, object], why: str) -> None:
    before = asked.state
    with pytest.raises(CommandError, match=why):
        asked(**fields)
    assert asked.state is before


def test_a_second_recount_and_one_without_a_number_are_refused(asked: Asked) -> None:
    asked(do="recount", zone="customers")
    with pytest.raises(CommandError, match="under way already"):
        asked(do="recount", zone="customers")
    with pytest.raises(CommandError, match="seen None"):
        asked(do="recounted", zone="customers")


def test_a_snapshot_keeps_it_and_one_of_an_earlier_version_is_still_read(asked: Asked, tmp_path: Path) -> None:
    asked(do="service", bay="A2", out=True)
    asked(do="test", sign="entrance")
    asked(do="correct", zone="customers", occupied=20)
    asked(do="recount", zone="customers")
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        journal.snapshot(asked.state)
        kept, _ = journal.restore()
    assert kept is not None
    assert lot.adapted(asked.spec, kept) == lot.adapted(asked.spec, asked.state)

    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        (text,) = db.execute("SELECT state FROM snapshot").fetchone()
        old = json.loads(text)
        for name in ("tests", "recounts", "undoable", "out_of_service"):
            del old[name]
        old["notes"] = {
            zone: [{"at": note["at"], "text": note["text"]} for note in notes] for zone, notes in old["notes"].items()
        }
        db.execute("UPDATE snapshot SET state = ?", (json.dumps(old),))
        db.commit()
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        kept, _ = journal.restore()
    assert kept is not None
    state = lot.adapted(asked.spec, kept)
    assert [note.text for note in state.notes["customers"]] == [n.text for n in asked.state.notes["customers"]]
    assert (state.zones["customers"].counted, state.recounts, state.out_of_service) == (20, {}, {})


def test_all_of_it_is_in_the_journal_survives_a_kill_and_replays(product: Product) -> None:
    product.site.write_text(SITE, "utf-8")
    count = product.start_count()
    with product.link() as link, product.pins() as pins:
        for command in (
            {"do": "recount", "zone": "customers", "by": "anna", "reason": "monthly"},
            {"do": "service", "bay": "A2", "out": True, "by": "jan", "reason": "roots"},
        ):
            assert link.command(**command) is None
        drive_in(pins)
        wait_until(lambda: product.occupied() == 11, "a car came in while she walks")
    count.kill()
    count.wait()
    product.start_count()
    with product.link() as link:
        zones = {zone["name"]: zone for zone in link.state()["lot"]["zones"]}
        assert zones["customers"]["recount"]["entries"] == 1
        assert (zones["nook"]["capacity"], zones["nook"]["out_of_service"]) == (1, 1)
        assert link.command(do="recounted", zone="customers", seen=20, by="anna", reason="monthly") is None
        assert link.command(do="adjust", zone="customers", change=-1, by="anna", reason="kerb") is None
        assert link.command(do="undo", zone="customers", by="anna", reason="no") is None
        assert link.command(do="test", sign="entrance", by="jan", reason="dark column") is None
        live = link.state()["lot"]["zones"]
        while live[0]["undo_until"] is not None:
            live = link.state()["lot"]["zones"]
    with closing(open_reader(product.state_dir / "journal.sqlite")) as db:
        rows = db.execute(
            "SELECT who, what, line FROM audit JOIN input ON input.id = input_id ORDER BY audit.id"
        ).fetchall()
    assert [(who, what.partition(" [")[0].partition(" =")[0]) for who, what, _ in rows] == [
        ("anna", "customers: recount begun"),
        ("jan", "A2: out of service"),
        ("anna", "customers: recounted"),
        ("anna", "customers: adjusted"),
        ("anna", "customers: undone"),
        ("jan", "entrance: tested"),
    ]
    assert [next(iter(json.loads(line).keys() - {"t"})) for _, _, line in rows] == [
        "recount",
        "service",
        "recounted",
        "adjustment",
        "undo",
        "sign_test",
    ]
    again = Replay(load(product.site), io.StringIO())
    again.run(read_line(line) for line in export(product.state_dir / "journal.sqlite"))
    assert again.state.zones["customers"].counted == live[0]["counted"]
    assert again.state.out_of_service == {"A2": "nook"}
    assert again.state.recounts == {}
