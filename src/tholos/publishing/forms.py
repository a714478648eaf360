"""A form with files (multipart/form-data, RFC 7578) that lies in memory or in a mapped file: where each part is. Pure.

Frameworks keep up to a megabyte of each file in memory; a folder has thousands of files. Here nothing is copied: a part is a
range of the body.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tholos.kit.errors import Invalid

HEADERS_AT_MOST = 8_192
_BOUNDARY = re.compile(
    r"""multipart/form-data\s*;.*?\bboundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE
)
_DISPOSITION = re.compile(r"content-disposition:[ \t]*form-data\b(.*)", re.IGNORECASE)
_PARAMETER = re.compile(r""";[ \t]*(name|filename)=(?:"((?:\\.|[^"\\])*)"|([^\s;"]+))""", re.IGNORECASE)
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n", "%0d": "\r", "%0a": "\n"}
"""What browsers write for these three characters in names (HTML standard, 4.10.21.8); nothing else is escaped."""

Body = bytes | mmap.mmap


class BadForm(Invalid):
    """Cannot read this form: it is damaged."""

    code = "bad_form"


@dataclass(frozen=True, slots=True)
class Part:
    """One field; its value is what stands between start and end."""

    name: str
    filename: str | None
    """None for a field that is no file."""
    start: int
    end: int


def boundary_of(content_type: str) -> bytes:
    """What separates the parts.

    Raises: BadForm.
    """
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise BadForm(
            "Cannot read this form: it is not multipart/form-data.", fix="Send it from the publish page."
        )
    return (found[1] or found[2]).encode("latin-1", "replace")


def parts(body: Body, boundary: bytes, *, most: int) -> Iterator[Part]:
    """Every part in order.

    Raises: BadForm: it is damaged, or has more than so many parts.
    """
    mark = b"--" + boundary
    if body[: len(mark)] != mark:
        raise BadForm("Cannot read this form: it does not begin with its boundary.", fix="Send it again.")
    position, count = len(mark), 0
    while body[position : position + 2] == b"\r\n":
        count += 1
        if count > most:
            raise BadForm(f"Cannot read this form: it has more than {most} fields.", fix="Send fewer files.")
        start = body.find(b"\r\n\r\n", position, position + HEADERS_AT_MOST)
        end = body.find(b"\r\n" + mark, max(start, position) + 2)
        if start < 0 or end < 0:
            raise BadForm("Cannot read this form: a part of it is cut off.", fix="Send it again.")
        name, filename = _names(bytes(body[position:start]))
        yield Part(name, filename, start + 4, max(end, start + 4))
        position = end + 2 + len(mark)
    if body[position : position + 2] != b"--":
        raise BadForm("Cannot read this form: it ends without its end mark.", fix="Send it again.")


def _names(headers: bytes) -> tuple[str, str | None]:
    for line in headers.decode("utf-8", "surrogateescape").split("\r\n"):
        found = _DISPOSITION.match(line)
        if found:
            named = {
                key.lower(): _unescaped(quoted or plain)
                for key, quoted, plain in _PARAMETER.findall(found[1])
            }
            return named.get("name", ""), named.get("filename")
    raise BadForm("Cannot read this form: a part of it has no name.", fix="Send it from the publish page.")


def _unescaped(text: str) -> str:
    plain = re.sub(r"%(?:22|0[DdAa])", lambda match: _ESCAPED[match[0]], text)
    return re.sub(r'\\(["\\])', r"\1", plain)
