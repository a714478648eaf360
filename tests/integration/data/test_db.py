"""Transactions: what commits, what rolls back, who waits for whom."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, StatementError

from tholos.accounts.models import Organization
from tholos.kit.db import Database
from tholos.testing.clock import START


def _add(db, name, at=START):
    db.add(Organization(id=f"org_{name}", name=name, created_at=at))


def _names(database: Database) -> list[str]:
    with database.read() as db:
        return sorted(db.scalars(select(Organization.name)))


def test_returning_commits(database):
    with database.write() as db:
        _add(db, "kept")
    assert _names(database) == ["kept"]


def test_raising_rolls_back(database):
    with pytest.raises(ZeroDivisionError), database.write() as db:  # noqa: PT012 - it is the transaction that raises
        _add(db, "lost")
        db.flush()
        raise ZeroDivisionError
    assert _names(database) == []


def test_after_commit_runs_once_all_is_durable(database):
    seen = []
    with database.write() as db:
        _add(db, "kept")
        db.after_commit(lambda: seen.append(_names(database)))
        assert seen == []
    assert seen == [["kept"]]


def test_after_commit_may_write_again(database):
    def again():
        with database.write() as db:
            _add(db, "second")

    with database.write() as db:
        _add(db, "first")
        db.after_commit(again)
    assert _names(database) == ["first", "second"]


def test_after_commit_is_dropped_on_rollback(database):
    seen = []
    with pytest.raises(ZeroDivisionError), database.write() as db:  # noqa: PT012 - it is the transaction that raises
        db.after_commit(lambda: seen.append(1))
        raise ZeroDivisionError
    assert seen == []


def test_after_commit_is_dropped_where_the_commit_itself_fails(database):
    seen = []
    with database.write() as db:
        _add(db, "one")
    with pytest.raises(DBAPIError), database.write() as db:  # noqa: PT012 - it is the transaction that raises
        _add(db, "one")
        db.after_commit(lambda: seen.append(1))
    assert seen == []


def test_a_reader_cannot_write(database):
    with database.read() as db, pytest.raises(DBAPIError, match=r"read-?only"):  # noqa: PT012 - it is the transaction that raises
        _add(db, "never")
        db.flush()


def test_a_reader_sees_one_moment(database):
    with database.read() as db:
        assert db.scalar(select(Organization.name)) is None
        _write(database, "later")
        assert db.scalar(select(Organization.name)) is None
    assert _names(database) == ["later"]


def test_times_are_utc_and_exact(database):
    there = datetime(2026, 7, 1, 14, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
    with database.write() as db:
        _add(db, "one", there)
    with database.read() as db:
        found = db.scalar(select(Organization.created_at))
    assert found == there
    assert found.tzinfo is UTC
    assert found.hour == 12


def test_times_without_zone_are_refused(database):
    naive = START.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without its zone"), database.write() as db:
        _add(db, "one", naive)


def test_what_was_read_can_be_used_after_its_session(database):
    with database.write() as db:
        written = Organization(id="org_a", name="a", created_at=START)
        db.add(written)
    with database.read() as db:
        read = db.get_one(Organization, "org_a")
    assert (written.name, read.name, read.created_at) == ("a", "a", START)


def test_reads_do_not_wait_for_a_long_writer(database):
    """More readers than any pool has connections, all while one writer has written and not committed."""
    with database.write() as db:
        _add(db, "before")
    began, may_end = threading.Event(), threading.Event()

    def write_slowly():
        with database.write() as db:
            _add(db, "during")
            db.flush()
            began.set()
            may_end.wait(30)

    writers = [threading.Thread(target=write_slowly) for _ in range(1)]
    # These wait for the first one, and must not take the readers' places while they do.
    waiting = [
        threading.Thread(target=lambda number=number: _write(database, f"after{number}"))
        for number in range(20)
    ]
    writers[0].start()
    assert began.wait(10)
    for thread in waiting:
        thread.start()
    try:
        started = time.monotonic()
        for _ in range(20):
            assert _names(database) == ["before"]
        seconds = time.monotonic() - started
    finally:
        may_end.set()
        for thread in [*writers, *waiting]:
            thread.join(30)
    assert seconds < 3, f"twenty reads took {seconds:.1f} s beside a writer"
    assert len(_names(database)) == 22


def _write(database, name):
    with database.write() as db:
        _add(db, name)


def test_writers_do_not_overwrite_each_other(database, at_once):
    """A read that decides a write sees what the writer before it committed."""
    with database.write() as db:
        _add(db, "0")

    def count_on():
        with database.write() as db:
            found = db.get_one(Organization, "org_0")
            time.sleep(0.002)
            found.name = str(int(found.name) + 1)

    results = at_once(*[count_on] * 12)
    assert results == [None] * 12
    assert _names(database) == ["12"]


def test_two_servers_do_not_overwrite_each_other(database, at_once):
    other = Database(database.url.render_as_string(hide_password=False))
    with database.write() as db:
        _add(db, "0")

    def count_on(which):
        with which.write() as db:
            found = db.get_one(Organization, "org_0")
            time.sleep(0.002)
            found.name = str(int(found.name) + 1)

    try:
        at_once(*[lambda which=which: count_on(which) for which in (database, other) * 4])
    finally:
        other.close()
    assert _names(database) == ["8"]
