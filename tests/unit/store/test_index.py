import pytest

from tholos.testing.store import IndexContract, MemoryIndex


class TestMemoryIndex(IndexContract):
    @pytest.fixture
    def index(self):
        return MemoryIndex()
