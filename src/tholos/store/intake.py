"""Bringing whole files into the store: cuts them, gathers chunks until a pack is full, hands over full packs."""

from __future__ import annotations

from collections.abc import Callable

from tholos.store import packs
from tholos.store.chunking import Reader, measure
from tholos.store.model import Chunk, File, Sha256

KeepChunks = Callable[[dict[Sha256, bytes]], None]
"""Keeps chunks whose hashes were just computed from their bytes."""


class Intake:
    """Takes files one after the other; `finish` hands over what is left. Not for several threads at once."""

    def __init__(self, keep: KeepChunks) -> None:
        self._keep = keep
        self._waiting: dict[Sha256, bytes] = {}
        self._size = 0

    def add_file(self, path: str, stream: Reader, *, executable: bool = False) -> File:
        return measure(path, stream, executable=executable, take=self.add_chunk)

    def add_chunk(self, chunk: Chunk, data: bytes) -> None:
        if chunk.sha256 in self._waiting:
            return
        if self._size + chunk.size > packs.MAX_BYTES or len(self._waiting) == packs.MAX_CHUNKS:
            self.finish()
        self._waiting[chunk.sha256] = data
        self._size += chunk.size

    def finish(self) -> None:
        if self._waiting:
            self._keep(self._waiting)
        self._waiting, self._size = {}, 0
