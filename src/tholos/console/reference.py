"""The API's reference as a page, from the OpenAPI document that programs read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI
from markupsafe import Markup
from starlette.responses import Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.pages import Pages

routes = Routes(include_in_schema=False)

_WHO = {
    "public": "everybody",
    "signed_in": "everybody who is signed in",
    "publish": "publishers",
    "administer": "administrators",
    "app.view": "everybody who may open the app",
    "app.edit": "the app's owner and editors",
    "app.share": "the app's owner and editors",
    "app.own": "the app's owner",
}
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one field of a body."""

    name: str
    place: str
    """``path``, ``query``, ``header`` or ``body``."""
    type: str
    is_required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    status: str
    text: str
    schema: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    id: str
    method: str
    path: str
    title: str
    text: str
    who: str
    fields: Sequence[Field]
    answers: Sequence[Answered]
    command: str


@dataclass(frozen=True, slots=True)
class Section:
    """The calls about one thing."""

    name: str
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class Schema:
    """One shape of JSON that answers or bodies have."""

    name: str
    text: str
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Document:
    """All that is the same for everybody."""

    introduction: Sequence[str]
    sections: Sequence[Section]
    schemas: Sequence[Schema]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePage(Frame):
    content: Markup


@routes.declare("GET", "/help/api", permission=Permission.SIGNED_IN)
def show_reference(call: Calling) -> Response:
    page = ReferencePage(title="API reference", account=account_of(call), content=_content(call))
    return call.get(Pages).answer("reference.html", page)


def _content(call: Call) -> Markup:
    """What the document says, rendered once: it changes with the program only."""
    app = cast("FastAPI", call.request.app)
    kept: Markup | None = getattr(app.state, "reference", None)
    if kept is None:
        document = app.openapi()
        found = Document(
            introduction=document["info"]["description"].split("\n\n"),
            sections=list(sections_of(document, call.site.url)),
            schemas=[_schema(name, one) for name, one in sorted(document["components"]["schemas"].items())],
        )
        kept = app.state.reference = Markup(call.get(Pages).text("reference_content.html", found))  # noqa: S704 - the template escapes
    return kept


def sections_of(document: Mapping[str, Any], url: str) -> Iterator[Section]:
    """The calls of a document by what they are about, in the order in which that is first met."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = str((operation.get("tags") or ["server"])[0])
            found.setdefault(tag, []).append(_operation(method.upper(), path, operation, url))
    for tag, operations in found.items():
        yield Section(tag, operations)


def _operation(method: str, path: str, operation: Mapping[str, Any], url: str) -> Operation:
    identity = str(operation["operationId"])
    return Operation(
        id=identity,
        method=method,
        path=path,
        title=identity.replace("_", " ").capitalize(),
        text=str(operation.get("description", "")),
        who=_WHO.get(str(operation.get("x-permission")), ""),
        fields=[*_parameters(operation), *_body(operation)],
        answers=[_answered(status, one) for status, one in sorted(operation["responses"].items())],
        command=_command(method, path, operation, url),
    )


def _parameters(operation: Mapping[str, Any]) -> Iterator[Field]:
    for one in operation.get("parameters", []):
        text = str(one.get("description", ""))
        yield Field(one["name"], one["in"], _type(one["schema"]), bool(one.get("required")), text)


def _body(operation: Mapping[str, Any]) -> Iterator[Field]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        text = "" if kind == "application/json" else kind
        yield Field("body", "body", _type(content.get("schema", {})), is_required=True, text=text)


def _answered(status: str, response: Mapping[str, Any]) -> Answered:
    content = response.get("content", {})
    schema = next((_type(one.get("schema", {})) for one in content.values()), "")
    return Answered(status, str(response.get("description", "")), schema)


def _schema(name: str, schema: Mapping[str, Any]) -> Schema:
    needed = set(schema.get("required", []))
    fields = [
        Field(one, "body", _type(shape), one in needed, str(shape.get("description", "")))
        for one, shape in schema.get("properties", {}).items()
    ]
    return Schema(name, str(schema.get("description", "")), fields)


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: ``text``, ``list of AppOut``, ``number or null``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f'"{one}"' for one in schema["enum"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(kind, kind)


def _command(method: str, path: str, operation: Mapping[str, Any], url: str) -> str:
    """The call as a command line; what is to be filled in stands in capitals."""
    target = _PARAMETER.sub(lambda match: match[1].upper(), path)
    words = ["curl", "-H 'Authorization: Bearer TOKEN'"]
    if method != "GET":
        words.append(f"-X {method}")
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        words.append("-H 'Content-Type: application/json' -d '{…}'")
    return " ".join([*words, f"{url}{target}"])
