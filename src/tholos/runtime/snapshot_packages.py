"""A snapshot as packages lie in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tholos.runtime.own_wheels import Files
from tholos.store.model import SnapshotId
from tholos.store.store import Store


class SnapshotPackages(Files):
    """A snapshot as packages lie in it; nothing of it is read to know its hashes."""

    def __init__(self, store: Store, snapshot: SnapshotId) -> None:
        self._store = store
        self._snapshot = snapshot

    def below(self, path: str) -> Mapping[str, str]:
        start = f"{path}/" if path else ""
        return {
            file.path[len(start) :]: f"{file.sha256}{'x' if file.executable else ''}"
            for file in self._store.tree(self._snapshot).files
            if file.path.startswith(start) or file.path == path
        }

    def write(self, path: str, target: Path) -> None:
        with target.open("wb") as file:
            for piece in self._store.open(self._snapshot, path):
                file.write(piece)
