"""HTTP of apps and their releases: read. Publishing and deleting are operations (``tholos.publishing``)."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Query

from tholos.accounts import service as accounts
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import schemas
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.kit.db import ReadDb

routes = Routes(prefix="/api/v1/apps", tags=["apps"])


@routes.declare("GET", "", permission=Permission.SIGNED_IN)
def list_apps(call: Calling, q: str = Query("", max_length=100)) -> schemas.AppList:
    with call.read() as db:
        return schemas.AppList(items=shown(call, db, apps.list_visible(db, call.actor, q.strip().lower())))


@routes.declare("GET", "/{name}", permission=Permission.APP_VIEW)
def get_app(call: Calling, name: str) -> schemas.AppOut:
    with call.read() as db:
        return shown(call, db, [apps.get_visible(db, call.actor, name)])[0]


@routes.declare("GET", "/{name}/releases", permission=Permission.APP_VIEW)
def list_releases(call: Calling, name: str) -> schemas.ReleaseList:
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        return schemas.ReleaseList(items=shown_releases(db, app))


def shown(call: Call, db: ReadDb, found: Sequence[App]) -> list[schemas.AppOut]:
    """Apps as JSON, with three queries however many they are."""
    live = apps.live_releases(db, found)
    names = accounts.account_names(
        db, [*{app.owner_id for app in found} | {release.author_id for release in live.values()}]
    )
    return [schemas.app_out(app, live.get(app.id), names, call.site.url, call.site.app_url) for app in found]


def shown_releases(db: ReadDb, app: App) -> list[schemas.ReleaseOut]:
    releases = apps.list_releases(db, app.id)
    live = apps.find_live(db, app.id)
    names = accounts.account_names(db, [*{release.author_id for release in releases}])
    return [
        schemas.release_out(release, names, is_live=live is not None and release.id == live.id)
        for release in releases
    ]
