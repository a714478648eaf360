"""Packages of what is live, by content or of all content at once."""

from __future__ import annotations

from tholos.accounts.routes import Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.detect.distributions import normalize
from tholos.kit.db import JsonObject
from tholos.protocols.connect import contents, identity
from tholos.protocols.connect.paging import Asking
from tholos.publishing import bundles
from tholos.publishing.comparing import packages

routes = Routes(prefix="/__api__/v1", tags=["connect"], include_in_schema=False)


@routes.declare("GET", "/content/{guid}/packages", permission=Permission.APP_EDIT)
def list_packages_of(call: Calling, guid: str) -> list[JsonObject]:
    """What the environment of one item has."""
    with call.read() as db:
        app = contents.find_editable(call, db, guid)
        lock = apps.live_locks(db, [app]).get(app.id, "")
    return [_to_json(name, version) for name, version in packages(lock).items()]


@routes.declare("GET", "/packages", permission=Permission.SIGNED_IN)
def list_packages(call: Calling, page: Asking, name: str = "", version: str = "") -> JsonObject:
    """What the environments of all content have that one may manage: which of it uses a version, say."""
    with call.read() as db:
        managed = apps.list_editable(db, call.actor)
        locks, live = apps.live_locks(db, managed), apps.live_releases(db, managed)
        sent = bundles.of_releases(db, [*live.values()])
    found: list[JsonObject] = []
    for app in managed:
        bundle = sent.get(live[app.id].id) if app.id in live else None
        about = {
            "app_guid": contents.guid_of(app),
            "app_id": str(identity.number_of(app.id)),
            "bundle_id": str(bundle.id) if bundle else None,
        }
        found += [
            {**_to_json(one, is_version), **about}
            for one, is_version in packages(locks.get(app.id, "")).items()
            if name in {"", one} or normalize(name) == one
            if version in {"", is_version}
        ]
    return page.told(found[page.skip : page.skip + page.size], len(found))


def _to_json(name: str, version: str) -> JsonObject:
    return {"language": "python", "name": name, "version": version, "hash": None}
