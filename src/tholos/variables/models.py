"""Tables of sealed values. A release names a variable's value or secret by id; what it is stands here and nowhere else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, LongText


class Value(Base):
    """The value of a plain variable; never changed, so that a release keeps what it was made with."""

    __tablename__ = "variable_values"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), index=True)
    name: Mapped[str]
    sealed: Mapped[str] = mapped_column(LongText)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    """Name of whoever set it."""


class Secret(Base):
    """A value that nobody reads back. Releases name it and get what it is when they start; rotating it makes no release."""

    __tablename__ = "secrets"
    __table_args__ = (UniqueConstraint("organization_id", "app_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    """Of a shared secret; the maker's where it belongs to an app."""
    app_id: Mapped[str] = mapped_column(default="", index=True)
    """The app that it belongs to; empty for one that apps share by reference."""
    name: Mapped[str]
    note: Mapped[str] = mapped_column(LongText, default="")
    sealed: Mapped[str] = mapped_column(LongText)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class FormerSecret(Base):
    """A value that a secret had before, or had when it was removed: it is masked in logs that were written with it."""

    __tablename__ = "former_secrets"

    id: Mapped[str] = mapped_column(primary_key=True)
    secret_id: Mapped[str] = mapped_column(index=True)
    """Of a secret that there is, or was: releases may name it still."""
    sealed: Mapped[str] = mapped_column(LongText)
    ended_at: Mapped[datetime]
