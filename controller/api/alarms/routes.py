"""The alarms at work: looked at each second, and a way to try them."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request

from controller.api import problems
from controller.api.access import ManagerDep
from controller.api.alarms.courier import Courier, NotSentError
from controller.api.alarms.rules import Alarm, Rule
from controller.api.alarms.words import said
from controller.api.live import Live
from controller.api.models import AlarmTest, AlarmTested
from controller.api.problems import Problem
from controller.api.words import Language
from controller.site import Site

log = logging.getLogger(__name__)

LOOK_S = 1.0

Unheeded = Callable[[], Iterable[Alarm]]
"""Tells what holds beside the picture: ``Alarm("feedback", what it says, which and when)`` for each that nobody has
taken up. ``app.state.unheeded`` is one; the part of the product that keeps feedback puts its own there."""

router = APIRouter(prefix="/api/v1", tags=["staff"])


async def watch(site: Site, live: Live, courier: Courier, unheeded: Unheeded) -> None:
    """Tell what is wrong until cancelled."""
    rules = [Rule(spec) for spec in site.alarms]
    zone = ZoneInfo(site.timezone)
    while True:
        also: tuple[Alarm, ...] = ()
        try:
            also = tuple(await asyncio.to_thread(unheeded)) if rules else ()
        except Exception:
            log.exception("what drivers told can't be read for the alarms; the others go on")
        try:
            look(site, rules, live, courier, datetime.now(zone), time.monotonic(), also)
        except Exception:
            log.exception("looking for alarms failed; trying again")
        await asyncio.sleep(LOOK_S)


def look(
    site: Site,
    rules: list[Rule],
    live: Live,
    courier: Courier,
    clock: datetime,
    monotonic: float,
    also: Iterable[Alarm] = (),
) -> None:
    """Look once."""
    now = live.picture()
    for rule in rules:
        for alarm in rule.due(now, clock.time(), monotonic, also):
            courier.put(rule.spec.to, *said(alarm, site.lot.name, rule.spec.language))


@router.post(
    "/alarms/test",
    responses=problems.responses(
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
    ),
)
async def try_alarm(who: ManagerDep, test: AlarmTest, request: Request) -> AlarmTested:
    """Send a test message to a name of the addresses file, now: 200 means that the service took it."""
    site: Site = request.app.state.site
    language: Language = next((spec.language for spec in site.alarms if spec.to == test.to), "pl")
    courier: Courier = request.app.state.courier
    await asyncio.to_thread(request.app.state.desk.outbox.record, who.by, f"alarm {test.to}: tested", time.time())
    try:
        await asyncio.to_thread(courier.send, test.to, *said(Alarm("test", ""), site.lot.name, language))
    except NotSentError as error:
        detail, _, mend = str(error).partition("; ")
        raise Problem(HTTPStatus.BAD_GATEWAY, detail, mend=mend or "See docs/alarms.md") from error
    return AlarmTested(sent=True, to=test.to)
