"""Calls of old that clients still make: applications by number, lists of pins, renderings, and signing in by password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query, Response
from starlette.responses import JSONResponse

from tholos.accounts import service as accounts
from tholos.accounts.models import Account
from tholos.accounts.pages import check_own_page, session_cookie
from tholos.accounts.passwords import Passwords
from tholos.accounts.routes import Calling, Permission, Routes
from tholos.accounts.service import SESSION_LIFE
from tholos.apps import service as apps
from tholos.kit.clock import to_text
from tholos.kit.db import Database, JsonObject
from tholos.operations import service as operations
from tholos.protocols.connect import contents, identity, tasks
from tholos.protocols.connect.bodies import JsonBody
from tholos.protocols.connect.contents import Facts
from tholos.protocols.connect.server_api import user_json
from tholos.protocols.connect.users_api import text_of
from tholos.publishing import api as publishing_api
from tholos.publishing import releases
from tholos.schedules import service as schedules

routes = Routes(prefix="/__api__", tags=["connect"], include_in_schema=False)

_MODES: Mapping[str, int] = {
    "shiny": 1, "rmd-shiny": 2, "rmd-static": 3, "static": 4, "api": 5, "tensorflow-saved-model": 6, "jupyter-static": 7,
    "python-api": 8, "python-dash": 9, "python-streamlit": 10, "python-bokeh": 11, "python-fastapi": 12,
    "quarto-shiny": 13, "quarto-static": 14, "python-shiny": 15, "jupyter-voila": 16, "python-gradio": 17,
    "python-panel": 18, "nodejs": 20,
}  # fmt: skip
_MOST = 1000


@routes.declare("GET", "/applications", permission=Permission.SIGNED_IN)
def list_applications(
    call: Calling,
    chosen: Annotated[str, Query(alias="filter")] = "",
    search: str = "",
    count: Annotated[int, Query(ge=1)] = _MOST,
) -> JsonObject:
    """Content of one sort, such as ``content_type:pin``, with a text in its name or title."""
    key, _, category = chosen.partition(":")
    with call.read() as db:
        found = contents.gather(call, db, apps.list_visible(db, call.actor))
        if key == "content_type":
            found = [one for one in found if contents.category_of(one.bundle) == category]
        if category == contents.PIN:  # who lists pins reads them next; an administrator may not read all
            found = [one for one in found if apps.may_open(db, one.app, call.actor)]
        found = [one for one in found if search.lower() in f"{one.name} {one.app.title}".lower()]
        shown = found[: min(count, _MOST)]
        owners = {one.app.owner_id: accounts.get_account(db, one.app.owner_id) for one in shown}
        scheduled = {one.app_id for one in schedules.of_apps(db, [one.app.id for one in shown])}
        applications = [
            _to_json(one, owners[one.app.owner_id], call.site.url, is_scheduled=one.app.id in scheduled)
            for one in shown
        ]
    return {
        "applications": applications,
        "count": len(applications),
        "total": len(found),
        "continuation": None,
    }


@routes.declare("GET", "/applications/{number}", permission=Permission.SIGNED_IN)
def get_application(call: Calling, number: str) -> JsonObject:
    """Content by its number, or by its GUID."""
    with call.read() as db:
        is_number = number.isdecimal()
        app = contents.find_numbered(call, db, number) if is_number else contents.find(call, db, number)
        facts, owner = contents.gather(call, db, [app])[0], accounts.get_account(db, app.owner_id)
        is_scheduled = bool(schedules.of_apps(db, [app.id]))
        return _to_json(facts, owner, call.site.url, is_scheduled=is_scheduled)


@routes.declare("GET", "/applications/{guid}/variants", permission=Permission.APP_VIEW)
def list_variants(call: Calling, guid: str) -> list[JsonObject]:
    """Content has one variant: itself."""
    with call.read() as db:
        app = contents.find(call, db, guid)
    number = identity.number_of(app.id)
    variant: JsonObject = {
        "id": number,
        "app_id": number,
        "key": guid,
        "bundle_id": None,
        "is_default": True,
        "name": "default",
        "email_collaborators": False,
        "email_viewers": False,
        "created_time": to_text(app.created_at),
        "rendering_id": None,
        "render_time": None,
        "visibility": 0,
        "owner_id": identity.number_of(app.owner_id),
    }
    return [variant]


@routes.declare("POST", "/variants/{number}/render", permission=Permission.APP_EDIT, status_code=202)
def render(call: Calling, number: str) -> JsonObject:
    """Render content anew, after what is under way: what renders does so as it starts, so it is started anew."""
    with call.write() as db:
        app = contents.find_numbered(call, db, number)
        editable = apps.get_editable(db, call.actor, app.name)
        begun = releases.begin_restart(db, call.actor, editable, call.now, may_wait=True)
        told = tasks.to_json(begun, tasks.lines_of(operations.list_all_events(db, begun.id)), 0)
    publishing_api.wake(call)
    return told


@routes.declare("POST", "/__login__", permission=Permission.PUBLIC)
def sign_in(call: Calling, body: JsonBody) -> Response:
    """Begin a session by name and password; its cookie is the answer."""
    check_own_page(call)
    name, password = text_of(body, "username"), text_of(body, "password")
    checked = call.get(Passwords).check(call.get(Database), name, password, call.address, call.now)
    with call.write() as db:
        account = accounts.get_checked(db, checked)
        secret = accounts.open_session(db, account, call.now, call.origin)
        shown = user_json(account)
    cookie = session_cookie(call, secret, int(SESSION_LIFE.total_seconds()))
    return JSONResponse(shown, headers={"set-cookie": cookie})


def _to_json(facts: Facts, owner: Account, site_url: str, *, is_scheduled: bool) -> JsonObject:
    """Content as it was told of old: numbers instead of texts, and its owner with it."""
    content = contents.to_json(facts, site_url)
    first, _, last = owner.full_name.partition(" ")
    return {
        **content,
        "id": identity.number_of(facts.app.id),
        "bundle_id": facts.bundle.id if facts.bundle else None,
        "app_mode": _MODES.get(str(content["app_mode"]), 0),
        "owner_username": owner.name,
        "owner_first_name": first,
        "owner_last_name": last,
        "owner_email": "",
        "url": content["content_url"],
        "vanity_url": None,
        "git": None,
        "is_scheduled": is_scheduled,
        "build_status": 2,
        "has_parameters": False,
        "users": [],
        "groups": [],
    }
