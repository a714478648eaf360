"""Apps as this wire's *content*: found by GUID, named as its clients name them, and told with all the fields they read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tholos.accounts.routes import Call
from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound
from tholos.apps.models import App, Release
from tholos.apps.names import RESERVED_NAMES
from tholos.apps.service import Rank
from tholos.detect import connect as manifests
from tholos.detect.model import Kind
from tholos.kit import ids
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.protocols.connect import identity, process_settings, queries
from tholos.protocols.connect.errors import ContentNameInvalid, ContentNameTaken
from tholos.protocols.connect.models import Content
from tholos.publishing import bundles
from tholos.publishing.models import Bundle
from tholos.sharing.models import Audience

LOCAL = "Local"
"""What this wire calls the machine itself, where it could be a cluster or an image."""
PIN = "pin"
ACCESS_TYPES: Mapping[str, Audience] = {
    "acl": Audience.LISTED,
    "logged_in": Audience.SIGNED_IN,
    "all": Audience.EVERYONE,
}
_NAMES_OF_AUDIENCE = {str(audience): name for name, audience in ACCESS_TYPES.items()}
_ROLES = {Rank.OWNER: "owner", Rank.EDITOR: "editor", Rank.VIEWER: "viewer", Rank.NOBODY: "none"}
_NAME = re.compile(r"[A-Za-z0-9_-]{3,128}")
"""Names of 64 characters get a number at their end where they are taken."""
_LONGEST = 34
"""Characters of a host's name before such a number."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is told of an app."""

    app: App
    name: str
    settings: JsonObject
    live: Release | None
    bundle: Bundle | None
    """Of the live release."""
    rank: Rank


def find(call: Call, db: ReadDb, guid: str) -> App:
    """The app of a GUID, for whoever may see it.

    Raises: IdMalformed, AppNotFound.
    """
    app = apps.find_app(db, identity.id_of("app", guid))
    try:
        return apps.get_visible(db, call.actor, app.name if app else "")
    except AppNotFound:  # what one may not see is not told apart from what is not there
        raise AppNotFound(
            f"There is no content {guid}.", fix="See what there is: rsconnect content search"
        ) from None


def find_numbered(call: Call, db: ReadDb, number: object) -> App:
    """The app that calls of old name by a number.

    Raises: AppNotFound.
    """
    for app in apps.list_visible(db, call.actor):
        if str(identity.number_of(app.id)) == str(number):
            return app
    raise AppNotFound(
        f"There is no content {str(number)[:40]}.", fix="See what there is: rsconnect content search"
    )


def find_editable(call: Call, db: ReadDb, guid: str) -> App:
    """Raises: IdMalformed, AppNotFound, NotAnEditor."""
    return apps.get_editable(db, call.actor, find(call, db, guid).name)


def list_named(call: Call, db: ReadDb, name: str | None, owner_id: str) -> list[App]:
    """The apps that one may see, or those of exactly this name; of one owner, where one is given."""
    found = apps.list_visible(db, call.actor)
    if owner_id:
        found = [app for app in found if app.owner_id == owner_id]
    if name is None:
        return [*found]
    named = {*queries.app_ids_named(db, call.actor.organization_id, name)}
    others = queries.contents_of(db, [app.id for app in found if app.name == name])
    return [app for app in found if app.id in named or (app.name == name and app.id not in others)]


def create(call: Call, db: WriteDb, name: str) -> App:
    """A new app under the nearest name that a host can have; without a name, under one that is made up.

    Raises: ContentNameInvalid, ContentNameTaken.
    """
    name = name or f"content-{ids.new_id('app')[-8:]}"
    check_name(call, db, name)
    app = apps.create_app(db, call.actor, _free_name(call, db, _fit(name)), call.now)
    db.add(Content(app_id=app.id, organization_id=app.organization_id, name=name, settings={}))
    db.flush()
    return app


def check_name(call: Call, db: ReadDb, name: str) -> None:
    """Raises: ContentNameInvalid, ContentNameTaken."""
    if not _NAME.fullmatch(name):
        raise ContentNameInvalid(where="name")
    if list_named(call, db, name, call.actor.account_id):
        raise ContentNameTaken(where="name")


def settle(db: WriteDb, app: App) -> Content:
    """What is kept of an app for this wire, from now on."""
    found = queries.find_content(db, app.id)
    if found is None:
        found = Content(app_id=app.id, organization_id=app.organization_id, name=app.name, settings={})
        db.add(found)
    return found


def shown(call: Call, db: ReadDb, found: Sequence[App]) -> list[JsonObject]:
    """Content objects, with few queries however many they are."""
    return [to_json(one, call.site.url) for one in gather(call, db, found)]


def gather(call: Call, db: ReadDb, found: Sequence[App]) -> list[Facts]:
    kept = queries.contents_of(db, [app.id for app in found])
    live = apps.live_releases(db, found)
    sent = bundles.of_releases(db, [*live.values()])
    ranks = apps.manager_ranks(db, found, call.actor)
    return [
        Facts(
            app,
            kept[app.id].name if app.id in kept else app.name,
            kept[app.id].settings if app.id in kept else {},
            live.get(app.id),
            sent.get(live[app.id].id) if app.id in live else None,
            ranks[app.id],
        )
        for app in found
    ]


def mode_of(live: Release | None, bundle: Bundle | None) -> str:
    """The app mode of what is live."""
    if live is None:
        return "unknown"
    said = bundle.said.get("appmode") if bundle else None
    if said:
        return str(said)
    return manifests.mode_of(Kind(live.kind), live.framework) if live.kind in set(Kind) else "unknown"


def category_of(bundle: Bundle | None) -> str:
    """What its manifest calls its sort, such as ``pin``; empty for apps."""
    return str(bundle.said.get("content_category") or "") if bundle else ""


def is_pin(bundle: Bundle | None) -> bool:
    """Whether it is data with versions, rather than an app."""
    return category_of(bundle) == PIN


def guid_of(app: App) -> str:
    return identity.guid_of(app.id)


def url_of(site_url: str, app: App) -> str:
    """Where content is on the console's host."""
    return f"{site_url}/content/{identity.guid_of(app.id)}/"


def to_json(one: Facts, site_url: str) -> JsonObject:
    """A content object."""
    app, live = one.app, one.live
    guid = identity.guid_of(app.id)
    return {
        "guid": guid,
        "id": str(identity.number_of(app.id)),
        "name": one.name,
        "title": app.title or None,
        "description": app.description,
        "access_type": _NAMES_OF_AUDIENCE[app.audience],
        "locked": False,
        "locked_message": "",
        **process_settings.UNSET,
        "run_as_current_user": False,
        **one.settings,
        **process_settings.of_life(app),
        "created_time": to_text(app.created_at),
        "last_deployed_time": to_text(live.live_at or live.created_at) if live else to_text(app.created_at),
        "bundle_id": str(one.bundle.id) if one.bundle else None,
        "app_mode": mode_of(live, one.bundle),
        "content_category": category_of(one.bundle),
        "parameterized": False,
        "environment_guid": None,
        "cluster_name": LOCAL if live else None,
        "image_name": LOCAL if live else None,
        "r_version": None,
        "py_version": live.python if live and live.kind != Kind.STATIC else None,
        "quarto_version": None,
        "node_version": None,
        "r_environment_management": None,
        "py_environment_management": True if live and live.kind != Kind.STATIC else None,
        "owner_guid": identity.guid_of(app.owner_id),
        "content_url": url_of(site_url, app),
        "dashboard_url": f"{site_url}/connect/#/apps/{guid}",
        "app_role": _ROLES[one.rank],
    }


def _fit(name: str) -> str:
    """The nearest name that a host can have, with room for a number behind it."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if len(words) < 2 or not words[0].isalpha() or words.startswith("xn-"):
        words = f"app-{words}"
    return words[:_LONGEST].rstrip("-")


def _free_name(call: Call, db: ReadDb, wanted: str) -> str:
    number = 1
    name = wanted
    while name in RESERVED_NAMES or apps.find_named(db, call.actor.organization_id, name) is not None:
        number += 1
        name = f"{wanted}-{number}"
    return name
