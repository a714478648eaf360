"""A snapshot as a tar: files sorted by path, owned by nobody, of no time, so that equal snapshots give equal bytes."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from tholos.kit.lazily import load_when_used
from tholos.store.model import File, Tree
from tholos.store.reading import ChunkReader

if TYPE_CHECKING:
    import tarfile
else:
    tarfile = load_when_used("tarfile")

_BLOCK = 512
_RECORD = 10_240
_PIECE = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS

LastMembers = Callable[[Mapping[str, str]], Iterable[tuple[str, bytes]]]
"""Names and bytes of what stands at a tar's end, from the MD5 of every file before it, by path."""


def write_tar(reader: ChunkReader, tree: Tree, out: BinaryIO, *, compressed: bool) -> None:
    if not compressed:
        _write(reader, tree, out)
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=6) as packed:
        _write(reader, tree, packed)


def stream_tar(reader: ChunkReader, tree: Tree, last: LastMembers) -> Iterator[bytes]:
    """A gzipped tar in pieces, read once; what describes the files comes after them."""
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    held: list[bytes] = []
    size = 0
    for part in _plain(reader, tree, last):
        held.append(packer.compress(part))
        size += len(held[-1])
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join((*held, packer.flush()))


def checksums(reader: ChunkReader, tree: Tree) -> dict[str, str]:
    """The MD5 of every file, for formats that name files by it."""
    found = {}
    chunks = reader.read_in_order(chunk for file in tree.files for chunk in file.chunks)
    for file in tree.files:
        digest = hashlib.md5(usedforsecurity=False)
        for _ in file.chunks:
            digest.update(next(chunks)[1])
        found[file.path] = digest.hexdigest()
    return found


def _plain(reader: ChunkReader, tree: Tree, last: LastMembers) -> Iterator[bytes]:
    found: dict[str, str] = {}
    written = 0
    chunks = reader.read_in_order(chunk for file in tree.files for chunk in file.chunks)
    for file in tree.files:
        digest = hashlib.md5(usedforsecurity=False)
        for part in _parts(file, _digested(file, chunks, digest.update)):
            written += len(part)
            yield part
        found[file.path] = digest.hexdigest()
    for name, data in last(found):
        member = b"".join((_header(name, len(data), executable=False), data, bytes(-len(data) % _BLOCK)))
        written += len(member)
        yield member
    yield bytes(2 * _BLOCK + -(written + 2 * _BLOCK) % _RECORD)


def _digested(
    file: File, chunks: Iterator[tuple[str, bytes]], update: Callable[[bytes], None]
) -> Iterator[bytes]:
    for _ in file.chunks:
        data = next(chunks)[1]
        update(data)
        yield data


def _write(reader: ChunkReader, tree: Tree, out: BinaryIO | gzip.GzipFile) -> None:
    for part in _plain(reader, tree, lambda _: ()):
        out.write(part)


def _parts(file: File, data: Iterable[bytes]) -> Iterator[bytes]:
    yield _header(file.path, file.size, executable=file.executable)
    yield from data
    yield bytes(-file.size % _BLOCK)


def _header(path: str, size: int, *, executable: bool) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size = size
    entry.mode = 0o755 if executable else 0o644
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
