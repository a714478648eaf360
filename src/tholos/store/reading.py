"""Reading chunks back, each verified: neighbours in one pack are read as one range."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice

from tholos.store.backends.protocol import Backend
from tholos.store.chunking import hash_of, read_fully
from tholos.store.errors import StoreDamaged, UnknownBlob
from tholos.store.index import Index, Location
from tholos.store.model import Chunk, Sha256

_BATCH = 4096
_GAP = 64 * 1024
"""Bytes between two chunks that are cheaper read over than skipped by opening another range."""


class ChunkReader:
    """Reads chunks out of packs; safe from many threads."""

    def __init__(self, backend: Backend, index: Index) -> None:
        self._backend = backend
        self._index = index

    def read_in_order(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Sha256, bytes]]:
        """Yield the chunks in the order given.

        Raises:
            StoreDamaged: a chunk is not where it should be, or its bytes do not have its hash.
        """
        return self._read(chunks, list)

    def read_quickly(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Sha256, bytes]]:
        """Yield the chunks, every one once, in the order in which they lie in their packs."""
        distinct = dict.fromkeys(chunk.sha256 for chunk in chunks)
        return self._read((Chunk(name, 0) for name in distinct), _sorted_by_place)

    def _read(
        self, chunks: Iterable[Chunk], arrange: Callable[[Iterable[Location]], list[Location]]
    ) -> Iterator[tuple[Sha256, bytes]]:
        hashes = (chunk.sha256 for chunk in chunks)
        while batch := list(islice(hashes, _BATCH)):
            found = self._index.locate(frozenset(batch))
            missing = next((name for name in batch if name not in found), None)
            if missing:
                raise _damaged(missing, "it is in no pack")
            for run in _runs(arrange(found[name] for name in batch)):
                yield from self._read_run(run)

    def _read_run(self, run: Sequence[Location]) -> Iterator[tuple[Sha256, bytes]]:
        start, end = run[0].offset, run[-1].offset + run[-1].size
        try:
            source = self._backend.open(run[0].pack, start, end - start)
        except UnknownBlob:
            yield from map(self._read_again, run)
            return
        with closing(source):
            position = start
            for each in run:
                read_fully(source, each.offset - position)
                data = read_fully(source, each.size)
                position = each.offset + each.size
                yield (each.sha256, data) if hash_of(data) == each.sha256 else self._read_again(each)

    def _read_again(self, stale: Location) -> tuple[Sha256, bytes]:
        """A chunk may have moved to another pack since it was located; look once more before calling it damaged."""
        name = stale.sha256
        now = self._index.locate((name,)).get(name)
        if not now:
            raise _damaged(name, "it is in no pack")
        try:
            with closing(self._backend.open(now.pack, now.offset, now.size)) as source:
                data = read_fully(source, now.size)
        except UnknownBlob as error:
            raise _damaged(name, f"its pack {now.pack} is missing") from error
        if hash_of(data) != name:
            raise _damaged(name, f"its bytes in {now.pack} at {now.offset} have another hash")
        return name, data


def _sorted_by_place(found: Iterable[Location]) -> list[Location]:
    return sorted(found, key=lambda each: (each.pack, each.offset))


def _runs(found: Iterable[Location]) -> Iterator[list[Location]]:
    """Group locations, in order, so that each group can be read forwards out of one pack."""
    run: list[Location] = []
    for each in found:
        if run and not (
            each.pack == run[-1].pack and 0 <= each.offset - run[-1].offset - run[-1].size <= _GAP
        ):
            yield run
            run = []
        run.append(each)
    if run:
        yield run


def _damaged(sha256: Sha256, reason: str) -> StoreDamaged:
    return StoreDamaged(
        f"Cannot read the chunk {sha256}: {reason}.",
        fix="Restore the store from a backup, or publish the files again.",
        where=sha256,
    )
