"""Content: list, read, make, change and delete, and its environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from tholos.access import api as access_api
from tholos.accounts import service as accounts
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import details
from tholos.apps import life as app_life
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.details import Details
from tholos.apps.life import Life
from tholos.apps.models import App
from tholos.apps.sharing import Wish
from tholos.console import variables_api
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.notices import Notices
from tholos.kit.sealing import Sealer
from tholos.kit.threads import in_thread
from tholos.operations import service as operations
from tholos.paths import service as paths
from tholos.protocols.connect import contents, identity, process_settings, tag_objects
from tholos.protocols.connect.bodies import OptionalBody
from tholos.protocols.connect.errors import (
    AccessTypeInvalid,
    IncludeInvalid,
    NameReserved,
    NotSupported,
    SettingInvalid,
)
from tholos.protocols.connect.waiting import until_idle
from tholos.publishing import api as publishing_api
from tholos.publishing.service import CHANGE
from tholos.variables import service as variables
from tholos.variables.service import Change

routes = Routes(prefix="/__api__/v1/content", tags=["connect"], include_in_schema=False)

RESERVED = "CONNECT_"
"""What names of variables do not begin with that somebody sets."""
_INCLUDED = frozenset({"owner", "tags", "vanity_url"})
_IGNORED = frozenset({"app_mode", "guid", "id", "content_url", "dashboard_url", "app_role", "created_time"})
"""What some clients send along as they read it."""


class VariableIn(BaseModel):
    """One environment variable; null removes it."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(max_length=1000)
    value: str | None = None


@routes.declare("GET", "", permission=Permission.SIGNED_IN)
def list_content(
    call: Calling, name: str | None = None, owner_guid: str = "", include: str = ""
) -> list[JsonObject]:
    """What one may see; with a name exactly that."""
    with call.read() as db:
        owner_id = identity.id_of("acc", owner_guid) if owner_guid else ""
        found = contents.list_named(call, db, name, owner_id)
        return with_more(call, db, found, include)


@routes.declare("GET", "/{guid}", permission=Permission.APP_VIEW)
def get_content(call: Calling, guid: str, include: str = "") -> JsonObject:
    """One item."""
    with call.read() as db:
        return with_more(call, db, [contents.find(call, db, guid)], include)[0]


@routes.declare("POST", "", permission=Permission.PUBLISH)
def create_content(call: Calling, body: OptionalBody = None) -> JsonObject:
    """A new item, of which nothing runs yet."""
    with call.write() as db:
        said = dict(body or {})
        app = contents.create(call, db, str(said.pop("name", None) or ""))
        change(call, db, app, said)
        shown = contents.shown(call, db, [app])[0]
    call.get(Notices).publish(apps.TOPIC)
    return shown


@routes.declare("PATCH", "/{guid}", permission=Permission.APP_EDIT)
def change_content(call: Calling, guid: str, body: OptionalBody = None) -> JsonObject:
    """Change what is named."""
    with call.write(unrecorded="what is kept for this wire alone changes nothing of the app") as db:
        app = contents.find_editable(call, db, guid)
        narrows = change(call, db, app, body or {})
        shown = contents.shown(call, db, [app])[0]
    access_api.tell(call, narrows=narrows)
    return shown


@routes.declare("DELETE", "/{guid}", permission=Permission.APP_OWN, status_code=204)
async def delete_content(call: Calling, guid: str) -> Response:
    """Remove an item; answered once it is gone."""
    app = await in_thread(_find_editable, call, guid)
    await until_idle(call, app.id)
    await in_thread(publishing_api.begin_delete, call, app.name)
    await until_idle(call, app.id)
    return Response(status_code=204)


@routes.declare("GET", "/{guid}/environment", permission=Permission.APP_EDIT)
def list_variables(call: Calling, guid: str) -> list[str]:
    """The names; values are never told."""
    with call.read() as db:
        return names_of_variables(call, db, contents.find_editable(call, db, guid))


@routes.declare("PATCH", "/{guid}/environment", permission=Permission.APP_EDIT)
async def change_variables(call: Calling, guid: str, body: list[VariableIn]) -> list[str]:
    """Set those that have a value, remove those that have none."""
    return await _set_variables(call, guid, body, is_whole=False)


@routes.declare("PUT", "/{guid}/environment", permission=Permission.APP_EDIT)
async def replace_variables(call: Calling, guid: str, body: list[VariableIn]) -> list[str]:
    """Set these and remove all others."""
    return await _set_variables(call, guid, body, is_whole=True)


def with_more(call: Call, db: ReadDb, found: list[App], include: str) -> list[JsonObject]:
    """Content objects with what was asked for besides: ``owner``, ``tags`` and ``vanity_url``.

    Raises: IncludeInvalid.
    """
    wanted = {one.strip() for one in include.split(",") if one.strip()}
    if wanted - _INCLUDED:
        raise IncludeInvalid(where="include")
    shown = contents.shown(call, db, found)
    if "tags" in wanted:
        put = tag_objects.of_apps(db, call.actor.organization_id, found)
        for app, one in zip(found, shown, strict=True):
            one.update({"tags": put[app.id]} if app.id in put else {})
    if "vanity_url" in wanted:
        led = paths.paths_of(db, [app.id for app in found])
        for app, one in zip(found, shown, strict=True):
            one.update({"vanity_url": f"{call.site.url}{led[app.id].path}"} if app.id in led else {})
    if "owner" in wanted:
        owners = {app.owner_id: accounts.get_account(db, app.owner_id) for app in found}
        for app, one in zip(found, shown, strict=True):
            owner = owners[app.owner_id]
            first, _, last = owner.full_name.partition(" ")
            one["owner"] = {
                "guid": identity.guid_of(owner.id),
                "username": owner.name,
                "first_name": first,
                "last_name": last,
            }
    return shown


def change(call: Call, db: WriteDb, app: App, wanted: Mapping[str, object]) -> bool:
    """Change what is named; returns whether anybody may lose access.

    Raises: SettingInvalid, NotSupported, ContentNameInvalid, ContentNameTaken, and what the use cases of apps do.
    """
    rest = {key: value for key, value in wanted.items() if key not in _IGNORED}
    said = {key: _text(key, rest.pop(key)) for key in ("title", "description") if key in rest}
    if said:
        now = Details.of(app)
        now = replace(
            now, title=said.get("title", now.title), description=said.get("description", now.description)
        )
        details.change(db, call.actor, app.name, now, None, call.now)
    narrows = _share(call, db, app, rest.pop("access_type")) if "access_type" in rest else False
    if "owner_guid" in rest:
        narrows = _hand_over(call, db, app, str(rest.pop("owner_guid"))) or narrows
    if rest:
        _settle(call, db, app, rest)
    return narrows


def names_of_variables(call: Call, db: ReadDb, app: App) -> list[str]:
    found = variables.list_variables(db, call.get(Sealer), _settings_of(db, app))
    return [one.name for one in found]


def _settings_of(db: ReadDb, app: App) -> JsonObject:
    """Those of what runs, or is about to: who has set a variable finds it, while the change of it is under way."""
    under_way = operations.find_under_way(db, app.id)
    if under_way is not None and under_way.kind == CHANGE:
        return apps.get_release(db, str(under_way.request["release_id"])).settings
    return variables.find_settings(db, app)


def _find_editable(call: Call, guid: str) -> App:
    with call.read() as db:
        return contents.find_editable(call, db, guid)


async def _set_variables(call: Call, guid: str, body: list[VariableIn], *, is_whole: bool) -> list[str]:
    app = await in_thread(_find_editable, call, guid)
    await until_idle(call, app.id)
    return await in_thread(_set_now, call, app.name, body, is_whole)


def _set_now(call: Call, name: str, body: list[VariableIn], is_whole: bool) -> list[str]:
    wanted = {one.name: one.value for one in body}
    reserved = next((name for name in wanted if name.startswith(RESERVED)), "")
    if reserved:
        raise NameReserved(
            f"Cannot set {reserved[:100]}: names that begin with CONNECT_ are the server's own."
        )
    with call.write(unrecorded="what is so already is no deed") as db:
        app = apps.get_editable(db, call.actor, name)
        present = names_of_variables(call, db, app)
        gone = [one for one, value in wanted.items() if value is None]
        removed = [one for one in present if one in gone or (is_whole and one not in wanted)]
        secrets = {one: value for one, value in wanted.items() if value is not None}
        variables_api.change(call, db, name, Change(secrets=secrets, remove=removed), None, restart=True)
    publishing_api.wake(call)
    return sorted({*present, *secrets} - {*removed})


def _text(key: str, value: object) -> str:
    """Raises: SettingInvalid."""
    most = details.MOST_TITLE if key == "title" else details.MOST_DESCRIPTION
    if value is not None and not isinstance(value, str):
        raise SettingInvalid(f"Cannot take this {key}: it is no text.", where=key)
    text = (value or "").strip()
    if len(text) > most:
        raise SettingInvalid(f"Cannot take this {key}: it has more than {most} characters.", where=key)
    return text


def _share(call: Call, db: WriteDb, app: App, wanted: object) -> bool:
    audience = contents.ACCESS_TYPES.get(str(wanted))
    if audience is None:
        raise AccessTypeInvalid(where="access_type")
    if audience == app.audience:
        return False
    return app_sharing.change(db, call.actor, app.name, Wish(audience), None, call.now).narrows


def _hand_over(call: Call, db: WriteDb, app: App, guid: str) -> bool:
    owner = accounts.get_account(db, identity.id_of("acc", guid))
    if owner.id == app.owner_id:
        return False
    return app_sharing.hand_over(db, call.actor, app.name, owner.name, None, call.now).narrows


def _settle(call: Call, db: WriteDb, app: App, wanted: Mapping[str, object]) -> None:
    """Keep what is set of an app's processes."""
    kept = contents.settle(db, app)
    settings = dict(kept.settings)
    for key, value in wanted.items():
        if key == "name":
            if value != kept.name:
                contents.check_name(call, db, str(value))
            kept.name = str(value)
        elif key == "locked":
            if value:
                raise NotSupported("Cannot lock content: take back who it is shared with instead.", where=key)
        elif key in process_settings.UNSET and key not in process_settings.LIFE:
            settings[key] = process_settings.check(key, value)
    _live(call, db, app, wanted)
    process_settings.check_together({**settings, **process_settings.of_life(app)})
    kept.settings = settings


def _live(call: Call, db: WriteDb, app: App, wanted: Mapping[str, object]) -> None:
    """Set what holds for its instances: that is the app's, whoever says it."""
    said = Life.of(app.life)
    changes = {
        field: process_settings.check(key, wanted[key])
        for key, field in process_settings.LIFE.items()
        if key in wanted
    }
    if not changes:
        return
    life = Life.of({**said.to_json(), **changes})
    process_settings.check_together({key: getattr(life, one) for key, one in process_settings.LIFE.items()})
    app_life.change(db, call.actor, app.name, life, None, call.now)
    db.after_commit(lambda: call.get(Notices).publish(apps.SHARING_TOPIC))
