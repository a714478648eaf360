"""Every statement about identities at a provider, and of sign-ins that are under way there or at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from tholos.accounts.models import (
    Account,
    AccountKind,
    DeviceSignIn,
    DeviceState,
    Identity,
    ProviderSignIn,
)
from tholos.kit.db import ReadDb, WriteDb


def find_provider_sign_in(db: ReadDb, state_hash: str) -> ProviderSignIn | None:
    return db.get(ProviderSignIn, state_hash)


def remove_provider_sign_ins_before(db: WriteDb, moment: datetime) -> None:
    """At once, however many strangers have begun one."""
    db.execute(delete(ProviderSignIn).where(ProviderSignIn.expires_at < moment))


def find_identity(db: ReadDb, issuer: str, subject: str) -> Identity | None:
    return db.scalar(select(Identity).where(Identity.issuer == issuer, Identity.subject == subject))


def find_identity_by_email(db: ReadDb, issuer: str, email: str) -> Identity | None:
    chosen = select(Identity).where(Identity.issuer == issuer, Identity.email == email)
    return db.scalar(chosen.order_by(Identity.used_at.desc(), Identity.id).limit(1))


def find_identity_of(db: ReadDb, account_id: str, issuer: str) -> Identity | None:
    chosen = select(Identity).where(Identity.account_id == account_id, Identity.issuer == issuer)
    return db.scalar(chosen.limit(1))


def list_identities(db: ReadDb, account_id: str) -> Sequence[Identity]:
    chosen = select(Identity).where(Identity.account_id == account_id)
    return db.scalars(chosen.order_by(Identity.created_at, Identity.id)).all()


def list_people_with_email(db: ReadDb, organization_id: str, email: str) -> Sequence[Account]:
    """Those whose address somebody vouched for."""
    chosen = select(Account).where(
        Account.organization_id == organization_id,
        Account.email == email,
        Account.is_email_unchecked.is_(False),
        Account.kind == AccountKind.PERSON,
    )
    return db.scalars(chosen.order_by(Account.id).limit(2)).all()


def find_device_by_secret(db: ReadDb, device_hash: str) -> DeviceSignIn | None:
    return db.scalar(select(DeviceSignIn).where(DeviceSignIn.device_hash == device_hash))


def list_approved_devices(db: ReadDb, account_id: str) -> Sequence[DeviceSignIn]:
    """Terminals that were let in and have not fetched their token yet."""
    chosen = select(DeviceSignIn).where(
        DeviceSignIn.account_id == account_id, DeviceSignIn.state == DeviceState.APPROVED
    )
    return db.scalars(chosen).all()


def find_device_by_code(db: ReadDb, user_code_hash: str) -> DeviceSignIn | None:
    return db.scalar(select(DeviceSignIn).where(DeviceSignIn.user_code_hash == user_code_hash))


def remove_devices_before(db: WriteDb, moment: datetime) -> None:
    db.execute(delete(DeviceSignIn).where(DeviceSignIn.expires_at < moment))
