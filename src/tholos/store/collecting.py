"""Garbage collection: forget what nothing needs, re-pack what is mostly dead, delete what is dead.

Every step leaves a consistent store, so that a killed collector loses nothing: chunks are forgotten before their packs are
deleted, copies are durable before the index points at them, and packs that nobody recorded (their writer was killed
between the two steps) are adopted first and deleted as garbage only by a later collection.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from tholos.store import packs
from tholos.store.backends.protocol import Backend, Blob
from tholos.store.errors import BadPack, StoreDamaged, UnknownBlob
from tholos.store.index import Index, Location, PackUse
from tholos.store.model import Chunk, SnapshotId
from tholos.store.reading import ChunkReader

_PREFIX = "packs/"


@dataclass(frozen=True, slots=True)
class Report:
    """What a collection did.

    Attributes:
        snapshots, chunks: how many were dropped.
        deleted, repacked: how many packs; a re-packed one is deleted too.
        freed: bytes of the deleted packs less those written anew.
        adopted: packs of killed writers, to be judged by the next collection.
        unknown: snapshots that were to be kept but are not here.
        damaged: packs that could not be read and were left alone, with the reason.
    """

    snapshots: int
    chunks: int
    deleted: int
    repacked: int
    freed: int
    adopted: int
    unknown: tuple[SnapshotId, ...] = ()
    damaged: tuple[str, ...] = ()


def new_pack_name() -> str:
    name = secrets.token_hex(16)
    return f"{_PREFIX}{name[:2]}/{name}"


def collect(
    backend: Backend,
    index: Index,
    reader: ChunkReader,
    keep: frozenset[SnapshotId],
    before: float,
    clock: Callable[[], float],
) -> Report:
    forgotten = index.forget(keep, before=before)
    repacked, written, damaged = _repack(backend, index, reader)
    doomed = index.doom()
    deleted, freed, strangers = _delete(backend, doomed, index)
    old = [blob for blob in strangers if blob.modified < before]
    adopted, unreadable = _adopt(backend, index, old, clock())
    return Report(
        forgotten.snapshots,
        forgotten.chunks,
        deleted,
        repacked,
        freed - written,
        adopted,
        forgotten.unknown,
        (*damaged, *unreadable),
    )


def adopt_all(backend: Backend, index: Index, at: float) -> int:
    """Record the chunks of every pack that is not recorded; returns how many packs those were."""
    names = index.pack_names()
    adopted, unreadable = _adopt(
        backend, index, [b for b in backend.blobs(_PREFIX) if b.name not in names], at
    )
    if unreadable:
        raise StoreDamaged(
            f"Cannot read {len(unreadable)} packs: {unreadable[0]}", fix="Restore them from a backup."
        )
    return adopted


def _repack(backend: Backend, index: Index, reader: ChunkReader) -> tuple[int, int, list[str]]:
    """Copy the live chunks of mostly dead packs; returns packs emptied, bytes written, and what could not be read."""
    sparse = [pack for pack in index.packs() if 2 * pack.live < pack.size]
    emptied, written = 0, 0
    damaged: list[str] = []
    for group in _groups(sparse):
        try:
            written += _merge(backend, index, reader, group)
            emptied += len(group)
        except StoreDamaged as error:
            damaged.append(error.message)
    return emptied, written, damaged


def _groups(sparse: Iterable[PackUse]) -> Iterator[list[PackUse]]:
    group: list[PackUse] = []
    size = 0
    for pack in sparse:
        if group and size + pack.live > packs.MAX_BYTES:
            yield group
            group, size = [], 0
        group.append(pack)
        size += pack.live
    if group:
        yield group


def _merge(backend: Backend, index: Index, reader: ChunkReader, group: list[PackUse]) -> int:
    name = new_pack_name()
    chunks = [Chunk(each.sha256, each.size) for pack in group for each in index.contents(pack.name)]
    if not chunks:
        return 0
    found: list[Location] = []

    def parts() -> Iterator[bytes]:
        position = 0
        for sha256, data in reader.read_in_order(chunks):
            found.append(Location(sha256, name, position + packs.HEADER_SIZE, len(data)))
            position += packs.HEADER_SIZE + len(data)
            yield packs.header(sha256, len(data))
            yield data

    size = backend.put(name, parts())
    index.move([pack.name for pack in group], PackUse(name, size), found)
    return size


def _delete(backend: Backend, doomed: set[str], index: Index) -> tuple[int, int, list[Blob]]:
    """Delete doomed packs; returns how many, their bytes, and the packs that nobody recorded."""
    deleted = freed = 0
    others: list[Blob] = []
    for blob in list(backend.blobs(_PREFIX)):
        if blob.name in doomed:
            backend.delete(blob.name)
            deleted += 1
            freed += blob.size
        else:
            others.append(blob)
    names = index.pack_names()
    return deleted, freed, [blob for blob in others if blob.name not in names]


def _adopt(backend: Backend, index: Index, blobs: Iterable[Blob], at: float) -> tuple[int, list[str]]:
    adopted = 0
    unreadable: list[str] = []
    for blob in blobs:
        try:
            with closing(backend.open(blob.name)) as source:
                found = [
                    Location(each.sha256, blob.name, each.offset, len(each.data))
                    for each in packs.read(source)
                ]
            index.adopt(PackUse(blob.name, blob.size), found, at=at)
            adopted += 1
        except (BadPack, UnknownBlob) as error:
            unreadable.append(f"{blob.name}: {error.message}")
    return adopted, unreadable
