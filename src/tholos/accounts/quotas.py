"""How much an account's apps may be and take together. What it is measured against, those know that have it.

An account's own quota comes before the installation's, which holds for all but administrators. It stands in the database,
written as the server starts, so that whoever decides reads both in one transaction.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from tholos.accounts import people
from tholos.accounts import people_queries as queries
from tholos.accounts import service as accounts
from tholos.accounts.models import DEFAULT_ORGANIZATION, Account, Quota, Role
from tholos.accounts.service import Actor
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.errors import Forbidden


class QuotaReached(Forbidden):
    """Cannot do that: the owner's apps would take more than they may."""

    code = "quota_reached"
    usual_fix = "Delete what is not needed, or ask an administrator for more. See what is taken: tholos quota"


@dataclass(frozen=True, slots=True)
class Most:
    """What an account's apps may be and take together; None for as much as the installation says, 0 for no limit."""

    apps: int | None = None
    instances: int | None = None
    """That run or start; of an app, those of one release."""
    memory_mb: int | None = None
    """That these may have, by their limits."""
    storage_mb: int | None = None
    """Of the files of releases; what several share counts once."""


def most_of(db: ReadDb, account_id: str) -> Most:
    """What holds for an account; 0 for no limit, and never None."""
    account = accounts.get_account(db, account_id)
    own = own_of(db, account)
    usual = Most() if account.role == Role.ADMINISTRATOR else _read(db, account.organization_id)
    resolved = {name: _first(value, asdict(usual)[name]) for name, value in asdict(own).items()}
    return Most(**resolved)


def own_of(db: ReadDb, account: Account) -> Most:
    """What was said of an account itself."""
    return _read(db, account.id)


def change(db: WriteDb, actor: Actor, name: str, wanted: Most, now: datetime) -> Account:
    """Say what holds for an account; for administrators.

    Raises: RoleTooLow, AccountNotFound.
    """
    actor.needs(Role.ADMINISTRATOR)
    account = people.get_person(db, actor, name).account
    before = own_of(db, account)
    if before != wanted:
        _write(db, account.id, account.organization_id, wanted)
        audit.record(
            db, actor, Action.ACCOUNT_CHANGED, accounts.subject_of(account), now,
            before={"quota": asdict(before)}, after={"quota": asdict(wanted)},
        )  # fmt: skip
    return account


def set_usual(db: WriteDb, usual: Most) -> None:
    """What holds where an account says nothing: the installation's settings."""
    _write(db, DEFAULT_ORGANIZATION, DEFAULT_ORGANIZATION, usual)


def _read(db: ReadDb, holder_id: str) -> Most:
    found = queries.find_quota(db, holder_id)
    return Most(found.apps, found.instances, found.memory_mb, found.storage_mb) if found else Most()


def _write(db: WriteDb, holder_id: str, organization_id: str, wanted: Most) -> None:
    found = queries.find_quota(db, holder_id)
    if found is None:
        if wanted == Most():
            return
        found = Quota(holder_id=holder_id, organization_id=organization_id)
        db.add(found)
    for name, value in asdict(wanted).items():
        setattr(found, name, value)
    db.flush()


def _first(own: int | None, usual: int | None) -> int:
    return own if own is not None else usual or 0
