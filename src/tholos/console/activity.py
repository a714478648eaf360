"""An app's activity: who did what with it, for those who edit it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import schemas as app_schemas
from tholos.apps import service as apps
from tholos.audit import schemas as audit_schemas
from tholos.console import audit_api
from tholos.console.audit import ACTIONS, KINDS, Asked, Row, api_query, rows_of
from tholos.kit.errors import Invalid
from tholos.kit.pages import Pages
from tholos.kit.paging import USUAL

routes = Routes(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage(Frame):
    app: app_schemas.AppOut
    rows: Sequence[Row]
    values: Mapping[str, str]
    errors: Mapping[str, str]
    kinds: Sequence[str]
    actions: Sequence[str]
    next_url: str


@routes.declare("GET", "/apps/{name}/activity", permission=Permission.APP_EDIT)
def show_activity(
    call: Calling,
    name: str,
    actor: Asked = "",
    action: Asked = "",
    since: Asked = "",
    until: Asked = "",
    text: Asked = "",
    cursor: Asked = "",
) -> Response:
    values = {"actor": actor, "action": action, "since": since, "until": until, "text": text}
    with call.read() as db:
        app = apps_api.shown(call, db, [apps.get_editable(db, call.actor, name)])[0]
    wrong = {}
    try:
        wanted = audit_api.read_activity_filter(actor, action, since, until, text)
        found = audit_api.list_activity(call, name, wanted, cursor, USUAL)
    except Invalid as error:
        wrong = {error.where: f"{error.message} {error.fix}".strip()}
        found = audit_schemas.AuditList(items=[], next=None)
    asked = {key: value for key, value in values.items() if value}
    here, query = f"/apps/{name}/activity", urlencode(api_query(values))
    page = ActivityPage(
        title=f"{name}: activity",
        account=account_of(call),
        json_url=f"/api/v1{here}{'?' if query else ''}{query}",
        app=app,
        rows=rows_of(found.items),
        values=values,
        errors=wrong,
        kinds=KINDS,
        actions=ACTIONS,
        next_url=f"{here}?{urlencode({**asked, 'cursor': found.next})}" if found.next else "",
    )
    return call.get(Pages).answer("app_activity.html", page, 400 if wrong else 200)
