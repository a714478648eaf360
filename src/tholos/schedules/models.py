"""The table of schedules: when an app is started again, by whose right, and what became of the last time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, JsonObject, partial_index


class Schedule(Base):
    """When an app is started again; an app has one at most."""

    __tablename__ = "schedules"
    __table_args__ = (
        partial_index(
            "ix_schedules_next",
            "next_at",
            where="next_at is not null",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    """By whose right the app is started."""
    recurrence: Mapped[JsonObject]
    start_at: Mapped[datetime]
    """When it takes effect; its times of day are those of this moment."""
    timezone: Mapped[str]
    paused_at: Mapped[datetime | None]
    error: Mapped[JsonObject | None]
    """Why it was paused, where nobody did that."""
    next_at: Mapped[datetime | None]
    """None while it is paused."""
    due_at: Mapped[datetime | None]
    """Its last time at which something was begun."""
    operation_id: Mapped[str | None]
    """What was begun then."""
    skipped: Mapped[JsonObject | None]
    """Why nothing was begun at a time after that, and at which."""
    set_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
