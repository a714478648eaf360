import pytest

from tholos.testing.store import BackendContract, MemoryBackend


class TestMemoryBackend(BackendContract):
    @pytest.fixture
    def backend(self):
        return MemoryBackend()
