"""What is printed and put on the sign post: the address of the drivers' form, and a QR code of it."""

import io
from http import HTTPStatus
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import quote, urlsplit

import segno
from fastapi import APIRouter, Query, Request, Response

from controller.api import problems
from controller.api.access import ViewerDep
from controller.api.incidents.shapes import ReportAddress
from controller.api.parts import SiteDep
from controller.api.problems import Problem
from controller.api.reading import known_sign
from controller.site import Site

router = APIRouter(
    prefix="/api/v1/signs",
    tags=["incidents"],
    responses=problems.responses(
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
    ),
)

BORDER = 4
"""Modules of white around a code, as ISO/IEC 18004 wants."""


def address_of(request: Request, site: Site, sign: str) -> ReportAddress:
    """Return where drivers report about a sign: ``public_url`` of the site file, else as this request came."""
    base = (site.api.public_url or str(request.base_url)).rstrip("/")
    address = f"{base}/report" + (f"?sign={quote(sign)}" if sign else "")
    return ReportAddress(sign=sign, address=address, local=_is_local(base))


def code_of(address: str) -> segno.QRCode:
    """Return the code, a quarter of which may be dirty; raises Problem when it is too long."""
    try:
        return segno.make_qr(address, error="q")
    except ValueError as error:
        detail = f"{address[:40]}… is too long for a QR code ({len(address)} characters)"
        mend = "Give public_url in [api] of the site file"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, mend=mend) from error


ScaleQuery = Annotated[int, Query(ge=1, le=40, description="Pixels a module.")]


@router.get("/{name}/report")
def report_address(_who: ViewerDep, name: str, request: Request, site: SiteDep) -> ReportAddress:
    """Tell where drivers report what is wrong with this sign."""
    known_sign(site, name)
    return address_of(request, site, name)


@router.get(
    "/{name}/report.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}, "description": "A QR code."}},
)
def report_svg(_who: ViewerDep, name: str, request: Request, site: SiteDep, scale: ScaleQuery = 8) -> Response:
    """Draw the QR code of that address, for a poster."""
    return _drawn(name, request, site, scale, "svg", "image/svg+xml")


@router.get(
    "/{name}/report.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "A QR code."}},
)
def report_png(_who: ViewerDep, name: str, request: Request, site: SiteDep, scale: ScaleQuery = 8) -> Response:
    """Draw the QR code of that address, for a poster."""
    return _drawn(name, request, site, scale, "png", "image/png")


def _drawn(name: str, request: Request, site: Site, scale: int, kind: str, media_type: str) -> Response:
    known_sign(site, name)
    file = io.BytesIO()
    code_of(address_of(request, site, name).address).save(
        file, kind=kind, scale=scale, border=BORDER, dark="#000", light="#fff"
    )
    return Response(file.getvalue(), media_type=media_type)


def _is_local(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
