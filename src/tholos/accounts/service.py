"""Use cases of accounts: sign in, sign out, tokens, one-time links, and who an actor is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NewType

from tholos.accounts import errors, queries
from tholos.accounts.models import (
    DEFAULT_ORGANIZATION,
    Account,
    AccountKind,
    Organization,
    Role,
    Scope,
    Session,
    SignInLink,
    Token,
)
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb

ACCESS_TOPIC = "access"
"""Published after every commit that may take access away: sign-outs, revocations, changed sharing, deletion."""
SESSION_LIFE = timedelta(days=14)
LINK_LIFE = timedelta(minutes=15)
INVITATION_LIFE = timedelta(days=7)
USE_NOTED_EVERY = timedelta(minutes=1)
TOKEN_LIFE_DAYS = 90
TOKEN_LIFE_DAYS_AT_MOST = 365
TOKEN_PREFIX = "tholos_"  # noqa: S105 - what our tokens begin with, so that others need not be looked up
_ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9._-]{0,39}")

PasswordHash = NewType("PasswordHash", str)
"""Of a password that is long enough."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and by which credential."""

    account_id: str
    organization_id: str
    name: str
    role: Role
    credential: str = ""
    """Id of the session or token; empty for the server itself."""
    expires_at: datetime | None = None
    """When the credential ends by itself."""
    signed_in_at: datetime | None = field(default=None, compare=False)
    """When the session began; None for a token."""
    is_use_news: bool = field(default=False, compare=False)
    """Whether the use of this token is to be noted: noting each would make every request a write."""
    scope: Scope = Scope.FULL
    object_id: str = ""
    """The one app that the token is good for; empty for all."""
    address: str = field(default="", compare=False)
    request_id: str = field(default="", compare=False)

    def needs(self, role: Role) -> None:
        """Raises: RoleTooLow."""
        if not self.role.includes(role):
            raise errors.RoleTooLow(
                f"Cannot do that: it needs the role {role}, and {self.name} is a {self.role}.",
                fix="Ask an administrator for the role.",
            )

    def needs_scope(self, scope: Scope) -> None:
        """Raises: ScopeTooNarrow."""
        if not self.scope.includes(scope):
            raise errors.ScopeTooNarrow(
                f"Cannot do that: it needs the scope {scope}, and this token has the scope {self.scope}.",
                fix="Make a token with a wider scope, on your account's page or with: "
                f"tholos tokens add LABEL --scope {scope}",
            )

    def needs_all_apps(self) -> None:
        """Raises: ScopeTooNarrow: this token is for one app."""
        if self.object_id:
            raise errors.ScopeTooNarrow(
                "Cannot do that: this token is for one app only.", fix="Make a token that is for all of them."
            )


@dataclass(frozen=True, slots=True)
class KeptPassword:
    """What is kept of a name's password; all empty where the name has none, or may not sign in."""

    account_id: str = ""
    hash: str = ""


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def ensure_organization(db: WriteDb, now: datetime) -> None:
    if not queries.has_organization(db, DEFAULT_ORGANIZATION):
        db.add(Organization(id=DEFAULT_ORGANIZATION, name="default", created_at=now))
        db.flush()


def ensure_administrator(db: WriteDb, name: str, now: datetime) -> Account:
    """The first administrator, made under this name where there is none."""
    found = queries.find_administrator(db, DEFAULT_ORGANIZATION)
    return found or add_account(db, DEFAULT_ORGANIZATION, name, Role.ADMINISTRATOR, now)


def create_account(db: WriteDb, actor: Actor, name: str, role: str, now: datetime) -> tuple[Account, str]:
    """A new account and the one-time code that lets its person in.

    Raises: RoleTooLow, AccountInvalid, AccountTaken.
    """
    actor.needs(Role.ADMINISTRATOR)
    check_new_name(db, actor.organization_id, name)
    if role not in set(Role):
        raise errors.AccountInvalid(
            f'Cannot take "{role[:60]}" as a role.', fix=f"One of {', '.join(Role)}.", where="role"
        )
    account = add_account(db, actor.organization_id, name, Role(role), now)
    audit.record(db, actor, Action.ACCOUNT_MADE, subject_of(account), now, after={"role": account.role})
    return account, create_link(db, account, now, INVITATION_LIFE)


def check_new_name(db: ReadDb, organization_id: str, name: str) -> None:
    """Raises: AccountInvalid, AccountTaken."""
    if not _ACCOUNT_NAME.fullmatch(name):
        raise errors.AccountInvalid(
            f'Cannot take "{name[:60]}" as a name: it needs a letter first, then letters, digits, ".", "_" or "-", '
            "40 characters at most, all lower case.",
            where="name",
        )
    if queries.find_account(db, organization_id, name):
        raise errors.AccountTaken(f'Cannot make the account "{name}": the name is taken.', where="name")


def subject_of(account: Account) -> audit.Subject:
    """An account as the record of deeds names it."""
    return audit.Subject("account", account.id, account.name)


def create_link(db: WriteDb, account: Account, now: datetime, life: timedelta = LINK_LIFE) -> str:
    """A one-time code that signs this account in; only its hash is kept."""
    code = ids.new_code()
    db.add(
        SignInLink(
            id=ids.new_id("lnk"),
            organization_id=account.organization_id,
            account_id=account.id,
            code_hash=hash_secret(code),
            created_at=now,
            expires_at=now + life,
        )
    )
    return code


def check_link(db: ReadDb, code: str, now: datetime) -> SignInLink:
    """The link of a code, unspent.

    Raises: LinkUnknown, LinkSpent, LinkExpired.
    """
    fix = "`tholos up` prints a new one at each start; an administrator can make one too."
    link = queries.find_link(db, hash_secret(code.strip().upper()))
    if link is None or link.account.is_disabled:
        raise errors.LinkUnknown(fix=fix)
    if link.spent_at is not None:
        raise errors.LinkSpent(fix=fix)
    if link.expires_at < now:
        raise errors.LinkExpired(fix=fix)
    return link


def spend_link(db: WriteDb, code: str, now: datetime) -> Account:
    """Raises: LinkUnknown, LinkSpent, LinkExpired."""
    link = check_link(db, code, now)
    link.spent_at = now
    return link.account


def as_name(typed: str) -> str:
    """An account's name as people type it."""
    return typed.strip().lower()


def find_password(db: ReadDb, name: str) -> KeptPassword:
    """What to check a name's password against; checking is slow, so it is done outside the transaction."""
    account = queries.find_account(db, DEFAULT_ORGANIZATION, as_name(name))
    if account is None or account.is_disabled or account.kind != AccountKind.PERSON:
        return KeptPassword()
    if account.password_hash is None:
        return KeptPassword()
    return KeptPassword(account.id, account.password_hash)


def get_checked(db: ReadDb, checked: KeptPassword) -> Account:
    """The account whose password was just checked.

    Raises: WrongPassword: it was changed or taken away meanwhile.
    """
    account = queries.get_account(db, checked.account_id) if checked.account_id else None
    if account is None or account.is_disabled or account.password_hash != checked.hash:
        raise errors.WrongPassword
    return account


def has_password(db: ReadDb, actor: Actor) -> bool:
    return queries.get_account(db, actor.account_id).password_hash is not None


def set_password(db: WriteDb, account_id: str, password: PasswordHash) -> None:
    queries.get_account(db, account_id).password_hash = password


def reset_password(
    db: WriteDb, account: Account, password: PasswordHash, now: datetime, origin: Origin
) -> None:
    """Set the password of somebody who came by a one-time link, and end every session that was open till now.

    Raises: PasswordNotForPrograms.
    """
    _check_is_person(account)
    _renew_password(db, actor_for(account, origin=origin), account, password, now)


def change_password(
    db: WriteDb, actor: Actor, checked: KeptPassword | None, password: PasswordHash, now: datetime
) -> None:
    """Set one's own password and end one's other sessions; who has one has given it.

    Raises: WrongPassword, PasswordNeedsBrowser, PasswordNotForPrograms.
    """
    account = queries.get_account(db, actor.account_id)
    _check_is_person(account)
    if account.password_hash is None:
        # A token that was stolen would become a password, which does not end with it.
        if not actor.credential.startswith("ses_"):
            raise errors.PasswordNeedsBrowser(fix="Set your first one on your account's page.")
    elif checked is None or get_checked(db, checked).id != actor.account_id:
        raise errors.WrongPassword
    _renew_password(db, actor, account, password, now)


def _check_is_person(account: Account) -> None:
    """Raises: PasswordNotForPrograms."""
    if account.kind != AccountKind.PERSON:
        raise errors.PasswordNotForPrograms(
            fix=f"Make a token for it: tholos tokens add LABEL --account {account.name}"
        )


def _renew_password(
    db: WriteDb, actor: Actor, account: Account, password: PasswordHash, now: datetime
) -> None:
    account.password_hash = password
    audit.record(db, actor, Action.PASSWORD_CHANGED, subject_of(account), now)
    for session in queries.list_open_sessions(db, account.id):
        if session.id != actor.credential:
            session.revoked_at = now


@dataclass(frozen=True, slots=True)
class Origin:
    """Where somebody signs in from: the browser or program in a few words, its address, and the request's id."""

    label: str = ""
    address: str = ""
    request_id: str = ""


def open_session(db: WriteDb, account: Account, now: datetime, origin: Origin = Origin()) -> str:
    """The secret of a new session, for the browser's cookie."""
    secret = ids.new_secret()
    session = Session(
        id=ids.new_id("ses"),
        organization_id=account.organization_id,
        account_id=account.id,
        secret_hash=hash_secret(secret),
        label=origin.label[:80],
        address=origin.address,
        created_at=now,
        expires_at=now + SESSION_LIFE,
    )
    db.add(session)
    # What was found in an earlier transaction is written nowhere.
    queries.get_account(db, account.id).seen_at = now
    audit.record(db, actor_for(account, session.id, origin), Action.SIGNED_IN, subject_of(account), now)
    return secret


def end_session(db: WriteDb, session_id: str, now: datetime, doer: Actor | None = None) -> None:
    session = queries.find_session_by_id(db, session_id)
    if session is not None and session.revoked_at is None:
        session.revoked_at = now
        doer = doer or actor_for(session.account, session.id)
        audit.record(db, doer, Action.SIGNED_OUT, subject_of(session.account), now)


def create_token(
    db: WriteDb,
    account: Account,
    label: str,
    days: int,
    now: datetime,
    maker: Actor | None = None,
    *,
    scope: Scope = Scope.FULL,
    object_id: str = "",
) -> tuple[Token, str]:
    """A new token and its secret, which is shown once and not kept; one that a token made ends with that at the latest.

    Whoever lets somebody make one asks :mod:`tholos.accounts.tokens`, which knows who may.

    Raises: AccountInvalid: for a life outside 1 to 365 days.
    """
    if not 1 <= days <= TOKEN_LIFE_DAYS_AT_MOST:
        raise errors.AccountInvalid(
            f"Cannot make a token of {days} days: a token lives 1 to {TOKEN_LIFE_DAYS_AT_MOST} days.",
            where="days",
        )
    secret = f"{TOKEN_PREFIX}{ids.new_secret()}"
    expires_at = now + timedelta(days=days)
    if maker is not None and maker.expires_at is not None and maker.credential.startswith("tok_"):
        expires_at = min(expires_at, maker.expires_at)
    token = Token(
        id=ids.new_id("tok"),
        organization_id=account.organization_id,
        account_id=account.id,
        secret_hash=hash_secret(secret),
        label=label.strip()[:80] or "token",
        scope=scope,
        object_id=object_id or None,
        created_at=now,
        expires_at=expires_at,
    )
    db.add(token)
    doer = maker or actor_for(account, token.id)
    audit.record(
        db, doer, Action.TOKEN_MADE, audit.Subject("token", token.id, token.label), now,
        after={"account": account.name, "scope": token.scope, "days": days},
    )  # fmt: skip
    return token, secret


def revoke_token(db: WriteDb, actor: Actor, token_id: str, now: datetime) -> None:
    """Raises: TokenNotFound."""
    wanted = actor.credential if token_id == "current" else token_id  # noqa: S105 - a word of the API
    token = queries.find_token_by_id(db, actor.account_id, wanted)
    if token is None or token.revoked_at is not None:
        raise errors.TokenNotFound
    token.revoked_at = now
    audit.record(db, actor, Action.TOKEN_REVOKED, audit.Subject("token", token.id, token.label), now)


def list_tokens(db: ReadDb, actor: Actor) -> list[Token]:
    return list(queries.list_tokens(db, actor.account_id))


def get_account(db: ReadDb, account_id: str) -> Account:
    return queries.get_account(db, account_id)


def find_account(db: ReadDb, organization_id: str, name: str) -> Account | None:
    """By its name, as people type it."""
    return queries.find_account(db, organization_id, as_name(name))


def account_names(db: ReadDb, account_ids: list[str]) -> dict[str, str]:
    return queries.account_names(db, account_ids)


def find_actor(db: ReadDb, now: datetime, *, token: str = "", session: str = "") -> Actor | None:
    """Whom a credential stands for; None where it stands for nobody (any more)."""
    found: Token | Session | None = None
    if token.startswith(TOKEN_PREFIX):
        found = queries.find_token(db, hash_secret(token))
    elif session and not token:
        found = queries.find_session(db, hash_secret(session))
    return _actor_of(found, now)


def find_session_actor(db: ReadDb, session_id: str, now: datetime) -> Actor | None:
    return _actor_of(queries.find_session_by_id(db, session_id), now)


def find_anew(db: ReadDb, actor: Actor, now: datetime) -> Actor | None:
    """Whom the credential of an actor stands for by now; None where it stands for nobody any more."""
    found = queries.find_session_by_id(db, actor.credential) or queries.find_token_by_id(
        db, actor.account_id, actor.credential
    )
    present = _actor_of(found, now)
    return replace(present, address=actor.address, request_id=actor.request_id) if present else None


def find_token_actors(
    db: ReadDb, tokens: Collection[str], known_hashes: Collection[str], now: datetime
) -> dict[str, Actor | None]:
    """By each of the secrets, and of the hashes of secrets, that was ever known: whom it stands for, None where for nobody any
    more.
    """
    hashes = {hash_secret(token): token for token in tokens}
    found = {row.secret_hash: row for row in queries.tokens_by_hash(db, {*hashes, *known_hashes})}
    by_hash = {one: _actor_of(found[one], now) for one in known_hashes if one in found}
    return by_hash | {token: _actor_of(found[one], now) for one, token in hashes.items() if one in found}


def find_session_actors(
    db: ReadDb, session_ids: Collection[str], secrets: Collection[str], now: datetime
) -> dict[str, Actor | None]:
    """By each of the ids, and of the secrets, that was ever known: whom it stands for."""
    hashes = {hash_secret(secret): secret for secret in secrets}
    by_id = {row.id: _actor_of(row, now) for row in queries.sessions_by_id(db, session_ids)}
    rows = queries.sessions_by_hash(db, hashes)
    return by_id | {hashes[row.secret_hash]: _actor_of(row, now) for row in rows}


def touch_token(db: WriteDb, token_id: str, account_id: str, now: datetime) -> None:
    token = queries.find_token_by_id(db, account_id, token_id)
    if token is not None and _is_use_news(token, now):
        token.last_used_at = now


def actor_for(account: Account, credential: str = "", origin: Origin = Origin()) -> Actor:
    return Actor(
        account.id,
        account.organization_id,
        account.name,
        Role(account.role),
        credential,
        address=origin.address,
        request_id=origin.request_id,
    )


def _actor_of(found: Token | Session | None, now: datetime) -> Actor | None:
    if found is None or found.revoked_at is not None or found.expires_at < now or found.account.is_disabled:
        return None
    is_news = isinstance(found, Token) and _is_use_news(found, now)
    actor = replace(actor_for(found.account, found.id), expires_at=found.expires_at, is_use_news=is_news)
    if isinstance(found, Token):
        return replace(actor, scope=Scope(found.scope), object_id=found.object_id or "")
    return replace(actor, signed_in_at=found.created_at)


def _is_use_news(token: Token, now: datetime) -> bool:
    return token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY


def add_account(db: WriteDb, organization_id: str, name: str, role: Role, now: datetime) -> Account:
    """Whoever calls this has checked the name and who may, and records it."""
    account = Account(
        id=ids.new_id("acc"), organization_id=organization_id, name=name, role=role, created_at=now
    )
    db.add(account)
    db.flush()
    return account


def remove_expired(db: WriteDb, now: datetime) -> None:
    """Remove one-time links that nobody can use any more; sessions and tokens stay as a record of who was here."""
    for link in queries.list_expired_links(db, now):
        db.delete(link)
