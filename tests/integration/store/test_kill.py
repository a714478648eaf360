"""A process that is killed at any moment loses nothing that it acknowledged."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from tholos.store.backends.local import LocalBackend
from tholos.store.chunking import hash_of
from tholos.store.errors import UnknownSnapshot
from tholos.store.model import Scope, SnapshotId
from tholos.store.sqlite_index import SqliteIndex
from tholos.store.store import Store

# Adds snapshots of three chunks, of which every second one is dropped and collected; says `+ ID` and `- ID` when it is done.
CHILD = """
import io, os, sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tholos.store import packs
from tholos.store.backends.local import LocalBackend
from tholos.store.chunking import hash_of
from tholos.store.model import Chunk, File, Scope, Tree, SnapshotId
from tholos.store.sqlite_index import SqliteIndex
from tholos.store.store import Store
def file_of(path, *parts):
    whole = b"".join(parts)
    return File(path, len(whole), hash_of(whole), False, tuple(Chunk(hash_of(part), len(part)) for part in parts))
base, scope = Path(sys.argv[1]), Scope("a")
kept = sys.argv[2:]
store = Store(LocalBackend(base / "store"), SqliteIndex(base / "index.db"))
for number in range(100000):
    datas = [os.urandom(2000), b"shared", os.urandom(3000)]
    store.add_pack(scope, io.BytesIO(b"".join(packs.encode((hash_of(d), d) for d in datas))))
    store.add_pack(scope, io.BytesIO(b"".join(packs.encode((hash_of(d), d) for d in [os.urandom(9000), datas[0]]))))
    snapshot = store.add_snapshot(scope, Tree.of([file_of("x", *datas), file_of("y", datas[0])]))
    print("+", snapshot, flush=True)
    kept.append(snapshot)
    if number % 2:
        dropped = kept.pop()
        print("-", dropped, flush=True)
        store.collect(map(SnapshotId, kept), datetime.now(timezone.utc) + timedelta(hours=1), timedelta(0))
"""


def run_until_killed(base, kept, seconds):
    child = subprocess.Popen([sys.executable, "-c", CHILD, base, *kept], stdout=subprocess.PIPE, text=True)
    try:
        first = child.stdout.readline()
        time.sleep(seconds)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        rest, _ = child.communicate()
    for line in (first + rest).splitlines():
        sign, name = line.split()
        if sign == "+":
            kept.append(name)
        elif name in kept:
            kept.remove(name)


@pytest.mark.parametrize("seed", range(2))
def test_kill_loses_nothing_acknowledged(tmp_path, seed):
    chance = random.Random(seed)  # noqa: S311  # reproducible moments
    kept: list[str] = []
    for _ in range(4):
        run_until_killed(tmp_path, kept, chance.uniform(0, 0.4))
        store = Store(LocalBackend(tmp_path / "store"), SqliteIndex(tmp_path / "index.db"))
        for name in kept:
            snapshot = SnapshotId(name)
            for file in store.tree(snapshot).files:
                whole = b"".join(store.open(snapshot, file.path))
                assert hash_of(whole) == file.sha256
        store.close()
    assert kept
    collect_to_nothing(tmp_path, kept)


def collect_to_nothing(base, kept):
    """After the kills a few collections leave what is kept, and then nothing."""
    store = Store(LocalBackend(base / "store"), SqliteIndex(base / "index.db"))
    future = datetime.now(UTC) + timedelta(hours=1)
    for _ in range(2):
        report = store.collect(map(SnapshotId, kept), future, timedelta(0))
        assert (report.unknown, report.damaged) == ((), ())
    assert sorted(store.snapshots(Scope("a"))) == sorted(kept)
    for _ in range(2):
        store.collect([], future, timedelta(0))
    assert [path for path in (base / "store" / "packs").rglob("*") if path.is_file()] == []
    with pytest.raises(UnknownSnapshot):
        store.tree(SnapshotId(kept[0]))
    store.close()
