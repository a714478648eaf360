"""Use cases of reading the record of deeds: page by page, all of it for an export, and what is new in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from tholos.audit import queries
from tholos.audit import service as audit
from tholos.audit.filters import Filter
from tholos.audit.models import Action, AuditEntry
from tholos.audit.service import Doer, Subject
from tholos.kit.db import Database, ReadDb, WriteDb
from tholos.kit.errors import Invalid
from tholos.kit.paging import Page, from_cursor, to_cursor

BATCH = 500
"""Entries that an export reads at once."""


class FilterInvalid(Invalid):
    """Cannot search the audit record by that."""

    code = "filter_invalid"


def read_moment(text: str, field: str) -> datetime | None:
    """A day or moment as people and programs write it, in ISO 8601; without a zone it is UTC.

    Raises: FilterInvalid.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FilterInvalid(
            f'Cannot take "{text[:40]}" as a moment.',
            fix="Write it as 2026-03-01 or 2026-03-01T12:00:00Z.",
            where=field,
        ) from error


def list_page(db: ReadDb, organization_id: str, wanted: Filter, cursor: str, limit: int) -> Page[AuditEntry]:
    """Entries, the newest first.

    Raises: CursorInvalid.
    """
    key = from_cursor(cursor, int)
    found = queries.list_before(db, organization_id, wanted, int(key[0]) if key else None, limit + 1)
    has_more = len(found) > limit
    return Page(found[:limit], to_cursor(found[limit - 1].id) if has_more else "")


def record_export(db: WriteDb, doer: Doer, wanted: Filter, form: str, now: datetime) -> int:
    """Write down that the record was exported; returns the last entry that belongs to the export."""
    last = queries.newest_id(db)
    audit.record(
        db, doer, Action.AUDIT_EXPORTED, Subject("audit", "", "audit"), now, after={"format": form, **wanted.to_json()}
    )  # fmt: skip
    return last


def read_all(
    database: Database, organization_id: str, wanted: Filter, last: int
) -> Iterator[Sequence[AuditEntry]]:
    """Entries up to ``last``, the oldest first, in batches; each is one short look at the database."""
    after = 0
    while True:
        with database.read() as db:
            batch = queries.list_between(db, organization_id, wanted, after, last, BATCH)
        if not batch:
            return
        after = batch[-1].id
        yield batch


def list_after(db: ReadDb, position: int, limit: int) -> Sequence[AuditEntry]:
    """What was written after a position, of every organization."""
    return queries.list_after(db, position, limit)


def newest_id(db: ReadDb) -> int:
    return queries.newest_id(db)


def find_last(db: ReadDb, entry: AuditEntry, actions: Collection[Action]) -> AuditEntry | None:
    """The newest of some deeds with the same subject before this one."""
    return queries.find_last(db, entry.subject_kind, entry.subject_id, actions, entry.id)
