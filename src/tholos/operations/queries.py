"""Every SELECT of operations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Select, func, or_, select

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.kit.db import ReadDb
from tholos.operations.errors import OperationNotFound
from tholos.operations.models import Operation, OperationEvent, OperationState, OperationStep

Visible = Select[Operation]
_TURN = (Operation.created_at, Operation.id)


def get_operation(db: ReadDb, operation_id: str) -> Operation:
    found = db.get(Operation, operation_id)
    if found is None:
        raise OperationNotFound
    return found


def find_operation(db: ReadDb, operation_id: str) -> Operation | None:
    return db.get(Operation, operation_id)


def get_visible(db: ReadDb, operation_id: str, visible: Select[Operation]) -> Operation:
    """Raises: OperationNotFound: also where it is somebody else's."""
    found = db.scalar(visible.where(Operation.id == operation_id))
    if found is None:
        raise OperationNotFound
    return found


@lru_cache(maxsize=256)
def visible_to(actor: Actor) -> Select[Operation]:
    """One's own, and those on apps that one may edit; administrators see all. A token for one app sees that app's."""
    # Built once for an actor: nearly every page runs it, and building it takes longer.
    chosen = select(Operation).where(Operation.organization_id == actor.organization_id)
    if actor.object_id:
        return chosen.where(
            Operation.subject_id == actor.object_id, Operation.subject_id.in_(apps.editable_ids(actor))
        )
    if actor.role.includes(Role.ADMINISTRATOR):
        return chosen
    is_own = Operation.account_id == actor.account_id
    return chosen.where(or_(is_own, Operation.subject_id.in_(apps.editable_ids(actor))))


def find_by_key(db: ReadDb, account_id: str, key: str) -> Operation | None:
    return db.scalar(
        select(Operation).where(Operation.account_id == account_id, Operation.idempotency_key == key)
    )


def find_under_way(db: ReadDb, subject_id: str) -> Operation | None:
    """The first of those that have not ended."""
    chosen = select(Operation).where(
        Operation.subject_id == subject_id, Operation.state.in_(["queued", "running"])
    )
    return db.scalar(chosen.order_by(*_TURN).limit(1))


def find_before(db: ReadDb, operation: Operation) -> Operation | None:
    """What is under way for the same subject and was asked for earlier."""
    first = find_under_way(db, operation.subject_id)
    return None if first is None or first.id == operation.id else first


def count_by_state(db: ReadDb) -> dict[tuple[str, str], int]:
    """All that are kept, by kind and state."""
    chosen = select(Operation.kind, Operation.state, func.count()).group_by(Operation.kind, Operation.state)
    return {(kind, state): count for kind, state, count in db.execute(chosen)}


def list_under_way(db: ReadDb) -> Sequence[Operation]:
    return db.scalars(select(Operation).where(Operation.state.in_(["queued", "running"]))).all()


def list_newest(
    db: ReadDb, visible: Visible, subject_id: str | None, name: str | None, limit: int
) -> Sequence[Operation]:
    chosen = visible.where(Operation.subject_id == subject_id) if subject_id else visible
    chosen = chosen.where(Operation.subject_name == name) if name else chosen
    return db.scalars(chosen.order_by(Operation.created_at.desc(), Operation.id.desc()).limit(limit)).all()


def list_about(
    db: ReadDb, visible: Visible, subject_id: str, key: str, values: Sequence[str]
) -> Sequence[Operation]:
    """Those of a subject that were asked for with one of some texts, the oldest first."""
    asked = Operation.request[key].as_string().in_(values)
    return db.scalars(visible.where(Operation.subject_id == subject_id, asked).order_by(Operation.id)).all()


def list_claimable(db: ReadDb, now: datetime) -> Sequence[str]:
    """Ids of what nobody works on: queued, or with a lease that has run out."""
    is_free = or_(Operation.state == OperationState.QUEUED, Operation.lease_until < now)
    chosen = select(Operation.id).where(Operation.state.in_(["queued", "running"]), is_free)
    return db.scalars(chosen.order_by(*_TURN)).all()


def list_held(db: ReadDb, holder: str) -> Sequence[Operation]:
    return db.scalars(
        select(Operation).where(Operation.lease_holder == holder, Operation.state == "running")
    ).all()


def list_steps(db: ReadDb, operation_ids: Sequence[str]) -> Sequence[OperationStep]:
    chosen = select(OperationStep).where(OperationStep.operation_id.in_(operation_ids))
    return db.scalars(chosen.order_by(OperationStep.operation_id, OperationStep.position)).all()


def get_step(db: ReadDb, operation_id: str, name: str) -> OperationStep:
    chosen = select(OperationStep).where(
        OperationStep.operation_id == operation_id, OperationStep.name == name
    )
    return db.scalars(chosen).one()


def list_events(db: ReadDb, operation_id: str, after: int, limit: int | None) -> Sequence[OperationEvent]:
    chosen = select(OperationEvent).where(
        OperationEvent.operation_id == operation_id, OperationEvent.n > after
    )
    return db.scalars(chosen.order_by(OperationEvent.n).limit(limit)).all()


def last_event(db: ReadDb, operation_id: str) -> int:
    chosen = select(func.max(OperationEvent.n)).where(OperationEvent.operation_id == operation_id)
    return db.scalar(chosen) or 0


def list_last(
    db: ReadDb, subject_ids: Sequence[str], visible: Select[Operation] | None = None
) -> Sequence[Operation]:
    """The newest operation of each subject, where it is one of those that are visible."""
    newest = (
        select(Operation.subject_id, func.max(Operation.id).label("id"))
        .where(Operation.subject_id.in_(subject_ids))
        .group_by(Operation.subject_id)
        .subquery()
    )
    chosen = select(Operation) if visible is None else visible
    return db.scalars(chosen.join(newest, newest.c.id == Operation.id)).all()
