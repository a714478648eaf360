"""Tables of apps that follow a repository: what they follow, with which credential, and what became of its commits."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, JsonObject, LongText, partial_index


class CommitState(StrEnum):
    """What became of a commit."""

    TRYING = "trying"
    RELEASED = "released"
    UNCHANGED = "unchanged"
    """It changes nothing of the app: no release was made."""
    FAILED = "failed"
    CANCELLED = "cancelled"


COMMIT_TRANSITIONS: dict[CommitState, frozenset[CommitState]] = {
    CommitState.TRYING: frozenset(
        {CommitState.RELEASED, CommitState.UNCHANGED, CommitState.FAILED, CommitState.CANCELLED}
    ),
    CommitState.RELEASED: frozenset(),
    CommitState.UNCHANGED: frozenset(),
    CommitState.FAILED: frozenset(),
    CommitState.CANCELLED: frozenset(),
}


class Trigger(StrEnum):
    """Why a repository is fetched."""

    SET = "set"
    """Somebody said what the app follows."""
    UPDATE = "update"
    """Somebody asked for it."""
    PUSH = "push"
    POLL = "poll"


class Source(Base):
    """What an app follows."""

    __tablename__ = "sources"
    __table_args__ = (
        partial_index(
            "ix_sources_waiting",
            "waiting_since",
            where="waiting_since is not null",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """Part of the address that pushes are told to."""
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    """By whose right it publishes by itself."""
    url: Mapped[str]
    branch: Mapped[str]
    """Empty for the one that the repository shows first."""
    subdirectory: Mapped[str] = mapped_column(LongText)
    is_polled: Mapped[bool]
    is_draft: Mapped[bool]
    """Whether its commits become drafts."""
    paused_at: Mapped[datetime | None]
    sealed: Mapped[str] = mapped_column(LongText)
    """The secret that pushes are signed with."""
    seen_commit: Mapped[str] = mapped_column(default="")
    """The head of the branch that was tried last, however that ended: the same is not tried again by itself."""
    seen_tree: Mapped[str] = mapped_column(default="")
    """The same of the folder's tree: a commit that changes something else is none to try."""
    fetch_error: Mapped[JsonObject | None]
    """Why it could not be fetched when that was tried last."""
    commit_error: Mapped[JsonObject | None]
    """Why the commit that was tried last does not serve."""
    waiting: Mapped[JsonObject | None]
    """What was asked for while another operation on the app was under way."""
    waiting_since: Mapped[datetime | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class GitCredential(Base):
    """What a host of repositories is shown: for one app, or for all of them."""

    __tablename__ = "git_credentials"
    __table_args__ = (
        partial_index(
            "uq_git_credentials_of_app",
            "app_id",
            "origin",
            is_unique=True,
            where="app_id is not null",
        ),
        partial_index(
            "uq_git_credentials_of_host",
            "organization_id",
            "origin",
            is_unique=True,
            where="app_id is null",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str | None] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    origin: Mapped[str]
    """Whom it is for: never shown to another scheme, host or port."""
    username: Mapped[str]
    sealed: Mapped[str] = mapped_column(LongText)
    changed_at: Mapped[datetime]


class SourceCommit(Base):
    """One commit that was tried for an app, in the order in which they were."""

    __tablename__ = "source_commits"
    __table_args__ = (
        CheckConstraint("state in ('trying', 'released', 'unchanged', 'failed', 'cancelled')", name="state"),
        Index("ix_source_commits_app", "app_id", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id", ondelete="CASCADE"))
    operation_id: Mapped[str] = mapped_column(unique=True)
    commit: Mapped[str]
    tree: Mapped[str]
    ref: Mapped[str]
    author: Mapped[str] = mapped_column(LongText)
    subject: Mapped[str] = mapped_column(LongText)
    state: Mapped[str]
    trigger: Mapped[str]
    release: Mapped[int | None]
    error: Mapped[JsonObject | None]
    at: Mapped[datetime]
