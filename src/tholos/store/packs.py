"""The pack: many chunks in one body, `[32-byte SHA-256][u32 big-endian length][bytes]…` (projects specification, section 8).

A pack holds at most 4,096 chunks and 8 MiB of their bytes, headers not counted, so that the largest chunk fits.
It travels in this form and is stored in this form.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tholos.store.chunking import Reader, hash_of, read_fully
from tholos.store.errors import BadPack
from tholos.store.model import Chunk, Sha256

MAX_CHUNK = 8 * 1024 * 1024
MAX_BYTES = 8 * 1024 * 1024
MAX_CHUNKS = 4096
HEADER_SIZE = 36

_HEADER = struct.Struct(">32sI")


class Record(NamedTuple):
    """A chunk read from a pack, its hash verified; `offset` is where its bytes begin."""

    sha256: Sha256
    offset: int
    data: bytes


def header(sha256: Sha256, size: int) -> bytes:
    return _HEADER.pack(bytes.fromhex(sha256), size)


def encode(records: Iterable[tuple[Sha256, bytes]]) -> Iterator[bytes]:
    """Yield a pack's bytes piece by piece; the caller keeps to the limits, see `plan`."""
    for sha256, data in records:
        yield header(sha256, len(data))
        yield data


def plan(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Group chunks, in order, into packs that keep to the limits; a chunk that occurs twice is sent once."""
    batch: list[Chunk] = []
    size = 0
    seen: set[Sha256] = set()
    for chunk in chunks:
        if chunk.sha256 in seen:
            continue
        seen.add(chunk.sha256)
        if batch and (size + chunk.size > MAX_BYTES or len(batch) == MAX_CHUNKS):
            yield batch
            batch, size = [], 0
        batch.append(chunk)
        size += chunk.size
    if batch:
        yield batch


def read(stream: Reader) -> Iterator[Record]:
    """Yield every record of a pack, verified, holding one at a time.

    Raises:
        BadPack: the pack is truncated, over the limits, or a record's bytes do not have its hash.
    """
    position = total = 0
    for number in range(1, MAX_CHUNKS + 2):
        head = read_fully(stream, HEADER_SIZE)
        if not head:
            return
        if len(head) < HEADER_SIZE:
            raise _bad(number, "the pack ends within its header", position)
        digest, size = _HEADER.unpack(head)
        total += size
        _check_limits(number, size, total, position)
        data = read_fully(stream, size)
        if len(data) < size:
            raise _bad(number, f"the pack ends after {len(data)} of its {size} bytes", position)
        if hash_of(data) != digest.hex():
            raise _bad(number, f"its bytes do not have the hash {digest.hex()}", position)
        yield Record(Sha256(digest.hex()), position + HEADER_SIZE, data)
        position += HEADER_SIZE + size


def _check_limits(number: int, size: int, total: int, position: int) -> None:
    if number > MAX_CHUNKS:
        raise _bad(number, f"a pack holds at most {MAX_CHUNKS} chunks", position)
    if not 1 <= size <= MAX_CHUNK:
        raise _bad(number, f"it claims {size} bytes, a chunk has 1 to {MAX_CHUNK}", position)
    if total > MAX_BYTES:
        raise _bad(number, f"with it the pack holds more than {MAX_BYTES} bytes", position)


def _bad(number: int, reason: str, position: int) -> BadPack:
    return BadPack(
        f"Cannot take record {number} of the pack: {reason}.",
        fix="Ask which chunks are missing and send those again.",
        where=f"byte {position}",
    )
