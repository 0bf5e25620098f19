"""The demo's own page: sign and count as on any site, the truth beside them, and buttons to make things happen.

Runs in the web process of the demo only. A button's order goes to the simulated cars over the embedded broker, and
the truth comes back the same way, so that the page needs nothing that a real site would not have. Orders are taken
from the page itself only, not from other sites that are open in the same browser.
"""

import logging
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from paho.mqtt.client import Client, MQTTMessage
from pydantic import BaseModel

from controller.api.pages import render
from controller.api.problems import Problem
from controller.broker import Broker
from controller.demo_words import words
from controller.simulator.live import ORDERS, TRUTH, Order
from controller.site import MqttSpec, Site

log = logging.getLogger(__name__)

ASSETS = Path(__file__).with_name("demo_assets")
STATIC = {"demo.js": "text/javascript", "demo.css": "text/css"}


class Orders:
    """The way to the simulated cars, and the newest truth from them. Open while used as a context manager."""

    def __init__(self, broker: MqttSpec) -> None:
        self._lock = threading.Lock()
        self._truth: bytes | None = None
        self._broker = Broker(broker, client_id="demo-page", password=None, joined=self._joined, lost=self._lost)
        self._broker.client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._broker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._broker.close()

    @property
    def truth(self) -> bytes | None:
        """The newest truth as JSON; None while it is not known."""
        with self._lock:
            return self._truth

    def send(self, order: Order) -> bool:
        """Pass an order on; False when the broker is not there."""
        if not self._broker.connected:
            return False
        self._broker.client.publish(ORDERS, order.model_dump_json(), qos=1)
        return True

    def _joined(self) -> None:
        self._broker.client.subscribe(TRUTH, qos=1)

    def _lost(self) -> None:
        with self._lock:
            self._truth = None

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        with self._lock:
            self._truth = bytes(message.payload)


class Sent(BaseModel):
    """The order is on its way."""

    sent: bool


def router(site: Site, orders: Orders) -> APIRouter:
    """Return the routes of the demo's page."""
    routes = APIRouter(prefix="/demo", include_in_schema=False)

    @routes.get("")
    async def page(request: Request) -> HTMLResponse:
        more = {"d": {lang: words(lang) for lang in ("pl", "en")}}
        return render(request, "demo.html", site=site, page="demo", templates=ASSETS / "templates", **more)

    @routes.get("/truth")
    async def truth() -> Response:
        newest = orders.truth
        if newest is None:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the simulated cars do not answer", mend="Wait a moment")
        return Response(newest, media_type="application/json")

    @routes.post("/command")
    async def command(request: Request, order: Order) -> Sent:
        refuse_other_sites(request)
        if not orders.send(order):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the embedded broker is not there", mend="Wait a moment")
        return Sent(sent=True)

    @routes.get("/static/{name}")
    async def static(name: str) -> FileResponse:
        if name not in STATIC:
            raise Problem(HTTPStatus.NOT_FOUND, f"no file {name!r}", mend=f"There are {', '.join(STATIC)}")
        return FileResponse(ASSETS / "static" / name, media_type=STATIC[name])

    return routes


def refuse_other_sites(request: Request) -> None:
    """Raise Problem when a browser says that another site's page sent this (Fetch Metadata, else the Origin header)."""
    fetch_site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    ours = f"{request.url.scheme}://{request.headers.get('host', '')}"
    foreign = fetch_site not in {"same-origin", "none"} if fetch_site else origin not in {None, ours}
    if foreign:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"orders from other sites are refused (Origin {origin})",
            mend=f"Use the page at {ours}/demo",
        )
