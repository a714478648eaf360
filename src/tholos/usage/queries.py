"""Every SELECT of visits, and the removal of many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, func, select, update

from tholos.kit.db import ReadDb, WriteDb
from tholos.usage.models import PageVisit

Ids = Select[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which visits are asked for."""

    app_ids: Ids | Sequence[str]
    since: datetime
    until: datetime
    """Not included."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many visits something had."""

    key: str
    visits: int
    visitors: int
    """Accounts among them."""
    anonymous: int
    """Visits of nobody in particular."""


def _chosen(wanted: Wanted) -> Select[PageVisit]:
    return select(PageVisit).where(
        PageVisit.app_id.in_(wanted.app_ids), PageVisit.at >= wanted.since, PageVisit.at < wanted.until
    )


def count_by_day(db: ReadDb, wanted: Wanted) -> list[Count]:
    counted = _chosen(wanted).with_only_columns(PageVisit.day, *_COUNTED).group_by(PageVisit.day)
    rows = db.execute(counted.order_by(PageVisit.day))
    return [Count(day, visits, visitors, visits - known) for day, visits, visitors, known in rows]


def count_by_app(db: ReadDb, wanted: Wanted) -> list[Count]:
    rows = db.execute(
        _chosen(wanted).with_only_columns(PageVisit.app_id, *_COUNTED).group_by(PageVisit.app_id)
    )
    return [Count(app_id, visits, visitors, visits - known) for app_id, visits, visitors, known in rows]


def count_all(db: ReadDb, wanted: Wanted) -> Count:
    visits, visitors, known = db.execute(_chosen(wanted).with_only_columns(*_COUNTED)).one()
    return Count("", visits, visitors, visits - known)


def list_before(db: ReadDb, wanted: Wanted, before: int | None, limit: int) -> Sequence[PageVisit]:
    """The newest first, of those before one of them."""
    chosen = _chosen(wanted) if before is None else _chosen(wanted).where(PageVisit.id < before)
    return db.scalars(chosen.order_by(PageVisit.id.desc()).limit(limit)).all()


def list_after(db: ReadDb, wanted: Wanted, after: int, limit: int) -> Sequence[PageVisit]:
    """The oldest first, of those after one of them."""
    chosen = _chosen(wanted).where(PageVisit.id > after)
    return db.scalars(chosen.order_by(PageVisit.id).limit(limit)).all()


def remove_before(db: WriteDb, moment: datetime) -> None:
    db.execute(delete(PageVisit).where(PageVisit.at < moment))


def remove_of_app(db: WriteDb, app_id: str) -> None:
    db.execute(delete(PageVisit).where(PageVisit.app_id == app_id))


def forget_accounts(db: WriteDb) -> None:
    db.execute(update(PageVisit).where(PageVisit.account_id.is_not(None)).values(account_id=None))


_COUNTED = (
    func.count(PageVisit.id),
    func.count(func.distinct(PageVisit.account_id)),
    func.count(PageVisit.account_id),
)
