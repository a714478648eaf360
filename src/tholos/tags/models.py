"""Tables of tags: the tree of them, and which apps have which."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, partial_index

_IS_ROOT = "parent_id is null"


class Tag(Base):
    """One word. Without a parent it is a category: it holds tags, and no app has it."""

    __tablename__ = "tags"
    __table_args__ = (
        UniqueConstraint("parent_id", "key"),
        # To a unique constraint no two rows without a parent are alike.
        partial_index(
            "ix_tags_categories",
            "organization_id",
            "key",
            is_unique=True,
            where=_IS_ROOT,
        ),
        {"sqlite_autoincrement": True},
    )

    serial: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    """A number that is never given again, for protocols that name tags by numbers."""
    id: Mapped[str] = mapped_column(unique=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("tags.id"))
    name: Mapped[str]
    key: Mapped[str]
    """The name without regard to case: among those of one parent it is there once."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AppTag(Base):
    """One tag on one app; those above it are implied and have no row."""

    __tablename__ = "app_tags"

    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), primary_key=True)
    tag_id: Mapped[str] = mapped_column(ForeignKey("tags.id"), primary_key=True, index=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    created_at: Mapped[datetime]
