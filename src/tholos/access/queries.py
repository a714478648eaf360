"""Every SELECT of hand-overs and handles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from tholos.access.models import Handle, HandoverCode
from tholos.apps.models import App
from tholos.kit.db import ReadDb


def find_code(db: ReadDb, code_hash: str) -> HandoverCode | None:
    return db.get(HandoverCode, code_hash)


def find_handle(db: ReadDb, secret_hash: str, app_id: str, release: int) -> Handle | None:
    chosen = select(Handle).where(Handle.secret_hash == secret_hash, Handle.app_id == app_id)
    return db.scalar(chosen.where(Handle.release == release))


def list_apps(db: ReadDb, app_ids: Collection[str]) -> Sequence[App]:
    """Of as many apps as one machine serves, in one statement."""
    return db.scalars(select(App).where(App.id.in_(app_ids))).all()


def list_of_app(db: ReadDb, app_id: str) -> Sequence[Handle | HandoverCode]:
    handles = db.scalars(select(Handle).where(Handle.app_id == app_id)).all()
    codes = db.scalars(select(HandoverCode).where(HandoverCode.app_id == app_id)).all()
    return [*handles, *codes]


def list_expired_codes(db: ReadDb, before: datetime) -> Sequence[HandoverCode]:
    return db.scalars(select(HandoverCode).where(HandoverCode.expires_at < before)).all()
