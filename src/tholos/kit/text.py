"""Text as every database and every answer takes it."""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"
_UNKEPT = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with what cannot be kept or sent replaced: NUL, which PostgreSQL refuses, and halves of characters."""
    if "\0" not in text and text.isascii():
        return text
    return _UNKEPT.sub(REPLACEMENT, text)
