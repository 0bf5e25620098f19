"""FastAPI's OpenAPI document, mended where it says something else than we do."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from controller.api import models, problems
from controller.api.incidents import shapes as incidents
from controller.api.past import shapes as past

_SHAPES = (models, past, incidents)
_INVALID = HTTPStatus.UNPROCESSABLE_ENTITY


class DocumentedApp(FastAPI):
    """FastAPI with three things put right in the document.

    It drops nulls from examples, which then do not fit their own shapes; it knows nothing of our problem documents; and
    it says that invalid input is answered in its own shape.
    """

    def openapi(self) -> dict[str, Any]:
        """Return the document; FastAPI makes it once and keeps it."""
        if self.openapi_schema is None:
            document = super().openapi()
            _problems(document)
            _examples(document["components"]["schemas"])
        return super().openapi()


def _problems(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas[problems.ProblemDetails.__name__] = problems.ProblemDetails.model_json_schema()
    for operations in document["paths"].values():
        for operation in operations.values():
            if str(_INVALID.value) in operation["responses"]:
                operation["responses"][str(_INVALID.value)] = problems.responses(_INVALID)[_INVALID.value]


def _examples(schemas: dict[str, Any]) -> None:
    for name, schema in schemas.items():
        shape = next((found for room in _SHAPES if (found := getattr(room, name, None)) is not None), None)
        if "examples" in schema and shape is not None:
            schema["examples"] = shape.model_config["json_schema_extra"]["examples"]
