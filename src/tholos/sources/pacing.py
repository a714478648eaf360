"""When each repository is looked at: at its own moment of every interval, so that a thousand of them spread evenly. Pure."""

from __future__ import annotations

import hashlib


def offset_of(key: str, interval_s: float) -> float:
    """Seconds into every interval; the same for a repository whenever the server starts, and whichever it is."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return number / 2**64 * interval_s


def next_look(key: str, now_s: float, interval_s: float) -> float:
    """The first moment of a repository that comes after now, in seconds on the same clock."""
    offset = offset_of(key, interval_s)
    passed = (now_s - offset) // interval_s
    found = (passed + 1) * interval_s + offset
    return found if found > now_s else found + interval_s
