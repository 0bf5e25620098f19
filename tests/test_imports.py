"""Imports point down, and adapters do not know one another: the table below is the design, and nothing else is allowed.

A new module needs a row; a new arrow needs a place in a row and a reason, or better another design.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

DECODERS = ("inputs.payloads", "inputs.document", "inputs.lorawan", "inputs.nodes", "inputs.bay_sensors")
SITE = ("site", "site_words", "site_tables", "site_sign_tables", "site_checks", "site_faults", "site_signs", "site_far")
DEMO = ("demo", "demo_page", "demo_show", "demo_site", "demo_stage", "demo_terminal", "demo_words")

COMMANDS = (
    "__main__",
    *(
        f"cli_{n}"
        for n in (
            "access",
            "shared",
            "sign",
            "preview",
            "identify",
            "kept_up",
            "recordings",
            "simulate",
            "score",
            "decoder",
        )
    ),
)

# Who (modules of one room may import one another) -> what it may import, and why. The lowest first.
MAY: dict[tuple[str, ...], dict[str, str]] = {
    ("domain",): {},
    ("clocks",): {"domain.specs": "a local time, as the domain takes it"},
    ("notify",): {},
    ("lifeline",): {},
    ("link",): {},
    ("places",): {"link": "its address for a run directory"},
    DECODERS: {"domain.events": "a reading has a stamp"},
    ("recording",): {"domain.events": "a line is an event"},
    SITE: {
        "domain.specs": "what a site file is turned into",
        "domain.report": "the messages that a panel must be able to show",
        "inputs.payloads": "a format must be known",
        "sign.layout": "a text must fit its panel; imported when a site is checked",
    },
    ("broker",): {"site": "where the broker is"},
    ("journal",): {"domain": "snapshots of the state, passages", "recording": "inputs stand in it as lines"},
    ("salvage",): {
        "domain": "what a new journal begins with",
        "journal": "what is set aside, and begun anew",
    },
    ("store",): {
        "domain": "the state, for snapshots",
        "journal": "where it is written",
        "salvage": "when the file is damaged",
    },
    ("commands",): {
        "domain": "what they become",
        "journal": "who is to be remembered for it",
        "link": "the shape in which they come",
        "recording": "how large an adjustment may be",
    },
    # Adapters: each knows the site file and its own side of the world.
    ("inputs.gpio", "inputs.kernel_pins", "inputs.lines"): {"site": "which pins"},
    ("inputs.mock_pins",): {"link": "connecting to a local address"},
    ("inputs.mqtt",): {"site": "which topics", "broker": "the connection"},
    ("inputs.light",): {
        "inputs.document": "what its messages say",
        "inputs.mqtt": "the type of what comes from the broker",
        "site": "its topic",
    },
    ("inputs.neighbours",): {"domain.events": "what it becomes", "inputs.payloads": "its error"},
    ("inputs.sensors",): {
        "domain.events": "what messages become",
        "inputs.neighbours": "what other lots say",
        "inputs.payloads": "decoding",
        "site": "which sensors",
    },
    ("publish",): {"site": "the broker and the prefix", "broker": "the connection"},
    ("sign",): {
        "broker": "the connection to signs elsewhere",
        "clocks": "whether the clock is known to be right",
        "domain.report": "the message",
        "domain.specs": "the usual words, for a preview",
        "site_signs": "all that a sign may have to say, for the check",
        "link": "connecting to a local address, and how long a state is fresh",
        "site": "what a panel is made of",
    },
    ("simulator",): {
        "broker": "it publishes as sensors do",
        "clocks": "the pace of time, which it sets",
        "domain.events": "what a run is written as",
        "inputs.mock_pins": "its hand on the wire",
        "recording": "what a run is written as",
        "site": "its pins and topics",
        "site_faults": "naming what is wrong with a file",
    },
    ("taken",): {"inputs.mqtt": "the messages", "recording": "how they stand in the journal"},
    # The one owner of all state, and what runs in its place without a clock.
    ("service",): {
        "clocks": "time",
        "commands": "what people ask for",
        "domain": "the fold",
        "inputs.gpio": "the type of what comes from pins",
        "inputs.mqtt": "the type of what comes from the broker",
        "inputs.sensors": "what messages mean",
        "journal": "durability",
        "link": "the shapes of the envelope and of replies",
        "recording": "what is written",
        "site": "which lot",
        "store": "what waits to be written",
        "taken": "messages that come twice",
    },
    ("replay",): {
        "domain": "the fold",
        "inputs.sensors": "what messages mean",
        "recording": "what is read",
        "service": "translating an entry, as a restart does",
        "site": "which lot",
    },
    # Entry points of the three processes; sign's is sign.guardian.
    ("count",): {
        "broker": "its password",
        "clocks": "time",
        "inputs": "pins and MQTT",
        "link": "its server",
        "notify": "systemd",
        "places": "journal, key and link",
        "publish": "state to MQTT",
        "salvage": "opening the journal",
        "service": "the loop",
        "site": "which lot",
    },
    ("api",): {
        "domain.chronicle": "how long a level of the history holds",
        "domain.report": "the words of the state that it shows",
        "domain.notes": "the codes of what led to it",
        "domain.specs": "the shapes of the lot that it shows",
        "journal": "what was, read only",
        "link": "whether a state is fresh",
        "notify": "systemd",
        "places": "the journal and the command key",
        "sign.layout": "a staff message must fit its panel",
        "sign.colours": "pictures of the sign",
        "sign.look": "pictures of the sign",
        "sign.readback": "what the sign shows now",
        "site": "names, texts, where to listen",
    },
    ("run",): {"lifeline": "children end with their parent"},
    DEMO: {
        "api": "its page joins the web process",
        "clocks": "where simulated time is kept",
        "broker": "its page's buttons publish as sensors do",
        "inputs.mock_pins": "where the pins are",
        "link": "how long a state is fresh",
        "run": "starting the product",
        "sign.readback": "the sign in the terminal",
        "simulator": "the cars",
        "site": "its own site file",
    },
    ("score", "score_files"): {},
    ("compare",): {
        "domain": "the passages",
        "recording": "what is read",
        "replay": "both sides of it",
        "site": "the settings that differ",
    },
    ("accuracy",): {
        "domain": "passages and events, for the baselines",
        "inputs.sensors": "what bays said",
        "recording": "what was simulated",
        "replay": "the product",
        "score": "how far it was off",
        "score_files": "reading truth and answers",
        "service": "what bays said",
        "simulator": "what it is tried on",
        "site": "the simulated site",
    },
    COMMANDS: {
        "api.server": "web",
        "api.accounts": "access",
        "count": "count",
        "demo": "demo",
        "journal": "record export",
        "lifeline": "ending with a supervisor",
        "notify": "systemd",
        "places": "what --state-dir and --run-dir mean",
        "recording": "replay",
        "replay": "replay",
        "run": "run",
        "compare": "replay --compare",
        "score": "score",
        "score_files": "score",
        "simulator": "simulate",
        "domain.decoder_table": "the decoder's table",
        "domain.report": "sign preview",
        "domain.specs": "the lane that the table is printed for",
        "sign": "sign run, test, identify, dark, preview",
        "site": "check, and before everything else",
        "site_far": "the file of a machine that drives a sign alone",
        "site_sign_tables": "sign preview",
    },
}

PURE = {"bisect", "collections", "dataclasses", "enum", "functools", "itertools", "math", "typing"}
"""What the domain needs of Python: no clock, threads, files, sockets nor logging."""

IN_DOMAIN = {f"domain.{name}": {"numpy"} for name in ("belief", "believed", "chances", "level", "rhythm", "sample")}


def is_in(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")


def room_of(module: str) -> tuple[str, ...] | None:
    return next((room for room in MAY if any(is_in(module, place) for place in room)), None)


def imported(path: Path) -> Iterator[str]:
    """Yield all that a file imports, anywhere in it, as ``package.module.name``."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def arrows(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (importer, imported) for each import; ours without ``controller.``, and only to the module."""
    modules = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix("__init__").rstrip("."): path
        for path in sorted((root / "controller").rglob("*.py"))
    }
    for module, path in modules.items():
        for name in imported(path):
            target = name if name in modules else name.rpartition(".")[0]
            if name.startswith("controller."):
                yield module.removeprefix("controller."), target
            else:
                yield module.removeprefix("controller."), name


def wrong(root: Path) -> list[str]:
    """Say which imports the table forbids."""
    return [f"{who} imports {what}: {why}" for who, what in arrows(root) if (why := _verdict(who, what))]


def _verdict(who: str, what: str) -> str | None:
    room = room_of(who)
    if what.startswith("."):
        return "write it from the root, as controller.…"
    if not is_in(what, "controller"):
        top = what.partition(".")[0]
        pure = not is_in(who, "domain") or top in PURE | IN_DOMAIN.get(who, set())
        return None if pure else "the domain is pure"
    target = what.removeprefix("controller").removeprefix(".")
    if not target:  # the root package has nothing but the version
        return None
    if room is None:
        return None if who in {"controller", "inputs", "api"} else f"{who} has no row in the table"
    if any(is_in(target, place) for place in (*room, *MAY[room])):
        return None
    return f"the row of {who} does not have it"


def test_imports_point_down() -> None:
    assert wrong(ROOT) == []


def test_every_module_has_a_row_in_the_table() -> None:
    packages = {"controller", "inputs"}
    assert {who for who, _ in arrows(ROOT) if room_of(who) is None} <= packages


def test_the_table_allows_nothing_that_nobody_does() -> None:
    used = [(who, what.removeprefix("controller.")) for who, what in arrows(ROOT)]
    unused = [
        (room[0], place)
        for room, places in MAY.items()
        for place in places
        if not any(room_of(who) == room and is_in(what, place) for who, what in used)
    ]
    assert unused == []


def test_no_row_allows_what_stands_above_it() -> None:
    order = list(MAY)
    late = {("site", "sign.layout")}
    up = [
        (room[0], place)
        for number, room in enumerate(order)
        for place in MAY[room]
        for other in order[number + 1 :]
        if any(is_in(place, up) or is_in(up, place) for up in other)
    ]
    assert set(up) == late


@pytest.mark.parametrize(
    ("module", "line", "why"),
    [
        ("domain/lot.py", "from controller.journal import Journal", "the row of domain.lot does not have it"),
        ("domain/lot.py", "import controller.site", "the row of domain.lot does not have it"),
        ("domain/lot.py", "import numpy", "the domain is pure"),
        ("domain/lane.py", "import time", "the domain is pure"),
        ("domain/lane.py", "from logging import getLogger", "the domain is pure"),
        ("domain/lane.py", "from pydantic import BaseModel", "the domain is pure"),
        (
            "domain/lot.py",
            "def f():\n    from controller.link import connect",
            "the row of domain.lot does not have it",
        ),
        ("domain/lot.py", "from . import lane", "write it from the root"),
        (
            "simulator/season.py",
            "from controller.service import Service",
            "the row of simulator.season does not have it",
        ),
        ("simulator/season.py", "from controller.domain import lot", "the row of simulator.season does not have it"),
        ("simulator/season.py", "from controller.journal import Journal", "does not have it"),
        ("inputs/gpio.py", "from controller.inputs.mqtt import MqttInputs", "the row of inputs.gpio does not have it"),
        ("inputs/payloads.py", "from controller.site import Site", "the row of inputs.payloads does not have it"),
        ("sign/guardian.py", "from controller.inputs import gpio", "the row of sign.guardian does not have it"),
        ("sign/guardian.py", "from controller.api import status", "the row of sign.guardian does not have it"),
        ("api/status.py", "from controller.service import Service", "the row of api.status does not have it"),
        ("api/status.py", "from controller.sign.panel import open_panel", "the row of api.status does not have it"),
        ("count.py", "import controller.api.server", "the row of count does not have it"),
        ("wizard.py", "import controller.site", "wizard has no row in the table"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, module: str, line: str, why: str) -> None:
    for name in (module, "domain/lane.py", "domain/lot.py", "service.py", "journal.py", "site.py", "inputs/mqtt.py"):
        path = tmp_path / "controller" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "controller" / module).write_text(line)
    (said,) = wrong(tmp_path)
    assert why in said


def test_allowed_imports_are_let_through(tmp_path: Path) -> None:
    for name, text in {
        "domain/lot.py": "import math\nfrom controller.domain import lane\n",
        "domain/lane.py": "from dataclasses import dataclass\n",
        "domain/belief.py": "import numpy\nimport numpy.random\n",
        "service.py": "from controller import __version__\nfrom controller.inputs.gpio import PinLevel\n",
        "inputs/gpio.py": "import gpiozero\n",
    }.items():
        path = tmp_path / "controller" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert wrong(tmp_path) == []


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("controller.count", ("fastapi", "uvicorn", "jinja2", "amqtt", "luma")),
        ("controller.sign.guardian", ("fastapi", "uvicorn", "gpiozero", "paho", "sqlite3")),
        ("controller.api.server", ("gpiozero", "luma", "amqtt")),
        ("controller.domain.view", ("pydantic", "gpiozero", "logging", "asyncio")),
        ("controller.__main__", ("fastapi", "pydantic", "gpiozero", "paho", "PIL")),
    ],
)
def test_a_process_loads_only_what_is_its_own(module: str, without: tuple[str, ...]) -> None:
    script = f"import {module}, sys; print(*[name for name in {without!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
