"""Identifiers: a prefix that says of what, then 26 characters that sort by the time they were made.

The 26 characters are those of a ULID (48 bits of milliseconds, 80 random bits, Crockford's base 32) in lower case, so
that they stand in host names, file names and gateway configuration as they are.
"""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is misread: no 0 O 1 I L U


def new_id(prefix: str) -> str:
    """A new identifier such as ``app_01jcz…``; unique, and sortable among those of other milliseconds."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """A one-time code that people can read out: four groups of five, 98 bits."""
    letters = [secrets.choice(_CODE_ALPHABET) for _ in range(20)]
    return "-".join("".join(letters[start : start + 5]) for start in range(0, 20, 5))
