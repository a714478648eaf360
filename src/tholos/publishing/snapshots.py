"""A snapshot as detection reads it, and what is decided on it before anything is recorded."""

from __future__ import annotations

from tholos.detect.model import FileTree
from tholos.kit.db import JsonObject
from tholos.publishing import service as publishing
from tholos.publishing.service import Decided, Wish
from tholos.runtime.interpreters import Interpreters
from tholos.store.errors import TooMuch
from tholos.store.model import SnapshotId, Tree
from tholos.store.store import Store


class SnapshotFiles(FileTree):
    """A snapshot as detection reads it."""

    def __init__(self, store: Store, snapshot: SnapshotId, tree: Tree) -> None:
        self._store = store
        self._snapshot = snapshot
        self._sizes = {file.path: file.size for file in tree.files}

    def paths(self) -> list[str]:
        return list(self._sizes)

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        try:
            return self._store.read(self._snapshot, path, limit)
        except TooMuch:
            return self._first(path, limit)

    def _first(self, path: str, limit: int) -> bytes:
        start = bytearray()
        for piece in self._store.open(self._snapshot, path):
            start += piece
            if len(start) >= limit:
                break
        return bytes(start[:limit])


def decide_on(store: Store, wish: Wish, remembered: JsonObject, interpreters: Interpreters) -> Decided:
    """What a snapshot that is here is published as.

    Raises: Invalid: what a person must mend first.
    """
    snapshot = SnapshotId(wish.snapshot)
    tree = store.tree(snapshot)
    files = SnapshotFiles(store, snapshot, tree)
    return publishing.decide(files, (len(tree.files), tree.size), wish, remembered, interpreters)
