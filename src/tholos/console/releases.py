"""The releases of an app: what each is, and going back and forth between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from tholos.accounts.pages import account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import keeping
from tholos.apps import schemas as app_schemas
from tholos.apps import service as apps
from tholos.apps.api import ReleaseNumber
from tholos.apps.models import App, Release, ReleaseState
from tholos.console.pages import AppPage, last_operations
from tholos.kit.db import ReadDb
from tholos.kit.pages import Pages
from tholos.operations import api as operations_api
from tholos.operations import schemas as operation_schemas
from tholos.operations import service as operations
from tholos.publishing import releases_api
from tholos.publishing import schemas as publishing_schemas
from tholos.sources import commits
from tholos.sources import schemas as source_schemas

routes = Routes(include_in_schema=False)

ON_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasesPage(AppPage):
    releases: Sequence[app_schemas.ReleaseOut]
    before: app_schemas.ReleaseOut | None
    may_change: bool
    more_url: str
    failures: Mapping[int, operation_schemas.OperationOut]
    """By number of the release: what did not come to make it, as far as one may see that."""
    commits: Mapping[int, source_schemas.CommitOut]
    """By number of the release: what it was made of, where that came from a repository; for those who edit the app."""


@routes.declare("GET", "/apps/{name}/releases", permission=Permission.APP_VIEW)
def show_releases(
    call: Calling, name: str, cursor: Annotated[str, Query(pattern=r"^[0-9]{0,9}$")] = ""
) -> Response:
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        found = apps.list_releases(db, app.id, below=int(cursor or 0), limit=ON_PAGE + 1)
        before = keeping.find_before(db, app.id)
        more = f"/apps/{name}/releases?cursor={found[ON_PAGE - 1].number}" if len(found) > ON_PAGE else ""
        may_change = apps.may_edit(db, app, call.actor)
        made_of = commits.commits_of(db, app, [one.number for one in found]) if may_change else {}
        page = ReleasesPage(
            title=f"{name}: releases",
            account=account_of(call),
            json_url=f"/api/v1/apps/{name}/releases",
            app=apps_api.shown(call, db, [app])[0],
            operation=last_operations(call, db, [app]).get(name),
            releases=apps_api.shown_releases(call, db, app, found[:ON_PAGE]),
            before=apps_api.shown_releases(call, db, app, [before])[0] if before else None,
            may_change=may_change,
            more_url=more,
            failures=_failures(call, db, app, found[:ON_PAGE]),
            commits={number: source_schemas.commit_out(one) for number, one in made_of.items()},
        )
    return call.get(Pages).answer("app_releases.html", page)


def _failures(
    call: Call, db: ReadDb, app: App, found: Sequence[Release]
) -> dict[int, operation_schemas.OperationOut]:
    numbers = {one.id: one.number for one in found if one.state == ReleaseState.FAILED}
    made_by = operations.list_about(db, call.actor, app.id, "release_id", [*numbers])
    shown = operations_api.shown(db, made_by, call.site.url)
    return {
        numbers[str(operation.request["release_id"])]: out
        for operation, out in zip(made_by, shown, strict=True)
    }


@routes.declare("POST", "/apps/{name}/rollback", permission=Permission.APP_EDIT)
def roll_back_app(call: Calling, name: str) -> Response:
    return _led_to(name, releases_api.roll_back(call, name, None))


@routes.declare("POST", "/apps/{name}/releases/{number}/activate", permission=Permission.APP_EDIT)
def activate_release(call: Calling, name: str, number: ReleaseNumber) -> Response:
    return _led_to(name, releases_api.activate(call, name, number))


@routes.declare("POST", "/apps/{name}/restart", permission=Permission.APP_EDIT)
def restart_app(call: Calling, name: str) -> Response:
    return _led_to(name, releases_api.restart(call, name))


@routes.declare("POST", "/apps/{name}/releases/{number}/discard", permission=Permission.APP_EDIT)
def discard_draft(call: Calling, name: str, number: ReleaseNumber) -> Response:
    releases_api.end_draft(call, name, number)
    return RedirectResponse(f"/apps/{name}/releases#release-{number}", 303)


@routes.declare("POST", "/apps/{name}/releases/{number}/pin", permission=Permission.APP_EDIT)
def pin_release(call: Calling, name: str, number: ReleaseNumber) -> Response:
    releases_api.set_pinned(call, name, number, is_pinned=True)
    return RedirectResponse(f"/apps/{name}/releases#release-{number}", 303)


@routes.declare("POST", "/apps/{name}/releases/{number}/unpin", permission=Permission.APP_EDIT)
def unpin_release(call: Calling, name: str, number: ReleaseNumber) -> Response:
    releases_api.set_pinned(call, name, number, is_pinned=False)
    return RedirectResponse(f"/apps/{name}/releases#release-{number}", 303)


def _led_to(name: str, begun: publishing_schemas.PublishOut) -> Response:
    """To the operation that was begun; to the releases, where there was nothing to do."""
    if begun.operation is None:
        return RedirectResponse(f"/apps/{name}/releases", 303)
    return RedirectResponse(f"/operations/{begun.operation.id}", 303)
