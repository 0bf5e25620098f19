"""The webhooks at work: looked at each second; how they fare, a way to try one, and to send again what was given up."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from controller.api import problems
from controller.api.access import ManagerDep, ViewerDep
from controller.api.live import Live
from controller.api.parts import SiteDep
from controller.api.problems import Problem
from controller.api.webhooks.delivery import Delivery
from controller.api.webhooks.models import (
    Tried,
    WebhookMessage,
    WebhookMessages,
    WebhookRetried,
    Webhooks,
    WebhookStatus,
    WebhookTested,
)
from controller.api.webhooks.news import Watch
from controller.api.webhooks.outbox import Outbox
from controller.api.webhooks.post import target
from controller.site import Site

log = logging.getLogger(__name__)

LOOK_S = 1.0
SETTLE_S = 10.0
"""After a start, the link has this long to come up before its silence is news."""

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
_CREDENTIAL = problems.responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
_NAMED = _CREDENTIAL | problems.responses(HTTPStatus.NOT_FOUND)


class Desk:
    """All webhooks of a site: what is new goes into the outbox, and the deliveries take it from there."""

    def __init__(self, site: Site, live: Live, outbox: Outbox) -> None:
        self.outbox = outbox
        self.deliveries = {spec.name: Delivery(spec, outbox, site.webhook_secrets) for spec in site.webhooks}
        self._site, self._live = site, live
        self._watches = {spec.name: Watch(spec, outbox.told(spec.name)) for spec in site.webhooks}

    async def run(self) -> None:
        """Tell what is new until cancelled."""
        for delivery in self.deliveries.values():
            delivery.start()
        began = time.monotonic()
        while self.deliveries:
            now = self._live.picture()
            if now.live or time.monotonic() - began > SETTLE_S:
                break
            await asyncio.sleep(0.1)
        while self.deliveries:
            try:
                await self._look()
            except Exception:
                log.exception("looking for news failed; trying again")
            await asyncio.sleep(LOOK_S)

    def close(self) -> None:
        """End the deliveries."""
        for delivery in self.deliveries.values():
            delivery.close()
        self.outbox.close()

    async def _look(self) -> None:
        now, monotonic = self._live.picture(), time.monotonic()
        for name, watch in self._watches.items():
            if news := watch.due(now, monotonic):
                told = {key: (fact.mark, self.body(key[0], fact.data)) for key, fact in news.items()}
                await asyncio.to_thread(self.outbox.put, name, told, time.time())
                watch.was_told(news)
                self.deliveries[name].wake()

    def body(self, kind: str, data: Mapping[str, object]) -> str:
        """Return a message as it is posted."""
        at = datetime.now(ZoneInfo(self._site.timezone)).isoformat()
        told = {"type": kind, "timestamp": at, "lot": self._site.lot.name, "data": data}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def statuses(desk: Desk) -> list[WebhookStatus]:
    """Return how all fare."""
    found = []
    for name, delivery in desk.deliveries.items():
        spec, totals = delivery.spec, desk.outbox.totals(name)
        status = WebhookStatus(
            name=name,
            on=list(spec.on),
            target=target(spec.url),
            waiting=totals.waiting,
            dead=totals.dead,
            failures=totals.failures,
            taken_at=_when(totals.taken_at),
            next_at=_when(totals.next_at),
            error=totals.error,
        )
        found.append(status)
    return found


@router.get("", responses=_CREDENTIAL)
def webhooks(_who: ViewerDep, request: Request) -> Webhooks:
    """Tell how each webhook of the site file fares, and who tried what (alarms too)."""
    desk = _desk(request)
    trail = [Tried(at=datetime.fromtimestamp(wall, UTC), who=by, what=what) for wall, by, what in desk.outbox.trail()]
    return Webhooks(webhooks=statuses(desk), trail=trail)


@router.get("/{name}/messages", responses=_NAMED)
def messages(
    _who: ViewerDep,
    name: str,
    request: Request,
    state: Annotated[Literal["waiting", "taken", "replaced", "dead"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="From an answer's ``next``.")] = None,
) -> WebhookMessages:
    """Tell what waits, what was taken lately, and what was given up (``state=dead``), newest first."""
    delivery = _known(request, name)
    rows = _desk(request).outbox.messages(delivery.spec.name, state, limit + 1, before)
    shown = [
        WebhookMessage(**{**row, "made": _when(row["made"]), "ended": _when(row["ended"])}) for row in rows[:limit]
    ]
    only = "" if state is None else f"&state={state}"
    following = (
        None if len(rows) <= limit else f"/api/v1/webhooks/{name}/messages?limit={limit}{only}&before={shown[-1].n}"
    )
    return WebhookMessages(messages=shown, next=following)


@router.post("/{name}/test", responses=_NAMED | problems.responses(HTTPStatus.BAD_GATEWAY))
def try_webhook(who: ManagerDep, name: str, request: Request, site: SiteDep) -> WebhookTested:
    """Post a message of type ``webhook.test`` now, once: 200 means that the receiver took it."""
    delivery, desk = _known(request, name), _desk(request)
    desk.outbox.record(who.by, f"webhook {name}: tested", time.time())
    body = desk.body("webhook.test", {"name": name, "zones": [zone.name for zone in site.lot.zones]})
    outcome = delivery.attempt(f"msg_{secrets.token_urlsafe(18)}", body.encode())
    if not outcome.taken:
        detail, _, mend = outcome.said.partition("; ")
        raise Problem(HTTPStatus.BAD_GATEWAY, detail, mend=mend or "See what the receiver's log says; docs/webhooks.md")
    return WebhookTested(sent=True, webhook=name)


@router.post("/{name}/retry", responses=_NAMED)
def retry(who: ManagerDep, name: str, request: Request) -> WebhookRetried:
    """Send again what was given up, unless something newer of the same thing was told since."""
    delivery = _known(request, name)
    again = _desk(request).outbox.again(name, who.by, time.time())
    delivery.wake()
    return WebhookRetried(webhook=name, again=again)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _known(request: Request, name: str) -> Delivery:
    deliveries = _desk(request).deliveries
    if name not in deliveries:
        mend = f"Webhooks here: {', '.join(deliveries) or 'none; [[webhook]] in the site file makes one'}"
        raise Problem(HTTPStatus.NOT_FOUND, f"no webhook is named {name!r}", mend=mend)
    return deliveries[name]


def _when(unix: float | None) -> datetime | None:
    return None if unix is None else datetime.fromtimestamp(unix, UTC)
