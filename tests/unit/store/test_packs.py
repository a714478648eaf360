import io
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.store import packs
from tholos.store.chunking import hash_of
from tholos.store.errors import BadPack
from tholos.store.model import Chunk

CHUNKS = st.lists(st.binary(min_size=1, max_size=200), max_size=8)


def packed(*datas: bytes) -> bytes:
    return b"".join(packs.encode((hash_of(data), data) for data in datas))


def unpacked(data: bytes) -> list[bytes]:
    return [record.data for record in packs.read(io.BytesIO(data))]


def test_the_format_is_as_specified():
    assert packed(b"abc") == bytes.fromhex(hash_of(b"abc")) + b"\0\0\0\3" + b"abc"


@given(CHUNKS)
def test_round_trip(datas):
    body = packed(*datas)
    for record, data in zip(packs.read(io.BytesIO(body)), datas, strict=True):
        assert record.data == data
        assert record.sha256 == hash_of(data)
        assert body[record.offset : record.offset + len(data)] == data


@settings(deadline=None)
@given(CHUNKS.filter(bool), st.data())
def test_a_truncated_pack_is_refused(datas, data):
    body = packed(*datas)
    starts = {0}
    for each in datas:
        starts.add(max(starts) + packs.HEADER_SIZE + len(each))
    end = data.draw(st.integers(0, len(body) - 1).filter(lambda at: at not in starts))
    with pytest.raises(BadPack, match="ends"):
        unpacked(body[:end])


@settings(deadline=None)
@given(CHUNKS.filter(bool), st.data())
def test_a_flipped_bit_is_refused(datas, data):
    body = bytearray(packed(*datas))
    body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadPack):
        unpacked(bytes(body))


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_else_happens(data):
    with suppress(BadPack):
        unpacked(data)


@pytest.mark.parametrize("size", [0, packs.MAX_CHUNK + 1, 2**32 - 1])
def test_a_record_of_a_wrong_size_is_refused_before_it_is_read(size):
    with pytest.raises(BadPack, match="a chunk has 1 to"):
        unpacked(bytes(32) + struct.pack(">I", size))


def test_too_many_chunks_are_refused():
    datas = [struct.pack(">I", number) for number in range(packs.MAX_CHUNKS + 1)]
    assert len(unpacked(packed(*datas[:-1]))) == packs.MAX_CHUNKS
    with pytest.raises(BadPack, match="at most 4096 chunks"):
        unpacked(packed(*datas))


def test_too_many_bytes_are_refused():
    whole = bytes(packs.MAX_CHUNK)
    assert unpacked(packed(whole)) == [whole]
    with pytest.raises(BadPack, match="more than 8388608 bytes"):
        unpacked(packed(whole, b"x"))


def test_plans_packs_within_the_limits():
    big = [Chunk(hash_of(bytes([number])), 3 * 1024 * 1024) for number in range(5)]
    assert [len(batch) for batch in packs.plan(big)] == [2, 2, 1]
    small = [Chunk(hash_of(struct.pack(">I", number)), 1) for number in range(packs.MAX_CHUNKS + 1)]
    assert [len(batch) for batch in packs.plan([*small, *small])] == [packs.MAX_CHUNKS, 1]
    assert list(packs.plan([])) == []
