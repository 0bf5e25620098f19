"""The pages: Jinja templates filled with what the site file says; what changes is filled in by static/live.js.

Polish unless ``?lang=en`` or the browser prefers English. Other pages of ours (the demo) extend ``base.html`` with
``render`` and use the same hooks; static/live.js says which there are.
"""

from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from controller.api.access import SESSION, Gate, csrf_of
from controller.api.accounts import Who
from controller.api.parts import SiteDep
from controller.api.words import Language, words
from controller.site import Site

STATIC = Path(__file__).with_name("static")
TEMPLATES = Path(__file__).with_name("templates")

STAFF_PAGES: list[tuple[str, str]] = [
    ("now", "/staff"),
    ("correct", "/staff/correct"),
    ("history", "/staff/history"),
    ("incidents", "/staff/incidents"),
    ("audit", "/staff/audit"),
    ("alarms", "/staff/alarms"),
]
"""The tabs of the staff pages: a page's name (``tab_NAME`` has its words) and its path, in the order shown."""

router = APIRouter(include_in_schema=False)


@router.get("/")
async def public(request: Request, site: SiteDep) -> HTMLResponse:
    """Show drivers the sign and the number, nothing else."""
    return render(request, "public.html", site=site, page="public")


@router.get("/staff")
async def staff(request: Request, site: SiteDep) -> Response:
    """Show staff what the sign says, whether it is true, and what to do if not."""
    return staff_page(request, "staff.html", site=site, page="now")


@router.get("/staff/correct")
async def correct(request: Request, site: SiteDep) -> Response:
    """Let staff put right what the sign says."""
    return staff_page(request, "correct.html", site=site, page="correct")


@router.get("/staff/audit")
async def audit(request: Request, site: SiteDep) -> Response:
    """Show who changed what."""
    return staff_page(request, "audit.html", site=site, page="audit")


@router.get("/staff/alarms")
async def alarms(request: Request, site: SiteDep) -> Response:
    """Show who is told what, whether it arrives, and let a manager try it."""
    return staff_page(request, "alarms.html", site=site, page="alarms")


@router.get("/favicon.ico")
async def icon() -> FileResponse:
    """Give browsers that ask without being told the icon that every page names."""
    return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")


def staff_page(request: Request, template: str, *, site: Site, page: str, **more: Any) -> Response:
    """Render a page for whoever is logged in; others are sent to log in, and back."""
    if visitor(request) is None:
        query = f"?{request.url.query}" if request.url.query else ""
        lang = language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
        after = quote(request.url.path + query, safe="/")
        return RedirectResponse(f"/login?lang={lang}&next={after}", HTTPStatus.SEE_OTHER)
    return render(request, template, site=site, page=page, **more)


def visitor(request: Request) -> Who | None:
    """Return whose browser this is, if somebody is logged in."""
    gate: Gate = request.app.state.gate
    cookie = request.cookies.get(SESSION)
    return gate.session(cookie) if cookie else None


def render(
    request: Request, template: str, *, site: Site, page: str, templates: Path = TEMPLATES, **more: Any
) -> HTMLResponse:
    """Fill ``template`` of the folder ``templates``, which may extend our ``base.html``, in the reader's language."""
    lang = language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    who = visitor(request)
    text = (
        environment(templates)
        .get_template(template)
        .render(
            site=site,
            lot=site.lot,
            panels={panel.name: panel for panel in site.panels},
            page=page,
            staff_pages=STAFF_PAGES,
            path=request.url.path,
            query={name: value for name, value in request.query_params.items() if name != "lang"},
            lang=lang,
            w=words(lang),
            lobby=request.app.state.lobby,
            who=who,
            csrf=csrf_of(request.cookies[SESSION]) if who else "",
            **more,
        )
    )
    return HTMLResponse(text, headers={"Content-Language": lang, "Vary": "Accept-Language"})


@cache
def environment(templates: Path) -> jinja2.Environment:
    """Return the environment for the templates in this folder, with ours behind it."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def language(asked: str | None, accepted: str) -> Language:
    """Choose: what was asked for, else whichever of Polish and English Accept-Language likes more, else Polish."""
    if asked in {"pl", "en"}:
        return "en" if asked == "en" else "pl"
    likes: dict[str, float] = {"pl": 0.0, "en": 0.0}
    for part in accepted.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            like = float(weight) if weight else 1.0
        except ValueError:
            continue
        primary = tag.strip().lower().partition("-")[0]
        if primary in likes:
            likes[primary] = max(likes[primary], like)
    return "en" if likes["en"] > likes["pl"] else "pl"
