"""Databases for tests, built by the real migrations: a copied file of SQLite, an emptied database of PostgreSQL."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

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
        yield database


@contextlib.contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def empty(url: str) -> None:
    """Remove every row of a PostgreSQL database, and leave its tables."""
    names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with opened(url) as database, database.writer.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} CASCADE"))
