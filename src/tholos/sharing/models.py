"""Tables of sharing. An object is named by its kind and id only, so that every noun is shared by the same rows."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, LongText, partial_index


class Level(StrEnum):
    """What a grant allows."""

    VIEWER = "viewer"
    """Open it."""
    EDITOR = "editor"
    """Open it, publish to it, and manage it; not delete it or hand it over."""

    def includes(self, other: Level) -> bool:
        order = list(Level)
        return order.index(self) >= order.index(other)


class Audience(StrEnum):
    """Who may open an object besides those whom it was granted to."""

    LISTED = "listed"
    SIGNED_IN = "signed_in"
    EVERYONE = "everyone"


class PrincipalKind(StrEnum):
    ACCOUNT = "account"
    GROUP = "group"


class Grant(Base):
    """One account's or group's share in an object."""

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("object_id", "principal_id"),
        CheckConstraint("level in ('viewer', 'editor')", name="level"),
        CheckConstraint("principal_kind in ('account', 'group')", name="principal_kind"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    object_kind: Mapped[str]
    object_id: Mapped[str]
    principal_kind: Mapped[str]
    principal_id: Mapped[str] = mapped_column(index=True)
    level: Mapped[str]
    created_by: Mapped[str | None]
    created_at: Mapped[datetime]


class RequestState(StrEnum):
    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


class AccessRequest(Base):
    """Somebody asks for a share; one open request for an object and account."""

    __tablename__ = "access_requests"
    __table_args__ = (
        partial_index(
            "uq_access_requests_open",
            "object_id",
            "account_id",
            is_unique=True,
            where="state = 'open'",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    object_kind: Mapped[str]
    object_id: Mapped[str] = mapped_column(index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    message: Mapped[str] = mapped_column(LongText, default="")
    state: Mapped[str]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
