"""What every kind of test may use: a clock to move, and databases of both kinds built by the real migrations."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tholos.kit.db import Database
from tholos.testing import databases, postgres
from tholos.testing.clock import TestClock
from tholos.testing.postgres import Postgres

# A machine that does other work is slow, and no test fails of that.
settings.register_profile("tholos", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tholos")

LONG = ("acceptance", "browser", "installation", "connect", "runtime", "docs")
"""Folders whose files take longest: they are begun first, or one worker is still busy with the last when all others rest."""
ON_BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the order was drawn by chance."""
    items.sort(
        key=lambda item: next((at for at, name in enumerate(LONG) if name in item.path.parts), len(LONG))
    )


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Environments for all processes of a run: what is the same is built and compiled once."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "workshop"


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
    with databases.opened(postgres_url) as database:
        databases.empty(database)
        yield database


@pytest.fixture(params=ON_BOTH)
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database; the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    found: Database = request.getfixturevalue(name)
    return found


# A run in the background of a shell is told to ignore Ctrl-C, and so would be every process that a test sends it to.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What could not run is named, and fails the run: only an interpreter that the machine lacks may be missing.

_OPTIONAL = "Cannot choose a Python"
_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if _OPTIONAL not in reason:
            _skipped.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in _skipped:
        terminalreporter.write_line(f"could not run: {name}", red=True)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are named by their argument: an archive made a second later is another one, and the test the same."""
    return argname if isinstance(val, bytes) else None
