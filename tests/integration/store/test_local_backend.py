import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tholos.store.backends.local import LocalBackend
from tholos.store.errors import StoreUnusable
from tholos.testing.store import BackendContract

FULL = """
import resource, signal, sys
from pathlib import Path
from tholos.store.backends.local import LocalBackend
from tholos.store.errors import StoreFull
backend = LocalBackend(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    backend.put("packs/big", [bytes(600_000)] * 3)
except StoreFull as error:
    print(error.fix)
"""


class TestLocalBackend(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path):
        return LocalBackend(tmp_path / "store")


def test_a_full_disk_leaves_no_trace(tmp_path):
    """A limit on the size of files stands for the disk: the same way out, without needing a disk of our own."""
    answer = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=True
    )
    assert "Free some space" in answer.stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_killed_writers_left_is_cleared(tmp_path):
    backend = LocalBackend(tmp_path)
    left = tmp_path / ".unfinished" / "left"
    left.write_bytes(b"half")
    assert list(backend.blobs()) == []
    LocalBackend(tmp_path)
    assert left.exists(), "its writer may be alive"
    old = time.time() - 7200
    os.utime(left, (old, old))
    LocalBackend(tmp_path)
    assert not left.exists()


def test_a_place_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnusable, match="Cannot open the store"):
        LocalBackend(tmp_path / "file")


def test_a_range_closes_its_file(tmp_path):
    backend = LocalBackend(tmp_path)
    backend.put("x", [b"abc"])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        backend.open("x", 1, 1).close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
