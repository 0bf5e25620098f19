"""A count process as the web process sees it: a real link, states of the domain's own shapes, commands answered."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PIL import Image
from pydantic import TypeAdapter

from controller.domain.notes import Note, What, note
from controller.domain.report import (
    Advice,
    BayReport,
    DetectorReport,
    Fault,
    FaultKind,
    LaneReport,
    LotReport,
    Message,
    MessageKind,
    Passage,
    PassageKind,
    QualityReport,
    Reason,
    RecountReport,
    SignReport,
    Status,
    ZoneReport,
)
from controller.link import LinkServer, Reply, default_address, load_or_create_key
from controller.sign import readback
from controller.sign.layout import render
from controller.site import Site, load

SITE = """
[lot]
name = "Parking dla klientów"
timezone = "Europe/Warsaw"

[[zone]]
name = "customers"
capacity = 40
nearly_full_at = 4

[[zone]]
name = "staff"
capacity = 12

[[lane]]
name = "main"
zone = "customers"
outer = { gpio = 17 }
inner = { gpio = 27 }
barrier = { gpio = 22 }

[[lane]]
name = "gate"
zone = "staff"
from_zone = "customers"
direction = "entry"
loop = { mqtt = "lot/gate/loop" }

[[bay]]
name = "A1"
zone = "customers"
mqtt = "bays/A1"

[[bay]]
name = "A2"
zone = "customers"
mqtt = "bays/A2"

[[bay]]
name = "A3"
zone = "customers"
mqtt = "bays/A3"

[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"
width = 64
height = 16
"""

EPOCH = 1_795_000_000.0
"""Unix time of lot time 0: 2026-11-18T11:06:40Z."""
LOT_NOW = 90_000.0


def site_in(folder: Path) -> Site:
    path = folder / "site.toml"
    path.write_text(SITE, "utf-8")
    return load(path)


def number(free: int) -> Message:
    return Message(MessageKind.NUMBER, str(free), free, Reason.COUNTED)


FULL = Message(MessageKind.FULL, "brak wolnych miejsc", None, Reason.COUNTED)
UNCERTAIN = Message(MessageKind.UNCERTAIN, "P", None, Reason.NEVER_COUNTED)


QUALITY = QualityReport(391, 0.004, 0.031, 0.002, 0.05, 0.014, 4.1, 3.7, (Advice.INNER_MISSES,))


def zone(name: str, capacity: int, free: int | None, at: float = LOT_NOW) -> ZoneReport:
    if free is None:
        return ZoneReport(
            *(
                name,
                capacity,
                "lanes",
                None,
                None,
                None,
                0,
                capacity,
                0.1,
                Status.UNKNOWN,
                Reason.NEVER_COUNTED,
                at - 600,
            ),
            recount=RecountReport(at - 240, None, 2, 1),
        )
    status = Status.FULL if free == 0 else Status.OPEN
    inside = capacity - free
    return ZoneReport(
        *(name, capacity, "lanes", inside, inside, free, free, free, 1.0, status, Reason.COUNTED, at - 600),
        undo_until=at + 900,
    )


def chain(at: float) -> tuple[Note, ...]:
    """What led to what the sign says: some notes of the domain's own making, and one of an earlier version."""
    return (
        Note(at - 900, "told by an earlier version"),
        note(at - 700, What.CORRECTED, {"occupied": 28, "before": None}),
        note(at - 600, What.BECAME, {"zone": "customers", "status": "OPEN", "reason": "counted"}),
        note(at - 300, What.PASSAGE, {"kind": "entry", "lane": "main", "tailgating": True, "doubt": None}),
        note(at - 42, What.PASSAGE, {"kind": "exit", "lane": "main", "tailgating": False, "doubt": None}),
    )


def lot(free: int | None = 12, *, at: float = LOT_NOW, faults: tuple[Fault, ...] = ()) -> LotReport:
    """The lot of SITE with this many free spaces for customers; the staff's count is never known."""
    message = UNCERTAIN if free is None else FULL if free == 0 else number(free)
    at_fault = {fault.subject: fault.kind for fault in faults}
    detectors = tuple(
        DetectorReport(f"main.{role}", role, level, since, changes, at_fault.get(f"main.{role}"))
        for role, level, since, changes in (
            ("outer", True, at - 3, 812),
            ("inner", False, at - 65, 809),
            ("barrier", None, None, 0),
        )
    )
    gate = DetectorReport("gate.loop", "loop", False, at - 4000, 66, at_fault.get("gate.loop"))
    return LotReport(
        name="Parking dla klientów",
        at=at,
        zones=(zone("customers", 40, free, at), zone("staff", 12, None, at)),
        lanes=(
            LaneReport("main", "customers", "both", 211, 183, 2, 1, QUALITY, detectors),
            LaneReport("gate", "staff", "entry", 33, 0, 0, 0, None, (gate,)),
        ),
        bays=(
            BayReport("A1", "customers", True, at - 500, at - 20),
            BayReport("A2", "customers", False, at - 900, at - 30),
            BayReport("A3", "customers", None, None, None),
        ),
        signs=(
            SignReport(
                "entrance", "customers", message, at - 42, ("main: exit", f"customers: {free} free"), None, chain(at)
            ),
        ),
        faults=faults,
        passages=(
            Passage("main", PassageKind.ENTRY, at - 300, at - 303, tailgating=True),
            Passage("main", PassageKind.BACK_OUT, at - 200, at - 215),
            Passage("gate", PassageKind.ENTRY, at - 100, at - 104, doubt="may have been two vehicles"),
            Passage("main", PassageKind.EXIT, at - 42, at - 44),
        ),
    )


STUCK = Fault("main.outer", FaultKind.STUCK, LOT_NOW - 11_100)

INPUTS: dict[str, Any] = {
    "mqtt": {"connected": True, "reconnects": 2, "last_error": None, "broker": "localhost:1883"},
    "sensors": {
        "accepted": 4711,
        "no_level": 12,
        "unknown": {"zigbee2mqtt/lamp": 3},
        "malformed": {"bays/A1": {"count": 2, "last": "'<b>maybe</b>' is neither occupied nor free"}},
    },
    "gpio": {"factory": "mock", "errors": 0, "unreadable": []},
}


def envelope(report: LotReport, *, age_s: float = 0.0, ttl_s: float = 3.0, **more: object) -> dict[str, Any]:
    return {
        "type": "state",
        "sent": time.monotonic() - age_s,
        "ttl_s": ttl_s,
        "epoch": EPOCH,
        "version": "0.1.0",
        "lot": TypeAdapter(LotReport).dump_python(report, mode="json"),
        "inputs": INPUTS,
        "journal": {"inputs": 12_345, "path": "journal.sqlite", "bytes": 2_400_000},
        **more,
    }


def show(run_dir: Path, message: Message | None, *, age_s: float = 0.0) -> Image.Image:
    """Write what the sign process would when its panel shows ``message`` (None: dark), and return the picture."""
    image = Image.new("1", (64, 16)) if message is None else render(message, 64, 16)
    shown = readback.Shown(
        name="entrance",
        driver="emulator",
        width=64,
        height=16,
        rows=readback.rows(image),
        lit=message is not None,
        message=message,
        why_dark="nothing fresh comes from the counting process" if message is None else None,
        shown_at=EPOCH + LOT_NOW - 42,
        alive=time.monotonic() - age_s,
    )
    readback.write(run_dir, shown)
    return image


def wait_until(what: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError("did not happen in time")
        time.sleep(0.01)


class CountOnAir:
    """Speaks on the link of ``run_dir``; ``beat`` repeats the newest report and read-back as the real ones do."""

    def __init__(self, run_dir: Path, state_dir: Path) -> None:
        self.run_dir = run_dir
        self.address = default_address(run_dir)
        self.commands: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any], Reply], None] = lambda _command, reply: reply(None)
        self._server = LinkServer(
            address=self.address, key=load_or_create_key(state_dir / "command.key"), submit=self._submit
        )
        self._report = lot()
        self._shows: Message | None = number(12)
        self._stop = threading.Event()
        self._beating: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def listeners(self) -> int:
        return self._server.listeners

    def close(self) -> None:
        self._stop.set()
        if self._beating:
            self._beating.join()
        self._server.close()

    def say(self, report: LotReport, *, shows: Message | None = None, **more: Any) -> None:
        """Publish one state; the sign shows what it is told, or ``shows``."""
        self._report, self._shows = report, shows or report.signs[0].message
        show(self.run_dir, self._shows)
        self._server.publish(envelope(report, **more))

    def publish(self, raw: dict[str, Any]) -> None:
        self._server.publish(raw)

    def beat(self) -> None:
        def repeat() -> None:
            while not self._stop.wait(0.5):
                show(self.run_dir, self._shows)
                self._server.publish(envelope(self._report))

        self._beating = threading.Thread(target=repeat)
        self._beating.start()

    def _submit(self, command: dict[str, Any], reply: Reply) -> None:
        self.commands.append(command)
        self.answer(command, reply)
