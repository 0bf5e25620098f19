"""The picture as its caller may see it."""

from typing import Annotated

from fastapi import Depends, Request

from controller.api.access import CallerDep
from controller.api.cut import cut
from controller.api.live import Live
from controller.api.models import Picture


async def _seen(request: Request, who: CallerDep) -> Picture:
    live: Live = request.app.state.live
    return live.picture() if who else cut(live.picture(), request.app.state.site.api.public)


SeenDep = Annotated[Picture, Depends(_seen)]
"""Everything as of this moment that the caller may see."""
