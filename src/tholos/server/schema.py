"""Bringing the database's schema to this version. Alembic is loaded only where there is something to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from tholos.kit.db import Database
from tholos.kit.errors import Conflict

HEAD = "0009"
_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaTooNew(Conflict):
    """Cannot use this database: a newer Tholos has changed it."""

    code = "schema_too_new"


def upgrade(database: Database, *, to: str = HEAD) -> None:
    """Run the migrations that are missing up to a revision, all of them or none.

    Raises: SchemaTooNew.
    """
    if to not in _known_revisions():
        raise SchemaTooNew(
            f"Cannot make a database of schema {to[:20]}: this Tholos knows up to {HEAD}.",
            fix="Use the version of Tholos that the backup was taken with, or a newer one.",
        )
    with database.writer.connect() as connection:
        with connection.begin():
            current = _revision(connection)
        if current == to:
            return
        if current is not None and current not in _known_revisions():
            raise SchemaTooNew(
                f"Cannot use this database: its schema is {current}, and this Tholos knows up to {HEAD}.",
                fix="Start the version of Tholos that was used last, or restore a backup.",
            )
        _migrate(connection, to)


def check(database: Database) -> None:
    """Raises: SchemaTooNew: the database is another version's by now."""
    with database.reader.connect() as connection, connection.begin():
        current = _revision(connection)
    if current != HEAD:
        raise SchemaTooNew(
            f"Cannot use this database: its schema is {current}, and this Tholos knows {HEAD}."
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("select version_num from alembic_version"))
    return None if found is None else str(found)


def _known_revisions() -> set[str]:
    return {path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("*.py")}


def _migrate(connection: Connection, to: str) -> None:
    from alembic import command  # start-up time: ten megabytes that a running server has no use for
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    connection.commit()
