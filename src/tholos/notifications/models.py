"""Tables of who is told what, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, JsonObject, LongText, partial_index


class Channel(StrEnum):
    INBOX = "inbox"
    MAIL = "mail"
    WEBHOOK = "webhook"


class Form(StrEnum):
    """How a webhook's body is written."""

    PLAIN = "plain"
    """``{"type": …, "timestamp": …, "data": {…}}``, as Standard Webhooks recommends."""
    SLACK = "slack"
    """``{"text": …}``, which chats take."""


class DeliveryState(StrEnum):
    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"
    """It failed, and is tried again."""
    GIVEN_UP = "given_up"


DELIVERY_TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.QUEUED: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.GIVEN_UP}),
    DeliveryState.FAILED: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.GIVEN_UP}),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.GIVEN_UP: frozenset(),
}
WAITING = (DeliveryState.QUEUED, DeliveryState.FAILED)
"""What is still to be sent."""


@dataclass(frozen=True, slots=True)
class Means:
    """By what this server can tell people something, besides their inbox."""

    can_mail: bool = False


class Webhook(Base):
    """An address of another system, and what it is told."""

    __tablename__ = "webhooks"
    __table_args__ = (CheckConstraint("form in ('plain', 'slack')", name="form"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str | None] = mapped_column(index=True)
    """The app that it is told of; None for the whole installation."""
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    """Who is told when nothing arrives there."""
    url: Mapped[str]
    """Its beginning, to be shown; all of it is sealed, since whoever knows a chat's address may write there."""
    label: Mapped[str] = mapped_column(default="")
    form: Mapped[str]
    actions: Mapped[list[str]] = mapped_column(JSON)
    """What it is told; empty for all that is worth telling."""
    sealed: Mapped[str] = mapped_column(LongText)
    """Address and secret."""
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    """When deliveries began to fail; None while they arrive."""
    given_up_at: Mapped[datetime | None]
    """When its owner was told that deliveries were given up; None while they arrive."""
    version: Mapped[int] = mapped_column(default=1)


class Delivery(Base):
    """One message to one receiver."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("channel in ('inbox', 'mail', 'webhook')", name="channel"),
        CheckConstraint("state in ('queued', 'delivered', 'failed', 'given_up')", name="state"),
        Index("ix_deliveries_webhook", "webhook_id", "id"),
        Index("ix_deliveries_account", "account_id", "channel", "id"),
        partial_index(
            "ix_deliveries_unseen",  # counted for every page
            "account_id",
            "channel",
            where="channel = 'inbox' and seen_at is null",
        ),
        partial_index(
            "ix_deliveries_waiting",
            "next_at",
            where="next_at is not null",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    channel: Mapped[str]
    lane: Mapped[str]
    """Of one lane one message is under way at a time: a receiver that is slow holds up its own only."""
    webhook_id: Mapped[str | None]
    account_id: Mapped[str | None]
    audit_id: Mapped[int | None] = mapped_column(BigInteger)
    """The deed that it tells of; None for a test."""
    action: Mapped[str]
    target: Mapped[str]
    """The receiver's host or mail address; empty for an inbox."""
    body: Mapped[JsonObject]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    """When it is tried next; None once it has ended."""
    last_status: Mapped[int | None]
    last_error: Mapped[str] = mapped_column(LongText, default="")
    created_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    """When its reader saw it, in an inbox."""


class Preference(Base):
    """What an account is not told, and by which channel."""

    __tablename__ = "notification_preferences"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    action: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    is_muted: Mapped[bool]


class Cursor(Base):
    """How far something has been read."""

    __tablename__ = "notification_cursors"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
