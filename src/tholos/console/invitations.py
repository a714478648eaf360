"""Pages of invitations: make a link and see who came by it; and the page that the link leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Form, Path, Query
from starlette.responses import RedirectResponse, Response

from tholos.access import api as access_api
from tholos.accounts import errors, invitations
from tholos.accounts.invitations import Newcomer, Offer
from tholos.accounts.models import Invitation, Role, Scope
from tholos.accounts.pace import Pace
from tholos.accounts.pages import Frame, account_of, check_own_page, sign_in_browser
from tholos.accounts.passwords import Passwords
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import invitation_schemas as schemas
from tholos.apps import inviting
from tholos.apps.errors import AppNotFound, NotAnEditor
from tholos.apps.inviting import Promise
from tholos.console import invitations_api
from tholos.kit.db import ReadDb
from tholos.kit.errors import TholosError
from tholos.kit.pages import Pages
from tholos.kit.paging import from_cursor, to_cursor
from tholos.sharing.models import Level

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]
Code = Annotated[str, Path(max_length=200)]
SHOWN = 50
_STATES: Mapping[type[TholosError], str] = {
    errors.InvitationNotFound: "unknown",
    errors.InvitationSpent: "used",
    errors.InvitationExpired: "expired",
    errors.InvitationRevoked: "revoked",
    errors.InvitationWithdrawn: "withdrawn",
}
_TITLES = {
    "unknown": "This invitation is not known here",
    "used": "This invitation was used already",
    "expired": "This invitation has expired",
    "revoked": "This invitation was taken back",
    "withdrawn": "This invitation leads nowhere any more",
    "joined": "You came by this invitation already",
}
_UNUSABLE = tuple(_STATES)
_REFUSED = (
    errors.InvitationInvalid,
    errors.InvitationRefused,
    errors.ProfileInvalid,
    AppNotFound,
    NotAnEditor,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationsPage(Frame):
    items: Sequence[schemas.InvitationOut]
    next: str
    made: schemas.InvitationMade | None
    values: Mapping[str, str]
    errors: Mapping[str, str]
    is_administrator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationPage(Frame):
    state: str
    code: str
    inviter: str
    role: str
    app: str
    may_edit: bool
    """Whether it lets whoever looks publish to the app and manage it."""
    group: str
    note: str
    """Whom it is meant for."""
    landing: str
    expires_at: str
    values: Mapping[str, str]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows besides how things are."""

    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    made: schemas.InvitationMade | None = None
    status: int = 200


@routes.declare("GET", "/invitations", permission=Permission.PUBLISH)
def show_invitations(
    call: Calling,
    app: Annotated[str, Query(max_length=100)] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    return _list_page(call, Shown(typed={"app": app}), cursor)


@routes.declare("POST", "/invitations", permission=Permission.PUBLISH, scope=Scope.FULL)
def make_invitation(
    call: Calling,
    email: Text = "",
    app: Text = "",
    level: Text = Level.VIEWER,
    role: Text = Role.VIEWER,
    group: Text = "",
    uses: Text = "1",
    days: Text = "7",
) -> Response:
    typed = {
        "email": email,
        "app": app,
        "level": level,
        "role": role,
        "group": group,
        "uses": uses,
        "days": days,
    }
    wrong = _wrong(typed)
    if wrong:
        return _list_page(call, Shown(typed, wrong, status=400))
    offer = Offer(Role(role), email, group, _number(uses), _number(days))
    try:
        with call.write() as db:
            made = invitations_api.make(call, db, offer, app.strip(), Level(level))
    except _REFUSED as error:
        where = {"name": "app"}.get(error.where, error.where or "app")
        told = {where: f"{error.message} {error.fix}".strip()}
        status = 403 if isinstance(error, errors.InvitationRefused) else 400
        return _list_page(call, Shown(typed, told, status=status))
    return _list_page(call, Shown(made=made))


@routes.declare(
    "POST", "/invitations/{invitation_id}/revoke", permission=Permission.PUBLISH, scope=Scope.FULL
)
def revoke_invitation(call: Calling, invitation_id: str) -> Response:
    with suppress(errors.InvitationRevoked), call.write() as db:  # twice is once
        invitations.revoke(db, call.actor, invitation_id, call.now)
    return RedirectResponse("/invitations", 303)


@routes.declare("GET", "/invitations/{code}", permission=Permission.PUBLIC)
def show_invitation(call: Calling, code: Code) -> Response:
    """What it gives and by whom. Looking spends nothing, as a preview of the link may do so."""
    return _page(call, code, Shown())


@routes.declare("POST", "/invitations/{code}", permission=Permission.PUBLIC)
def use_invitation(
    call: Calling, code: Code, account: Text = "", name: Text = "", full_name: Text = "", password: Text = ""
) -> Response:
    """Use it as whoever is signed in, else make an account. ``account`` is whom the page said that it would apply to."""
    check_own_page(call)
    typed = {"name": name, "full_name": full_name}
    present = call.known_actor.name if call.known_actor else ""
    if account != present:
        told = f"You are signed in as {present} by now." if present else "You are not signed in any more."
        return _page(
            call, code, Shown(typed, {"": f"{told} Look again what the invitation does."}, status=409)
        )
    if present:
        return _join(call, code)
    return _enter(call, code, Shown(typed), password)


def _join(call: Call, code: str) -> Response:
    """Raises: ScopeTooNarrow: what it gives is more than such a token was made for."""
    call.actor.needs_scope(Scope.FULL)
    call.actor.needs_all_apps()
    try:
        _find(call, code)
        with call.write() as db:
            invitation = inviting.join(db, code, call.actor, call.now)
            landing = _landing(db, invitation)
    except _UNUSABLE:
        return _page(call, code, Shown())
    access_api.tell(call, narrows=False)
    return RedirectResponse(landing, 303)


def _enter(call: Call, code: str, shown: Shown, password: str) -> Response:
    typed = shown.typed
    try:
        _check_usable(call, code)
        hashed = call.get(Passwords).hash(password)
        with call.write() as db:
            newcomer = Newcomer(typed["name"], typed["full_name"], hashed)
            invitation, account = inviting.enter(db, code, newcomer, call.now, call.origin)
            landing = _landing(db, invitation)
    except _UNUSABLE:
        return _page(call, code, Shown())
    except (errors.AccountInvalid, errors.ProfileInvalid, errors.PasswordTooShort) as error:
        return _page(call, code, Shown(typed, {error.where: error.message}, status=400))
    except errors.TooBusy as error:
        return _page(call, code, Shown(typed, {"": f"{error.message} Send it again."}, status=503))
    except errors.AccountTaken as error:
        told = {"name": f"{error.message} If it is yours, sign in, and this page is shown again."}
        return _page(call, code, Shown(typed, told, status=409))
    access_api.tell(call, narrows=False)
    return sign_in_browser(call, account, landing)


def _check_usable(call: Call, code: str) -> None:
    """Before a password is hashed, which is slow: only whoever has a good link may ask for that."""
    _find(call, code)
    with call.read() as db:
        inviting.look(db, invitations.find(db, code), call.now)


def _find(call: Call, code: str) -> None:
    """Raises: TooManyRequests, InvitationNotFound."""
    pace = call.get(Pace)
    pace.check_guess(call.address, call.now)
    try:
        with call.read() as db:
            invitations.find(db, code)
    except errors.InvitationNotFound:
        pace.note_wrong_guess(call.address, call.now)
        raise


def _landing(db: ReadDb, invitation: Invitation) -> str:
    app = inviting.find_landing(db, invitation)
    return f"/open/{app}" if app else "/"


def _page(call: Call, code: str, shown: Shown) -> Response:
    try:
        _find(call, code)
        with call.read() as db:
            page = _open_page(call, db, code, shown)
    except _UNUSABLE as error:
        return _dead_page(call, _STATES[type(error)], error)
    return call.get(Pages).answer("invitation.html", page, shown.status)


def _open_page(call: Call, db: ReadDb, code: str, shown: Shown) -> InvitationPage:
    invitation = invitations.find(db, code)
    actor = call.known_actor
    if actor is not None and invitations.has_used(db, invitation, actor.account_id):
        return _model(call, "joined", landing=_landing(db, invitation))
    promise = inviting.look(db, invitation, call.now)
    return _model(call, "open", promise, code=code, shown=shown, landing=_landing(db, invitation))


def _dead_page(call: Call, state: str, error: TholosError) -> Response:
    page = _model(call, state, note=error.message)
    return call.get(Pages).answer("invitation.html", page, 404 if state == "unknown" else 410)


def _model(
    call: Call,
    state: str,
    promise: Promise | None = None,
    *,
    code: str = "",
    landing: str = "",
    note: str = "",
    shown: Shown = Shown(),
) -> InvitationPage:
    role = call.known_actor.role if call.known_actor else promise.role if promise else Role.VIEWER
    is_editor = promise is not None and promise.level == Level.EDITOR
    inviter = promise.inviter.name if promise else ""
    return InvitationPage(
        title=_TITLES.get(state, f"{inviter} invites you"),
        account=account_of(call),
        state=state,
        code=code,
        inviter=inviter,
        role=promise.role if promise else "",
        app=promise.app.name if promise and promise.app else "",
        may_edit=is_editor and role.includes(Role.PUBLISHER),
        group=promise.group if promise else "",
        note=(promise.invitation.email or "") if promise else note,
        landing=landing,
        expires_at=promise.invitation.expires_at.isoformat() if promise else "",
        values=shown.typed,
        errors=shown.errors,
    )


def _list_page(call: Call, shown: Shown, cursor: str = "") -> Response:
    seen = from_cursor(cursor, str)
    with call.read() as db:
        before_id = str(seen[0]) if seen else ""
        found = [*invitations.list_of(db, call.actor, before_id=before_id, limit=SHOWN + 1)]
        listed = inviting.listed(db, found[:SHOWN])
    page = InvitationsPage(
        title="Invitations",
        account=account_of(call),
        json_url="/api/v1/invitations",
        items=[schemas.invitation_out(one, call.now) for one in listed],
        next=to_cursor(found[SHOWN - 1].id) if len(found) > SHOWN else "",
        made=shown.made,
        values=shown.typed,
        errors=shown.errors,
        is_administrator=call.actor.role.includes(Role.ADMINISTRATOR),
    )
    return call.get(Pages).answer("invitations.html", page, shown.status)


def _wrong(typed: Mapping[str, str]) -> dict[str, str]:
    """What cannot be meant, by its field."""
    wrong = {}
    if typed["role"] not in set(Role):
        wrong["role"] = "Choose one of these."
    if typed["level"] not in set(Level):
        wrong["level"] = "Choose one of these."
    wrong |= {
        name: "Type a whole number."
        for name in ("uses", "days")
        if not (typed[name].isdecimal() and typed[name].isascii())
    }
    return wrong


def _number(typed: str) -> int:
    return int(typed[:9])
