"""Vanity URLs: the path of the console's host that leads to content."""

from __future__ import annotations

from fastapi import Response

from tholos.accounts.routes import Calling, Permission, Routes
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject
from tholos.kit.notices import Notices
from tholos.paths import api as paths_api
from tholos.paths import service as paths
from tholos.paths.models import AppPath
from tholos.paths.service import Policy
from tholos.protocols.connect import contents, identity
from tholos.protocols.connect.bodies import JsonBody
from tholos.protocols.connect.errors import VanityUnset
from tholos.protocols.connect.users_api import text_of

routes = Routes(prefix="/__api__/v1", tags=["connect"], include_in_schema=False)


@routes.declare("GET", "/vanities", permission=Permission.SIGNED_IN)
def list_vanities(call: Calling) -> list[JsonObject]:
    """Those of content that one may see."""
    with call.read() as db:
        return [_to_json(one) for one in paths.list_paths(db, call.actor)]


@routes.declare("GET", "/content/{guid}/vanity", permission=Permission.APP_VIEW)
def get_vanity(call: Calling, guid: str) -> JsonObject:
    """Of one item."""
    with call.read() as db:
        found = paths.find_path(db, contents.find(call, db, guid).id)
    if found is None:
        raise VanityUnset
    return _to_json(found)


@routes.declare("PUT", "/content/{guid}/vanity", permission=Permission.APP_EDIT)
def set_vanity(call: Calling, guid: str, body: JsonBody) -> JsonObject:
    """Let a path lead to content; by force it is taken from other content that one manages."""
    with call.read() as db:
        app = contents.find_editable(call, db, guid)
    paths_api.change_path(call, app.name, text_of(body, "path"), force=bool(body.get("force")))
    return get_vanity(call, guid)


@routes.declare("DELETE", "/content/{guid}/vanity", permission=Permission.APP_EDIT, status_code=204)
def remove_vanity(call: Calling, guid: str) -> Response:
    """Let no path lead to content."""
    with call.write(unrecorded="what is so already is no deed") as db:
        app = contents.find_editable(call, db, guid)
        paths.remove_path(db, call.actor, app.name, call.get(Policy), call.now)
    call.get(Notices).publish(paths.TOPIC)
    return Response(status_code=204)


def _to_json(one: AppPath) -> JsonObject:
    return {
        "content_guid": identity.guid_of(one.app_id),
        "path": one.path,
        "created_time": to_text(one.created_at),
    }
