"""What this wire knows of an app and the app itself does not."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, JsonObject


class Content(Base):
    """An app as this wire's clients named it: they know names that no host can have."""

    __tablename__ = "connect_contents"

    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str] = mapped_column(index=True)
    settings: Mapped[JsonObject]
    """What was set of its processes: kept and answered."""
