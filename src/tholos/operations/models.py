"""Tables of long platform work: an operation, its steps, and what it said, in order."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, JsonObject, LongText, partial_index


class OperationState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


ENDED = frozenset({OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED})

TRANSITIONS: dict[OperationState, frozenset[OperationState]] = {
    OperationState.QUEUED: frozenset({OperationState.RUNNING, OperationState.CANCELLED}),
    # running → running is a second attempt, after the server that ran the first one ended.
    OperationState.RUNNING: frozenset({OperationState.RUNNING, *ENDED}),
    OperationState.DONE: frozenset(),
    OperationState.FAILED: frozenset(),
    OperationState.CANCELLED: frozenset(),
}


DECIDED = "decided"
"""In an operation's request: that it has done what it is for."""


class Operation(Base):
    """Long work. ``subject_id`` is what it is about: an app's id for what the trunk has."""

    __tablename__ = "operations"
    __table_args__ = (
        UniqueConstraint("account_id", "idempotency_key"),
        # One at a time for a subject, whoever asks and however many servers there are.
        partial_index(
            "uq_operations_running",
            "subject_id",
            is_unique=True,
            where="state = 'running'",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    subject_id: Mapped[str] = mapped_column(index=True)
    subject_name: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    attempt: Mapped[int] = mapped_column(default=0)
    lease_holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    idempotency_key: Mapped[str | None]
    request: Mapped[JsonObject]
    error: Mapped[JsonObject | None]
    result: Mapped[JsonObject | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_decided(self) -> bool:
        """Whether what it is for has happened already: it goes on to its end, whoever cancels it."""
        return bool(self.request.get(DECIDED))


class OperationStep(Base):
    __tablename__ = "operation_steps"

    operation_id: Mapped[str] = mapped_column(
        ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    text: Mapped[str] = mapped_column(LongText, default="")
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class OperationEvent(Base):
    """One thing an operation said; numbered from 1 within it, never changed."""

    __tablename__ = "operation_events"

    operation_id: Mapped[str] = mapped_column(
        ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True
    )
    n: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    step: Mapped[str]
    text: Mapped[str] = mapped_column(LongText)
    data: Mapped[JsonObject]
