import dataclasses
import inspect
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from web_in_thread import serving

from controller import broker
from controller.api import pages, words_correct, words_staff, words_why
from controller.api.audit import FIELDS
from controller.api.parts import SiteDep
from controller.api.server import WebConfig, create_app
from controller.api.webhooks import post
from controller.api.words import _TABLES, _WORDS, words
from controller.domain import evidence
from controller.domain.notes import What
from controller.domain.report import Advice, FaultKind, PassageKind, Reason, Status
from controller.domain.specs import Direction, Role


class Page(HTMLParser):
    """Collects what a page loads, runs, and leaves without a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.loads += [given[name] for name in ("src", "href", "action") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        self.refers += [given[a] for a in ("aria-labelledby", "aria-describedby") if a in given]
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != "application/json"):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


PAGES = ["/", "/staff", "/staff/correct", "/staff/audit", "/staff/alarms", "/?lang=en", "/staff?lang=en", "/login"]


@pytest.mark.parametrize("path", [*PAGES, "/report", "/staff/history", "/staff/incidents", "/staff/incidents/poster"])
def test_a_page_needs_nothing_from_elsewhere_and_nothing_inline(staff: httpx.Client, path: str) -> None:
    answer = staff.get(path).raise_for_status()
    page = Page(answer.text)
    assert page.inline == []
    assert all(load.startswith(("/", "#")) for load in page.loads)
    for load in page.loads:
        if load.startswith("/") and load != "/logout":
            assert staff.get(load).status_code == 200, load
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.refers) <= set(page.ids)


def test_scripts_are_served_as_such_and_load_only_each_other(api: httpx.Client) -> None:
    for script in pages.STATIC.glob("*.js"):
        answer = api.get(f"/static/{script.name}")
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "no-cache"
        assert all(found.startswith("./") for found in re.findall(r'from "([^"]+)"', answer.text))
        assert "://" not in answer.text


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "pl"),
        (None, "pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "de-DE,de;q=0.9,en;q=0.8", "en"),
        (None, "de", "pl"),
        (None, "en;q=0.5,pl;q=0.5", "pl"),
        (None, "en;q=many", "pl"),
        ("en", "pl", "en"),
        ("pl", "en", "pl"),
        ("klingon", "en", "en"),
    ],
)
def test_pages_are_polish_unless_english_is_wanted(
    staff: httpx.Client, asked: str | None, accepted: str, language: str
) -> None:
    params = {"lang": asked} if asked else {}
    answer = staff.get("/staff", params=params, headers={"Accept-Language": accepted})
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.text
    assert ("Usterki" if language == "pl" else "Faults") in answer.text


def test_every_state_of_the_domain_has_words() -> None:
    for language in ("pl", "en"):
        said = words("en" if language == "en" else "pl")
        assert said["status"].keys() == set(Status)
        assert said["why_zone"].keys() == {*Reason, "not_live"}
        assert said["fault_what"].keys() == said["fault_todo"].keys() == said["fault_short"].keys() == set(FaultKind)
        assert said["passage"].keys() == set(PassageKind)
        assert said["advice"].keys() == set(Advice)
        assert said["direction"].keys() == set(Direction)
        assert said["role"].keys() == {*Role, "bay"}
        assert said["note"].keys() == set(What)
        assert said["audit_field"].keys() == set(FIELDS)
        assert set(evidence.What) <= said["doubts"].keys()


def test_both_languages_fill_in_the_same_blanks() -> None:
    parts = (words_staff, words_correct, words_why)
    all_words = [_WORDS, *(part.WORDS for part in parts)]
    tables = [table for part in (_TABLES, *(part.TABLES for part in parts)) for table in part.values()]
    phrases = [phrase for table in (*all_words, *tables) for phrase in table.values()]
    for polish, english in phrases:
        assert polish
        assert english
        assert set(re.findall(r"\{\w+\}", polish)) == set(re.findall(r"\{\w+\}", english)), english


def test_every_trouble_with_a_broker_or_a_receiver_is_explained_in_both_languages() -> None:
    written = inspect.getsource(broker) + inspect.getsource(post)
    raw = re.findall(r'(?:Outcome\(False, |self\.trouble\(|        return )f?"([^"]{12,})"', written)
    raw = [text for text in raw if " " in text]
    assert len(raw) > 12
    for language in ("pl", "en"):
        known = words("en" if language == "en" else "pl")["trouble"]
        unknown = [text for text in raw if "{kind}" not in text and not any(part in text for part in known)]
        assert unknown == []
        assert all(known.values())
    assert not set(words("pl")["trouble"].values()) & set(words("en")["trouble"].values())


def test_every_phrase_that_a_script_asks_for_is_there() -> None:
    said = words("pl")
    for script in pages.STATIC.glob("*.js"):
        for name in re.findall(r"\bwords\.(\w+)", script.read_text("utf-8")):
            assert name in said or name in {"lang", "timezone", "csrf"}, f"{script.name}: words.{name}"


def test_a_lots_name_cannot_become_markup(config: WebConfig) -> None:
    evil = "</script><script>alert(1)</script>"
    lot = dataclasses.replace(config.site.lot, name=evil)
    app = create_app(dataclasses.replace(config, site=dataclasses.replace(config.site, lot=lot)))
    with serving(app) as address, httpx.Client(base_url=address) as client:
        for path in ("/", "/login"):
            text = client.get(path).text
            assert evil not in text
            assert "&lt;script&gt;alert(1)" in text


def test_a_page_of_another_module_joins_with_our_frame(config: WebConfig, tmp_path: Path) -> None:
    (tmp_path / "lobby.html").write_text('{% extends "base.html" %}{% block main %}<b>{{ hello }}</b>{% endblock %}')
    router = APIRouter()

    def who() -> str:
        return "witaj"

    @router.get("/demo")
    async def lobby(request: Request, site: SiteDep, hello: Annotated[str, Depends(who)]) -> HTMLResponse:
        return pages.render(request, "lobby.html", site=site, page="demo", templates=tmp_path, hello=hello)

    app = create_app(config, extra=[router], lobby="/demo")
    with serving(app) as address, httpx.Client(base_url=address) as client:
        assert "<b>witaj</b>" in client.get("/demo").text
        assert 'href="/demo?lang=pl"' in client.get("/").text
