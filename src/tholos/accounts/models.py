"""Tables of who there is: organizations, accounts, and the credentials that stand for an account.

Credentials are kept as SHA-256 of 256 random bits, so a copy of the database signs nobody in.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tholos.kit.db import Base, LongText

DEFAULT_ORGANIZATION = "org_default"


class Role(StrEnum):
    """What an account may do in general; what it may do with one app is decided there."""

    VIEWER = "viewer"
    PUBLISHER = "publisher"
    ADMINISTRATOR = "administrator"

    def includes(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


class AccountKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"
    """A program's own account: it signs in by tokens only."""


class Scope(StrEnum):
    """What a token may be used for, at most; what its account may not do, no token may."""

    OPEN = "open"
    """Open apps, and nothing at the console."""
    READ = "read"
    """Read whatever its account may read."""
    PUBLISH = "publish"
    """Read, publish, and manage apps; not people, tokens or who may open what."""
    FULL = "full"
    """Everything its account may."""

    def includes(self, other: Scope) -> bool:
        order = list(Scope)
        return order.index(self) >= order.index(other)


class Organization(Base):
    __tablename__ = "organizations"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class Account(Base):
    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        CheckConstraint("role in ('viewer', 'publisher', 'administrator')", name="role"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str]
    role: Mapped[str]
    kind: Mapped[str] = mapped_column(default=AccountKind.PERSON)
    full_name: Mapped[str] = mapped_column(default="")
    email: Mapped[str | None] = mapped_column(index=True)
    """In lower case. Where mail goes; nobody is found by it at sign-in unless a provider has verified it."""
    is_email_unchecked: Mapped[bool] = mapped_column(default=False)
    """The person typed it here and nobody vouched for it: a provider's word for the address does not lead here."""
    password_hash: Mapped[str | None]
    is_disabled: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    """Raised by every edit, so that of two who edit at once the second is told."""
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    """When a browser or terminal last signed in as it."""


class Quota(Base):
    """How much an account's apps may be and take together; of an organization, what holds where an account says nothing."""

    __tablename__ = "quotas"

    holder_id: Mapped[str] = mapped_column(primary_key=True)
    """Of an account, or of the organization."""
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    apps: Mapped[int | None]
    instances: Mapped[int | None]
    memory_mb: Mapped[int | None]
    storage_mb: Mapped[int | None]


class Group(Base):
    """Accounts under one name, to share with all of them at once."""

    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str]
    note: Mapped[str] = mapped_column(LongText, default="")
    is_claimed: Mapped[bool] = mapped_column(default=False)
    """Whether its members are those that the sign-in provider says; nobody edits them here."""
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class Membership(Base):
    __tablename__ = "memberships"

    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)
    created_at: Mapped[datetime]


class Identity(Base):
    """Whom a sign-in provider knows an account as. The pair of issuer and subject never moves to another account."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    email: Mapped[str | None]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class ProviderSignIn(Base):
    """A sign-in that was sent to the provider and has not come back; bound to the browser by a cookie."""

    __tablename__ = "provider_sign_ins"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    browser_hash: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]
    next_path: Mapped[str]
    expires_at: Mapped[datetime]


class DeviceState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    SPENT = "spent"


DEVICE_TRANSITIONS: dict[DeviceState, frozenset[DeviceState]] = {
    DeviceState.WAITING: frozenset({DeviceState.APPROVED, DeviceState.REFUSED}),
    DeviceState.APPROVED: frozenset({DeviceState.SPENT, DeviceState.REFUSED}),
    DeviceState.REFUSED: frozenset(),
    DeviceState.SPENT: frozenset(),
}


class DeviceSignIn(Base):
    """A terminal that waits for somebody to let it in from a browser (RFC 8628)."""

    __tablename__ = "device_sign_ins"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    device_hash: Mapped[str] = mapped_column(unique=True)
    user_code_hash: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    address: Mapped[str]
    state: Mapped[str]
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Invitation(Base):
    """A link that lets somebody in: who has no account makes one by it, who has one joins what it is to."""

    __tablename__ = "invitations"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    inviter_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    email: Mapped[str | None]
    """Whom it is meant for, as a note; the link itself is what counts."""
    group_id: Mapped[str | None] = mapped_column(ForeignKey("groups.id", ondelete="SET NULL"))
    object_kind: Mapped[str] = mapped_column(default="")
    object_id: Mapped[str] = mapped_column(default="", index=True)
    """What it shares, an app's id; empty where it only makes an account."""
    level: Mapped[str] = mapped_column(default="")
    uses_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class InvitationUse(Base):
    __tablename__ = "invitation_uses"

    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    at: Mapped[datetime]


class KeptAnswer(Base):
    """What a call with an idempotency key was answered, kept a day; sealed, since some answers hold a secret."""

    __tablename__ = "kept_answers"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    """Hash of method, path and body, sealed: the same key with another call is a mistake."""
    status: Mapped[int]
    body: Mapped[str] = mapped_column(LongText)
    created_at: Mapped[datetime] = mapped_column(index=True)


class Session(Base):
    """A browser that is signed in at the console."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str] = mapped_column(default="")
    """The browser, in a few words."""
    address: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship(lazy="raise")


class Token(Base):
    """An API token; opaque to the server, looked up by its hash."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    scope: Mapped[str] = mapped_column(default=Scope.FULL)
    object_id: Mapped[str | None]
    """The one app that it is good for; None for all."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship(lazy="raise")


class SignInLink(Base):
    """A one-time link that signs one account in; spent by POST only."""

    __tablename__ = "sign_in_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    code_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship(lazy="raise")
