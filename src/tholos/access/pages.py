"""The console's side of the way to an app's host, and what is shown to whom the app does not let in: a way to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form, Query
from starlette.responses import RedirectResponse, Response

from tholos.access import service as access
from tholos.access.errors import NotShared
from tholos.access.schemas import MESSAGE_AT_MOST
from tholos.accounts import service as accounts
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import requests
from tholos.apps.errors import OpenAlready, RefusedLately
from tholos.apps.names import RELEASE_NAME
from tholos.gateway.hygiene import CALLBACK
from tholos.kit.pages import Pages

routes = Routes(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPage(Frame):
    app: str
    owner: str
    asked_at: str
    """When it was asked; empty where it was not."""
    asked: str
    message: str
    error: str


@routes.declare("GET", "/open/{name}", permission=Permission.PUBLIC)
def open_app(
    call: Calling, name: str, t: Annotated[str, Query(pattern=r"^([0-9a-f]{64})?$")] = ""
) -> Response:
    """Send a signed-in browser on to an app; ``t`` is the hash of the transaction its host began."""
    if call.known_actor is None:
        here = f"/open/{name}" + (f"?t={t}" if t else "")
        return RedirectResponse("/sign-in?" + urlencode({"next": here}), 303)
    try:
        with call.write(unrecorded="opening an app is counted, not recorded") as db:
            code = access.hand_over(db, call.actor, name, t, call.now)
    except NotShared:
        if not _may_ask(call, name):
            raise
        return _ask_page(call, name, 403)
    address = call.site.app_url.format(name=name)
    response = RedirectResponse(f"{address}{CALLBACK}?code={code}&t={t}" if t else f"{address}/", 303)
    response.headers["referrer-policy"] = "no-referrer"
    return response


@routes.declare("POST", "/open/{name}", permission=Permission.SIGNED_IN)
def ask_for_access(
    call: Calling, name: str, message: Annotated[str, Form(max_length=100_000)] = ""
) -> Response:
    """Ask for access. Asking twice is asking once."""
    if len(message) > MESSAGE_AT_MOST:
        return _ask_page(call, name, 400, message, f"Use at most {MESSAGE_AT_MOST} characters.")
    try:
        with call.write() as db:
            requests.ask(db, call.actor, name, message, call.now)
    except OpenAlready:
        return RedirectResponse(f"/open/{name}", 303)
    except RefusedLately as error:
        return _ask_page(call, name, 409, message, f"{error.message} {error.fix}")
    return _ask_page(call, name, 200)


def _may_ask(call: Call, name: str) -> bool:
    """Programs are told in JSON; a draft is for editors, and nobody asks to become one by opening it."""
    is_browser = "text/html" in call.request.headers.get("accept", "")
    return is_browser and not RELEASE_NAME.fullmatch(name)


def _ask_page(call: Call, name: str, status: int, message: str = "", error: str = "") -> Response:
    with call.read() as db:
        app = requests.find_closed(db, call.actor, name)
        asked = requests.find_own(db, call.actor, app)
        page = AskPage(
            title=f"{name} is not shared with you",
            account=account_of(call),
            app=name,
            owner=accounts.get_account(db, app.owner_id).name,
            asked_at=asked.created_at.isoformat() if asked else "",
            asked=asked.message if asked else "",
            message=message,
            error=error,
        )
    return call.get(Pages).answer("ask_for_access.html", page, status)
