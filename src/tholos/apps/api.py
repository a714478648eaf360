"""HTTP of apps and their releases: read them, and change what an app says of itself. Publishing and deleting are operations (``tholos.publishing``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Response

from tholos.accounts import service as accounts
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import details, keeping, listing, schemas
from tholos.apps import service as apps
from tholos.apps.listing import Asked, Show
from tholos.apps.models import App, Release
from tholos.apps.names import release_name
from tholos.kit.db import ReadDb
from tholos.kit.notices import Notices
from tholos.kit.paging import MOST
from tholos.kit.versions import to_tag

routes = Routes(prefix="/api/v1/apps", tags=["apps"])

ReleaseNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


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
    """One app with its state and its live release."""
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
def list_releases(
    call: Calling,
    name: str,
    cursor: Annotated[
        str, Query(pattern=r"^[0-9]{0,9}$", description="As ``next`` of the answer before.")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> schemas.ReleaseList:
    """An app's releases, the newest first."""
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        found = apps.list_releases(db, app.id, below=int(cursor or 0), limit=limit + 1)
        rest = str(found[limit - 1].number) if len(found) > limit else None
        return schemas.ReleaseList(items=shown_releases(call, db, app, found[:limit]), next=rest)


@routes.declare("GET", "/{name}/releases/{number}", permission=Permission.APP_VIEW)
def get_release(call: Calling, name: str, number: ReleaseNumber) -> schemas.ReleaseOut:
    """One release of an app."""
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        return shown_releases(call, db, app, [apps.get_release_numbered(db, app.id, number)])[0]


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


def shown_releases(
    call: Call, db: ReadDb, app: App, found: Sequence[Release] | None = None
) -> list[schemas.ReleaseOut]:
    """Some of an app's releases as JSON, or all; a draft's address is told to those who may open it."""
    releases = apps.list_releases(db, app.id) if found is None else found
    live_id = apps.find_live_id(db, app.id)
    names = accounts.account_names(db, [*{release.author_id for release in releases}])
    may_edit = apps.may_edit(db, app, call.actor)
    drafts = {one.id for one in keeping.list_drafts(db, app.id)} if may_edit else set()
    places = {
        one.id: schemas.ReleasePlace(one.id == live_id, draft_url(call, app, one) if one.id in drafts else "")
        for one in releases
    }
    return [schemas.release_out(release, names, places[release.id]) for release in releases]


def draft_url(call: Call, app: App, release: Release) -> str:
    """Where a draft is opened."""
    return call.site.app_url.format(name=release_name(app.name, release.number)) + "/"
