import hashlib
import io
import random
import sys
from importlib.machinery import PathFinder

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.store import chunking

MIB = 1024 * 1024


class Trickle:
    """A stream that returns less than it is asked for, as sockets do."""

    def __init__(self, data: bytes, step: int):
        self._inner = io.BytesIO(data)
        self._step = step

    def read(self, size: int, /) -> bytes:
        return self._inner.read(min(size, self._step))


def noise(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311  # reproducible data


def sizes(data: bytes) -> list[int]:
    return [len(chunk) for _, chunk in chunking.cut(io.BytesIO(data))]


def test_an_empty_stream_has_no_chunks():
    assert sizes(b"") == []


def test_up_to_a_mebibyte_is_one_chunk():
    assert sizes(bytes(MIB)) == [MIB]
    assert len(sizes(noise(MIB + 1))) > 1


@pytest.mark.skipif(not chunking.find_cutter(), reason="needs the compiled fastcdc")
def test_golden_boundaries():
    """These are in everybody's store: a library version that cuts otherwise costs all deduplication with what is there."""
    data = hashlib.shake_256(b"tholos").digest(3 * MIB)
    assert sizes(data) == GOLDEN
    assert sizes(bytes(3 * MIB)) == [MIB, MIB, MIB]


@pytest.mark.skipif(not chunking.find_cutter(), reason="needs the compiled fastcdc")
def test_windows_do_not_show():
    """Cut in windows or at once, trickling or not: the boundaries are the same."""
    data = noise(11 * MIB)
    at_once = list(chunking.find_cutter()(data))
    assert sizes(data) == at_once
    assert [len(chunk) for _, chunk in chunking.cut(Trickle(data, 77_777))] == at_once


@pytest.mark.skipif(not chunking.find_cutter(), reason="needs the compiled fastcdc")
def test_an_insertion_moves_few_boundaries():
    data = noise(6 * MIB)
    before = {chunk for _, chunk in chunking.cut(io.BytesIO(data))}
    after = [chunk for _, chunk in chunking.cut(io.BytesIO(b"x" + data))]
    assert sum(chunk not in before for chunk in after) <= 2


def test_without_the_library_chunks_are_even(monkeypatch):
    monkeypatch.setattr(PathFinder, "find_spec", lambda *_: None)
    chunking.find_cutter.cache_clear()
    try:
        assert sizes(bytes(2 * MIB + 5)) == [MIB, MIB, 5]
    finally:
        chunking.find_cutter.cache_clear()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9 * MIB), st.integers(0, 5))
def test_chunks_in_order_make_the_stream(size, seed):
    data = noise(size, seed)
    position = 0
    for offset, chunk in chunking.cut(io.BytesIO(data)):
        assert offset == position
        assert data[offset : offset + len(chunk)] == chunk
        assert 1 <= len(chunk) <= chunking.MAX_SIZE
        position += len(chunk)
    assert position == size


def test_measures_a_file():
    data, taken = noise(2 * MIB), []
    file = chunking.measure(
        "a/b", io.BytesIO(data), executable=True, take=lambda chunk, part: taken.append((chunk, part))
    )
    assert (file.path, file.size, file.executable) == ("a/b", 2 * MIB, True)
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert file.chunks == tuple(chunk for chunk, _ in taken)
    assert b"".join(part for _, part in taken) == data


def test_the_library_is_not_imported_for_small_files():
    before = set(sys.modules)
    sizes(b"small")
    assert "click" not in set(sys.modules) - before


GOLDEN = [
    329101,
    227309,
    223461,
    352776,
    141509,
    168438,
    226900,
    263634,
    151583,
    345038,
    262719,
    164787,
    288473,
]
