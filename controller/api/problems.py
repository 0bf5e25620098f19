"""Errors as people and programs can use them: RFC 9457 ``application/problem+json``, each with the mend.

Whoever finds something wrong raises ``Problem``; what FastAPI and Starlette find themselves gets the same shape here.
"""

import logging
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MOST_SENT = 40
"""Characters of a wrong value that are told back."""

_MENDS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "See /api/v1/openapi.json for what there is",
    HTTPStatus.METHOD_NOT_ALLOWED: "See the Allow header, or /api/v1/openapi.json",
}


class Problem(HTTPException):
    """Something went wrong that the caller should know about: what it is, and what to do."""

    def __init__(self, status: HTTPStatus, detail: str, *, mend: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status.value, detail, headers)
        self.mend = mend


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "no zone is named 'custmers'",
                    "mend": "Zones here: customers, staff",
                }
            ]
        }
    )

    type: str = Field(default="about:blank", description="Always about:blank: the status says what kind it is.")
    title: str = Field(description="The HTTP status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, with the value.")
    mend: str = Field(description="What to do about it.")


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Describe these errors for OpenAPI."""
    # FastAPI writes a model's schema under application/json; a reference under our own type says it right.
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {status.value: {"description": status.phrase, "content": content} for status in statuses}


WRONG_TOKEN = responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
"""What any route that asks who is there may answer."""


def install(app: FastAPI) -> None:
    """Let every error of ``app`` leave as a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(sqlite3.Error, _not_kept)
    app.add_exception_handler(Exception, _unforeseen)


def answer(status: int, detail: str, mend: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error as a problem document."""
    body = ProblemDetails(title=HTTPStatus(status).phrase, status=status, detail=detail, mend=mend)
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    mend = error.mend if isinstance(error, Problem) else _MENDS.get(error.status_code, "See /api/v1/openapi.json")
    return answer(error.status_code, str(error.detail), mend, error.headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [f"{'.'.join(str(step) for step in e['loc'])}: {e['msg']}{_sent(e)}" for e in error.errors()]
    why = any(e["loc"][-1:] == ("reason",) for e in error.errors())
    mend = f"Mend these and send it again{'; a reason says why in up to 200 characters' if why else ''}"
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY.value, "; ".join(faults), mend)


def _sent(fault: Mapping[str, Any]) -> str:
    """Return the value that is wrong, if it is short and was sent at all."""
    sent = fault.get("input")
    return f", not {sent!r}" if isinstance(sent, str | int | float) and len(str(sent)) <= MOST_SENT else ""


async def _not_kept(request: Request, error: Exception) -> JSONResponse:
    """Say that a file of ours can't be used: nothing of what was asked for was done."""
    log.error("%s %s: %s", request.method, request.url.path, error)
    status, mend = HTTPStatus.SERVICE_UNAVAILABLE.value, "See whether the disk is full or worn out; then send it again"
    return answer(status, f"this can't be put on record: {error}", mend)


async def _unforeseen(request: Request, _error: Exception) -> JSONResponse:
    # Starlette raises it again after this answer, so that the server logs the traceback.
    log.error("%s %s failed", request.method, request.url.path)
    mend = "Tell whoever maintains the controller; its log has the details"
    return answer(HTTPStatus.INTERNAL_SERVER_ERROR.value, "an unforeseen error in the controller", mend)
