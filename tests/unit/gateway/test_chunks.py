"""The chunked coding in passing: the same bytes out whatever the pieces in, nothing malformed let through."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.gateway.chunks import BadChunk, Chunks


def feed_all(chunks, pieces):
    out, rest = [], b""
    for piece in pieces:
        if chunks.done:
            rest += piece
            continue
        passed, rest = chunks.feed(piece)
        out.append(passed)
    return b"".join(out), rest


def cut(data, places):
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def encode(parts):
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    st.lists(st.integers(min_value=0), max_size=12),
    st.booleans(),
    st.booleans(),
)
def test_any_cut_gives_the_same_body(parts, places, keep, trailed):
    """Pieces may end anywhere; what follows the body is given back, trailers are not."""
    end = b"0\r\nX-Tholos-User: root\r\nOther: 1\r\n\r\n" if trailed else b"0\r\n\r\n"
    chunks = Chunks(keep_coding=keep)
    out, rest = feed_all(chunks, cut(encode(parts) + end + b"GET /next", places))
    assert chunks.done
    assert rest == b"GET /next"
    assert out == (encode(parts) + b"0\r\n\r\n" if keep else b"".join(parts))


def test_extensions_are_dropped():
    """A chunk's extension is nobody's but this hop's."""
    assert Chunks().feed(b"5;a=b;c\r\nhello\r\n0;x\r\n\r\n") == (b"5\r\nhello\r\n0\r\n\r\n", b"")


@pytest.mark.parametrize(
    "body",
    [
        b"5\nhello\n0\n\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"-5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"\r\nhello\r\n",
        b"5;a\nb\r\nhello\r\n",
        b"ffffffffffffffffff\r\n",
        b"0\r\nname : x\r\n\r\n",
        b"0\r\n folded\r\n\r\n",
        b"0\r\nX: a\x00b\r\n\r\n",
        b"0\r\nX: a\n\r\n",
        b"1;" + b"x" * 5000,
        b"0\r\n" + b"X: y\r\n" * 5000,
    ],
)
def test_malformed_chunks_are_refused(body):
    """Each of these has been read differently by two servers."""
    with pytest.raises(BadChunk):
        Chunks().feed(body)
    with pytest.raises(BadChunk):
        feed_all(Chunks(), [body[place : place + 1] for place in range(len(body))])


@given(st.binary(max_size=60), st.lists(st.integers(min_value=0), max_size=6))
def test_no_bytes_do_anything_but_pass_or_be_refused(data, places):
    """Fuzzed: whole or in pieces the verdict is the same."""

    def verdict(pieces):
        chunks = Chunks()
        try:
            return feed_all(chunks, pieces), chunks.done
        except BadChunk:
            return None

    whole, pieces = verdict([data]), verdict(cut(data, places))
    if whole is None or pieces is None:
        assert whole == pieces
    else:
        assert whole[0][0] == pieces[0][0]
        assert whole[1] == pieces[1]
