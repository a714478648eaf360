"""The head that goes upstream: what the client sent, less what ends here, plus what the decision sets. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from tholos.gateway.cookies import without_cookies
from tholos.gateway.errors import BadDecision
from tholos.gateway.incoming import CHUNKED, Request
from tholos.gateway.model import Carry, Header

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
        # CGI hands it on as HTTP_PROXY, which many HTTP clients obey.
        b"proxy",
    }
)
"""Headers of one connection only (RFC 9110 7.6.1), and two that no application should ever get."""


def render_request(request: Request, carry: Carry) -> bytes:
    """The request line and headers for an upstream, always HTTP/1.1.

    Raises:
        BadDecision: a header to set would end its line early.
    """
    head = request.head
    block = field_lines(carry.set_headers)
    parts = [
        head.method.encode("ascii"),
        b" ",
        (carry.target or head.target).encode("ascii"),
        b" HTTP/1.1\r\n",
    ]
    _add_kept(parts, request, carry)
    if request.length == CHUNKED:
        parts.append(b"transfer-encoding: chunked\r\n")
    if request.upgrade:
        parts += (b"connection: upgrade\r\nupgrade: ", request.upgrade, b"\r\n")
    parts += (block, b"\r\n")
    return b"".join(parts)


def _add_kept(parts: list[bytes], request: Request, carry: Carry) -> None:
    removed = HOP_BY_HOP | carry.remove_headers | request.connection_named
    if carry.set_headers:
        removed = removed.union([name for name, _ in carry.set_headers])
    prefixes = carry.remove_prefixes
    cookies = carry.remove_cookies
    for name, value in request.head.headers:
        if name in removed or (prefixes and name.startswith(prefixes)):
            continue
        if cookies and name == b"cookie":
            value = without_cookies(value, cookies)  # noqa: PLW2901 - the same header, cleaned
            if not value.strip(b" \t"):
                continue
        parts += (name, b": ", value, b"\r\n")


def field_lines(headers: Sequence[Header]) -> bytes:
    """Headers as lines.

    Raises:
        BadDecision: a name or value holds a line end or NUL.
    """
    if not headers:
        return b""
    block = b"".join([b"%b: %b\r\n" % header for header in headers])
    count = len(headers)
    if block.count(b"\n") != count or block.count(b"\r") != count or b"\0" in block:
        raise BadDecision
    return block
