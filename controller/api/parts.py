"""What the routes share: made once by ``server.create_app``, kept in ``app.state``, asked for by dependency."""

from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from controller.api.live import Live
from controller.api.uplink import Uplink
from controller.site import Site


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def _live(request: Request) -> Live:
    live: Live = request.app.state.live
    return live


def _uplink(request: Request) -> Uplink:
    uplink: Uplink = request.app.state.uplink
    return uplink


def _journal(request: Request) -> Path:
    journal: Path = request.app.state.journal
    return journal


SiteDep = Annotated[Site, Depends(_site)]
LiveDep = Annotated[Live, Depends(_live)]
UplinkDep = Annotated[Uplink, Depends(_uplink)]
JournalDep = Annotated[Path, Depends(_journal)]
