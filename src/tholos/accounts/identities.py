"""Use cases of signing in by a provider: whose account a person gets, and what the provider decides about it.

An account is found by issuer and subject alone. A mail address leads to an account only once, at the first sign-in, and
only where the provider vouches for it there and somebody other than the account's own person vouches for it here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tholos.accounts import errors, groups, people_queries, queries
from tholos.accounts import service as accounts
from tholos.accounts import sign_in_queries as sign_ins
from tholos.accounts.models import DEFAULT_ORGANIZATION, Account, Identity, ProviderSignIn, Role
from tholos.accounts.openid import OpenIdClient, Person
from tholos.accounts.profile import FULL_NAME_LENGTH
from tholos.accounts.service import Actor, Origin, hash_secret
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb

LIFE = timedelta(minutes=10)
"""A sign-in that was sent to the provider comes back within this, or begins again."""
_NAME_LENGTH = 40
_ASK = "Ask an administrator of this installation."


@dataclass(frozen=True, slots=True)
class Sent:
    """A sign-in as it was sent to the provider."""

    nonce: str
    verifier: str
    next_path: str
    began_at: datetime


def send(db: WriteDb, state: str, browser: str, sent: Sent) -> None:
    """Note that a browser was sent to the provider; ``browser`` is a secret that only that browser has."""
    db.add(
        ProviderSignIn(
            state_hash=hash_secret(state),
            browser_hash=hash_secret(browser),
            nonce=sent.nonce,
            verifier=sent.verifier,
            next_path=sent.next_path,
            expires_at=sent.began_at + LIFE,
        )
    )


def take_back(db: WriteDb, state: str, browser: str, now: datetime) -> Sent:
    """What was sent by this very browser; once only.

    Raises: SignInLost.
    """
    found = sign_ins.find_provider_sign_in(db, hash_secret(state))
    if found is None or found.expires_at < now or found.browser_hash != hash_secret(browser):
        raise errors.SignInLost(fix="Begin again: a sign-in lasts ten minutes and works once.")
    sent = Sent(found.nonce, found.verifier, found.next_path, found.expires_at - LIFE)
    db.delete(found)
    return sent


def sign_in(db: WriteDb, person: Person, client: OpenIdClient, now: datetime, origin: Origin) -> Account:
    """The account of somebody whom the provider vouches for; made, or linked, at the first sign-in.

    Raises: PersonRefused, IdentityChanged.
    """
    _check_domain(person, client)
    identity = sign_ins.find_identity(db, person.issuer, person.subject)
    if identity is None:
        account = _first_account(db, person, client, now, origin)
        identity = _link(db, account, person, now, origin)
    else:
        account = queries.get_account(db, identity.account_id)
    _check_enabled(account)
    identity.used_at = now
    identity.email = person.verified_email or identity.email
    _take_over(account, person)
    if client.groups_claim:
        groups.set_claimed(db, account, person.groups, now)
    if client.administrators_group:
        _decide_role(db, account, client, now, is_administrator=client.administrators_group in person.groups)
    return account


def note_refusal(
    db: WriteDb, person: Person, error: errors.PersonRefused, now: datetime, origin: Origin
) -> None:
    """Record that somebody was not let in; in a transaction of its own, since the refusal has undone the other."""
    identity = sign_ins.find_identity(db, person.issuer, person.subject)
    subject = audit.Subject("account", "", (person.email or person.username or person.subject)[:120])
    if identity is not None:
        subject = accounts.subject_of(queries.get_account(db, identity.account_id))
    doer = audit.Itself(address=origin.address, request_id=origin.request_id)
    audit.record(
        db, doer, Action.SIGN_IN_REFUSED, subject, now, after={"why": error.code}, note=error.message
    )


def list_identities(db: ReadDb, actor: Actor, account_name: str) -> Sequence[Identity]:
    """Raises: RoleTooLow, AccountNotFound."""
    return sign_ins.list_identities(db, _account_to_look_after(db, actor, account_name).id)


def unlink(db: WriteDb, actor: Actor, account_name: str, identity_id: str, now: datetime) -> None:
    """Forget whom a provider knows an account as: the next sign-in with its verified mail address links it anew.

    Raises: RoleTooLow, AccountNotFound, IdentityNotFound.
    """
    account = _account_to_look_after(db, actor, account_name)
    found = next((one for one in sign_ins.list_identities(db, account.id) if one.id == identity_id), None)
    if found is None:
        raise errors.IdentityNotFound
    audit.record(
        db, actor, Action.IDENTITY_UNLINKED, accounts.subject_of(account), now,
        before={"issuer": found.issuer, "subject": found.subject, "email": found.email or ""},
    )  # fmt: skip
    db.delete(found)


def remove_expired(db: WriteDb, now: datetime) -> None:
    sign_ins.remove_provider_sign_ins_before(db, now)


def as_account_name(person: Person) -> str:
    """A name for an account, made of what the provider calls somebody."""
    for said in (person.username.partition("@")[0], person.email.partition("@")[0], person.name):
        plain = unicodedata.normalize("NFKD", said).encode("ascii", "ignore").decode().lower()
        name = re.sub(r"[^a-z0-9._-]+", "-", plain).lstrip("0123456789._-").rstrip("._-")[:_NAME_LENGTH]
        if name:
            return name
    return "person"


def _check_domain(person: Person, client: OpenIdClient) -> None:
    """Raises: PersonRefused."""
    endings = tuple(f"@{domain}" for domain in client.allowed_domains)
    if endings and not person.verified_email.endswith(endings):
        domains = " or ".join(sorted(client.allowed_domains))
        raise errors.PersonRefused(
            f"Cannot sign in: only people with a confirmed mail address at {domains} may.", fix=_ASK
        )


def _check_enabled(account: Account) -> None:
    """Raises: PersonRefused."""
    if account.is_disabled:
        raise errors.PersonRefused(f"Cannot sign in: the account {account.name} is disabled.", fix=_ASK)


def _first_account(
    db: WriteDb, person: Person, client: OpenIdClient, now: datetime, origin: Origin
) -> Account:
    """Raises: PersonRefused, IdentityChanged."""
    account = _known_by_email(db, person)
    if account is not None:
        _check_enabled(account)
        return account
    if not client.may_create:
        raise errors.PersonRefused("Cannot sign in: you have no account here.", fix=_ASK)
    return _make_account(db, person, client, now, origin)


def _known_by_email(db: ReadDb, person: Person) -> Account | None:
    """Raises: PersonRefused, IdentityChanged."""
    email = person.verified_email
    if not email:
        return None
    if sign_ins.find_identity_by_email(db, person.issuer, email) is not None:
        raise _changed(email)
    found = sign_ins.list_people_with_email(db, DEFAULT_ORGANIZATION, email)
    if len(found) > 1:
        raise errors.PersonRefused(
            f"Cannot sign in: several accounts here have the address {email}.", fix=_ASK
        )
    if found and sign_ins.find_identity_of(db, found[0].id, person.issuer) is not None:
        raise _changed(email)
    return found[0] if found else None


def _changed(email: str) -> errors.IdentityChanged:
    return errors.IdentityChanged(
        f"Cannot sign in: the account with the address {email} belongs to another identity at the provider.",
        fix="If that was you, under another account there, an administrator can unlink the old identity.",
    )


def _make_account(
    db: WriteDb, person: Person, client: OpenIdClient, now: datetime, origin: Origin
) -> Account:
    name = _free_name(db, as_account_name(person))
    account = accounts.add_account(db, DEFAULT_ORGANIZATION, name, client.default_role, now)
    audit.record(
        db, accounts.actor_for(account, "", origin), Action.ACCOUNT_MADE, accounts.subject_of(account), now,
        after={"role": account.role, "issuer": person.issuer},
    )  # fmt: skip
    return account


def _free_name(db: ReadDb, wanted: str) -> str:
    name, number = wanted, 1
    while queries.find_account(db, DEFAULT_ORGANIZATION, name) is not None:
        number += 1
        ending = f"-{number}"
        name = wanted[: _NAME_LENGTH - len(ending)] + ending
    return name


def _link(db: WriteDb, account: Account, person: Person, now: datetime, origin: Origin) -> Identity:
    identity = Identity(
        id=ids.new_id("idn"),
        organization_id=account.organization_id,
        account_id=account.id,
        issuer=person.issuer,
        subject=person.subject,
        email=person.verified_email or None,
        created_at=now,
        used_at=now,
    )
    db.add(identity)
    audit.record(
        db, accounts.actor_for(account, "", origin), Action.IDENTITY_LINKED, accounts.subject_of(account), now,
        after={"issuer": person.issuer, "subject": person.subject, "email": person.verified_email},
    )  # fmt: skip
    return identity


def _take_over(account: Account, person: Person) -> None:
    """What an account does not say itself, the provider's word for it is taken."""
    if not account.full_name and len(person.name) <= FULL_NAME_LENGTH:
        account.full_name = person.name
    if person.verified_email and account.email in {None, person.verified_email}:
        account.email = person.verified_email
        account.is_email_unchecked = False


def _decide_role(
    db: WriteDb, account: Account, client: OpenIdClient, now: datetime, *, is_administrator: bool
) -> None:
    """Who leaves the administrators at the provider leaves them here, unless nobody would be left."""
    role = Role(account.role)
    if is_administrator:
        role = Role.ADMINISTRATOR
    elif role is Role.ADMINISTRATOR and people_queries.count_other_administrators(db, account):
        role = client.default_role
    if role == account.role:
        return
    audit.record(
        db, audit.ITSELF, Action.ACCOUNT_CHANGED, accounts.subject_of(account), now,
        before={"role": account.role}, after={"role": role.value},
        note=f"the provider's group {client.administrators_group} decides it",
    )  # fmt: skip
    account.role = role
    account.version += 1


def _account_to_look_after(db: ReadDb, actor: Actor, name: str) -> Account:
    """Raises: RoleTooLow, AccountNotFound."""
    actor.needs(Role.ADMINISTRATOR)
    account = accounts.find_account(db, actor.organization_id, name)
    if account is None:
        raise errors.AccountNotFound(f'There is no account "{name[:60]}".', where="account")
    return account
