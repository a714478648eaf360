"""The page of one's own account: who one is, the password, where one is signed in, and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import Form
from starlette.responses import RedirectResponse, Response

from tholos.accounts import errors, own_api, profile, schemas, sessions, tokens
from tholos.accounts import service as accounts
from tholos.accounts.models import Role, Scope
from tholos.accounts.pages import Frame, account_of, forget_browser
from tholos.accounts.profile import Profile
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.tokens import NewToken
from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound
from tholos.console import quotas_api, tokens_api
from tholos.console.quotas_api import QuotaOut
from tholos.kit.db import WriteDb
from tholos.kit.notices import Notices
from tholos.kit.pages import Pages
from tholos.kit.versions import EditedMeanwhile
from tholos.notifications.models import Means

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]
SCOPES: Sequence[tuple[str, str]] = (
    (Scope.FULL, "everything that you may"),
    (Scope.PUBLISH, "read, publish and manage apps"),
    (Scope.READ, "read what you may read"),
    (Scope.OPEN, "open apps, and nothing else"),
)
DAYS: Sequence[tuple[str, str]] = tuple((days, f"{days} days") for days in ("7", "30", "90", "365"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage(Frame):
    me: schemas.MeOut
    has_password: bool
    can_mail: bool
    """Whether this server sends mail."""
    quota: QuotaOut | None
    """None for a viewer, who has no apps."""
    sessions: Sequence[schemas.SessionOut]
    tokens: Sequence[schemas.TokenOut]
    new_token: schemas.TokenMade | None
    scopes: Sequence[tuple[str, str]]
    days: Sequence[tuple[str, str]]
    values: Mapping[str, str]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows besides how things are."""

    made: schemas.TokenMade | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    status: int = 200


@routes.declare("GET", "/account", permission=Permission.SIGNED_IN)
def show_account(call: Calling) -> Response:
    return _page(call, Shown())


@routes.declare("POST", "/account/profile", permission=Permission.SIGNED_IN)
def change_profile(call: Calling, full_name: Text = "", email: Text = "", version: Text = "") -> Response:
    typed = {"full_name": full_name, "email": email}
    try:
        with call.write(unrecorded="what stays as it is is no deed") as db:
            profile.change(db, call.actor, Profile(full_name, email), _number(version), call.now)
    except errors.ProfileInvalid as error:
        return _page(
            call, Shown(typed=typed, errors={error.where: f"{error.message} {error.fix}"}, status=400)
        )
    except EditedMeanwhile:
        told = {
            "profile": "Somebody else changed it meanwhile. What you typed is still here: save it again to keep it."
        }
        return _page(call, Shown(typed=typed, errors=told, status=412))
    return _page(call, Shown(notice="Saved."))


@routes.declare("POST", "/account/password", permission=Permission.SIGNED_IN)
def change_password(call: Calling, current: Text = "", password: Text = "") -> Response:
    try:
        own_api.change_password(call, current, password)
    except errors.PresentPasswordWrong as error:
        told = f"This is not your present password. {error.fix}"
        return _page(call, Shown(errors={"current": told}, status=400))
    except errors.PasswordTooShort as error:
        return _page(call, Shown(errors={"password": f"{error.message} {error.fix}".strip()}, status=400))
    return _page(call, Shown(notice="Your password is set, and your other browsers are signed out."))


@routes.declare("POST", "/account/tokens", permission=Permission.SIGNED_IN)
def make_token(
    call: Calling, label: Text = "", days: Text = "", scope: Text = Scope.FULL, app: Text = ""
) -> Response:
    typed = {"label": label, "days": days, "scope": scope, "app": app}
    if scope not in set(Scope):
        return _page(call, Shown(typed=typed, errors={"scope": "Choose one of these."}, status=400))
    try:
        with call.write() as db:
            made = _make_token(db, call, NewToken(label, _days(days), Scope(scope)), app.strip())
    except errors.AccountInvalid as error:
        return _page(call, Shown(typed=typed, errors={"days": f"{error.message} {error.fix}"}, status=400))
    except AppNotFound as error:
        return _page(call, Shown(typed=typed, errors={"app": f"{error.message} {error.fix}"}, status=400))
    return _page(call, Shown(made=made))


@routes.declare("POST", "/account/tokens/{token_id}/revoke", permission=Permission.SIGNED_IN)
def revoke_token(call: Calling, token_id: str) -> Response:
    with call.write() as db:
        tokens.revoke(db, call.actor, token_id, call.now)
    call.get(Notices).publish(accounts.ACCESS_TOPIC)
    return RedirectResponse("/account#tokens", 303)


@routes.declare("POST", "/account/sessions/{session_id}/end", permission=Permission.SIGNED_IN)
def end_session(call: Calling, session_id: str) -> Response:
    with call.write() as db:
        sessions.end(db, call.actor, session_id, call.now)
    call.get(Notices).publish(accounts.ACCESS_TOPIC)
    is_this = session_id in {sessions.CURRENT, call.actor.credential}
    return forget_browser(call) if is_this else RedirectResponse("/account#sessions", 303)


@routes.declare("POST", "/account/sign-out-everywhere", permission=Permission.SIGNED_IN)
def sign_out_everywhere(call: Calling, with_tokens: Annotated[Text, Form(alias="tokens")] = "") -> Response:
    with call.write() as db:
        sessions.end_all(db, call.actor, call.now, with_tokens=bool(with_tokens))
    call.get(Notices).publish(accounts.ACCESS_TOPIC)
    return forget_browser(call)


def _make_token(db: WriteDb, call: Call, new: NewToken, app: str) -> schemas.TokenMade:
    """Raises: AccountInvalid, AppNotFound, ScopeTooNarrow."""
    account = accounts.get_account(db, call.actor.account_id)
    object_id = apps.get_visible(db, call.actor, app).id if app else ""
    token, secret = tokens.make(db, call.actor, replace(new, object_id=object_id), call.now)
    return schemas.token_made(token, secret, account, app)


def _page(call: Call, shown: Shown) -> Response:
    with call.read() as db:
        account = accounts.get_account(db, call.actor.account_id)
        me = schemas.me_out(account, call.actor)
        found = sessions.list_of(db, account.id, call.now)
        page = AccountPage(
            title="Your account",
            account=account_of(call),
            notice=shown.notice,
            json_url="/api/v1/me",
            me=me,
            has_password=account.password_hash is not None,
            can_mail=call.get(Means).can_mail,
            quota=None if account.role == Role.VIEWER else quotas_api.quota_out(call, db, account),
            sessions=[schemas.session_out(one, call.actor.credential) for one in found],
            tokens=tokens_api.list_out(db, account.id, call.actor),
            new_token=shown.made,
            scopes=SCOPES,
            days=DAYS,
            values={"full_name": me.full_name, "email": me.email, **shown.typed},
            errors=shown.errors,
        )
    return call.get(Pages).answer("account.html", page, shown.status)


def _number(typed: str) -> int | None:
    """A form that says no version was made by hand: it changes what is there."""
    return int(typed) if typed.isdecimal() and len(typed) < 18 else None


def _days(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 6 else 0
