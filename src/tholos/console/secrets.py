"""Pages of shared secrets. No page shows a value, not even one that was just typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Form
from starlette.responses import RedirectResponse, Response

from tholos.accounts.models import Role, Scope
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.console import secrets_api
from tholos.console.forms import Shown, status_of, words_of
from tholos.kit.db import WriteDb
from tholos.kit.errors import Conflict, Invalid
from tholos.kit.pages import Pages
from tholos.kit.sealing import Sealer
from tholos.publishing.api import wake
from tholos.sharing.errors import GrantNotFound
from tholos.sharing.models import Level, PrincipalKind
from tholos.variables import schemas, shared
from tholos.variables.names import LONGEST_VALUE
from tholos.variables.shared import Rank

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]
Long = Annotated[str, Form(max_length=LONGEST_VALUE)]
_FORMS = (Invalid, Conflict, GrantNotFound)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsPage(Frame):
    secrets: Sequence[schemas.SecretOut]
    values: Mapping[str, str]
    errors: Mapping[str, str]
    key: int | None
    """Number of the key that all is sealed with; only for who may rotate it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPage(Frame):
    secret: schemas.SecretOut
    grants: Sequence[schemas.GrantOut]
    values: Mapping[str, str]
    errors: Mapping[str, str]


@routes.declare("GET", "/secrets", permission=Permission.PUBLISH)
def show_secrets(call: Calling) -> Response:
    return _list_page(call, Shown())


@routes.declare("POST", "/secrets", permission=Permission.PUBLISH)
def make_secret(call: Calling, name: Text = "", value: Long = "", note: Text = "") -> Response:
    try:
        with call.write() as db:
            shared.create_secret(
                db, call.get(Sealer), call.actor, name.strip(), _text(value), note.strip(), call.now
            )
    except _FORMS as error:
        where = error.where if error.where in {"name", "value"} else ""
        return _list_page(
            call, Shown({"name": name, "note": note}, {where: words_of(error)}, status=status_of(error))
        )
    return RedirectResponse(f"/secrets/{name.strip()}", 303)


@routes.declare("GET", "/secrets/{name}", permission=Permission.PUBLISH)
def show_secret(call: Calling, name: str) -> Response:
    return _page(call, name, Shown())


@routes.declare("POST", "/secrets/{name}", permission=Permission.PUBLISH)
def change_secret(
    call: Calling, name: str, value: Long = "", note: Text = "", restart: Text = "", version: Text = ""
) -> Response:
    """Another value where one was typed, and the note as it is typed."""
    seen = int(version) if version.isdecimal() and len(version) < 10 else None
    wish = schemas.SecretChange(value=_text(value) or None, note=note.strip(), restart=bool(restart))
    try:
        with call.write() as db:
            _, restarts = secrets_api.change(call, db, name, wish, seen)
    except _FORMS as error:
        where = "value" if error.where == "value" else "secret"
        return _page(call, name, Shown({"note": note}, {where: words_of(error)}, status=status_of(error)))
    wake(call)
    if len(restarts.begun) == 1 and not restarts.left:
        return RedirectResponse(f"/operations/{restarts.begun[0].id}", 303)
    return _page(call, name, Shown(notice=f"It is saved. {restarts.told}".strip()))


@routes.declare("POST", "/secrets/{name}/share", permission=Permission.PUBLISH, scope=Scope.FULL)
def share_secret(call: Calling, name: str, who: Text = "", level: Text = "") -> Response:
    """With an account, or with a group after ``@``."""

    def share(db: WriteDb) -> None:
        kind, principal = _principal(who)
        wanted = Level.EDITOR if level == Level.EDITOR else Level.VIEWER
        shared.share_secret(db, call.actor, name, kind, principal, wanted, call.now)

    return _change_access(call, name, share, {"who": who, "level": level}, "It is shared.")


@routes.declare("POST", "/secrets/{name}/unshare", permission=Permission.PUBLISH, scope=Scope.FULL)
def unshare_secret(call: Calling, name: str, who: Text = "") -> Response:
    def unshare(db: WriteDb) -> None:
        kind, principal = _principal(who)
        shared.unshare_secret(db, call.actor, name, kind, principal, call.now)

    return _change_access(call, name, unshare, {}, "It is not shared with them any more.")


@routes.declare("POST", "/secrets/{name}/remove", permission=Permission.PUBLISH, scope=Scope.FULL)
def remove_secret(call: Calling, name: str, typed: Text = "") -> Response:
    """What ends for good is asked for by its name; where apps use it, that insists."""
    if typed.strip() != name:
        with call.read() as db:
            shared.get_secret(db, call.actor, name)
        return _page(
            call, name, Shown({"typed": typed}, {"typed": f'Type "{name}" to remove it.'}, status=400)
        )
    with call.write() as db:
        shared.remove_secret(db, call.actor, name, call.now, force=True)
    return RedirectResponse("/secrets", 303)


@routes.declare("POST", "/admin/sealing-key/rotate", permission=Permission.ADMINISTER)
def rotate_key(call: Calling) -> Response:
    try:
        operation = secrets_api.rotate_key(call).operation
    except Conflict as error:
        return _list_page(call, Shown(errors={"key": words_of(error)}, status=409))
    return RedirectResponse(f"/operations/{operation.id}", 303)


def _change_access(
    call: Call, name: str, change: Callable[[WriteDb], None], typed: Mapping[str, str], told: str
) -> Response:
    try:
        with call.write() as db:
            change(db)
    except _FORMS as error:
        return _page(call, name, Shown(typed, {"who": words_of(error)}, status=status_of(error)))
    return _page(call, name, Shown(notice=told))


def _list_page(call: Call, shown: Shown) -> Response:
    with call.read() as db:
        found = secrets_api.shown(db, shared.list_secrets(db, call.actor))
    is_administrator = call.actor.role.includes(Role.ADMINISTRATOR)
    page = SecretsPage(
        title="Shared secrets",
        account=account_of(call),
        json_url="/api/v1/secrets",
        secrets=found,
        values={"name": "", "note": "", **shown.values},
        errors=shown.errors,
        key=call.get(Sealer).current if is_administrator else None,
    )
    return call.get(Pages).answer("secrets.html", page, shown.status)


def _page(call: Call, name: str, shown: Shown) -> Response:
    with call.read() as db:
        known = shared.get_secret(db, call.actor, name)
        grants = shared.list_access(db, call.actor, name) if known.rank == Rank.OWNER else []
        secret = secrets_api.shown(db, [known])[0]
    page = SecretPage(
        title=name,
        account=account_of(call),
        notice=shown.notice,
        json_url=f"/api/v1/secrets/{name}",
        secret=secret,
        grants=schemas.grants_out(grants),
        values={"note": secret.note, "who": "", "level": "", "typed": "", **shown.values},
        errors=shown.errors,
    )
    return call.get(Pages).answer("secret.html", page, shown.status)


def _principal(who: str) -> tuple[PrincipalKind, str]:
    said = who.strip()
    return (PrincipalKind.GROUP, said[1:]) if said.startswith("@") else (PrincipalKind.ACCOUNT, said)


def _text(value: str) -> str:
    """What was typed; browsers end lines as mail does."""
    return value.replace("\r\n", "\n")
