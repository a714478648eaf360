"""Use cases of API tokens: make, list and revoke one's own, and those of the accounts one looks after.

A token never makes one that is wider than itself: only one with the full scope, for all apps, makes any, and what it
makes ends with it at the latest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts import queries
from tholos.accounts import service as accounts
from tholos.accounts.errors import AccountNotFound, NoServiceAccount, TokenNotFound
from tholos.accounts.models import Account, AccountKind, Role, Scope, Token
from tholos.accounts.service import TOKEN_LIFE_DAYS, Actor
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import ReadDb, WriteDb

CURRENT = "current"
"""What the API calls the token that asks."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is to be."""

    label: str = ""
    days: int = TOKEN_LIFE_DAYS
    scope: Scope = Scope.FULL
    object_id: str = ""
    """The one app that it is good for; empty for all."""


def sign_in(db: WriteDb, account: Account, new: NewToken, now: datetime) -> tuple[Token, str]:
    """A token for whoever proved just now, by password or link, to be this account.

    Raises: AccountInvalid.
    """
    return _create(db, account, new, now, None)


def make(db: WriteDb, actor: Actor, new: NewToken, now: datetime) -> tuple[Token, str]:
    """One more token of one's own, and its secret.

    Raises: ScopeTooNarrow, AccountInvalid.
    """
    _check_may_make(actor)
    return _create(db, accounts.get_account(db, actor.account_id), new, now, actor)


def find_account(db: ReadDb, actor: Actor, name: str) -> Account:
    """Whose tokens are meant; also somebody who is disabled by now.

    Raises: AccountNotFound.
    """
    found = queries.find_account(db, actor.organization_id, accounts.as_name(name))
    if found is None:
        raise AccountNotFound(f'There is no account "{name[:60]}".', where="account")
    return found


def make_of(db: WriteDb, actor: Actor, account: Account, new: NewToken, now: datetime) -> tuple[Token, str]:
    """A token of a program's account, for administrators: people make their own.

    Raises: RoleTooLow, ScopeTooNarrow, NoServiceAccount, AccountInvalid.
    """
    actor.needs(Role.ADMINISTRATOR)
    _check_may_make(actor)
    if account.id == actor.account_id:
        return make(db, actor, new, now)
    if account.kind != AccountKind.SERVICE:
        raise NoServiceAccount(
            f"Cannot make a token of {account.name}: that is a person.",
            fix=f"{account.name} makes one, on the account page or with: tholos tokens add LABEL",
            where="account",
        )
    return _create(db, account, new, now, actor)


def list_of(db: ReadDb, account_id: str) -> Sequence[Token]:
    """The tokens of an account that nobody revoked, the newest first."""
    return queries.list_tokens(db, account_id)


def revoke(db: WriteDb, actor: Actor, token_id: str, now: datetime) -> None:
    """End one of one's own. A token may always end itself, whatever its scope.

    Raises: TokenNotFound, ScopeTooNarrow.
    """
    if token_id not in {CURRENT, actor.credential}:
        actor.needs_scope(Scope.FULL)
        actor.needs_all_apps()
    accounts.revoke_token(db, actor, token_id, now)


def revoke_of(db: WriteDb, actor: Actor, account: Account, token_id: str, now: datetime) -> None:
    """End a token of anybody, for administrators.

    Raises: RoleTooLow, TokenNotFound.
    """
    actor.needs(Role.ADMINISTRATOR)
    token = queries.find_token_by_id(db, account.id, token_id)
    if token is None or token.revoked_at is not None:
        raise TokenNotFound(f"{account.name} has no such token.", where="token")
    end(db, actor, token, now)


def end(db: WriteDb, doer: audit.Doer, token: Token, now: datetime) -> None:
    token.revoked_at = now
    audit.record(db, doer, Action.TOKEN_REVOKED, audit.Subject("token", token.id, token.label), now)


def _check_may_make(actor: Actor) -> None:
    """Raises: ScopeTooNarrow."""
    actor.needs_scope(Scope.FULL)
    actor.needs_all_apps()


def _create(
    db: WriteDb, account: Account, new: NewToken, now: datetime, maker: Actor | None
) -> tuple[Token, str]:
    return accounts.create_token(
        db, account, new.label, new.days, now, maker, scope=new.scope, object_id=new.object_id
    )
