"""HTTP of one's own account: what it says of itself, and where it is signed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from tholos.accounts import errors, profile, schemas, sessions
from tholos.accounts import service as accounts
from tholos.accounts.passwords import Passwords
from tholos.accounts.profile import Profile
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.db import Database
from tholos.kit.notices import Notices
from tholos.kit.versions import to_tag

routes = Routes(prefix="/api/v1", tags=["own account"])

SessionId = Annotated[str, Path(max_length=100, description="Its id, or `current` for the one that asks.")]


@routes.declare("GET", "/me", permission=Permission.SIGNED_IN)
def get_me(call: Calling, response: Response) -> schemas.MeOut:
    """Who asks."""
    with call.read() as db:
        account = accounts.get_account(db, call.actor.account_id)
        response.headers["etag"] = to_tag(account.version)
        return schemas.me_out(account, call.actor)


@routes.declare("PATCH", "/me", permission=Permission.SIGNED_IN)
def change_me(call: Calling, response: Response, body: schemas.MeIn) -> schemas.MeOut:
    """Change one's own full name and mail address."""
    wish = Profile(body.full_name, body.email)
    with call.write(unrecorded="what stays as it is is no deed") as db:
        account = profile.change(db, call.actor, wish, call.seen_version, call.now)
        response.headers["etag"] = to_tag(account.version)
        return schemas.me_out(account, call.actor)


@routes.declare("POST", "/me/password", permission=Permission.SIGNED_IN, status_code=204)
def change_my_password(call: Calling, body: schemas.PasswordIn) -> None:
    """Change one's own password; browsers, all but the one that asks, are signed out. A first one is not set by a token."""
    change_password(call, body.current, body.password)


@routes.declare("GET", "/sessions", permission=Permission.SIGNED_IN)
def list_sessions(call: Calling) -> schemas.SessionList:
    """Where one is signed in by a browser, the newest first."""
    call.actor.needs_all_apps()
    with call.read() as db:
        found = sessions.list_of(db, call.actor.account_id, call.now)
    return schemas.SessionList(items=[schemas.session_out(one, call.actor.credential) for one in found])


@routes.declare("DELETE", "/sessions/{session_id}", permission=Permission.SIGNED_IN, status_code=204)
def end_session(call: Calling, session_id: SessionId) -> None:
    """Sign one browser out. What it has open ends within five seconds."""
    with call.write() as db:
        sessions.end(db, call.actor, session_id, call.now)
    call.get(Notices).publish(accounts.ACCESS_TOPIC)


@routes.declare("DELETE", "/sessions", permission=Permission.SIGNED_IN)
def end_sessions(
    call: Calling,
    tokens: Annotated[
        bool, Query(description="Revoke every token as well, the one that asks included.")
    ] = False,
) -> schemas.EndedOut:
    """Sign out everywhere."""
    with call.write() as db:
        ended = sessions.end_all(db, call.actor, call.now, with_tokens=tokens)
    call.get(Notices).publish(accounts.ACCESS_TOPIC)
    return schemas.EndedOut(sessions=ended.sessions, tokens=ended.tokens)


def change_password(call: Call, current: str, password: str) -> None:
    """Set one's own password, and end one's other sessions; wrong ones are counted as those of signing in are.

    Raises: PresentPasswordWrong, PasswordTooShort, TooManyAttempts, TooBusy.
    """
    passwords = call.get(Passwords)
    with call.read() as db:
        has_password = accounts.has_password(db, call.actor)
    try:
        checked = None
        if has_password:
            checked = passwords.check(call.get(Database), call.actor.name, current, call.address, call.now)
        hashed = passwords.hash(password)
        with call.write() as db:
            accounts.change_password(db, call.actor, checked, hashed, call.now)
    except errors.WrongPassword:
        raise errors.PresentPasswordWrong(where="current") from None
    call.get(Notices).publish(accounts.ACCESS_TOPIC)
