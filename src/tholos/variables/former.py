"""Values that secrets had before. Logs still show what was printed with them, so they are masked like present ones."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.sealing import CannotOpen, Sealer
from tholos.variables import queries
from tholos.variables.models import FormerSecret, Secret

MOST_FORMER = 10
"""Of one secret; the oldest give way."""


def keep(db: WriteDb, secret: Secret, now: datetime) -> None:
    """Keep the value that a secret is about to lose."""
    db.add(FormerSecret(id=ids.new_id("old"), secret_id=secret.id, sealed=secret.sealed, ended_at=now))
    db.flush()
    for surplus in queries.list_former(db, [secret.id])[MOST_FORMER:]:
        db.delete(surplus)
    db.flush()


def list_values(db: ReadDb, sealer: Sealer, secret_ids: Collection[str]) -> list[str]:
    """Those that can be read, the last ones first."""
    found = []
    for one in queries.list_former(db, secret_ids):
        try:
            found.append(sealer.open(one.sealed, one.secret_id))
        except CannotOpen:
            continue  # what cannot be read need not be hidden
    return found


def remove(db: WriteDb, secret_ids: Collection[str]) -> None:
    for one in queries.list_former(db, secret_ids):
        db.delete(one)
    db.flush()
