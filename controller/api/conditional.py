"""What has not changed is not sent again: ETag, If-None-Match and Age (RFC 9110, RFC 9111), for the state."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response

from controller.api.content import AGES, tag_of
from controller.api.models import Picture
from controller.api.public import SeenDep

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "ETag": {"description": "Send it back in If-None-Match.", "schema": {"type": "string"}},
            "Age": {"description": "Age of the state (s), once there is one.", "schema": {"type": "integer"}},
        }
    },
    304: {"description": "Nothing but the age has changed since the answer with this ETag."},
}
"""For OpenAPI."""


class NotModifiedError(Exception):
    """The caller has this answer already."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__("not modified")
        self.headers = headers


def _now(request: Request, response: Response, now: SeenDep) -> Picture:
    headers = {"ETag": f'W/"{tag_of(now.model_dump_json(exclude=AGES))}"', "Cache-Control": "no-cache"}
    if now.age_s is not None:
        headers["Age"] = str(int(now.age_s))
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    if headers["ETag"] in known or headers["ETag"].removeprefix("W/") in known or "*" in known:
        raise NotModifiedError(headers)
    response.headers.update(headers)
    return now


NowDep = Annotated[Picture, Depends(_now)]
"""The picture of this moment; the answer carries its tag and its age, or is 304."""


def install(app: FastAPI) -> None:
    """Let ``app`` answer 304."""
    app.add_exception_handler(NotModifiedError, _not_modified)


async def _not_modified(_request: Request, error: Exception) -> Response:
    if not isinstance(error, NotModifiedError):
        raise error
    return Response(status_code=304, headers=error.headers)
