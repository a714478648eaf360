"""All rows of a database as lines of JSON, and back: the same of SQLite and of PostgreSQL, so that one becomes the other.

Tables are taken as they are in the database and not as this version declares them: a backup is restored at the schema it was
made at, and brought to this version's by the migrations.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SAWarning

from tholos.kit.db import Database

_BATCH = 500
_VERSION = "alembic_version"


@dataclass(frozen=True, slots=True)
class Moment:
    """A database as it is at one moment."""

    connection: Connection
    tables: Sequence[Table]
    """Those that others refer to first."""
    revision: str

    def lines(self, table: Table) -> Iterator[bytes]:
        """A table's rows, each an array of its columns' values."""
        columns = [cast(one, Text) if isinstance(one.type, JSON) else one for one in table.columns]
        chosen = select(*columns).order_by(*table.primary_key.columns)
        for row in self.connection.execution_options(yield_per=_BATCH).execute(chosen):
            yield json.dumps([_told(value) for value in row], ensure_ascii=False).encode()

    def last_numbers(self) -> dict[str, int]:
        """Of tables whose numbers are given out by the database, and never twice."""
        if self.connection.dialect.name == "sqlite":
            if not inspect(self.connection).has_table("sqlite_sequence"):
                return {}
            found = self.connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
            return {str(name): int(last) for name, last in found}
        return {
            table.name: self.connection.scalar(text(f"SELECT last_value FROM {sequence}")) or 0  # noqa: S608 - a name that the database has told
            for table in self.tables
            if (sequence := _sequence(self.connection, table))
        }


@contextmanager
def moment(database: Database) -> Iterator[Moment]:
    """The database as it is now, whatever is written meanwhile."""
    with database.reader.connect() as connection, connection.begin():
        revision = str(connection.scalar(text(f"SELECT version_num FROM {_VERSION}")))  # noqa: S608 - a constant
        yield Moment(connection, _tables(connection), revision)


def is_empty(database: Database) -> bool:
    """Whether there is no table in it."""
    with database.reader.connect() as connection, connection.begin():
        return not inspect(connection).get_table_names()


def fill(
    connection: Connection, lines_of: Mapping[str, Iterator[bytes]], columns: Mapping[str, Sequence[str]]
) -> int:
    """Put rows into tables that are there; returns how many.

    Args:
        connection: of a database with the schema that the rows were told at.
        lines_of: what ``lines`` gave, by table.
        columns: their names, in order, by table.

    Raises: KeyError, ValueError: they are of other tables.
    """
    count = 0
    for table in _tables(connection):
        connection.execute(table.delete())  # what migrations have put there is among the rows
        rows = _rows(table, columns[table.name], lines_of[table.name])
        statement = insert(table).values({one.name: _bound(one, connection) for one in table.columns})
        batch: list[dict[str, object]] = []
        for row in _parents_first(table, rows):
            batch.append(row)
            count += 1
            if len(batch) == _BATCH:
                connection.execute(statement, batch)
                batch = []
        if batch:
            connection.execute(statement, batch)
    return count


def set_last_numbers(connection: Connection, last: Mapping[str, int]) -> None:
    """Go on with the numbers where they were."""
    for table in _tables(connection):
        if not last.get(table.name):  # none was given out yet
            continue
        values = {"last": last[table.name], "table": table.name}
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), values)
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"), values)
        elif sequence := _sequence(connection, table):
            connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, **values})


def _tables(connection: Connection) -> list[Table]:
    metadata = MetaData()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of indexes on expressions, which are not asked for
        metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != _VERSION]


def _sequence(connection: Connection, table: Table) -> str:
    """What gives out a table's numbers on PostgreSQL; empty where nothing does."""
    (first, *others) = table.primary_key.columns
    if others or not isinstance(first.type, Integer):
        return ""
    found = connection.scalar(
        text("SELECT pg_get_serial_sequence(:table, :column)"),
        {"table": f'"{table.name}"', "column": first.name},
    )
    return str(found or "")


def _told(value: object) -> object:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _rows(table: Table, names: Sequence[str], lines: Iterator[bytes]) -> Iterator[dict[str, object]]:
    columns = [table.columns[name] for name in names]
    for line in lines:
        values = json.loads(line)
        yield {f"v_{one.name}": _read(one, value) for one, value in zip(columns, values, strict=True)}


def _read(column: Column[Any], value: Any) -> object:
    if value is None:
        return None
    if isinstance(column.type, DateTime):
        read = datetime.fromisoformat(value)
        return read if column.type.timezone else read.replace(tzinfo=None)
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    return base64.b64decode(value) if isinstance(column.type, LargeBinary) else value


def _bound(column: Column[Any], connection: Connection) -> Any:
    """JSON goes in as the text that it came out as: a null in it and no value are two things."""
    name = f"v_{column.name}"
    if not isinstance(column.type, JSON):
        return bindparam(name, type_=column.type)
    plain = bindparam(name, type_=Text())
    return plain if connection.dialect.name == "sqlite" else cast(plain, column.type)


def _parents_first(table: Table, rows: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Rows that refer to others of their table behind those."""
    own = [key for key in table.foreign_keys if key.column.table is table]
    if not own:
        yield from rows
        return
    (key,) = own
    parent, child = f"v_{key.column.name}", f"v_{key.parent.name}"
    waiting, done = [*rows], set[object]({None})
    while waiting:
        ready = [row for row in waiting if row[child] in done]
        waiting = [row for row in waiting if row[child] not in done]
        if not ready:
            msg = f"rows of {table.name} refer to each other in a circle"
            raise ValueError(msg)
        yield from ready
        done |= {row[parent] for row in ready}
