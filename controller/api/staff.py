"""The part of /api/v1 that changes something: corrections and closures, each for the role that may.

Each is a command over the link; the answer is 200 only after the count process has it on record.
"""

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool

from controller.api import problems
from controller.api.access import AttendantDep, ManagerDep
from controller.api.accounts import Who
from controller.api.models import Closure, Correction, Done, SignDone, SignText
from controller.api.parts import SiteDep, UplinkDep
from controller.api.problems import Problem
from controller.api.reading import known_sign, known_zone
from controller.api.uplink import (
    CommandError,
    KeyUnreadableError,
    LinkDownError,
    NoReplyError,
    RefusedError,
    Uplink,
)
from controller.domain.report import Message, MessageKind, Reason
from controller.sign.layout import CannotShow, compose

router = APIRouter(
    prefix="/api/v1",
    tags=["staff"],
    responses=problems.responses(
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    ),
)

_FAILURES: dict[type[CommandError], tuple[HTTPStatus, str]] = {
    KeyUnreadableError: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Start the counting process once, which makes it, and let the web process's group read it",
    ),
    LinkDownError: (HTTPStatus.SERVICE_UNAVAILABLE, "Start the counting process and send this again"),
    NoReplyError: (HTTPStatus.GATEWAY_TIMEOUT, "It may have been done: look at the zone before you send it again"),
    RefusedError: (HTTPStatus.BAD_GATEWAY, "Mend what the counting process says"),
}


@router.post("/zones/{name}/correction")
async def correct(who: AttendantDep, name: str, correction: Correction, site: SiteDep, uplink: UplinkDep) -> Done:
    """Say how many vehicles are in the zone: somebody looked."""
    known_zone(site, name)
    limit = 2 * next(z.capacity for z in site.lot.zones if z.name == name)
    if correction.occupied > limit:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"body.occupied: {correction.occupied} vehicles in {name!r} is more than twice its capacity",
            mend=f"Send 0 to {limit}",
        )
    await _command(uplink, who, do="correct", zone=name, occupied=correction.occupied, reason=correction.reason)
    return Done(done=True, zone=name)


@router.post("/zones/{name}/closure")
async def close(who: AttendantDep, name: str, closure: Closure, site: SiteDep, uplink: UplinkDep) -> Done:
    """Close the zone (its signs say so), or open it again."""
    known_zone(site, name)
    await _command(uplink, who, do="close", zone=name, closed=closure.closed, reason=closure.reason)
    return Done(done=True, zone=name)


@router.post("/signs/{name}/message")
async def put_message(who: ManagerDep, name: str, words: SignText, site: SiteDep, uplink: UplinkDep) -> SignDone:
    """Put words of your own on a sign for a while. A closed lot goes before them, and nothing else does."""
    known_sign(site, name)
    panel = next(p for p in site.panels if p.name == name)
    told = Message(MessageKind.STAFF, words.text, None, Reason.STAFF_MESSAGE)
    try:
        await run_in_threadpool(compose, told, *panel.size, pages=panel.pages, scroll=panel.scroll)
    except CannotShow as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"body.text: {error}", mend=error.mend) from error
    seconds = words.minutes * 60
    await _command(uplink, who, do="message", sign=name, text=words.text, seconds=seconds, reason=words.reason)
    return SignDone(done=True, sign=name)


@router.delete("/signs/{name}/message")
async def take_message_off(who: ManagerDep, name: str, site: SiteDep, uplink: UplinkDep) -> SignDone:
    """Take staff's words off the sign before they end by themselves; harmless when there are none."""
    known_sign(site, name)
    await _command(uplink, who, do="message", sign=name, text=None)
    return SignDone(done=True, sign=name)


async def _command(uplink: Uplink, who: Who, **command: object) -> None:
    try:
        await uplink.command(by=who.by, **command)
    except CommandError as error:
        status, mend = _FAILURES[type(error)]
        raise Problem(status, str(error), mend=mend) from error
