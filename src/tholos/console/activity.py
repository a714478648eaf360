"""An app's activity: who did what with it, for those who edit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from starlette.responses import Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import schemas as app_schemas
from tholos.apps import service as apps
from tholos.audit.filters import Filter
from tholos.console import audit_api
from tholos.console.audit import Row, rows_of
from tholos.kit.pages import Pages
from tholos.kit.paging import USUAL

routes = Routes(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage(Frame):
    app: app_schemas.AppOut
    rows: Sequence[Row]
    next_url: str


@routes.declare("GET", "/apps/{name}/activity", permission=Permission.APP_EDIT)
def show_activity(call: Calling, name: str, cursor: Annotated[str, Query(max_length=200)] = "") -> Response:
    found = audit_api.list_activity(call, name, Filter(), cursor, USUAL)
    with call.read() as db:
        app = apps_api.shown(call, db, [apps.get_editable(db, call.actor, name)])[0]
    page = ActivityPage(
        title=f"{name}: activity",
        account=account_of(call),
        json_url=f"/api/v1/apps/{name}/activity",
        app=app,
        rows=rows_of(found.items),
        next_url=f"/apps/{name}/activity?{urlencode({'cursor': found.next})}" if found.next else "",
    )
    return call.get(Pages).answer("app_activity.html", page)
