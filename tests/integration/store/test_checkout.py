import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tholos.store import checkout, folder
from tholos.store.backends.local import LocalBackend
from tholos.store.checkout import record_of
from tholos.store.errors import DestinationExists
from tholos.store.model import Scope, Tree
from tholos.store.sqlite_index import SqliteIndex
from tholos.store.store import Store

A = Scope("a")
BIG = 300_000


def bring(store: Store, source: Path, scope: Scope = A):
    scan = folder.scan(source)
    intake = store.intake(scope)
    for file in scan.tree.files:
        for chunk, (_, data) in zip(
            file.chunks, scan.read_chunks(c.sha256 for c in file.chunks), strict=True
        ):
            intake.add_chunk(chunk, data)
    intake.finish()
    return store.add_snapshot(scope, scan.tree)


def put(root: Path, path: str, data: bytes, mode: int = 0o644) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(data)
    (root / path).chmod(mode)


def test_a_checkout_is_what_was_scanned(store, source, tmp_path):
    put(source, "app.py", b"print()")
    put(source, "d/run", b"#!", 0o755)
    put(source, "d/big", os.urandom(3_000_000))
    put(source, "same", b"print()")
    put(source, "empty", b"")
    snapshot = bring(store, source)
    old = os.umask(0o077)
    try:
        store.checkout(snapshot, tmp_path / "out")
    finally:
        os.umask(old)
    assert folder.scan(tmp_path / "out").tree == store.tree(snapshot)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out").rglob("*")}
    assert modes == {"app.py": 0o644, "d": 0o755, "run": 0o755, "big": 0o644, "same": 0o644, "empty": 0o644}


def test_nothing_is_replaced(store, source, tmp_path):
    put(source, "x", b"x")
    snapshot = bring(store, source)
    (tmp_path / "out").mkdir()
    with pytest.raises(DestinationExists):
        store.checkout(snapshot, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_damage_leaves_no_folder(store, source, tmp_path):
    put(source, "x", b"x" * 50)
    snapshot = bring(store, source)
    (pack,) = [path for path in (tmp_path / "store/packs").rglob("*") if path.is_file()]
    pack.write_bytes(pack.read_bytes()[:-1] + b"y")
    before = set(tmp_path.iterdir())
    with pytest.raises(Exception, match="another hash"):
        store.checkout(snapshot, tmp_path / "out")
    assert set(tmp_path.iterdir()) == before


def test_a_later_checkout_shares_no_file_with_an_earlier_one(store, source, tmp_path):
    """Whoever writes in one folder changes that one only, whether the file system clones or not."""
    for name in ("same", "touched", "executable"):
        put(source, name, os.urandom(BIG), 0o755 if name == "executable" else 0o644)
    one, two = tmp_path / "1", tmp_path / "2"
    store.checkout(bring(store, source), one)
    (one / "touched").write_bytes(b"written by the app")
    put(source, "moved", (source / "same").read_bytes())
    snapshot = bring(store, source)
    store.checkout(snapshot, two, like=one)
    assert folder.scan(two).tree == store.tree(snapshot)
    (two / "same").write_bytes(b"written by the app")
    assert (one / "same").read_bytes() == (source / "same").read_bytes()
    assert record_of(two).is_file()


def test_without_a_record_all_is_written(store, source, tmp_path):
    put(source, "big", os.urandom(BIG))
    snapshot = bring(store, source)
    store.checkout(snapshot, tmp_path / "1")
    record_of(tmp_path / "1").write_text('{"big": [1')
    store.checkout(snapshot, tmp_path / "2", like=tmp_path / "1")
    assert (tmp_path / "2/big").stat().st_nlink == 1


def test_what_a_killed_checkout_left_is_cleared(store, source, tmp_path):
    put(source, "x", b"x")
    snapshot = bring(store, source)
    left = tmp_path / ".unfinished-left"
    left.mkdir()
    os.utime(left, (1, 1))
    store.checkout(snapshot, tmp_path / "out")
    assert not left.exists()


def test_what_has_its_name_is_finished_and_on_the_disk(store, source, tmp_path, monkeypatch):
    """After a power cut a folder that is there is taken for whole."""
    put(source, "d/x", b"x")
    destination, flush, seen = tmp_path / "out", checkout.flush, []

    def watched(folder: Path) -> None:
        seen.append((destination.exists(), {path.name: path.stat().st_size for path in folder.rglob("*x")}))
        flush(folder)

    monkeypatch.setattr(checkout, "flush", watched)
    snapshot = bring(store, source)
    store.checkout(snapshot, destination, finish=lambda folder: put(folder, "finished-x", b"yes"))
    assert seen == [(False, {"x": 1, "finished-x": 3})]
    assert (destination / "finished-x").read_bytes() == b"yes"


def test_what_cannot_be_flushed_is_told(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        checkout.flush(tmp_path / "missing")
    monkeypatch.setattr(checkout.os, "open", lambda *_: 999)
    monkeypatch.setattr(checkout.os, "close", lambda _: None)
    with pytest.raises(OSError, match="Bad file descriptor"):
        checkout.flush(tmp_path)


PATHS = st.from_regex(r"[a-cé ]{1,3}(/[d-f.]{0,3}x){0,2}", fullmatch=True)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(PATHS, st.tuples(st.binary(max_size=100), st.booleans()), max_size=6))
def test_folder_to_store_to_checkout(store, tmp_path, files):
    base = tmp_path / str(time.monotonic_ns())
    (base / "in").mkdir(parents=True)
    for path, (data, executable) in files.items():
        try:
            put(base / "in", path, data, 0o755 if executable else 0o644)
        except OSError:
            return
    snapshot = bring(store, base / "in")
    store.checkout(snapshot, base / "out")
    assert folder.scan(base / "out").tree == store.tree(snapshot)


def test_many_threads_at_once(store, tmp_path):
    """Eight scopes send partly the same, check it out and collect, all at the same time."""

    def work(number: int) -> None:
        source = tmp_path / f"in{number}"
        for each in range(5):
            put(source, f"own{each}", f"{number}.{each}".encode())
            put(source, f"shared{each}", bytes([each]) * 1000)
        snapshot = bring(store, source, Scope(str(number)))
        store.checkout(snapshot, tmp_path / f"out{number}")
        assert folder.scan(tmp_path / f"out{number}").tree == store.tree(snapshot)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert threading.active_count() < 20


MEMORY = """
import io, os, resource, sys
from pathlib import Path
from tholos.store.backends.local import LocalBackend
from tholos.store.model import Scope, Tree
from tholos.store.sqlite_index import SqliteIndex
from tholos.store.store import Store
class Noise:
    left = 80_000_000
    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        return os.urandom(size)
base = Path(sys.argv[1])
store = Store(LocalBackend(base / "store"), SqliteIndex(base / "index.db"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
intake = store.intake(Scope("a"))
file = intake.add_file("big", Noise())
intake.finish()
snapshot = store.add_snapshot(Scope("a"), Tree.of([file]))
store.checkout(snapshot, base / "out")
store.close()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_stays_small(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path], capture_output=True, text=True, check=True
    )
    assert int(answer.stdout) < 64
    assert (tmp_path / "out/big").stat().st_size == 80_000_000


def test_two_processes_share_a_store(store, source, tmp_path):
    put(source, "x", b"x")
    snapshot = bring(store, source)
    other = Store(LocalBackend(tmp_path / "store"), SqliteIndex(tmp_path / "index.db"))
    assert other.tree(snapshot) == store.tree(snapshot)
    assert other.add_snapshot(A, Tree.of(store.tree(snapshot).files)) == snapshot
    other.close()
