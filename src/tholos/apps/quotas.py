"""Whether somebody may own one more app, and store more: what there is, against the owner's quota."""

from __future__ import annotations

from tholos.accounts import quotas
from tholos.accounts.quotas import QuotaReached
from tholos.apps import queries
from tholos.apps.models import App
from tholos.kit.db import ReadDb

MB = 1 << 20


def count_owned(db: ReadDb, account_id: str) -> int:
    """Apps that somebody owns."""
    return queries.count_owned(db, account_id)


def stored_mb(db: ReadDb, account_id: str) -> int:
    """Of the files of all releases of somebody's apps, rounded up."""
    return -(-sum(queries.stored_by(db, account_id).values()) // MB)


def check_apps(db: ReadDb, account_id: str) -> None:
    """Raises: QuotaReached: the account owns as many apps as it may."""
    most = quotas.most_of(db, account_id).apps
    if most and count_owned(db, account_id) >= most:
        raise QuotaReached(f"Cannot make another app: {most:,} are as many as this account may own.")


def check_storage(db: ReadDb, app: App, snapshot: str, size: int) -> None:
    """Raises: QuotaReached: with a snapshot of so many bytes the owner's releases would take more than they may."""
    most = quotas.most_of(db, app.owner_id).storage_mb
    if not most:
        return
    stored = queries.stored_by(db, app.owner_id)
    taken = sum(stored.values())
    if snapshot not in stored and taken + size > most * MB:
        raise QuotaReached(
            f"Cannot keep {size / MB:,.1f} MB more: the releases of the owner's apps take {taken / MB:,.1f} MB, "
            f"and may take {most:,} MB."
        )
