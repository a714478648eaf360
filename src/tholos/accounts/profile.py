"""Use cases of what an account says of itself: the person's name and where mail goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts import queries
from tholos.accounts import service as accounts
from tholos.accounts.errors import ProfileInvalid
from tholos.accounts.models import Account
from tholos.accounts.service import Actor
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import JsonObject, WriteDb
from tholos.kit.versions import check_version

FULL_NAME_LENGTH = 120
EMAIL_LENGTH = 254
# What RFC 5321 calls a mailbox, without quoted forms: nothing that could end a header line or name a second address.
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Profile:
    """What is to change; None leaves it as it is."""

    full_name: str | None = None
    email: str | None = None


def check_full_name(typed: str) -> str:
    """Raises: ProfileInvalid."""
    name = " ".join(typed.split())
    if len(name) > FULL_NAME_LENGTH or not name.isprintable():
        raise ProfileInvalid(
            f"Cannot take this name: it may have {FULL_NAME_LENGTH} characters, all of them printable.",
            where="full_name",
        )
    return name


def check_email(typed: str) -> str | None:
    """The address in lower case; None where there is none.

    Raises: ProfileInvalid.
    """
    email = typed.strip().lower()
    if not email:
        return None
    if len(email) > EMAIL_LENGTH or not _EMAIL.fullmatch(email) or ".." in email:
        raise ProfileInvalid(
            f'Cannot take "{email[:60]}" as a mail address.', fix="Such as ada@example.org.", where="email"
        )
    return email


def change(db: WriteDb, actor: Actor, wish: Profile, seen: int | None, now: datetime) -> Account:
    """Change one's own.

    Raises: ProfileInvalid, EditedMeanwhile.
    """
    account = queries.get_account(db, actor.account_id)
    check_version(seen, account.version)
    before = _as_json(account)
    if wish.full_name is not None:
        account.full_name = check_full_name(wish.full_name)
    if wish.email is not None:
        _change_email(account, check_email(wish.email))
    if before != _as_json(account):
        account.version += 1
        audit.record(
            db, actor, Action.ACCOUNT_CHANGED, accounts.subject_of(account), now,
            before=before, after=_as_json(account),
        )  # fmt: skip
    return account


def _change_email(account: Account, email: str | None) -> None:
    """What somebody says of himself is no proof: a provider's word for that address must not lead to his account."""
    if email != account.email:
        account.email = email
        account.is_email_unchecked = email is not None


def _as_json(account: Account) -> JsonObject:
    return {"full_name": account.full_name, "email": account.email or ""}
