from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.cli.upload import LANES, in_blocks, in_lanes
from tholos.store.model import Chunk, Sha256


def batch(size: int) -> list[Chunk]:
    return [Chunk(Sha256("0" * 64), size)]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=5)))
def test_blocks_are_the_pieces(pieces):
    assert b"".join(in_blocks(iter(pieces))) == b"".join(pieces)


def test_large_pieces_are_not_held_back():
    blocks = in_blocks(iter([b"x" * 300_000, b"y" * 10, b"z" * 10]))
    assert [len(block) for block in blocks] == [300_000, 20]


def test_lanes_do_all_the_work_side_by_side():
    together = threading.Barrier(LANES)

    def work(chunks):
        together.wait(timeout=20)
        return chunks[0].size

    assert sorted(in_lanes(work, [batch(size) for size in range(1, LANES * 2 + 1)])) == list(
        range(1, LANES * 2 + 1)
    )


def test_nothing_to_do_is_nothing():
    assert list(in_lanes(lambda chunks: 1, [])) == []


def test_the_first_error_is_raised():
    def work(chunks):
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        list(in_lanes(work, [batch(1)] * 9))
