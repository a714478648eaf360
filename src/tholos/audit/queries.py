"""Every SELECT of the record of deeds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, or_, select

from tholos.audit.filters import Filter
from tholos.audit.models import AuditEntry
from tholos.kit.db import ReadDb


def _chosen(organization_id: str, wanted: Filter) -> Select[AuditEntry]:
    chosen = select(AuditEntry).where(AuditEntry.organization_id == organization_id)
    equal = (
        (AuditEntry.actor_name, wanted.actor),
        (AuditEntry.subject_kind, wanted.kind),
        (AuditEntry.subject_name, wanted.name),
        (AuditEntry.subject_id, wanted.subject_id),
    )
    chosen = chosen.where(*(column == value for column, value in equal if value))
    if wanted.action:
        is_one = "." in wanted.action
        chosen = chosen.where(
            AuditEntry.action == wanted.action
            if is_one
            else AuditEntry.action.startswith(f"{wanted.action}.", autoescape=True)
        )
    if wanted.since:
        chosen = chosen.where(AuditEntry.at >= wanted.since)
    if wanted.until:
        chosen = chosen.where(AuditEntry.at < wanted.until)
    if wanted.text:
        columns = (AuditEntry.actor_name, AuditEntry.subject_name, AuditEntry.note, AuditEntry.action)
        chosen = chosen.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    return chosen


def list_before(
    db: ReadDb, organization_id: str, wanted: Filter, before: int | None, limit: int
) -> Sequence[AuditEntry]:
    """The newest first."""
    chosen = _chosen(organization_id, wanted)
    if before is not None:
        chosen = chosen.where(AuditEntry.id < before)
    return db.scalars(chosen.order_by(AuditEntry.id.desc()).limit(limit)).all()


def list_between(
    db: ReadDb, organization_id: str, wanted: Filter, after: int, last: int, limit: int
) -> Sequence[AuditEntry]:
    """The oldest first."""
    chosen = _chosen(organization_id, wanted).where(AuditEntry.id > after, AuditEntry.id <= last)
    return db.scalars(chosen.order_by(AuditEntry.id).limit(limit)).all()


def list_after(db: ReadDb, position: int, limit: int) -> Sequence[AuditEntry]:
    """Of every organization, in the order in which they were written."""
    chosen = select(AuditEntry).where(AuditEntry.id > position)
    return db.scalars(chosen.order_by(AuditEntry.id).limit(limit)).all()


def newest_id(db: ReadDb) -> int:
    return db.scalar(select(func.max(AuditEntry.id))) or 0


def find_last(
    db: ReadDb, subject_kind: str, subject_id: str, actions: Collection[str], before: int
) -> AuditEntry | None:
    """The newest of some deeds with one subject, before an entry."""
    chosen = select(AuditEntry).where(
        AuditEntry.subject_kind == subject_kind,
        AuditEntry.subject_id == subject_id,
        AuditEntry.action.in_(actions),
        AuditEntry.id < before,
    )
    return db.scalar(chosen.order_by(AuditEntry.id.desc()).limit(1))
