"""Alembic's environment: migrations run on the connection that ``tholos.server.schema`` hands over."""

from __future__ import annotations

from alembic import context

from tholos.kit.db import Base
from tholos.server import tables

tables.load()
connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
