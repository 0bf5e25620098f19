"""Logging in and out, by forms that need no script."""

from http import HTTPStatus
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controller.api.access import DEVICE, SESSION, Gate, csrf_of, refuse_other_sites
from controller.api.accounts import LONGEST_S
from controller.api.pages import render
from controller.api.parts import SiteDep
from controller.api.problems import Problem

DEVICE_S = 365 * 86_400

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def form(request: Request, site: SiteDep) -> HTMLResponse:
    """Ask for name and password."""
    return render(request, "login.html", site=site, page="login", failed="", name="", next=_local(request.query_params))


@router.post("/login")
async def login(request: Request, site: SiteDep) -> Response:
    """Begin a session."""
    refuse_other_sites(request)
    fields = await form_fields(request)
    gate: Gate = request.app.state.gate
    place = request.client.host if request.client else ""
    name, after = fields.get("name", ""), _local(fields)
    try:
        session, device = await gate.login(
            name, fields.get("password", ""), place=place, device=request.cookies.get(DEVICE, "")
        )
    except Problem as problem:
        failed = "login_wait" if problem.status_code == HTTPStatus.TOO_MANY_REQUESTS else "login_wrong"
        page = render(request, "login.html", site=site, page="login", failed=failed, name=name[:40], next=after)
        page.status_code = problem.status_code
        page.headers.update({k: v for k, v in (problem.headers or {}).items() if k == "Retry-After"})
        return page
    answer = RedirectResponse(after, HTTPStatus.SEE_OTHER)
    secure = request.url.scheme == "https"
    for cookie, value, age in ((SESSION, session, LONGEST_S), (DEVICE, device, DEVICE_S)):
        answer.set_cookie(cookie, value, max_age=int(age), httponly=True, samesite="lax", secure=secure)
    return answer


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session."""
    refuse_other_sites(request)
    fields, cookie = await form_fields(request), request.cookies.get(SESSION, "")
    if cookie and fields.get("csrf") == csrf_of(cookie):
        request.app.state.gate.accounts.end_session(cookie)
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(SESSION)
    return answer


async def form_fields(request: Request) -> dict[str, str]:
    """Return the fields of an urlencoded form; what is none has none."""
    try:
        fields = parse_qs((await request.body()).decode("utf-8"), max_num_fields=20)
    except ValueError:  # no UTF-8, or more fields than any form of ours has
        return {}
    return {name: values[-1] for name, values in fields.items()}


def _local(fields: object) -> str:
    """Return where to go afterwards: a page of ours, whatever the address says."""
    after = str(fields.get("next", "")) if hasattr(fields, "get") else ""
    ours = after.startswith("/") and not after.startswith(("//", "/\\")) and after.isprintable()
    return after if ours else "/staff"
