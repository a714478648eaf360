"""HTTP of the record of deeds: read, search, export. It stands here and not in ``audit``, which is below those who know
accounts and routes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import StreamingResponse

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.audit import reading, schemas
from tholos.audit.filters import Filter
from tholos.kit.db import Database
from tholos.kit.paging import MOST, USUAL
from tholos.kit.streams import NDJSON

routes = Routes(prefix="/api/v1", tags=["audit"])

Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str, Query(max_length=200)]
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": NDJSON}


Actor = Annotated[str, Query(max_length=80, description="Who did it, by name.")]
Kind = Annotated[str, Query(max_length=60, description="Such as app.shared, or app for all of apps.")]
Since = Annotated[str, Query(max_length=40, description="A day or moment in ISO 8601.")]
Until = Annotated[str, Query(max_length=40, description="A day or moment in ISO 8601, not included.")]
Text = Annotated[str, Query(max_length=200, description="Something in names or notes.")]


def read_activity_filter(
    actor: Actor = "", action: Kind = "", since: Since = "", until: Until = "", q: Text = ""
) -> Filter:
    """Raises: FilterInvalid."""
    return Filter(
        actor=actor.strip(),
        action=action.strip(),
        since=reading.read_moment(since.strip(), "since"),
        until=reading.read_moment(until.strip(), "until"),
        text=q.strip(),
    )


def read_filter(
    base: Annotated[Filter, Depends(read_activity_filter)],
    kind: Annotated[str, Query(max_length=40, description="Of the subject, such as app.")] = "",
    name: Annotated[str, Query(max_length=200, description="Of the subject.")] = "",
) -> Filter:
    return replace(base, kind=kind.strip(), name=name.strip())


Wanted = Annotated[Filter, Depends(read_filter)]
OfApp = Annotated[Filter, Depends(read_activity_filter)]


@routes.declare("GET", "/audit", permission=Permission.ADMINISTER)
def list_audit(call: Calling, wanted: Wanted, cursor: Cursor = "", limit: Limit = USUAL) -> schemas.AuditList:
    """Who did what, the newest first."""
    return page_of(call, wanted, cursor, limit)


@routes.declare(
    "GET",
    "/audit/export",
    permission=Permission.ADMINISTER,
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/csv": {}, NDJSON: {}}, "description": "The entries, the oldest first."}
    },
)
def export_audit(
    call: Calling,
    wanted: Wanted,
    form: Annotated[str, Query(alias="format", pattern="^(csv|ndjson)$")] = "ndjson",
) -> StreamingResponse:
    """Everything that is asked for, the oldest first, as lines of JSON or as CSV. The export is recorded itself."""
    with call.write() as db:
        last = reading.record_export(db, call.actor, wanted, form, call.now)
    batches = _batches(call.get(Database), call.actor.organization_id, wanted, last)
    is_csv = form == "csv"
    head = [schemas.csv_head()] if is_csv else []
    lines = itertools.chain(head, map(schemas.csv_rows if is_csv else schemas.ndjson, batches))
    name = f"audit-{call.now:%Y-%m-%d}.{form}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}
    return StreamingResponse(lines, media_type=_MEDIA_TYPES[form], headers=headers)


@routes.declare("GET", "/apps/{name}/activity", permission=Permission.APP_EDIT)
def list_activity(
    call: Calling, name: str, wanted: OfApp, cursor: Cursor = "", limit: Limit = USUAL
) -> schemas.AuditList:
    """Who did what with an app, the newest first; for those who edit it."""
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
    of_app = replace(wanted, kind="app", subject_id=app.id)
    found = page_of(call, of_app, cursor, limit)
    return schemas.AuditList(items=[schemas.without_origin(one) for one in found.items], next=found.next)


def page_of(call: Call, wanted: Filter, cursor: str, limit: int) -> schemas.AuditList:
    with call.read() as db:
        page = reading.list_page(db, call.actor.organization_id, wanted, cursor, limit)
        return schemas.AuditList(items=[schemas.entry_out(one) for one in page.items], next=page.next or None)


def _batches(
    database: Database, organization_id: str, wanted: Filter, last: int
) -> Iterator[list[schemas.AuditEntryOut]]:
    for batch in reading.read_all(database, organization_id, wanted, last):
        yield [schemas.entry_out(one) for one in batch]
