"""Rotating the key of everything that is sealed: a new key, everything sealed by it, and older keys dropped.

Whatever is sealed is sealed within a write transaction, and there is one at a time: what a transaction sees is all there
is. So a new key is made in one too, and older ones are dropped in one that has seen nothing that they sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from tholos.accounts.service import Actor
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import Base, ReadDb, WriteDb
from tholos.kit.sealing import Sealer
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.service import Subject
from tholos.variables import queries
from tholos.variables.models import FormerSecret, Secret, Value

ROTATE_KEY = "rotate_key"
STEPS = ("key", "reseal", "drop")
SUBJECT = Subject("sealing-key", "the key of secrets")
BATCH = 100

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """Where sealed texts are, and what each is about: the domain that seals there says so."""

    model: type[Base]
    name: str
    about: Callable[[Base], str]


def sealed_column(model: type[Row], name: str, about: Callable[[Row], str]) -> SealedColumn:
    """A column of sealed texts.

    Args:
        model: the table.
        name: of the column.
        about: what a row's text was sealed with.
    """

    def about_row(row: Base) -> str:
        if not isinstance(row, model):
            raise TypeError(type(row))
        return about(row)

    return SealedColumn(model, name, about_row)


OWN = (
    sealed_column(Value, "sealed", lambda value: value.id),
    sealed_column(Secret, "sealed", lambda secret: secret.id),
    sealed_column(FormerSecret, "sealed", lambda former: former.secret_id),
)


def begin(db: WriteDb, sealer: Sealer, actor: Actor, now: datetime) -> Operation:
    """The operation that rotates the key.

    Raises: OperationUnderWay.
    """
    begun = operations.begin(db, actor, ROTATE_KEY, SUBJECT, STEPS, {"from": sealer.current}, now)
    subject = audit.Subject("key", SUBJECT.id, SUBJECT.name)
    audit.record(db, actor, Action.KEY_ROTATED, subject, now, after={"operation": begun.id})
    return begun


def make_key(sealer: Sealer, before: int) -> int:
    """The number of the key that follows one: made now, or by an attempt that was cut off. Within a transaction."""
    return sealer.current if sealer.current > before else sealer.add_key()


def reseal_some(db: WriteDb, sealer: Sealer, columns: Sequence[SealedColumn], limit: int = BATCH) -> int:
    """Seal some of what older keys sealed by the newest one; returns how many, none once all is done.

    Raises: CannotOpen: its key is missing, or it was changed.
    """
    for column in columns:
        rows = queries.list_sealed_by_others(db, column.model, column.name, sealer.current, limit)
        for row in rows:
            about = column.about(row)
            setattr(row, column.name, sealer.seal(sealer.open(getattr(row, column.name), about), about))
        if rows:
            db.flush()
            return len(rows)
    return 0


def count_left(db: ReadDb, sealer: Sealer, columns: Sequence[SealedColumn]) -> int:
    """How many texts an older key sealed."""
    counts = (
        queries.count_sealed_by_others(db, column.model, column.name, sealer.current) for column in columns
    )
    return sum(counts)


def drop_keys(db: WriteDb, sealer: Sealer, columns: Sequence[SealedColumn]) -> bool:
    """Drop the older keys; whether nothing was left that needs them. Within a transaction."""
    if count_left(db, sealer, columns):
        return False
    sealer.drop_older_keys()
    return True
