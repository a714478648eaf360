"""HTTP of paths of one's own."""

from __future__ import annotations

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.kit.notices import Notices
from tholos.paths import schemas
from tholos.paths import service as paths
from tholos.paths.service import Policy

routes = Routes(prefix="/api/v1", tags=["paths"])


@routes.declare("GET", "/paths", permission=Permission.SIGNED_IN)
def list_paths(call: Calling) -> schemas.PathList:
    """The paths that lead to apps which one may see, in order."""
    with call.read() as db:
        found = paths.list_paths(db, call.actor)
        names = apps.names_of(db, [one.app_id for one in found])
        items = [schemas.path_out(names.get(one.app_id, ""), one, call.site.url) for one in found]
        return schemas.PathList(items=items)


@routes.declare("GET", "/apps/{name}/path", permission=Permission.APP_VIEW)
def get_path(call: Calling, name: str) -> schemas.PathOut:
    """The path that leads to an app, if there is one."""
    with call.read() as db:
        app = apps.get_visible(db, call.actor, name)
        return schemas.path_out(name, paths.find_path(db, app.id), call.site.url)


@routes.declare("PUT", "/apps/{name}/path", permission=Permission.APP_EDIT)
def set_path(call: Calling, name: str, body: schemas.PathIn) -> schemas.PathOut:
    """Let a path of the console's host lead to an app."""
    return change_path(call, name, body.path, force=body.force)


@routes.declare("DELETE", "/apps/{name}/path", permission=Permission.APP_EDIT, status_code=204)
def remove_path(call: Calling, name: str) -> None:
    """Let nothing lead to the app any more but its own address."""
    with call.write() as db:
        paths.remove_path(db, call.actor, name, call.get(Policy), call.now)
    call.get(Notices).publish(paths.TOPIC)


def change_path(call: Call, name: str, said: str, *, force: bool) -> schemas.PathOut:
    with call.write() as db:
        path = paths.set_path(db, call.actor, name, said, call.get(Policy), call.now, force=force)
        changed = schemas.path_out(name, path, call.site.url)
    call.get(Notices).publish(paths.TOPIC)
    return changed
