"""What every kind of test may use: a clock to move, and databases of both kinds built by the real migrations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tholos.kit.db import Database
from tholos.testing import databases, postgres
from tholos.testing.clock import TestClock
from tholos.testing.postgres import Postgres

ON_BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One server for each process of a test run. Where PostgreSQL is missing this fails, and says what is missing."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Postgres) -> str:
    return databases.build(postgres_server.create("tests"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.sqlite_template(tmp_path_factory.mktemp("database"))


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty database of SQLite, for what does not depend on the kind of database."""
    with databases.sqlite_copy(sqlite_template, tmp_path) as database:
        yield database


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[Database]:
    databases.empty(postgres_url)
    with databases.opened(postgres_url) as database:
        yield database


@pytest.fixture(params=ON_BOTH)
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database; the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    found: Database = request.getfixturevalue(name)
    return found
