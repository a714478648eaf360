"""Use cases of the record of deeds: write one down, in the transaction that does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tholos.audit.models import Action, AuditEntry
from tholos.kit.db import JsonObject, WriteDb

TOPIC = "audit"
"""Published after every commit that recorded something."""
DEFAULT_ORGANIZATION = "org_default"
RECORDED = "recorded"
"""Under this name a transaction's session knows that something was recorded in it."""


class Doer(Protocol):
    """Who does something: an actor of accounts, or :data:`TOLD_BY_ITSELF`."""

    @property
    def account_id(self) -> str: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def credential(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def request_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Itself:
    """Tholos, where it does something that nobody asked for."""

    account_id: str = ""
    organization_id: str = DEFAULT_ORGANIZATION
    name: str = "Tholos"
    credential: str = ""
    address: str = ""
    request_id: str = ""


ITSELF = Itself()


@dataclass(frozen=True, slots=True)
class Subject:
    """What a deed is about."""

    kind: str
    id: str
    name: str


def record(
    db: WriteDb,
    doer: Doer,
    action: Action,
    subject: Subject,
    now: datetime,
    *,
    before: JsonObject | None = None,
    after: JsonObject | None = None,
    note: str = "",
) -> None:
    """Write down that something was done. Never a secret: names of what was set, not values."""
    db.add(
        AuditEntry(
            organization_id=doer.organization_id,
            at=now,
            actor_id=doer.account_id or None,
            actor_name=doer.name,
            credential=doer.credential,
            address=doer.address,
            action=action,
            subject_kind=subject.kind,
            subject_id=subject.id,
            subject_name=subject.name,
            before=before,
            after=after,
            request_id=doer.request_id,
            note=note,
        )
    )
    db.info[RECORDED] = True
