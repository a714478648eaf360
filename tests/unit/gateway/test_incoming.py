"""A request's head: what is read, and what is refused with which status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.gateway.errors import BadRequest
from tholos.gateway.incoming import CHUNKED, check_unfinished, parse_request
from tholos.gateway.limits import Limits

LIMITS = Limits()


def read(text, limits=LIMITS):
    block = text if isinstance(text, bytes) else text.encode("latin-1")
    return parse_request(block, "192.0.2.1", limits)


def lines(*given_lines, end="\r\n"):
    return end.join([*given_lines, "", ""])


def test_a_request_is_read():
    """Names in lower case, values as they came, the host in lower case."""
    request = read(lines("GET /a?b=c HTTP/1.1", "Host: App.LocalHost:80", 'X-Odd: "a;\tb"\xff'))
    assert request.head.method == "GET"
    assert request.head.target == "/a?b=c"
    assert request.head.host == "app.localhost:80"
    assert list(request.head.headers) == [(b"host", b"App.LocalHost:80"), (b"x-odd", b'"a;\tb"\xff')]
    assert (request.head.peer, request.head.upgrade) == ("192.0.2.1", "")
    assert (request.is_11, request.keep_alive, request.length) == (True, True, 0)


def test_framing_is_read():
    """A length, a chunked body, an old client with keep-alive."""
    assert read(lines("POST / HTTP/1.1", "Host: a", "Content-Length: 12")).length == 12
    assert read(lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: Chunked")).length == CHUNKED
    assert not read(lines("GET / HTTP/1.0", "Host: a")).keep_alive
    assert read(lines("GET / HTTP/1.0", "Host: a", "Connection: Keep-Alive")).keep_alive
    assert not read(lines("GET / HTTP/1.1", "Host: a", "Connection: x, close")).keep_alive


def test_names_with_underscores_are_dropped():
    """WSGI would merge them with the ones we set."""
    request = read(lines("GET / HTTP/1.1", "Host: a", "X_Tholos_User: root", "Content_Length: 7"))
    assert [name for name, _ in request.head.headers] == [b"host"]
    assert request.length == 0


def test_upgrades_are_read():
    """Only with Connection: upgrade and HTTP/1.1, and never to HTTP/2."""
    asked = ("Host: a", "Connection: keep-alive, Upgrade")
    assert read(lines("GET / HTTP/1.1", *asked, "Upgrade: WebSocket")).head.upgrade == "websocket"
    assert not read(lines("GET / HTTP/1.1", "Host: a", "Upgrade: websocket")).head.upgrade
    assert not read(lines("GET / HTTP/1.0", *asked, "Upgrade: websocket")).head.upgrade
    assert not read(lines("GET / HTTP/1.1", *asked, "Upgrade: h2c")).head.upgrade
    assert read(lines("GET / HTTP/1.1", *asked, "Upgrade: H2C, foo/2")).upgrade == b"foo/2"


def test_connection_names_end_here_but_never_the_framing():
    """A client cannot take its Host or length off by naming them."""
    request = read(lines("GET / HTTP/1.1", "Host: a", "Connection: X-One, host, Content-Length"))
    assert request.connection_named == {b"x-one"}


def test_absolute_targets_become_paths():
    """RFC 9112 3.2.2, for the same host only."""
    assert read(lines("GET http://a:8/x?y HTTP/1.1", "Host: A:8")).head.target == "/x?y"
    assert read(lines("GET http://a HTTP/1.1", "Host: a")).head.target == "/"
    assert read(lines("GET http://a?q HTTP/1.1", "Host: a")).head.target == "/?q"
    assert read(lines("OPTIONS * HTTP/1.1", "Host: a")).head.target == "*"


@pytest.mark.parametrize(
    ("block", "status"),
    [
        (lines("GET / HTTP/1.1"), 400),
        (lines("GET / HTTP/1.1", "Host: a", "Host: a"), 400),
        (lines("GET / HTTP/1.1", "Host: a, b"), 400),
        (lines("GET / HTTP/1.1", "Host: a/b"), 400),
        (lines("GET / HTTP/1.1", "Host: u@a"), 400),
        (lines("GET / HTTP/1.1", "Host:"), 400),
        (lines("GET / HTTP/1.1", "Host: a", end="\n"), 400),
        (lines("GET / HTTP/1.1", "Host: a\nX: b"), 400),
        (lines("GET / HTTP/1.1", "Host: a", "X: b\rc"), 400),
        (lines("GET / HTTP/1.1", "Host: a", "X: b", " folded"), 400),
        (lines("GET / HTTP/1.1", "Host: a", "X: b\0"), 400),
        (lines("GET / HTTP/1.1", "Host: a", "X: b\x01"), 400),
        (lines("GET / HTTP/1.1", "Host : a"), 400),
        (lines("GET / HTTP/1.1", " Host: a"), 400),
        (lines("GET / HTTP/1.1", "Host: a", ": x"), 400),
        (lines("GET / HTTP/1.1", "Host: a", "no colon"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 1"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 2"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Content-Length: 1, 1"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Content-Length: +1"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Content-Length: 0x1"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Content-Length: " + "9" * 30), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Content-Length:"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Transfer-Encoding: chunked"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Content-Length: 1"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, identity"), 400),
        (lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: xchunked"), 400),
        (
            lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
            400,
        ),
        (lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding:\x0bchunked"), 400),
        (lines("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked"), 400),
        (lines("GET http://b/ HTTP/1.1", "Host: a"), 400),
        (lines("GET ftp://a/ HTTP/1.1", "Host: a"), 400),
        (lines("GET http://u@a/ HTTP/1.1", "Host: a"), 400),
        (lines("GET http://a@b/ HTTP/1.1", "Host: a"), 400),
        (lines("GET http://a@b/ HTTP/1.1", "Host: b"), 400),
        (lines("GET * HTTP/1.1", "Host: a"), 400),
        (lines("GET a HTTP/1.1", "Host: a"), 400),
        (lines("GET /a#b HTTP/1.1", "Host: a"), 400),
        (lines("GET /\xe9 HTTP/1.1", "Host: a"), 400),
        (lines("GET /a b HTTP/1.1", "Host: a"), 400),
        (lines("GET  / HTTP/1.1", "Host: a"), 400),
        (lines("GET / HTTP/1.1 ", "Host: a"), 400),
        (lines("GET / HTTP/2.0", "Host: a"), 400),
        (lines("GET / HTTP/0.9", "Host: a"), 400),
        (lines("GET / RTSP/1.0", "Host: a"), 400),
        (lines("GET / RTSP/1.0", "Host: a", "X: HTTP/1.1"), 400),
        (lines("PRI * HTTP/2.0", "", "SM"), 400),
        (lines("CONNECT a:80 HTTP/1.1", "Host: a:80"), 400),
        (lines("CONNECT / HTTP/1.1", "Host: a:80"), 400),
        (lines("BREW / HTTP/1.1", "Host: a"), 400),
        (lines("get / HTTP/1.1", "Host: a"), 400),
        (lines("GET /" + "a" * 20_000 + " HTTP/1.1", "Host: a"), 414),
        (lines("GET / HTTP/1.1", "Host: a", "X: " + "a" * 70_000), 431),
        (lines("GET / HTTP/1.1", "Host: a", *["X: a"] * 200), 431),
        (lines("GET / HTTP/1.1", "Host: a", *["X_Y: a"] * 200), 431),
        ("\r\n\r\n", 400),
    ],
)
def test_bad_heads_are_refused(block, status):
    """Each with its status, and none is read as something else."""
    with pytest.raises(BadRequest) as caught:
        read(block)
    assert caught.value.status == status


def test_unfinished_heads_are_refused_early():
    """Without waiting for an end that may never come."""
    check_unfinished(b"GET / HTTP/1.1\r\nHost: a\r", LIMITS)
    for block, status in [
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"G" * 20_000, 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 12_000, 431),
    ]:
        with pytest.raises(BadRequest) as caught:
            check_unfinished(block, LIMITS)
        assert caught.value.status == status


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    b"GET",
                    b" ",
                    b"/",
                    b" HTTP/1.1",
                    b"\r\n",
                    b"\n",
                    b"\r",
                    b"Host: a",
                    b"Content-Length: 3",
                    b":",
                    b"\0",
                ]
            ),
            st.sampled_from(
                [b"Transfer-Encoding: chunked", b"Connection: upgrade", b"Upgrade: x", b"\t", b"a", b"_"]
            ),
            st.binary(max_size=4),
        ),
        max_size=25,
    ).map(b"".join)
)
def test_fuzzed_heads_are_read_or_refused(data):
    """Whatever the bytes: a request of the promised form, or a BadRequest, never another error."""
    try:
        request = read(b"GET / HTTP/1.1\r\nHost: a\r\n" + data + b"\r\n\r\n")
    except BadRequest:
        return
    for name, value in request.head.headers:
        assert b"_" not in name
        assert not set(value) & {0, 10, 13}
    assert request.length >= CHUNKED
