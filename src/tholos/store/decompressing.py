"""The plain bytes of a compressed stream, metered, so that a small bomb is noticed while it goes off."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from typing import IO, cast

from tholos.store.chunking import Reader
from tholos.store.errors import BadArchive, TooMuch

MAGIC_SIZE = 6

_PIECE = 64 * 1024
_XZ_MEMORY = 80 * 1024 * 1024
_SUSPICIOUS_FROM = 16 * 1024 * 1024


class Peeked:
    """A stream whose beginning was read already; counts what is read and refuses more than `limit` bytes."""

    def __init__(self, head: bytes, stream: Reader, limit: int) -> None:
        self.size = 0
        self._head = head
        self._stream = stream
        self._limit = limit

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data = self._stream.read(size)
        self.size += len(data)
        if self.size > self._limit:
            raise TooMuch(f"Cannot unpack the archive: it is larger than {self._limit} bytes.")
        return data


class Plain:
    """The decompressed bytes of a stream; plain ones pass as they are.

    `read` raises BadArchive where the compression is damaged and TooMuch where it turns out to be a bomb.
    """

    def __init__(self, packed: Peeked, magic: bytes, *, limit: int, ratio: int) -> None:
        self._packed = packed
        self._source = _decompressor(packed, magic)
        self._limit = limit
        self._ratio = ratio
        self._size = 0

    def read(self, size: int, /) -> bytes:
        try:
            data = self._source.read(min(size, _PIECE * 16))
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise BadArchive(
                f"Cannot unpack the archive: {error}.", fix="Pack it again, or send it again."
            ) from error
        self._size += len(data)
        check_ratio(self._size, self._packed.size, self._ratio)
        if self._size > self._limit:
            raise TooMuch(f"Cannot unpack the archive: it unpacks to more than {self._limit} bytes.")
        return data


def check_ratio(unpacked: int, packed: int, ratio: int) -> None:
    """Refuse what grows more than `ratio` times; small amounts do no harm, whatever they came from."""
    if unpacked > _SUSPICIOUS_FROM and unpacked > ratio * packed:
        raise TooMuch(
            f"Cannot unpack the archive: it grows more than {ratio} times, like a bomb.",
            fix="Send the files by themselves, or in an archive that is less compressed.",
        )


def _decompressor(packed: Peeked, magic: bytes) -> Reader:
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=cast("IO[bytes]", packed), mode="rb")
    if magic.startswith(b"BZh"):
        return _Stream(packed, xz=False)
    if magic.startswith(b"\xfd7zXZ\0"):
        return _Stream(packed, xz=True)
    return packed


class _Stream:
    """bzip2 or xz, one stream after the other, with a bound on the memory that the stream may ask for."""

    def __init__(self, packed: Peeked, *, xz: bool) -> None:
        self._packed = packed
        self._xz = xz
        self._current = self._new()

    def read(self, size: int, /) -> bytes:
        while size:
            rest = b""
            if self._current.eof:
                rest = self._current.unused_data or self._packed.read(_PIECE)
                if not rest.strip(b"\0"):
                    return b""
                self._current = self._new()
            elif self._current.needs_input:
                rest = self._packed.read(_PIECE)
                if not rest:
                    raise EOFError("it ends before its end mark")
            data = self._current.decompress(rest, size)
            if data:
                return data
        return b""

    def _new(self) -> bz2.BZ2Decompressor | lzma.LZMADecompressor:
        return lzma.LZMADecompressor(memlimit=_XZ_MEMORY) if self._xz else bz2.BZ2Decompressor()
