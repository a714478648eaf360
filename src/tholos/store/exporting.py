"""A snapshot as a tar: files sorted by path, owned by nobody, of no time, so that equal snapshots give equal bytes."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from tholos.store.model import File, Tree
from tholos.store.reading import ChunkReader

_BLOCK = 512
_RECORD = 10_240


def write_tar(reader: ChunkReader, tree: Tree, out: BinaryIO, *, compressed: bool) -> None:
    if not compressed:
        _write(reader, tree, out)
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=6) as packed:
        _write(reader, tree, packed)


def _write(reader: ChunkReader, tree: Tree, out: BinaryIO | gzip.GzipFile) -> None:
    written = 0
    chunks = reader.read_in_order(chunk for file in tree.files for chunk in file.chunks)
    for file in tree.files:
        for part in _parts(file, chunks):
            out.write(part)
            written += len(part)
    out.write(bytes(2 * _BLOCK + -(written + 2 * _BLOCK) % _RECORD))


def _parts(file: File, chunks: Iterator[tuple[str, bytes]]) -> Iterator[bytes]:
    entry = tarfile.TarInfo(file.path)
    entry.size = file.size
    entry.mode = 0o755 if file.executable else 0o644
    yield entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
    for _ in file.chunks:
        yield next(chunks)[1]
    yield bytes(-file.size % _BLOCK)
