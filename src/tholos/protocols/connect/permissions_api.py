"""Permissions: accounts and groups that content is shared with by name. Its owner is none of them.

A permission is named by the GUID of whom it is for: content has one for each.
"""

from __future__ import annotations

from fastapi import Response

from tholos.access import api as access_api
from tholos.accounts import groups
from tholos.accounts import service as accounts
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import sharing as app_sharing
from tholos.apps.sharing import Given, Wish
from tholos.kit.db import JsonObject, ReadDb
from tholos.protocols.connect import contents, identity
from tholos.protocols.connect.bodies import JsonBody
from tholos.protocols.connect.errors import PermissionTaken, PermissionUnknown, PrincipalInvalid
from tholos.protocols.connect.users_api import text_of
from tholos.sharing.models import Level, PrincipalKind
from tholos.sharing.reach import Share

routes = Routes(prefix="/__api__/v1/content/{guid}/permissions", tags=["connect"], include_in_schema=False)

_KINDS = {"user": PrincipalKind.ACCOUNT, "group": PrincipalKind.GROUP}
_TYPES = {kind: name for name, kind in _KINDS.items()}
_LEVELS = {"viewer": Level.VIEWER, "owner": Level.EDITOR}
_ROLES = {level: name for name, level in _LEVELS.items()}
_PREFIXES = {PrincipalKind.ACCOUNT: "acc", PrincipalKind.GROUP: "grp"}


@routes.declare("GET", "", permission=Permission.APP_SHARE)
def list_permissions(call: Calling, guid: str) -> list[JsonObject]:
    """Whom content is shared with by name."""
    with call.read() as db:
        return [_to_json(guid, one) for one in _shares(call, db, guid)]


@routes.declare("POST", "", permission=Permission.APP_SHARE)
def add_permission(call: Calling, guid: str, body: JsonBody) -> JsonObject:
    """Share content with one more account or group."""
    with call.read() as db:
        shares, given = _shares(call, db, guid), _given(db, body)
        for one in shares:
            if (one.principal.kind, one.principal.name) == (given.kind, given.name):
                raise PermissionTaken(f"It is shared with {given.name} already.", where="principal_guid")
    return _change(call, guid, given)


@routes.declare("GET", "/{permission_id}", permission=Permission.APP_SHARE)
def get_permission(call: Calling, guid: str, permission_id: str) -> JsonObject:
    """One of them."""
    with call.read() as db:
        return _to_json(guid, _share_of(call, db, guid, permission_id))


@routes.declare("PUT", "/{permission_id}", permission=Permission.APP_SHARE)
def change_permission(call: Calling, guid: str, permission_id: str, body: JsonBody) -> JsonObject:
    """Change what one of them may do."""
    with call.read() as db:
        share = _share_of(call, db, guid, permission_id)
    given = Given(share.principal.kind, share.principal.name, _level_of(body))
    return _change(call, guid, given)


@routes.declare("DELETE", "/{permission_id}", permission=Permission.APP_SHARE, status_code=204)
def remove_permission(call: Calling, guid: str, permission_id: str) -> Response:
    """Take a share back."""
    with call.read() as db:
        app = contents.find(call, db, guid)
        share = _share_of(call, db, guid, permission_id)
    given = Given(share.principal.kind, share.principal.name, None)
    access_api.change(call, app.name, Wish(given=[given]), None)
    return Response(status_code=204)


def _shares(call: Call, db: ReadDb, guid: str) -> tuple[Share, ...]:
    """Raises: IdMalformed, AppNotFound, NotAnEditor."""
    app = contents.find(call, db, guid)
    return tuple(app_sharing.look(db, call.actor, app.name).before.shares)


def _share_of(call: Call, db: ReadDb, guid: str, permission_id: str) -> Share:
    """Raises: PermissionUnknown, and what :func:`_shares` does."""
    for one in _shares(call, db, guid):
        if identity.guid_of(one.principal.id) == permission_id.lower():
            return one
    raise PermissionUnknown(f"There is no permission {permission_id[:60]}.")


def _given(db: ReadDb, body: JsonBody) -> Given:
    """Raises: PrincipalInvalid, IdMalformed, AccountNotFound, GroupNotFound."""
    kind = _KINDS.get(text_of(body, "principal_type"))
    if kind is None:
        raise PrincipalInvalid(where="principal_type")
    level, principal_id = _level_of(body), identity.id_of(_PREFIXES[kind], text_of(body, "principal_guid"))
    if kind is PrincipalKind.GROUP:
        return Given(kind, groups.name_of(db, principal_id), level)
    name = accounts.account_names(db, [principal_id]).get(principal_id, "")
    return Given(kind, name, level)


def _level_of(body: JsonBody) -> Level:
    """Raises: PrincipalInvalid."""
    level = _LEVELS.get(text_of(body, "role"))
    if level is None:
        raise PrincipalInvalid("Cannot take this role: there are viewer and owner.", where="role")
    return level


def _change(call: Call, guid: str, given: Given) -> JsonObject:
    with call.read() as db:
        app = contents.find(call, db, guid)
    plan = access_api.change(call, app.name, Wish(given=[given]), None)
    named = (one for one in plan.after.shares if one.principal.kind == given.kind)
    return _to_json(guid, next(one for one in named if one.principal.name == given.name))


def _to_json(guid: str, share: Share) -> JsonObject:
    principal_guid = identity.guid_of(share.principal.id)
    return {
        "id": principal_guid,
        "content_guid": guid,
        "principal_guid": principal_guid,
        "principal_type": _TYPES[share.principal.kind],
        "role": _ROLES[share.level],
    }
