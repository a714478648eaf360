"""Use cases of other people's accounts: see who there is, make, change, disable, enable, sign out.

Administrators look after all of it. Publishers see of others what sharing needs: names, roles and groups, nothing else;
everybody sees what there is of oneself. An account is never removed: what it did stays, under its name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tholos.accounts import people_queries as queries
from tholos.accounts import profile, sessions
from tholos.accounts import service as accounts
from tholos.accounts.errors import (
    AccountDisabled,
    AccountInvalid,
    AccountNotFound,
    LastAdministrator,
    NotOneself,
    RoleTooLow,
)
from tholos.accounts.models import Account, AccountKind, Role
from tholos.accounts.service import INVITATION_LIFE, Actor
from tholos.accounts.sessions import Ended
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.paging import Page, from_cursor, to_cursor
from tholos.kit.versions import check_version

PeopleFilter = queries.PeopleFilter


@dataclass(frozen=True, slots=True)
class Known:
    """An account, as somebody may know it."""

    account: Account
    groups: Sequence[str]
    """Names of those that it is in."""
    is_whole: bool
    """Whether whoever asks may see all of it; else names, role and groups."""


@dataclass(frozen=True, slots=True)
class New:
    """An account that is to be made."""

    name: str
    role: str = Role.VIEWER
    kind: str = AccountKind.PERSON
    full_name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to change; None leaves it as it is."""

    full_name: str | None = None
    email: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list, and how many there are on all of its pages."""

    page: Page[Known]
    total: int


def list_people(
    db: ReadDb, actor: Actor, wanted: PeopleFilter, *, cursor: str = "", skip: int = 0, limit: int = 100
) -> Found:
    """In the order of their names, behind a cursor or a number of them; for publishers those who may sign in, without what
    is private. Among accounts that somebody knows of already, such as owners of apps, anybody may look.

    Raises: RoleTooLow, ScopeTooNarrow, CursorInvalid.
    """
    if wanted.among is None:
        actor.needs(Role.PUBLISHER)
    actor.needs_all_apps()
    is_whole = actor.role.includes(Role.ADMINISTRATOR)
    if not is_whole:
        wanted = replace(wanted, is_disabled=False, with_email=False)
    wanted = replace(wanted, text=wanted.text.strip())
    key = from_cursor(cursor, str)
    after = str(key[0]) if key else ""
    found = queries.list_accounts(db, actor.organization_id, wanted, after, limit + 1, skip)
    more = to_cursor(found[limit - 1].name) if len(found) > limit else ""
    groups = queries.group_names_of(db, [one.id for one in found])
    known = [Known(one, groups.get(one.id, ()), is_whole) for one in found[:limit]]
    return Found(Page(known, more), queries.count_accounts(db, actor.organization_id, wanted))


def group_names_of(db: ReadDb, account_ids: Collection[str]) -> dict[str, list[str]]:
    """The groups that accounts are in, by name; one that is in none may be missing."""
    return queries.group_names_of(db, account_ids)


def list_names(db: ReadDb, organization_id: str, role: Role = Role.VIEWER) -> list[str]:
    """Names of those who may sign in and have at least this role; the caller has asked who may know them."""
    return queries.list_names(db, organization_id, [one for one in Role if one.includes(role)])


def get_person(db: ReadDb, actor: Actor, name: str) -> Known:
    """Raises: RoleTooLow, ScopeTooNarrow, AccountNotFound."""
    actor.needs_all_apps()
    is_whole = actor.role.includes(Role.ADMINISTRATOR) or actor.name == accounts.as_name(name)
    if not is_whole and not actor.role.includes(Role.PUBLISHER):
        raise RoleTooLow("Cannot show other people: that is for those who share and for administrators.")
    account = _find(db, actor, name)
    if account.is_disabled and not is_whole:
        raise _not_found(name)
    return Known(account, queries.group_names_of(db, [account.id]).get(account.id, ()), is_whole)


def create(db: WriteDb, actor: Actor, new: New, now: datetime) -> tuple[Account, str]:
    """A new account, and the one-time code that lets its person in; a program's account has tokens instead.

    Raises: RoleTooLow, AccountInvalid, AccountTaken, ProfileInvalid.
    """
    actor.needs(Role.ADMINISTRATOR)
    accounts.check_new_name(db, actor.organization_id, new.name)
    kind = _check_kind(new.kind)
    role, full_name = _check_role(new.role), profile.check_full_name(new.full_name)
    email = profile.check_email(new.email)
    account = accounts.add_account(db, actor.organization_id, new.name, role, now)
    account.kind, account.full_name, account.email = kind, full_name, email
    db.flush()
    facts: JsonObject = {"role": account.role, "kind": account.kind}
    audit.record(db, actor, Action.ACCOUNT_MADE, accounts.subject_of(account), now, after=facts)
    if kind == AccountKind.SERVICE:
        return account, ""
    return account, accounts.create_link(db, account, now, INVITATION_LIFE)


def change(db: WriteDb, actor: Actor, name: str, wish: Change, seen: int | None, now: datetime) -> Account:
    """Change somebody's account; a lower role holds from the next request on.

    Raises: RoleTooLow, AccountNotFound, EditedMeanwhile, AccountInvalid, ProfileInvalid, LastAdministrator.
    """
    account = _get_other(db, actor, name)
    check_version(seen, account.version)
    before = _as_json(account)
    if wish.role is not None:
        role = _check_role(wish.role)
        if not role.includes(Role.ADMINISTRATOR):
            _check_not_last(db, account, "demote")
        account.role = role
    if wish.full_name is not None:
        account.full_name = profile.check_full_name(wish.full_name)
    if wish.email is not None and (email := profile.check_email(wish.email)) != account.email:
        account.email, account.is_email_unchecked = email, False  # an administrator vouches for it
    if before != _as_json(account):
        account.version += 1
        audit.record(
            db, actor, Action.ACCOUNT_CHANGED, accounts.subject_of(account), now,
            before=before, after=_as_json(account),
        )  # fmt: skip
    return account


def disable(db: WriteDb, actor: Actor, name: str, seen: int | None, now: datetime) -> Ended:
    """Let nobody in by an account any more: its sessions, tokens and sign-in links end. What it did and owns stays.

    Raises: RoleTooLow, AccountNotFound, EditedMeanwhile, NotOneself, LastAdministrator.
    """
    account = _get_other(db, actor, name)
    check_version(seen, account.version)
    if account.is_disabled:
        return Ended(0, 0)
    if account.id == actor.account_id:
        raise NotOneself("Cannot disable yourself: another administrator does.")
    _check_not_last(db, account, "disable")
    account.is_disabled = True
    account.version += 1
    ended = sessions.end_all_of(db, actor, account, now, with_tokens=True)
    audit.record(db, actor, Action.ACCOUNT_DISABLED, accounts.subject_of(account), now)
    return ended


def enable(db: WriteDb, actor: Actor, name: str, seen: int | None, now: datetime) -> Account:
    """Let somebody sign in again; what ended when it was disabled stays ended.

    Raises: RoleTooLow, AccountNotFound, EditedMeanwhile.
    """
    account = _get_other(db, actor, name)
    check_version(seen, account.version)
    if account.is_disabled:
        account.is_disabled = False
        account.version += 1
        audit.record(db, actor, Action.ACCOUNT_ENABLED, accounts.subject_of(account), now)
    return account


def sign_out(db: WriteDb, actor: Actor, name: str, now: datetime, *, with_tokens: bool) -> Ended:
    """End whatever somebody is signed in by, everywhere.

    Raises: RoleTooLow, AccountNotFound.
    """
    return sessions.end_all_of(db, actor, _get_other(db, actor, name), now, with_tokens=with_tokens)


def make_link(db: WriteDb, actor: Actor, name: str, now: datetime) -> str:
    """A one-time code that lets a person in, who has forgotten the password, say.

    Raises: RoleTooLow, AccountNotFound, AccountDisabled, AccountInvalid.
    """
    account = _get_other(db, actor, name)
    if account.is_disabled:
        raise AccountDisabled(
            f"Cannot let {account.name} in: the account is disabled.", fix="Enable it first."
        )
    if account.kind == AccountKind.SERVICE:
        raise AccountInvalid(
            f"Cannot make a sign-in link for {account.name}: that is a program's account.",
            fix="Make a token for it.",
        )
    audit.record(db, actor, Action.LINK_MADE, accounts.subject_of(account), now)
    return accounts.create_link(db, account, now)


def count_sessions(db: ReadDb, account: Account, now: datetime) -> int:
    """Browsers that are signed in as it."""
    return len(sessions.list_of(db, account.id, now))


def is_last_administrator(db: ReadDb, account: Account) -> bool:
    """Whether nobody else could administer."""
    is_one = account.role == Role.ADMINISTRATOR and not account.is_disabled
    return is_one and not queries.count_other_administrators(db, account)


def _get_other(db: ReadDb, actor: Actor, name: str) -> Account:
    """Raises: RoleTooLow, AccountNotFound."""
    actor.needs(Role.ADMINISTRATOR)
    return _find(db, actor, name)


def _find(db: ReadDb, actor: Actor, name: str) -> Account:
    """Raises: AccountNotFound."""
    found = accounts.find_account(db, actor.organization_id, name)
    if found is None:
        raise _not_found(name)
    return found


def _not_found(name: str) -> AccountNotFound:
    return AccountNotFound(f'There is no account "{name[:60]}".', where="name")


def _check_not_last(db: ReadDb, account: Account, verb: str) -> None:
    """Raises: LastAdministrator."""
    if is_last_administrator(db, account):
        raise LastAdministrator(
            f"Cannot {verb} {account.name}: nobody else could administer this installation.",
            fix="Make somebody else an administrator first.",
            where="role",
        )


def _check_role(role: str) -> Role:
    """Raises: AccountInvalid."""
    if role not in set(Role):
        raise AccountInvalid(
            f'Cannot take "{role[:60]}" as a role.', fix=f"One of {', '.join(Role)}.", where="role"
        )
    return Role(role)


def _check_kind(kind: str) -> AccountKind:
    """Raises: AccountInvalid."""
    if kind not in set(AccountKind):
        raise AccountInvalid(
            f'Cannot take "{kind[:60]}" as a kind of account.',
            fix=f"One of {', '.join(AccountKind)}.",
            where="kind",
        )
    return AccountKind(kind)


def _as_json(account: Account) -> JsonObject:
    return {"full_name": account.full_name, "email": account.email or "", "role": account.role}
