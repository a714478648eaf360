"""The store: send chunks, point at them with a snapshot, read it back.

*Do you have this?* is answered within one scope only, and a scope owns a chunk only after sending its bytes; that the same
bytes are kept once for everybody shows nowhere. Who may use which scope and snapshot is the caller's to decide.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tholos.store import checkout, collecting, exporting, packs, trees
from tholos.store.backends.protocol import Backend
from tholos.store.checkout import Finish
from tholos.store.chunking import Reader
from tholos.store.errors import BadHash, BadTree, MissingChunks, TooMuch, UnknownFile, UnknownSnapshot
from tholos.store.index import Index, Location, PackUse, Size, Usage
from tholos.store.intake import Intake
from tholos.store.model import File, Scope, Sha256, SnapshotId, Tree
from tholos.store.reading import ChunkReader

MAX_ASKED = 10_000

_IN_MEMORY = 1024 * 1024
_REMEMBERED_TREES = 8
_REMEMBERED_FILES = 5_000

Chunks = Mapping[Sha256, tuple[int, Callable[[], bytes]]]
"""Chunks that were just verified: size and a way to get the bytes."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What arrived in a pack; `size` counts the bytes of its chunks. Says nothing about what was there before."""

    chunks: int
    size: int


class Store:
    """Content over a backend for bytes and an index; safe from many threads and processes.

    Any method may raise `StoreUnusable` or `StoreFull`, and every one that reads `StoreDamaged`, never wrong bytes.
    """

    def __init__(self, backend: Backend, index: Index, *, clock: Callable[[], float] = time.time) -> None:
        self._backend = backend
        self._index = index
        self._clock = clock
        self._reader = ChunkReader(backend, index)
        self._trees: OrderedDict[SnapshotId, Tree] = OrderedDict()
        self._remembering = threading.Lock()

    def close(self) -> None:
        self._index.close()

    def missing(self, scope: Scope, hashes: Collection[str]) -> list[Sha256]:
        """Those of at most 10,000 chunks that the scope has to send, in the order asked.

        Raises:
            BadHash: a name is not a SHA-256.
            TooMuch: more than 10,000 names.
        """
        if len(hashes) > MAX_ASKED:
            raise TooMuch(
                f"Cannot look for {len(hashes)} chunks at once.", fix=f"Ask for {MAX_ASKED} at a time."
            )
        for name in hashes:
            if not trees.is_hash(name):
                raise BadHash(f"Cannot look for {name!r}: it is not a SHA-256 in lower-case hexadecimal.")
        asked = [Sha256(name) for name in dict.fromkeys(hashes)]
        owned = self._index.owned(scope, asked)
        return [name for name in asked if name not in owned]

    def add_pack(self, scope: Scope, stream: Reader) -> Receipt:
        """Keep the chunks of a pack; all of them, durably, or none.

        Raises:
            BadPack: the pack is truncated, over a limit or has a wrong hash.
        """
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            chunks: dict[Sha256, tuple[int, Callable[[], bytes]]] = {}
            for record in packs.read(stream):
                chunks[record.sha256] = (len(record.data), _later(spool, spool.tell(), len(record.data)))
                spool.write(record.data)
            self._keep(scope, chunks)
        return Receipt(len(chunks), sum(size for size, _ in chunks.values()))

    def intake(self, scope: Scope) -> Intake:
        """A way to bring in whole files from this side, without packs; the files still need `add_snapshot`."""

        def keep(found: Mapping[Sha256, bytes]) -> None:
            owned = self._index.owned(scope, found.keys())
            fresh = {name: data for name, data in found.items() if name not in owned}
            self._keep(scope, {name: (len(data), partial(bytes, data)) for name, data in fresh.items()})

        return Intake(keep)

    def add_snapshot(self, scope: Scope, tree: Tree) -> SnapshotId:
        """Keep a tree whose chunks the scope has sent; a file of several chunks is read once to verify its hash.

        Raises:
            BadPath: a path is not canonical.
            BadTree: the tree contradicts itself or the bytes of its chunks.
            MissingChunks: chunks that the scope does not own; nothing was kept.
        """
        trees.check(tree)
        self._check_chunks(scope, tree)
        proofs = self._prove(tree)
        missing = self._index.add_snapshot(scope, tree, proofs, at=self._clock())
        if missing:
            raise MissingChunks(missing)
        return tree.id

    def tree(self, snapshot: SnapshotId) -> Tree:
        """The files of a snapshot.

        Raises:
            UnknownSnapshot: there is none of this id.
        """
        with self._remembering:
            if snapshot in self._trees:
                self._trees.move_to_end(snapshot)
                return self._trees[snapshot]
        tree = self._index.find_tree(snapshot)
        if not tree:
            raise UnknownSnapshot(
                f"Cannot find the snapshot {snapshot}: it was never kept, or it was removed."
            )
        if len(tree.files) <= _REMEMBERED_FILES:
            self._remember(snapshot, tree)
        return tree

    def has_snapshot(self, scope: Scope, snapshot: SnapshotId) -> bool:
        """Whether the scope made this snapshot: what others made is not told."""
        return self._index.has_snapshot(scope, snapshot)

    def snapshots(self, scope: Scope) -> list[SnapshotId]:
        return self._index.snapshots(scope)

    def open(self, snapshot: SnapshotId, path: str) -> Iterator[bytes]:
        """The bytes of a file, chunk by chunk, each verified before it is given out.

        Raises:
            UnknownSnapshot: there is none of this id.
            UnknownFile: the snapshot has no such file.
        """
        return self._bytes_of(self._find_file(snapshot, path))

    def read(self, snapshot: SnapshotId, path: str, limit: int) -> bytes:
        """All bytes of a file that has at most `limit` of them.

        Raises:
            TooMuch: the file is larger.
            UnknownSnapshot, UnknownFile: as for `open`.
        """
        file = self._find_file(snapshot, path)
        if file.size > limit:
            raise TooMuch(
                f"Cannot read {path!r} at once: it has {file.size} bytes, the limit is {limit}.", where=path
            )
        return b"".join(self._bytes_of(file))

    def checkout(
        self,
        snapshot: SnapshotId,
        destination: Path,
        like: Path | None = None,
        finish: Finish | None = None,
    ) -> None:
        """Write a snapshot into a new folder, which appears at once and whole, and is on the disk then.

        `like` is an earlier checkout: large files that are in it and untouched since share their blocks where the file
        system can. `finish` is called with the folder before that has its name.

        Raises:
            DestinationExists: there is something at the destination.
            StoreFull: there is no room; nothing is left behind.
        """
        checkout.write(self._reader, self.tree(snapshot), destination, like, finish)

    def export_tar(self, snapshot: SnapshotId, out: BinaryIO, *, compressed: bool = True) -> None:
        """Write the snapshot as a tar; the same snapshot always gives the same bytes."""
        exporting.write_tar(self._reader, self.tree(snapshot), out, compressed=compressed)

    def stream_tar(
        self, snapshot: SnapshotId, last: exporting.LastMembers, *, without: Collection[str] = ()
    ) -> Iterator[bytes]:
        """The snapshot as a gzipped tar, piece by piece; `last` gives what stands at its end, from all files' MD5."""
        kept = Tree(tuple(file for file in self.tree(snapshot).files if file.path not in without))
        return exporting.stream_tar(self._reader, kept, last)

    def checksums(self, snapshot: SnapshotId) -> dict[str, str]:
        """The MD5 of every file; reads all of them."""
        return exporting.checksums(self._reader, self.tree(snapshot))

    def collect(self, keep: Iterable[SnapshotId], now: datetime, grace: timedelta) -> collecting.Report:
        """Remove what no kept snapshot needs and what was not sent or added within the grace period before `now`.

        `keep` names the snapshots of all scopes; younger ones are kept without being named.
        """
        report = collecting.collect(
            self._backend, self._index, self._reader, frozenset(keep), (now - grace).timestamp(), self._clock
        )
        with self._remembering:
            self._trees.clear()
        return report

    def rebuild(self) -> int:
        """Find again, by reading all packs, where chunks lie; for an index that lost them. Returns the packs read."""
        return collecting.adopt_all(self._backend, self._index, self._clock())

    def usage(self, scope: Scope) -> Usage:
        return self._index.usage(scope)

    def size(self) -> Size:
        """What is kept in all, as packed."""
        return self._index.size()

    def _keep(self, scope: Scope, chunks: Chunks) -> None:
        """Write what nobody has, then record all; again, if the rest was collected in between."""
        known = self._index.locate(chunks.keys())
        unwritten = chunks.keys() - known.keys()
        while chunks:
            pack, found = self._write_pack({name: chunks[name] for name in chunks if name in unwritten})
            unwritten = self._index.record(scope, chunks.keys(), pack, found, at=self._clock())
            if not unwritten:
                return

    def _write_pack(self, chunks: Chunks) -> tuple[PackUse | None, list[Location]]:
        if not chunks:
            return None, []
        name = collecting.new_pack_name()
        size = self._backend.put(name, packs.encode((sha256, read()) for sha256, (_, read) in chunks.items()))
        found, position = [], 0
        for sha256, (length, _) in chunks.items():
            found.append(Location(sha256, name, position + packs.HEADER_SIZE, length))
            position += packs.HEADER_SIZE + length
        return PackUse(name, size), found

    def _check_chunks(self, scope: Scope, tree: Tree) -> None:
        claimed = {chunk.sha256: chunk.size for file in tree.files for chunk in file.chunks}
        owned = self._index.owned(scope, claimed.keys())
        missing = claimed.keys() - owned.keys()
        if missing:
            raise MissingChunks(missing)
        for file in tree.files:
            if any(owned[chunk.sha256] != chunk.size for chunk in file.chunks):
                raise BadTree(
                    f"Cannot keep the file {file.path!r}: it has a chunk of another size.", where=file.path
                )

    def _prove(self, tree: Tree) -> set[bytes]:
        """Verify the hashes of files of several chunks, which only reading them all can; done once per such file."""
        files = {trees.proof_of(file): file for file in tree.files if len(file.chunks) > 1}
        proven = self._index.proven(files.keys())
        for proof, file in files.items():
            if proof not in proven and self._hash(file) != file.sha256:
                raise BadTree(
                    f"Cannot keep the file {file.path!r}: its hash is not that of its bytes.", where=file.path
                )
        return set(files)

    def _hash(self, file: File) -> str:
        whole = hashlib.sha256()
        for data in self._bytes_of(file):
            whole.update(data)
        return whole.hexdigest()

    def _bytes_of(self, file: File) -> Iterator[bytes]:
        return (data for _, data in self._reader.read_in_order(file.chunks))

    def _find_file(self, snapshot: SnapshotId, path: str) -> File:
        for file in self.tree(snapshot).files:
            if file.path == path:
                return file
        raise UnknownFile(
            f"Cannot find the file {path!r}: the snapshot {snapshot} has none of this name.", where=path
        )

    def _remember(self, snapshot: SnapshotId, tree: Tree) -> None:
        with self._remembering:
            self._trees[snapshot] = tree
            while len(self._trees) > _REMEMBERED_TREES:
                self._trees.popitem(last=False)


def _later(spool: tempfile.SpooledTemporaryFile[bytes], offset: int, size: int) -> Callable[[], bytes]:
    def read() -> bytes:
        spool.seek(offset)
        return spool.read(size)

    return read
