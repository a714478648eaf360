"""Tags: the tree that administrators keep, what content has of it, and the content of a tag."""

from __future__ import annotations

from fastapi import Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import listing
from tholos.apps.listing import Asked
from tholos.apps.models import App
from tholos.kit.db import JsonObject, ReadDb
from tholos.kit.paging import MOST
from tholos.protocols.connect import contents, tag_objects
from tholos.protocols.connect.bodies import JsonBody
from tholos.protocols.connect.bundles_api import whole
from tholos.protocols.connect.users_api import text_of
from tholos.tags import service as tags
from tholos.tags.api import tell
from tholos.tags.errors import TagNotFound
from tholos.tags.models import Tag

routes = Routes(prefix="/__api__/v1", tags=["connect"], include_in_schema=False)


@routes.declare("GET", "/tags", permission=Permission.SIGNED_IN)
def list_tags(call: Calling, name: str = "", parent_id: str = "") -> list[JsonObject]:
    """All tags, or those of a name or below another one."""
    with call.read() as db:
        tree = tags.tree_of(db, call.actor.organization_id)
        parent = _get(call, db, parent_id).id if parent_id else ""
        found = [one for one in tree.in_order() if name in {"", one.name} and parent in {"", one.parent_id}]
        return [tag_objects.to_json(tree, one) for one in found]


@routes.declare("POST", "/tags", permission=Permission.ADMINISTER)
def create_tag(call: Calling, body: JsonBody) -> JsonObject:
    """A new tag below another one, or a category."""
    with call.write() as db:
        parent = text_of(body, "parent_id")
        parent_id = _get(call, db, parent).id if parent else ""
        tag = tags.make_tag(db, call.actor, text_of(body, "name"), parent_id, call.now)
        shown = tag_objects.to_json(tags.tree_of(db, call.actor.organization_id), tag)
    tell(call)
    return shown


@routes.declare("GET", "/tags/{tag_id}", permission=Permission.SIGNED_IN)
def get_tag(call: Calling, tag_id: str) -> JsonObject:
    """One tag."""
    with call.read() as db:
        return tag_objects.to_json(tags.tree_of(db, call.actor.organization_id), _get(call, db, tag_id))


@routes.declare("PATCH", "/tags/{tag_id}", permission=Permission.ADMINISTER)
def change_tag(call: Calling, tag_id: str, body: JsonBody) -> JsonObject:
    """Another name or another place in the tree."""
    with call.write(unrecorded="what stays as it is is no deed") as db:
        name = text_of(body, "name") if "name" in body else None
        parent_id = None
        if "parent_id" in body:
            parent = text_of(body, "parent_id")
            parent_id = _get(call, db, parent).id if parent else ""
        tag = tags.change_tag(
            db, call.actor, _get(call, db, tag_id).id, name=name, parent_id=parent_id, now=call.now
        )
        shown = tag_objects.to_json(tags.tree_of(db, call.actor.organization_id), tag)
    tell(call)
    return shown


@routes.declare("DELETE", "/tags/{tag_id}", permission=Permission.ADMINISTER, status_code=204)
def remove_tag(call: Calling, tag_id: str) -> Response:
    """Remove it and all below it."""
    with call.write() as db:
        tags.remove_tag(db, call.actor, _get(call, db, tag_id).id, call.now)
    tell(call)
    return Response(status_code=204)


@routes.declare("GET", "/tags/{tag_id}/content", permission=Permission.SIGNED_IN)
def list_content_of_tag(call: Calling, tag_id: str) -> list[JsonObject]:
    """What has this tag, or one below it."""
    with call.read() as db:
        among = tags.ids_of_apps(db, call.actor, _get(call, db, tag_id).id)
        found: list[App] = []
        asked = Asked(limit=MOST, among=among)
        while True:
            page = listing.list_page(db, call.actor, asked)
            found += page.items
            if not page.next:
                return contents.shown(call, db, found)
            asked = Asked(limit=MOST, among=among, cursor=page.next)


@routes.declare("GET", "/content/{guid}/tags", permission=Permission.APP_VIEW)
def list_tags_of_content(call: Calling, guid: str) -> list[JsonObject]:
    """What content has, with the tags above; categories are none."""
    with call.read() as db:
        app = contents.find(call, db, guid)
        return tag_objects.of_apps(db, app.organization_id, [app]).get(app.id, [])


@routes.declare("POST", "/content/{guid}/tags", permission=Permission.APP_EDIT, status_code=204)
def add_tag(call: Calling, guid: str, body: JsonBody) -> Response:
    """Put a tag on content."""
    with call.write(unrecorded="what is there already stays") as db:
        app = contents.find_editable(call, db, guid)
        tags.change_tags_of(
            db, call.actor, app.name, [_get(call, db, text_of(body, "tag_id")).id], [], call.now
        )
    tell(call)
    return Response(status_code=204)


@routes.declare("DELETE", "/content/{guid}/tags/{tag_id}", permission=Permission.APP_EDIT, status_code=204)
def take_tag(call: Calling, guid: str, tag_id: str) -> Response:
    """Take a tag off content, with those below it."""
    with call.write(unrecorded="what is gone already is no deed") as db:
        app = contents.find_editable(call, db, guid)
        tree, tag = tags.tree_of(db, app.organization_id), _get(call, db, tag_id)
        below = [one.id for one in tree.below(tag.id) if one.parent_id]
        tags.change_tags_of(db, call.actor, app.name, [], below, call.now)
    tell(call)
    return Response(status_code=204)


def _get(call: Call, db: ReadDb, tag_id: str) -> Tag:
    """Raises: IdMalformed, TagNotFound."""
    found = tags.find_numbered(db, call.actor.organization_id, whole(tag_id, "tag_id"))
    if found is None:
        raise TagNotFound(f"There is no tag {tag_id}.", fix="See those that there are: client.tags.find()")
    return found
