"""The table of deeds, and the closed list of what can be done. Entries are added; nothing changes or removes one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, JsonObject, LongText


class Action(StrEnum):
    """What was done. The words are an interface: filters, webhooks and exports use them."""

    # Signing in
    SIGNED_IN = "session.opened"
    SIGNED_OUT = "session.ended"
    SIGN_IN_REFUSED = "session.refused"
    SIGNED_OUT_EVERYWHERE = "session.all_ended"
    LINK_MADE = "link.made"
    DEVICE_APPROVED = "device.approved"
    DEVICE_REFUSED = "device.refused"
    TOKEN_MADE = "token.made"  # noqa: S105 - a word
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - a word
    TOKEN_EXPIRES = "token.expires"  # noqa: S105 - a word
    # People
    ACCOUNT_MADE = "account.made"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 - a word
    IDENTITY_LINKED = "account.identity_linked"
    IDENTITY_UNLINKED = "account.identity_unlinked"
    HANDED_OVER = "account.handed_over"
    GROUP_MADE = "group.made"
    GROUP_CHANGED = "group.changed"
    GROUP_REMOVED = "group.removed"
    MEMBER_ADDED = "group.member_added"
    MEMBER_REMOVED = "group.member_removed"
    INVITATION_MADE = "invitation.made"
    INVITATION_USED = "invitation.used"
    INVITATION_REVOKED = "invitation.revoked"
    # Apps
    APP_MADE = "app.made"
    APP_CHANGED = "app.changed"
    APP_DELETED = "app.deleted"
    APP_SHARED = "app.shared"
    APP_UNSHARED = "app.unshared"
    APP_HANDED_OVER = "app.handed_over"
    APP_SERVING = "app.serving"
    APP_FAILING = "app.failing"
    APP_RESTARTED = "app.restarted"
    INSTANCE_STOPPED = "app.instance_stopped"
    RESTART_FAILED = "app.restart_failed"
    ACCESS_REQUESTED = "access.requested"
    ACCESS_GRANTED = "access.granted"
    ACCESS_REFUSED = "access.refused"
    APP_TAGGED = "app.tagged"
    APP_UNTAGGED = "app.untagged"
    PATH_SET = "app.path_set"
    PATH_REMOVED = "app.path_removed"
    # Tags
    TAG_MADE = "tag.made"
    TAG_CHANGED = "tag.changed"
    TAG_REMOVED = "tag.removed"
    # Releases
    PUBLISH_BEGUN = "release.publish_begun"
    RELEASE_MADE = "release.made"
    RELEASE_FAILED = "release.failed"
    ACTIVATION_BEGUN = "release.activation_begun"
    ACTIVATION_FAILED = "release.activation_failed"
    RELEASE_ACTIVATED = "release.activated"
    RELEASE_ROLLED_BACK = "release.rolled_back"
    RELEASE_PINNED = "release.pinned"
    RELEASE_UNPINNED = "release.unpinned"
    RELEASE_REMOVED = "release.removed"
    DRAFT_MADE = "release.draft_made"
    DRAFT_DISCARDED = "release.draft_discarded"
    BUNDLE_ADDED = "bundle.added"
    BUNDLE_REMOVED = "bundle.removed"
    BUILD_BEGUN = "bundle.build_begun"
    ENVIRONMENTS_REMOVED = "environments.removed"
    DOWNLOADED = "release.downloaded"
    CONTENT_STORED = "content.stored"
    OPERATION_CANCELLED = "operation.cancelled"
    # Variables and secrets
    VARIABLE_SET = "variable.set"
    VARIABLE_REMOVED = "variable.removed"
    SECRET_SET = "secret.set"  # noqa: S105 - a word
    SECRET_REMOVED = "secret.removed"  # noqa: S105 - a word
    SECRET_SHARED = "secret.shared"  # noqa: S105 - a word
    SECRET_HANDED_OVER = "secret.handed_over"  # noqa: S105 - a word
    KEY_ROTATED = "secret.key_rotated"
    # Repositories
    SOURCE_SET = "source.set"
    SOURCE_REMOVED = "source.removed"
    SOURCE_PAUSED = "source.paused"
    SOURCE_RESUMED = "source.resumed"
    SOURCE_UPDATED = "source.updated"
    SOURCE_FAILED = "source.failed"
    SOURCE_SECRET_RENEWED = "source.secret_renewed"  # noqa: S105 - a word
    GIT_CREDENTIAL_SET = "git_credential.set"
    GIT_CREDENTIAL_REMOVED = "git_credential.removed"
    # Schedules
    SCHEDULE_SET = "schedule.set"
    SCHEDULE_REMOVED = "schedule.removed"
    SCHEDULE_PAUSED = "schedule.paused"
    SCHEDULE_RESUMED = "schedule.resumed"
    SCHEDULE_STOPPED = "schedule.stopped"
    # Telling others
    WEBHOOK_MADE = "webhook.made"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_REMOVED = "webhook.removed"
    WEBHOOK_TESTED = "webhook.tested"
    WEBHOOK_GIVEN_UP = "webhook.given_up"
    DELIVERY_REPEATED = "webhook.delivery_repeated"
    PREFERENCE_CHANGED = "notification.preference_changed"
    AUDIT_EXPORTED = "audit.exported"


class AuditEntry(Base):
    """One deed. ``id`` ascends in the order of commits: there is one writer at a time."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_subject", "subject_kind", "subject_id", "id"),
        Index("ix_audit_entries_actor", "actor_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    organization_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[str | None]
    """None where Tholos itself did it."""
    actor_name: Mapped[str]
    credential: Mapped[str]
    """Id of the session or token that it was done with."""
    address: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    subject_kind: Mapped[str]
    """``app``, ``account``, ``group`` …"""
    subject_id: Mapped[str]
    subject_name: Mapped[str]
    before: Mapped[JsonObject | None]
    after: Mapped[JsonObject | None]
    request_id: Mapped[str]
    note: Mapped[str] = mapped_column(LongText, default="")
