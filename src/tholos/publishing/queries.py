"""Every SELECT of bundles."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select

from tholos.kit.db import ReadDb
from tholos.publishing.models import Bundle


def find_bundle(db: ReadDb, app_id: str, bundle_id: int) -> Bundle | None:
    return db.scalar(select(Bundle).where(Bundle.id == bundle_id, Bundle.app_id == app_id))


def list_bundles(db: ReadDb, app_id: str) -> Sequence[Bundle]:
    return db.scalars(select(Bundle).where(Bundle.app_id == app_id).order_by(Bundle.id.desc())).all()


def find_newest(db: ReadDb, app_id: str) -> Bundle | None:
    return db.scalar(select(Bundle).where(Bundle.app_id == app_id).order_by(Bundle.id.desc()).limit(1))


def list_of_snapshots(db: ReadDb, app_ids: Collection[str], snapshots: Collection[str]) -> Sequence[Bundle]:
    """Bundles of some apps with some snapshots, the oldest first."""
    chosen = select(Bundle).where(Bundle.app_id.in_(app_ids), Bundle.snapshot.in_(snapshots))
    return db.scalars(chosen.order_by(Bundle.id)).all()


def snapshots(db: ReadDb) -> Sequence[str]:
    return db.scalars(select(Bundle.snapshot).distinct()).all()
