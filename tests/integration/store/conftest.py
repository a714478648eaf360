import pytest

from tholos.store.backends.local import LocalBackend
from tholos.store.sqlite_index import SqliteIndex
from tholos.store.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(LocalBackend(tmp_path / "store"), SqliteIndex(tmp_path / "index.db"))
    yield store
    store.close()


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder
