"""HTTP of accounts and tokens."""

from __future__ import annotations

from tholos.accounts import schemas
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Scope
from tholos.accounts.passwords import Passwords
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import KeptPassword
from tholos.kit.db import Database, WriteDb
from tholos.kit.notices import Notices

routes = Routes(prefix="/api/v1", tags=["accounts"])


@routes.declare("GET", "/me", permission=Permission.SIGNED_IN)
def get_me(call: Calling) -> schemas.AccountOut:
    return schemas.account_out(call.actor)


@routes.declare("POST", "/accounts", permission=Permission.ADMINISTER, status_code=201, is_creating=True)
def create_account(call: Calling, body: schemas.AccountIn) -> schemas.AccountMade:
    with call.write() as db:
        account, code = accounts.create_account(db, call.actor, body.name, body.role, call.now)
        made = schemas.AccountMade(
            account=schemas.account_out(account), sign_in_url=f"{call.site.url}/setup?code={code}"
        )
        return call.kept(db, made)


@routes.declare("POST", "/tokens", permission=Permission.PUBLIC, status_code=201, is_creating=True)
def create_token(call: Calling, body: schemas.TokenIn) -> schemas.TokenMade:
    """Sign in by a one-time code or by name and password; signed in already, make a further token."""
    checked = None
    if body.name and not body.code:
        checked = call.get(Passwords).check(
            call.get(Database), body.name, body.password, call.address, call.now
        )
    maker = None if body.name or body.code else call.actor
    if maker is not None:  # a narrow token makes no wide one
        maker.needs_scope(Scope.FULL)
        maker.needs_all_apps()
    with call.write() as db:
        account = _account_for(call, db, body, checked)
        token, secret = accounts.create_token(db, account, body.label, body.days, call.now, maker)
        made = schemas.TokenMade(
            token=secret,
            id=token.id,
            expires_at=schemas.token_out(token).expires_at,
            account=schemas.account_out(account),
        )
        return call.kept(db, made)


@routes.declare("GET", "/tokens", permission=Permission.SIGNED_IN)
def list_tokens(call: Calling) -> schemas.TokenList:
    with call.read() as db:
        return schemas.TokenList(
            items=[schemas.token_out(one) for one in accounts.list_tokens(db, call.actor)]
        )


@routes.declare("DELETE", "/tokens/{token_id}", permission=Permission.SIGNED_IN, status_code=204)
def revoke_token(call: Calling, token_id: str) -> None:
    with call.write() as db:
        accounts.revoke_token(db, call.actor, token_id, call.now)
    call.get(Notices).publish(accounts.ACCESS_TOPIC)


def _account_for(call: Call, db: WriteDb, body: schemas.TokenIn, checked: KeptPassword | None) -> Account:
    if body.code:
        return accounts.spend_link(db, body.code, call.now)
    if checked is not None:
        return accounts.get_checked(db, checked)
    return accounts.get_account(db, call.actor.account_id)
