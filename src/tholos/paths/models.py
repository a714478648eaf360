"""The table of paths of one's own: at most one for each app."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base


class AppPath(Base):
    __tablename__ = "app_paths"

    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    path: Mapped[str]
    """As it was said, with a slash at both ends."""
    key: Mapped[str] = mapped_column(unique=True)
    """The path without regard to case; the console's host is one for all organizations."""
    created_at: Mapped[datetime]
