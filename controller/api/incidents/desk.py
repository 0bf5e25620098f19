"""What the routes and the pages of incidents do alike: take a report, log, and deal with one."""

import time
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

from fastapi import Depends, Path, Request

from controller.api.access import Gate
from controller.api.accounts import Role, Who
from controller.api.alarms.rules import Alarm
from controller.api.incidents.book import (
    DRIVERS_KINDS,
    Book,
    Finding,
    Incident,
    IncidentKind,
    NoIncidentError,
    NotNowError,
    Source,
    plain_note,
)
from controller.api.models import Picture
from controller.api.problems import Problem
from controller.api.throttle import Throttle
from controller.site import Site

PER_PLACE, IN_ALL = 3, 60
"""Reports of drivers that are taken within ``WINDOW_S`` from one address, and in all."""
WINDOW_S = 600.0

Do = Literal["acknowledge", "assign", "close", "reopen"]
IdPath = Annotated[int, Path(ge=1, le=2**62)]


class Desk:
    """Takes what is told, and lets staff deal with it."""

    def __init__(self, book: Book, site: Site) -> None:
        self.book = book
        self._site = site
        self._throttle = Throttle(WINDOW_S)

    def report(self, kind: IncidentKind, sign: str | None, note: str, *, place: str, now: Picture) -> None:
        """Write down what a driver tells; his address is forgotten. Raises Problem."""
        if kind not in DRIVERS_KINDS:
            mend = f"Send one of {', '.join(DRIVERS_KINDS)}"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"body.kind: {kind} is staff's to log", mend=mend)
        keys, monotonic = [(f"from {place}", PER_PLACE), ("all", IN_ALL)], time.monotonic()
        if wait_s := max(self._throttle.wait_s(key, most, monotonic) for key, most in keys):
            headers = {"Retry-After": str(wait_s)}
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too many reports", mend=f"Wait {wait_s} s", headers=headers)
        for key, most in keys:
            self._throttle.count(key, most, monotonic)
        signs = self._site.lot.signs
        spec = next((s for s in signs if s.name == sign), signs[0] if len(signs) == 1 else None)
        self.book.open(
            kind,
            Source.DRIVER,
            who="driver",
            at=time.time(),
            zone=spec.zone if spec else None,
            sign=spec.name if spec else None,
            note=plain_note(_plain(note)),
            moment=moment(now, spec.name if spec else None),
        )

    def log(self, kind: IncidentKind, zone: str | None, note: str, *, who: Who, now: Picture) -> Incident:
        """Write down what staff tell."""
        sign = next((s.name for s in self._site.lot.signs if s.zone == zone), None)
        note = " ".join(_plain(note).split())
        state = moment(now, sign)
        return self.book.open(kind, Source.STAFF, who=who.by, at=time.time(), zone=zone, note=note, moment=state)

    def deal(
        self, number: int, do: Do, *, who: Who, note: str, to: str | None = None, finding: Finding = Finding.UNCLEAR
    ) -> Incident:
        """Do one step; raises Problem."""
        at, note = time.time(), " ".join(_plain(note).split())
        try:
            match do:
                case "acknowledge":
                    return self.book.acknowledge(number, who.by, at, note)
                case "assign":
                    return self.book.assign(number, to, who.by, at, note)
                case "close":
                    return self.book.shut(number, finding, who.by, at, note)
                case "reopen":
                    return self.book.reopen(number, who.by, at, note)
        except NoIncidentError as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error), mend="See /api/v1/incidents") from error
        except NotNowError as error:
            raise Problem(HTTPStatus.CONFLICT, str(error), mend=f"See /api/v1/incidents/{number}") from error

    def unheeded(self) -> list[Alarm]:
        """Return an alarm for each report of a driver that nobody has seen."""
        return [
            Alarm("feedback", one.kind.value, f"{one.sign or '?'}, #{one.id}", where=one.sign or "")
            for one in self.book.unseen()
        ]


def moment(now: Picture, sign: str | None) -> dict[str, object]:
    """Return what is kept of the lot's state with an incident: a ``LotMoment``."""
    told = ("name", "capacity", "free", "low", "high", "status", "reason")
    seen = next((s for s in now.signs if s.name == sign), None)
    text = seen.panel.message.text if seen and seen.panel.message else None
    return {
        "live": now.live,
        "sign": {"name": seen.name, "text": text, "lit": seen.panel.lit} if seen else None,
        "zones": [{name: getattr(zone, name) for name in told} for zone in now.zones],
        "faults": [{"subject": fault.subject, "kind": fault.kind} for fault in now.faults],
    }


def assignable(gate: Gate) -> list[str]:
    """Return the names of the users who may deal with incidents."""
    users = (a for a in gate.accounts.accounts() if a.kind == "user" and a.revoked is None)
    return sorted(a.name for a in users if a.role.covers(Role.ATTENDANT))


def place_of(request: Request) -> str:
    """Return the address that asks; of an IPv6 one the network, since everybody has as many of these as he likes."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ip_network((address, 64), strict=False))  # noqa: PLR2004  IP's


def _plain(text: str) -> str:
    """Return a text that any file can hold."""
    return text.encode("utf-8", "replace").decode()


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.incidents
    return desk


DeskDep = Annotated[Desk, Depends(_desk)]
