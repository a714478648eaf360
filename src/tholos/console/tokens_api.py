"""HTTP of API tokens: one's own, and those of programs' accounts for administrators. A token may be for one app only."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from tholos.accounts import schemas, tokens
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Scope, Token
from tholos.accounts.passwords import Passwords
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import Actor, KeptPassword
from tholos.accounts.tokens import NewToken
from tholos.apps import service as apps
from tholos.kit.db import Database, ReadDb, WriteDb
from tholos.kit.notices import Notices

routes = Routes(prefix="/api/v1", tags=["tokens"])

TokenId = Annotated[str, Path(max_length=100, description="Its id, or `current` for the one that asks.")]
AccountName = Annotated[str, Path(max_length=100)]


@routes.declare("POST", "/tokens", permission=Permission.PUBLIC, status_code=201, is_creating=True)
def create_token(call: Calling, body: schemas.TokenIn) -> schemas.TokenMade:
    """Sign in by a one-time code or by name and password; signed in already, make a further token."""
    checked = None
    if body.name and not body.code:
        checked = call.get(Passwords).check(
            call.get(Database), body.name, body.password, call.address, call.now
        )
    with call.write() as db:
        if body.name or body.code:
            account = _proven(call, db, body, checked)
            new = wish(db, accounts.actor_for(account), body)
            token, secret = tokens.sign_in(db, account, new, call.now)
        else:
            account = accounts.get_account(db, call.actor.account_id)
            token, secret = tokens.make(db, call.actor, wish(db, call.actor, body), call.now)
        return call.kept(db, schemas.token_made(token, secret, account, body.app))


@routes.declare("GET", "/tokens", permission=Permission.SIGNED_IN)
def list_tokens(call: Calling) -> schemas.TokenList:
    """One's own tokens that nobody revoked, the newest first."""
    call.actor.needs_all_apps()
    with call.read() as db:
        return schemas.TokenList(items=list_out(db, call.actor.account_id, call.actor))


@routes.declare(
    "DELETE", "/tokens/{token_id}", permission=Permission.SIGNED_IN, scope=Scope.OPEN, status_code=204
)
def revoke_token(call: Calling, token_id: TokenId) -> None:
    """End one of one's own at once. A token may always end itself."""
    with call.write() as db:
        tokens.revoke(db, call.actor, token_id, call.now)
    call.get(Notices).publish(accounts.ACCESS_TOPIC)


@routes.declare(
    "POST", "/accounts/{account}/tokens", permission=Permission.ADMINISTER, status_code=201, is_creating=True
)
def create_token_of(call: Calling, account: AccountName, body: schemas.TokenOfIn) -> schemas.TokenMade:
    """A token of a program's account."""
    with call.write() as db:
        found = tokens.find_account(db, call.actor, account)
        token, secret = tokens.make_of(db, call.actor, found, wish(db, call.actor, body), call.now)
        return call.kept(db, schemas.token_made(token, secret, found, body.app))


@routes.declare("GET", "/accounts/{account}/tokens", permission=Permission.ADMINISTER)
def list_tokens_of(call: Calling, account: AccountName) -> schemas.TokenList:
    """The tokens of an account that nobody revoked, the newest first."""
    with call.read() as db:
        found = tokens.find_account(db, call.actor, account)
        return schemas.TokenList(items=list_out(db, found.id, call.actor))


@routes.declare(
    "DELETE", "/accounts/{account}/tokens/{token_id}", permission=Permission.ADMINISTER, status_code=204
)
def revoke_token_of(call: Calling, account: AccountName, token_id: TokenId) -> None:
    """End a token of an account at once."""
    with call.write() as db:
        tokens.revoke_of(db, call.actor, tokens.find_account(db, call.actor, account), token_id, call.now)
    call.get(Notices).publish(accounts.ACCESS_TOPIC)


def wish(db: ReadDb, actor: Actor, body: schemas.TokenIn | schemas.TokenOfIn) -> NewToken:
    """What was asked for, with the app that is named found among those that one may see.

    Raises: AppNotFound.
    """
    object_id = apps.get_visible(db, actor, body.app).id if body.app else ""
    return NewToken(body.label, body.days, body.scope, object_id)


def list_out(db: ReadDb, account_id: str, actor: Actor) -> list[schemas.TokenOut]:
    found: list[Token] = [*tokens.list_of(db, account_id)]
    names = apps.names_of(db, [one.object_id for one in found if one.object_id])
    return [schemas.token_out(one, names.get(one.object_id or "", ""), actor.credential) for one in found]


def _proven(call: Call, db: WriteDb, body: schemas.TokenIn, checked: KeptPassword | None) -> Account:
    if body.code:
        return accounts.spend_link(db, body.code, call.now)
    return accounts.get_checked(db, checked or KeptPassword())
