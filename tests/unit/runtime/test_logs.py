"""Cutting bytes into lines."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.runtime.logs import LONGEST_LINE, Lines

BIG = LONGEST_LINE + 10


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.binary(max_size=40)))
def test_pieces_do_not_matter(pieces):
    """However the bytes come, the same lines come out, with the offsets behind them."""
    data = b"".join(pieces)
    lines = Lines(7)
    found = [line for piece in pieces for line in lines.feed(piece)]
    whole = data[: data.rfind(b"\n") + 1]
    assert b"".join(line.data for line in found) == whole
    assert all(line.data.count(b"\n") == 1 and line.data.endswith(b"\n") for line in found)
    assert [line.end for line in found] == [
        7 + sum(len(line.data) for line in found[: n + 1]) for n in range(len(found))
    ]
    assert lines.offset == 7 + len(data)
    assert lines.done == 7 + len(whole)


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, 4), st.sampled_from(["é", "€", "🙂"]))
def test_overlong_line_is_cut_between_characters(shift, character):
    """An overlong line comes in pieces of at most 64 KiB that are each valid UTF-8."""
    text = ("x" * shift + character * BIG)[:BIG]
    found = Lines(0).feed(text.encode() + b"\n")
    assert len(found) > 1
    assert all(len(line.data) <= LONGEST_LINE for line in found)
    assert "".join(line.data.decode() for line in found) == text + "\n"


def test_jump_into_a_line_drops_its_rest():
    """Behind a hole the first whole line is the next one."""
    lines = Lines(0)
    assert lines.feed(b"unfinished") == []
    lines.jump(100, inside_line=True)
    assert [(line.data, line.end) for line in lines.feed(b"rest\nnext\n")] == [(b"next\n", 110)]
