"""The audit page: who did what, as a table to search. It works by links and a form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from starlette.responses import Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Calling, Permission, Routes
from tholos.audit import schemas
from tholos.audit.filters import Filter
from tholos.audit.models import Action
from tholos.console import audit_api
from tholos.kit.errors import Invalid
from tholos.kit.pages import Pages
from tholos.kit.paging import USUAL

routes = Routes(include_in_schema=False)

MOST_SHOWN = 300
"""Characters of a value."""
Asked = Annotated[str, Query(max_length=200)]
ACTIONS: Sequence[str] = sorted(Action)
KINDS: Sequence[str] = sorted({one.partition(".")[0] for one in Action})


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a deed changed; texts are empty where there was nothing."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Row:
    """One deed, as a table shows it."""

    entry: schemas.AuditEntryOut
    href: str
    """Of the subject's own page; empty where it has none."""
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage(Frame):
    rows: Sequence[Row]
    values: Mapping[str, str]
    errors: Mapping[str, str]
    kinds: Sequence[str]
    actions: Sequence[str]
    next_url: str
    csv_url: str
    ndjson_url: str


@routes.declare("GET", "/audit", permission=Permission.ADMINISTER)
def show_audit(
    call: Calling,
    actor: Asked = "",
    action: Asked = "",
    kind: Asked = "",
    name: Asked = "",
    since: Asked = "",
    until: Asked = "",
    text: Asked = "",
    cursor: Asked = "",
) -> Response:
    values = {"actor": actor, "action": action, "kind": kind, "name": name, "since": since, "until": until}
    wanted, wrong = Filter(), {}
    try:
        wanted = audit_api.read_filter(
            audit_api.read_activity_filter(actor, action, since, until, text), kind, name
        )
        found = audit_api.page_of(call, wanted, cursor, USUAL)
    except Invalid as error:
        wrong = {error.where: f"{error.message} {error.fix}".strip()}
        found = schemas.AuditList(items=[], next=None)
    values |= {"text": text}
    asked = {key: value for key, value in values.items() if value}
    export = api_query(values)
    shown = {**export, "cursor": cursor} if cursor else export
    page = AuditPage(
        title="Audit",
        account=account_of(call),
        json_url="/api/v1/audit" + (f"?{urlencode(shown)}" if shown else ""),
        rows=rows_of(found.items),
        values=values,
        errors=wrong,
        kinds=KINDS,
        actions=ACTIONS,
        next_url=f"/audit?{urlencode({**asked, 'cursor': found.next})}" if found.next else "",
        csv_url=f"/api/v1/audit/export?{urlencode({**export, 'format': 'csv'})}",
        ndjson_url=f"/api/v1/audit/export?{urlencode({**export, 'format': 'ndjson'})}",
    )
    return call.get(Pages).answer("audit.html", page, 400 if wrong else 200)


def api_query(values: Mapping[str, str]) -> dict[str, str]:
    """What was asked for, as the API names it."""
    return {"q" if key == "text" else key: value for key, value in values.items() if value}


def rows_of(entries: Sequence[schemas.AuditEntryOut]) -> list[Row]:
    return [Row(one, _href(one), changes_of(one)) for one in entries]


def changes_of(entry: schemas.AuditEntryOut) -> list[Change]:
    """What differs between before and after, field by field; what is the same on both sides is left out."""
    before, after = entry.before or {}, entry.after or {}
    fields = dict.fromkeys([*before, *after])
    changes = [Change(field, _shown(before.get(field)), _shown(after.get(field))) for field in fields]
    return [one for one in changes if one.before != one.after]


def _shown(value: object) -> str:
    if value in (None, "", [], {}):
        return ""
    text = _in_words(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _in_words(value: object) -> str:
    """Lists and mappings as people write them; what is deeper, as programs do."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if isinstance(value, dict) and all(isinstance(one, str | int) for one in value.values()):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _href(entry: schemas.AuditEntryOut) -> str:
    if entry.subject_kind == "app" and entry.action != Action.APP_DELETED:
        return f"/apps/{entry.subject}"
    has_page = entry.subject_kind in {"webhook", "operation"}
    return f"/{entry.subject_kind}s/{entry.subject_id}" if has_page else ""
