"""An upstream's head: read, cleaned, and refused where its end would be anybody's guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.gateway.answers import UNTIL_CLOSE, parse_answer, plain_answer, render_own
from tholos.gateway.errors import BadAnswer
from tholos.gateway.incoming import CHUNKED
from tholos.gateway.model import Answer


def read(*given_lines, first="HTTP/1.1 200 OK"):
    return parse_answer("\r\n".join([first, *given_lines, "", ""]).encode("latin-1"))


def test_an_answer_is_read():
    """What belongs to the connection is taken out, the rest stays byte for byte."""
    answer = read(
        "Content-Length: 5",
        "X-Odd:  a\t\xff ",
        "connection: Keep-Alive, x-named",
        "X-Named: 1",
        "Keep-Alive: 5",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
    )
    assert (answer.status, answer.reason, answer.length, answer.keep_alive) == (200, b" OK", 5, True)
    assert answer.fields == b"X-Odd:  a\t\xff \r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"


def test_ends_are_read():
    """By length, by chunks, by the end of the connection."""
    assert read("Transfer-Encoding: chunked").length == CHUNKED
    assert read().length == UNTIL_CLOSE
    assert not read("Connection: close").keep_alive
    assert not read(first="HTTP/1.0 200 OK").keep_alive
    assert read("Connection: keep-alive", first="HTTP/1.0 200").keep_alive
    assert read("Upgrade: foo", first="HTTP/1.1 101 Switching").upgrade == b"foo"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\nA: b\n\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"hello\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_bad_heads_are_refused(head):
    """A client behind us could read each of them in another way than we did."""
    with pytest.raises(BadAnswer):
        parse_answer(head)


@given(st.binary(max_size=80))
def test_fuzzed_heads_are_read_or_refused(data):
    """Nothing else can happen, and no line end gets through alone."""
    try:
        answer = parse_answer(b"HTTP/1.1 200 OK\r\n" + data + b"\r\n\r\n")
    except BadAnswer:
        return
    assert answer.fields.count(b"\n") == answer.fields.count(b"\r\n") == answer.fields.count(b"\r")


def test_own_answers_are_rendered():
    """With a length and a date; without a body where there must be none."""
    wire = render_own(plain_answer(404, "No."), method="GET", connection=b"", date=b"now")
    assert wire == (
        b"HTTP/1.1 404 Not Found\r\ndate: now\r\ncontent-type: text/plain; charset=utf-8\r\n"
        b"content-length: 4\r\n\r\nNo.\n"
    )
    assert render_own(plain_answer(404, "No."), method="HEAD", connection=b"", date=b"").endswith(b"\r\n\r\n")
    assert b"content-length" not in render_own(Answer(204), method="GET", connection=b"", date=b"")
