"""Answers as bytes: an upstream's head read and written anew for the client, and answers of our own. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from tholos.gateway.errors import BadAnswer
from tholos.gateway.incoming import CHUNKED
from tholos.gateway.model import Answer
from tholos.gateway.outgoing import field_lines

UNTIL_CLOSE = -2
"""The length of a body that ends with its connection."""

_HEAD = re.compile(
    rb"HTTP/1\.([01]) ([1-5][0-9][0-9])( [\t\x20-\x7e\x80-\xff]*+)?\r\n"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+)\r\n"
)
_SPECIAL = frozenset(
    {
        b"connection",
        b"content-length",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NOTHING: frozenset[bytes] = frozenset()
_NO_BODY = frozenset({204, 304})
_REASONS = {status.value: f" {status.phrase}".encode("ascii") for status in HTTPStatus}


@dataclass(slots=True)
class AnswerHead:
    """An upstream's answer before its body."""

    status: int
    reason: bytes
    """With the blank before it, or empty."""
    fields: bytes
    """Header lines to hand on."""
    length: int
    """Of the body in bytes, CHUNKED or UNTIL_CLOSE; for an answer to HEAD and for a 304 what a GET would have brought."""
    keep_alive: bool
    upgrade: bytes


def parse_answer(block: bytes) -> AnswerHead:
    """Reads a head, from the status line to the empty line, and takes out what belongs to the one connection.

    Raises:
        BadAnswer: it is not of the form of RFC 9112, or its length is ambiguous.
    """
    match = _HEAD.fullmatch(block)
    if match is None:
        raise BadAnswer
    minor, status, reason, fields = match.groups(b"")
    kept, special = _split(fields)
    options = _options(special) if b"connection" in special else _NOTHING
    if options:
        kept = [line for line in kept if line[: line.index(b":")].lower() not in options]
    keep_alive = b"close" not in options if minor == b"1" else b"keep-alive" in options
    upgrade = b", ".join(special.get(b"upgrade", ()))
    fields = b"\r\n".join([*kept, b""])
    return AnswerHead(int(status), reason, fields, _length(special), keep_alive, upgrade)


def _split(fields: bytes) -> tuple[list[bytes], dict[bytes, list[bytes]]]:
    kept: list[bytes] = []
    special: dict[bytes, list[bytes]] = {}
    for line in fields.split(b"\r\n"):
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in _SPECIAL:
            special.setdefault(name, []).append(value.strip(b" \t"))
        elif line:
            kept.append(line)
    return kept, special


def _options(special: dict[bytes, list[bytes]]) -> frozenset[bytes]:
    values = b",".join(special[b"connection"])
    return frozenset(option.strip(b" \t").lower() for option in values.split(b","))


def _length(special: dict[bytes, list[bytes]]) -> int:
    codings = special.get(b"transfer-encoding")
    lengths = special.get(b"content-length")
    if codings is not None:
        if lengths is not None or len(codings) != 1 or codings[0].lower() != b"chunked":
            raise BadAnswer
        return CHUNKED
    if lengths is None:
        return UNTIL_CLOSE
    if len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > 18:
        raise BadAnswer
    return int(lengths[0])


def render_interim(answer: AnswerHead) -> bytes:
    """A 1xx answer other than 101, for a client that speaks HTTP/1.1."""
    return b"HTTP/1.1 %d%b\r\n%b\r\n" % (answer.status, answer.reason or b" ", answer.fields)


def render_switch(answer: AnswerHead, added: bytes) -> bytes:
    """A 101 answer; ``added`` are the decision's header lines."""
    lines = b"connection: upgrade\r\nupgrade: " + answer.upgrade + b"\r\n"
    return b"HTTP/1.1 101%b\r\n%b%b%b\r\n" % (answer.reason or b" ", answer.fields, added, lines)


def render_answer(answer: AnswerHead, *, added: bytes, framing: bytes) -> bytes:
    """A final answer; ``framing`` are the lines about its length and connection."""
    return b"HTTP/1.1 %d%b\r\n%b%b%b\r\n" % (
        answer.status,
        answer.reason or b" ",
        answer.fields,
        added,
        framing,
    )


def has_no_body(status: int, method: str) -> bool:
    """Whether an answer ends with its head, whatever its headers say (RFC 9112 6.3)."""
    return status in _NO_BODY or method == "HEAD"


def render_own(answer: Answer, *, method: str, connection: bytes, date: bytes) -> bytes:
    """An answer of our own, complete.

    Raises:
        BadDecision: one of its headers is not one line.
    """
    names = {name.lower() for name, _ in answer.headers}
    lines = [b"HTTP/1.1 %d%b\r\n" % (answer.status, _REASONS.get(answer.status, b" "))]
    if b"date" not in names:
        lines.append(b"date: " + date + b"\r\n")
    lines.append(field_lines(answer.headers))
    if b"content-length" not in names and answer.status not in _NO_BODY:
        lines.append(b"content-length: %d\r\n" % len(answer.body))
    lines.append(connection + b"\r\n")
    if not has_no_body(answer.status, method):
        lines.append(answer.body)
    return b"".join(lines)


def plain_answer(status: int, text: str) -> Answer:
    """A short answer in plain text, for when nothing better can be rendered."""
    return Answer(status, [(b"content-type", b"text/plain; charset=utf-8")], text.encode() + b"\n")
