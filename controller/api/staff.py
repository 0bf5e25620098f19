"""The part of /api/v1 that changes something: the count, closures, bays, and what signs say; each for who may.

Each is a command over the link; the answer is 200 only after the count process has it on record.
"""

import io
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from controller.api import problems
from controller.api.access import AttendantDep, ManagerDep, ViewerDep
from controller.api.accounts import Who
from controller.api.live import Live
from controller.api.models import (
    Adjustment,
    BayDone,
    BayService,
    Closure,
    Correction,
    Done,
    Reasoned,
    RecountResult,
    SignDone,
    SignText,
    ZoneStatus,
)
from controller.api.parts import LiveDep, SiteDep, UplinkDep
from controller.api.problems import Problem
from controller.api.reading import known_bay, known_sign, known_zone
from controller.api.uplink import (
    CommandError,
    KeyUnreadableError,
    LinkDownError,
    NoReplyError,
    RefusedError,
    Uplink,
)
from controller.domain.report import Message, MessageKind, Reason
from controller.sign import look
from controller.sign.layout import CannotShow, Show, compose_for
from controller.site import Site

router = APIRouter(
    prefix="/api/v1",
    tags=["staff"],
    responses=problems.responses(
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    ),
)

ReasonQuery = Annotated[str, Query(min_length=1, max_length=200, pattern=r"\S", description="Goes on record with it.")]

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
    _believable(site, name, "occupied", correction.occupied)
    await _command(uplink, who, do="correct", zone=name, occupied=correction.occupied, reason=correction.reason)
    return Done(done=True, zone=name)


@router.post("/zones/{name}/adjustment")
async def adjust(
    who: AttendantDep, name: str, adjustment: Adjustment, site: SiteDep, live: LiveDep, uplink: UplinkDep
) -> Done:
    """Say that so many vehicles more (or fewer) are in the zone than was counted: somebody saw them pass."""
    if adjustment.change == 0:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "body.change: 0 changes nothing", mend="Send -100 to 100")
    now = _of_lanes(site, live, name)
    if now is not None and now.occupied is None:
        raise _conflict(f"how many vehicles are in {name!r} is not known", "Count them, and send a correction")
    if now is not None and now.occupied is not None and now.occupied + adjustment.change < 0:
        raise _conflict(f"only {now.occupied} vehicles are in {name!r}", "Count them, and send a correction")
    await _command(uplink, who, do="adjust", zone=name, change=adjustment.change, reason=adjustment.reason)
    return Done(done=True, zone=name)


@router.post("/zones/{name}/recount")
async def begin_recount(
    who: AttendantDep, name: str, why: Reasoned, site: SiteDep, live: LiveDep, uplink: UplinkDep
) -> Done:
    """Begin to walk the zone and count. Passages go on being counted; send what you saw to ``recount/result``."""
    now = _of_lanes(site, live, name)
    if now is not None and now.recount is not None:
        raise _conflict(f"a recount of {name!r} is under way already", "End it, or give it up")
    await _command(uplink, who, do="recount", zone=name, reason=why.reason)
    return Done(done=True, zone=name)


@router.post("/zones/{name}/recount/result")
async def end_recount(
    who: AttendantDep, name: str, result: RecountResult, site: SiteDep, live: LiveDep, uplink: UplinkDep
) -> Done:
    """Say how many vehicles the walk has counted; what came and left meanwhile is reckoned with."""
    _believable(site, name, "seen", result.seen)
    _recounting(site, live, name)
    await _command(uplink, who, do="recounted", zone=name, seen=result.seen, reason=result.reason)
    return Done(done=True, zone=name)


@router.delete("/zones/{name}/recount")
async def give_up_recount(
    who: AttendantDep, name: str, site: SiteDep, live: LiveDep, uplink: UplinkDep, reason: ReasonQuery
) -> Done:
    """End the recount without a number; the count goes on as if there had been none."""
    _recounting(site, live, name)
    await _command(uplink, who, do="recounted", zone=name, seen=None, reason=reason)
    return Done(done=True, zone=name)


@router.post("/zones/{name}/undo")
async def undo(who: AttendantDep, name: str, why: Reasoned, site: SiteDep, live: LiveDep, uplink: UplinkDep) -> Done:
    """Take the last correction, adjustment or recount of the zone back; what passed since then stays counted."""
    now = _of_lanes(site, live, name)
    if now is not None and now.undo_until is None:
        raise _conflict(f"nothing in {name!r} can be taken back", "Count the vehicles, and send a correction")
    await _command(uplink, who, do="undo", zone=name, reason=why.reason)
    return Done(done=True, zone=name)


@router.post("/bays/{name}/service")
async def bay_service(who: ManagerDep, name: str, service: BayService, site: SiteDep, uplink: UplinkDep) -> BayDone:
    """Take a bay out of service (it is a space less, and its sensor is not listened to), or back."""
    known_bay(site, name)
    await _command(uplink, who, do="service", bay=name, out=service.out_of_service, reason=service.reason)
    return BayDone(done=True, bay=name)


@router.post("/zones/{name}/closure")
async def close(who: AttendantDep, name: str, closure: Closure, site: SiteDep, uplink: UplinkDep) -> Done:
    """Close the zone (its signs say so), or open it again."""
    known_zone(site, name)
    await _command(uplink, who, do="close", zone=name, closed=closure.closed, reason=closure.reason)
    return Done(done=True, zone=name)


@router.get(
    "/signs/{name}/preview.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "The LEDs as they would be lit."}},
)
def preview_png(  # not async: Starlette draws it in a thread
    _who: ViewerDep,
    name: str,
    site: SiteDep,
    text: Annotated[str, Query(min_length=1, max_length=80, pattern=r"\S", description="Words of your own.")],
    scale: Annotated[int, Query(ge=1, le=20, description="Pixels a LED, each way.")] = 10,
) -> Response:
    """Draw the real pixels with which the sign would show these words; 422 says what is missing for them to fit."""
    known_sign(site, name)
    show = _composed(site, name, text)
    file = io.BytesIO()
    look.picture(show.pictures[0].lit, scale=scale).save(file, "PNG")
    return Response(file.getvalue(), media_type="image/png")


@router.post("/signs/{name}/test")
async def test_sign(who: ManagerDep, name: str, why: Reasoned, site: SiteDep, uplink: UplinkDep) -> SignDone:
    """Let the sign show patterns for twelve seconds: all LEDs, each module's outline, checkers."""
    known_sign(site, name)
    await _command(uplink, who, do="test", sign=name, reason=why.reason)
    return SignDone(done=True, sign=name)


@router.post("/signs/{name}/message")
async def put_message(who: ManagerDep, name: str, words: SignText, site: SiteDep, uplink: UplinkDep) -> SignDone:
    """Put words of your own on a sign for a while. A closed lot goes before them, and nothing else does."""
    known_sign(site, name)
    await run_in_threadpool(_composed, site, name, words.text)
    seconds = words.minutes * 60
    await _command(uplink, who, do="message", sign=name, text=words.text, seconds=seconds, reason=words.reason)
    return SignDone(done=True, sign=name)


@router.delete("/signs/{name}/message")
async def take_message_off(
    who: ManagerDep, name: str, site: SiteDep, uplink: UplinkDep, reason: ReasonQuery
) -> SignDone:
    """Take staff's words off the sign before they end by themselves; harmless when there are none."""
    known_sign(site, name)
    await _command(uplink, who, do="message", sign=name, text=None, reason=reason)
    return SignDone(done=True, sign=name)


def _composed(site: Site, name: str, text: str) -> Show:
    panel = next(p for p in site.panels if p.name == name)
    told = Message(MessageKind.STAFF, text, None, Reason.STAFF_MESSAGE)
    try:
        return compose_for(panel, told)
    except CannotShow as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"text: {error}", mend=error.mend) from error


def _believable(site: Site, name: str, key: str, number: int) -> None:
    known_zone(site, name)
    limit = 2 * next(z.capacity for z in site.lot.zones if z.name == name)
    if number > limit:
        detail = f"body.{key}: {number} vehicles in {name!r} is more than twice its capacity"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, mend=f"Send 0 to {limit}")


def _of_lanes(site: Site, live: Live, name: str) -> ZoneStatus | None:
    """Return the zone as it is now (None: not known), if there is a number in it that people can correct."""
    known_zone(site, name)
    picture = live.picture()
    now = next(z for z in picture.zones if z.name == name) if picture.live else None
    if now is not None and now.counted_by == "bays":
        raise _conflict(f"{name!r} is counted by its bays", "Mend the sensor that tells wrong")
    return now


def _recounting(site: Site, live: Live, name: str) -> None:
    now = _of_lanes(site, live, name)
    if now is not None and now.recount is None:
        raise _conflict(f"no recount of {name!r} is under way", f"POST /api/v1/zones/{name}/recount begins one")


def _conflict(detail: str, mend: str) -> Problem:
    return Problem(HTTPStatus.CONFLICT, detail, mend=mend)


async def _command(uplink: Uplink, who: Who, **command: object) -> None:
    try:
        await uplink.command(by=who.by, **command)
    except CommandError as error:
        status, mend = _FAILURES[type(error)]
        raise Problem(status, str(error), mend=mend) from error
