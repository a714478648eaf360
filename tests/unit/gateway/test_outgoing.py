"""The head that goes upstream: what ends here does not go there, what was decided does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.gateway.errors import BadDecision
from tholos.gateway.incoming import parse_request
from tholos.gateway.limits import Limits
from tholos.gateway.model import Carry
from tholos.gateway.outgoing import field_lines, render_request


def outgoing(*given_lines, carry=None, first="GET /x?y HTTP/1.1"):
    block = "\r\n".join([first, "Host: App", *given_lines, "", ""]).encode("latin-1")
    wire = render_request(parse_request(block, "", Limits()), carry or Carry("unix:/x", "x"))
    assert wire.endswith(b"\r\n\r\n")
    return wire[:-4].decode("latin-1").split("\r\n")


def test_what_belongs_to_the_connection_ends_here():
    """RFC 9110 7.6.1, with what Connection names."""
    kept = outgoing(
        "Connection: close, X-Named",
        "X-Named: 1",
        "Keep-Alive: 5",
        "TE: trailers",
        "Trailer: X",
        "Proxy: evil",
        "Proxy-Connection: x",
        "Proxy-Authorization: y",
        "Upgrade: foo",
        "HTTP2-Settings: AAA",
        "Accept: */*",
    )
    assert kept == ["GET /x?y HTTP/1.1", "host: App", "accept: */*"]


def test_framing_and_upgrade_are_set_anew():
    """The body keeps its coding; an upgrade is asked for by us."""
    assert outgoing("Transfer-Encoding: CHUNKED", first="POST / HTTP/1.1")[-1] == "transfer-encoding: chunked"
    assert outgoing("Content-Length: 3", first="POST / HTTP/1.1")[-1] == "content-length: 3"
    assert outgoing("Connection: Upgrade", "Upgrade: WebSocket")[-2:] == [
        "connection: upgrade",
        "upgrade: WebSocket",
    ]
    assert (
        outgoing("Expect: 100-continue", "Content-Length: 3", first="POST / HTTP/1.0")[0] == "POST / HTTP/1.1"
    )


def test_the_decision_removes_and_sets():
    """By name, by prefix, and every copy of what it sets."""
    carry = Carry(
        "unix:/x",
        "x",
        remove_headers=frozenset({b"authorization"}),
        remove_prefixes=(b"x-tholos-", b"x-forwarded-"),
        set_headers=[(b"x-tholos-user", b"ann"), (b"host", b"inner")],
    )
    kept = outgoing(
        "Authorization: Key x",
        "X-Tholos-User: root",
        "x-forwarded-for: 1",
        "X-FORWARDED-Host: evil",
        "Via: 1.1 a",
        carry=carry,
    )
    assert kept == ["GET /x?y HTTP/1.1", "via: 1.1 a", "x-tholos-user: ann", "host: inner"]


def test_cookies_go_from_every_header():
    """An emptied Cookie header goes altogether."""
    carry = Carry("unix:/x", "x", remove_cookies=frozenset({b"ours"}))
    kept = outgoing("Cookie: a=1; ours=x", "Cookie: ours=y", "Cookie: b=2", carry=carry)
    assert kept[2:] == ["cookie: a=1", "cookie: b=2"]


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_no_value_can_end_its_line(name, value):
    """An identity with a line end is an error of the decision, never a second header."""
    try:
        lines = field_lines([(name, value)])
    except BadDecision:
        assert set(name + value) & {0, 10, 13}
    else:
        assert lines == name + b": " + value + b"\r\n"
        assert not set(name + value) & {0, 10, 13}


def test_a_bad_header_to_set_is_refused():
    """With a named error."""
    with pytest.raises(BadDecision):
        outgoing(carry=Carry("unix:/x", "x", set_headers=[(b"x", b"a\r\nb: c")]))
