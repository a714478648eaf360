"""Databases for tests, built by the real migrations: a copied file of SQLite, an emptied database of PostgreSQL."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Dialect, Engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry

from tholos.kit.db import Base, Database
from tholos.server import schema, tables


def build(url: str) -> str:
    """Run the migrations on a database; returns its URL."""
    tables.load()
    database = Database(url)
    try:
        schema.upgrade(database)
    finally:
        database.close()
    return url


def sqlite_template(folder: Path) -> Path:
    """A migrated file to copy; nothing of it is left in a write-ahead log."""
    path = folder / "template.db"
    build(f"sqlite:///{path}")
    return path


@contextlib.contextmanager
def sqlite_copy(template: Path, folder: Path) -> Iterator[Database]:
    path = folder / "tholos.db"
    shutil.copyfile(template, path)
    with opened(f"sqlite:///{path}") as database:
        # Nobody pulls the plug of a test.
        event.listen(database.writer, "connect", _without_waiting_for_the_disk)
        yield database


@contextlib.contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        for engine in (database.writer, database.reader):
            _share_statements(engine)
        yield database
    finally:
        database.close()


def empty(database: Database) -> None:
    """Remove every row of a PostgreSQL database, and leave its tables."""
    names = [table.name for table in Base.metadata.sorted_tables]
    # Truncating makes new files for every table and index, of which most are empty as they are.
    deletes = "; ".join(f'DELETE FROM "{name}"' for name in names)  # noqa: S608 - the names are our own
    with database.writer.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(deletes))


def _share_statements(engine: Engine) -> None:
    """Compile each statement once for all databases of a kind: it is most of what a short test would do."""
    known = _known(engine)
    engine.dialect = known.dialect
    engine.update_execution_options(compiled_cache=known.statements)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a dialect has learnt of its server, and what was compiled for it."""

    dialect: Dialect
    statements: dict[object, object] = field(default_factory=dict)


_KNOWN: dict[str, _Known] = {}


def _known(engine: Engine) -> _Known:
    name = engine.dialect.name
    if name not in _KNOWN:
        engine.connect().close()  # a dialect knows its server once it has met it
        _KNOWN[name] = _Known(engine.dialect)
    return _KNOWN[name]


def _without_waiting_for_the_disk(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA synchronous = OFF")
