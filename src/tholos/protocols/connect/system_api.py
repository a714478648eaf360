"""What an installation runs content with: environments that are kept, and the interpreters themselves."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Body

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.db import Database, JsonObject
from tholos.kit.errors import NotFound
from tholos.kit.threads import in_long_thread, in_thread
from tholos.protocols.connect import contents
from tholos.protocols.connect.bodies import JsonBody
from tholos.protocols.connect.errors import NotSupported
from tholos.protocols.connect.users_api import text_of
from tholos.publishing import caches
from tholos.publishing.caches import Cache
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import Interpreter, Interpreters

routes = Routes(prefix="/__api__/v1", tags=["connect"], include_in_schema=False)

_LANGUAGE = "Python"
_NAMES = uuid.UUID("5ea0e3c4-3ac1-5d62-9b3b-3cf3a2b5a1b7")
"""What the GUIDs of interpreters are made within (RFC 9562, 5.5)."""


@routes.declare("GET", "/system/caches/runtime", permission=Permission.ADMINISTER)
async def list_caches(call: Calling) -> JsonObject:
    """The versions of Python that environments are kept of."""
    found = await in_long_thread(_find_caches, call)
    return {"caches": [_cache_json(one.version) for one in found if one.version]}


@routes.declare("DELETE", "/system/caches/runtime", permission=Permission.ADMINISTER)
async def remove_cache(call: Calling, body: JsonBody) -> JsonObject:
    """Remove the environments of a version that no release has; to try it removes none."""
    version = text_of(body, "version")
    if text_of(body, "language").lower() != _LANGUAGE.lower():
        raise NotSupported("Cannot remove these: there are only caches of Python here.", where="language")
    cache = await in_long_thread(_get_removable, call, version)
    if body.get("dry_run"):
        return {**_cache_json(version), "task_id": None}
    removed = await in_long_thread(caches.remove, call.get(Database), call.get(Environments), cache)
    return {**_cache_json(version), "task_id": await in_thread(_record, call, cache, removed)}


@routes.declare("GET", "/environments", permission=Permission.SIGNED_IN)
async def list_environments(call: Calling) -> list[JsonObject]:
    """One for each interpreter that content can run on."""
    return [_to_json(one) for one in await in_long_thread(call.get(Interpreters).find)]


@routes.declare("GET", "/environments/{environment_guid}", permission=Permission.SIGNED_IN)
async def get_environment(call: Calling, environment_guid: str) -> JsonObject:
    """One of them."""
    return _to_json(await _find_environment(call, environment_guid))


@routes.declare("GET", "/environments/{environment_guid}/permissions", permission=Permission.SIGNED_IN)
async def list_environment_permissions(call: Calling, environment_guid: str) -> list[JsonObject]:
    """Everybody who publishes may use each of them."""
    await _find_environment(call, environment_guid)
    return []


@routes.declare("POST", "/environments", permission=Permission.ADMINISTER)
@routes.declare("PUT", "/environments/{_environment_guid}", permission=Permission.ADMINISTER)
@routes.declare("DELETE", "/environments/{_environment_guid}", permission=Permission.ADMINISTER)
@routes.declare("POST", "/environments/{_environment_guid}/permissions", permission=Permission.ADMINISTER)
@routes.declare(
    "DELETE", "/environments/{_environment_guid}/permissions/{_permission}", permission=Permission.ADMINISTER
)
def refuse_environment(
    _environment_guid: str = "", _permission: str = "", _body: Annotated[object, Body()] = None
) -> None:
    """The interpreters of the machine are what there is."""
    raise NotSupported(
        "Cannot change environments: they are the interpreters that the server finds.",
        fix="Install an interpreter on the server, with: uv python install VERSION",
    )


def _find_caches(call: Call) -> list[Cache]:
    with call.read() as db:
        return [*caches.find_all(db, call.actor, call.get(Environments))]


def _get_removable(call: Call, version: str) -> Cache:
    with call.read() as db:
        return caches.get_removable(db, call.actor, call.get(Environments), version)


def _record(call: Call, cache: Cache, removed: int) -> str:
    with call.write() as db:
        return caches.record_removal(db, call.actor, cache, removed, call.now).id


def _cache_json(version: str) -> JsonObject:
    return {"language": _LANGUAGE, "version": version, "image_name": contents.LOCAL}


async def _find_environment(call: Call, environment_guid: str) -> Interpreter:
    """Raises: NotFound."""
    for one in await in_long_thread(call.get(Interpreters).find):
        if _guid_of(one) == environment_guid.lower():
            return one
    raise NotFound(f"There is no environment {environment_guid[:60]}.", fix="See: rsconnect environment list")


def _guid_of(interpreter: Interpreter) -> str:
    return str(uuid.uuid5(_NAMES, interpreter.identity))


def _to_json(interpreter: Interpreter) -> JsonObject:
    guid = _guid_of(interpreter)
    return {
        "id": guid,
        "guid": guid,
        "created_time": None,
        "updated_time": None,
        "title": f"Python {interpreter}",
        "description": interpreter.path,
        "cluster_name": contents.LOCAL,
        "name": str(interpreter),
        "environment_type": "Local",
        "matching": "any",
        "supervisor": None,
        "managed_by": None,
        "python": {"installations": [{"version": interpreter.version, "path": interpreter.path}]},
        "quarto": {"installations": []},
        "r": {"installations": []},
        "tensorflow": {"installations": []},
        "nodejs": {"installations": []},
        "volume_mounts": [],
    }
