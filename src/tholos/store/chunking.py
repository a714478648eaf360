"""Cutting bytes into chunks: up to 1 MiB one chunk, above that by content, so that an insertion moves few boundaries.

Boundaries are the sender's choice (projects specification, section 8): the store checks sizes and hashes only. Where the
compiled `fastcdc` library is missing, chunks of 1 MiB are cut instead, which costs deduplication and nothing else.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.machinery import PathFinder
from typing import Protocol

from tholos.store.model import Chunk, File, Sha256

MIN_SIZE = 64 * 1024
AVERAGE_SIZE = 256 * 1024
MAX_SIZE = 1024 * 1024
WHOLE_SIZE = 1024 * 1024
"""A file of at most this many bytes is one chunk."""

_WINDOW = 4 * MAX_SIZE


class Reader(Protocol):
    """What bytes are read from: a binary file, or anything that reads like one."""

    def read(self, size: int, /) -> bytes: ...


Cutter = Callable[[bytes], Iterator[int]]


def hash_of(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())


def cut(stream: Reader) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes) of every chunk in order, in constant memory; nothing for an empty stream."""
    head = read_fully(stream, WHOLE_SIZE + 1)
    if len(head) <= WHOLE_SIZE:
        if head:
            yield 0, head
        return
    yield from _cut_windows(stream, head, find_cutter() or _cut_evenly)


def measure(
    path: str, stream: Reader, *, executable: bool, take: Callable[[Chunk, bytes], None] | None = None
) -> File:
    """Cut a stream into a file of a tree, handing every chunk with its bytes to `take`."""
    chunks: list[Chunk] = []
    whole = hashlib.sha256()
    for _, data in cut(stream):
        # The hash of all bytes so far goes on from that of the first chunk, which is all there is of most files.
        hashed = hashlib.sha256(data)
        chunk = Chunk(Sha256(hashed.hexdigest()), len(data))
        if chunks:
            whole.update(data)
        else:
            whole = hashed
        chunks.append(chunk)
        if take:
            take(chunk, data)
    size = sum(chunk.size for chunk in chunks)
    return File(path, size, Sha256(whole.hexdigest()), executable, tuple(chunks))


def read_fully(stream: Reader, size: int) -> bytes:
    """Read exactly `size` bytes, or what there is before the end; one read may return less than is asked for."""
    data = stream.read(size)
    if len(data) == size or not data:
        return data
    parts = [data]
    missing = size - len(data)
    while missing and (data := stream.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


def _cut_windows(stream: Reader, head: bytes, cutter: Cutter) -> Iterator[tuple[int, bytes]]:
    """Cut a stream window by window; a boundary depends on the MAX_SIZE bytes behind it, so those must be there."""
    offset, window = 0, head
    while True:
        window += read_fully(stream, _WINDOW - len(window))
        is_last = len(window) < _WINDOW
        used = 0
        for size in cutter(window):
            if not is_last and len(window) - used < MAX_SIZE:
                break
            yield offset + used, window[used : used + size]
            used += size
        if is_last:
            return
        offset, window = offset + used, window[used:]


def _cut_evenly(window: bytes) -> Iterator[int]:
    for start in range(0, len(window), MAX_SIZE):
        yield min(MAX_SIZE, len(window) - start)


@cache
def find_cutter() -> Cutter | None:
    """The library's cutter; None without its compiled module, whose replacement in Python is slower than sending more."""
    package = PathFinder.find_spec("fastcdc")
    if not package or not PathFinder.find_spec("fastcdc.fastcdc_cy", package.submodule_search_locations):
        return None
    library = importlib.import_module("fastcdc.fastcdc_cy").fastcdc_cy

    def cut_by_content(window: bytes) -> Iterator[int]:
        for piece in library(window, min_size=MIN_SIZE, avg_size=AVERAGE_SIZE, max_size=MAX_SIZE):
            yield int(piece.length)

    return cut_by_content
