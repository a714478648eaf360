"""JSON shapes of the record of deeds, and its rows for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from pydantic import BaseModel

from tholos.audit.models import AuditEntry
from tholos.audit.words import words_of
from tholos.kit.clock import to_text

COLUMNS = (
    "id", "at", "actor", "action", "words", "subject_kind", "subject", "subject_id", "before", "after", "note",
    "address", "credential", "request_id",
)  # fmt: skip
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


class AuditEntryOut(BaseModel):
    id: int
    at: str
    actor: str
    actor_id: str
    """Empty where Tholos itself did it."""
    action: str
    words: str
    """The action as people read it."""
    subject_kind: str
    subject_id: str
    subject: str
    before: dict[str, object] | None
    after: dict[str, object] | None
    note: str
    address: str
    credential: str
    request_id: str


class AuditList(BaseModel):
    items: list[AuditEntryOut]
    next: str | None


def entry_out(entry: AuditEntry) -> AuditEntryOut:
    return AuditEntryOut(
        id=entry.id,
        at=to_text(entry.at) or "",
        actor=entry.actor_name,
        actor_id=entry.actor_id or "",
        action=entry.action,
        words=words_of(entry.action),
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        subject=entry.subject_name,
        before=entry.before,
        after=entry.after,
        note=entry.note,
        address=entry.address,
        credential=entry.credential,
        request_id=entry.request_id,
    )


def without_origin(entry: AuditEntryOut) -> AuditEntryOut:
    """For those who see what was done with an app of theirs: not where others sit, nor by what they signed in."""
    return entry.model_copy(update={"address": "", "credential": "", "request_id": ""})


def ndjson(entries: Iterable[AuditEntryOut]) -> bytes:
    return b"".join(one.model_dump_json().encode() + b"\n" for one in entries)


def csv_head() -> bytes:
    return _line(COLUMNS)


def csv_rows(entries: Iterable[AuditEntryOut]) -> bytes:
    """Lines as RFC 4180 has them."""
    return b"".join(_line(_cells(one)) for one in entries)


def _cells(entry: AuditEntryOut) -> list[str]:
    values = entry.model_dump()
    return [_cell(values[name]) for name in COLUMNS]


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula, whoever chose the name that is in it."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _line(cells: Iterable[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode("utf-8", "replace")
