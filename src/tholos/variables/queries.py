"""Every SELECT of values and secrets."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select

from tholos.kit.db import ReadDb
from tholos.variables.models import Secret, Value


def list_values(db: ReadDb, ids: Collection[str]) -> Sequence[Value]:
    return db.scalars(select(Value).where(Value.id.in_(ids))).all()


def list_secrets(db: ReadDb, ids: Collection[str]) -> Sequence[Secret]:
    return db.scalars(select(Secret).where(Secret.id.in_(ids))).all()
