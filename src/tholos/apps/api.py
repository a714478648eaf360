"""HTTP of apps and their releases: read them, and change what an app says of itself. Publishing and deleting are operations (``tholos.publishing``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Response

from tholos.accounts import service as accounts
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import details, listing, schemas
from tholos.apps import service as apps
from tholos.apps.listing import Asked, Show
from tholos.apps.models import App
from tholos.kit.db import ReadDb
from tholos.kit.notices import Notices
from tholos.kit.paging import MOST
from tholos.kit.versions import to_tag

routes = Routes(prefix="/api/v1/apps", tags=["apps"])


@routes.declare("GET", "", permission=Permission.SIGNED_IN)
def list_apps(
    call: Calling,
    q: Annotated[str, Query(max_length=100, description="In the name, the title or the owner's name.")] = "",
    show: Show = Show.ALL,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> schemas.AppList:
    """The apps that one may see, or some of them, the newest first."""
    with call.read() as db:
        page = listing.list_page(db, call.actor, Asked(show, q, cursor, limit))
        return schemas.AppList(items=shown(call, db, page.items), next=page.next or None)


@routes.declare("GET", "/{name}", permission=Permission.APP_VIEW)
def get_app(call: Calling, response: Response, name: str) -> schemas.AppOut:
    with call.read() as db:
        return _tagged(response, shown(call, db, [apps.get_visible(db, call.actor, name)])[0])


@routes.declare("PATCH", "/{name}", permission=Permission.APP_EDIT)
def change_app(call: Calling, response: Response, name: str, body: schemas.AppChange) -> schemas.AppOut:
    """Change an app's title, its description, or how many releases it keeps."""
    with call.write() as db:
        wanted = schemas.details_of(apps.get_editable(db, call.actor, name), body)
        app = details.change(db, call.actor, name, wanted, call.seen_version, call.now)
        changed = _tagged(response, shown(call, db, [app])[0])
    call.get(Notices).publish(apps.TOPIC)
    return changed


@routes.declare("GET", "/{name}/releases", permission=Permission.APP_VIEW)
def list_releases(call: Calling, name: str) -> schemas.ReleaseList:
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        return schemas.ReleaseList(items=shown_releases(db, app))


def _tagged(response: Response, app: schemas.AppOut) -> schemas.AppOut:
    response.headers["etag"] = to_tag(app.version)
    return app


def shown(call: Call, db: ReadDb, found: Sequence[App]) -> list[schemas.AppOut]:
    """Apps as JSON, with four queries however many they are."""
    live = apps.live_releases(db, found)
    names = accounts.account_names(
        db, [*{app.owner_id for app in found} | {release.author_id for release in live.values()}]
    )
    ranks = apps.manager_ranks(db, found, call.actor)
    return [
        schemas.app_out(app, live.get(app.id), ranks[app.id], names, call.site.url, call.site.app_url)
        for app in found
    ]


def shown_releases(db: ReadDb, app: App) -> list[schemas.ReleaseOut]:
    releases = apps.list_releases(db, app.id)
    live = apps.find_live(db, app.id)
    names = accounts.account_names(db, [*{release.author_id for release in releases}])
    return [
        schemas.release_out(release, names, is_live=live is not None and release.id == live.id)
        for release in releases
    ]
