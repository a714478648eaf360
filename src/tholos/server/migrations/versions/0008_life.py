"""Instances' life: how an app's live, and which releases sleep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tholos.kit.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOVED = {
    "min_processes": "min_instances",
    "max_processes": "max_instances",
    "max_conns_per_process": "connections",
    "idle_timeout": "idle_timeout_s",
}
"""What was kept for one wire alone, and now holds: by its name there."""


def upgrade() -> None:
    with op.batch_alter_table("apps") as batch_op:
        batch_op.add_column(sa.Column("life", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    with op.batch_alter_table("pointers") as batch_op:
        batch_op.add_column(sa.Column("asleep_at", UtcDateTime(), nullable=True))
    _move_settings()


def _move_settings() -> None:
    apps = sa.table("apps", sa.column("id", sa.String()), sa.column("life", sa.JSON()))
    contents = sa.table(
        "connect_contents", sa.column("app_id", sa.String()), sa.column("settings", sa.JSON())
    )
    bind = op.get_bind()
    for app_id, settings in bind.execute(sa.select(contents.c.app_id, contents.c.settings)).all():
        said = settings or {}
        life = {new: said[old] for old, new in MOVED.items() if said.get(old) is not None}
        if not life.keys() and not MOVED.keys() & said.keys():
            continue
        rest = {key: value for key, value in said.items() if key not in MOVED}
        bind.execute(sa.update(apps).where(apps.c.id == app_id).values(life=life))
        bind.execute(sa.update(contents).where(contents.c.app_id == app_id).values(settings=rest))
