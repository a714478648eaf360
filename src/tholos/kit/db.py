"""The database: SQLite or PostgreSQL by URL, one transaction per request or task, committed at the edge.

Code that only reads takes a :class:`ReadDb`, code that writes a :class:`WriteDb`; a writer may stand in for a reader.
There is one writer at a time, on PostgreSQL too and however many servers there are: what a transaction reads to decide
what it writes stays true until it commits, and no two wait for each other in the middle. Readers wait for nobody and see
one moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import JSON, DateTime, Dialect, Engine, Index, MetaData, String, Text, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeDecorator

from tholos.kit.errors import Unavailable
from tholos.kit.text import storable

JsonObject = dict[str, object]


class DatabaseFull(Unavailable):
    """Cannot write this down: the database's disk is full."""

    code = "disk_full"


def partial_index(name: str, *columns: str, where: str, is_unique: bool = False) -> Index:
    """Of the rows that a condition holds for. SQLAlchemy's own way loads the dialects of both databases to say so (2 MB)."""
    return Index(name, *columns, unique=is_unique, info={"where": where})


@compiles(CreateIndex)
def _create_index(creation: CreateIndex, compiler: DDLCompiler, **options: object) -> str:
    where = creation.element.info.get("where")
    created: str = compiler.visit_create_index(creation, **options)  # type: ignore[no-untyped-call]
    return f"{created} WHERE {where}" if where else created


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; naive times are refused instead of being guessed at."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without its zone reached the database"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class StoredText(TypeDecorator[str]):
    """Text; what no database takes is replaced, since much of it is written by programs that are not ours."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class LongText(StoredText):
    """Text of any length."""

    impl = Text
    cache_ok = True


class Base(DeclarativeBase):
    """Root of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: StoredText, datetime: UtcDateTime, JsonObject: JSON}  # noqa: RUF012 - SQLAlchemy's own way


class ReadDb(Session):
    """A session for reading."""


class WriteDb(ReadDb):
    """A session for one transaction; what must follow the commit is queued with :meth:`after_commit`."""

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run once the transaction is durable; dropped when it rolls back."""
        self.info.setdefault("after_commit", []).append(action)

    @property
    def has_changes(self) -> bool:
        """Whether anything was written in this transaction so far."""
        self.flush()
        return bool(self.info.get("changed"))


@event.listens_for(WriteDb, "after_flush")
def _note_changes(db: Session, _context: object) -> None:
    if db.new or db.deleted or any(db.is_modified(one) for one in db.dirty):
        db.info["changed"] = True


class Database:
    """The engines of one database.

    Args:
        url: ``sqlite:////path/to/file`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.on_commit: list[Callable[[Mapping[object, object]], None]] = []
        """Called after each commit with what its session's ``info`` says."""
        if self.is_sqlite:
            # One connection for writing, so that writers queue here instead of failing on a busy file.
            self.writer = self._sqlite_engine("BEGIN IMMEDIATE", pool_size=1, read_only=False)
            self.reader = self._sqlite_engine("BEGIN", pool_size=8, read_only=True)
        else:
            self.writer = self._postgres_engine(pool_size=1, read_only=False)
            self.reader = self._postgres_engine(pool_size=8, read_only=True)

    @contextmanager
    def read(self) -> Iterator[ReadDb]:
        with ReadDb(self.reader, autoflush=False) as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[WriteDb]:
        """One transaction: returning commits, raising rolls back.

        Raises: DatabaseFull.
        """
        with WriteDb(self.writer, expire_on_commit=False) as db:
            try:
                with db.begin():
                    yield db
            except OperationalError as error:
                if _is_full(error.orig):
                    raise DatabaseFull(fix="Free some space on the server's disk.") from error
                raise
            for action in db.info.get("after_commit", []):
                action()
            for told in self.on_commit:
                told(db.info)

    def close(self) -> None:
        self.writer.dispose()
        self.reader.dispose()

    def _postgres_engine(self, *, pool_size: int, read_only: bool) -> Engine:
        level = "REPEATABLE READ" if read_only else "READ COMMITTED"
        engine = create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            execution_options={"isolation_level": level, "postgresql_readonly": read_only},
        )
        if not read_only:

            @event.listens_for(engine, "begin")
            def start(connection: Connection) -> None:
                # Held until commit or rollback: the next writer, of whichever server, begins after that.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")

        return engine

    def _sqlite_engine(self, begin: str, *, pool_size: int, read_only: bool) -> Engine:
        engine = create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            connect_args={"check_same_thread": False, "timeout": 30, "isolation_level": None},
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            if read_only:
                connection.execute("PRAGMA query_only = ON")

        # The driver's own transaction handling begins too late for a read that decides a write.
        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine


def in_parts(keys: Collection[str]) -> Iterator[list[str]]:
    """As many at a time as every database takes in one statement."""
    ordered = list(keys)
    for start in range(0, len(ordered), 500):
        yield ordered[start : start + 500]


def _is_full(error: BaseException | None) -> bool:
    """SQLite says SQLITE_FULL, PostgreSQL disk_full (53100, appendix A of its manual)."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return getattr(error, "sqlstate", None) == "53100"


_WRITERS_LOCK = 0x74686F6C6F73  # "tholos"; advisory locks are numbers, one set for each database
# synchronous = FULL: what was acknowledged survives a power cut too.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 30000")
