"""The part of /api/v1 that only tells: to viewers, and to everybody what the site file makes public."""

import io
import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from PIL import Image

from controller.api import history, problems
from controller.api.access import CallerDep, readable
from controller.api.conditional import NOT_MODIFIED, NowDep
from controller.api.models import (
    Bays,
    Faults,
    Health,
    Lanes,
    LotStatus,
    Passages,
    Picture,
    Signs,
    SignStatus,
    Zones,
    ZoneStatus,
)
from controller.api.parts import JournalDep, LiveDep, SiteDep
from controller.api.problems import Problem
from controller.journal import JournalError
from controller.sign import look
from controller.sign.colours import painted
from controller.sign.layout import Picture as Lit
from controller.site import Site

log = logging.getLogger(__name__)

MAX_STREAMS = 500
"""More open streams than this (each is a socket) are refused."""

router = APIRouter(prefix="/api/v1", tags=["read"])


@router.get("/status", response_model=LotStatus, responses=NOT_MODIFIED)
async def status(now: NowDep) -> Picture:
    """Give the lot at a glance: zones, signs, faults."""
    return now


@router.get("/state", responses=NOT_MODIFIED)
async def state(now: NowDep) -> Picture:
    """Give everything at once: what ``/stream`` sends at every change."""
    return now


@router.get("/zones", response_model=Zones, dependencies=[Depends(readable("zones"))], responses=NOT_MODIFIED)
async def zones(now: NowDep) -> Picture:
    """List all zones with what is free in them."""
    return now


@router.get(
    "/zones/{name}",
    dependencies=[Depends(readable("zones"))],
    responses=NOT_MODIFIED | problems.responses(HTTPStatus.NOT_FOUND),
)
async def zone(name: str, now: NowDep, site: SiteDep) -> ZoneStatus:
    """Give one zone."""
    known_zone(site, name)
    return next(z for z in now.zones if z.name == name)


@router.get("/lanes", response_model=Lanes, dependencies=[Depends(readable("lanes"))], responses=NOT_MODIFIED)
async def lanes(now: NowDep) -> Picture:
    """List all lanes with their detectors and tallies."""
    return now


@router.get("/bays", response_model=Bays, dependencies=[Depends(readable("bays"))], responses=NOT_MODIFIED)
async def bays(now: NowDep) -> Picture:
    """List all bays that have a sensor."""
    return now


@router.get("/signs", response_model=Signs, dependencies=[Depends(readable("signs"))], responses=NOT_MODIFIED)
async def signs(now: NowDep) -> Picture:
    """List all signs: what each is told, why, and what its panel shows now."""
    return now


@router.get(
    "/signs/{name}.png",
    dependencies=[Depends(readable("signs"))],
    response_class=Response,
    responses={
        200: {
            "content": {"image/png": {}},
            "description": "The LEDs as last sent to the panel; a dark panel when that is not known.",
            "headers": {
                "X-Sign-Alive": {
                    "description": "false: the sign process does not tell, so the panel is taken for dark.",
                    "schema": {"type": "string", "enum": ["true", "false"]},
                },
                "X-Sign-Lit": {
                    "description": "Whether anything is shown.",
                    "schema": {"type": "string", "enum": ["true", "false"]},
                },
            },
        },
        **problems.responses(HTTPStatus.NOT_FOUND),
    },
)
def sign_png(  # not async: Starlette draws it in a thread
    name: str,
    live: LiveDep,
    site: SiteDep,
    scale: Annotated[int, Query(ge=1, le=20, description="Pixels a LED, each way.")] = 10,
    style: Annotated[Literal["leds", "pixels"], Query(description="Round LEDs on a dark board, or squares.")] = "leds",
) -> Response:
    """Draw the sign's real pixels."""
    known_sign(site, name)
    panel = next(p for p in site.panels if p.name == name)
    shown = live.shown(name)
    image = shown.image() if shown else Image.new("1", (panel.width, panel.height))
    if style == "leds":
        drawn = look.picture(painted(Lit(image, shown.tints)) if shown and shown.tints else image, scale=scale)
    else:
        drawn = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    lit = shown is not None and shown.lit
    headers = {"X-Sign-Alive": str(shown is not None).lower(), "X-Sign-Lit": str(lit).lower()}
    return Response(file.getvalue(), media_type="image/png", headers=headers)


@router.get(
    "/signs/{name}",
    dependencies=[Depends(readable("signs"))],
    responses=NOT_MODIFIED | problems.responses(HTTPStatus.NOT_FOUND),
)
async def sign(name: str, now: NowDep, site: SiteDep) -> SignStatus:
    """Give one sign."""
    known_sign(site, name)
    return next(s for s in now.signs if s.name == name)


@router.get("/faults", response_model=Faults, dependencies=[Depends(readable("faults"))], responses=NOT_MODIFIED)
async def faults(now: NowDep) -> Picture:
    """Tell what is wrong with detectors and bay sensors."""
    return now


@router.get("/passages", dependencies=[Depends(readable("passages"))])
def passages(  # not async: Starlette reads the journal in a thread
    live: LiveDep,
    site: SiteDep,
    journal: JournalDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="From an answer's ``next``.")] = None,
) -> Passages:
    """Tell the last passages, newest first: from the journal or, where that can't be read, the few of the state.

    ``next`` is the address of the page with the older ones.
    """
    now = live.picture()
    try:
        found, older = history.passages(journal, ZoneInfo(site.timezone), limit, before)
    except JournalError as error:
        log.debug("passages: %s", error)
        found, older = now.passages[:limit] if before is None else [], None
    following = None if older is None else f"/api/v1/passages?limit={limit}&before={older}"
    return Passages(live=now.live, at=now.at, age_s=now.age_s, passages=found, next=following)


@router.get("/health", responses={503: {"model": Health, "description": "Something does not work; see reasons."}})
async def health(live: LiveDep, response: Response) -> Health:
    """Say 200 when the count is live and every sign process is alive, 503 with the reasons otherwise."""
    now = live.picture()
    reasons = []
    if not now.live:
        age = "nothing ever came" if now.age_s is None else f"the last state is {now.age_s:.1f} s old"
        reasons.append(f"the counting process is silent: {age}")
    reasons += [] if now.journal.trouble is None else [now.journal.trouble]
    reasons += [f"sign {s.name}: {s.panel.why_dark}" for s in now.signs if not s.panel.alive]
    if reasons:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE.value
    return Health(live=now.live, at=now.at, age_s=now.age_s, ok=not reasons, reasons=reasons)


class EventStream(StreamingResponse):
    """Server-sent events, each whole in one piece of the body.

    FastAPI's own EventSourceResponse (0.165) keeps several states for a slow reader, and fails loudly when it leaves.
    """

    media_type = "text/event-stream"


async def _seat(live: LiveDep) -> AsyncIterator[None]:
    """Hold one of the places at the stream, so that forgotten clients can't use up the sockets."""
    if live.streams >= MAX_STREAMS:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"{MAX_STREAMS} streams are open already",
            mend="Close some, or read /api/v1/status instead",
            headers={"Retry-After": "10"},
        )
    live.streams += 1
    try:
        yield
    finally:
        live.streams -= 1


@router.get(
    "/stream",
    response_class=EventStream,
    dependencies=[Depends(_seat)],
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **problems.responses(HTTPStatus.SERVICE_UNAVAILABLE),
    },
)
async def stream(
    live: LiveDep,
    who: CallerDep,
    last_event_id: Annotated[str | None, Header(max_length=100, description="See ``id``.")] = None,
) -> EventStream:
    """Send server-sent events: ``state`` at once and at every change, ``beat`` each second.

    The data of ``state`` is that of ``/state`` without the fields that change by mere passing of time (``at``,
    ``age_s``); the data of ``beat`` is ``{"live": true, "at": ..., "age_s": 0.2}``. Whoever hears nothing for three
    seconds should show nothing. A slow reader misses states in between, never the newest.

    A state is whole, so resuming needs no past: its ``id`` names its content, and whoever comes back with the newest
    one in Last-Event-ID (as browsers do) goes on with beats; everybody else gets the newest state at once.
    """
    # nginx must not hold events back
    return EventStream(live.follow(last_event_id, whole=who is not None), headers={"X-Accel-Buffering": "no"})


def known_zone(site: Site, name: str) -> None:
    """Raise Problem (404) when the site has no such zone."""
    _known("zone", name, [z.name for z in site.lot.zones])


def known_sign(site: Site, name: str) -> None:
    """Raise Problem (404) when the site has no such sign."""
    _known("sign", name, [s.name for s in site.lot.signs])


def known_bay(site: Site, name: str) -> None:
    """Raise Problem (404) when the site has no such bay."""
    _known("bay", name, [b.name for b in site.lot.bays])


def _known(kind: str, name: str, names: list[str]) -> None:
    if name not in names:
        mend = f"{kind.capitalize()}s here: {', '.join(names) or 'none'}"
        raise Problem(HTTPStatus.NOT_FOUND, f"no {kind} is named {name!r}", mend=mend)
