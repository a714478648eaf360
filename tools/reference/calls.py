"""The calls of the API and the routes of the pages, from the OpenAPI document and the routers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastapi.routing import APIRoute
from tools.reference.tables import MADE, code, first_paragraph, table

from tholos.accounts.routes import Permission
from tholos.kit.services import Services
from tholos.server.application import ROUTERS, build
from tholos.server.openapi import INTRODUCTION

HEAD = f"""# API

{INTRODUCTION.strip()}

What each call takes and answers, field by field, is on a server's own page `/help/api` and in its
`/api/v1/openapi.json`. {MADE}

## Permissions

"""
WHO: Mapping[Permission, str] = {
    Permission.PUBLIC: "everybody",
    Permission.SIGNED_IN: "everybody who is signed in",
    Permission.PUBLISH: "publishers and administrators",
    Permission.ADMINISTER: "administrators",
    Permission.MEASURE: "administrators, and who sends the token of the setting `THOLOS_METRICS__TOKEN`",
    Permission.APP_VIEW: "everybody who may open the app",
    Permission.APP_EDIT: "the app's owner and editors, and administrators",
    Permission.APP_SHARE: "the app's owner and editors, and administrators",
    Permission.APP_OWN: "the app's owner, and administrators",
}
FOREIGN = frozenset({"connect"})
"""Tags of wires that are others' to describe."""
PAGES = """
## Pages

What browsers ask for. Every page works without scripts; what changes something is a form.

"""


@dataclass(frozen=True, slots=True)
class Row:
    """One route."""

    method: str
    path: str
    permission: str
    text: str
    subject: str

    @property
    def cells(self) -> tuple[str, str, str]:
        return code(f"{self.method} {self.path}"), self.permission, self.text


def text() -> str:
    told = HEAD + table(("permission", "who"), ((code(str(one)), who) for one, who in WHO.items()))
    by_subject: dict[str, list[Row]] = {}
    for row in calls():
        by_subject.setdefault(row.subject, []).append(row)
    for subject, rows in by_subject.items():
        told += f"\n## {subject.capitalize()}\n\n"
        told += table(("call", "permission", "what it does"), (row.cells for row in rows))
    shown = ((code(f"{row.method} {row.path}"), row.permission) for row in pages())
    return told + PAGES + table(("page", "permission"), shown)


def calls() -> Iterator[Row]:
    """Every operation of the OpenAPI document, in its order."""
    for path, methods in build(Services()).openapi()["paths"].items():
        for method, operation in methods.items():
            said = first_paragraph(operation.get("description"))
            subject = str((operation.get("tags") or ["server"])[0])
            yield Row(method.upper(), path, operation["x-permission"], said, subject)


def pages() -> Iterator[Row]:
    """Every route that is no call of the API, by path."""
    found = [
        Row(method, route.path, (route.openapi_extra or {}).get("x-permission", ""), "", "pages")
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        and not route.include_in_schema
        and not FOREIGN.intersection(route.tags)
        for method in route.methods
    ]
    yield from sorted(found, key=lambda row: (row.path, row.method))
