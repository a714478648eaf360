"""Text as every database and every answer takes it."""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_NUL_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
FORM = "application/x-www-form-urlencoded"


def storable(text: str) -> str:
    """The text with what cannot be kept or sent replaced: NUL, which PostgreSQL refuses, and halves of characters."""
    if "\0" not in text and text.isascii():
        return text
    return _UNKEPT.sub(REPLACEMENT, text)


def brings_nul(data: bytes | bytearray, content_type: str) -> bool:
    """Whether what was sent, JSON or a form or a query, says a text with NUL in it."""
    if b"\0" in data:
        return True
    if content_type.partition(";")[0].strip().lower() == FORM:
        return b"%00" in data
    return b"\\u0000" in data and _NUL_IN_JSON.search(data) is not None
