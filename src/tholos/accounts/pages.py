"""Pages of signing in and out. Everything is a form; nothing needs a script. One's own account is in console/account.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Form, Query
from starlette.responses import RedirectResponse, Response

from tholos import __version__
from tholos.accounts import confirming, errors, schemas
from tholos.accounts import service as accounts
from tholos.accounts.models import Account
from tholos.accounts.passwords import Passwords
from tholos.accounts.provider import Provider
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import SESSION_LIFE
from tholos.kit.db import Database
from tholos.kit.errors import TholosError
from tholos.kit.http import is_own_request, set_cookie
from tholos.kit.notices import Notices
from tholos.kit.pages import Pages

routes = Routes(include_in_schema=False)

_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_SETUP_TITLES = {
    "used": "This link was used already",
    "expired": "This link has expired",
    "unknown": "This link is not known here",
}
_SETUP_STATES: dict[type[TholosError], str] = {errors.LinkSpent: "used", errors.LinkExpired: "expired"}

Text = Annotated[str, Form(max_length=1000)]


class Greeted(schemas.AccountOut):
    """Who is signed in, as the frame of a page shows them."""

    unseen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every page has."""

    title: str
    account: Greeted | None
    server_version: str = __version__
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    notice: str = ""
    query: str = ""
    json_url: str = ""
    """Where programs get what the page shows."""

    @property
    def unseen(self) -> int:
        """What the account was told and has not seen."""
        return self.account.unseen if self.account else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage(Frame):
    values: Mapping[str, str]
    errors: Mapping[str, str]
    next: str
    provider: str
    """What stands on the button of the other way to sign in; empty where there is none."""
    is_out: bool = False
    """Whether one has just signed out here, and not there."""
    end_session_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPage(Frame):
    state: str
    code: str
    name: str
    expires_at: datetime | None
    errors: Mapping[str, str]


def account_of(call: Call) -> Greeted | None:
    if call.known_actor is None:
        return None
    return Greeted(**schemas.account_out(call.known_actor).model_dump(), unseen=call.unseen)


@routes.declare("GET", "/sign-in", permission=Permission.PUBLIC)
def show_sign_in(
    call: Calling, next_path: Annotated[str, Query(alias="next", max_length=2000)] = "", out: bool = False
) -> Response:
    if is_signed_in(call):
        return go(next_path)
    return sign_in_page(call, {}, {}, next_path, is_out=out)


@routes.declare("POST", "/sign-in", permission=Permission.PUBLIC)
def sign_in(
    call: Calling, name: Text = "", password: Text = "", next_path: Annotated[str, Form(alias="next")] = ""
) -> Response:
    check_own_page(call)
    try:
        checked = call.get(Passwords).check(call.get(Database), name, password, call.address, call.now)
        with call.read() as db:
            account = accounts.get_checked(db, checked)
    except errors.WrongPassword as error:
        return sign_in_page(call, {"name": name}, {"": f"{error.message} {error.fix}"}, next_path, 401)
    except errors.TooManyAttempts as error:
        page = sign_in_page(call, {"name": name}, {"": f"{error.message} {error.fix}"}, next_path, 429)
        page.headers["retry-after"] = str(error.details["retry_after_s"])
        return page
    return sign_in_browser(call, account, next_path)


@routes.declare("GET", "/setup", permission=Permission.PUBLIC)
def show_setup(call: Calling, code: Annotated[str, Query(max_length=200)] = "") -> Response:
    return _setup_page(call, code, {})


@routes.declare("POST", "/setup", permission=Permission.PUBLIC)
def spend_setup(call: Calling, code: Text = "", password: Text = "") -> Response:
    """Spend a one-time link. Only this does: fetching the page, as a preview may, spends nothing."""
    check_own_page(call)
    try:
        with call.read() as db:
            accounts.check_link(db, code, call.now)
        hashed = call.get(Passwords).hash(password) if password else None
        with call.write(unrecorded="the session that follows is") as db:
            account = accounts.spend_link(db, code, call.now)
            if hashed is not None:
                accounts.reset_password(db, account, hashed, call.now, call.origin)
    except errors.PasswordTooShort as error:
        return _setup_page(call, code, {"password": f"{error.message} {error.fix}".strip()}, 400)
    except errors.PasswordNotForPrograms as error:
        return _setup_page(call, code, {"password": f"{error.message} {error.fix}"}, 403)
    except (errors.LinkSpent, errors.LinkExpired, errors.LinkUnknown):
        return _setup_page(call, code, {}, 401)
    if hashed is not None:
        call.get(Notices).publish(accounts.ACCESS_TOPIC)
    return sign_in_browser(call, account, "/")


@routes.declare("POST", "/sign-out", permission=Permission.SIGNED_IN)
def sign_out(call: Calling, next_path: Annotated[str, Form(alias="next", max_length=2000)] = "") -> Response:
    with call.write() as db:
        accounts.end_session(db, call.actor.credential, call.now, call.actor)
    call.get(Notices).publish(accounts.ACCESS_TOPIC)
    return forget_browser(call, next_path)


def sign_in_page(
    call: Call,
    values: Mapping[str, str],
    wrong: Mapping[str, str],
    next_path: str,
    status: int = 200,
    *,
    is_out: bool = False,
) -> Response:
    """Every way to sign in, and what went wrong with one of them."""
    provider = call.get(Provider)
    page = SignInPage(
        title="Sign in",
        account=None,
        values=values,
        errors=wrong,
        next=own_path(next_path),
        provider=provider.client.name if provider.is_on else "",
        is_out=is_out and provider.is_on,
        end_session_url=provider.end_session_url,
    )
    return call.get(Pages).answer("sign_in.html", page, status)


def _setup_page(call: Call, code: str, wrong: Mapping[str, str], status: int = 200) -> Response:
    state, name, expires_at = "open", "", None
    try:
        with call.read() as db:
            link = accounts.check_link(db, code, call.now)
            name, expires_at = link.account.name, link.expires_at
    except TholosError as error:
        state = _SETUP_STATES.get(type(error), "unknown")
    page = SetupPage(
        title=_SETUP_TITLES.get(state, f"Sign in as {name}"),
        account=None,
        state=state,
        code=code if state == "open" else "",
        name=name,
        expires_at=expires_at,
        errors=wrong,
    )
    return call.get(Pages).answer("setup.html", page, status)


def sign_in_browser(call: Call, account: Account, next_path: str) -> Response:
    """Begin a session of an account that somebody proved to be, and go on to a path of ours."""
    with call.write() as db:
        secret = accounts.open_session(db, account, call.now, call.origin)
    response = go(next_path)
    response.headers["set-cookie"] = session_cookie(call, secret, int(SESSION_LIFE.total_seconds()))
    return response


def forget_browser(call: Call, next_path: str = "") -> Response:
    """Remove the cookie of a session that was ended."""
    shown = "/sign-in?out=true" if call.get(Provider).is_on else "/sign-in"
    response = RedirectResponse(own_path(next_path) or shown, 303)
    response.headers["set-cookie"] = session_cookie(call, "", 0)
    return response


def session_cookie(call: Call, secret: str, max_age: int) -> str:
    """The header that gives a browser its session, or takes it away."""
    return set_cookie(call.site.cookies.session, secret, secure=call.site.is_secure, max_age=max_age)


def check_own_page(call: Call) -> None:
    """Signing in is done from our own pages only, or a stranger could sign a browser in as himself.

    Raises: ForeignOrigin.
    """
    headers = call.request.headers
    own = f"{'https' if call.site.is_secure else 'http'}://{headers.get('host', '')}"
    if not is_own_request(headers.get("origin"), headers.get("sec-fetch-site"), own):
        raise errors.ForeignOrigin


def is_signed_in(call: Call) -> bool:
    """Whether signing in would change nothing: where apps share the console's origin, doing it again does."""
    actor = call.known_actor
    return actor is not None and not (call.site.is_one_origin and confirming.is_due(actor, call.now))


def own_path(path: str) -> str:
    return path if _OWN_PATH.fullmatch(path) else ""


def go(next_path: str) -> RedirectResponse:
    return RedirectResponse(own_path(next_path) or "/", 303)
