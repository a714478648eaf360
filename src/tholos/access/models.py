"""Tables of the way from the console's sign-in to an app's host. Secrets are kept as hashes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base


class HandoverCode(Base):
    """Good once, for a minute, for one app and the browser that began: the console gives it, the app's host takes it."""

    __tablename__ = "handover_codes"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), index=True)
    release: Mapped[int] = mapped_column(default=0)
    """Number of the draft that it is for; 0 for the app itself."""
    transaction_hash: Mapped[str]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]


class Handle(Base):
    """One browser session at one app: it lets an expired pass be renewed without a redirect."""

    __tablename__ = "handles"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), index=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), index=True)
    release: Mapped[int] = mapped_column(default=0)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
