"""The table of visits: each page of an app that somebody went to. Rows are added, and removed once they are old."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base


class PageVisit(Base):
    """One visit. ``id`` ascends in the order of commits: there is one writer at a time."""

    __tablename__ = "page_visits"
    __table_args__ = (
        Index("ix_page_visits_app", "app_id", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"))
    release: Mapped[int]
    """Number of the release that answered."""
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    """None for whoever needed none, and where it is not to be known."""
    at: Mapped[datetime] = mapped_column(index=True)
    day: Mapped[str]
    """In UTC, as 2026-03-01: what is counted by day is grouped by it on every database alike."""
    path: Mapped[str]
    """Without the query, which may hold what is nobody's business."""
    agent: Mapped[str]
    """What it was opened with, in a few words, such as ``Firefox on Linux``."""
