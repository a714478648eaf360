"""HTTP of tags: the tree, the apps of a tag, and the tags of an app."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import listing
from tholos.apps import schemas as app_schemas
from tholos.apps import service as apps
from tholos.apps.listing import Asked
from tholos.apps.models import App
from tholos.kit.db import ReadDb
from tholos.kit.notices import Notices
from tholos.kit.paging import MOST
from tholos.tags import schemas
from tholos.tags import service as tags

routes = Routes(prefix="/api/v1", tags=["tags"])

TagId = Annotated[str, Path(max_length=60, description="The tag's id.")]


@routes.declare("GET", "/tags", permission=Permission.SIGNED_IN)
def list_tags(call: Calling) -> schemas.TagList:
    """All tags, each followed by those below it."""
    with call.read() as db:
        return schemas.TagList(items=[schemas.tag_out(one) for one in tags.list_tags(db, call.actor)])


@routes.declare("POST", "/tags", permission=Permission.ADMINISTER, status_code=201, is_creating=True)
def make_tag(call: Calling, body: schemas.TagIn) -> schemas.TagOut:
    """A new tag below another one, or a category."""
    with call.write() as db:
        tag = tags.make_tag(db, call.actor, body.name, body.parent, call.now)
        made = call.kept(db, schemas.tag_out(tags.get_known(db, call.actor, tag.id)))
    tell(call)
    return made


@routes.declare("GET", "/tags/{tag_id}", permission=Permission.SIGNED_IN)
def get_tag(call: Calling, tag_id: TagId) -> schemas.TagOut:
    """One tag."""
    with call.read() as db:
        return schemas.tag_out(tags.get_known(db, call.actor, tag_id))


@routes.declare("PATCH", "/tags/{tag_id}", permission=Permission.ADMINISTER)
def change_tag(call: Calling, tag_id: TagId, body: schemas.TagChange) -> schemas.TagOut:
    """Give it another name or another place in the tree; apps keep it."""
    with call.write() as db:
        tags.change_tag(db, call.actor, tag_id, name=body.name, parent_id=body.parent, now=call.now)
        changed = schemas.tag_out(tags.get_known(db, call.actor, tag_id))
    tell(call)
    return changed


@routes.declare("DELETE", "/tags/{tag_id}", permission=Permission.ADMINISTER)
def remove_tag(call: Calling, tag_id: TagId) -> schemas.TagRemoved:
    """Remove it and all below it, and take them off the apps that have them."""
    with call.write() as db:
        removed = tags.remove_tag(db, call.actor, tag_id, call.now)
    tell(call)
    return schemas.removed_out(removed)


@routes.declare("GET", "/tags/{tag_id}/apps", permission=Permission.SIGNED_IN)
def list_tagged_apps(
    call: Calling,
    tag_id: TagId,
    q: Annotated[str, Query(max_length=100, description="In the name, the title or the owner's name.")] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> app_schemas.AppList:
    """The apps that one may see and that have this tag or one below it, the newest first."""
    with call.read() as db:
        among = tags.ids_of_apps(db, call.actor, tag_id)
        page = listing.list_page(db, call.actor, Asked(search=q, cursor=cursor, limit=limit, among=among))
        return app_schemas.AppList(items=apps_api.shown(call, db, page.items), next=page.next or None)


@routes.declare("GET", "/apps/{name}/tags", permission=Permission.APP_VIEW)
def list_tags_of_app(call: Calling, name: str) -> schemas.TagPutList:
    """The tags that an app has; those above them are implied."""
    with call.read() as db:
        return schemas.put_list(of_app(db, apps.get_visible(db, call.actor, name)))


@routes.declare("PATCH", "/apps/{name}/tags", permission=Permission.APP_EDIT)
def change_tags_of_app(call: Calling, name: str, body: schemas.TagsChange) -> schemas.TagPutList:
    """Put tags on an app, and take others off it."""
    with call.write() as db:
        app = tags.change_tags_of(db, call.actor, name, body.put, body.take, call.now)
        changed = schemas.put_list(of_app(db, app))
    tell(call)
    return changed


def of_app(db: ReadDb, app: App) -> list[tags.Put]:
    return tags.tags_of(db, app.organization_id, [app.id]).get(app.id, [])


def tell(call: Call) -> None:
    """Pages that show apps are looked at anew."""
    call.get(Notices).publish(apps.TOPIC)
