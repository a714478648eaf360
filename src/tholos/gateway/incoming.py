"""A request's head, read strictly: bytes to a `Request`, or a named refusal. No I/O.

`httptools` refuses bare LF, folded lines, control characters, blanks before a colon, two lengths and a length beside a
transfer coding; what RFC 9112 leaves to a recipient beyond that is refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from tholos.gateway.errors import BadRequest
from tholos.gateway.limits import Limits
from tholos.gateway.model import Header, RequestHead

CHUNKED = -1
"""The length of a body whose length is not said in advance."""

_FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade"})
_NOT_DROPPED = frozenset({b"host", b"content-length", b"transfer-encoding"})
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)
_LINE = re.compile(rb"[A-Z-]+ [^ \t\r\n]+ HTTP/1\.([01])\r\n")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_NOTHING: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class Request:
    """A checked head with what the carrier needs to know about its framing."""

    head: RequestHead
    is_11: bool
    keep_alive: bool
    length: int
    """Of the body in bytes, or CHUNKED."""
    connection_named: frozenset[bytes]
    """Headers that ``Connection`` names and that therefore end here (RFC 9110 7.6.1)."""
    upgrade: bytes
    """The Upgrade header to hand on, empty for none."""


class _Collector:
    """What httptools reports; names with an underscore are not kept, because CGI and WSGI read them as dashes."""

    __slots__ = ("count", "framing", "headers", "url")

    def __init__(self) -> None:
        self.url = b""
        self.count = 0
        self.headers: list[Header] = []
        self.framing: dict[bytes, list[bytes]] = {}

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self.count += 1
        if name in _FRAMING:
            self.framing.setdefault(name, []).append(value.rstrip(b" \t"))
        if b"_" not in name:
            self.headers.append((name, value))


def parse_request(block: bytes, peer: str, limits: Limits) -> Request:
    """Reads one head, from the request line to the empty line.

    Raises:
        BadRequest: with the status to answer: 400, 414 or 431. The connection must be closed after it.
    """
    check_start(block, limits)
    found = _Collector()
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(block)
    except httptools.HttpParserUpgrade:
        pass  # ours to decide: the head is complete either way
    except httptools.HttpParserError as error:
        raise BadRequest(f"Cannot read the request: {error}.") from error
    if found.count > limits.max_headers:
        raise BadRequest("Cannot read the request: it has too many headers.", status=431)
    return _checked(found, parser.get_method(), block, peer)


def check_start(block: bytes | bytearray, limits: Limits) -> None:
    """Refuses what can be refused before the head is complete: overlong lines and blocks, line ends without CR."""
    line = block.find(b"\n", 0, limits.max_line + 1)
    if line < 0 and len(block) > limits.max_line:
        raise BadRequest("Cannot read the request: its first line is too long.", status=414)
    if len(block) > limits.max_head:
        raise BadRequest("Cannot read the request: its headers are too long.", status=431)


def check_unfinished(block: bytes | bytearray, limits: Limits) -> None:
    """The same for a head whose end has not arrived."""
    check_start(block, limits)
    if _BARE_LF.search(block):
        raise BadRequest("Cannot read the request: a line ends without CR.")


def _checked(found: _Collector, method: bytes, block: bytes, peer: str) -> Request:
    line = _LINE.match(block)
    if line is None:
        raise BadRequest("Cannot read the request: only HTTP/1.0 and HTTP/1.1 are spoken here.")
    is_11 = line[1] == b"1"
    framing = found.framing
    host = _host(framing)
    options = _connection_options(framing)
    upgrade = _upgrade(framing, options) if is_11 else b""
    head = RequestHead(
        method.decode("ascii"),
        _target(found.url, method, host),
        host.decode("ascii"),
        found.headers,
        peer,
        upgrade.decode("latin-1").lower(),
    )
    keep_alive = b"close" not in options if is_11 else b"keep-alive" in options
    return Request(head, is_11, keep_alive, _length(framing, is_11), options - _NOT_DROPPED, upgrade)


def _host(framing: dict[bytes, list[bytes]]) -> bytes:
    hosts = framing.get(b"host", ())
    if len(hosts) != 1 or _HOST.fullmatch(hosts[0]) is None:
        raise BadRequest("Cannot read the request: it needs exactly one well-formed Host header.")
    return hosts[0].lower()


def _target(url: bytes, method: bytes, host: bytes) -> str:
    """The target in origin form; an absolute one must name the same host (RFC 9112 3.2.2), and nobody asks for a tunnel here."""
    if method == b"CONNECT":
        raise BadRequest("Cannot read the request: no tunnels are made here.")
    if not url.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(url)
        if absolute is not None:
            if absolute[1].lower() != host:
                raise BadRequest(
                    "Cannot read the request: its target names another host than its Host header."
                )
            url = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
        elif url != b"*" or method != b"OPTIONS":
            raise BadRequest("Cannot read the request: its target is not a path.")
    if b"#" in url:
        raise BadRequest("Cannot read the request: its target has a fragment.")
    return url.decode("ascii")


def _length(framing: dict[bytes, list[bytes]], is_11: bool) -> int:
    codings = framing.get(b"transfer-encoding")
    lengths = framing.get(b"content-length")
    if codings is not None:
        if lengths is not None or not is_11 or len(codings) != 1 or codings[0].lower() != b"chunked":
            raise BadRequest(
                "Cannot read the request: its body must be either chunked or of one given length."
            )
        return CHUNKED
    if lengths is None:
        return 0
    if len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > 18:
        raise BadRequest("Cannot read the request: its Content-Length is not one number.")
    return int(lengths[0])


def _connection_options(framing: dict[bytes, list[bytes]]) -> frozenset[bytes]:
    values = framing.get(b"connection")
    if values is None:
        return _NOTHING
    return frozenset(option.strip(b" \t").lower() for option in b",".join(values).split(b","))


def _upgrade(framing: dict[bytes, list[bytes]], options: frozenset[bytes]) -> bytes:
    """The protocols asked for, without ``h2c``: that is HTTP again, and would walk past every header we set."""
    values = framing.get(b"upgrade")
    if values is None or b"upgrade" not in options:
        return b""
    asked = [protocol.strip(b" \t") for protocol in b",".join(values).split(b",")]
    return b", ".join(protocol for protocol in asked if protocol and not protocol.lower().startswith(b"h2"))
