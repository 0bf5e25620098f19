"""Who asks, and whether they may: a dependency of every route that tells more than the site file makes public.

Other systems send a token (``Authorization: Bearer``), browsers the cookie of a session, and with every change the
session's CSRF token in a header or a form, which no page of another site can know. ``accounts`` keeps both.
"""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from controller.api.accounts import Accounts, Role, Who
from controller.api.problems import Problem
from controller.api.throttle import PER_NAME, PER_PLACE, WRONG_TOKENS, Devices, Throttle
from controller.site import Site

log = logging.getLogger(__name__)

SESSION, DEVICE = "parking_session", "parking_device"
"""Cookies."""
CSRF = "x-csrf-token"
SAFE = {"GET", "HEAD", "OPTIONS"}
LEGACY_TOKEN = "api.token"  # noqa: S105  a file's name
"""Where version 0.1 kept its one token; it goes on working, as a manager's."""
MAX_PASSWORD = 500
"""Characters; a longer one is no password."""


class Gate:
    """Lets in whoever proves who it is, and counts wrong guesses."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self._throttle = Throttle()
        self._devices = Devices(accounts.key("device"))
        self._one_at_a_time = asyncio.Lock()

    def token(self, token: str) -> Who:
        """Return which system has this token; raises Problem. The right one is never refused."""
        who = self.accounts.check_token(token, time.time())
        if who is not None:
            return who
        now = time.monotonic()
        if wait_s := self._throttle.wait_s("tokens", WRONG_TOKENS, now):
            raise _too_many(wait_s, "too many wrong tokens", "or send the right one: that is never refused")
        if self._throttle.count("tokens", WRONG_TOKENS, now):
            log.warning("%d wrong API tokens within a minute", WRONG_TOKENS)
        raise denied("the token is wrong or was revoked", 'Bearer realm="parking", error="invalid_token"')

    def session(self, cookie: str) -> Who | None:
        """Return whose browser this is."""
        return self.accounts.check_session(cookie, time.time())

    async def login(self, name: str, password: str, *, place: str, device: str) -> tuple[str, str]:
        """Return the cookies of a new session and of the device; raises Problem.

        ``place`` is the address that asks, ``device`` its device cookie or empty.
        """
        known = self._devices.name(device, name) if device else None
        keys = [(f"device {known}", PER_PLACE)] if known else [(f"{place} {name}", PER_PLACE), (name, PER_NAME)]
        if wait_s := max(self._throttle.wait_s(key, most, time.monotonic()) for key, most in keys):
            raise _too_many(wait_s, "too many wrong passwords", "or log in where you logged in before")
        async with self._one_at_a_time:  # it takes 19 MB and, on a small Pi, a good part of a second
            who = await asyncio.to_thread(self.accounts.check_password, name, password[:MAX_PASSWORD], time.time())
        if who is None:
            too_many = [self._throttle.count(key, most, time.monotonic()) for key, most in keys]
            if any(too_many):
                log.warning("many wrong passwords for %r from %s", name, place)
            raise denied("the name or the password is wrong", 'Bearer realm="parking"')
        self._throttle.right(keys[0][0])
        return self.accounts.begin_session(who, time.time()), device if known else self._devices.cookie(name)


def csrf_of(cookie: str) -> str:
    """Return what a session's changes must carry."""
    return hashlib.sha256(f"csrf {cookie}".encode()).hexdigest()


def denied(detail: str, challenge: str = 'Bearer realm="parking"') -> Problem:
    """Return the answer to who did not prove who it is."""
    mend = "Log in at /login, or send Authorization: Bearer <token>; `parking-controller access token` makes one"
    return Problem(HTTPStatus.UNAUTHORIZED, detail, mend=mend, headers={"WWW-Authenticate": challenge})


def _too_many(wait_s: int, detail: str, otherwise: str) -> Problem:
    mend, headers = f"Wait {wait_s} s, {otherwise}", {"Retry-After": str(wait_s)}
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, mend=mend, headers=headers)


def refuse_other_sites(request: Request) -> None:
    """Raise Problem when a browser says that another site's page sent this (Fetch Metadata, else the Origin header)."""
    fetch_site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    ours = f"{request.url.scheme}://{request.headers.get('host', '')}"
    foreign = fetch_site not in {"same-origin", "none"} if fetch_site else origin not in {None, ours}
    if foreign:
        detail = f"orders from other sites are refused (Origin {origin})"
        raise Problem(HTTPStatus.FORBIDDEN, detail, mend=f"Use the page at {ours}")


_bearer = HTTPBearer(auto_error=False, description="A token that `parking-controller access token NAME` made.")


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Who | None:
    """Return who asks; None: somebody without a credential. Raises Problem for a wrong one."""
    gate: Gate = request.app.state.gate
    if credentials is not None:
        return gate.token(credentials.credentials)
    cookie = request.cookies.get(SESSION)
    who = gate.session(cookie) if cookie else None
    if who and cookie and request.method not in SAFE:
        refuse_other_sites(request)
        if not hmac.compare_digest(request.headers.get(CSRF, "").encode(), csrf_of(cookie).encode()):
            mend = f"Send the header {CSRF} as the page does; reload the page"
            raise Problem(HTTPStatus.FORBIDDEN, "the session's CSRF token is missing or wrong", mend=mend)
    return who


CallerDep = Annotated[Who | None, Depends(caller)]


def require(role: Role) -> Callable[[Who | None], Awaitable[Who]]:
    """Return a dependency that lets only this role pass, or a higher one."""

    async def allowed(who: CallerDep) -> Who:
        if who is None:
            raise denied("this needs a login or a token")
        if not who.role.covers(role):
            detail = f"{who.by} is a {who.role}, and this needs a {role}"
            raise Problem(HTTPStatus.FORBIDDEN, detail, mend="Ask somebody who may; `parking-controller access list`")
        return who

    return allowed


ViewerDep = Annotated[Who, Depends(require(Role.VIEWER))]
AttendantDep = Annotated[Who, Depends(require(Role.ATTENDANT))]
ManagerDep = Annotated[Who, Depends(require(Role.MANAGER))]


def readable(part: str) -> Callable[[Request, Who | None], Awaitable[None]]:
    """Return a dependency that lets everybody pass where the site file makes this part public, else viewers."""

    async def allowed(request: Request, who: CallerDep) -> None:
        site: Site = request.app.state.site
        if who is None and part not in site.api.public:
            raise denied(f'this needs a login or a token: "{part}" is not in public of [api] in the site file')

    return allowed
