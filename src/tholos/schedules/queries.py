"""Every SELECT of schedules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select

from tholos.kit.db import ReadDb
from tholos.operations.models import ENDED, Operation
from tholos.schedules.errors import ScheduleNotFound
from tholos.schedules.models import Schedule


def get_of_app(db: ReadDb, app_id: str) -> Schedule:
    found = find_of_app(db, app_id)
    if found is None:
        raise ScheduleNotFound
    return found


def find_of_app(db: ReadDb, app_id: str) -> Schedule | None:
    return db.scalar(select(Schedule).where(Schedule.app_id == app_id))


def find_schedule(db: ReadDb, schedule_id: str) -> Schedule | None:
    return db.get(Schedule, schedule_id)


def list_of_apps(db: ReadDb, app_ids: Collection[str]) -> Sequence[Schedule]:
    return db.scalars(select(Schedule).where(Schedule.app_id.in_(app_ids)).order_by(Schedule.id)).all()


def list_due(db: ReadDb, now: datetime, limit: int) -> Sequence[str]:
    """Ids of those whose time has come, the one that waits longest first."""
    chosen = select(Schedule.id).where(Schedule.next_at.is_not(None), Schedule.next_at <= now)
    return db.scalars(chosen.order_by(Schedule.next_at, Schedule.id).limit(limit)).all()


def find_next_at(db: ReadDb) -> datetime | None:
    """The earliest time of all."""
    return db.scalar(select(func.min(Schedule.next_at)).where(Schedule.next_at.is_not(None)))


def count_under_way(db: ReadDb) -> int:
    """How much of what schedules began has not ended."""
    begun = select(func.count()).select_from(Schedule).join(Operation, Operation.id == Schedule.operation_id)
    return db.scalar(begun.where(Operation.state.not_in(ENDED))) or 0
