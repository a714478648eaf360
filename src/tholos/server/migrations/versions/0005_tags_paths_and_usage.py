"""tags, paths and usage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tholos.kit.db import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _add_tags()
    _add_paths()
    _add_visits()


def _add_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("serial", NUMBER, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_tags_organization_id")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["tags.id"], name=op.f("fk_tags_parent_id")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_tags")),
        sa.UniqueConstraint("id", name=op.f("uq_tags_id")),
        sa.UniqueConstraint("parent_id", "key", name=op.f("uq_tags_parent_id_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("tags") as batch_op:
        batch_op.create_index(
            "ix_tags_categories",
            ["organization_id", "key"],
            unique=True,
            sqlite_where=sa.text("parent_id is null"),
            postgresql_where=sa.text("parent_id is null"),
        )

    op.create_table(
        "app_tags",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("tag_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_app_tags_app_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_app_tags_organization_id")
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_app_tags_tag_id")),
        sa.PrimaryKeyConstraint("app_id", "tag_id", name=op.f("pk_app_tags")),
    )
    with op.batch_alter_table("app_tags") as batch_op:
        batch_op.create_index(batch_op.f("ix_app_tags_tag_id"), ["tag_id"], unique=False)


def _add_paths() -> None:
    op.create_table(
        "app_paths",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_app_paths_app_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_app_paths_organization_id")
        ),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_app_paths")),
        sa.UniqueConstraint("key", name=op.f("uq_app_paths_key")),
    )


def _add_visits() -> None:
    op.create_table(
        "page_visits",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_page_visits_account_id")),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_page_visits_app_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_page_visits_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_visits")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("page_visits") as batch_op:
        batch_op.create_index(batch_op.f("ix_page_visits_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_page_visits_at"), ["at"], unique=False)
        batch_op.create_index("ix_page_visits_app", ["app_id", "at"], unique=False)
