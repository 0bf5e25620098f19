"""The demo's own page: sign and count as on any site, the truth beside them, and buttons to make things happen.

Runs in the web process of the demo only. A button's order goes to the simulated cars over the embedded broker, and
the truth comes back the same way (``demo_stage``), so that the page needs nothing that a real site would not have.
Orders are taken from the page itself only, not from other sites that are open in the same browser.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel

from controller.api.access import refuse_other_sites
from controller.api.pages import render
from controller.api.problems import Problem
from controller.demo_stage import Sample, Stage
from controller.demo_words import scenarios, words
from controller.simulator.orders import Fault, Order
from controller.site import Site

ASSETS = Path(__file__).with_name("demo_assets")
STATIC = {"demo.js": "text/javascript", "chart.js": "text/javascript", "demo.css": "text/css"}
SPEEDS = (1, 2, 10, 60, 300)


class Sent(BaseModel):
    """The order is on its way."""

    sent: bool


def router(site: Site, stage: Stage, login: tuple[str, str]) -> APIRouter:
    """Return the routes of the demo's page, which tells the name and password that its visitors may log in with."""
    routes = APIRouter(prefix="/demo", include_in_schema=False)

    @routes.get("")
    async def page(request: Request) -> HTMLResponse:
        more = {
            "d": {lang: words(lang) for lang in ("pl", "en")},
            "scenarios": {lang: scenarios(lang) for lang in ("pl", "en")},
            "speeds": SPEEDS,
            "faults": get_args(Fault),
            "login": login,
        }
        return render(request, "demo.html", site=site, page="demo", templates=ASSETS / "templates", **more)

    @routes.get("/truth")
    async def truth() -> dict[str, Any]:
        newest = stage.truth
        if newest is None:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the simulated cars do not answer", mend="Wait a moment")
        return newest

    @routes.get("/history")
    async def history(after: float = 0.0) -> list[Sample]:
        return stage.samples(after)

    @routes.post("/command")
    async def command(request: Request, order: Order) -> Sent:
        refuse_other_sites(request)
        if not stage.send(order):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the embedded broker is not there", mend="Wait a moment")
        return Sent(sent=True)

    @routes.get("/static/{name}")
    async def static(name: str) -> FileResponse:
        if name not in STATIC:
            raise Problem(HTTPStatus.NOT_FOUND, f"no file {name!r}", mend=f"There are {', '.join(STATIC)}")
        return FileResponse(ASSETS / "static" / name, media_type=STATIC[name])

    return routes
