"""The OpenAPI document: what the framework writes of routes and models, completed with what holds for all of them.

Every call's errors have one shape; which statuses a call may answer follows from its permission and method. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

INTRODUCTION = """
What the pages and the command line do is done by these calls, but for what a person does in a browser alone: signing in
there, setting a first password, joining by an invitation, and letting a terminal in.

Send an API token as `Authorization: Bearer TOKEN`. An error is JSON of one shape, with a stable `code`, a `message`
for people, mostly a `fix`, and the `request_id` that finds it in the server's log. Lists answer `items` and, where there
is more, `next`: send that as `cursor`. What is created takes an `Idempotency-Key`: sent again within a day, it is done once
and answered the same. What is edited answers an `ETag`: send it as `If-Match`, and a change that somebody else made
meanwhile is told instead of lost (412).
"""

_ERROR_SCHEMA: Document = {
    "type": "object",
    "title": "Error",
    "required": ["error", "request_id"],
    "properties": {
        "request_id": {"type": "string", "description": "Finds what happened in the server's log."},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Stable name of the error, for programs."},
                "message": {"type": "string", "description": "What is wrong and where."},
                "fix": {"type": "string", "description": "What to do about it."},
                "where": {"type": "string", "description": "The field, file or line it is about."},
                "details": {"type": "object", "description": "Further values for programs."},
            },
        },
    },
}
_ERRORS = {
    "400": "The input is not of the form that is needed.",
    "401": "Nobody is signed in, or the credential is not good (any more).",
    "403": "This account or token may not do that.",
    "404": "There is no such thing among those you may see.",
    "409": "Something else was there first.",
    "412": "Somebody else changed it meanwhile.",
    "413": "The body is too large.",
    "429": "Too many calls in a short time; `Retry-After` says when to come back.",
    "503": "It cannot be done just now; `Retry-After` says when to try again.",
}
_ALWAYS = ("400", "401", "403", "404", "429", "503")
_CHANGING = ("409", "412", "413")


def complete(document: Document) -> Document:
    """The document with security, errors and an introduction; changed in place and returned."""
    document["info"]["description"] = INTRODUCTION.strip()
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schemas = components.setdefault("schemas", {})
    schemas["Error"] = _ERROR_SCHEMA
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for method, operation in _operations(document):
        _complete_operation(method, operation)
    return document


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path in document["paths"].values():
        yield from path.items()


def _complete_operation(method: str, operation: Document) -> None:
    is_public = operation.get("x-permission") == "public"
    operation["security"] = [{"token": []}, {}] if is_public else [{"token": []}]
    responses = operation["responses"]
    responses.pop("422", None)
    for status in (*_ALWAYS, *(() if method in {"get", "head"} else _CHANGING)):
        responses.setdefault(status, _error(_ERRORS[status]))


def _error(description: str) -> Document:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
