"""schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tholos.kit.db import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("recurrence", sa.JSON(), nullable=False),
        sa.Column("start_at", UtcDateTime(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("paused_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("operation_id", sa.String(), nullable=True),
        sa.Column("skipped", sa.JSON(), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_schedules_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_schedules_app_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_schedules_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("app_id", name=op.f("uq_schedules_app_id")),
    )
    with op.batch_alter_table("schedules") as batch_op:
        batch_op.create_index(batch_op.f("ix_schedules_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "ix_schedules_next",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("next_at is not null"),
            postgresql_where=sa.text("next_at is not null"),
        )
