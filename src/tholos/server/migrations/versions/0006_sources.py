"""sources."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tholos.kit.db import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("subdirectory", sa.Text(), nullable=False),
        sa.Column("is_polled", sa.Boolean(), nullable=False),
        sa.Column("is_draft", sa.Boolean(), nullable=False),
        sa.Column("paused_at", UtcDateTime(), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("seen_commit", sa.String(), nullable=False),
        sa.Column("seen_tree", sa.String(), nullable=False),
        sa.Column("fetch_error", sa.JSON(), nullable=True),
        sa.Column("commit_error", sa.JSON(), nullable=True),
        sa.Column("waiting", sa.JSON(), nullable=True),
        sa.Column("waiting_since", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_sources_organization_id")
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_sources_app_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sources_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("app_id", name=op.f("uq_sources_app_id")),
    )
    with op.batch_alter_table("sources") as batch_op:
        batch_op.create_index(batch_op.f("ix_sources_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "ix_sources_waiting",
            ["waiting_since"],
            unique=False,
            sqlite_where=sa.text("waiting_since is not null"),
            postgresql_where=sa.text("waiting_since is not null"),
        )
    op.create_table(
        "git_credentials",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_git_credentials_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_git_credentials_app_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_git_credentials")),
    )
    with op.batch_alter_table("git_credentials") as batch_op:
        batch_op.create_index(
            "uq_git_credentials_of_app",
            ["app_id", "origin"],
            unique=True,
            sqlite_where=sa.text("app_id is not null"),
            postgresql_where=sa.text("app_id is not null"),
        )
        batch_op.create_index(
            "uq_git_credentials_of_host",
            ["organization_id", "origin"],
            unique=True,
            sqlite_where=sa.text("app_id is null"),
            postgresql_where=sa.text("app_id is null"),
        )
    op.create_table(
        "source_commits",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("commit", sa.String(), nullable=False),
        sa.Column("tree", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state in ('trying', 'released', 'unchanged', 'failed', 'cancelled')",
            name=op.f("ck_source_commits_state"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_source_commits_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_source_commits_app_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_commits")),
        sa.UniqueConstraint("operation_id", name=op.f("uq_source_commits_operation_id")),
    )
    with op.batch_alter_table("source_commits") as batch_op:
        batch_op.create_index("ix_source_commits_app", ["app_id", "id"], unique=False)
