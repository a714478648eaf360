import pytest

from tholos.testing.store import memory_store


@pytest.fixture
def store():
    return memory_store()
