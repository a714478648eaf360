import sqlite3

import pytest

from tholos.store.errors import StoreDamaged, StoreUnusable
from tholos.store.model import Scope
from tholos.store.sqlite_index import SqliteIndex
from tholos.testing.store import IndexContract


class TestSqliteIndex(IndexContract):
    @pytest.fixture
    def index(self, tmp_path):
        index = SqliteIndex(tmp_path / "index.db")
        yield index
        index.close()


def test_an_index_of_a_later_version_is_refused(tmp_path):
    db = sqlite3.connect(tmp_path / "index.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreUnusable, match="form 99"):
        SqliteIndex(tmp_path / "index.db")


def test_a_file_that_is_no_index_is_refused(tmp_path):
    (tmp_path / "index.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreDamaged):
        SqliteIndex(tmp_path / "index.db")


def test_a_place_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(StoreUnusable, match=r"missing/index\.db"):
        SqliteIndex(tmp_path / "missing" / "index.db")


def test_stays_after_closing(tmp_path):
    first = SqliteIndex(tmp_path / "index.db")
    first.record(Scope("a"), [], None, [], at=1)
    first.close()
    second = SqliteIndex(tmp_path / "index.db")
    assert second.pack_names() == set()
    second.close()
