"""bundles, the settings of an app that nothing was released of, and operations that wait for their turn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tholos.kit.db import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bundles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("snapshot", sa.String(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_bundles_organization_id")
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_bundles_app_id")),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name=op.f("fk_bundles_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundles")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_bundles_app_id"), "bundles", ["app_id"])
    op.execute(
        "INSERT INTO bundles (organization_id, app_id, author_id, snapshot, files, bytes, origin, said, created_at) "
        "SELECT organization_id, app_id, author_id, snapshot, files, bytes, '{}', '{}', created_at "
        "FROM releases WHERE origin = 'publish' ORDER BY created_at, id"
    )
    op.create_table(
        "connect_contents",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_connect_contents_app_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_connect_contents_organization_id")
        ),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_connect_contents")),
    )
    op.create_index(op.f("ix_connect_contents_name"), "connect_contents", ["name"])
    op.add_column("apps", sa.Column("first_settings", sa.JSON(), nullable=False, server_default="{}"))
    op.drop_index("uq_operations_under_way", "operations")
    op.create_index(
        "uq_operations_running",
        "operations",
        ["subject_id"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
