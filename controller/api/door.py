"""What every request and answer passes: a bound on bodies, security headers, and a tally of the answers.

A page may load only what is ours, and nobody may frame it.
"""

from collections import Counter
from http import HTTPMethod, HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.api.problems import answer

MAX_BODY = 16 * 1024
"""Largest request body (bytes)."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Content-Security-Policy: no inline script or style, nothing from elsewhere."""

ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with it a form of ours is sent with `Origin: null`, and is taken for another site's wherever
    # browsers send no Fetch Metadata, as to a plain http address on the LAN.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Answers = Counter[tuple[str, int]]
"""How many requests were answered, by method and status."""

_METHODS = frozenset(HTTPMethod)


class Counted:
    """Counts every answer: what the API took, and what it refused, is what was sent."""

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        self._app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value  # what is answered outside of this, when something escapes

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"  # anybody may invent more
            self._answers[method, status] += 1


class SecurityHeaders:
    """Adds them, and says that nothing is kept without asking again (an upgrade must reach every phone at once)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith("/static/") else "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Refuses a body that is too large, or that does not say how large it is, before anything reads it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers:
            refusal = answer(HTTPStatus.LENGTH_REQUIRED, "a body without Content-Length", "Send it in one piece")
        elif not length.isdecimal() or int(length) > MAX_BODY:
            size = f"a body of {length[:20]} bytes is too large"
            refusal = answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, size, f"Send at most {MAX_BODY} bytes")
        else:
            await self._app(scope, receive, send)
            return
        await refusal(scope, receive, send)
