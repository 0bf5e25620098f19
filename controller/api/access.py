"""Who may change something: whoever has the API token, made on the first run and kept in a file for its owner only.

The token is never logged, only where it is. Wrong guesses are throttled all together, and the right token is looked at
first: a guesser cannot lock out the rightful.
"""

import hmac
import logging
import os
import secrets
import stat
import time
from collections import deque
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from controller.api.problems import Problem

log = logging.getLogger(__name__)

FILE_NAME = "api.token"
MIN_LENGTH = 32
"""Shortest token (characters) that is accepted from a file which somebody wrote by hand."""
MAX_WRONG = 20
"""Wrong guesses within ``WINDOW_S`` before the answer becomes 429."""
WINDOW_S = 60.0


def load_or_create_token(directory: Path) -> str:
    """Return the token kept in ``directory``; make one, readable by its owner only, on the first run.

    Raises ValueError when the file holds nothing worth the name, OSError when it can't be read or written.
    """
    path = directory / FILE_NAME
    try:
        token = path.read_text("utf-8").strip()
    except FileNotFoundError:
        return _create(path)
    if len(token) < MIN_LENGTH:
        raise ValueError(f"{path}: shorter than {MIN_LENGTH} characters; delete it, and the next start makes a new one")
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        log.warning("%s can be read by others than its owner; run chmod 600 on it", path)
    return token


def _create(path: Path) -> str:
    """Write it beside and move it there: a power cut leaves a whole token or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    log.info("made a new API token; it is in %s", path)
    return token


class Guard:
    """Knows the token and counts wrong guesses."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._wrong: deque[float] = deque(maxlen=MAX_WRONG)

    def check(self, token: str, now: float) -> None:
        """Return when ``token`` is the right one; ``now`` is the monotonic clock. Raises Problem."""
        if hmac.compare_digest(token.encode(), self._token):
            return
        if len(self._wrong) == MAX_WRONG and now - self._wrong[0] < WINDOW_S:
            wait_s = int(self._wrong[0] + WINDOW_S - now) + 1
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many wrong tokens",
                mend=f"Wait {wait_s} s, or send the right one: that is never refused",
                headers={"Retry-After": str(wait_s)},
            )
        self._wrong.append(now)
        if len(self._wrong) == MAX_WRONG:
            log.warning("%d wrong API tokens within %.0f s", MAX_WRONG, now - self._wrong[0])
        raise _denied("the token is wrong", 'Bearer realm="parking", error="invalid_token"')


def _denied(detail: str, challenge: str) -> Problem:
    mend = f"Send the header Authorization: Bearer <token>; the token is in the file {FILE_NAME} of the state directory"
    return Problem(HTTPStatus.UNAUTHORIZED, detail, mend=mend, headers={"WWW-Authenticate": challenge})


_bearer = HTTPBearer(auto_error=False, description=f"The token in the file {FILE_NAME}, made on the first run.")


def require_token(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    """Let only those pass who have the token (a dependency of every route that changes something)."""
    if credentials is None:
        raise _denied("this needs a token", 'Bearer realm="parking"')
    guard: Guard = request.app.state.guard
    guard.check(credentials.credentials, time.monotonic())
